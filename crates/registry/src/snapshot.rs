//! One epoch of the registry, and whether it can be trusted.

use crate::limits;
use alloc::vec::Vec;
use core::{fmt, time::Duration};
use model::{E164, Private, Timestamp, fact::Epoch, plan::RegistryData};
use thiserror::Error;

/// How a number stands in the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Known to be protected. This is said of a known number whatever state the registry is in.
    Protected {
        /// Epoch of the snapshot that says so.
        epoch: Epoch,
    },
    /// Not protected, in a registry that can be trusted.
    Ordinary {
        /// Epoch of the snapshot that says so.
        epoch: Epoch,
    },
    /// Nothing can be said of this number; whoever asks must not record.
    Unusable(Unusable),
}

/// Why a registry cannot say that a number is *not* protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum Unusable {
    /// None was ever loaded.
    #[error("no registry of protected numbers was ever loaded; provision one, even an empty one")]
    Missing,
    /// Confirmed too long ago, or at a time that has not come yet.
    #[error("the registry was not confirmed in time; check the database and the clocks")]
    Stale,
    /// It has lost more numbers than a plausible change takes away.
    #[error("the registry lost too many numbers at once; compare it with its source")]
    Shrunken,
}

/// The limits beyond which a registry is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Age of the last confirmation at which a registry is still good.
    pub stale_after: Duration,
    /// Share of the largest count, 0 to 100, that may be missing. A migration that silently dropped
    /// protected numbers is why this exists. A registry that lost all is never good.
    pub shrink_percent_max: u8,
}

impl Guard {
    /// The snapshot of what the store holds, held to these limits.
    pub fn snapshot(&self, data: &RegistryData) -> Snapshot {
        let mut numbers: Vec<E164> =
            data.numbers.iter().copied().map(Private::into_inner).collect();
        numbers.sort_unstable();
        numbers.dedup();
        Snapshot {
            numbers,
            epoch: data.epoch,
            confirmed: data.confirmed,
            count_max: data.count_max,
            guard: *self,
        }
    }
}

/// One epoch of the registry, which never changes; a change makes another snapshot. `Debug` prints
/// how many numbers there are, and none of them.
#[derive(Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Ascending, each once.
    numbers: Vec<E164>,
    epoch: Epoch,
    confirmed: Timestamp,
    count_max: u64,
    guard: Guard,
}

impl Snapshot {
    /// How `number` stands at `now`. Fails private: only a registry within all limits can say that
    /// a number is ordinary.
    pub fn ask(&self, number: E164, now: Timestamp) -> Standing {
        if self.has(number) {
            return Standing::Protected { epoch: self.epoch };
        }
        match self.usable(now) {
            Ok(epoch) => Standing::Ordinary { epoch },
            Err(unusable) => Standing::Unusable(unusable),
        }
    }

    /// Whether it can be trusted at `now`.
    ///
    /// # Errors
    /// The first limit that it breaks.
    pub fn usable(&self, now: Timestamp) -> Result<Epoch, Unusable> {
        if self.epoch == Epoch(0) {
            return Err(Unusable::Missing);
        }
        let too_old = now.since(self.confirmed) > self.guard.stale_after;
        let too_new = self.confirmed.since(now) > limits::CLOCK_AHEAD_MAX;
        if too_old || too_new {
            return Err(Unusable::Stale);
        }
        if self.shrunken() {
            return Err(Unusable::Shrunken);
        }
        Ok(self.epoch)
    }

    /// Its epoch; 0 where no registry was ever loaded.
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// When its source confirmed it last.
    pub const fn confirmed(&self) -> Timestamp {
        self.confirmed
    }

    /// The numbers that it protects, ascending.
    pub fn numbers(&self) -> impl Iterator<Item = E164> {
        self.numbers.iter().copied()
    }

    /// What was added and what is gone since `old`.
    pub fn changes_since(&self, old: &Self) -> Changes {
        let missing_in = |of: &Self, other: &Self| {
            let missing = of.numbers.iter().filter(|number| !other.has(**number));
            missing.copied().map(Private::new).collect()
        };
        Changes { added: missing_in(self, old), removed: missing_in(old, self) }
    }

    fn has(&self, number: E164) -> bool {
        self.numbers.binary_search(&number).is_ok()
    }

    /// How many different numbers it protects.
    pub fn count(&self) -> usize {
        self.numbers.len()
    }

    /// `new`, if it may take the place of `old`: epochs only go up, and one epoch is one list. A
    /// refused successor leaves `old` in use, which goes stale in time and so fails private.
    ///
    /// # Errors
    /// [`NotASuccessor`]: the source was set back or changed without a new epoch.
    pub fn succeed(old: &Self, new: Self) -> Result<Self, NotASuccessor> {
        if new.epoch < old.epoch {
            return Err(NotASuccessor::Older { known: old.epoch.0, offered: new.epoch.0 });
        }
        if new.epoch == old.epoch && new.numbers != old.numbers {
            return Err(NotASuccessor::Differs { epoch: old.epoch.0 });
        }
        Ok(new)
    }

