//! What follows from what was seen.

use super::{
    process::{Machine, Sample},
    round::{Measured, Round, Variant},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// The figures of a round. Cores are CPU seconds a second.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figures {
    pub(super) variant: Variant,
    pub(super) calls: u32,
    pub(super) hold_seconds: u32,
    pub(super) rate_per_second: u32,
    /// Calls that were held.
    pub(super) talking: u64,
    /// Failed calls by the stage in which they failed.
    pub(super) failed: BTreeMap<String, u64>,
    /// Cores of the node while nothing happens.
    pub(super) idle_cores: f64,
    /// Cores of the node while all calls are held.
    pub(super) node_cores: f64,
    /// The same of the load, and of everything else on the machine.
    pub(super) load_cores: f64,
    pub(super) other_cores: f64,
    /// Cores of the node for a hundred held calls; what it needs when idle is part of it.
    pub(super) cores_per_100_calls: f64,
    /// Anonymous memory of the node before the first call, in KiB.
    pub(super) idle_kib: u64,
    /// What it has more of for each held call.
    pub(super) kib_per_call: f64,
    /// CPU of the node for a whole call (menu, PIN, number, screening, both legs, notice, consent,
    /// settlement) without the time in which two talk, and without what it needs when idle.
    pub(super) set_up_ms_per_call: f64,
    /// Part of its packets that the load came to send in time; below 1 it was starved, and the
    /// node had less to do than it should.
    pub(super) sent_of_due: f64,
    /// Packets that the load sent and received while the calls were held.
    pub(super) sent: u64,
    pub(super) received: u64,
    /// Packets sent by one end of a call that never came to the other.
    pub(super) lost: u64,
    /// Packets that the node put in.
    pub(super) made_up: u64,
    /// Packets that came to somebody else.
    pub(super) crossed: u64,
    /// Longest time between two packets on one leg that the node has caused, and how many were
    /// longer than 40 ms.
    pub(super) gap_ms_max: f64,
    pub(super) gaps_over_40_ms: u64,
    /// Longest time in which the load did not look; gaps within it are unseen.
    pub(super) look_ms_max: f64,
}

impl Figures {
    /// The figures of `round`.
    pub(super) fn of(round: &Round, seen: &Measured) -> Self {
        let cores = |from: &Sample, to: &Sample, of: fn(&Sample) -> std::time::Duration| {
            let seconds = to.at.duration_since(from.at).as_secs_f64();
            of(to).saturating_sub(of(from)).as_secs_f64() / seconds
        };
        let [idle_from, idle_to] = &seen.idle;
        let [from, to] = &seen.held;
        let idle = cores(idle_from, idle_to, |sample| sample.node);
        let node = cores(from, to, |sample| sample.node);
        let load = cores(from, to, |sample| sample.load);
        let machine = cores(from, to, |sample| sample.machine);
        let lasted_held = to.at.duration_since(from.at).as_secs_f64();
        let talking = count(seen.talking);
        // A call that talks costs this much a second beyond what the node needs anyway.
        let held_per_call = (node - idle).max(0.0) / talking;
        let whole = seen.end.node.saturating_sub(idle_to.node).as_secs_f64();
        let lasted = seen.end.at.duration_since(idle_to.at).as_secs_f64();
        let set_up = whole - idle * lasted - held_per_call * seen.talked_seconds;
        Self {
            variant: round.variant,
            calls: round.calls,
            hold_seconds: round.hold,
            rate_per_second: round.rate,
            talking: seen.talking,
            failed: seen.failed.clone(),
            idle_cores: idle,
            node_cores: node,
            load_cores: load,
            other_cores: (machine - node - load).max(0.0),
            cores_per_100_calls: node / talking * 100.0,
            idle_kib: seen.idle_kib,
            kib_per_call: count(seen.held_kib.saturating_sub(seen.idle_kib)) / talking,
            set_up_ms_per_call: (set_up * 1_000.0 / talking).max(0.0),
            sent_of_due: count(seen.heard.sent)
                / (talking * 2.0 * PACKETS_PER_SECOND * lasted_held),
            sent: seen.heard.sent,
            received: seen.heard.received,
            lost: seen.heard.lost,
            made_up: seen.heard.made_up,
            crossed: seen.heard.crossed,
            gap_ms_max: seen.heard.gap_ms_max,
            gaps_over_40_ms: seen.heard.gaps_over_40_ms,
            look_ms_max: seen.heard.look_ms_max,
        }
    }

    /// Calls that failed.
    pub(super) fn failures(&self) -> u64 {
        self.failed.values().sum()
    }

    /// Whether the load did not come to send what it should.
    pub(super) fn is_starved(&self) -> bool {
        self.sent_of_due < STARVED
    }

