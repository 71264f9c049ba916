//! What goes wrong in a seed, and when.

use crate::dice::Dice;
use charging::Day;
use core::time::Duration;
use model::Timestamp;

/// The course of a seed.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) start: Timestamp,
    /// Receivers are lifted until then, counted from the start.
    pub(crate) horizon: Duration,
    pub(crate) calls_count: u64,
    pub(crate) kills: Vec<Duration>,
    pub(crate) stop: Option<Duration>,
    /// From when to when the disk is full.
    pub(crate) full: Option<(Duration, Duration)>,
    /// What is free of the disk from when on, in thousandths.
    pub(crate) rooms: Vec<(Duration, u64)>,
    /// When staff take back what a called party chose.
    pub(crate) relents: Vec<Duration>,
    /// When staff look at the names that people recorded.
    pub(crate) looks: Vec<Duration>,
    /// How many of a hundred groups take seconds.
    pub(crate) slow_percent: u64,
    /// The group after which the journal says nothing more, and whether it is on disk.
    pub(crate) stops_at: Option<(u64, bool)>,
    /// How many of a hundred calls meet a fault of ours.
    pub(crate) panic_percent: u64,
    /// How many of a hundred recordings meet a fault of the disk.
    pub(crate) vault_percent: u64,
    /// How many of a hundred events of the wire are late, come twice, or both.
    pub(crate) sloppy_percent: u64,
    /// Somebody at the first station tries PINs all the time.
    pub(crate) guesser: bool,
    /// How many of a hundred questions to the desk are the last ones before the node is killed.
    pub(crate) kill_asked_percent: u64,
    pub(crate) registry: RegistryPlan,
    /// When the registry's source changes.
    pub(crate) changes: Vec<Duration>,
}

/// How the registry is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RegistryPlan {
    Sound,
    Missing,
    /// The source cannot be read between these times.
    Unread(Duration, Duration),
}

impl Plan {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let horizon = Duration::from_secs(dice.between(240, 1_200));
        let faulty = dice.percent(60);
        let some = |dice: &mut Dice, percent: u64| faulty && dice.percent(percent);
        let mut kills = Vec::new();
        while some(dice, 35) && kills.len() < 3 {
            kills.push(dice.ms(5_000, 1_300_000));
        }
        let full = some(dice, 20).then(|| {
            let from = dice.ms(1_000, 900_000);
            let lasts = dice.pick([(2, 4_000), (1, 20_000), (3, 150_000)]);
            (from, from + dice.ms(500, lasts))
        });
        let mut rooms = Vec::new();
        while some(dice, 40) && rooms.len() < 4 {
            let permille = dice.pick([(1, 250), (1, 150), (1, 70), (1, 30), (3, RESERVE_PERMILLE)]);
            rooms.push((dice.ms(1_000, 1_000_000), permille));
        }
        let unread = dice.ms(0, 600_000);
        let registry = match dice.below(20) {
            0 => RegistryPlan::Missing,
            1..=3 => RegistryPlan::Unread(unread, unread + dice.ms(20_000, 400_000)),
            _ => RegistryPlan::Sound,
        };
        Self {
            start: start(dice),
            horizon,
            calls_count: dice.between(3, 9),
            kills,
            stop: dice.percent(15).then(|| dice.ms(10_000, 1_200_000)),
            full,
            rooms,
            relents: (0..dice.below(4)).map(|_| dice.ms(60_000, 1_200_000)).collect(),
            looks: (0..dice.below(6)).map(|_| dice.ms(30_000, 1_200_000)).collect(),
            slow_percent: if some(dice, 25) { dice.between(1, 25) } else { 0 },
            stops_at: some(dice, 20).then(|| (dice.between(1, 60), dice.percent(50))),
            panic_percent: if some(dice, 20) { 30 } else { 0 },
            vault_percent: if some(dice, 20) { 30 } else { 0 },
            sloppy_percent: dice.pick([(3, 0), (2, 3), (1, 25)]),
            guesser: dice.percent(3),
            kill_asked_percent: if some(dice, 15) { 10 } else { 0 },
            registry,
            changes: (0..dice.below(5)).map(|_| dice.ms(0, 1_000_000)).collect(),
        }
    }
}

/// Only what is kept back for the records of running calls.
pub(crate) const RESERVE_PERMILLE: u64 = 0;

/// Most seeds begin in the middle of a year; some a few minutes before the caps change.
fn start(dice: &mut Dice) -> Timestamp {
    let day = if dice.percent(10) { "2026-04-06" } else { "2026-07-01" };
    let begins = Day::parse(day).map(Day::begins).unwrap_or_default();
    crate::sound::before(begins, dice.between(0, 600_000_000))
}
