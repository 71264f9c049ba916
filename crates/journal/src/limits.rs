//! Limits of the journal.

use crate::frame::{FRAME_HEADER_OCTETS, SEAL_OCTETS};
use std::time::Duration;

/// Octets of facts and entries in one append. A fact is a few hundred octets at most.
pub const APPEND_OCTETS_MAX: usize = 256 * 1024;

/// Octets of the sealed detail of one entry.
pub const DETAIL_OCTETS_MAX: usize = 64 * 1024;

/// A group takes no further append once it has this many octets.
pub(crate) const GROUP_OCTETS_MAX: usize = 1024 * 1024;

/// Appends that may wait for the disk; the next one is refused.
pub const QUEUE_APPENDS_MAX: usize = 65_536;

/// How long an append that nobody waits for lets others gather, so that they share its `fdatasync`.
pub const SOON: Duration = Duration::from_millis(20);

/// How long the journal's thread rests after a group in which several waited, so that the next one
/// has several too: at most so much later is an append durable while many are made, and one that is
/// alone never.
pub(crate) const REST: Duration = Duration::from_millis(4);

/// Appends that need not wait for more.
pub(crate) const GATHERED_ENOUGH: usize = 256;

/// A segment takes no further group once it has this many octets.
pub const SEGMENT_OCTETS_MAX: u32 = 16 * 1024 * 1024;

/// A segment whose first fact is so old is followed by the next one when something is to be
/// forgotten, or a key given away.
pub const SEGMENT_AGE_MAX: Duration = Duration::from_hours(24);

/// How long after its last fact a node keeps the key of a closed segment: two nights in which a
/// backup is taken, so that a database that is lost is filled from there without the keyholders.
pub const KEY_KEPT: Duration = Duration::from_hours(2 * 24);

/// The largest [`crate::Options::segment_octets_max`]: positions in a segment are 32 bits wide.
pub(crate) const SEGMENT_OCTETS_LIMIT: u32 = 1024 * 1024 * 1024;

/// The largest thing that a crash can leave unfinished: one group, its last append included.
pub(crate) const TORN_OCTETS_MAX: usize =
    GROUP_OCTETS_MAX + APPEND_OCTETS_MAX + FRAME_HEADER_OCTETS + SEAL_OCTETS;