    /// What the round would have needed more of, in words.
    pub(super) fn limit(&self, machine: &Machine) -> String {
        let cores = count(u64::try_from(machine.cores).unwrap_or(u64::MAX));
        let all = self.node_cores + self.load_cores + self.other_cores;
        let (node, load, other) = (self.node_cores, self.load_cores, self.other_cores);
        if self.is_starved() {
            return format!(
                "the load, which came to send {:.1} % of its packets: node {node:.2}, load {load:.2}, \
                 others {other:.2} of {cores} cores",
                self.sent_of_due * 100.0
            );
        }
        if all > cores * FULL {
            return format!(
                "the machine's CPU: node {node:.2}, load {load:.2}, others {other:.2} of {cores} cores"
            );
        }
        if self.failures() > 0 || self.lost > 0 {
            return format!(
                "not CPU ({all:.2} of {cores} cores busy), yet {} calls failed and {} packets were lost",
                self.failures(),
                self.lost
            );
        }
        format!("none reached: {all:.2} of {cores} cores busy, {load:.2} by the load")
    }
}

/// Counts here are far below the 2^53 to which this is exact.
#[expect(clippy::cast_precision_loss, reason = "counts of packets and KiB are small")]
fn count(value: u64) -> f64 {
    value as f64
}

/// Packets that a leg sends in a second.
const PACKETS_PER_SECOND: f64 = 50.0;

/// Part of its packets below which the load counts as starved.
const STARVED: f64 = 0.99;

/// Part of the machine from which on it counts as full.
const FULL: f64 = 0.95;

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::bench::load::Heard;
    use std::time::{Duration, Instant};

    fn sample(start: Instant, at: u64, node_ms: u64, load_ms: u64, machine_ms: u64) -> Sample {
        Sample {
            at: start + Duration::from_secs(at),
            node: Duration::from_millis(node_ms),
            load: Duration::from_millis(load_ms),
            machine: Duration::from_millis(machine_ms),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "any instant will do: only differences count")]
    fn some_instant() -> Instant {
        Instant::now()
    }

    /// 50 calls, 10 a second, held for 20 s and a bit.
    pub(in crate::bench) fn figures(variant: Variant) -> Figures {
        let start = some_instant();
        let seen = Measured {
            idle: [sample(start, 0, 100, 0, 0), sample(start, 5, 150, 0, 1_000)],
            idle_kib: 10_000,
            held: [sample(start, 40, 2_000, 1_000, 9_000), sample(start, 60, 3_200, 3_000, 15_000)],
            held_kib: 13_200,
            end: sample(start, 75, 4_350, 4_000, 20_000),
            talking: 50,
            failed: BTreeMap::new(),
            talked_seconds: 2_000.0,
            heard: Heard {
                sent: 100_000,
                received: 100_000,
                gap_ms_max: 27.25,
                ..Heard::default()
            },
        };
        Figures::of(&Round { variant, calls: 50, hold: 20, rate: 10 }, &seen)
    }

    fn machine() -> Machine {
        Machine { cores: 2, processor: "sample".into(), kernel: "6.1".into(), niceness: 0 }
    }

    #[test]
    fn figures_follow_from_the_samples() {
        let figures = figures(Variant::Recorded);
        let near = |value: f64, expected: f64| {
            assert!((value - expected).abs() < 1e-9, "{value} is not {expected}");
        };
        near(figures.idle_cores, 0.01);
        near(figures.node_cores, 0.06);
        near(figures.load_cores, 0.1);
        near(figures.other_cores, 0.14);
        near(figures.cores_per_100_calls, 0.12);
        near(figures.kib_per_call, 64.0);
        near(figures.sent_of_due, 1.0);
        // 4.2 s in 70 s, 0.7 s of it idle, 2,000 call-seconds at 1 ms: 1.5 s for 50 calls.
        near(figures.set_up_ms_per_call, 30.0);
    }

    #[test]
    fn the_limit_that_binds_is_named() {
        let calm = figures(Variant::Recorded);
        assert_eq!(calm.limit(&machine()), "none reached: 0.30 of 2 cores busy, 0.10 by the load");
        let full = Figures { other_cores: 1.8, ..calm.clone() };
        assert!(full.limit(&machine()).starts_with("the machine's CPU: node 0.06"));
        let starved = Figures { sent_of_due: 0.85, ..full };
        assert!(starved.limit(&machine()).starts_with("the load, which came to send 85.0 %"));
        let failed = BTreeMap::from([("menu".to_owned(), 2)]);
        let broken = Figures { failed, ..calm };
        assert!(broken.limit(&machine()).contains("2 calls failed"));
    }
}
