//! Everything a change must pass, in the order in which it fails soonest.

use crate::{tidy, tools};
use anyhow::{Context, bail};
use std::{
    env,
    ffi::OsString,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
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
    run_tests(root, &tools::skips(&missing))
}

/// Runs the tests, shows what they print, and closes with the sum of all runners' summaries: cargo
/// prints one a binary, and the last one says nothing about the others.
fn run_tests(root: &Path, skips: &[String]) -> anyhow::Result<()> {
    let line = TESTS.line(skips);
    println!("== {}: {line}", TESTS.name);
    let mut child = Command::new(cargo())
        .args(TESTS.cargo)
        .args(skips)
        .current_dir(root)
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run `{line}`"))?;
    let mut sum = Sum::default();
    if let Some(output) = child.stdout.take() {
        for printed in BufReader::new(output).lines() {
            let printed = printed.context("what the tests print is no text")?;
            println!("{printed}");
            sum.add(&printed);
        }
    }
    let passed = child.wait()?.success();
    println!("tests: {} passed, {} failed, {} skipped", sum.passed, sum.failed, sum.skipped);
    if !passed {
        bail!("{} failed; to see it alone: {line}", TESTS.name);
    }
    Ok(())
}

/// What the summaries of test binaries add up to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sum {
    passed: u64,
    failed: u64,
    /// Ignored, or filtered out for want of a program.
    skipped: u64,
}

impl Sum {
    /// Adds a line such as `test result: ok. 3 passed; 0 failed; 0 ignored; ...`.
    fn add(&mut self, line: &str) {
        let Some(counts) = line.strip_prefix("test result: ") else { return };
        for count in counts.split(['.', ';']) {
            let mut words = count.split_whitespace();
            let (Some(Ok(number)), Some(what)) =
                (words.next().map(str::parse::<u64>), words.next())
            else {
                continue;
            };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" | "filtered" => self.skipped += number,
                _ => {}
            }
        }
    }
}

/// One command of cargo.
struct Step {
    name: &'static str,
    cargo: &'static [&'static str],
}

impl Step {
    fn line(&self, more: &[String]) -> String {
        format!("cargo {} {}", self.cargo.join(" "), more.join(" ")).trim_end().to_owned()
    }

    fn run(&self, root: &Path, more: &[String]) -> anyhow::Result<()> {
        let line = self.line(more);
        println!("== {}: {line}", self.name);
        let status = Command::new(cargo())
            .args(self.cargo)
            .args(more)
            .current_dir(root)
            .status()
            .with_context(|| format!("cannot run `{line}`"))?;
        if !status.success() {
            bail!("{} failed; to see it alone: {line}", self.name);
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
    fn summaries_add_up() {
        let mut sum = Sum::default();
        sum.add("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; 0.1s");
        sum.add("test result: FAILED. 4 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out");
        sum.add("test some::name ... ok");
        assert_eq!(sum, Sum { passed: 7, failed: 1, skipped: 3 });
    }

    #[test]
    fn times_are_printed_in_tenths_of_seconds() {
        assert_eq!(seconds(Duration::from_millis(61_250)), "61.2 s");
    }
}
