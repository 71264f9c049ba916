//! `cargo xtask bench keys`: how many keys are heard in hours of audio in which there are none, and
//! what the listening costs.

use super::{
    output::{Measured, Output, figures_of},
    process::Machine,
};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::{path::Path, process::Command};

/// Options of `bench keys`.
#[derive(Args)]
pub(crate) struct Keys {
    /// Hours of audio, heard in both laws of G.711
    #[arg(long, default_value_t = 10, value_name = "COUNT")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000))]
    hours: u32,
    /// Which audio
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    seed: u64,
    #[command(flatten)]
    output: Output,
}

/// What was heard, as the example prints it.
#[derive(Debug, Serialize, Deserialize)]
struct Heard {
    seed: u64,
    /// Of both laws together.
    seconds: u64,
    false_keys: u64,
    /// CPU for a second of audio.
    ns_each: u64,
}

/// Listens, prints, and fills the document when a date is given.
///
/// # Errors
/// When a key was heard; the message names each, and after how much audio.
pub(super) fn run(root: &Path, options: &Keys) -> anyhow::Result<()> {
    let ear = super::built_example(root, ("media", "dtmf"), options.output.debug)?;
    let machine = Machine::read()?;
    let Keys { hours, seed, .. } = options;
    let figures: Heard = figures_of(Command::new(ear).args([hours.to_string(), seed.to_string()]))?;
    let command = format!("cargo xtask bench keys --hours {hours} --seed {seed}");
    options.output.give(
        root,
        &Measured {
            bench: "keys",
            command: &command,
            machine: &machine,
            figures: &figures,
            tables: &table(*hours, &figures),
        },
    )
}

fn table(hours: u32, heard: &Heard) -> String {
    let Heard { seed, seconds, false_keys, ns_each } = heard;
    format!(
        "| sound | heard with | false keys | CPU for a second of audio |\n|---|---|---|---|\n\
         | {hours} h (seed {seed}) | both laws of G.711, {} h in all | {false_keys} | {} µs |",
        seconds / 3_600,
        ns_each / 1_000,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_of_both_laws_and_times_in_microseconds() {
        let heard = Heard { seed: 3, seconds: 72_004, false_keys: 0, ns_each: 81_700 };
        let row = "| 10 h (seed 3) | both laws of G.711, 20 h in all | 0 | 81 µs |";
        assert_eq!(table(10, &heard).lines().last(), Some(row));
    }
}
