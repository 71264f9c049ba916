//! What a start settles: the calls that the journal knows as admitted and not as ended, as
//! `crates/desk/src/recovery.rs` does.

use super::{Chosen, Names};
use crate::{sabotage::Sabotage, vault::Files};
use charging::{CapTable, LawfulRate, Quote};
use core::time::Duration;
use model::{
    AccountId, CallId, E164, Language, Money, Timestamp,
    fact::{Admitted, EndReason, Ended, Epoch, Fact, HoldFact, OffReason, Rest},
};
use registry::{Snapshot, Standing};
use std::collections::{BTreeMap, btree_map::Entry};

/// What the store knows once it has caught up with the journal.
#[derive(Debug, Default)]
pub(crate) struct Caught {
    open: BTreeMap<CallId, Open>,
    /// Everything ever charged.
    pub(crate) settled: BTreeMap<AccountId, Money>,
    pub(crate) languages: BTreeMap<E164, Language>,
    pub(crate) chosen: Chosen,
    pub(crate) names: Names,
}

/// What recovery can look at, besides the journal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Find<'a> {
    pub(crate) now: Timestamp,
    pub(crate) caps: &'a CapTable,
    /// Recordings that have a file.
    pub(crate) files: &'a Files,
    pub(crate) registry: &'a Snapshot,
}

/// A call that was admitted and has not ended.
#[derive(Debug)]
struct Open {
    admitted: Admitted,
    key: Option<char>,
    recording: Option<Result<Epoch, OffReason>>,
    talked: Duration,
}

impl Caught {
    /// Follows the journal from its beginning.
    pub(crate) fn up_with<'a>(facts: impl Iterator<Item = &'a Fact>) -> Self {
        let mut caught = Self::default();
        for fact in facts {
            caught.project(fact);
        }
        caught
    }

    fn project(&mut self, fact: &Fact) {
        match fact {
            Fact::Admitted(admitted) => {
                if let Entry::Vacant(place) = self.open.entry(admitted.call) {
                    let admitted = Admitted::clone(admitted);
                    let (key, recording, talked) = (None, None, Duration::ZERO);
                    place.insert(Open { admitted, key, recording, talked });
                }
            }
            Fact::Accepted { call, evidence, recording } => {
                if let Some(open) = self.open.get_mut(call) {
                    (open.key, open.recording) = (Some(evidence.key), Some(*recording));
                }
            }
            Fact::Talked { call, talked, .. } => {
                if let Some(open) = self.open.get_mut(call) {
                    open.talked = *talked;
                }
            }
            Fact::Ended(ended) => {
                let open = self.open.remove(&ended.call);
                if let Some(hold) = open.and_then(|open| open.admitted.hold) {
                    let settled = self.settled.entry(hold.account).or_default();
                    *settled = settled.checked_add(ended.charged).unwrap_or(*settled);
                }
            }
            Fact::LanguageChosen { number, language, .. } => {
                self.languages.insert(*number.expose(), *language);
            }
            Fact::PrivateClaimed { number, at, .. } => self.chosen.claim(*number.expose(), *at),
            Fact::CallsBlocked { facility, number, at, .. } => {
                self.chosen.block((*facility, *number.expose()), *at);
            }
            Fact::NameRecorded(_)
            | Fact::NameHeard(_)
            | Fact::NameApproved(_)
            | Fact::NameRemoved { .. }
            | Fact::NameByStaff(_) => self.names.project(fact),
            Fact::Boot { .. }
            | Fact::Denied(_)
            | Fact::Answered { .. }
            | Fact::RecordingClosed { .. }
            | Fact::PinRefused { .. }
            | Fact::Dialled { .. }
            | Fact::NeverRecorded { .. }
            | Fact::Heard(_)
            | Fact::Forwarded { .. } => {}
        }
    }

    /// The ends of the calls that nobody saw end.
    pub(crate) fn ends(&self, find: &Find<'_>, sabotage: Option<Sabotage>) -> Vec<Fact> {
        if sabotage == Some(Sabotage::RecoverNothing) {
            return Vec::new();
        }
        let end = |open: &Open| {
            let mut talked = open.talked;
            if sabotage == Some(Sabotage::RecoverBeyondMark) && !talked.is_zero() {
                talked += Duration::from_secs(5);
            }
            Fact::Ended(Box::new(open.end(find, talked)))
        };
        self.open.values().map(end).collect()
    }
}

impl Open {
    /// Charged up to the last mark, never beyond.
    fn end(&self, find: &Find<'_>, talked: Duration) -> Ended {
        let now = find.now;
        let (charged, rest) = match &self.admitted.hold {
            None => (Money::ZERO, Rest::NoHold),
            Some(hold) => {
                let rest = if now >= hold.expires { Rest::Expired } else { Rest::Released };
                (charge(hold, talked, find.caps), rest)
            }
        };
        Ended {
            call: self.admitted.call,
            at: now,
            reason: EndReason::NodeDied,
            talked,
            charged,
            rest,
            decision_key: self.key,
            off: self.off(find),
        }
    }
}

impl Open {
    /// Why it was not recorded. A recording that was to begin and has no file never began.
    fn off(&self, find: &Find<'_>) -> Option<OffReason> {
        let call = self.admitted.call;
        match self.recording? {
            Err(reason) => Some(reason),
            Ok(_) if find.files.contains(call) => None,
            Ok(_) => match find.registry.ask(*self.admitted.number.expose(), find.now) {
                Standing::Protected { .. } => Some(OffReason::Protected),
                Standing::Ordinary { .. } | Standing::Unusable(_) => Some(OffReason::Disk),
            },
        }
    }
}

/// The rate is proved again; what cannot be proved is not charged.
fn charge(hold: &HoldFact, talked: Duration, caps: &CapTable) -> Money {
    match LawfulRate::prove_again(&hold.rate, caps) {
        Ok(rate) => Quote::new(rate).price(talked).min(hold.amount),
        Err(_) => Money::ZERO,
    }
}
