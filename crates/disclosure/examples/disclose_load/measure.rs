//! Times and processor time.

use serde_json::{Value, json};
use std::{
    fs,
    time::{Duration, Instant},
};

/// How long each of many acts took.
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Keeps how long something took.
    pub(crate) fn keep(&mut self, took: Duration) {
        self.0.push(took);
    }

    /// Does something, and keeps how long it took.
    pub(crate) fn of<T>(&mut self, act: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let done = act();
        self.0.push(begun.elapsed());
        done
    }

    /// The middle and the hundredth slowest, in milliseconds.
    pub(crate) fn summary(mut self) -> Value {
        self.0.sort_unstable();
        let at = |percent: usize| {
            let place = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
            self.0.get(place).unwrap().as_secs_f64() * 1_000.0
        };
        json!({ "count": self.0.len(), "p50_ms": at(50), "p99_ms": at(99) })
    }
}

/// User and system time of this process so far, in seconds: clock ticks of 10 ms.
pub(crate) fn cpu_s() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks: u32 =
        fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u32>().unwrap()).sum();
    f64::from(ticks) / 100.0
}
