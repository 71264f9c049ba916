//! The carrier's own account of its calls, compared with what was entered: the only way to find a
//! call that was never entered at all.

use alloc::{collections::BTreeMap, vec::Vec};
use core::time::Duration;
use model::{Timestamp, TrunkId};

/// A call that went out, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialled {
    /// Its entry.
    pub index: u64,
    /// Its trunk.
    pub trunk: TrunkId,
    /// When.
    pub at: Timestamp,
}

/// A call as the carrier has it. No number: it is not needed, and so not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Where it stands in the carrier's account, from 1.
    pub row: u64,
    /// The trunk.
    pub trunk: TrunkId,
    /// When it began, by the carrier's clock.
    pub start: Timestamp,
    /// How long it lasted.
    pub length: Duration,
}

/// How many calls of one trunk began in one hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hour {
    /// By the carrier.
    pub carried: u64,
    /// By the log. More than the carrier has is usual: not every call that goes out is taken.
    pub dialled: u64,
    /// By the carrier, without an entry that could be theirs.
    pub unmatched: u64,
}

/// What the comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// By trunk and hour, as hours since 1970.
    pub hours: BTreeMap<(TrunkId, i64), Hour>,
    /// The carrier's calls that were never entered.
    pub unmatched: Vec<Carried>,
}

/// Gives each of the carrier's calls an entry of its own on the same trunk, at most
/// [`DIAL_WITHIN`] before it by either clock, give or take [`CLOCKS_APART`].
///
/// Each call takes the oldest that is left, which matches as many as any other way would: all
/// have the same room in time.
pub fn reconcile(dialled: &[Dialled], carried: &[Carried]) -> Reconciled {
    let mut reconciled = Reconciled::default();
    let mut by_trunk: BTreeMap<TrunkId, Vec<Timestamp>> = BTreeMap::new();
    for entry in dialled {
        by_trunk.entry(entry.trunk).or_default().push(entry.at);
        reconciled.hours.entry((entry.trunk, hour(entry.at))).or_default().dialled += 1;
    }
    for times in by_trunk.values_mut() {
        times.sort_unstable();
    }
    let mut calls = carried.to_vec();
    calls.sort_unstable_by_key(|call| (call.trunk, call.start, call.row));
    let mut next: BTreeMap<TrunkId, usize> = BTreeMap::new();
    for call in calls {
        let times = by_trunk.get(&call.trunk).map_or(&[][..], Vec::as_slice);
        let at = next.entry(call.trunk).or_default();
        let earliest = before(call.start, DIAL_WITHIN.saturating_add(CLOCKS_APART));
        while times.get(*at).is_some_and(|time| *time < earliest) {
            *at += 1;
        }
        let hour = reconciled.hours.entry((call.trunk, hour(call.start))).or_default();
        hour.carried += 1;
        if times.get(*at).is_some_and(|time| *time <= call.start.after(CLOCKS_APART)) {
            *at += 1;
        } else {
            hour.unmatched += 1;
            reconciled.unmatched.push(call);
        }
    }
    reconciled
}

fn hour(at: Timestamp) -> i64 {
    at.micros().div_euclid(HOUR_MICROS)
}

fn before(at: Timestamp, length: Duration) -> Timestamp {
    let micros = i64::try_from(length.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(at.micros().saturating_sub(micros))
}

/// How long after the entry the carrier may say that the call began: it may count from the
/// answer, and a call rings for so long at most.
pub const DIAL_WITHIN: Duration = Duration::from_secs(180);

/// How far the carrier's clock and ours may be apart.
pub const CLOCKS_APART: Duration = Duration::from_secs(5);

const HOUR_MICROS: i64 = 3_600 * 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(1_700_000_000_000_000 + seconds * 1_000_000)
    }

    fn dialled(trunk: u16, seconds: i64) -> Dialled {
        Dialled { index: 0, trunk: TrunkId(trunk), at: at(seconds) }
    }

    fn carried(row: u64, trunk: u16, seconds: i64) -> Carried {
        Carried { row, trunk: TrunkId(trunk), start: at(seconds), length: Duration::from_secs(60) }
    }

    #[test]
    fn a_call_that_was_never_entered_is_found_on_its_trunk() {
        let log = [dialled(1, 0), dialled(1, 100), dialled(2, 50)];
        let rows = [carried(1, 1, 3), carried(2, 1, 104), carried(3, 1, 105), carried(4, 2, 51)];
        let found = reconcile(&log, &rows);
        assert_eq!(found.unmatched, [rows[2]]);
        let total: u64 = found.hours.values().map(|hour| hour.unmatched).sum();
        assert_eq!(total, 1);
        assert!(reconcile(&log, &rows[..2]).unmatched.is_empty());
        // The other trunk's entry does not excuse it.
        let elsewhere = [carried(1, 2, 1), carried(2, 2, 52)];
        assert_eq!(reconcile(&log, &elsewhere).unmatched.len(), 1);
    }

    #[test]
    fn the_room_in_time_ends_where_it_says() {
        let log = [dialled(1, 0)];
        for (second, matched) in [(-6, false), (-5, true), (0, true), (185, true), (186, false)] {
            let found = reconcile(&log, &[carried(1, 1, second)]);
            assert_eq!(found.unmatched.is_empty(), matched, "{second}");
        }
    }

    proptest! {
        /// Taking the oldest leaves as few unmatched as the best of all ways does.
        #[test]
        fn no_other_way_matches_more(
            log in proptest::collection::vec(0_i64..600, 0..7),
            rows in proptest::collection::vec(0_i64..600, 0..7),
        ) {
            let log: Vec<_> = log.into_iter().map(|second| dialled(1, second)).collect();
            let rows = (1..).zip(rows).map(|(row, second)| carried(row, 1, second));
            let rows: Vec<_> = rows.collect();
            let found = reconcile(&log, &rows).unmatched.len();
            prop_assert_eq!(rows.len() - found, best(&log, &rows));
        }
    }

    /// The most that can be matched, by trying every way.
    fn best(log: &[Dialled], rows: &[Carried]) -> usize {
        let Some((row, rest)) = rows.split_first() else { return 0 };
        let mut most = best(log, rest);
        for (place, entry) in log.iter().enumerate() {
            let late = row.start.micros() - entry.at.micros();
            if (-5_000_000..=185_000_000).contains(&late) {
                let mut left = log.to_vec();
                left.remove(place);
                most = most.max(1 + best(&left, rest));
            }
        }
        most
    }
}
