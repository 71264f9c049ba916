//! The audit: what an outsider with the audit key finds in a log and a list of files.
//!
//! It needs no personal data. What it cannot see: whether a class was given rightly (open the
//! details, or let counsel look, see [`crate::bill`]), and calls that were never entered (compare
//! with the carrier, see [`crate::carrier`]).

mod call;
mod file;
mod name;
mod registry;
mod violation;

use crate::{
    leaf::{self, AuditKey, NotAnEntry, Read},
    limits::{LEAF_OCTETS, VIOLATIONS_LISTED_MAX},
    statement::Statement,
};
use alloc::{collections::BTreeMap, vec::Vec};
use call::Calls;
use file::Files;
use model::{RecordingId, Timestamp};
use name::Names;
use registry::{Epochs, Stated};
pub use violation::{Invariant, Violation};

/// A recording's file as it lies in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object {
    /// The recording.
    pub recording: RecordingId,
    /// SHA-256 of the file, or `None` while it is being written.
    pub sha256: Option<[u8; 32]>,
}

/// A recorded name's file as it lies in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredName {
    /// SHA-256 of the sealed file.
    pub sha256: [u8; 32],
    /// Whether it is in its place, and not only on its way there.
    pub placed: bool,
}

/// Where an entry stands: its number in the log, from 0. Entries that wait at their node for the
/// next publication go on from the log's last.
pub type Index = u64;

/// Reads entries one after the other and finds what breaks an invariant.
#[derive(Debug)]
pub struct Auditor {
    key: AuditKey,
    report: Report,
    nodes: BTreeMap<u32, Node>,
    epochs: Epochs,
    calls: Calls,
    files: Files,
    names: Names,
    programs: Vec<(u32, u32, [u8; 32])>,
}

/// How far the entries of one node go.
#[derive(Debug, Default)]
struct Node {
    seq: u64,
    /// Its newest start, and the latest time said since.
    boot: u32,
    last: Timestamp,
}

/// What an audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries read.
    pub entries: u64,
    /// Entries that fill batches up.
    pub padding: u64,
    /// Calls that were allowed.
    pub admissions: u64,
    /// Recordings that were closed.
    pub recordings: u64,
    /// Calls that say that they were not recorded.
    pub not_recorded: u64,
    /// Names that people recorded.
    pub names: u64,
    /// Calls that may still be running.
    pub open: u64,
    /// The programs that ran: node, start, and SHA-256 of the program.
    pub programs: Vec<(u32, u32, [u8; 32])>,
    /// What went out, by trunk and time, for [`crate::carrier`].
    pub dialled: Vec<crate::carrier::Dialled>,
    /// How often it was entered that segments of a journal are opened by their keyholders.
    pub reopened: u64,
    /// The first and the last of entries whose details are erased, as entries say.
    pub erased: Vec<(u64, u64)>,
    /// What breaks an invariant, in the order found; no more than [`VIOLATIONS_LISTED_MAX`].
    pub violations: Vec<Violation>,
    /// How many there are.
    pub violations_count: u64,
}

impl Report {
    fn add(&mut self, violation: Violation) {
        self.violations_count = self.violations_count.saturating_add(1);
        if self.violations.len() < VIOLATIONS_LISTED_MAX {
            self.violations.push(violation);
        }
    }
}

impl Auditor {
    /// An auditor who has read nothing.
    pub fn new(key: AuditKey) -> Self {
        Self {
            key,
            report: Report::default(),
            nodes: BTreeMap::new(),
            epochs: Epochs::default(),
            calls: Calls::default(),
            files: Files::default(),
            names: Names::default(),
            programs: Vec::new(),
        }
    }

    /// Reads the next entry.
    pub fn read(&mut self, index: Index, leaf: &[u8]) {
        self.report.entries += 1;
        let read = <&[u8; LEAF_OCTETS]>::try_from(leaf)
            .map_err(|_| NotAnEntry::Format)
            .and_then(|leaf| leaf::read(leaf, &self.key));
        match read {
            Ok(read) => self.take(index, &read),
            Err(why) => self.report.add(Violation::Unreadable { index, why }),
        }
    }

    /// Takes the files of recorded names that are stored, by their SHA-256. One that is only on
    /// its way into its place (`placed` is false) may be without an entry, when its node died.
    pub fn stored_names(&mut self, files: impl IntoIterator<Item = StoredName>) {
        self.names.stored(files);
    }

    /// Judges the whole against the files that are stored.
    pub fn finish(self, objects: impl IntoIterator<Item = Object>) -> Report {
        let Self { mut report, nodes, epochs, calls, mut files, names, programs, .. } = self;
        epochs.finish(&nodes, &mut |violation| report.add(violation));
        let open = calls.finish(&nodes, &mut |violation| report.add(violation));
        files.finish(&calls, &nodes, objects, &mut |violation| report.add(violation));
        names.finish(&mut |violation| report.add(violation));
        Report { open, programs, ..report }
    }

