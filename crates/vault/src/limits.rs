//! Limits of the vault.

/// Recordings at once in one vault; each holds a file open.
pub const RECORDINGS_COUNT_MAX: usize = 4_096;

/// Seconds of one recording that may wait for the disk; with one more it is cut.
pub const QUEUED_SECONDS_MAX: usize = 10;

/// Messages that the thread takes before it looks whether anything must be synced or closed.
pub(crate) const BATCH_MESSAGES_MAX: usize = 1_024;

/// Up to so many files are synced one by one; more of them with one sync of the file system.
pub(crate) const SYNC_EACH_FILES_MAX: usize = 8;

/// Shares of a segment's key: agencies of a node with a keyholder of their own, and two more.
pub(crate) const SEGMENT_SHARES_COUNT_MAX: u32 = 4_096;
