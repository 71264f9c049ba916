//! What is going to happen in a seed.

use super::link::Weather;
use super::phone::Temper;
use super::tape::Who;
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
    /// The telephone behind the node's second trunk, and the link to it.
    pub(super) spare: Option<(Temper, Weather)>,
    /// When the other end is gone without a word.
    pub(super) crash: Option<Timestamp>,
    /// When the node is, and how long it takes until it is started again.
    pub(super) restart: Option<(Timestamp, Duration)>,
}

/// One call, as both ends want it.
#[derive(Clone, Copy, Debug)]
pub(super) struct CallPlan {
    pub(super) at: Timestamp,
    /// Whether the node begins it.
    pub(super) by_node: bool,
    /// What the called end does with it.
    pub(super) manner: Manner,
    /// What the telephone behind the second trunk does, where it comes to that.
    pub(super) spare: Manner,
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
    /// A telephone does not even say that it tries.
    Silent,
}

impl Manner {
    fn new(dice: &mut Dice, trunks: u64) -> Self {
        if trunks < 2 {
            return match dice.below(10) {
                0 => Self::Rejects(486),
                1 => Self::Rejects(503),
                2 => Self::Waits,
                _ => Self::Answers,
            };
        }
        match dice.below(10) {
            0 => Self::Rejects(486),
            1 => Self::Rejects(408),
            2 => Self::Rejects(503),
            3 => Self::Rejects(500 + u16::try_from(dice.below(5)).unwrap_or(0)),
            4 => Self::Waits,
            5 => Self::Silent,
            _ => Self::Answers,
        }
    }
}

impl Plan {
    pub(super) fn new(dice: &mut Dice) -> Self {
        let start = Timestamp::from_micros(1_700_000_000_000_000);
        let weather = Weather::new(dice, start);
        let phone = dice.percent(60).then(|| Temper::new(dice));
        let spare = dice.percent(50).then(|| (Temper::new(dice), Weather::new(dice, start)));
        // Only session timers end a call whose other end is gone.
        let patient = dice.percent(25)
            && phone.is_none_or(|temper| temper.refreshed())
            && spare.is_none_or(|(temper, _)| temper.refreshed());
        let trunks = if spare.is_some() { 2 } else { 1 };
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
                    manner: Manner::new(dice, trunks),
                    spare: Manner::new(dice, trunks),
                    rings_after: dice.percent(100 - 20 * trunks).then(|| dice.ms(0, 3_000)),
                    decides_after: dice.ms(0, 20_000),
                    gives_up_after: dice.percent(25).then(|| dice.ms(0, 25_000)),
                    caller_talks: talk(dice),
                    called_talks: talk(dice),
                }
            })
            .collect();
        let crash = dice.percent(15).then(|| start.after(dice.ms(0, 150_000)));
        let restart = dice.percent(30).then(|| {
            // Now and then so soon that what was on its way arrives after it.
            let down = if dice.percent(50) { dice.ms(0, 2_000) } else { dice.ms(2_000, 90_000) };
            (start.after(dice.ms(0, 150_000)), down)
        });
        Self { weather, start, calls, phone, spare, crash, restart }
    }

    /// How many trunks the node has.
    pub(super) const fn trunks(&self) -> u8 {
        if self.spare.is_some() { 2 } else { 1 }
    }

    /// The link between the node and this end.
    pub(super) fn weather(&self, end: Who) -> &Weather {
        match (end, &self.spare) {
            (Who::Spare, Some((_, weather))) => weather,
            (Who::Node | Who::Other | Who::Spare, _) => &self.weather,
        }
    }

    /// When everything must be over: the longest talk, then a session that nobody refreshes, then
    /// the longest timer.
    pub(super) fn end(&self) -> Timestamp {
        self.start.after(END)
    }
}

const END: Duration = Duration::from_secs(12_000);
