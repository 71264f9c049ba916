//! How often one source may try to log in.

use crate::limits::{LOGIN_EVERY, LOGINS_PER_SOURCE_MAX, SOURCES_COUNT_MAX};
use model::Timestamp;
use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

/// Counts tries by source. A try comes back after a while.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<BTreeMap<IpAddr, Tries>>);

#[derive(Clone, Copy, Debug)]
struct Tries {
    left: u32,
    /// When the last one that came back did.
    since: Timestamp,
}

impl Throttle {
    /// Whether one more try from here is taken. Where too many sources try at once to be
    /// remembered, no new one is.
    pub(crate) fn admit(&self, source: IpAddr, now: Timestamp) -> bool {
        let mut sources = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !sources.contains_key(&source) && sources.len() >= SOURCES_COUNT_MAX {
            sources.retain(|_, tries| tries.at(now).left < LOGINS_PER_SOURCE_MAX);
            if sources.len() >= SOURCES_COUNT_MAX {
                return false;
            }
        }
        let new = Tries { left: LOGINS_PER_SOURCE_MAX, since: now };
        let tries = sources.entry(source).or_insert(new);
        *tries = tries.at(now);
        let left = tries.left.checked_sub(1);
        tries.left = left.unwrap_or(0);
        left.is_some()
    }
}

impl Tries {
    fn at(self, now: Timestamp) -> Self {
        let back = now.since(self.since).as_micros() / LOGIN_EVERY.as_micros();
        let back = u32::try_from(back).unwrap_or(u32::MAX);
        let left = self.left.saturating_add(back).min(LOGINS_PER_SOURCE_MAX);
        let since = if left == LOGINS_PER_SOURCE_MAX {
            now
        } else {
            self.since.after(LOGIN_EVERY.saturating_mul(back))
        };
        Self { left, since }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{net::Ipv4Addr, time::Duration};

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn tries_run_out_and_come_back_one_by_one() {
        let (throttle, now) = (Throttle::default(), Timestamp::from_micros(5));
        for _ in 0..LOGINS_PER_SOURCE_MAX {
            assert!(throttle.admit(HERE, now));
        }
        assert!(!throttle.admit(HERE, now));
        assert!(throttle.admit(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)), now), "somebody else");
        let almost = now.after(LOGIN_EVERY - Duration::from_micros(1));
        assert!(!throttle.admit(HERE, almost));
        let then = now.after(LOGIN_EVERY);
        assert!(throttle.admit(HERE, then) && !throttle.admit(HERE, then));
    }

    #[test]
    fn sources_are_remembered_up_to_a_limit_and_forgotten_when_their_tries_are_back() {
        let (throttle, now) = (Throttle::default(), Timestamp::from_micros(5));
        let source = |n: usize| IpAddr::V4(Ipv4Addr::from(u32::try_from(n).unwrap()));
        for n in 0..SOURCES_COUNT_MAX {
            assert!(throttle.admit(source(n), now));
        }
        assert!(!throttle.admit(HERE, now));
        assert!(throttle.admit(source(7), now), "who is remembered goes on");
        assert!(throttle.admit(HERE, now.after(2 * LOGIN_EVERY)));
    }
}
