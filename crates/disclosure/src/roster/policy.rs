//! The policies of each agency: its own text in the place of the one that comes with the program,
//! every version of it kept.

use super::{
    Approved, Denied, NotDone, PolicyChanged, Refusal, Roster, limits, review::NOTHING, words,
};
use crate::Note;
use access::{
    Role, Scope, Verb,
    decide::NotAllowed,
    policy::{Policies, Question},
    staff::Staff,
};
use evidence::Statement;
use model::{AgencyId, StaffId};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};
use store::{Overseen, OverseenRow, PolicyRequestRow, PolicyRow, RequestState, StaffRow};

/// The text of an agency's policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyText {
    /// Whose.
    pub agency: AgencyId,
    /// Which version, from 1; 0 is the text that comes with the program.
    pub version: u32,
    /// SHA-256 over schema, law and text, as entries have it.
    pub hash: [u8; 32],
    /// The text.
    pub text: String,
}

/// What follows from proposing policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proposed {
    /// Another one must approve them under this number.
    Waits {
        /// Number of the act.
        act: u64,
    },
    /// They hold: they are the first, and nobody else could approve them.
    Set(PolicyText),
}

impl Roster {
    /// The policies by which the data of an agency are disclosed.
    #[must_use]
    pub fn policies(&self, owner: AgencyId) -> Arc<Policies> {
        let policies = self.0.policies.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(policies.get(&owner).unwrap_or(&self.0.builtin))
    }

    /// Whether somebody may see how the machine does that their agency's calls go through. What
    /// they see is about nobody, so it is decided and not entered.
    ///
    /// # Errors
    /// [`NotDone::Unusable`] when their access has ended; [`NotDone::NotAllowed`].
    pub fn may_watch(&self, by: &Staff) -> Result<(), NotDone> {
        let by = self.fresh(by)?;
        let (verb, scope) = (Verb::Watch, Scope::OwnAgency);
        let question = Question { role: by.role, verb, scope, given: NOTHING };
        let decided = self.policies(by.agency).decide(&question);
        Ok(decided.map_err(NotAllowed::from)?)
    }

    /// The text of one's agency's policies as it is now, or of the version with this hash, as an
    /// old entry has it.
    ///
    /// # Errors
    /// [`NotDone::NotThere`] when the agency never had such a version.
    pub fn policy(&self, by: &Staff, hash: Option<[u8; 32]>) -> Result<PolicyText, NotDone> {
        let by = self.fresh(by)?;
        let rows = self.0.store.policies()?.into_iter().filter(|row| row.agency == by.agency);
        let built = PolicyText {
            agency: by.agency,
            version: 0,
            hash: self.0.builtin.hash(),
            text: Policies::BUILTIN.to_owned(),
        };
        let own = rows.map(|row| PolicyText {
            agency: row.agency,
            version: row.version,
            hash: row.hash,
            text: row.text,
        });
        let fits = |text: &PolicyText| hash.is_none_or(|hash| hash == text.hash);
        std::iter::once(built).chain(own).rfind(fits).ok_or(NotDone::NotThere)
    }

    /// Proposes policies for one's own agency. The law, which is part of the program, stays. They
    /// hold from when another one approves them: whoever wants to see more must not be able to say
    /// alone that they may.
    ///
    /// The first own text of an agency in which there is nobody else who could approve holds at
    /// once: such an agency is being set up, and a second person whom the first has just made would
    /// only look like one. It stands in the log like any other change, with no approval before it.
    ///
    /// # Errors
    /// [`Refusal::PolicySetter`]; [`NotDone::Policies`] when the text is none;
    /// [`Refusal::TooMany`]; [`NotDone::NotEntered`] when the log cannot take it. The policies are
    /// as they were then.
    pub fn propose_policy(&self, by: &Staff, text: &str) -> Result<Proposed, NotDone> {
        let _turn = self.turn();
        let (by, now) = (self.fresh(by)?, self.now());
        if by.role != Role::Supervisor {
            return Err(Refusal::PolicySetter.into());
        }
        let policies = Policies::with_agency(text)?;
        let agency = by.agency;
        let owned = self.0.store.policies()?.iter().any(|row| row.agency == agency);
        if !owned && !self.could_approve(&by)? {
            return Ok(Proposed::Set(self.set_policy(policies, (agency, by.id), text, None)?));
        }
        let waiting = self.proposals(agency)?;
        if waiting.len() >= limits::PROPOSALS_COUNT_MAX {
            return Err(Refusal::TooMany.into());
        }
        let act = self.next_act()?;
        self.0.store.add_policy_request(&PolicyRequestRow {
            agency,
            act,
            hash: policies.hash(),
            text: text.to_owned(),
            by: by.id,
            asked: now,
            until: now.after(limits::REQUEST_MAX),
            state: RequestState::Waiting,
        })?;
        self.tell(agency, act);
        Ok(Proposed::Waits { act })
    }

    /// What was proposed to one's agency and waits for another one, for supervisors and auditors.
    ///
    /// # Errors
    /// [`NotDone::Store`] when the database fails.
    pub fn proposed_policies(&self, by: &Staff) -> Result<Vec<PolicyRequestRow>, NotDone> {
        let by = self.fresh(by)?;
        if !judges(&by) {
            return Ok(Vec::new());
        }
        self.proposals(by.agency)
    }

