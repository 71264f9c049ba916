//! SIP over a link that loses, doubles, reorders and delays: six hundred seeds of it.

use sim::wire::{self, WireSeen};
use std::collections::BTreeMap;

#[test]
fn calls_over_a_bad_link_end_once_at_both_ends_and_leave_nothing() {
    let mut seen = BTreeMap::new();
    for seed in 0..SEEDS_COUNT {
        let report = wire::run(seed, false).unwrap();
        assert!(
            report.violations.is_empty(),
            "seed {seed}: {:#?}\nto see it: cargo run -p sim --release -- --wire --seed {seed} --trace",
            report.violations
        );
        for (what, times) in report.coverage {
            *seen.entry(what).or_insert(0) += times;
        }
    }
    for wanted in [
        WireSeen::Lost,
        WireSeen::Twice,
        WireSeen::Overtaken,
        WireSeen::Talked,
        WireSeen::Refused,
        WireSeen::Unanswered,
        WireSeen::Cancelled,
        WireSeen::Crossed,
        WireSeen::ByesCrossed,
        WireSeen::Unacknowledged,
        WireSeen::Crashed,
        WireSeen::Restarted,
        WireSeen::Stray,
        WireSeen::WentOn,
        WireSeen::Hung,
        WireSeen::NoneLeft,
        WireSeen::TakenBack,
        WireSeen::TakenBackLate,
        WireSeen::SessionLost,
        WireSeen::Refreshed,
        WireSeen::Reoffered,
        WireSeen::Key,
        WireSeen::Prack,
    ] {
        assert!(seen.get(&wanted).is_some_and(|times| *times > 0), "{wanted:?} never occurred");
    }
}

#[test]
fn the_same_seed_is_the_same_calls() {
    for seed in 0..10 {
        let (one, other) = (wire::run(seed, false).unwrap(), wire::run(seed, true).unwrap());
        assert_eq!((one.hash, one.events), (other.hash, other.events), "seed {seed}");
        assert!(one.ladder.is_empty() && !other.ladder.is_empty());
    }
}

const SEEDS_COUNT: u64 = 600;
