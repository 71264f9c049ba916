//! Mutation testing of the gate: whatever small thing is changed there, a test must notice.

use anyhow::{Context, bail};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// What to change.
pub(crate) struct Run {
    /// Files of the gate; all of them when there are none.
    pub(crate) files: Vec<String>,
    /// One part of the changes of each file, such as `0/4`.
    pub(crate) shard: Option<String>,
}

/// Runs `cargo mutants` on files of [`GATE`], one after the other and in a checkout of its own, so
/// that nobody's work is touched. Each change has the tests of its own crate against it, and no
/// others: a gate is to be held where it is made.
///
/// # Errors
/// When a file does not exist or is none of the gate's, the tool cannot be had, or a change went
/// unnoticed.
pub(crate) fn run(root: &Path, wanted: &Run) -> anyhow::Result<()> {
    if let Some(file) = absent(root, GATE) {
        bail!("`{file}` does not exist; correct the list in crates/xtask/src/mutants.rs");
    }
    let chosen = chosen(&wanted.files)?;
    install()?;
    let folder = root.join("target").join("mutants");
    let tree = checkout(root, &folder)?;
    let mut unnoticed = Vec::new();
    for file in chosen {
        println!("== {file}");
        let status = Command::new("cargo")
            .args(arguments(file, &folder, wanted.shard.as_deref()))
            .current_dir(&tree)
            // Without what only a debugger wants, a change is linked in half the time.
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_TARGET_DIR", folder.join("build"))
            .status()
            .context("cannot run `cargo mutants`")?;
        // A change that makes a test hang was noticed by it.
        if !matches!(status.code(), Some(0 | TIMEOUTS_ONLY)) {
            unnoticed.push(file);
        }
    }
    if unnoticed.is_empty() {
        return Ok(());
    }
    bail!(
        "changes went unnoticed or could not be tried in {}: see `{}`, and what is known in \
         docs/fuzzing.md",
        unnoticed.join(", "),
        folder.display()
    )
}

/// The files of the gate that are meant.
fn chosen(files: &[String]) -> anyhow::Result<Vec<&'static str>> {
    if files.is_empty() {
        return Ok(GATE.to_vec());
    }
    let gate = |file: &String| GATE.iter().copied().find(|other| other == file);
    let known = files.iter().map(|file| {
        gate(file).with_context(|| format!("`{file}` is no file of the gate: {}", GATE.join(", ")))
    });
    known.collect()
}

/// What `cargo` is told for one file.
fn arguments(file: &str, folder: &Path, shard: Option<&str>) -> Vec<String> {
    let package = file.split('/').nth(1).unwrap_or_default();
    let output = folder.join(file.replace('/', "-")).display().to_string();
    // Where a test hangs, it hangs for good.
    let fixed = ["--in-place", "--no-shuffle", "--baseline", "skip"];
    let limits = ["--timeout", TEST_SECONDS_MAX, "--build-timeout", BUILD_SECONDS_MAX];
    let what = ["--package", package, "--file", file, "--output", &output];
    let mut arguments = vec!["mutants".to_owned()];
    arguments.extend(what.iter().chain(&fixed).chain(&limits).map(|&word| word.to_owned()));
    if let Some(shard) = shard {
        arguments.extend(["--shard".to_owned(), shard.to_owned()]);
    }
    // They compile fixtures against a tree of their own, for minutes: what they hold are types,
    // which these changes leave as they are.
    arguments.extend(["--".to_owned(), "--".to_owned()]);
    arguments.extend(FIXTURES.iter().flat_map(|test| ["--skip".to_owned(), (*test).to_owned()]));
    arguments
}

/// The last commit, in a folder of its own; `cargo mutants` changes files where they lie.
fn checkout(root: &Path, folder: &Path) -> anyhow::Result<PathBuf> {
    let tree = folder.join("tree");
    let git = |arguments: &[&str], at: &Path| -> anyhow::Result<()> {
        let status = Command::new("git").args(arguments).current_dir(at).status();
        let passed = status.context("cannot run `git`")?.success();
        if passed { Ok(()) } else { bail!("`git {}` failed", arguments.join(" ")) }
    };
    std::fs::create_dir_all(folder)?;
    if !tree.is_dir() {
        let there = tree.display().to_string();
        git(&["clone", "--quiet", "--shared", "--no-checkout", ".", &there], root)?;
    }
    let head = Command::new("git").args(["rev-parse", "HEAD"]).current_dir(root).output()?.stdout;
    let head = String::from_utf8(head)?;
    git(&["fetch", "--quiet", "origin", head.trim()], &tree)?;
    git(&["checkout", "--quiet", "--force", "--detach", head.trim()], &tree)?;
    git(&["clean", "--quiet", "--force", "-d"], &tree)?;
    Ok(tree)
}

