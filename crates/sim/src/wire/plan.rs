//! What is going to happen in a seed.

use super::link::Weather;
use super::phone::Temper;
use crate::dice::Dice;
use core::time::Duration;
use model::Timestamp;

/// The course of a seed.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) weather: Weather,
    pub(super) start: Timestamp,
    pub(super) calls: Vec<CallPlan>,
    /// The other end is a telephone of ours, and this is how it behaves; else it is an engine.
    pub(super) phone: Option<Temper>,
    /// When the other end is gone without a word.
    pub(super) crash: Option<Timestamp>,
}

/// One call, as both ends want it.
#[derive(Clone, Copy, Debug)]
pub(super) struct CallPlan {
    pub(super) at: Timestamp,
    /// Whether the node begins it.
    pub(super) by_node: bool,
    /// What the called end does with it.
    pub(super) manner: Manner,
    /// It rings so long after it came in.
    pub(super) rings_after: Option<Duration>,
    /// What the called end does, it does so long after the call came in.
    pub(super) decides_after: Duration,
    /// The caller gives up so long after it began, whatever came of it by then.
    pub(super) gives_up_after: Option<Duration>,
    /// The caller hangs up so long after it was answered.
    pub(super) caller_talks: Duration,
    /// The called end hangs up so long after it answered.
    pub(super) called_talks: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Answers,
    Rejects(u16),
    /// Nobody is there.
    Waits,
}

impl Plan {
    pub(super) fn new(dice: &mut Dice) -> Self {
        let start = Timestamp::from_micros(1_700_000_000_000_000);
        let weather = Weather::new(dice, start);
        let phone = dice.percent(60).then(|| Temper::new(dice));
        // Only session timers end a call whose other end is gone.
        let patient = dice.percent(25) && phone.is_none_or(|temper| temper.refreshed());
        let calls = (0..dice.between(1, 4))
            .map(|_| {
                let long = if patient { 5_000_000 } else { 400_000 };
                let talk = |dice: &mut Dice| match dice.below(3) {
                    0 => dice.ms(0, 1_000),
                    1 => dice.ms(1_000, 30_000),
                    _ => dice.ms(30_000, long),
                };
                CallPlan {
                    at: start.after(dice.ms(0, 60_000)),
                    by_node: dice.percent(60),
                    manner: match dice.below(10) {
                        0 => Manner::Rejects(486),
                        1 => Manner::Rejects(503),
                        2 => Manner::Waits,
                        _ => Manner::Answers,
                    },
                    rings_after: dice.percent(80).then(|| dice.ms(0, 3_000)),
                    decides_after: dice.ms(0, 20_000),
                    gives_up_after: dice.percent(25).then(|| dice.ms(0, 25_000)),
                    caller_talks: talk(dice),
                    called_talks: talk(dice),
                }
            })
            .collect();
        let crash = dice.percent(15).then(|| start.after(dice.ms(0, 150_000)));
        Self { weather, start, calls, phone, crash }
    }

    /// When everything must be over: the longest talk, then a session that nobody refreshes, then
    /// the longest timer.
    pub(super) fn end(&self) -> Timestamp {
        self.start.after(END)
    }
}

const END: Duration = Duration::from_secs(12_000);
