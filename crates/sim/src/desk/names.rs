//! The names that people recorded, by the rules of `crates/desk/src/naming.rs`.

use super::{Desk, Said};
use crate::site::STAFF;
use crate::{county::Facility, journal::Done, sabotage::Sabotage};
use call::{Answer, NameClip, OwnName};
use model::{
    AgencyId, CallId, PersonId, Timestamp,
    fact::{Fact, NameActed, NameByStaff, NameDid, NameRecorded},
    speech::OwnVoice,
};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of recorded names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) kept: BTreeMap<PersonId, Kept>,
    /// About whose name a fact is on its way to the disk: one thing happens to it at a time.
    pending: BTreeSet<PersonId>,
}

/// A name that is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    pub(crate) sha256: [u8; 32],
    pub(crate) heard: bool,
    pub(crate) approved: bool,
}

/// The files of names: their hash and what was said, by person.
pub(crate) type Shelf = BTreeMap<PersonId, ([u8; 32], OwnVoice)>;

/// What is to be done once a fact about a name is durable, or is not.
#[derive(Clone, Debug)]
pub(crate) enum Named {
    Kept { slot: usize, person: PersonId, kept: Kept, voice: OwnVoice },
    Removed { slot: Option<usize>, person: PersonId },
    Heard(PersonId),
    Approved(PersonId),
}

/// What staff want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    Listen,
    Approve,
    Remove,
}

impl Names {
    /// Follows the journal.
    pub(crate) fn project(&mut self, fact: &Fact) {
        if let Fact::NameRecorded(name) = fact {
            let kept = Kept { sha256: name.sha256, heard: false, approved: false };
            self.kept.insert(name.person, kept);
        } else if let Fact::NameRemoved { acted, .. } = fact {
            self.kept.remove(&acted.person);
        } else if let Fact::NameByStaff(NameByStaff { acted, did, .. }) = fact {
            match did {
                NameDid::Heard => self.change(acted.person, |kept| kept.heard = true),
                NameDid::Approved => self.change(acted.person, |kept| kept.approved = true),
                NameDid::Removed => drop(self.kept.remove(&acted.person)),
            }
        }
    }

    fn change(&mut self, person: PersonId, change: impl FnOnce(&mut Kept)) {
        if let Some(kept) = self.kept.get_mut(&person) {
            change(kept);
        }
    }
}

impl Desk {
    pub(crate) fn own_name(&self, facility: Option<&Facility>, person: PersonId) -> OwnName {
        let stored = self.names.kept.contains_key(&person);
        match (stored, facility.is_some_and(|facility| facility.recorded_names)) {
            (true, _) => OwnName::Stored,
            (false, true) => OwnName::Absent,
            (false, false) => OwnName::Off,
        }
    }

    /// The approved name of a person.
    pub(crate) fn voice(&self, facility: &Facility, person: Option<PersonId>) -> Option<OwnVoice> {
        let person = person?;
        let kept = self.names.kept.get(&person)?;
        let approved = kept.approved || self.sabotage == Some(Sabotage::SpeakUnapproved);
        let (sha256, voice) = self.shelf.get(&person)?;
        let same = *sha256 == kept.sha256;
        (approved && same && facility.recorded_names).then(|| voice.clone())
    }

    pub(crate) fn keep_name(
        &mut self,
        slot: usize,
        facility: Option<&Facility>,
        clip: &NameClip,
        at: Timestamp,
    ) -> Said {
        let person = clip.person();
        let taken = self.names.kept.contains_key(&person) || self.names.pending.contains(&person);
        let Some(facility) = facility.filter(|facility| facility.recorded_names && !taken) else {
            return Said::Now(Answer::NameKept { kept: false });
        };
        let (fact, kept) = recorded(facility.agency, clip, at);
        if self.sabotage == Some(Sabotage::NameBeforeDurable) {
            return Said::Both(Answer::NameKept { kept: true }, fact);
        }
        self.names.pending.insert(person);
        let voice = clip.voice().clone();
        Said::After(fact, Done::Named(Named::Kept { slot, person, kept, voice }))
    }

