//! I1 and I2: what happens to each call.

use super::{Index, Node, Place, Violation};
use crate::statement::{Said, Standing};
use alloc::{collections::BTreeMap, vec::Vec};
use core::time::Duration;
use model::{CallId, RecordingId, Timestamp, fact::NumberClass};

/// All calls of all nodes.
#[derive(Debug, Default)]
pub(super) struct Calls {
    calls: BTreeMap<(u32, u64), Call>,
    /// Calls without an end: node, start, call.
    open: BTreeMap<(u32, u32, u64), Index>,
}

#[derive(Debug)]
struct Call {
    /// The admission, and until when everything must be over.
    admitted: Index,
    boot: u32,
    until: Timestamp,
    standing: Standing,
    consent: Option<Index>,
    started: Option<Index>,
    ended: Option<Index>,
}

type Found<'a> = &'a mut dyn FnMut(Violation);

impl Calls {
    /// A call was allowed.
    pub(super) fn admit(
        &mut self,
        at: Place,
        said: &Said,
        call: CallId,
        (standing, over_within): (Standing, Duration),
        found: Found<'_>,
    ) {
        let index = at.index;
        self.settled(at, said.boot, found);
        if let Some(known) = self.calls.get(&(at.node, call.0)) {
            found(Violation::AdmittedTwice { index, first: known.admitted });
            return;
        }
        let until = said.at.after(over_within);
        let known = Call {
            admitted: index,
            boot: said.boot,
            until,
            standing,
            consent: None,
            started: None,
            ended: None,
        };
        self.calls.insert((at.node, call.0), known);
        self.open.insert((at.node, said.boot, call.0), index);
    }

    /// The entry that allowed this call, if there is one.
    pub(super) fn admitted(&self, at: Place, call: CallId) -> Option<Index> {
        self.calls.get(&(at.node, call.0)).map(|known| known.admitted)
    }

    /// A node that started again settles everything of earlier starts before it says that it has
    /// started, and before it takes a call.
    pub(super) fn settled(&mut self, at: Place, boot: u32, found: Found<'_>) {
        let left = self.open.range((at.node, 0, 0)..(at.node, boot, 0));
        let left: Vec<_> = left.map(|(key, first)| (*key, *first)).collect();
        for (key, first) in left {
            found(Violation::LeftOpen { index: at.index, first });
            self.open.remove(&key);
        }
    }

    /// A call went out: only one that was allowed and is not over.
    pub(super) fn dialled(&self, at: Place, call: CallId, found: Found<'_>) {
        let known = self.calls.get(&(at.node, call.0));
        if known.is_none_or(|call| call.ended.is_some()) {
            found(Violation::DialledNothing { index: at.index });
        }
    }

    /// A called party accepted.
    pub(super) fn consent(&mut self, at: Place, call: CallId, found: Found<'_>) {
        let index = at.index;
        match self.calls.get_mut(&(at.node, call.0)) {
            None => found(Violation::StrayConsent { index, first: index }),
            Some(call) => {
                if let Some(first) = call.started {
                    found(Violation::ConsentAfterRecording { index, first });
                } else if call.consent.is_some() || call.ended.is_some() {
                    found(Violation::StrayConsent { index, first: call.admitted });
                }
                call.consent.get_or_insert(index);
            }
        }
    }

    /// A recording started.
    pub(super) fn start(&mut self, at: Place, call: CallId, found: Found<'_>) {
        let index = at.index;
        let Some(call) = self.calls.get_mut(&(at.node, call.0)) else {
            found(Violation::RecordingOfNothing { index });
            return;
        };
        let Standing { class, may_record } = call.standing;
        // Of no class but these is anything ever recorded.
        let recordable = matches!(class, NumberClass::Ordinary | NumberClass::Free);
        if class == NumberClass::Protected {
            found(Violation::RecordingOfProtected { index });
        } else if !recordable || may_record.is_err() {
            found(Violation::RecordingForbidden { index, first: call.admitted });
        }
        if call.consent.is_none() {
            found(Violation::NoConsent { index });
        }
        if let Some(first) = call.started {
            found(Violation::StartedTwice { index, first });
        }
        if let Some(first) = call.ended {
            found(Violation::StartedAfterEnd { index, first });
        }
        call.started.get_or_insert(index);
    }

    /// A recording was closed, which ends its call.
    pub(super) fn end_recorded(&mut self, at: Place, said: &Said, call: CallId, found: Found<'_>) {
        let known = self.calls.get(&(at.node, call.0));
        if known.and_then(|call| call.started).is_none() {
            found(Violation::EndWithoutStart { index: at.index });
        }
        self.end(at, said, call, found);
    }

    /// A call is over.
    pub(super) fn end(&mut self, at: Place, said: &Said, call: CallId, found: Found<'_>) {
        let index = at.index;
        let key = (at.node, call.0);
        let Some(call) = self.calls.get_mut(&key) else {
            found(Violation::EndOfNothing { index });
            return;
        };
        if let Some(first) = call.ended {
            found(Violation::EndedTwice { index, first });
            return;
        }
        // A node that was down ends its calls when it starts again.
        if said.boot <= call.boot && said.at > call.until {
            found(Violation::LateEnd { index, first: call.admitted });
        }
        call.ended = Some(index);
        self.open.remove(&(at.node, call.boot, key.1));
    }

    /// A recording may be quarantined while it runs, or after.
    pub(super) fn quarantine(&self, at: Place, recording: RecordingId, found: Found<'_>) {
        let known = self.calls.get(&(at.node, recording.0));
        if known.and_then(|call| call.started).is_none() {
            found(Violation::QuarantineOfNothing { index: at.index });
        }
    }

    /// Whether a file of this recording may be there and unfinished.
    pub(super) fn may_be_unfinished(&self, recording: RecordingId) -> bool {
        // Recordings are numbered like their calls, and files do not say their node.
        self.open.iter().any(|((node, _, call), _)| {
            *call == recording.0
                && self.calls.get(&(*node, *call)).is_some_and(|call| call.started.is_some())
        })
    }

    /// Whether a file of this recording may be closed before an entry says so: while its node can
    /// still say it.
    pub(super) fn may_be_unsaid(
        &self,
        recording: RecordingId,
        nodes: &BTreeMap<u32, Node>,
    ) -> bool {
        let mut open = self.open.keys().filter(|(_, _, call)| *call == recording.0);
        self.may_be_unfinished(recording) && open.any(|key| !self.is_over(key, nodes))
    }

    /// Whether everything about a call without an end must be over.
    fn is_over(&self, (node, boot, call): &(u32, u32, u64), nodes: &BTreeMap<u32, Node>) -> bool {
        // A node that died may be settling its calls right now.
        let last = nodes.get(node).filter(|node| node.boot == *boot).map(|node| node.last);
        let until = self.calls.get(&(*node, *call)).map(|call| call.until);
        until.zip(last).is_some_and(|(until, last)| until < last)
    }

    /// Judges the calls that have no end, and says how many may be running.
    pub(super) fn finish(&self, nodes: &BTreeMap<u32, Node>, found: Found<'_>) -> u64 {
        let mut running = 0;
        for (key, index) in &self.open {
            if self.is_over(key, nodes) {
                found(Violation::NoEnd { index: *index });
            } else {
                running += 1;
            }
        }
        running
    }
}
