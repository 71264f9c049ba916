//! Randomness that is the same every time.

use core::time::Duration;

/// A generator of its own (xoshiro256**, Blackman and Vigna 2018), so that no update of a library
/// changes what a seed means.
#[derive(Clone, Debug)]
pub(crate) struct Dice {
    state: [u64; 4],
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        let mut mixed = seed;
        let mut next = || {
            // SplitMix64, which spreads neighbouring seeds far apart.
            mixed = mixed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        Self { state: [next(), next(), next(), next()] }
    }

    /// A stream of its own, so that more rolls here do not change what is rolled there.
    pub(crate) fn fork(&mut self) -> Self {
        Self::new(self.roll())
    }

    pub(crate) fn roll(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let rolled = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        rolled
    }

    /// Less than `end`, which is at least 1. The bias of a remainder does not matter here.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.roll() % end.max(1)
    }

    /// From `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Between so many milliseconds, to the microsecond.
    pub(crate) fn ms(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_micros(self.between(low * 1_000, high * 1_000))
    }

    /// A place in a list of `count`.
    pub(crate) fn index(&mut self, count: usize) -> usize {
        let count = u64::try_from(count).unwrap_or(1);
        usize::try_from(self.below(count)).unwrap_or(0)
    }

    /// One of these, the likelier the larger its share.
    pub(crate) fn pick<T: Copy, const N: usize>(&mut self, of: [(u64, T); N]) -> T {
        let mut left = self.below(of.iter().map(|(share, _)| share).sum());
        for (share, what) in of {
            if left < share {
                return what;
            }
            left -= share;
        }
        // Never reached: what is left is less than the sum of the shares.
        of[0].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_rolls_the_same() {
        let rolls = |seed| {
            let mut dice = Dice::new(seed);
            (0..8).map(|_| dice.roll()).collect::<Vec<_>>()
        };
        assert_eq!(rolls(7), rolls(7));
        assert_ne!(rolls(7), rolls(8));
    }

    #[test]
    fn every_face_comes_up() {
        let mut dice = Dice::new(1);
        let mut seen = [0; 3];
        for _ in 0..1_000 {
            seen[dice.pick([(1, 0), (2, 1), (7, 2)])] += 1;
            assert!((3..=5).contains(&dice.between(3, 5)));
        }
        assert!(seen[0] > 50 && seen[1] > seen[0] && seen[2] > seen[1], "{seen:?}");
    }
}
