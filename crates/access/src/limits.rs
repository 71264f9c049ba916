//! How much of anything one disclosure may be.

use core::time::Duration;

/// Octets of the number of a case.
pub const CASE_OCTETS_MAX: usize = 64;

/// Rows that one entry can name.
pub const RECORDS_COUNT_MAX: usize = 10_000;

/// Months that one entry can name: ten years.
pub const MONTHS_COUNT_MAX: usize = 120;

/// People who can have approved one disclosure.
pub const APPROVERS_COUNT_MAX: usize = 8;

/// Octets of what an entry says: the longest list of rows, at ten octets each, and the rest.
pub const DETAIL_OCTETS_MAX: usize = 10 * RECORDS_COUNT_MAX + 1_024;

/// How long a disclosure that was entered may be carried out.
pub const VALID_MAX: Duration = Duration::from_secs(24 * 3_600);

/// How far the clocks of a node and of a keyholder may be apart.
pub const CLOCKS_APART_MAX: Duration = Duration::from_secs(120);
