//! What this crate accepts at most.

use core::time::Duration;

/// Octets of a text that may be a number: a SIP URI with parameters fits, a page does not.
pub const TEXT_BYTES_MAX: usize = 256;

/// Digits of an extension. One less than a local number has, so that a second number in the same
/// field (`202-555-0142,5550143`) is refused and not taken for an extension of the first.
pub const EXTENSION_DIGITS_MAX: usize = 6;

/// Keys of one dialled number: 15 digits and the longest prefix.
pub const KEYS_COUNT_MAX: usize = 18;

/// How far the source's clock may be ahead before its confirmation counts as stale. Without this,
/// one confirmation dated next year would keep a forgotten registry usable until then.
pub const CLOCK_AHEAD_MAX: Duration = Duration::from_secs(60);
