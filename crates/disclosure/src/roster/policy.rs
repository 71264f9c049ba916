//! The policies of each agency: its own text in the place of the one that comes with the program,
//! every version of it kept.

use super::{NotDone, PolicyChanged, Refusal, Roster};
use access::{Role, policy::Policies, staff::Staff};
use evidence::Statement;
use model::AgencyId;
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};
use store::PolicyRow;

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

impl Roster {
    /// The policies by which the data of an agency are disclosed.
    #[must_use]
    pub fn policies(&self, owner: AgencyId) -> Arc<Policies> {
        let policies = self.0.policies.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(policies.get(&owner).unwrap_or(&self.0.builtin))
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

    /// Sets the policies of one's own agency. The law, which is part of the program, stays.
    ///
    /// # Errors
    /// [`Refusal::PolicySetter`]; [`NotDone::Policies`] when the text is none;
    /// [`NotDone::NotEntered`] when the log cannot take it. The policies are as they were then.
    pub fn set_policy(&self, by: &Staff, text: &str) -> Result<PolicyText, NotDone> {
        let _turn = self.turn();
        let by = self.fresh(by)?;
        if by.role != Role::Supervisor {
            return Err(Refusal::PolicySetter.into());
        }
        let policies = Policies::with_agency(text)?;
        let rows = self.0.store.policies()?;
        let versions = rows.iter().filter(|row| row.agency == by.agency).map(|row| row.version);
        let row = PolicyRow {
            agency: by.agency,
            version: versions.max().unwrap_or_default() + 1,
            hash: policies.hash(),
            text: text.to_owned(),
            by: by.id,
            at: self.now(),
        };
        let detail = PolicyChanged { agency: row.agency, by: row.by, version: row.version };
        self.note(Statement::PolicyChange { policy: row.hash }, &detail, row.agency)?;
        self.0.store.add_policy(&row)?;
        let mut all = self.0.policies.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(row.agency, Arc::new(policies));
        let PolicyRow { agency, version, hash, text, .. } = row;
        Ok(PolicyText { agency, version, hash, text })
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
