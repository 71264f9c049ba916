//! Whose calls the log-in of a person or of counsel shows: proposed by an it-admin, in force once a
//! supervisor agreed.
//!
//! Somebody who is tied to the wrong person is shown somebody else's calls. So whoever ties says
//! number and name, and is told that there is nobody where the two are not of one person; a second
//! person agrees, once the log-in has a password, and asks them whether it is theirs; a log-in has
//! one tie, and a person one log-in. Whatever puts the log-in into other hands ends it: another
//! role, a new password, the end of access.

use super::{Approved, Denied, Invited, NotDone, Refusal, Roster, StaffChange, TiedTo, limits};
use crate::roster::{policy::note, staffing::colleague, words};
use access::{Role, staff::Staff};
use evidence::Statement;
use model::{AgencyId, Private, StaffId};
use store::{Overseen, OverseenRow, StaffRow, TieRow, TieState, TieTo, records::Own};

/// To whom a log-in shall be tied, in the words of who ties it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TieAsk {
    /// To a person of the agency.
    Person {
        /// The agency's number of the person.
        key: Private<String>,
        /// Their name, so that a slip in the number is found.
        name: Private<String>,
    },
    /// To the holder of protected numbers, letter for letter as the registry names them.
    Holder(Private<String>),
}

impl TieAsk {
    /// The role that such a log-in has.
    #[must_use]
    pub const fn role(&self) -> Role {
        match self {
            Self::Person { .. } => Role::Person,
            Self::Holder(_) => Role::Counsel,
        }
    }
}

/// A tie, for who proposes, agrees or checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tie {
    /// What it is.
    pub row: TieRow,
    /// The name of the log-in.
    pub name: Private<String>,
    /// How many protected numbers the holder has here now; `None` for a person.
    pub numbers: Option<usize>,
}

impl Roster {
    /// As [`Roster::add`], and proposes at once to whom the log-in is tied.
    ///
    /// # Errors
    /// As [`Roster::add`] and [`Roster::tie`]; nobody is added then.
    pub fn add_tied(
        &self,
        by: &Staff,
        (agency, role): (AgencyId, Role),
        name: &str,
        ask: &TieAsk,
    ) -> Result<(Invited, Tie), NotDone> {
        if role != ask.role() {
            return Err(Refusal::TieRole.into());
        }
        if by.role != Role::ItAdmin || by.agency != agency {
            return Err(Refusal::ItAdmin.into());
        }
        let ties = self.0.store.ties(agency, self.now())?;
        free(&ties, &self.found(agency, ask)?)?;
        let invited = self.add(by, agency, name, role)?;
        let tie = self.tie(by, invited.staff, ask)?;
        Ok((invited, tie))
    }

    /// Proposes to whom a log-in of one's agency is tied. Nothing is shown before a supervisor
    /// agrees.
    ///
    /// # Errors
    /// [`Refusal::ItAdmin`], [`Refusal::Own`], [`Refusal::TieRole`], [`Refusal::NobodyCalled`],
    /// [`Refusal::Tied`], [`Refusal::OtherLogIn`]; [`NotDone::NotThere`] when nobody of the agency
    /// has the log-in.
    pub fn tie(&self, by: &Staff, id: StaffId, ask: &TieAsk) -> Result<Tie, NotDone> {
        let _turn = self.turn();
        let (by, now) = (self.fresh(by)?, self.now());
        if by.role != Role::ItAdmin {
            return Err(Refusal::ItAdmin.into());
        }
        let everybody = self.everybody()?;
        let row = colleague(&everybody, &by, id)?;
        if row.staff.revoked {
            return Err(access::staff::Unusable::Revoked.into());
        }
        if row.staff.role != ask.role() {
            return Err(Refusal::TieRole.into());
        }
        let to = self.found(by.agency, ask)?;
        let ties = self.0.store.ties(by.agency, now)?;
        if ties.iter().any(|tie| tie.staff == id) {
            return Err(Refusal::Tied.into());
        }
        free(&ties, &to)?;
        let tie = TieRow {
            act: self.next_act()?,
            agency: by.agency,
            staff: id,
            to,
            by: by.id,
            asked: now,
            until: now.after(limits::REQUEST_MAX),
            approved: None,
        };
        self.0.store.add_tie(&tie)?;
        self.tell(by.agency, tie.act);
        self.shown(tie, &everybody)
    }

