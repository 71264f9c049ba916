//! What can go wrong with the log, and whose fault it is.

use crate::EntrySeq;
use std::{io, path::PathBuf, sync::Arc};

/// Why the log did not do what was asked.
///
/// `InUse`, `Withheld`, `Gap`, `NotALeaf`, `TooLarge`, `Empty`, `Overloaded`, `Unpublished`,
/// `NoSuchEntry`, `Padding` and `Closed` are refusals: nothing was written. All others are broken:
/// the disk, what is on it, the key or the clock.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LogError {
    /// Another process, or another handle of this one, writes this log.
    #[error("the log `{}` is in use by another process: stop that one first", folder.display())]
    InUse {
        /// The log's private folder.
        folder: PathBuf,
    },
    /// The log was put back from a backup, and it was not shown yet that nobody has seen more.
    #[error(
        "the log `{}` was put back from a backup and signs nothing until it is shown the newest \
         checkpoint: `parlatory restore --data DIR --since CHECKPOINT`",
        folder.display()
    )]
    Withheld {
        /// The log's private folder.
        folder: PathBuf,
    },
    /// Somebody else has begun to write this log, past the lock.
    #[error("another writer has taken over the log at `{}`: stop one of the two", file.display())]
    LeaseLost {
        /// The segment it wrote to.
        file: PathBuf,
    },
    /// The key that was given is not the one this log is signed with.
    #[error("the key does not belong to the log at `{}`: {why}", path.display())]
    WrongKey {
        /// The checkpoint that it does not fit.
        path: PathBuf,
        /// How it differs.
        why: String,
    },
    /// A segment of the write-ahead log is damaged where it was once durable.
    #[error("`{}` is damaged at octet {offset}: {what}; restore it from a copy", file.display())]
    Damaged {
        /// The segment.
        file: PathBuf,
        /// Where the first damaged record begins.
        offset: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A segment is missing.
    #[error("entry {missing} is missing before `{}`: a segment is lost or cut; restore it from a copy", file.display())]
    SegmentMissing {
        /// Place of the first missing entry.
        missing: u64,
        /// The segment that begins too late.
        file: PathBuf,
    },
    /// A segment was written by a newer version of the program.
    #[error("`{}` was written by a newer version (format {found}): run that version", file.display())]
    NewerFormat {
        /// The segment.
        file: PathBuf,
        /// Its format.
        found: u32,
    },
    /// The public folder is not what was signed.
    #[error("the public log is damaged: {why}; restore it, or remove `{}` to have it written again", folder.display())]
    PublicDamaged {
        /// The public folder.
        folder: PathBuf,
        /// What is wrong, and where.
        why: String,
    },
    /// More is published than is in the write-ahead log.
    #[error(
        "{published} entries are published and the write-ahead log has {kept}: it was rolled back; \
         restore it from a copy, or a second history would be signed"
    )]
    RolledBack {
        /// Entries published.
        published: u64,
        /// Entries kept.
        kept: u64,
    },
    /// What is published and what is kept are different histories.
    #[error(
        "the {size} published entries are not those of the write-ahead log; nothing is signed \
         until one of the two is restored from a copy"
    )]
    Forked {
        /// Entries of the published log.
        size: u64,
    },
    /// The clock is behind what the log knows.
    #[error(
        "the clock is {behind_s} seconds behind the last time in the log: set it right, or wait"
    )]
    ClockBackwards {
        /// By how much, in seconds.
        behind_s: u64,
    },
    /// An entry does not follow the last one of its node.
    #[error("entry {found} of node {node} came, and entry {expected} is next: replay the outbox")]
    Gap {
        /// The node.
        node: u32,
        /// Number of the next entry.
        expected: u64,
        /// Number of the one that came.
        found: u64,
    },
    /// A leaf whose head is none, or that has the wrong number.
    #[error("an entry's leaf has no valid head: format, node and number must be as agreed")]
    NotALeaf,
    /// An append, or a detail in it, is larger than is written.
    #[error("the entries of one append take {octets} octets, more is not written than {max}")]
    TooLarge {
        /// Its size.
        octets: usize,
        /// The limit.
        max: usize,
    },
    /// An append without entries.
    #[error("an append needs at least one entry")]
    Empty,
    /// Too many appends wait for the disk.
    #[error("the disk is too slow for the log: {waiting} appends wait already")]
    Overloaded {
        /// How many wait.
        waiting: usize,
    },
    /// Too many entries wait for publication.
    #[error("{waiting} entries wait for publication: see why the public log is not written")]
    Unpublished {
        /// How many wait.
        waiting: usize,
    },
    /// There is no such entry, or the log was never so small.
    #[error("the log of {size} entries does not reach to `{index}`")]
    NoSuchEntry {
        /// What was asked for.
        index: u64,
        /// How many entries there are.
        size: u64,
    },
    /// Whoever makes padding made something else.
    #[error(
        "{wanted} entries of padding were asked for and {got} came, or they have no valid head"
    )]
    Padding {
        /// How many were needed.
        wanted: u64,
        /// How many came.
        got: usize,
    },
    /// A cosignature does not belong to the published checkpoint.
    #[error("the cosigned checkpoint is not the one that is published")]
    OtherCheckpoint,
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
    /// The disk is full. Nothing of this append is in the log; once there is space, appends work
    /// again.
    #[error("no space is left for the log at `{}`: free some", file.display())]
    DiskFull {
        /// The file that could not grow or be made.
        file: PathBuf,
    },
    /// The operating system reported a fault.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Arc<io::Error>,
    },
    /// An earlier fault left it open whether entries are on the disk. Open the log again.
    #[error("the log stopped after a fault and must be opened again: {why}")]
    Stopped {
        /// The fault.
        why: Arc<str>,
    },
}

impl LogError {
    /// The fault `source` of trying to `action` on `path`.
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        let path = path.into();
        if source.kind() == io::ErrorKind::StorageFull {
            return Self::DiskFull { file: path };
        }
        Self::Io { action, path, source: Arc::new(source) }
    }

    /// Says that entry `found` is not the one after `last` of its node.
    pub(super) fn gap(node: u32, last: EntrySeq, found: EntrySeq) -> Self {
        Self::Gap { node, expected: last.0.saturating_add(1), found: found.0 }
    }
}