    /// Whether more is missing of the largest count than the guard allows. The largest count is
    /// the source's word: lowering it is how an operator says that a large removal was meant.
    fn shrunken(&self) -> bool {
        let count = u128::try_from(self.numbers.len()).unwrap_or(0);
        let count_max = u128::from(self.count_max);
        let keep_percent = u128::from(100_u8.saturating_sub(self.guard.shrink_percent_max));
        (count == 0 && count_max > 0) || count * 100 < count_max * keep_percent
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("epoch", &self.epoch)
            .field("confirmed", &self.confirmed)
            .field("count", &self.numbers.len())
            .field("count_max", &self.count_max)
            .field("guard", &self.guard)
            .finish()
    }
}

/// How one epoch differs from another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Numbers that are protected now and were not.
    pub added: Vec<Private<E164>>,
    /// Numbers that were protected and are not any more.
    pub removed: Vec<Private<E164>>,
}

/// Why a snapshot may not take the place of another. The source is broken, not the asker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum NotASuccessor {
    /// Its epoch is older.
    #[error(
        "the registry was set back from epoch {known} to epoch {offered}; \
         load the newest registry, for an older one lacks protected numbers"
    )]
    Older {
        /// Epoch in use.
        known: u64,
        /// Epoch of the refused snapshot.
        offered: u64,
    },
    /// It has the same epoch and other numbers.
    #[error(
        "the registry changed within epoch {epoch}; \
         change protected numbers by provisioning them, which starts a new epoch"
    )]
    Differs {
        /// The epoch of both.
        epoch: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{collections::BTreeSet, format, string::ToString, vec};

    const GUARD: Guard = Guard { stale_after: Duration::from_secs(3600), shrink_percent_max: 10 };
    const CONFIRMED: Timestamp = Timestamp::from_micros(1_000_000_000_000);

    fn number(line: u64) -> E164 {
        E164::new(12_025_550_100 + line).unwrap()
    }

    fn data(epoch: u64, count_max: u64, lines: impl IntoIterator<Item = u64>) -> RegistryData {
        RegistryData {
            epoch: Epoch(epoch),
            confirmed: CONFIRMED,
            count_max,
            numbers: lines.into_iter().map(|line| Private::new(number(line))).collect(),
        }
    }

    fn ask(data: &RegistryData, line: u64, now: Timestamp) -> Standing {
        GUARD.snapshot(data).ask(number(line), now)
    }

    const fn ordinary(epoch: u64) -> Standing {
        Standing::Ordinary { epoch: Epoch(epoch) }
    }

    const fn protected(epoch: u64) -> Standing {
        Standing::Protected { epoch: Epoch(epoch) }
    }

    #[test]
    fn a_sound_registry_knows_who_is_protected() {
        let data = data(7, 3, [30, 10, 20, 10]);
        let snapshot = GUARD.snapshot(&data);
        assert_eq!((snapshot.count(), snapshot.epoch()), (3, Epoch(7)));
        assert_eq!(snapshot.confirmed(), CONFIRMED);
        assert_eq!(snapshot.usable(CONFIRMED), Ok(Epoch(7)));
        for line in [10, 20, 30] {
            assert_eq!(snapshot.ask(number(line), CONFIRMED), protected(7));
        }
        for line in [9, 11, 25, 31] {
            assert_eq!(snapshot.ask(number(line), CONFIRMED), ordinary(7));
        }
    }

    #[test]
    fn an_empty_registry_is_usable_only_when_confirmed_so() {
        assert_eq!(ask(&data(1, 0, []), 1, CONFIRMED), ordinary(1));
        assert_eq!(ask(&data(1, 1, []), 1, CONFIRMED), Standing::Unusable(Unusable::Shrunken));
        assert_eq!(
            ask(&RegistryData::default(), 1, Timestamp::default()),
            Standing::Unusable(Unusable::Missing)
        );
        let lenient = Guard { shrink_percent_max: 100, ..GUARD };
        let snapshot = lenient.snapshot(&data(1, 1, []));
        assert_eq!(snapshot.usable(CONFIRMED), Err(Unusable::Shrunken));
    }

    #[test]
    fn freshness_ends_to_the_microsecond() {
        let data = data(2, 1, [5]);
        let last = CONFIRMED.after(GUARD.stale_after);
        assert_eq!(ask(&data, 6, last), ordinary(2));
        let late = last.after(Duration::from_micros(1));
        assert_eq!(ask(&data, 6, late), Standing::Unusable(Unusable::Stale));
        assert_eq!(ask(&data, 5, late), protected(2));

        let before = |early: Duration| {
            Timestamp::from_micros(CONFIRMED.micros() - i64::try_from(early.as_micros()).unwrap())
        };
        let ahead = limits::CLOCK_AHEAD_MAX;
        assert_eq!(ask(&data, 6, before(ahead)), ordinary(2));
        let too_early = before(ahead + Duration::from_micros(1));
        assert_eq!(ask(&data, 6, too_early), Standing::Unusable(Unusable::Stale));
        assert_eq!(ask(&data, 5, too_early), protected(2));
    }

    #[test]
    fn a_shrunken_registry_still_protects_whom_it_knows() {
        let at = |count: u64| ask(&data(3, 20, 0..count), 99, CONFIRMED);
        assert_eq!(at(20), ordinary(3));
        assert_eq!(at(18), ordinary(3));
        assert_eq!(at(17), Standing::Unusable(Unusable::Shrunken));
        assert_eq!(ask(&data(3, 20, 0..17), 16, CONFIRMED), protected(3));
        // The same number twice does not stand for a lost one.
        let padded = data(3, 20, (0..17).chain(0..17));
        assert_eq!(ask(&padded, 99, CONFIRMED), Standing::Unusable(Unusable::Shrunken));
        // A largest count below the count cannot make a registry worse.
        assert_eq!(ask(&data(3, 2, 0..17), 99, CONFIRMED), ordinary(3));
        let whole = Guard { shrink_percent_max: 0, ..GUARD };
        assert_eq!(whole.snapshot(&data(3, 20, 0..20)).usable(CONFIRMED), Ok(Epoch(3)));
        assert!(whole.snapshot(&data(3, 20, 0..19)).usable(CONFIRMED).is_err());
        let beyond = Guard { shrink_percent_max: 255, ..GUARD };
        assert_eq!(beyond.snapshot(&data(3, 20, 0..1)).usable(CONFIRMED), Ok(Epoch(3)));
    }

    #[test]
    fn epochs_only_go_up() {
        let old = GUARD.snapshot(&data(5, 2, [1, 2]));
        let confirmed_later = RegistryData {
            confirmed: CONFIRMED.after(Duration::from_secs(1)),
            ..data(5, 2, [2, 1])
        };
        for good in [data(6, 2, [1, 2]), data(6, 3, [1, 2, 3]), confirmed_later] {
            let new = GUARD.snapshot(&good);
            assert_eq!(Snapshot::succeed(&old, new.clone()), Ok(new));
        }
        let older = Snapshot::succeed(&old, GUARD.snapshot(&data(4, 2, [1, 2]))).unwrap_err();
        assert_eq!(older, NotASuccessor::Older { known: 5, offered: 4 });
        assert!(
            older.to_string().starts_with("the registry was set back from epoch 5 to epoch 4;")
        );
        for changed in [vec![1], vec![1, 3], vec![1, 2, 3]] {
            let changed = GUARD.snapshot(&data(5, 2, changed));
            assert_eq!(Snapshot::succeed(&old, changed), Err(NotASuccessor::Differs { epoch: 5 }));
        }
    }

    #[test]
    fn changes_say_what_came_and_what_is_gone() {
        let (old, new) =
            (GUARD.snapshot(&data(1, 3, [1, 2, 3])), GUARD.snapshot(&data(2, 3, [2, 4])));
        let changes = new.changes_since(&old);
        assert_eq!(changes.added, [Private::new(number(4))]);
        assert_eq!(changes.removed, [Private::new(number(1)), Private::new(number(3))]);
        assert_eq!(new.changes_since(&new), Changes::default());
    }

    #[test]
    fn debug_prints_no_number() {
        let printed = format!("{:?}", GUARD.snapshot(&data(1, 1, [42])));
        assert!(printed.contains("count: 1") && !printed.contains("5550142"), "{printed}");
    }

    proptest! {
        /// Ordinary is said only of numbers that are not in the list, and only within all limits;
        /// a listed number is protected at any time and in any state.
        #[test]
        fn fails_private(
            epoch in 0_u64..3,
            count_max in 0_u64..60,
            lines in proptest::collection::vec(0_u64..40, 0..40),
            asked in 0_u64..40,
            seconds in -7_200_i64..7_200,
        ) {
            let now = Timestamp::from_micros(CONFIRMED.micros() + seconds * 1_000_000);
            let distinct: BTreeSet<u64> = lines.iter().copied().collect();
            let count = u64::try_from(distinct.len()).unwrap();
            let standing = ask(&data(epoch, count_max, lines), asked, now);
            if distinct.contains(&asked) {
                prop_assert_eq!(standing, protected(epoch));
            } else {
                let sound = epoch > 0
                    && (-60..=3600).contains(&seconds)
                    && count * 10 >= count_max * 9
                    && (count > 0 || count_max == 0);
                prop_assert_eq!(standing == ordinary(epoch), sound);
                prop_assert_eq!(matches!(standing, Standing::Unusable(_)), !sound);
            }
        }
    }
}
