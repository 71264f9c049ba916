//! Who is on the staff. A change stands in the log before it takes effect.

use super::{NotDone, Refusal, Roster, StaffChange, StaffChanged, limits, secret};
use access::{Role, staff::Staff};
use evidence::Statement;
use model::{AgencyId, Private, StaffId};
use store::{NewStaff, StaffRow, staff::Enrolment};

/// Somebody can choose a password now.
#[derive(Clone, Debug)]
pub struct Invited {
    /// Who.
    pub staff: StaffId,
    /// What lets them, once, for [`limits::ENROLMENT_MAX`]. It is handed over to
    /// them and kept nowhere.
    pub token: Private<String>,
}

impl Roster {
    /// Adds the first it-admin, with the token of the set-up: only while there is nobody who could
    /// add staff.
    ///
    /// # Errors
    /// [`Refusal::NotFirst`], [`Refusal::Token`], [`Refusal::Name`]; [`NotDone::NotEntered`] when
    /// the log cannot take it.
    pub fn first(&self, setup: &str, agency: AgencyId, name: &str) -> Result<Invited, NotDone> {
        let _turn = self.turn();
        let wanted = self.0.config.setup.as_ref();
        let hash = |token: &str| secret::token_hash(token);
        if wanted.is_none_or(|wanted| hash(wanted.expose()) != hash(setup)) {
            return Err(Refusal::Token.into());
        }
        let admin = |row: &StaffRow| row.staff.role == Role::ItAdmin && !row.staff.revoked;
        if self.everybody()?.iter().any(admin) {
            return Err(Refusal::NotFirst.into());
        }
        self.invite(None, agency, name, Role::ItAdmin)
    }

    /// Adds somebody, who then chooses a password with the token that this gives.
    ///
    /// An it-admin adds staff of their agency, and the first it-admin of an agency that has none.
    /// Once an agency has a supervisor, another one is made by a supervisor, from somebody who was
    /// added with another role: no single person makes up a second pair of eyes.
    ///
    /// # Errors
    /// [`Refusal::ItAdmin`], [`Refusal::Supervisor`], [`Refusal::Name`], a name that is taken;
    /// [`NotDone::NotEntered`] when the log cannot take it.
    pub fn add(
        &self,
        by: &Staff,
        agency: AgencyId,
        name: &str,
        role: Role,
    ) -> Result<Invited, NotDone> {
        let _turn = self.turn();
        let by = self.fresh(by)?;
        let everybody = self.everybody()?;
        let has = |role| has(&everybody, agency, role);
        let first_admin = role == Role::ItAdmin && !has(Role::ItAdmin);
        if by.role != Role::ItAdmin || (by.agency != agency && !first_admin) {
            return Err(Refusal::ItAdmin.into());
        }
        if role == Role::Supervisor && has(Role::Supervisor) {
            return Err(Refusal::Supervisor.into());
        }
        self.invite(Some(by.id), agency, name, role)
    }

    /// Gives somebody another role. Whose calls their log-in showed, it shows no longer.
    ///
    /// # Errors
    /// [`Refusal::Own`], [`Refusal::ItAdmin`], [`Refusal::Supervisor`], [`Refusal::LastAdmin`];
    /// [`NotDone::NotThere`] when nobody of the agency has the number; [`NotDone::NotEntered`] when
    /// the log cannot take it.
    pub fn set_role(&self, by: &Staff, id: StaffId, role: Role) -> Result<(), NotDone> {
        let _turn = self.turn();
        let by = self.fresh(by)?;
        let everybody = self.everybody()?;
        let row = colleague(&everybody, &by, id)?;
        let from = row.staff.role;
        let has_supervisor = has(&everybody, by.agency, Role::Supervisor);
        let by_supervisor = role == Role::Supervisor && has_supervisor;
        match by.role {
            Role::Supervisor if by_supervisor => {}
            Role::ItAdmin if by_supervisor => return Err(Refusal::Supervisor.into()),
            Role::ItAdmin => {}
            Role::Investigator
            | Role::Clerk
            | Role::Supervisor
            | Role::Auditor
            | Role::Defence
            | Role::Inspector
            | Role::Person
            | Role::Counsel => return Err(Refusal::ItAdmin.into()),
        }
        not_last_admin(&everybody, row, role != Role::ItAdmin)?;
        self.changed(Some(by.id), (by.agency, id), StaffChange::Role { from, to: role })?;
        Ok(self.0.store.set_role(id, role, self.now())?)
    }

