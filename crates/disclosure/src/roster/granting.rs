//! Grants: given by a supervisor of the agency whose data it is, and taken back.

use super::{Approved, Denied, Granted, NotDone, Refusal, Roster};
use access::{
    NotAnIntent, Purpose, Role, Verb,
    grant::{Grant, NotGranted},
    limits::CASE_OCTETS_MAX,
    staff::Staff,
};
use model::{AgencyId, GrantId, Private, StaffId, Timestamp};
use store::Overseen;

/// A grant that somebody is going to give.
#[derive(Clone, Debug)]
pub struct NewGrant {
    /// To whom.
    pub staff: StaffId,
    /// For which case.
    pub case: Private<String>,
    /// Why.
    pub purpose: Purpose,
    /// To do what.
    pub verbs: Vec<Verb>,
    /// How many rows in all.
    pub rows_max: u32,
    /// From when.
    pub from: Timestamp,
    /// Until when, which is excluded.
    pub until: Timestamp,
}

impl Roster {
    /// Gives a grant for the data of one's own agency, to somebody of it or of another one.
    ///
    /// # Errors
    /// [`NotDone::NotGranted`], [`Refusal::EmptyGrant`], a case that is none; [`NotDone::NotThere`]
    /// when nobody whose access stands has the number; [`NotDone::NotEntered`] when the log cannot
    /// take it.
    pub fn give(&self, by: &Staff, new: NewGrant) -> Result<GrantId, NotDone> {
        let _turn = self.turn();
        let by = self.fresh(by)?;
        let mut verbs = new.verbs;
        verbs.sort_unstable();
        verbs.dedup();
        let grant = Grant {
            id: self.0.store.next_grant()?,
            staff: new.staff,
            case: Private::new(case(new.case.expose())?),
            purpose: new.purpose,
            owner: by.agency,
            verbs,
            rows_max: new.rows_max,
            from: new.from,
            until: new.until,
            given_by: by.id,
            revoked: false,
        };
        grant.check(&by, self.now())?;
        if grant.verbs.is_empty() || grant.rows_max == 0 {
            return Err(Refusal::EmptyGrant.into());
        }
        if self.row(grant.staff)?.staff.revoked {
            return Err(NotDone::NotThere);
        }
        let granted = Granted {
            grant: grant.id,
            staff: grant.staff,
            case: grant.case.clone(),
            purpose: grant.purpose,
            verbs: grant.verbs.clone(),
            rows_max: grant.rows_max,
            from: grant.from,
            until: grant.until,
        };
        let act = self.next_act()?;
        let detail = Approved::Grant { by: by.id, granted: Box::new(granted) };
        let of = (grant.staff, None);
        self.oversee((Overseen::Approval, act), &detail, grant.owner, Some(by.id), of)?;
        self.0.store.add_grant(&grant)?;
        Ok(grant.id)
    }

    /// The number of whoever logs in with this name at an agency, for somebody who gives grants.
    ///
    /// # Errors
    /// [`NotDone::NotGranted`] for everybody who gives none: they learn of no name;
    /// [`NotDone::NotThere`] when nobody there has the name.
    pub fn grantee(&self, by: &Staff, agency: AgencyId, name: &str) -> Result<StaffId, NotDone> {
        if self.fresh(by)?.role != Role::Supervisor {
            return Err(NotGranted::Giver.into());
        }
        self.named(agency, name)
    }

    /// Takes a grant back: a supervisor of the agency whose data it is, or whoever has it.
    ///
    /// # Errors
    /// [`NotDone::NotThere`] when it is not for them to take back; [`NotDone::NotEntered`] when the
    /// log cannot take it.
    pub fn take_back(&self, by: &Staff, id: GrantId) -> Result<(), NotDone> {
        let _turn = self.turn();
        let by = self.fresh(by)?;
        let grant = self.0.store.grants()?.into_iter().find(|grant| grant.id == id);
        let may = |grant: &Grant| {
            grant.staff == by.id || (by.role == Role::Supervisor && by.agency == grant.owner)
        };
        let grant = grant.filter(may).ok_or(NotDone::NotThere)?;
        let act = self.next_act()?;
        let detail = Denied::Grant { by: by.id, grant: id };
        let of = (grant.staff, None);
        self.oversee((Overseen::Denial, act), &detail, grant.owner, Some(by.id), of)?;
        Ok(self.0.store.revoke_grant(id, self.now())?)
    }

    /// The grants one has, and for supervisors and auditors those for the data of their agency,
    /// each with the rows that were seen under it.
    ///
    /// # Errors
    /// [`NotDone::Unusable`] when the access has ended; [`NotDone::Store`] when the database fails.
    pub fn grants(&self, by: &Staff) -> Result<Vec<(Grant, u32)>, NotDone> {
        let by = self.fresh(by)?;
        let all = matches!(by.role, Role::Supervisor | Role::Auditor);
        let grants = self.0.store.grants()?.into_iter();
        let seen = grants.filter(|grant| grant.staff == by.id || (all && grant.owner == by.agency));
        seen.map(|grant| {
            let used = self.0.store.used_under(grant.id)?;
            Ok((grant, used))
        })
        .collect()
    }
}

/// The number of a case, as [`access::Intent::check`] wants it.
pub(super) fn case(case: &str) -> Result<String, NotDone> {
    let case = case.trim();
    if case.is_empty() || case.len() > CASE_OCTETS_MAX || case.chars().any(char::is_control) {
        return Err(NotAnIntent::Case.into());
    }
    Ok(case.to_owned())
}
