//! The one place that reads a clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use model::{Clock, Timestamp};

/// The time of day, carried on by the monotonic clock from the start of the program: it never jumps
/// or runs backwards when the machine's time is corrected, so lengths of calls stay true.
#[expect(clippy::disallowed_methods, reason = "the shell owns the clock")]
pub(crate) fn clock() -> Clock {
    let day = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let start = Instant::now();
    let base = Timestamp::default().after(day);
    Clock::new(move || base.after(start.elapsed()))
}
