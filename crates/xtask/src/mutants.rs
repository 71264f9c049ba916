//! Mutation testing of the gate: whatever small thing is changed there, a test must notice.

use anyhow::{Context, bail};
use std::{path::Path, process::Command};

/// Runs `cargo mutants` on [`GATE`].
///
/// # Errors
/// When a listed file does not exist, the tool cannot be had, or a change went unnoticed.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    if let Some(file) = absent(root, GATE) {
        bail!("`{file}` does not exist; correct the list in crates/xtask/src/mutants.rs");
    }
    install()?;
    let files = GATE.iter().flat_map(|file| ["--file", file]);
    let status = Command::new("cargo")
        .args(["mutants", "--workspace", "--output", "target"])
        .args(files)
        .current_dir(root)
        .status()
        .context("cannot run `cargo mutants`")?;
    // A change that makes a test hang was noticed by it.
    if !matches!(status.code(), Some(0 | TIMEOUTS_ONLY)) {
        bail!("a change to the gate went unnoticed or could not be tried: see target/mutants.out");
    }
    Ok(())
}

fn install() -> anyhow::Result<()> {
    let there = Command::new("cargo").args(["mutants", "--version"]).output()?.status.success();
    if there {
        return Ok(());
    }
    println!("== cargo-mutants is missing: installing it (some minutes, once)");
    let status = Command::new("cargo").args(["install", "cargo-mutants", "--locked"]).status()?;
    if !status.success() {
        bail!("cargo-mutants could not be installed: cargo install cargo-mutants --locked");
    }
    Ok(())
}

fn absent<'f>(root: &Path, files: &[&'f str]) -> Option<&'f str> {
    files.iter().copied().find(|file| !root.join(file).is_file())
}

/// Exit code of cargo-mutants when every change was noticed, some by a test that hung.
const TIMEOUTS_ONLY: i32 = 3;

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
    fn a_file_that_moved_is_noticed() {
        let files = ["Cargo.toml", "crates/call/src/moved-away.rs"];
        assert_eq!(absent(&crate::root(), &files), Some("crates/call/src/moved-away.rs"));
    }
}