    fn take(&mut self, index: Index, read: &Read) {
        self.sequence(index, read);
        let Self { report, epochs, calls, files, names, programs, .. } = self;
        let (at, said) = (Place { index, node: read.node }, &read.said);
        let mut violations = Vec::new();
        let found: &mut dyn FnMut(Violation) = &mut |violation| violations.push(violation);
        match said.what {
            Statement::Padding => report.padding += 1,
            Statement::Boot { build } => {
                calls.settled(at, said.boot, found);
                programs.push((read.node, said.boot, build));
            }
            Statement::RegistryEpoch { epoch, count, removed, late, root } => {
                let stated = Stated { index, at: said.at, root, count, late };
                epochs.begin(epoch, stated, removed, found);
            }
            Statement::Removal { epoch } => epochs.removal(epoch, index),
            Statement::Quarantine { recording, epoch } => {
                calls.quarantine(at, recording, found);
                epochs.quarantined(epoch, recording, said.at);
            }
            Statement::Admission { call, epoch, standing, over_within } => {
                report.admissions += 1;
                epochs.admits(at, (epoch, standing.may_record.is_ok()), said.at, found);
                calls.admit(at, said, call, (standing, over_within), found);
            }
            Statement::Dialled { call, trunk } => {
                report.dialled.push(crate::carrier::Dialled { index, trunk, at: said.at });
                calls.dialled(at, call, found);
            }
            Statement::Consent { call } => calls.consent(at, call, found),
            Statement::RecordingStarted { call, epoch } => {
                epochs.check(at, epoch, said.at, found);
                calls.start(at, call, found);
            }
            Statement::RecordingEnded { call, closed } => {
                report.recordings += 1;
                calls.end_recorded(at, said, call, found);
                files.ended(at, call.recording(), closed.sha256, found);
            }
            Statement::NotRecorded { call, .. } => {
                report.not_recorded += 1;
                calls.end(at, said, call, found);
            }
            Statement::Erase { recording, sha256 } => files.erased(at, recording, sha256, found),
            Statement::NameRecorded { call, sha256 } => {
                report.names += 1;
                names.recorded(index, calls.admitted(at, call), sha256, found);
            }
            Statement::NameHeard { sha256 } => names.heard(index, sha256, found),
            Statement::NameApproved { sha256 } => names.approved(index, sha256, found),
            Statement::NameRemoved { sha256 } => names.removed(index, sha256, found),
            Statement::Tariff { .. }
            | Statement::Hold { .. }
            | Statement::Retention { .. }
            | Statement::Kill { .. }
            | Statement::PolicyChange { .. }
            | Statement::StaffChange { .. }
            | Statement::Disclosure { .. }
            | Statement::Approval { .. }
            | Statement::Denial { .. }
            | Statement::BreakGlass { .. }
            | Statement::Review { .. }
            | Statement::Inquiry { .. }
            | Statement::Delivered { .. }
            | Statement::RecordsErased { .. }
            | Statement::Closing { .. } => {}
            Statement::SegmentsOpened { .. } => report.reopened += 1,
            Statement::DetailsErased { first, last, .. } => report.erased.push((first, last)),
        }
        violations.into_iter().for_each(|violation| self.report.add(violation));
    }

    /// I4: the entries of a node are numbered without a gap, and its starts go up. The log itself
    /// says nothing that nodes say, and they nothing that it says: otherwise a call could hide
    /// among its padding, whose numbers nobody counts, or padding among calls.
    fn sequence(&mut self, index: Index, read: &Read) {
        let node = self.nodes.entry(read.node).or_default();
        let expected = node.seq.saturating_add(1);
        if read.seq != expected {
            let (node, found) = (read.node, read.seq);
            self.report.add(Violation::Gap { index, node, expected, found });
        }
        node.seq = read.seq.max(node.seq);
        // Padding is of no start.
        let started = read.said.what != Statement::Padding;
        if started && read.said.boot < node.boot {
            self.report.add(Violation::OldStart { index, node: read.node });
        }
        if read.said.boot > node.boot {
            (node.boot, node.last) = (read.said.boot, read.said.at);
        }
        node.last = node.last.max(read.said.at);
        if (read.node == LOG) != read.said.what.kind().is_of_the_log() {
            self.report.add(Violation::NotTheirs { index, node: read.node });
        }
        if read.interval > read.said.at {
            self.report.add(Violation::Early { index });
        }
    }
}

/// An entry's place, and who wrote it.
#[derive(Clone, Copy, Debug)]
struct Place {
    index: Index,
    node: u32,
}

/// The node number of the log's own entries.
pub const LOG: u32 = 0;

#[cfg(test)]
mod tests;
