//! A process that is killed while it appends. Alone in its file: between its fork and its exec a
//! child holds the locks of all journals that are open in this process.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

mod sample;

use journal::{EntrySeq, Journal, Options};
use sample::{append, entries, expected, replayed, seal_key};
use std::{
    env,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
};

#[test]
fn a_process_that_is_killed_anywhere_leaves_facts_and_entries_together() {
    let dir = tempfile::tempdir().unwrap();
    for round in 1..=12_u64 {
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["--exact", "child_appends_until_it_is_killed", "--nocapture"]);
        let mut child = child.env(CHILD_FOLDER, dir.path()).stdout(Stdio::piped()).spawn().unwrap();
        // Killed while it is busy with the next one, after it said so many times that one is done.
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let told =
            lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("done ")?.parse().ok());
        let told: u64 = told.take(usize::try_from(round * 5).unwrap()).last().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let facts = replayed(dir.path(), 0).unwrap();
        let found = entries(dir.path(), 0).unwrap();
        assert!(facts.len() as u64 >= told, "{} of {told}", facts.len());
        assert_eq!(found, expected(1..=2 * facts.len() as u64));
    }
}

/// Runs in the child process of the test above, and does nothing otherwise.
#[test]
fn child_appends_until_it_is_killed() {
    let Some(dir) = env::var_os(CHILD_FOLDER) else { return };
    let options = Options { node: 1, segment_octets_max: 20_000 };
    let (journal, recovery) =
        Journal::open(Path::new(&dir), &seal_key(), options, |_, _| {}).unwrap();
    assert_eq!(recovery.entry.0, 2 * recovery.last.0);
    for n in recovery.last.0 + 1.. {
        let appended = append(&journal, n);
        assert_eq!(appended.entry, EntrySeq(2 * n - 1));
        println!("\ndone {n}");
    }
}

const CHILD_FOLDER: &str = "PARLATORY_TEST_OUTBOX";
