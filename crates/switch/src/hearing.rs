//! How the audio of a call was, from the reports of its two legs, which come when they are closed.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use media::Statistics;
use model::{
    CallId, LegId, Side, Timestamp,
    fact::{Heard, LegHeard},
};

use crate::limits::HEARD_WAIT_MAX;

/// What is known of calls of which not everything is known.
#[derive(Debug, Default)]
pub(crate) struct Hearing {
    calls: BTreeMap<CallId, Known>,
    /// When what is known of a call that is over is told, whatever is missing.
    due: VecDeque<(Timestamp, CallId)>,
    ready: VecDeque<CallId>,
}

#[derive(Debug, Default)]
struct Known {
    station: Option<LegHeard>,
    called: Option<LegHeard>,
    /// It is over, and went out to a trunk.
    over: bool,
}

impl Hearing {
    /// A leg is closed, of a call that is `live` or was.
    pub(crate) fn closed(&mut self, leg: LegId, statistics: &Statistics, live: bool) {
        if !live && !self.calls.contains_key(&leg.call) {
            // Of a call that went nowhere.
            return;
        }
        let known = self.calls.entry(leg.call).or_default();
        let place = match leg.side {
            Side::Station => &mut known.station,
            Side::Called => &mut known.called,
        };
        *place = Some(leg_heard(statistics));
        if known.is_whole() {
            self.ready.push_back(leg.call);
        }
    }

    /// A call is over. One that never went out to a trunk is none.
    pub(crate) fn over(&mut self, call: CallId, called: bool, now: Timestamp) {
        if !called {
            self.calls.remove(&call);
            return;
        }
        let known = self.calls.entry(call).or_default();
        known.over = true;
        if known.is_whole() {
            self.ready.push_back(call);
        } else {
            self.due.push_back((now.after(HEARD_WAIT_MAX), call));
        }
    }

    /// What is to be told now, one call after the other. A call without any audio is not.
    pub(crate) fn poll(&mut self, now: Timestamp) -> Option<Heard> {
        loop {
            let call = match self.ready.pop_front() {
                Some(call) => call,
                None => self.pop_due(now)?,
            };
            let Some(Known { station, called, .. }) = self.calls.remove(&call) else { continue };
            let [station, called] = [station, called].map(Option::unwrap_or_default);
            if station != LegHeard::default() || called != LegHeard::default() {
                return Some(Heard { call, at: now, station, called });
            }
        }
    }

    fn pop_due(&mut self, now: Timestamp) -> Option<CallId> {
        // Those of which everything was told in time are no reason to wake up.
        while self.due.pop_front_if(|(_, call)| !self.calls.contains_key(call)).is_some() {}
        self.due.pop_front_if(|(due, _)| *due <= now).map(|(_, call)| call)
    }

    /// When there is something to tell at the latest.
    pub(crate) fn until(&self) -> Option<Timestamp> {
        self.due.front().map(|(due, _)| *due)
    }

    /// Whether nothing is missing of calls that are over.
    pub(crate) fn is_done(&self) -> bool {
        self.calls.values().all(|known| !known.over)
    }
}

impl Known {
    const fn is_whole(&self) -> bool {
        self.over && self.station.is_some() && self.called.is_some()
    }
}

fn leg_heard(counted: &Statistics) -> LegHeard {
    let samples = |count: u32| SAMPLE.saturating_mul(count);
    LegHeard {
        received: counted.received,
        lost: counted.lost,
        jitter: samples(counted.jitter_samples),
        sent: counted.sent,
        lost_there: u64::from(counted.lost_there),
        jitter_there: samples(counted.jitter_there_samples),
    }
}

/// A sample of G.711.
const SAMPLE: Duration = Duration::from_micros(125);

#[cfg(test)]
mod tests {
    use super::*;

    fn call(counter: u32) -> CallId {
        CallId::from_parts(1, counter)
    }

    fn at(ms: u64) -> Timestamp {
        Timestamp::default().after(Duration::from_millis(ms))
    }

    fn counted(received: u64, jitter_samples: u32) -> Statistics {
        Statistics { received, jitter_samples, sent: 1, ..Statistics::default() }
    }

    #[test]
    fn both_legs_are_told_once_however_late_they_are_closed() {
        let mut hearing = Hearing::default();
        // One leg before the end of the call, the other behind it.
        hearing.closed(call(1).leg(Side::Called), &counted(7, 8), true);
        assert_eq!(hearing.poll(at(0)), None);
        hearing.over(call(1), true, at(0));
        assert!(!hearing.is_done());
        hearing.closed(call(1).leg(Side::Station), &counted(9, 0), false);
        let heard = hearing.poll(at(1)).unwrap();
        assert_eq!((heard.call, heard.at), (call(1), at(1)));
        assert_eq!((heard.station.received, heard.called.received), (9, 7));
        assert_eq!(heard.called.jitter, Duration::from_millis(1));
        assert_eq!(hearing.poll(at(2_000)), None);
        assert!(hearing.is_done() && hearing.until().is_none());
        // Both before the end.
        for side in [Side::Station, Side::Called] {
            hearing.closed(call(2).leg(side), &counted(1, 0), true);
        }
        hearing.over(call(2), true, at(0));
        assert!(hearing.poll(at(0)).is_some());
    }

    #[test]
    fn what_is_missing_for_too_long_is_told_without() {
        let mut hearing = Hearing::default();
        hearing.closed(call(1).leg(Side::Station), &counted(9, 0), true);
        hearing.over(call(1), true, at(5));
        let until = hearing.until().unwrap();
        assert_eq!(until, at(5).after(HEARD_WAIT_MAX));
        assert_eq!(hearing.poll(at(6)), None);
        let heard = hearing.poll(until).unwrap();
        assert_eq!((heard.station.received, heard.called), (9, LegHeard::default()));
        hearing.closed(call(1).leg(Side::Called), &counted(7, 8), false);
        assert_eq!(hearing.poll(at(9_000)), None, "it comes too late");
    }

    #[test]
    fn calls_that_went_nowhere_or_had_no_audio_are_not_told() {
        let mut hearing = Hearing::default();
        hearing.closed(call(1).leg(Side::Station), &counted(9, 0), true);
        hearing.over(call(1), false, at(0));
        hearing.closed(call(1).leg(Side::Called), &counted(9, 0), false);
        for side in [Side::Station, Side::Called] {
            hearing.closed(call(2).leg(side), &Statistics::default(), true);
        }
        hearing.over(call(2), true, at(0));
        assert_eq!(hearing.poll(at(9_000)), None);
        assert!(hearing.is_done() && hearing.calls.is_empty());
    }
}
