//! `cargo xtask bench follow`: how long after speech whoever follows a call hears it.

use super::{
    output::{Measured, Output, figures_of},
    process::Machine,
};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::{path::Path, process::Command};

/// Options of `bench follow`.
#[derive(Args)]
pub(crate) struct Follow {
    /// Seconds that are spoken and followed
    #[arg(long, default_value_t = 60, value_name = "COUNT")]
    #[arg(value_parser = clap::value_parser!(u64).range(5..=600))]
    seconds: u64,
    #[command(flatten)]
    output: Output,
}

/// What was measured, as the load prints it.
#[derive(Debug, Serialize, Deserialize)]
struct Followed {
    times: Times,
}

#[derive(Debug, Serialize, Deserialize)]
struct Times {
    count: u64,
    p50_ms: f64,
    p99_ms: f64,
}

/// Measures, prints, and fills the document when a date is given.
pub(super) fn run(root: &Path, options: &Follow) -> anyhow::Result<()> {
    let load = super::built_example(root, ("disclosure", "disclose_load"), options.output.debug)?;
    let machine = Machine::read()?;
    let seconds = options.seconds;
    let figures: Followed = figures_of(Command::new(load).args(["follow", &seconds.to_string()]))?;
    let command = format!("cargo xtask bench follow --seconds {seconds}");
    options.output.give(
        root,
        &Measured {
            bench: "follow",
            command: &command,
            machine: &machine,
            figures: &figures,
            tables: &table(&figures),
        },
    )
}

fn table(figures: &Followed) -> String {
    let Times { count, p50_ms, p99_ms } = figures.times;
    let first = p99_ms + SECOND_MS;
    let verdict = if first <= HEARD_MS_MAX { "kept" } else { "**missed**" };
    format!(
        "| {count} seconds of a call that goes on | p50 | p99 | target |\n|---|---|---|---|\n\
         | the last sample of a second is heard after | {p50_ms:.0} ms | {p99_ms:.0} ms | |\n\
         | its first sample, spoken a second earlier | {:.0} ms | {first:.0} ms | {:.0} s: {verdict} |",
        p50_ms + SECOND_MS,
        HEARD_MS_MAX / 1_000.0,
    )
}

/// How long after it was spoken everything is heard, at p99.
const HEARD_MS_MAX: f64 = 2_000.0;
/// A recording is sealed second by second.
const SECOND_MS: f64 = 1_000.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_is_kept_or_missed_by_the_first_sample() {
        let of = |p99_ms| table(&Followed { times: Times { count: 9, p50_ms: 130.0, p99_ms } });
        assert!(of(260.0).contains("| 1130 ms | 1260 ms | 2 s: kept |"), "{}", of(260.0));
        assert!(of(1_000.5).contains("**missed**"));
    }
}
