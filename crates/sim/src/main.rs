//! Runs seeds and says which one fails.
//!
//! `cargo run -p sim --release -- --seeds 100000 [--from N]` runs many; `--seed N [--trace]` runs
//! one, and prints everything that happened in it. With `--desk` the real desk decides, over a
//! database in memory, and not the model of it. With `--wire` it is SIP over a link that loses,
//! doubles and reorders, and neither desk nor machine.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool talks to a person"
)]

use sim::{Coverage, Lab, Report, wire};
use std::{collections::BTreeMap, env, process::ExitCode, time::Instant};

fn main() -> ExitCode {
    let Some(wanted) = Wanted::read(env::args().skip(1)) else {
        eprintln!(
            "usage: sim [--desk | --wire] [--seeds COUNT] [--from N] | \
             [--desk | --wire] --seed N [--trace]"
        );
        return ExitCode::from(2);
    };
    if wanted.wire {
        let good = match wanted.seed {
            Some(seed) => one_wire(seed, wanted.trace),
            None => many_wires(&wanted),
        };
        return if good { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
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
    wire: bool,
}

impl Wanted {
    fn read(mut args: impl Iterator<Item = String>) -> Option<Self> {
        let (seeds, from, seed) = (SEEDS_COUNT, 0, None);
        let mut wanted = Self { seeds, from, seed, trace: false, desk: false, wire: false };
        while let Some(arg) = args.next() {
            let mut number = || args.next().and_then(|text| text.parse().ok());
            match arg.as_str() {
                "--seeds" => wanted.seeds = number()?,
                "--from" => wanted.from = number()?,
                "--seed" => wanted.seed = Some(number()?),
                "--trace" => wanted.trace = true,
                "--desk" => wanted.desk = true,
                "--wire" => wanted.wire = true,
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

fn one_wire(seed: u64, trace: bool) -> bool {
    let report = match wire::run(seed, trace) {
        Ok(report) => report,
        Err(fault) => {
            eprintln!("no socket can be had: {fault}");
            return false;
        }
    };
    for line in &report.ladder {
        println!("{line}");
    }
    for violation in &report.violations {
        println!("  {violation}");
    }
    if trace {
        println!("seed {seed}: {} events, hash {:016x}", report.events, report.hash);
    }
    report.violations.is_empty()
}

fn many_wires(wanted: &Wanted) -> bool {
    let (from, count) = (wanted.from, wanted.seeds);
    let mut seen = BTreeMap::new();
    let (mut events, mut failed) = (0, 0_u64);
    #[expect(clippy::disallowed_methods, reason = "shows a person how fast it is")]
    let start = Instant::now();
    for seed in from..from.saturating_add(count) {
        let report = match wire::run(seed, false) {
            Ok(report) => report,
            Err(fault) => {
                eprintln!("no socket can be had: {fault}");
                return false;
            }
        };
        events += report.events;
        for (what, times) in report.coverage {
            *seen.entry(what).or_insert(0) += times;
        }
        for violation in &report.violations {
            println!("  {violation}");
        }
        if !report.violations.is_empty() {
            println!(
                "seed {seed} FAILED; to see it: cargo run -p sim --release -- --wire --seed {seed} --trace"
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
    for (what, times) in &seen {
        println!("{times:>12}  {what:?}");
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
