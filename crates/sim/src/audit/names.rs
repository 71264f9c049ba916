//! Recorded names: who chose what, what staff did, and which are spoken.

use super::Rule;
use crate::{
    seen::{Coverage, Seen},
    sound::NamePart,
    tape::Handled,
};
use call::OwnName;
use core::time::Duration;
use model::{
    CallId, Key, PersonId, PlayId, Timestamp,
    fact::{Fact, NameActed, NameByStaff, NameDid, NameRecorded},
};
use std::collections::BTreeMap;

/// What one call has to do with a name.
#[derive(Debug, Default)]
pub(super) struct Naming {
    /// Who gave their PIN, and how it stood with their name.
    by_pin: Option<(PersonId, OwnName)>,
    /// The explanation that plays or was played last.
    explaining: Option<PlayId>,
    /// When the phone had heard all of it.
    explained: Option<Timestamp>,
    /// What was played back.
    checking: Option<PlayId>,
    /// They are asked whether theirs is to be removed.
    offering: bool,
    /// When `1` was pressed at the phone.
    presses: Vec<Timestamp>,
    /// Names taken since the last explanation.
    takes: u32,
    /// The last thing they said, and when.
    said: Option<(Timestamp, [u8; 32])>,
    /// Whose it is.
    taken: Option<PersonId>,
}

