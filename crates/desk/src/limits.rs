//! Limits of the desk.

use std::time::Duration;

use registry::Guard;

/// How often the store is asked whether the configuration changed. It is also how often the
/// registry is confirmed, and a blocked or newly protected number takes effect within this time.
pub(crate) const RELOAD_EVERY: Duration = Duration::from_millis(500);

/// How often an unchanged registry is read again from the store, which confirms it.
pub(crate) const REGISTRY_CONFIRM_EVERY: Duration = Duration::from_secs(20);

/// When a registry is not trusted: not confirmed for a minute, or a tenth of its numbers gone at
/// once. Nothing is recorded then.
pub(crate) const REGISTRY_GUARD: Guard =
    Guard { stale_after: Duration::from_secs(60), shrink_percent_max: 10 };

/// Wrong PINs at one station within [`PIN_WINDOW`] that lock it.
pub(crate) const WRONG_PINS_STATION_MAX: usize = 9;

/// Wrong PINs at all stations of a facility within [`PIN_WINDOW`] that lock them all: whoever
/// guesses goes from telephone to telephone. Where a hundred people have PINs of six digits, one
/// guess in ten thousand is somebody's: at this pace that takes fourteen hours.
pub(crate) const WRONG_PINS_FACILITY_MAX: usize = 60;

/// How long a wrong PIN counts.
pub(crate) const PIN_WINDOW: Duration = Duration::from_secs(5 * 60);

/// Room on the disk that only the records of running calls use: a day of them for a busy node.
pub(crate) const DISK_RESERVE_OCTETS: u64 = 32 * 1024 * 1024;

/// Facts that must not be missing and wait for the disk. Past it no call is placed without its
/// record.
pub(crate) const UNSAID_COUNT_MAX: usize = 10_000;

/// How many facts are written to the store in one transaction.
pub(crate) const PROJECT_BATCH_MAX: usize = 1_000;

/// How many facts, with their entries, are appended at once where there are many; far below what
/// one append may hold.
pub(crate) const APPEND_FACTS_MAX: usize = 96;

/// Entries say no more of when they may be published than the interval of this length.
pub(crate) const PUBLISH_EVERY: Duration = Duration::from_mins(10);

/// How often is asked what staff want done with recorded names.
pub(crate) const NAME_WISHES_EVERY: Duration = Duration::from_millis(500);

/// Approved names that are kept ready for people who are about to call, 16 kB each.
pub(crate) const VOICES_COUNT_MAX: usize = 256;

/// How long a fact waits for others before it is written to the store.
pub(crate) const PROJECT_WAIT: Duration = Duration::from_millis(200);

/// How long the projector waits before it tries a failed batch again.
pub(crate) const PROJECT_RETRY: Duration = Duration::from_secs(1);
