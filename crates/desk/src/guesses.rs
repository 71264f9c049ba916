//! Wrong PINs, counted by station and by facility for as long as they matter.

use std::collections::{HashMap, VecDeque};

use model::{FacilityId, StationId, Timestamp};

use crate::limits::{PIN_WINDOW, WRONG_PINS_FACILITY_MAX, WRONG_PINS_STATION_MAX};

/// When wrong PINs were entered where. A right PIN in between changes nothing: whoever guesses
/// would enter their own from time to time.
#[derive(Debug, Default)]
pub(crate) struct Guesses {
    stations: HashMap<StationId, VecDeque<Timestamp>>,
    facilities: HashMap<FacilityId, VecDeque<Timestamp>>,
}

impl Guesses {
    /// A wrong PIN was entered at `at`.
    pub(crate) fn wrong(&mut self, station: StationId, facility: FacilityId, at: Timestamp) {
        add(self.stations.entry(station).or_default(), at, WRONG_PINS_STATION_MAX);
        add(self.facilities.entry(facility).or_default(), at, WRONG_PINS_FACILITY_MAX);
    }

    /// Whether no PIN is looked at here: too many were wrong within the window.
    pub(crate) fn is_locked(
        &self,
        station: StationId,
        facility: FacilityId,
        now: Timestamp,
    ) -> bool {
        is_full(self.stations.get(&station), now, WRONG_PINS_STATION_MAX)
            || is_full(self.facilities.get(&facility), now, WRONG_PINS_FACILITY_MAX)
    }
}

/// Keeps the latest times, as many as lock.
fn add(times: &mut VecDeque<Timestamp>, at: Timestamp, most: usize) {
    times.push_back(at);
    while times.len() > most {
        times.pop_front();
    }
}

/// Whether the earliest of the times that lock is still within the window.
fn is_full(times: Option<&VecDeque<Timestamp>>, now: Timestamp, most: usize) -> bool {
    times
        .filter(|times| times.len() >= most)
        .and_then(VecDeque::front)
        .is_some_and(|first| now.since(*first) < PIN_WINDOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: usize) -> Timestamp {
        Timestamp::from_micros(i64::try_from(seconds).unwrap() * 1_000_000)
    }

    #[test]
    fn a_station_is_locked_while_nine_guesses_are_within_five_minutes() {
        let (mut guesses, one, jail) = (Guesses::default(), StationId(1), FacilityId(1));
        for second in 0..8 {
            guesses.wrong(one, jail, at(second * 10));
        }
        assert!(!guesses.is_locked(one, jail, at(80)));
        guesses.wrong(one, jail, at(80));
        assert!(guesses.is_locked(one, jail, at(80)) && guesses.is_locked(one, jail, at(299)));
        assert!(!guesses.is_locked(one, jail, at(300)), "the first has run out");
        assert!(!guesses.is_locked(StationId(2), jail, at(80)));
        // The next one locks it again: eight are still there.
        guesses.wrong(one, jail, at(300));
        assert!(guesses.is_locked(one, jail, at(309)) && !guesses.is_locked(one, jail, at(310)));
    }

    #[test]
    fn who_goes_from_telephone_to_telephone_locks_the_facility() {
        let mut guesses = Guesses::default();
        let (jail, annex) = (FacilityId(1), FacilityId(2));
        for guess in 0..60 {
            assert!(!guesses.is_locked(StationId(99), jail, at(guess)), "{guess}");
            guesses.wrong(StationId(u32::try_from(guess).unwrap()), jail, at(guess));
        }
        assert!(guesses.is_locked(StationId(99), jail, at(299)));
        assert!(!guesses.is_locked(StationId(99), jail, at(300)));
        assert!(!guesses.is_locked(StationId(99), annex, at(60)));
    }
}
