//! `cargo xtask bench calls`, `setup`, `log`, `disclose`, `follow`, `drill`, `keys`: what the node
//! costs, measured from outside, and how well it hears.
//!
//! The node is the production `serve` in its release build, on a fresh data folder; the load is
//! the example `load` or `setup` of crate `parlatory`, in a process of its own; both talk over
//! loopback. CPU is user and system time of the node alone, as `/proc` counts it. Nothing here
//! passes or fails by time: figures are printed and, with `--date`, put into `docs/benchmarks.md`.

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

mod county;
mod disclose;
mod drill;
mod figures;
mod follow;
mod keys;
mod load;
mod log;
mod node;
mod output;
mod process;
mod report;
mod round;
mod setup;

use figures::Figures;
use output::{Measured, Output};
use process::Machine;
use round::{Round, Variant};

/// What can be measured.
#[derive(Subcommand)]
pub(crate) enum Bench {
    /// Hold many calls at once, recorded and unrecorded, and see what the node spends on them
    Calls(Calls),
    /// Set up and end two legs without audio, faster and faster; hold thousands at once
    Setup(setup::Setup),
    /// Append to the log until the proof is in hand, beside one plain sync; verify a large log
    Log(log::Log),
    /// Search a million records page by page, open recordings, begin what was approved
    Disclose(disclose::Disclose),
    /// Follow a call that goes on, and see how long after speech it is heard
    Follow(follow::Follow),
    /// Listen to hours of speech, music and tones in which there is no key, and count those heard
    Keys(keys::Keys),
    /// Take recorded calls, back the node up, and try the backup out
    Drill(drill::Drill),
}

/// Options of `bench calls`.
#[derive(Args)]
pub(crate) struct Calls {
    /// Calls held at once; several numbers, separated by commas, make several rounds
    #[arg(long, value_delimiter = ',', default_value = "100", value_name = "COUNT")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000))]
    calls: Vec<u32>,
    /// Seconds in which all calls are held and measured
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    #[arg(value_parser = clap::value_parser!(u32).range(2..=3_600))]
    hold: u32,
    /// Calls started, and later ended, in a second
    #[arg(long, default_value_t = 10, value_name = "CALLS")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rate: u32,
    /// Measure what is built already, without asking cargo whether it is up to date
    #[arg(long)]
    as_built: bool,
    #[command(flatten)]
    output: Output,
}

/// Measures, prints, and fills the document when a date is given.
///
/// # Errors
/// When something cannot be built or started, calls are lost, or a recorded round is not recorded.
pub(crate) fn run(root: &Path, bench: &Bench) -> anyhow::Result<()> {
    match bench {
        Bench::Calls(options) => run_calls(root, options),
        Bench::Setup(options) => setup::run(root, options),
        Bench::Log(options) => log::run(root, options),
        Bench::Disclose(options) => disclose::run(root, options),
        Bench::Follow(options) => follow::run(root, options),
        Bench::Keys(options) => keys::run(root, options),
        Bench::Drill(options) => drill::run_drill(root, options),
    }
}

fn run_calls(root: &Path, options: &Calls) -> anyhow::Result<()> {
    let programs = Programs::find(root, options.output.debug, options.as_built)?;
    let machine = Machine::read()?;
    let mut figures = Vec::new();
    for calls in &options.calls {
        for variant in [Variant::Recorded, Variant::Unrecorded] {
            let round = Round { variant, calls: *calls, hold: options.hold, rate: options.rate };
            figures.push(measure(root, &programs, &round)?);
        }
    }
    let command = options.command();
    options.output.give(
        root,
        &Measured {
            bench: "calls",
            command: &command,
            machine: &machine,
            figures: &figures,
            tables: &report::tables(&figures, &machine),
        },
    )
}

/// One round, on a data folder of its own that is left behind only when something went wrong.
fn measure(root: &Path, programs: &Programs, round: &Round) -> anyhow::Result<Figures> {
    let folder = empty_folder(root)?;
    let bar = progress(round)?;
    let measured = round
        .run(&folder, programs, &bar)
        .with_context(|| format!("the node's log is {}", node::log_in(&folder).display()))?;
    bar.finish_and_clear();
    fs::remove_dir_all(&folder)?;
    Ok(Figures::of(round, &measured))
}

fn progress(round: &Round) -> anyhow::Result<ProgressBar> {
    let bar = ProgressBar::new(u64::from(round.calls));
    bar.set_style(ProgressStyle::with_template(
        "{prefix:<10} {msg:<28} [{bar:40}] {pos}/{len} {elapsed}",
    )?);
    bar.set_prefix(round.variant.name());
    Ok(bar)
}

/// A folder for one data folder, emptied of what an earlier round left.
fn empty_folder(root: &Path) -> anyhow::Result<PathBuf> {
    let folder = root.join("target").join("bench").join(std::process::id().to_string());
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    Ok(folder)
}

/// What is measured, and what measures.
pub(crate) struct Programs {
    node: PathBuf,
    load: PathBuf,
    setup: PathBuf,
}

impl Programs {
    fn find(root: &Path, debug: bool, as_built: bool) -> anyhow::Result<Self> {
        if !as_built {
            build(root, debug)?;
        }
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
        let built = target.join(if debug { "debug" } else { "release" });
        let example = |name| built.join("examples").join(name);
        let node = built.join("parlatory");
        Ok(Self { node, load: example("load"), setup: example("setup") })
    }
}

/// Builds an example (`PACKAGE`, `NAME`) that is a load of its own, and says where it is.
fn built_example(
    root: &Path,
    (package, name): (&str, &str),
    debug: bool,
) -> anyhow::Result<PathBuf> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    cargo.args(["build", "--locked", "-p", package, "--example", name]);
    if !debug {
        cargo.arg("--release");
    }
    let status = cargo.current_dir(root).status().context("cannot run cargo")?;
    if !status.success() {
        bail!("the load does not build");
    }
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    Ok(target.join(if debug { "debug" } else { "release" }).join("examples").join(name))
}

impl Calls {
    /// The command that measures the same again.
    fn command(&self) -> String {
        let calls: Vec<_> = self.calls.iter().map(ToString::to_string).collect();
        let Self { hold, rate, .. } = self;
        format!("cargo xtask bench calls --calls {} --hold {hold} --rate {rate}", calls.join(","))
    }
}

fn build(root: &Path, debug: bool) -> anyhow::Result<()> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    cargo.args(["build", "--locked", "-p", "parlatory", "--bins"]);
    cargo.args(["--example", "load", "--example", "setup"]);
    if !debug {
        cargo.arg("--release");
    }
    let status = cargo.current_dir(root).status().context("cannot run cargo")?;
    if !status.success() {
        bail!("the node or its load does not build");
    }
    Ok(())
}

const DOCUMENT: &str = "docs/benchmarks.md";
