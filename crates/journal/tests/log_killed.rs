//! A process that is killed while its node appends and its log signs and publishes. Alone in its
//! file: between its fork and its exec a child holds the locks of all logs that are open in this
//! process.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

mod sample;

use journal::{EntrySeq, Journal, Options, log::Courier};
use sample::log::{audited, entry, leaf, open_log, publish};
use sample::seal_key;
use std::{
    env,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};
use tlog::Checkpoint;

/// How many processes are killed; more of them with `PARLATORY_KILLS`.
fn rounds() -> u64 {
    env::var("PARLATORY_KILLS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(12)
}

#[test]
fn a_process_that_is_killed_anywhere_leaves_a_log_that_only_grows() {
    let dir = tempfile::tempdir().unwrap();
    let mut last: Option<Arc<Checkpoint>> = None;
    let mut published: Option<Checkpoint> = None;
    for round in 1..=rounds() {
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["--exact", "child_writes_until_it_is_killed", "--nocapture"]);
        let child = child.env(CHILD_FOLDER, dir.path()).stdout(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let told = lines
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("done ")?.parse::<u64>().ok());
        // Seeded: another number of steps each time, and killed in the middle of the next.
        let steps = usize::try_from(round.wrapping_mul(0x9e37_79b9) % 37).unwrap() + 1;
        let told = told.take(steps).last().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();

        let (log, _) = open_log(dir.path()).unwrap();
        let (journal, courier) = node(dir.path(), log.clone());
        let taken = log.nodes().unwrap()[&1].0;
        assert!(taken >= told, "round {round}: {taken} of {told}");
        journal.close();
        assert!(!courier.is_behind());
        if taken > 0 {
            let now = log.prove(0).unwrap().checkpoint;
            if let Some(last) = last.replace(now.clone()) {
                let growth = log.prove_growth(last.size(), now.size()).unwrap();
                growth.verify(&last, &now).unwrap();
            }
        }
        publish(&log).unwrap();
        log.close();
        let (checkpoint, entries) = audited(dir.path(), published.as_ref());
        let of_node = entries.unwrap().into_iter().filter(|entry| entry[7] == 1);
        let seqs = of_node.map(|it| u64::from_be_bytes(it[8..16].try_into().unwrap()));
        let seqs: Vec<_> = seqs.collect();
        assert_eq!(seqs, (1..=taken).collect::<Vec<_>>(), "round {round}");
        published = Some(checkpoint);
    }
}

/// The node's journal with what it has for the log, all carried.
fn node(dir: &Path, log: journal::log::Log) -> (Journal, Courier) {
    let courier = Courier::new(log, 1, seal_key());
    let folder = dir.join("journal");
    let options = Options { node: 1, segment_octets_max: 20_000 };
    let (journal, recovery) =
        Journal::open_with_outbox(&folder, &seal_key(), options, |_, _| {}, courier.outbox())
            .unwrap();
    courier.catch_up(&folder, recovery.entry).unwrap();
    (journal, courier)
}

/// Runs in the child process of the test above, and does nothing otherwise.
#[test]
fn child_writes_until_it_is_killed() {
    let Some(dir) = env::var_os(CHILD_FOLDER) else { return };
    let dir = Path::new(&dir);
    let (log, _) = open_log(dir).unwrap();
    let (journal, courier) = node(dir, log.clone());
    let first = log.nodes().unwrap().get(&1).map_or(1, |last| last.0 + 1);
    for n in first.. {
        let mut draft = entry(1, n);
        draft.leaf = leaf(1, n);
        draft.leaf[8..16].fill(0);
        let appended = journal.append_entries_wait(vec![sample::fact(n)], vec![draft]).unwrap();
        assert_eq!(appended.entry, EntrySeq(n));
        // Asked after it, so answered after it.
        assert_eq!(log.nodes().unwrap()[&1], EntrySeq(n));
        assert!(!courier.is_behind());
        if n % 5 == 0 {
            publish(&log).unwrap().unwrap();
        }
        println!("\ndone {n}");
    }
}

const CHILD_FOLDER: &str = "PARLATORY_TEST_LOG";
