//! Limits of the store.

use std::time::Duration;

/// Connections for reading; writers have one of their own.
pub(crate) const READERS_MAX: u32 = 4;

/// How long to wait for another process that is writing (a large provision file beside a running
/// node).
pub(crate) const BUSY_WAIT: Duration = Duration::from_secs(30);

/// How long a caller waits for a free connection.
pub(crate) const ACQUIRE_WAIT: Duration = Duration::from_secs(60);

/// Prepared statements kept per connection; more than the store has.
pub(crate) const STATEMENTS_MAX: usize = 128;

/// Rows of [`Store::calls`](crate::Store::calls) at once, whatever the filter asks for.
pub(crate) const CALLS_MAX: u32 = 10_000;

/// What must be free on a disk beyond what writing the database anew takes: calls are recorded
/// meanwhile.
pub(crate) const ROOM_LEFT_OCTETS: u64 = 256 * 1024 * 1024;
