//! Sizes and waits of entries and of their audit.

use core::time::Duration;

/// Octets of one entry.
pub const LEAF_OCTETS: usize = 256;

/// Octets of the part that is sealed for the auditor.
pub(crate) const CLERK_OCTETS: usize = 112;

/// Octets of a salt, and of a commitment.
pub const SALT_OCTETS: usize = 32;

/// Octets of randomness that one entry takes.
pub const RANDOM_OCTETS: usize = SALT_OCTETS + 12 + MARK_OCTETS;

/// Octets of the field that is counsel's in the entries of a protected call, and random otherwise.
pub(crate) const MARK_OCTETS: usize = 60;

/// How long an older epoch of the registry may still be used after a newer one was entered.
pub const EPOCH_GRACE: Duration = Duration::from_secs(60);

/// How long a node may take to enter the quarantines that it announced with an epoch.
pub const QUARANTINE_WITHIN: Duration = Duration::from_secs(60 * 60);

/// How long before and after the conversation a call may last: ringing, notices, farewell, and the
/// closing of its file.
pub const AROUND_TALK: Duration = Duration::from_secs(15 * 60);

/// Violations that are listed; all are counted.
pub const VIOLATIONS_LISTED_MAX: usize = 10_000;

/// Starts of one node among which counsel's marks are looked for.
pub const BOOTS_SEARCHED_MAX: u32 = 10_000;

/// Nodes of one log among which counsel's marks are looked for, from number 1.
pub const NODES_SEARCHED_MAX: u32 = 16;
