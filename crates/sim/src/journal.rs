//! The journal, as `crates/journal` keeps it: one group after the other, all or nothing, and silent
//! after a write of unknown outcome.

use crate::desk::Named;
use call::Admission;
use desk::Sink;
use journal::{Appended, Draft, Entry, EntrySeq, JournalError, Seq};
use model::{
    CallId, Timestamp,
    fact::{Admitted, Epoch, Fact, OffReason},
};
use std::{collections::VecDeque, fmt, mem, path::PathBuf};

/// Who wants to know that a fact is durable.
pub(crate) enum Done {
    Nobody,
    Admitted {
        slot: usize,
        call: CallId,
        admission: Box<Admission>,
        /// As it was to be written down.
        kept: Box<Admitted>,
        /// Whether the call is placed although that does not succeed.
        unwritten: bool,
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
    /// A fact about a recorded name.
    Named(Named),
    /// A fact that must not be missing.
    Insisted(Box<Fact>),
    /// Those that the journal refused before.
    Again(Vec<Fact>),
    /// The real desk.
    Desk(desk::Done),
}

impl fmt::Debug for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Done")
    }
}

#[derive(Debug)]
pub(crate) struct Append {
    facts: Vec<Fact>,
    drafts: Vec<Draft>,
    done: Done,
}

/// An append that was answered.
pub(crate) struct Answered {
    pub(crate) done: Done,
    pub(crate) written: Written,
    /// As the real desk is told.
    pub(crate) told: Result<Appended, JournalError>,
}

impl Answered {
    /// Tells the real desk; gives back what is for the model of it.
    pub(crate) fn tell(self) -> Option<(Done, Written)> {
        if let Done::Desk(done) = self.done {
            done(self.told);
            return None;
        }
        Some((self.done, self.written))
    }
}

/// The journal's files and its thread.
#[derive(Default)]
pub(crate) struct Journal {
    /// Everything on disk, with the time when it got there.
    kept: Vec<(Timestamp, Fact)>,
    /// The entries for the log that are on disk.
    entries: Vec<Entry>,
    queue: VecDeque<Append>,
    /// The group that is being written.
    group: Vec<Append>,
    /// No space is left on the disk.
    pub(crate) full: bool,
    /// A write ended in an unknown way; nothing is appended before the next start.
    pub(crate) stopped: bool,
    /// The group after which it stops, and whether that one is on disk.
    pub(crate) stops_at: Option<(u64, bool)>,
    /// Groups written since the world began.
    groups_count: u64,
    /// Groups that were not answered well.
    pub(crate) failures_count: u64,
    /// Told of what the desk of this boot made durable.
    pub(crate) sink: Option<Sink>,
    pub(crate) now: Timestamp,
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("kept", &self.kept.len()).finish_non_exhaustive()
    }
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

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn append(&mut self, fact: Fact, done: Done) {
        self.append_all(vec![fact], Vec::new(), done);
    }

    pub(crate) fn append_all(&mut self, facts: Vec<Fact>, drafts: Vec<Draft>, done: Done) {
        self.queue.push_back(Append { facts, drafts, done });
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

    /// How the group under way goes, as the disk is now.
    pub(crate) fn outcome(&mut self) -> Written {
        if self.stopped {
            return Written::Unknown { kept: false };
        }
        if self.full {
            return Written::Full;
        }
        let stops = self.stops_at.filter(|(group, _)| *group <= self.groups_count);
        match stops {
            Some((_, kept)) => {
                self.stops_at = None;
                Written::Unknown { kept }
            }
            None => Written::Well,
        }
    }

    /// Ends the group. Gives who waited.
    pub(crate) fn end_group(&mut self, written: Written) -> Vec<Answered> {
        let group = mem::take(&mut self.group);
        let keep = matches!(written, Written::Well | Written::Unknown { kept: true });
        self.stopped |= matches!(written, Written::Unknown { .. });
        self.failures_count += u64::from(written != Written::Well);
        let mut answered = Vec::with_capacity(group.len());
        for Append { facts, drafts, done } in group {
            let told = match written {
                Written::Full => Err(JournalError::DiskFull { file: PathBuf::new() }),
                Written::Unknown { .. } => Err(JournalError::Stopped { why: "a fault".into() }),
                Written::Well => Ok(Appended {
                    last: Seq(number(self.kept.len() + facts.len())),
                    entry: EntrySeq(number(self.entries.len() + 1)),
                    entries: u32::try_from(drafts.len()).unwrap_or(u32::MAX),
                }),
            };
            if keep {
                self.keep(facts, drafts, written == Written::Well);
            }
            answered.push(Answered { done, written, told });
        }
        answered
    }

    /// The node dies. Of the group under way the first `count` appends are on disk; of what waits,
    /// nothing.
    pub(crate) fn die(&mut self, count: usize) {
        self.sink = None;
        let group = mem::take(&mut self.group);
        // A journal that has stopped writes nothing, and a full disk takes nothing.
        let count = if self.stopped || self.full { 0 } else { count };
        for Append { facts, drafts, .. } in group.into_iter().take(count) {
            self.keep(facts, drafts, false);
        }
        self.queue.clear();
        self.stopped = false;
    }

    /// A start failed, or the node stopped in order: what was not written is gone.
    pub(crate) fn end_start(&mut self) {
        self.sink = None;
        self.queue.clear();
        self.stopped = false;
    }

    pub(crate) fn groups_count(&self) -> u64 {
        self.groups_count
    }

    pub(crate) fn group_count(&self) -> usize {
        self.group.len()
    }

    fn keep(&mut self, facts: Vec<Fact>, drafts: Vec<Draft>, tell: bool) {
        for fact in facts {
            self.kept.push((self.now, fact));
            if let (true, Some(sink), Some((_, fact))) = (tell, &mut self.sink, self.kept.last()) {
                sink(Seq(number(self.kept.len())), fact);
            }
        }
        for mut draft in drafts {
            let seq = number(self.entries.len() + 1);
            // Where a leaf has its number, see `journal::Draft`.
            if let Some(place) = draft.leaf.get_mut(8..16) {
                place.copy_from_slice(&seq.to_be_bytes());
            }
            self.entries.push(Entry { seq: EntrySeq(seq), draft });
        }
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
