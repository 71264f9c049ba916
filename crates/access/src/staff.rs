//! Who may log in: staff, what ends their access, and the lock after failed tries.

use crate::{
    act::Role,
    limits::{FAILURES_COUNT_MAX, FAILURES_WITHIN, INACTIVE_MAX, REVIEW_WITHIN},
};
use alloc::vec::Vec;
use model::{AgencyId, StaffId, Timestamp};

/// Somebody with a log-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staff {
    /// Who.
    pub id: StaffId,
    /// As what.
    pub role: Role,
    /// Whom they work for.
    pub agency: AgencyId,
    /// Whether their access was taken away.
    pub revoked: bool,
    /// When they last logged in, or were added.
    pub last_seen: Timestamp,
    /// Failed tries to log in since the last good one, oldest first, as [`failed`] keeps them.
    pub failures: Vec<Timestamp>,
    /// When they broke the glass and no review of it was entered yet.
    pub unreviewed: Vec<Timestamp>,
}

impl Staff {
    /// Whether they may use the system now.
    ///
    /// # Errors
    /// Says what ended their access.
    pub fn usable(&self, now: Timestamp) -> Result<(), Unusable> {
        if self.revoked {
            return Err(Unusable::Revoked);
        }
        if is_locked(&self.failures) {
            return Err(Unusable::Locked);
        }
        if now.since(self.last_seen) >= INACTIVE_MAX {
            return Err(Unusable::Inactive);
        }
        if self.unreviewed.iter().any(|broken| now.since(*broken) >= REVIEW_WITHIN) {
            return Err(Unusable::Suspended);
        }
        Ok(())
    }
}

/// The failures to keep after one more at `now`. Locked is locked: later tries change nothing, and
/// only an administrator releases (CJIS Security Policy AC-7: five tries in 15 minutes).
#[must_use]
pub fn failed(failures: &[Timestamp], now: Timestamp) -> Vec<Timestamp> {
    if is_locked(failures) {
        return failures.to_vec();
    }
    let recent = failures.iter().copied().filter(|at| now.since(*at) < FAILURES_WITHIN);
    recent.chain([now]).collect()
}

/// Whether so many failures lock.
#[must_use]
pub fn is_locked(failures: &[Timestamp]) -> bool {
    failures.len() >= FAILURES_COUNT_MAX
}

/// Why somebody may not use the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It was taken away.
    #[error("this access was revoked")]
    Revoked,
    /// Too many tries failed.
    #[error("this access is locked after {FAILURES_COUNT_MAX} failed tries: ask an administrator")]
    Locked,
    /// They did not log in for long.
    #[error(
        "this access was not used for {} days and is disabled: ask an administrator",
        INACTIVE_MAX.as_secs() / 86_400
    )]
    Inactive,
    /// They broke the glass, and nobody reviewed it in time.
    #[error(
        "a broken glass was not reviewed within {} hours: enter its review first",
        REVIEW_WITHIN.as_secs() / 3_600
    )]
    Suspended,
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    const NOW: Timestamp = Timestamp::from_micros(1_795_726_800_000_000);
    const TICK: Duration = Duration::from_micros(1);

    fn staff() -> Staff {
        Staff {
            id: StaffId(11),
            role: Role::Investigator,
            agency: AgencyId(3),
            revoked: false,
            last_seen: NOW,
            failures: Vec::new(),
            unreviewed: Vec::new(),
        }
    }

    #[test]
    fn ninety_days_without_a_log_in_disable() {
        let last = Duration::from_secs(90 * 86_400);
        assert_eq!(staff().usable(NOW.after(last - TICK)), Ok(()));
        assert_eq!(staff().usable(NOW.after(last)), Err(Unusable::Inactive));
    }

    #[test]
    fn revoked_is_revoked() {
        let revoked = Staff { revoked: true, ..staff() };
        assert_eq!(revoked.usable(NOW), Err(Unusable::Revoked));
    }

    #[test]
    fn five_failures_in_fifteen_minutes_lock_until_released() {
        let minute = |minutes: u64| NOW.after(Duration::from_secs(60 * minutes));
        let mut failures = Vec::new();
        for minutes in [0, 3, 6, 9] {
            failures = failed(&failures, minute(minutes));
            assert!(!is_locked(&failures));
        }
        // The first is 15 minutes old by then.
        let slow = failed(&failures, minute(15));
        assert!(!is_locked(&slow) && slow.len() == 4);
        let locked = failed(&failures, NOW.after(Duration::from_secs(15 * 60) - TICK));
        assert!(is_locked(&locked));
        assert_eq!(failed(&locked, minute(10_000)), locked);
        let locked = Staff { failures: locked, ..staff() };
        assert_eq!(locked.usable(minute(10_000)), Err(Unusable::Locked));
    }

    #[test]
    fn a_broken_glass_without_a_review_suspends_after_72_hours() {
        let broke = Staff { unreviewed: Vec::from([NOW]), ..staff() };
        let late = Duration::from_secs(72 * 3_600);
        assert_eq!(broke.usable(NOW.after(late - TICK)), Ok(()));
        assert_eq!(broke.usable(NOW.after(late)), Err(Unusable::Suspended));
        assert_eq!(staff().usable(NOW.after(late)), Ok(()));
    }
}
