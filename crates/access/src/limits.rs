//! How much of anything one disclosure may be.

use core::time::Duration;

/// Octets of the number of a case.
pub const CASE_OCTETS_MAX: usize = 64;

/// Rows that one entry can name; the log takes 64 KiB of detail with an entry.
pub const RECORDS_COUNT_MAX: usize = 5_000;

/// Months that one entry can name: ten years.
pub const MONTHS_COUNT_MAX: usize = 120;

/// People who can have approved one disclosure.
pub const APPROVERS_COUNT_MAX: usize = 8;

/// Octets of each key or word that somebody looks for.
pub const QUERY_WORD_OCTETS_MAX: usize = 256;

/// Signs of what is asked for, in the words of who asks.
pub const NOTE_CHARS_MAX: usize = 500;

/// Octets of what an entry says: the longest list of rows, at ten octets each, and the rest, of
/// which the note can have four octets a sign.
pub const DETAIL_OCTETS_MAX: usize = 10 * RECORDS_COUNT_MAX + 6 * 1_024;

/// How long a disclosure that was entered may be carried out.
pub const VALID_MAX: Duration = Duration::from_secs(24 * 3_600);

/// Segments of a journal that one entry can name, at 52 octets each: a year of a quiet node, and so
/// few that the request for the longest file of shares still fits (`keyholder`).
pub const SEGMENTS_COUNT_MAX: usize = 365;

/// How long keyholders open segments for a request that was entered: their owners say yes first.
pub const REOPENING_VALID_MAX: Duration = Duration::from_secs(7 * 86_400);

/// How far the clocks of a node and of a keyholder may be apart.
pub const CLOCKS_APART_MAX: Duration = Duration::from_secs(120);

/// How long a grant is for.
pub const GRANT_MAX: Duration = Duration::from_secs(30 * 86_400);

/// How long the time may be in which one person has all calls of a facility kept from being erased.
pub const HOLD_SPAN_MAX: Duration = Duration::from_secs(31 * 86_400);

/// Rows that one person sees in 24 hours without an approval.
pub const ROWS_PER_DAY_MAX: u32 = 2_000;

/// Rows that one person sees in seven days without an approval.
pub const ROWS_PER_WEEK_MAX: u32 = 10_000;

/// How long the glass is broken, at least.
pub const GLASS_MIN: Duration = Duration::from_secs(3_600);

/// How long the glass is broken, at most.
pub const GLASS_MAX: Duration = Duration::from_secs(4 * 3_600);

/// Rows that are seen through a broken glass.
pub const GLASS_ROWS_MAX: u32 = 50;

/// When a broken glass must have been reviewed.
pub const REVIEW_WITHIN: Duration = Duration::from_secs(72 * 3_600);

/// After how long without a log-in an access is disabled (CJIS Security Policy AC-2(3)).
pub const INACTIVE_MAX: Duration = Duration::from_secs(90 * 86_400);

/// Failed tries that lock an access (CJIS Security Policy AC-7).
pub const FAILURES_COUNT_MAX: usize = 5;

/// The time in which they count (CJIS Security Policy AC-7).
pub const FAILURES_WITHIN: Duration = Duration::from_secs(15 * 60);
