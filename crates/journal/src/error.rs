//! What can go wrong, and whose fault it is.

use std::{io, path::PathBuf, sync::Arc};

/// Why the journal did not do what was asked.
///
/// `InUse`, `OtherNode`, `WrongKey`, `Overloaded`, `Empty`, `TooLarge`, `DetailTooLarge`,
/// `NotADraft`, `Forgotten`, `GivenAway`, `BeingCopied` and `Closed` are refusals: the caller can
/// do something about them and nothing was written. All others are broken: the disk, or what is on
/// it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process, or another handle of this one, has this journal open.
    #[error("the journal `{}` is in use by another process: stop that one first", folder.display())]
    InUse {
        /// The journal's folder.
        folder: PathBuf,
    },
    /// The journal belongs to another node.
    #[error("`{}` belongs to node {found}, and this is node {expected}: check the data folder", file.display())]
    OtherNode {
        /// The segment.
        file: PathBuf,
        /// The node it names.
        found: u32,
        /// This node.
        expected: u32,
    },
    /// The journal is sealed under another key, or the header of a segment was changed on purpose.
    #[error(
        "`{}` does not open with this key: put back the `store.key` that the journal was begun with; \
         nothing of the journal was changed", file.display()
    )]
    WrongKey {
        /// The segment.
        file: PathBuf,
    },
    /// The operating system gives no randomness, without which nothing is sealed.
    #[error("the operating system gives no randomness: nothing was written to the journal")]
    NoRandomness,
    /// What is asked for was forgotten on purpose, as it was older than it may be kept.
    #[error(
        "the facts up to {last} were forgotten and are not in the journal any more; what was kept of \
         them is in the database: restore that from a newer backup"
    )]
    Forgotten {
        /// Number of the last fact that was forgotten.
        last: u64,
    },
    /// The key of the segment that has what is asked for was given away.
    #[error(
        "the facts up to {last} stand in `{}`, whose key was given away to the keyholders: it was taken \
         over by the database before; restore that from a newer backup", file.display()
    )]
    GivenAway {
        /// The first segment that does not open.
        file: PathBuf,
        /// Number of its last fact.
        last: u64,
    },
    /// The key of a segment could not be sealed to those who are to hold it, so it was kept.
    #[error("the key of `{}` cannot be sealed to the keyholders, so the node keeps it", file.display())]
    NotShared {
        /// The segment.
        file: PathBuf,
    },
    /// Somebody copies the journal, so that nothing of it is forgotten now.
    #[error("the journal `{}` is being copied: nothing of it is forgotten until that is done", folder.display())]
    BeingCopied {
        /// The journal's folder.
        folder: PathBuf,
    },
    /// Too many appends wait for the disk.
    #[error("the disk is too slow for the journal: {waiting} appends wait already")]
    Overloaded {
        /// How many wait.
        waiting: usize,
    },
    /// An append without facts and entries.
    #[error("an append needs at least one fact or entry")]
    Empty,
    /// An append that is larger than [`crate::APPEND_OCTETS_MAX`], or that cannot be written at
    /// all.
    #[error(
        "the facts and entries of one append take {octets} octets, more than {} are not written",
        crate::APPEND_OCTETS_MAX
    )]
    TooLarge {
        /// Its size.
        octets: usize,
    },
    /// A detail that is larger than [`crate::DETAIL_OCTETS_MAX`].
    #[error(
        "the detail of an entry takes {octets} octets, more than {} are not kept",
        crate::DETAIL_OCTETS_MAX
    )]
    DetailTooLarge {
        /// Its size.
        octets: usize,
    },
    /// A leaf whose head is of another format or node, or that has a number already.
    #[error("an entry is not a draft of this node: its leaf is of another format, node or number")]
    NotADraft,
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
    /// The disk is full. Nothing of this append is in the journal; once there is space, appends
    /// work again.
    #[error("no space is left for the journal at `{}`: free some", file.display())]
    DiskFull {
        /// The segment that could not grow or be made.
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
    /// An earlier fault left it open whether its facts are on the disk. Open the journal again.
    #[error("the journal stopped after a fault and must be opened again: {why}")]
    Stopped {
        /// The fault.
        why: Arc<str>,
    },
    /// A segment is damaged where it was once durable.
    #[error("`{}` is damaged at octet {offset}: {what}; restore it from a copy", file.display())]
    Damaged {
        /// The segment.
        file: PathBuf,
        /// Where the first damaged frame begins.
        offset: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A segment is missing, or does not begin where the one before ends.
    #[error("fact {missing} is missing before `{}`: a segment is lost or cut; restore it from a copy", file.display())]
    Gap {
        /// The number of the first missing fact.
        missing: u64,
        /// The segment that begins too late.
        file: PathBuf,
    },
    /// A segment was written in clear by an older version of the program.
    #[error(
        "`{}` was written in clear by an older version (format {found}), which this one does not read: \
         begin a new data folder", file.display()
    )]
    OlderFormat {
        /// The segment.
        file: PathBuf,
        /// Its format.
        found: u32,
    },
    /// A segment was written by a newer version of the program.
    #[error("`{}` was written by a newer version (format {found}): run that version", file.display())]
    NewerFormat {
        /// The segment.
        file: PathBuf,
        /// Its format.
        found: u32,
    },
}

impl JournalError {
    /// The fault `source` of trying to `action` on `path`.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        let path = path.into();
        if source.kind() == io::ErrorKind::StorageFull {
            return Self::DiskFull { file: path };
        }
        Self::Io { action, path, source: Arc::new(source) }
    }
}