    pub(crate) fn remove_name(
        &mut self,
        slot: usize,
        agency: AgencyId,
        (person, call): (PersonId, CallId),
        at: Timestamp,
    ) -> Said {
        let free = !self.names.pending.contains(&person);
        let Some(kept) = self.names.kept.get(&person).filter(|_| free) else {
            return Said::Now(Answer::NameRemoved { removed: false });
        };
        if self.sabotage == Some(Sabotage::KeepRemovedName) {
            return Said::Now(Answer::NameRemoved { removed: true });
        }
        let acted = NameActed { agency, person, sha256: kept.sha256, at };
        let fact = Fact::NameRemoved { acted, call: Some(call) };
        self.names.pending.insert(person);
        Said::After(fact, Done::Named(Named::Removed { slot: Some(slot), person }))
    }

    /// What staff want of a name is entered before it is done. Nobody approves what nobody heard.
    pub(crate) fn staff(
        &mut self,
        want: Want,
        agency: AgencyId,
        person: PersonId,
        at: Timestamp,
    ) -> Option<(Fact, Done)> {
        let free = !self.names.pending.contains(&person);
        let kept = *self.names.kept.get(&person).filter(|_| free)?;
        let acted = NameActed { agency, person, sha256: kept.sha256, at };
        let unheard = self.sabotage == Some(Sabotage::ApproveUnheard);
        let (did, done) = match want {
            Want::Listen => (NameDid::Heard, Named::Heard(person)),
            Want::Approve if (kept.heard || unheard) && !kept.approved => {
                (NameDid::Approved, Named::Approved(person))
            }
            Want::Approve => return None,
            Want::Remove => (NameDid::Removed, Named::Removed { slot: None, person }),
        };
        let fact = Fact::NameByStaff(NameByStaff { acted, did, by: STAFF, act: 0 });
        self.names.pending.insert(person);
        Some((fact, Done::Named(done)))
    }

    /// A fact about a name is durable, or it is not.
    pub(crate) fn named(&mut self, named: Named, durable: bool) -> Option<(usize, Answer)> {
        let (Named::Kept { person, .. }
        | Named::Removed { person, .. }
        | Named::Heard(person)
        | Named::Approved(person)) = &named;
        self.names.pending.remove(person);
        match named {
            Named::Kept { slot, person, kept, voice } => {
                if durable {
                    self.names.kept.insert(person, kept);
                    self.shelf.insert(person, (kept.sha256, voice));
                }
                Some((slot, Answer::NameKept { kept: durable }))
            }
            Named::Removed { slot, person } => {
                if durable {
                    self.names.kept.remove(&person);
                    self.shelf.remove(&person);
                }
                Some((slot?, Answer::NameRemoved { removed: durable }))
            }
            Named::Heard(person) => {
                if durable {
                    self.names.change(person, |kept| kept.heard = true);
                }
                None
            }
            Named::Approved(person) => {
                if durable {
                    self.names.change(person, |kept| kept.approved = true);
                }
                None
            }
        }
    }
}

/// That a name is kept.
pub(crate) fn recorded(agency: AgencyId, clip: &NameClip, at: Timestamp) -> (Fact, Kept) {
    let (call, person, voice) = (clip.call(), clip.person(), clip.voice().expose());
    let said: [u8; 32] = Sha256::digest(voice).into();
    // As a sealed file, it is another one each time.
    let sealed = Sha256::new().chain_update(call.0.to_le_bytes()).chain_update(said);
    let sha256 = sealed.finalize().into();
    let octets = u32::try_from(voice.len()).unwrap_or(u32::MAX);
    let name = NameRecorded { call, agency, person, sha256, voice: said, octets, at };
    (Fact::NameRecorded(Box::new(name)), Kept { sha256, heard: false, approved: false })
}