/// A rule that did not hold, and what is wrong.
pub(super) type Wrong = Option<(Rule, &'static str)>;

impl Naming {
    pub(super) fn plays(&mut self, play: PlayId, part: Option<NamePart>) {
        self.offering = part == Some(NamePart::Remove);
        match part {
            Some(NamePart::Explain) => {
                (self.explaining, self.explained, self.takes) = (Some(play), None, 0);
            }
            Some(NamePart::Check) => self.checking = Some(play),
            Some(NamePart::Offer | NamePart::Stored | NamePart::Speak | NamePart::Remove)
            | None => {}
        }
    }

    pub(super) fn heard(&mut self, at: Timestamp, play: PlayId) {
        if self.explaining == Some(play) {
            self.explained = Some(at);
        }
    }

    pub(super) fn pressed(&mut self, at: Timestamp, key: Key) {
        if key.label() == '1' {
            self.presses.push(at);
        }
    }

    /// The switch takes a name.
    pub(super) fn taken(&mut self, person: PersonId, alone: bool) -> Wrong {
        self.takes += 1;
        (self.taken, self.said) = (Some(person), None);
        let own = self.by_pin == Some((person, OwnName::Absent));
        let explained = self.explained;
        let chose = self.presses.iter().any(|at| explained.is_some_and(|heard| *at >= heard));
        let wrong = if !own {
            "a name is taken of somebody who did not give their PIN, or has one"
        } else if !alone {
            "a name is taken and somebody else is in the call"
        } else if !chose {
            "a name is taken and nobody heard what becomes of it and then chose"
        } else if self.takes > TAKES_COUNT_MAX {
            "a name is taken more often than it may be said"
        } else {
            return None;
        };
        Some((Rule::NamesChosen, wrong))
    }

    pub(super) fn said(&mut self, at: Timestamp, voice: Option<[u8; 32]>) {
        self.said = voice.map(|voice| (at, voice));
        self.checking = None;
    }

    /// Something that the machine handled. Says what it was told that is not on disk.
    pub(super) fn handled(&mut self, input: Handled, names: &Names, call: CallId) -> Wrong {
        if let Handled::Person { person, name } = input {
            self.by_pin = Some((person, name));
        }
        let (person, stands) = self.by_pin.as_mut()?;
        if input == (Handled::NameKept { kept: true }) {
            *stands = OwnName::Stored;
            let on_disk = names.ever(*person, call);
            return (!on_disk).then_some((Rule::NamesKept, "said to be kept, and on no disk"));
        }
        if input == (Handled::NameRemoved { removed: true }) {
            *stands = OwnName::Absent;
            let there = names.stands(*person);
            return there.then_some((Rule::NamesKept, "said to be removed, and it stands"));
        }
        None
    }

    /// Whether the person chose to keep what they said last.
    fn wants(&self, name: &NameRecorded) -> bool {
        let Some((at, voice)) = self.said else { return false };
        let pressed = self.checking.is_some() && self.presses.iter().any(|press| *press >= at);
        pressed && voice == name.voice && self.taken == Some(name.person)
    }
}

/// All names, as the facts on disk say.
#[derive(Debug, Default)]
pub(super) struct Names {
    of: BTreeMap<PersonId, Vec<Name>>,
}

#[derive(Debug)]
struct Name {
    call: CallId,
    sha256: [u8; 32],
    voice: [u8; 32],
    heard: bool,
    /// When its approval was on disk.
    approved: Option<Timestamp>,
    /// When its removal was decided.
    removed: Option<Timestamp>,
}

impl Names {
    /// A fact about names is on disk.
    pub(super) fn fact(
        &mut self,
        fact: &Fact,
        naming: Option<&Naming>,
        now: Timestamp,
        coverage: &mut Coverage,
    ) -> Wrong {
        if let Fact::NameRecorded(name) = fact {
            coverage.note(Seen::NameKept);
            return self.recorded(name, naming);
        }
        if let Fact::NameByStaff(NameByStaff { acted, did, .. }) = fact {
            return self.acted(acted, |name| match did {
                NameDid::Heard => {
                    name.heard = true;
                    None
                }
                NameDid::Approved => {
                    name.approved = Some(now);
                    (!name.heard).then_some((Rule::NamesApproved, "approved, and nobody heard it"))
                }
                NameDid::Removed => {
                    name.removed = Some(acted.at);
                    None
                }
            });
        }
        if let Fact::NameRemoved { acted, call } = fact {
            coverage.note(Seen::NameRemovedByPerson);
            let chose = |naming: &Naming| naming.offering || !naming.presses.is_empty();
            if call.is_none() || !naming.is_some_and(chose) {
                return Some((Rule::NamesKept, "removed, and the person did not want that"));
            }
            return self.acted(acted, |name| {
                name.removed = Some(acted.at);
                None
            });
        }
        // Nobody says any more that somebody did something.
        Some((Rule::NamesKept, "done by nobody who is named"))
    }

    fn recorded(&mut self, name: &NameRecorded, naming: Option<&Naming>) -> Wrong {
        let twice = self.stands(name.person);
        let wanted = naming.is_some_and(|naming| naming.wants(name));
        self.of.entry(name.person).or_default().push(Name {
            call: name.call,
            sha256: name.sha256,
            voice: name.voice,
            heard: false,
            approved: None,
            removed: None,
        });
        if twice {
            Some((Rule::NamesKept, "a person has two names"))
        } else {
            (!wanted).then_some((Rule::NamesChosen, "kept, and the person did not choose that"))
        }
    }

    fn acted(&mut self, acted: &NameActed, act: impl FnOnce(&mut Name) -> Wrong) -> Wrong {
        let name = self.of.get_mut(&acted.person).and_then(|names| names.last_mut());
        match name.filter(|name| name.sha256 == acted.sha256 && name.removed.is_none()) {
            Some(name) => act(name),
            None => Some((Rule::NamesKept, "something was done with a name that is not there")),
        }
    }

    fn stands(&self, person: PersonId) -> bool {
        let last = self.of.get(&person).and_then(|names| names.last());
        last.is_some_and(|name| name.removed.is_none())
    }

    fn ever(&self, person: PersonId, call: CallId) -> bool {
        self.of.get(&person).is_some_and(|names| names.iter().any(|name| name.call == call))
    }

    /// Whether a notice of a call that was admitted at `at` may speak with this voice.
    pub(super) fn may_speak(&self, person: PersonId, voice: [u8; 32], at: Timestamp) -> bool {
        let good = |name: &Name| {
            let approved = name.approved.is_some_and(|approved| approved <= at.after(SAME_MOMENT));
            name.voice == voice && approved && name.removed.is_none_or(|removed| removed >= at)
        };
        self.of.get(&person).is_some_and(|names| names.iter().any(good))
    }
}

/// A name may be said so often.
const TAKES_COUNT_MAX: u32 = 3;
/// An approval and an admission in the same moment have no order here.
const SAME_MOMENT: Duration = Duration::from_micros(1);
