//! Runs seeds and says which one fails.
//!
//! `cargo run -p sim --release -- --seeds 100000 [--from N]` runs many; `--seed N [--trace]` runs
//! one, and prints everything that happened in it. With `--desk` the real desk decides, over a
//! database in memory, and not the model of it.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool talks to a person"
)]

use sim::{Coverage, Lab, Report};
use std::{env, process::ExitCode, time::Instant};

fn main() -> ExitCode {
    let Some(wanted) = Wanted::read(env::args().skip(1)) else {
        eprintln!("usage: sim [--desk] [--seeds COUNT] [--from N] | [--desk] --seed N [--trace]");
        return ExitCode::from(2);
    };
    let lab = match if wanted.desk { Lab::with_desk() } else { Ok(Lab::default()) } {
        Ok(lab) => lab,
        Err(fault) => {
            eprintln!("no database can be made: {fault}");
            return ExitCode::FAILURE;
        }
    };
    let good = match wanted.seed {
        Some(seed) => one(&lab, seed, wanted.trace),
        None => many(&lab, &wanted),
    };
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What the command line asks for.
struct Wanted {
    seeds: u64,
    from: u64,
    seed: Option<u64>,
    trace: bool,
    desk: bool,
}

impl Wanted {
    fn read(mut args: impl Iterator<Item = String>) -> Option<Self> {
        let (seeds, from, seed) = (SEEDS_COUNT, 0, None);
        let mut wanted = Self { seeds, from, seed, trace: false, desk: false };
        while let Some(arg) = args.next() {
            let mut number = || args.next().and_then(|text| text.parse().ok());
            match arg.as_str() {
                "--seeds" => wanted.seeds = number()?,
                "--from" => wanted.from = number()?,
                "--seed" => wanted.seed = Some(number()?),
                "--trace" => wanted.trace = true,
                "--desk" => wanted.desk = true,
                _ => return None,
            }
        }
        Some(wanted)
    }
}

fn one(lab: &Lab, seed: u64, trace: bool) -> bool {
    let report = sim::run(lab, seed, None, trace);
    for line in &report.ladder {
        println!("{line}");
    }
    println!("seed {seed}: {} events, hash {:016x}", report.events, report.hash);
    print_violations(&report)
}

fn many(lab: &Lab, wanted: &Wanted) -> bool {
    let (from, count) = (wanted.from, wanted.seeds);
    let desk = if wanted.desk { "--desk " } else { "" };
    let mut coverage = Coverage::default();
    let (mut events, mut failed) = (0, 0_u64);
    #[expect(clippy::disallowed_methods, reason = "shows a person how fast it is")]
    let start = Instant::now();
    for seed in from..from.saturating_add(count) {
        let report = sim::run(lab, seed, None, false);
        events += report.events;
        coverage.add(&report.coverage);
        if !print_violations(&report) {
            println!(
                "seed {seed} FAILED; to see it: cargo run -p sim --release -- {desk}--seed {seed} --trace"
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
