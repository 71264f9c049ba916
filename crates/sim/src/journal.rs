//! The journal, as `crates/journal` keeps it: one group after the other, all or nothing, and silent
//! after a write of unknown outcome.

use call::Admission;
use model::{
    CallId, Timestamp,
    fact::{Epoch, Fact, OffReason},
};
use std::{collections::VecDeque, mem};

/// Who wants to know that a fact is durable.
#[derive(Debug)]
pub(crate) enum Done {
    Nobody,
    Admitted {
        slot: usize,
        call: CallId,
        admission: Box<Admission>,
    },
    Committed {
        slot: usize,
        recording: Result<Epoch, OffReason>,
    },
    /// A called party wants no more calls.
    Blocked {
        slot: usize,
        fact: Box<Fact>,
    },
    /// A fact that must not be missing.
    Insisted(Box<Fact>),
}

#[derive(Debug)]
pub(crate) struct Append {
    pub(crate) fact: Fact,
    pub(crate) done: Done,
}

/// The journal's files and its thread.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// Everything on disk, with the time when it got there.
    kept: Vec<(Timestamp, Fact)>,
    queue: VecDeque<Append>,
    /// The group that is being written.
    group: Vec<Append>,
    /// No space is left on the disk.
    pub(crate) full: bool,
    /// A write ended in an unknown way; nothing is appended before the next start.
    pub(crate) stopped: bool,
    /// Groups written since the world began.
    pub(crate) groups_count: u64,
}

/// How a group went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// It is on disk, and everybody is told.
    Well,
    /// There was no space: nothing of it is on disk, and the journal goes on.
    Full,
    /// Everybody is told that it failed, and the journal stops. So much of it is on disk.
    Unknown { kept: bool },
}

impl Journal {
    pub(crate) fn kept(&self) -> &[(Timestamp, Fact)] {
        &self.kept
    }

    pub(crate) fn append(&mut self, fact: Fact, done: Done) {
        self.queue.push_back(Append { fact, done });
    }

    /// Takes what waits as the next group, if none is under way.
    pub(crate) fn begin_group(&mut self) -> bool {
        if !self.group.is_empty() || self.queue.is_empty() {
            return false;
        }
        self.group.extend(self.queue.drain(..));
        self.groups_count += 1;
        true
    }

    pub(crate) fn is_writing(&self) -> bool {
        !self.group.is_empty()
    }

    /// Whether everything that was appended has been answered.
    pub(crate) fn is_idle(&self) -> bool {
        self.group.is_empty() && self.queue.is_empty()
    }

    /// Ends the group. Gives who waited, and from which place on facts were kept.
    pub(crate) fn end_group(&mut self, now: Timestamp, written: Written) -> (usize, Vec<Done>) {
        let first = self.kept.len();
        let group = mem::take(&mut self.group);
        let keep = matches!(written, Written::Well | Written::Unknown { kept: true });
        self.stopped |= matches!(written, Written::Unknown { .. });
        let mut waiting = Vec::with_capacity(group.len());
        for append in group {
            if keep {
                self.kept.push((now, append.fact));
            }
            waiting.push(append.done);
        }
        (first, waiting)
    }

    /// The node dies. Of the group under way the first `count` appends are on disk; of what waits,
    /// nothing.
    pub(crate) fn die(&mut self, now: Timestamp, count: usize) -> usize {
        let first = self.kept.len();
        let group = mem::take(&mut self.group);
        // A journal that has stopped writes nothing, and a full disk takes nothing.
        let count = if self.stopped || self.full { 0 } else { count };
        self.kept.extend(group.into_iter().take(count).map(|append| (now, append.fact)));
        self.queue.clear();
        self.stopped = false;
        first
    }

    pub(crate) fn group_count(&self) -> usize {
        self.group.len()
    }
}
