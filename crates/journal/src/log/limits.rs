//! Limits of the log.

use std::time::Duration;

/// The published log has a multiple of so many entries.
pub const BATCH_ENTRIES: u64 = 64;

/// Entries that may wait for publication; further ones are refused.
pub const PUBLISH_ENTRIES_MAX: usize = 262_144;

/// A group takes no further append once its entries have this many octets.
pub(super) const GROUP_OCTETS_MAX: usize = 1024 * 1024;

/// Octets of the entries of one append.
pub(super) const APPEND_OCTETS_MAX: usize = 1024 * 1024;

/// Appends that may wait for the disk; the next one is refused.
pub(super) const QUEUE_APPENDS_MAX: usize = 65_536;

/// How long an append that nobody waits for lets others gather, so that they share its signature
/// and its `fdatasync`.
pub const SOON: Duration = Duration::from_millis(100);

/// Appends that need not wait for more.
pub(super) const GATHERED_ENOUGH: usize = 1_024;

/// A segment takes no further record once it has this many octets.
pub const WAL_OCTETS_MAX: u32 = 16 * 1024 * 1024;

/// Nodes of one log.
pub(super) const NODES_COUNT_MAX: usize = 1024;

/// Octets of a signed checkpoint with the log's signature alone.
pub(super) const CHECKPOINT_OCTETS_MAX: usize = 1024;

/// The largest record, and so the largest thing that a crash can leave unfinished.
pub(super) const RECORD_OCTETS_MAX: usize =
    GROUP_OCTETS_MAX + APPEND_OCTETS_MAX + CHECKPOINT_OCTETS_MAX + 64 * 1024;

/// By how much the clock may be behind the last time the log knows before that is refused.
pub(super) const CLOCK_BACK_S_MAX: u64 = 60;
