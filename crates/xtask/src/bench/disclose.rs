//! `cargo xtask bench disclose`: what it costs to search, and how soon what was approved is heard.

use super::{
    output::{Measured, Output, figures_of},
    process::Machine,
};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::{fmt::Write as _, path::Path, process::Command};

/// Options of `bench disclose`.
#[derive(Args)]
pub(crate) struct Disclose {
    /// Call records that are searched; about 700 octets of disk each
    #[arg(long, default_value_t = 1_000_000, value_name = "COUNT")]
    #[arg(value_parser = clap::value_parser!(u64).range(10_000..=10_000_000))]
    records: u64,
    /// Pages of 50 rows that are asked for, each with its entry in the log
    #[arg(long, default_value_t = 900, value_name = "COUNT")]
    #[arg(value_parser = clap::value_parser!(u64).range(30..=10_000))]
    searches: u64,
    /// Seconds of the recording that is opened
    #[arg(long, default_value_t = 1_200, value_name = "COUNT")]
    #[arg(value_parser = clap::value_parser!(u64).range(10..=3_600))]
    seconds: u64,
    /// How often audio that was approved is begun
    #[arg(long, default_value_t = 200, value_name = "COUNT")]
    #[arg(value_parser = clap::value_parser!(u64).range(10..=900))]
    starts: u64,
    #[command(flatten)]
    output: Output,
}

/// Everything that was measured, as the load prints it.
#[derive(Debug, Serialize, Deserialize)]
struct Figures {
    searched: Searched,
    opened: Opened,
    started: Started,
}

#[derive(Debug, Serialize, Deserialize)]
struct Searched {
    records: u64,
    by_time: Times,
    by_person: Times,
    by_number: Times,
    rows_a_page: f64,
    cpu_ms_a_page: f64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Opened {
    seconds: u32,
    rounds: u32,
    audio_s_per_cpu_s: f64,
    audio_s_per_s: f64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Started {
    starts: Times,
    cpu_ms_a_start: f64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Times {
    count: u64,
    p50_ms: f64,
    p99_ms: f64,
}

/// Measures, prints, and fills the document when a date is given.
pub(super) fn run(root: &Path, options: &Disclose) -> anyhow::Result<()> {
    let load = super::built_example(root, ("disclosure", "disclose_load"), options.output.debug)?;
    let machine = Machine::read()?;
    let Disclose { records, searches, seconds, starts, .. } = options;
    let figures: Figures = figures_of(
        Command::new(load).args([records, searches, seconds, starts].map(ToString::to_string)),
    )?;
    let command = format!(
        "cargo xtask bench disclose --records {records} --searches {searches} --seconds {seconds} \
         --starts {starts}"
    );
    options.output.give(
        root,
        &Measured {
            bench: "disclose",
            command: &command,
            machine: &machine,
            figures: &figures,
            tables: &tables(&figures),
        },
    )
}

fn tables(figures: &Figures) -> String {
    let Searched { records, by_time, by_person, by_number, rows_a_page, cpu_ms_a_page } =
        &figures.searched;
    let mut text = format!(
        "| a page of {rows_a_page:.0} rows of {records} | pages | p50 | p99 |\n|---|---|---|---|\n"
    );
    for (what, times) in
        [("from a time on", by_time), ("of a person", by_person), ("to a number", by_number)]
    {
        let Times { count, p50_ms, p99_ms } = times;
        // Writing to a string does not fail.
        let _ = writeln!(text, "| {what} | {count} | {p50_ms:.2} ms | {p99_ms:.2} ms |");
    }
    let _ = writeln!(text, "\nCPU of a page: {cpu_ms_a_page:.2} ms.\n");
    let Opened { seconds, audio_s_per_cpu_s, audio_s_per_s, .. } = &figures.opened;
    let Started { starts: Times { count, p50_ms, p99_ms }, cpu_ms_a_start } = &figures.started;
    let verdict = if *p99_ms < START_MS_MAX { "kept" } else { "**missed**" };
    let _ = writeln!(
        text,
        "| audio | figure | target |\n|---|---|---|\n\
         | seconds of audio opened in a CPU second, of a recording of {seconds} s | \
         {audio_s_per_cpu_s:.0} | |\n\
         | in a second | {audio_s_per_s:.0} | |\n\
         | approved audio begins, one of three witnesses silent, keyholders over mutual TLS, {count} times, p50 | {p50_ms:.1} ms | |\n\
         | p99 | {p99_ms:.1} ms | {:.0} s: {verdict} |\n\
         | CPU of a start with its request and approval | {cpu_ms_a_start:.1} ms | |",
        START_MS_MAX / 1_000.0,
    );
    text
}

/// How long after the request approved audio may begin, at p99.
const START_MS_MAX: f64 = 5_000.0;
