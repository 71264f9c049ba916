//! A link between two ends, after `tc-netem(8)`: what becomes of a datagram is rolled for each.

use crate::dice::Dice;
use core::time::Duration;
use model::Timestamp;

/// How bad a link is. Both directions are the same, but roll for themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weather {
    /// How many of a hundred are lost.
    pub(super) loss_percent: u64,
    /// How many of a hundred come twice.
    pub(super) twice_percent: u64,
    /// How many of a hundred are late, and so overtaken.
    pub(super) late_percent: u64,
    /// The delay of all.
    pub(super) delay: Duration,
    /// What is added to it, up to this.
    pub(super) jitter: Duration,
    /// What is added to those that are late, up to this.
    pub(super) late: Duration,
    /// From when to when nothing gets through at all.
    pub(super) outage: Option<(Timestamp, Timestamp)>,
}

impl Weather {
    pub(super) fn new(dice: &mut Dice, start: Timestamp) -> Self {
        let bad = dice.percent(80);
        let some = |dice: &mut Dice, most: u64| if bad { dice.below(most + 1) } else { 0 };
        let outage = (bad && dice.percent(25)).then(|| {
            let from = start.after(dice.ms(0, 120_000));
            (from, from.after(dice.ms(1_000, 60_000)))
        });
        Self {
            loss_percent: some(dice, 40),
            twice_percent: some(dice, 30),
            late_percent: some(dice, 30),
            delay: dice.ms(1, 150),
            jitter: dice.ms(0, if bad { 300 } else { 5 }),
            // No message lives longer than T4 (RFC 3261 section 17.1.2.2).
            late: dice.ms(100, 4_000),
            outage,
        }
    }

    /// After how long each copy of a datagram arrives.
    pub(super) fn fates(&self, dice: &mut Dice, now: Timestamp) -> Vec<Duration> {
        if self.outage.is_some_and(|(from, to)| (from..to).contains(&now)) {
            return Vec::new();
        }
        let copies = 1 + u32::from(dice.percent(self.twice_percent));
        let mut fates = Vec::new();
        for _ in 0..copies {
            if dice.percent(self.loss_percent) {
                continue;
            }
            let late = dice.percent(self.late_percent);
            let more = if late { self.late } else { Duration::ZERO };
            let upto = |dice: &mut Dice, most: Duration| {
                Duration::from_micros(dice.below(u64::try_from(most.as_micros()).unwrap_or(0) + 1))
            };
            fates.push(self.delay + upto(dice, self.jitter) + upto(dice, more));
        }
        fates
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_loses_doubles_and_reorders_as_often_as_it_is_told() {
        let weather = Weather {
            loss_percent: 20,
            twice_percent: 10,
            late_percent: 10,
            delay: Duration::from_millis(10),
            jitter: Duration::from_millis(2),
            late: Duration::from_secs(1),
            outage: Some((Timestamp::from_micros(50), Timestamp::from_micros(60))),
        };
        let mut dice = Dice::new(1);
        let now = Timestamp::from_micros(0);
        let fates: Vec<_> = (0..10_000).map(|_| weather.fates(&mut dice, now)).collect();
        let with = |count: usize| fates.iter().filter(|fate| fate.len() == count).count();
        assert!((1_700..2_100).contains(&with(0)), "{}", with(0));
        assert!((550..750).contains(&with(2)), "{}", with(2));
        let arrivals: Vec<_> = fates.iter().flatten().copied().collect();
        assert!(arrivals.iter().all(|delay| *delay >= weather.delay));
        let late = arrivals.iter().filter(|delay| **delay > Duration::from_millis(12)).count();
        assert!((700..1_200).contains(&late), "{late}");
        assert!(weather.fates(&mut dice, Timestamp::from_micros(55)).is_empty());
    }
}