    /// Takes somebody's access away: their sessions, grants and ties end at once.
    ///
    /// # Errors
    /// [`Refusal::Own`], [`Refusal::Revoker`], [`Refusal::LastAdmin`]; [`NotDone::NotThere`] when
    /// nobody of the agency has the number; [`NotDone::NotEntered`] when the log cannot take it.
    pub fn revoke(&self, by: &Staff, id: StaffId) -> Result<(), NotDone> {
        let _turn = self.turn();
        let by = self.fresh(by)?;
        let everybody = self.everybody()?;
        let row = colleague(&everybody, &by, id)?;
        if by.role != Role::ItAdmin && by.role != Role::Supervisor {
            return Err(Refusal::Revoker.into());
        }
        not_last_admin(&everybody, row, true)?;
        self.changed(Some(by.id), (by.agency, id), StaffChange::Revoked)?;
        Ok(self.0.store.revoke_staff(id, self.now())?)
    }

    /// Ends a lock or a long absence. With `anew` the password and the secret of codes are void,
    /// and they choose new ones with the token that this gives; whose calls the log-in showed ends,
    /// because the token is in the hands of whoever asked for it.
    ///
    /// # Errors
    /// [`Refusal::Own`], [`Refusal::ItAdmin`]; [`NotDone::Unusable`] when the access was revoked;
    /// [`NotDone::NotThere`] when nobody of the agency has the number; [`NotDone::NotEntered`] when
    /// the log cannot take it.
    pub fn release(&self, by: &Staff, id: StaffId, anew: bool) -> Result<Option<Invited>, NotDone> {
        let _turn = self.turn();
        let by = self.fresh(by)?;
        let everybody = self.everybody()?;
        let row = colleague(&everybody, &by, id)?;
        if by.role != Role::ItAdmin {
            return Err(Refusal::ItAdmin.into());
        }
        if row.staff.revoked {
            return Err(access::staff::Unusable::Revoked.into());
        }
        let (token, enrolment) = self.enrolment()?;
        self.changed(Some(by.id), (by.agency, id), StaffChange::Released { anew })?;
        self.0.store.release_staff(id, anew.then_some(enrolment), self.now())?;
        Ok(anew.then_some(Invited { staff: id, token }))
    }

    /// The staff of one's own agency, for who adds them, answers for them or checks them; everybody
    /// else sees themselves.
    ///
    /// # Errors
    /// [`NotDone::Unusable`] when the access has ended.
    pub fn colleagues(&self, by: &Staff) -> Result<Vec<StaffRow>, NotDone> {
        let by = self.fresh(by)?;
        let sees = match by.role {
            Role::ItAdmin | Role::Supervisor | Role::Auditor => true,
            Role::Investigator
            | Role::Clerk
            | Role::Defence
            | Role::Inspector
            | Role::Person
            | Role::Counsel => false,
        };
        let seen = |row: &StaffRow| match sees {
            true => row.staff.agency == by.agency,
            false => row.staff.id == by.id,
        };
        Ok(self.everybody()?.into_iter().filter(seen).collect())
    }

    /// The number of whoever of the agency logs in with this name.
    ///
    /// # Errors
    /// [`NotDone::NotThere`] when nobody of the agency does.
    pub fn named(&self, agency: AgencyId, name: &str) -> Result<StaffId, NotDone> {
        let found = self.0.store.credentials(name)?.map(|found| found.row.staff);
        let found = found.filter(|staff| staff.agency == agency);
        found.map(|staff| staff.id).ok_or(NotDone::NotThere)
    }

    /// The agency with this key.
    ///
    /// # Errors
    /// [`NotDone::NotThere`] when there is none.
    pub fn agency(&self, key: &str) -> Result<AgencyId, NotDone> {
        let found = self.0.store.agencies()?.into_iter().find(|row| row.key == key);
        found.map(|row| row.id).ok_or(NotDone::NotThere)
    }

