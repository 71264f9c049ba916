//! Everything a change must pass, in the order in which it fails soonest.

use crate::{tidy, tools};
use anyhow::{Context, bail};
use std::{
    env,
    ffi::OsString,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

/// Runs every step; the tests come last, so that the output ends with the test runner's summary.
///
/// # Errors
/// At the first step that fails; the message says how to run that step alone.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let missing = tools::prepare()?;
    timed(FORMATTING.name, || FORMATTING.run(root, &[]))?;
    timed("tidy", || tidy::run(root))?;
    timed(LINTS.name, || LINTS.run(root, &[]))?;
    for tool in &missing {
        println!("!!! the tests that need `{}` are SKIPPED: see above", tool.program);
    }
    TESTS.run(root, &tools::skips(&missing))
}

/// One command of cargo.
struct Step {
    name: &'static str,
    cargo: &'static [&'static str],
}

impl Step {
    fn run(&self, root: &Path, more: &[String]) -> anyhow::Result<()> {
        let line = format!("cargo {} {}", self.cargo.join(" "), more.join(" "));
        println!("== {}: {}", self.name, line.trim_end());
        let status = Command::new(cargo())
            .args(self.cargo)
            .args(more)
            .current_dir(root)
            .status()
            .with_context(|| format!("cannot run `{}`", line.trim_end()))?;
        if !status.success() {
            bail!("{} failed; to see it alone: {}", self.name, line.trim_end());
        }
        Ok(())
    }
}

fn timed(name: &str, step: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "shows a person how long a step took")]
    let start = Instant::now();
    step()?;
    println!("== {name}: passed in {}", seconds(start.elapsed()));
    Ok(())
}

fn seconds(elapsed: Duration) -> String {
    format!("{}.{} s", elapsed.as_secs(), elapsed.subsec_millis() / 100)
}

/// The cargo that started us, so that one toolchain does everything.
fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"))
}

const FORMATTING: Step = Step { name: "formatting", cargo: &["fmt", "--all", "--check"] };

const LINTS: Step = Step {
    name: "lints",
    cargo: &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"],
};

/// `--no-fail-fast`: one run shows everything that is broken.
const TESTS: Step =
    Step { name: "tests", cargo: &["test", "--workspace", "--locked", "--no-fail-fast", "--"] };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_step_says_how_to_run_it_alone() {
        let step = Step { name: "lints", cargo: &["no-such-subcommand", "--at-all"] };
        let error = step.run(&crate::root(), &["--skip".to_owned()]).unwrap_err().to_string();
        assert_eq!(
            error,
            "lints failed; to see it alone: cargo no-such-subcommand --at-all --skip"
        );
    }

    #[test]
    fn a_passing_step_passes() {
        let step = Step { name: "version", cargo: &["--version"] };
        step.run(&crate::root(), &[]).unwrap();
    }

    #[test]
    fn times_are_printed_in_tenths_of_seconds() {
        assert_eq!(seconds(Duration::from_millis(61_250)), "61.2 s");
    }
}