    /// Sets policies that another one proposed for the same agency: a supervisor or an auditor
    /// there, and never who proposed them (CJIS Security Policy AC-5). The approval and the change
    /// become durable together.
    ///
    /// # Errors
    /// [`NotDone::NotThere`] when it is another agency's, or waits no longer;
    /// [`Refusal::PolicyApprover`]; [`NotDone::NotEntered`] when the log cannot take it.
    pub fn approve_policy(&self, by: &Staff, act: u64) -> Result<PolicyText, NotDone> {
        let _turn = self.turn();
        let by = self.fresh(by)?;
        let row = self.proposal(&by, act)?;
        if !judges(&by) || row.by == by.id {
            return Err(Refusal::PolicyApprover.into());
        }
        // Who proposed it must still be somebody who may.
        let asker = self.row(row.by)?.staff;
        if asker.usable(self.now()).is_err() || asker.role != Role::Supervisor {
            return Err(NotDone::NotThere);
        }
        let policies = Policies::with_agency(&row.text)?;
        let approved = Some((act, by.id));
        let text = self.set_policy(policies, (row.agency, row.by), &row.text, approved)?;
        self.0.store.set_policy_request(act, RequestState::Done)?;
        Ok(text)
    }

    /// Says no to proposed policies, or takes one's own proposal back.
    ///
    /// # Errors
    /// As [`Roster::approve_policy`]; [`Refusal::Words`] when no reason is given.
    pub fn deny_policy(&self, by: &Staff, act: u64, why: &str) -> Result<(), NotDone> {
        let _turn = self.turn();
        let by = self.fresh(by)?;
        let why = words(why)?;
        let row = self.proposal(&by, act)?;
        if !judges(&by) && row.by != by.id {
            return Err(Refusal::PolicyApprover.into());
        }
        let detail = Denied::Policy { by: by.id, asked: row.by, hash: row.hash, why };
        let of = (row.by, None);
        self.oversee((Overseen::Denial, act), &detail, row.agency, Some(by.id), of)?;
        Ok(self.0.store.set_policy_request(act, RequestState::Denied)?)
    }

    /// Enters and keeps a new version; `approved` is under which number, and by whom.
    fn set_policy(
        &self,
        policies: Policies,
        (agency, by): (AgencyId, StaffId),
        text: &str,
        approved: Option<(u64, StaffId)>,
    ) -> Result<PolicyText, NotDone> {
        let rows = self.0.store.policies()?;
        let versions = rows.iter().filter(|row| row.agency == agency).map(|row| row.version);
        let row = PolicyRow {
            agency,
            version: versions.max().unwrap_or_default() + 1,
            hash: policies.hash(),
            text: text.to_owned(),
            by,
            at: self.now(),
        };
        let mut notes = Vec::new();
        if let Some((act, approver)) = approved {
            let detail = Approved::Policy { by: approver, asked: by, hash: row.hash };
            notes.push(note(Statement::Approval { act }, &detail)?);
        }
        let detail = PolicyChanged { agency, by, version: row.version };
        notes.push(note(Statement::PolicyChange { policy: row.hash }, &detail)?);
        let entries = self.0.register.notes(&notes, agency, row.at)?;
        if let Some((act, approver)) = approved {
            self.0.store.add_overseen(&OverseenRow {
                agency,
                entry: entries.start,
                act,
                kind: Overseen::Approval,
                by: Some(approver),
                of: by,
                verb: None,
                at: row.at,
            })?;
        }
        self.0.store.add_policy(&row)?;
        let mut all = self.0.policies.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(row.agency, Arc::new(policies));
        let PolicyRow { agency, version, hash, text, .. } = row;
        Ok(PolicyText { agency, version, hash, text })
    }

    /// Whether anybody else at the agency of `by` could approve policies.
    fn could_approve(&self, by: &Staff) -> Result<bool, NotDone> {
        let other = |row: &StaffRow| {
            let staff = &row.staff;
            staff.id != by.id && staff.agency == by.agency && !staff.revoked && judges(staff)
        };
        Ok(self.everybody()?.iter().any(other))
    }

    fn proposals(&self, agency: AgencyId) -> Result<Vec<PolicyRequestRow>, NotDone> {
        let now = self.now();
        let mut rows = self.0.store.policy_requests(agency)?;
        rows.retain(|row| row.state == RequestState::Waiting && now < row.until);
        Ok(rows)
    }

    fn proposal(&self, by: &Staff, act: u64) -> Result<PolicyRequestRow, NotDone> {
        let found = self.proposals(by.agency)?.into_iter().find(|row| row.act == act);
        found.ok_or(NotDone::NotThere)
    }

    /// Reads what is kept, at the start.
    pub(super) fn load_policies(&self) -> Result<(), NotDone> {
        let mut newest = BTreeMap::new();
        for row in self.0.store.policies()? {
            newest.insert(row.agency, row.text);
        }
        let read = newest
            .into_iter()
            .map(|(agency, text)| Ok((agency, Arc::new(Policies::with_agency(&text)?))));
        let read = read.collect::<Result<_, NotDone>>()?;
        *self.0.policies.lock().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }
}

/// Who says yes or no to the policies of their agency.
fn judges(staff: &Staff) -> bool {
    matches!(staff.role, Role::Supervisor | Role::Auditor)
}

pub(super) fn note(what: Statement, detail: &impl Serialize) -> Result<Note, NotDone> {
    let detail = postcard::to_allocvec(detail).map_err(|_| NotDone::Detail)?;
    Ok(Note { what, detail })
}