    fn invite(
        &self,
        by: Option<StaffId>,
        agency: AgencyId,
        name: &str,
        role: Role,
    ) -> Result<Invited, NotDone> {
        let name = name.trim();
        let fits = (1..=limits::NAME_CHARS_MAX).contains(&name.chars().count());
        if !fits || name.chars().any(char::is_control) {
            return Err(Refusal::Name.into());
        }
        if !self.0.store.agencies()?.iter().any(|row| row.id == agency) {
            return Err(NotDone::NotThere);
        }
        if self.0.store.credentials(name)?.is_some() {
            return Err(store::StoreError::from(store::Refused::StaffNameTaken).into());
        }
        let (token, enrolment) = self.enrolment()?;
        let id = self.0.store.next_staff()?;
        self.changed(by, (agency, id), StaffChange::Added { role })?;
        let name = Private::new(name.to_owned());
        self.0.store.add_staff(&NewStaff { id, agency, name, role, enrolment }, self.now())?;
        Ok(Invited { staff: id, token })
    }

    fn enrolment(&self) -> Result<(Private<String>, Enrolment), NotDone> {
        let (token, hash) = secret::draw_token()?;
        let until = self.now().after(limits::ENROLMENT_MAX);
        Ok((token, Enrolment { token: hash, until }))
    }

    /// Enters a change with the roles of the agency as they are after it.
    pub(super) fn changed(
        &self,
        by: Option<StaffId>,
        (agency, id): (AgencyId, StaffId),
        change: StaffChange,
    ) -> Result<(), NotDone> {
        let detail = self.change(by, (agency, id), change)?;
        self.note(Statement::StaffChange { roles: detail.hash() }, &detail, agency)?;
        Ok(())
    }

    /// What the entry of a change says.
    pub(super) fn change(
        &self,
        by: Option<StaffId>,
        (agency, id): (AgencyId, StaffId),
        change: StaffChange,
    ) -> Result<StaffChanged, NotDone> {
        let mut salt = [0; 32];
        getrandom::fill(&mut salt).map_err(|_| NotDone::NoRandomness)?;
        let rows = self.everybody()?;
        let working = rows.iter().filter(|row| row.staff.agency == agency && !row.staff.revoked);
        let mut roles: Vec<_> = working.map(|row| (row.staff.id, row.staff.role)).collect();
        match &change {
            StaffChange::Added { role } => roles.push((id, *role)),
            StaffChange::Role { to, .. } => {
                roles.iter_mut().filter(|(of, _)| *of == id).for_each(|(_, role)| *role = *to);
            }
            StaffChange::Revoked => roles.retain(|(of, _)| *of != id),
            StaffChange::Released { .. } | StaffChange::Tied { .. } | StaffChange::Untied => {}
        }
        Ok(StaffChanged { salt, by, staff: id, change, roles })
    }
}

/// Somebody else of the same agency.
pub(super) fn colleague<'a>(
    everybody: &'a [StaffRow],
    by: &Staff,
    id: StaffId,
) -> Result<&'a StaffRow, NotDone> {
    let row = everybody.iter().find(|row| row.staff.id == id && row.staff.agency == by.agency);
    let row = row.ok_or(NotDone::NotThere)?;
    if id == by.id {
        return Err(Refusal::Own.into());
    }
    Ok(row)
}

fn has(everybody: &[StaffRow], agency: AgencyId, role: Role) -> bool {
    let is = |row: &StaffRow| row.staff.agency == agency && row.staff.role == role;
    everybody.iter().any(|row| is(row) && !row.staff.revoked)
}

/// Whether somebody could add staff afterwards, where `row` is no it-admin any more.
fn not_last_admin(everybody: &[StaffRow], row: &StaffRow, goes: bool) -> Result<(), Refusal> {
    let other = |other: &&StaffRow| other.staff.id != row.staff.id && !other.staff.revoked;
    let is = |other: &StaffRow| {
        other.staff.agency == row.staff.agency && other.staff.role == Role::ItAdmin
    };
    let goes = goes && row.staff.role == Role::ItAdmin && !row.staff.revoked;
    if goes && !everybody.iter().filter(other).any(is) {
        return Err(Refusal::LastAdmin);
    }
    Ok(())
}
