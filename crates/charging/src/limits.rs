//! What this crate accepts at most, and the lengths of time it works with.

use core::time::Duration;

/// Rows of a cap table.
pub const CAPS_COUNT_MAX: usize = 10_000;

/// Octets of one row of a cap table.
pub const ROW_BYTES_MAX: usize = 4_096;

/// The shortest conversation that is worth ringing somebody for: what the refusal "not enough money
/// for one minute" means. It is a length of talk and no minimum balance (47 CFR 64.6100): any
/// balance can be kept, paid out, and added to.
pub const TALK_MIN: Duration = Duration::from_secs(60);

/// How long a hold outlives the longest conversation it pays for: ringing, the notice and the
/// decision come before it, and a node that died gets the time to come back.
pub const HOLD_MARGIN: Duration = Duration::from_secs(900);
