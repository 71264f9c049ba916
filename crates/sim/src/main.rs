//! Runs seeds and says which one fails.
//!
//! `cargo run -p sim --release -- --seeds 100000 [--from N]` runs many; `--seed N [--trace]` runs
//! one, and prints everything that happened in it.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool talks to a person"
)]

use sim::{Coverage, Lab, Report};
use std::{env, process::ExitCode, time::Instant};

fn main() -> ExitCode {
    let Some(wanted) = Wanted::read(env::args().skip(1)) else {
        eprintln!("usage: sim [--seeds COUNT] [--from N] | --seed N [--trace]");
        return ExitCode::from(2);
    };
    let good = match wanted.seed {
        Some(seed) => one(seed, wanted.trace),
        None => many(wanted.from, wanted.seeds),
    };
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What the command line asks for.
struct Wanted {
    seeds: u64,
    from: u64,
    seed: Option<u64>,
    trace: bool,
}

impl Wanted {
    fn read(mut args: impl Iterator<Item = String>) -> Option<Self> {
        let mut wanted = Self { seeds: SEEDS_COUNT, from: 0, seed: None, trace: false };
        while let Some(arg) = args.next() {
            let mut number = || args.next().and_then(|text| text.parse().ok());
            match arg.as_str() {
                "--seeds" => wanted.seeds = number()?,
                "--from" => wanted.from = number()?,
                "--seed" => wanted.seed = Some(number()?),
                "--trace" => wanted.trace = true,
                _ => return None,
            }
        }
        Some(wanted)
    }
}

fn one(seed: u64, trace: bool) -> bool {
    let report = sim::run(&Lab::default(), seed, None, trace);
    for line in &report.ladder {
        println!("{line}");
    }
    println!("seed {seed}: {} events, hash {:016x}", report.events, report.hash);
    print_violations(&report)
}

fn many(from: u64, count: u64) -> bool {
    let lab = Lab::default();
    let mut coverage = Coverage::default();
    let (mut events, mut failed) = (0, 0_u64);
    #[expect(clippy::disallowed_methods, reason = "shows a person how fast it is")]
    let start = Instant::now();
    for seed in from..from.saturating_add(count) {
        let report = sim::run(&lab, seed, None, false);
        events += report.events;
        coverage.add(&report.coverage);
        if !print_violations(&report) {
            println!(
                "seed {seed} FAILED; to see it: cargo run -p sim --release -- --seed {seed} --trace"
            );
            failed += 1;
            if failed >= FAILED_COUNT_MAX {
                break;
            }
        }
        if (seed - from + 1).is_multiple_of(PROGRESS_EVERY) {
            println!("{} seeds, {events} events, {failed} failed", seed - from + 1);
        }
    }
    for (seen, times) in coverage.counts() {
        println!("{times:>12}  {}", seen.name());
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{count} seeds, {events} events in {seconds:.1} s, {failed} failed");
    failed == 0
}

fn print_violations(report: &Report) -> bool {
    for violation in &report.violations {
        println!("  {violation}");
    }
    report.violations.is_empty()
}

const SEEDS_COUNT: u64 = 10_000;
const PROGRESS_EVERY: u64 = 10_000;
const FAILED_COUNT_MAX: u64 = 10;
