//! What a stretch of calls came to.

use std::{collections::BTreeMap, time::Duration};

use model::Timestamp;

use crate::say::StepReport;

/// What was counted since a step began.
#[derive(Debug)]
pub(crate) struct Step {
    began: Timestamp,
    started: usize,
    clean: usize,
    failed: BTreeMap<&'static str, usize>,
    set_ups: Vec<Duration>,
    late_max: Duration,
}

impl Step {
    pub(crate) fn begin(now: Timestamp) -> Self {
        Self {
            began: now,
            started: 0,
            clean: 0,
            failed: BTreeMap::new(),
            set_ups: Vec::new(),
            late_max: Duration::ZERO,
        }
    }

    /// A call was started that was due at `due`.
    pub(crate) fn started(&mut self, due: Timestamp, now: Timestamp) {
        self.started += 1;
        self.late_max = self.late_max.max(now.since(due));
    }

    /// Both legs are up so long after the call was started.
    pub(crate) fn up(&mut self, after: Duration) {
        self.set_ups.push(after);
    }

    pub(crate) fn clean(&mut self) {
        self.clean += 1;
    }

    pub(crate) fn failed(&mut self, stage: &'static str) {
        *self.failed.entry(stage).or_default() += 1;
    }

    pub(crate) fn failures(&self) -> &BTreeMap<&'static str, usize> {
        &self.failed
    }

    pub(crate) fn cleans(&self) -> usize {
        self.clean
    }

    /// Calls that are over.
    pub(crate) fn over(&self) -> usize {
        self.clean + self.failed.values().sum::<usize>()
    }

    pub(crate) fn report(mut self, now: Timestamp) -> StepReport {
        self.set_ups.sort_unstable();
        let at = |percent: usize| {
            let place = (self.set_ups.len() * percent / 100).min(self.set_ups.len().max(1) - 1);
            self.set_ups.get(place).map_or(0.0, |length| length.as_secs_f64() * 1_000.0)
        };
        StepReport {
            started: self.started,
            clean: self.clean,
            set_up_ms: [at(50), at(99), at(100)],
            seconds: now.since(self.began).as_secs_f64(),
            late_ms_max: self.late_max.as_secs_f64() * 1_000.0,
            failed: self.failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_micros(ms * 1_000)
    }

    #[test]
    fn a_step_is_summed_up() {
        let mut step = Step::begin(at(1_000));
        for ms in 1..=200 {
            step.started(at(ms), at(ms + 3));
            step.up(Duration::from_millis(u64::try_from(ms).unwrap()));
        }
        (0..199).for_each(|_| step.clean());
        step.failed("ending");
        assert_eq!(step.over(), 200);
        let report = step.report(at(3_500));
        assert_eq!((report.started, report.clean, report.failed["ending"]), (200, 199, 1));
        assert_eq!(report.set_up_ms, [101.0, 199.0, 200.0]);
        assert_eq!((report.seconds, report.late_ms_max), (2.5, 3.0));
        let empty = Step::begin(at(0)).report(at(0));
        assert_eq!(empty.set_up_ms, [0.0; 3]);
    }
}