    /// Agrees to a tie that waits: a supervisor of the agency, and never who proposed it (CJIS
    /// Security Policy AC-5). The approval and the change become durable together, before it is in
    /// force.
    ///
    /// # Errors
    /// [`NotDone::NotThere`] when there is none that waits; [`Refusal::TieApprover`];
    /// [`Refusal::NotEnrolled`]; [`Refusal::NobodyCalled`] when its person or holder is not known
    /// by that name any more; [`NotDone::NotEntered`] when the log cannot take it.
    pub fn approve_tie(&self, by: &Staff, act: u64) -> Result<Tie, NotDone> {
        let _turn = self.turn();
        let (by, now) = (self.fresh(by)?, self.now());
        let tie = self.waiting_tie(&by, act)?;
        if by.role != Role::Supervisor || tie.by == by.id {
            return Err(Refusal::TieApprover.into());
        }
        let everybody = self.everybody()?;
        let row = colleague(&everybody, &by, tie.staff)?;
        row.staff.usable(now)?;
        if !row.enrolled {
            return Err(Refusal::NotEnrolled.into());
        }
        let ask = asked(&tie.to);
        if row.staff.role != ask.role() {
            return Err(Refusal::TieRole.into());
        }
        // It may be another one by now.
        if self.found(by.agency, &ask)? != tie.to {
            return Err(Refusal::NobodyCalled.into());
        }
        let to = said(&tie.to);
        let approval = Approved::Tie { by: by.id, asked: tie.by, staff: tie.staff, to: to.clone() };
        let change = StaffChange::Tied { to };
        let detail = self.change(Some(tie.by), (by.agency, tie.staff), change)?;
        let notes = [
            note(Statement::Approval { act }, &approval)?,
            note(Statement::StaffChange { roles: detail.hash() }, &detail)?,
        ];
        let entries = self.0.register.notes(&notes, by.agency, now)?;
        self.0.store.add_overseen(&OverseenRow {
            agency: by.agency,
            entry: entries.start,
            act,
            kind: Overseen::Approval,
            by: Some(by.id),
            of: tie.by,
            verb: None,
            at: now,
        })?;
        self.0.store.set_tie(act, TieState::Tied, (by.id, now))?;
        self.shown(TieRow { approved: Some((by.id, now)), ..tie }, &everybody)
    }

    /// Says no to a tie that waits, or takes one's own proposal back.
    ///
    /// # Errors
    /// As [`Roster::approve_tie`]; [`Refusal::Words`] when no reason is given.
    pub fn deny_tie(&self, by: &Staff, act: u64, why: &str) -> Result<(), NotDone> {
        let _turn = self.turn();
        let (by, why) = (self.fresh(by)?, words(why)?);
        let tie = self.waiting_tie(&by, act)?;
        if by.role != Role::Supervisor && tie.by != by.id {
            return Err(Refusal::TieApprover.into());
        }
        let detail = Denied::Tie { by: by.id, asked: tie.by, staff: tie.staff, why };
        let of = (tie.by, None);
        self.oversee((Overseen::Denial, act), &detail, by.agency, Some(by.id), of)?;
        Ok(self.0.store.set_tie(act, TieState::Denied, (by.id, self.now()))?)
    }

    /// Ends the tie of a log-in, at once, whether it is in force or waits: nothing is shown from
    /// now on.
    ///
    /// # Errors
    /// [`Refusal::Untier`], [`Refusal::Own`]; [`NotDone::NotThere`] when nobody of the agency has
    /// the log-in, or it is not tied; [`NotDone::NotEntered`] when the log cannot take it.
    pub fn untie(&self, by: &Staff, id: StaffId) -> Result<(), NotDone> {
        let _turn = self.turn();
        let (by, now) = (self.fresh(by)?, self.now());
        if !matches!(by.role, Role::ItAdmin | Role::Supervisor) {
            return Err(Refusal::Untier.into());
        }
        colleague(&self.everybody()?, &by, id)?;
        let ties = self.0.store.ties(by.agency, now)?;
        let tie = ties.into_iter().find(|tie| tie.staff == id).ok_or(NotDone::NotThere)?;
        self.changed(Some(by.id), (by.agency, id), StaffChange::Untied)?;
        Ok(self.0.store.set_tie(tie.act, TieState::Ended, (by.id, now))?)
    }