fn install() -> anyhow::Result<()> {
    let there = Command::new("cargo").args(["mutants", "--version"]).output()?.status.success();
    if there {
        return Ok(());
    }
    println!("== cargo-mutants is missing: installing it (some minutes, once)");
    let status = Command::new("cargo")
        .args(["install", "cargo-mutants", "--locked", "--version", VERSION])
        .status()?;
    if !status.success() {
        bail!(
            "cargo-mutants could not be installed: cargo install cargo-mutants --locked --version \
             {VERSION}"
        );
    }
    Ok(())
}

fn absent<'f>(root: &Path, files: &[&'f str]) -> Option<&'f str> {
    files.iter().copied().find(|file| !root.join(file).is_file())
}

/// What the options here were tried with.
const VERSION: &str = "27.1.0";

/// Exit code of cargo-mutants when every change was noticed, some by a test that hung.
const TIMEOUTS_ONLY: i32 = 3;

/// Seconds that the tests of one crate may take, and building them anew.
const TEST_SECONDS_MAX: &str = "120";
const BUILD_SECONDS_MAX: &str = "900";

/// Tests that only compile fixtures.
const FIXTURES: &[&str] = &[
    "a_lawful_rate_has_no_way_around_its_proof",
    "nothing_is_disclosed_without_a_receipt",
    "nothing_is_recorded_or_charged_without_its_proof",
];

/// The files on which the three proofs rest.
const GATE: &[&str] = &[
    "crates/access/src/decide.rs",
    "crates/access/src/entry.rs",
    "crates/access/src/grant.rs",
    "crates/access/src/intent.rs",
    "crates/access/src/policy.rs",
    "crates/access/src/receipt.rs",
    "crates/access/src/staff.rs",
    "crates/access/src/undisclosed.rs",
    "crates/call/src/announcing.rs",
    "crates/call/src/consent.rs",
    "crates/call/src/enrolment.rs",
    "crates/call/src/naming.rs",
    "crates/call/src/recording.rs",
    "crates/charging/src/tariff.rs",
    "crates/keyholder/src/holder.rs",
    "crates/media/src/capture.rs",
    "crates/registry/src/snapshot.rs",
    "crates/vault/src/open.rs",
    "crates/vault/src/shelf.rs",
    "crates/vault/src/vault.rs",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_gate_exists() {
        assert_eq!(absent(&crate::root(), GATE), None);
    }

    #[test]
    fn every_fixture_is_a_test_of_somebody() {
        let tests =
            ["charging/tests/compile_fail.rs", "access/tests/gate.rs", "desk/tests/gate.rs"];
        let read = |file: &&str| std::fs::read_to_string(crate::root().join("crates").join(file));
        let text: String = tests.iter().map(|file| read(file).unwrap()).collect();
        for test in FIXTURES {
            assert!(text.contains(&format!("fn {test}()")), "{test}");
        }
        assert_eq!(text.matches("#[test]").count(), FIXTURES.len());
    }

    #[test]
    fn a_file_is_changed_against_the_tests_of_its_crate_alone() {
        let words = arguments("crates/call/src/consent.rs", Path::new("out"), Some("1/4"));
        let told = words.join(" ");
        assert!(
            told.starts_with("mutants --package call --file crates/call/src/consent.rs"),
            "{told}"
        );
        assert!(told.contains(" --shard 1/4 -- -- --skip "), "{told}");
        assert!(chosen(&["crates/call/src/machine.rs".to_owned()]).is_err());
        assert_eq!(chosen(&[]).unwrap(), GATE);
    }

    #[test]
    fn a_file_that_moved_is_noticed() {
        let files = ["Cargo.toml", "crates/call/src/moved-away.rs"];
        assert_eq!(absent(&crate::root(), &files), Some("crates/call/src/moved-away.rs"));
    }
}
