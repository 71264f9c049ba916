//! How many requests are let in within a second: of all sources together, and of one, so that one
//! that asks without end keeps nobody else out.

use model::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;

/// Counts what was let in within the running second.
pub(crate) struct Gate {
    per_second_max: u32,
    second: i64,
    all: u32,
    /// As many as were let in at most, so it cannot grow beyond the limit.
    sources: HashMap<IpAddr, u32>,
}

impl Gate {
    pub(crate) fn new(per_second_max: u32) -> Self {
        Self { per_second_max, second: 0, all: 0, sources: HashMap::new() }
    }

    /// Whether one more from `source` is let in now. Up to half of the limit is for whoever comes
    /// first; of the rest each source gets what its equal share of all leaves it.
    pub(crate) fn admit(&mut self, source: IpAddr, now: Timestamp) -> bool {
        let second = now.micros().div_euclid(MICROS);
        if second != self.second {
            self.second = second;
            self.all = 0;
            self.sources.clear();
        }
        if self.all >= self.per_second_max {
            return false;
        }
        let taken = self.sources.get(&source).copied().unwrap_or(0);
        if self.all >= self.per_second_max / 2 {
            let others = self.sources.len() + usize::from(taken == 0);
            let sharers = u32::try_from(others).unwrap_or(u32::MAX).max(2);
            if taken >= (self.per_second_max / sharers).max(1) {
                return false;
            }
        }
        self.all += 1;
        self.sources.insert(source, taken + 1);
        true
    }
}

const MICROS: i64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn ip(last: u8) -> IpAddr {
        IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, last))
    }

    fn admitted(gate: &mut Gate, source: IpAddr, asks: u32, now: Timestamp) -> u32 {
        (0..asks).map(|_| u32::from(gate.admit(source, now))).sum()
    }

    #[test]
    fn one_source_gets_half_and_the_others_get_in_beside_it() {
        let mut gate = Gate::new(100);
        let now = Timestamp::from_micros(5);
        assert_eq!(admitted(&mut gate, ip(1), 1_000, now), 50);
        assert_eq!(admitted(&mut gate, ip(2), 10, now), 10);
        assert_eq!(admitted(&mut gate, ip(3), 1_000, now), 33);
        assert_eq!(admitted(&mut gate, ip(1), 1_000, now), 0);
        assert_eq!(admitted(&mut gate, ip(4), 1_000, now), 7);
        assert_eq!(admitted(&mut gate, ip(5), 1, now), 0);
        // The next second begins anew.
        let next = Timestamp::from_micros(MICROS);
        assert_eq!(admitted(&mut gate, ip(1), 1_000, next), 50);
    }

    proptest! {
        #[test]
        fn no_second_lets_in_more_and_nobody_first_is_kept_out(
            asks in proptest::collection::vec((0..8_u8, 0..3_000_000_i64), 1..600),
        ) {
            let mut gate = Gate::new(40);
            let mut asks = asks;
            asks.sort_by_key(|(_, at)| *at);
            let mut let_in: HashMap<(i64, IpAddr), u32> = HashMap::new();
            for (source, at) in asks {
                let second = at / MICROS;
                let within = |((at, _), _): &(&(i64, IpAddr), &u32)| *at == second;
                let all: u32 = let_in.iter().filter(within).map(|(_, count)| count).sum();
                let mine = let_in.entry((second, ip(source))).or_default();
                let before = *mine;
                let admitted = gate.admit(ip(source), Timestamp::from_micros(at));
                *mine += u32::from(admitted);
                // Somebody who got nothing yet gets in while there is room at all.
                prop_assert!(admitted || before > 0 || all >= 40);
                prop_assert!(*mine <= 20 && all + u32::from(admitted) <= 40);
            }
        }
    }
}