    /// The ties of one's agency, in force or waiting, for who proposes, agrees or checks; everybody
    /// else sees their own.
    ///
    /// # Errors
    /// [`NotDone::Unusable`] when the access has ended.
    pub fn ties(&self, by: &Staff) -> Result<Vec<Tie>, NotDone> {
        let by = self.fresh(by)?;
        let all = matches!(by.role, Role::ItAdmin | Role::Supervisor | Role::Auditor);
        let everybody = self.everybody()?;
        let ties = self.0.store.ties(by.agency, self.now())?.into_iter();
        let seen = ties.filter(|tie| all || tie.staff == by.id);
        seen.map(|tie| self.shown(tie, &everybody)).collect()
    }

    /// What is own to somebody at an agency now: nothing where their log-in is tied to nobody.
    pub(crate) fn own(&self, staff: &Staff, agency: AgencyId) -> Result<Option<Own>, NotDone> {
        let staff = self.fresh(staff)?;
        if !is_for_ones_own(staff.role) {
            return Ok(None);
        }
        let own = self.0.store.own_of(staff.id, agency)?;
        Ok(own.filter(|own| match own {
            Own::Person { .. } => staff.role == Role::Person,
            Own::Counsel(_) => staff.role == Role::Counsel,
        }))
    }

    /// To whom it is, as they are provisioned.
    fn found(&self, agency: AgencyId, ask: &TieAsk) -> Result<TieTo, NotDone> {
        let store = &self.0.store;
        match ask {
            TieAsk::Person { key, name } => {
                store.person_called(agency, (key, name))?.ok_or(Refusal::NobodyCalled.into())
            }
            TieAsk::Holder(holder) if store.held_by(agency, holder)? > 0 => {
                Ok(TieTo::Holder(holder.clone()))
            }
            TieAsk::Holder(_) => Err(Refusal::NobodyCalled.into()),
        }
    }

    fn waiting_tie(&self, by: &Staff, act: u64) -> Result<TieRow, NotDone> {
        let ties = self.0.store.ties(by.agency, self.now())?.into_iter();
        let mut waits = ties.filter(|tie| tie.act == act && tie.approved.is_none());
        waits.next().ok_or(NotDone::NotThere)
    }

    fn shown(&self, row: TieRow, everybody: &[StaffRow]) -> Result<Tie, NotDone> {
        let name = everybody.iter().find(|known| known.staff.id == row.staff);
        let name = name.map(|known| known.name.clone()).ok_or(NotDone::NotThere)?;
        let numbers = match &row.to {
            TieTo::Person { .. } => None,
            TieTo::Holder(holder) => Some(self.0.store.held_by(row.agency, holder)?),
        };
        Ok(Tie { row, name, numbers })
    }
}

/// Whether log-ins of a role are for what is one's own, and for nothing else.
pub(crate) const fn is_for_ones_own(role: Role) -> bool {
    matches!(role, Role::Person | Role::Counsel)
}

/// Whether no other log-in is a person's. A holder of protected numbers may be a firm, and have
/// several.
fn free(ties: &[TieRow], to: &TieTo) -> Result<(), Refusal> {
    let person = |to: &TieTo| match to {
        TieTo::Person { person, .. } => Some(*person),
        TieTo::Holder(_) => None,
    };
    let wanted = person(to);
    let taken = wanted.is_some() && ties.iter().any(|tie| person(&tie.to) == wanted);
    if taken { Err(Refusal::OtherLogIn) } else { Ok(()) }
}

fn asked(to: &TieTo) -> TieAsk {
    match to {
        TieTo::Person { key, name, .. } => TieAsk::Person { key: key.clone(), name: name.clone() },
        TieTo::Holder(holder) => TieAsk::Holder(holder.clone()),
    }
}

/// As entries name it.
fn said(to: &TieTo) -> TiedTo {
    match to {
        TieTo::Person { person, key, .. } => TiedTo::Person { person: *person, key: key.clone() },
        TieTo::Holder(holder) => TiedTo::Holder { holder: holder.clone() },
    }
}
