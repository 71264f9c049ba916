//! Where the figures of a benchmark go.

use super::{DOCUMENT, process::Machine, report};
use anyhow::{Context, ensure};
use clap::Args;
use serde::{Serialize, de::DeserializeOwned};
use std::{fs, path::Path, process::Command};

/// How figures are given, and of which build they are.
#[derive(Args)]
pub(super) struct Output {
    /// Print one JSON document instead of tables
    #[arg(long)]
    json: bool,
    /// Put the figures into docs/benchmarks.md with this date
    #[arg(long, value_name = "DATE", conflicts_with = "debug")]
    date: Option<String>,
    /// Measure the debug build, to try this program out; its figures mean nothing
    #[arg(long)]
    pub(super) debug: bool,
}

/// What was measured.
pub(super) struct Measured<'a, F> {
    /// Name of the benchmark, as the markers of the document have it.
    pub(super) bench: &'a str,
    /// The command that measures the same again.
    pub(super) command: &'a str,
    /// On what.
    pub(super) machine: &'a Machine,
    /// Everything, for programs.
    pub(super) figures: &'a F,
    /// The same for people.
    pub(super) tables: &'a str,
}

impl Output {
    /// Prints what was measured, and fills the document when a date is given.
    ///
    /// # Errors
    /// When the document cannot be read, written, or has no place for it.
    pub(super) fn give<F: Serialize>(
        &self,
        root: &Path,
        measured: &Measured<'_, F>,
    ) -> anyhow::Result<()> {
        let Measured { bench, command, machine, figures, tables } = measured;
        if self.json {
            println!("{}", serde_json::to_string_pretty(figures)?);
        } else {
            println!("{tables}");
        }
        let Some(date) = &self.date else { return Ok(()) };
        let path = root.join(DOCUMENT);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {DOCUMENT}"))?;
        let command = format!("{command} --date {date}");
        let block = report::headed(tables, machine, &command, date);
        fs::write(&path, report::filled(&text, bench, &block)?)?;
        if !self.json {
            println!("filled {DOCUMENT}");
        }
        Ok(())
    }
}

/// What a load that is a program of its own prints when it is done.
///
/// # Errors
/// When it cannot be run, fails, or prints something else.
pub(super) fn figures_of<F: DeserializeOwned>(load: &mut Command) -> anyhow::Result<F> {
    let output = load.output().context("cannot run the load")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}
