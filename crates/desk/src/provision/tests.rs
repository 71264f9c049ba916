//! Files as an operator writes them, right and wrong.

mod examples;
mod problems;

use super::Problem;
use charging::CapTable;
use model::{Private, Timestamp};
use std::{
    fs,
    path::{Path, PathBuf},
};
use store::Plan;
use tempfile::TempDir;

/// 2026-05-01T00:00:00Z, when FCC 25-75 is in force.
const NOW: Timestamp = Timestamp::from_micros(1_777_593_600_000_000);

/// A hash that a test can foresee: facility and PIN, side by side.
fn pin_hash(facility: &str, pin: &str) -> Private<[u8; 32]> {
    let mut octets = [0; 32];
    for (octet, text) in octets.iter_mut().zip(format!("{facility}:{pin}").bytes()) {
        *octet = text;
    }
    Private::new(octets)
}

fn read(path: &Path) -> Result<Plan, Vec<Problem>> {
    super::read(path, &pin_hash, &CapTable::builtin(), NOW)
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn read_files(files: &[(&str, &str)]) -> Result<Plan, Vec<Problem>> {
    let folder = folder(files);
    read(&folder.path().join("provision.toml"))
}

/// The problems as they print, without the folder.
fn problems_of(files: &[(&str, &str)]) -> Vec<String> {
    let folder = folder(files);
    let problems = read(&folder.path().join("provision.toml")).unwrap_err();
    let base = format!("{}/", folder.path().display());
    problems.iter().map(|problem| problem.to_string().replace(&base, "")).collect()
}

fn example(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../parlatory/assets/example").join(name)
}

/// A small right file, to which tests add wrong things. The last line is an open table.
const JAIL: &str = r#"
[[agency]]
key = "cedar"
name = "Cedar County Sheriff"

[[facility]]
agency = "cedar"
key = "jail"
name = "Cedar County Jail"
kind = "jail"
adp = 212
state = "CO"
timezone = "America/Denver"
recording = "on"
caller_id = "+1 202 555 0100"
rate = { base = "0.09", additive = "0.02" }

[[unit]]
facility = "cedar/jail"
key = "a"
"#;
