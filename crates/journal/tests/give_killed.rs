//! A process that is killed while it gives keys away. Alone in its file: between its fork and its
//! exec a child holds the locks of all journals that are open in this process.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

mod sample;

use journal::{EntrySeq, Inspected, Journal, Options, Seq, TakenOver, extent, inspect};
use model::Timestamp;
use sample::{append, files, key_of, numbered_facts, read_with, seal_key, shared};
use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
};

/// About three appends to a segment.
const SMALL: Options = Options { node: 1, segment_octets_max: 2_000 };
const NOW: Timestamp = Timestamp::from_micros(9_000_000);
const ALL: TakenOver = TakenOver { facts: Seq(u64::MAX), entries: EntrySeq(u64::MAX) };

/// Killed anywhere, also between the steps of giving a key away or of forgetting.
#[test]
fn a_process_that_is_killed_leaves_every_segment_with_its_key_or_with_its_shares() {
    let dir = tempfile::tempdir().unwrap();
    let mut seen = [0; 3];
    for round in 1..=16_u64 {
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["--exact", "child_gives_away_until_it_is_killed", "--nocapture"]);
        let mut child = child.env(CHILD_FOLDER, dir.path()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = lines.map_while(Result::ok).filter(|line| line.starts_with("done "));
        assert_eq!(
            said.take(usize::try_from(round % 5 + 1).unwrap()).count() as u64,
            round % 5 + 1
        );
        child.kill().unwrap();
        child.wait().unwrap();
        let (journal, _) = Journal::open(dir.path(), &seal_key(), SMALL, |_, _| {}).unwrap();
        journal.close();
        let (last, mut next) = (extent(dir.path()).unwrap().last.0, 1);
        for path in files(dir.path()) {
            assert_eq!(path, dir.path().join(format!("{next:020}.journal")));
            let octets = fs::read(&path).unwrap();
            let mut facts = Vec::new();
            let state = match inspect(&octets, &seal_key(), |seq, fact| facts.push((seq.0, fact))) {
                Inspected::Whole { next, torn: false, .. } => (0, next),
                Inspected::GivenAway { next } => {
                    facts = read_with(&path, &key_of(&path).unwrap()).1;
                    (1, next)
                }
                Inspected::Forgotten { next } => (2, next),
                other @ (Inspected::NoSegment
                | Inspected::OtherKey
                | Inspected::Whole { .. }
                | Inspected::Damaged { .. }) => panic!("{other:?}"),
            };
            let (state, Seq(after)) = state;
            seen[state] += 1;
            assert_eq!(path.with_extension("shares").exists(), state == 1, "{}", path.display());
            let all = if state == 2 { Vec::new() } else { numbered_facts(next..after) };
            assert_eq!(facts, all);
            next = after;
        }
        assert_eq!(next, last + 1);
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}

/// Runs in the child process of the test above, and does nothing otherwise.
#[test]
fn child_gives_away_until_it_is_killed() {
    let Some(dir) = env::var_os(CHILD_FOLDER) else { return };
    let (journal, recovery) =
        Journal::open(Path::new(&dir), &seal_key(), SMALL, |_, _| {}).unwrap();
    for n in recovery.last.0 + 1.. {
        append(&journal, n);
        if n % 4 == 0 {
            journal.give_away_before(time(n), ALL, NOW, &shared).unwrap();
            journal.forget_before(time(n.saturating_sub(15)), ALL, NOW).unwrap();
            println!("\ndone {n}");
        }
    }
}

/// When fact `n` happened.
fn time(n: u64) -> Timestamp {
    Timestamp::from_micros(i64::try_from(n * 1_000).unwrap())
}

const CHILD_FOLDER: &str = "PARLATORY_TEST_GIVING";
