//! The journal as its callers see it: what is appended is found again, whatever happens in between.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

mod sample;

use journal::{Journal, JournalError, Options, QUEUE_APPENDS_MAX, Seq, replay};
use model::fact::Fact;
use proptest::prelude::*;
use sample::{fact, files, replayed, seal_key};
use std::{
    env, fs,
    ops::ControlFlow,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex, mpsc},
};

/// Options with segments of about a frame each.
const SMALL: Options = Options { node: 1, segment_octets_max: 100 };

fn open(dir: &Path) -> (Journal, u64) {
    let (journal, recovery) =
        Journal::open(dir, &seal_key(), Options::default(), |_, _| {}).unwrap();
    assert_eq!(recovery.torn, None);
    (journal, recovery.last.0)
}

#[test]
fn facts_are_found_again_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, last) = open(dir.path());
    assert_eq!(last, 0);
    assert_eq!(journal.append_wait(vec![fact(1), fact(2)]).unwrap(), Seq(2));
    assert_eq!(journal.append_wait(vec![fact(3)]).unwrap(), Seq(3));
    journal.close();
    let (journal, last) = open(dir.path());
    assert_eq!(last, 3);
    assert_eq!(journal.append_wait(vec![fact(4)]).unwrap(), Seq(4));
    drop(journal);
    let found = replayed(dir.path(), 0).unwrap();
    assert_eq!(found, (1..=4).map(|n| (n, fact(n))).collect::<Vec<_>>());
    assert_eq!(replayed(dir.path(), 2).unwrap(), found[2..]);
    assert_eq!(replayed(dir.path(), 4).unwrap(), []);
    assert_eq!(replayed(dir.path(), u64::MAX).unwrap(), []);
}

#[test]
fn replay_stops_when_told_and_a_new_folder_has_nothing() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(replayed(dir.path(), 0).unwrap(), []);
    let (journal, _) = open(dir.path());
    journal.append_wait((1..=9).map(fact).collect()).unwrap();
    let mut seen = 0;
    replay(dir.path(), &seal_key(), Seq(0), |seq, _| {
        seen = seq.0;
        if seq.0 == 4 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap();
    assert_eq!(seen, 4);
}

#[test]
fn the_sink_sees_every_fact_once_in_order_before_its_append_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let (journal, _) = Journal::open(dir.path(), &seal_key(), SMALL, move |seq, fact: &Fact| {
        sink.lock().unwrap().push((seq.0, fact.clone()));
    })
    .unwrap();
    let (sender, receiver) = mpsc::channel();
    for n in 0..100_u64 {
        let (sender, seen) = (sender.clone(), Arc::clone(&seen));
        journal.append(vec![fact(2 * n + 1), fact(2 * n + 2)], move |result| {
            let last = result.unwrap();
            assert_eq!(seen.lock().unwrap().len() as u64, last.0);
            sender.send(last.0).unwrap();
        });
    }
    journal.close();
    drop(sender);
    assert_eq!(receiver.iter().collect::<Vec<_>>(), (1..=100).map(|n| 2 * n).collect::<Vec<_>>());
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen, (1..=200).map(|n| (n, fact(n))).collect::<Vec<_>>());
    assert_eq!(seen, replayed(dir.path(), 0).unwrap());
}

#[test]
fn many_threads_append_without_gaps() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let journal = journal.clone();
            std::thread::spawn(move || {
                (0..25).map(|n| journal.append_wait(vec![fact(n)]).unwrap().0).collect::<Vec<_>>()
            })
        })
        .collect();
    let mut numbers: Vec<u64> = threads.into_iter().flat_map(|t| t.join().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=200).collect::<Vec<_>>());
}

#[test]
fn appends_beyond_the_queue_are_refused_at_once_and_all_others_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let (go, wait) = mpsc::channel::<()>();
    let mut held = false;
    let (journal, _) =
        Journal::open(dir.path(), &seal_key(), Options::default(), move |_, _: &Fact| {
            if !held {
                wait.recv().unwrap();
                held = true;
            }
        })
        .unwrap();
    let (sender, receiver) = mpsc::channel();
    for n in 0..QUEUE_APPENDS_MAX + 2 {
        let sender = sender.clone();
        journal.append(vec![fact(1)], move |result| sender.send((n, result)).unwrap());
    }
    for n in [QUEUE_APPENDS_MAX, QUEUE_APPENDS_MAX + 1] {
        let (refused, result) = receiver.recv().unwrap();
        assert_eq!(refused, n);
        assert!(matches!(result, Err(JournalError::Overloaded { .. })), "{result:?}");
    }
    go.send(()).unwrap();
    journal.close();
    drop(sender);
    let numbers: Vec<u64> = receiver.iter().map(|(_, result)| result.unwrap().0).collect();
    assert_eq!(numbers, (1..=QUEUE_APPENDS_MAX as u64).collect::<Vec<_>>());
}

#[test]
fn appends_after_close_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let other = journal.clone();
    journal.close();
    assert!(matches!(other.append_wait(vec![fact(1)]), Err(JournalError::Closed)));
    assert_eq!(replayed(dir.path(), 0).unwrap(), []);
}

#[test]
fn the_last_handle_may_go_on_the_journals_own_thread() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let (sender, receiver) = mpsc::channel::<()>();
    let own = journal.clone();
    journal.append(vec![fact(1)], move |_| {
        drop(own);
        drop(sender);
    });
    drop(journal);
    assert!(receiver.recv().is_err());
}

#[test]
fn files_and_folder_are_for_their_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("data/journal");
    let (journal, _) = open(&folder);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for entry in fs::read_dir(&folder).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
    drop(journal);
}

#[test]
fn a_second_handle_another_node_and_another_process_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let again = Journal::open(dir.path(), &seal_key(), Options::default(), |_, _| {});
    assert!(matches!(again, Err(JournalError::InUse { .. })));
    let child = child("child_opens_the_journal_that_is_in_use", dir.path()).status().unwrap();
    assert!(child.success());
    journal.close();
    let other = Journal::open(dir.path(), &seal_key(), Options { node: 2, ..SMALL }, |_, _| {});
    assert!(matches!(other, Err(JournalError::OtherNode { found: 1, expected: 2, .. })));
    open(dir.path());
}

/// Runs in the child process of the test above, and does nothing otherwise.
#[test]
fn child_opens_the_journal_that_is_in_use() {
    if let Some(dir) = env::var_os(CHILD_FOLDER) {
        let opened = Journal::open(Path::new(&dir), &seal_key(), Options::default(), |_, _| {});
        assert!(matches!(opened, Err(JournalError::InUse { .. })));
    }
}

#[test]
fn a_process_that_dies_loses_nothing_it_was_told_is_durable() {
    let dir = tempfile::tempdir().unwrap();
    let child = child("child_appends_and_dies", dir.path()).status().unwrap();
    assert!(!child.success());
    let (journal, _) =
        Journal::open(dir.path(), &seal_key(), Options::default(), |_, _| {}).unwrap();
    journal.append_wait(vec![fact(11)]).unwrap();
    let found = replayed(dir.path(), 0).unwrap();
    assert_eq!(found, (1..=11).map(|n| (n, fact(n))).collect::<Vec<_>>());
}

/// Runs in the child process of the test above, and does nothing otherwise.
#[test]
fn child_appends_and_dies() {
    if let Some(dir) = env::var_os(CHILD_FOLDER) {
        let (journal, _) = open(Path::new(&dir));
        for n in 1..=10 {
            journal.append_wait(vec![fact(n)]).unwrap();
        }
        std::process::abort();
    }
}

fn child(test: &str, dir: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    // What the child prints is no summary of this run.
    command.args(["--exact", test, "--quiet"]).env(CHILD_FOLDER, dir).stdout(Stdio::null());
    command
}

const CHILD_FOLDER: &str = "PARLATORY_TEST_JOURNAL";

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Random appends, segment sizes and restarts replay identically, from every point.
    #[test]
    fn random_groups_replay_identically(
        appends in prop::collection::vec((1_usize..6, any::<bool>()), 1..24),
        segment_octets_max in 40_u32..600,
        after in 0_u64..150,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let options = Options { node: 1, segment_octets_max };
        let mut expected = Vec::new();
        let mut handle = None;
        let mut pending = Vec::new();
        for (count, restart) in appends {
            let journal = handle.take().unwrap_or_else(|| {
                Journal::open(dir.path(), &seal_key(), options, |_, _| {}).unwrap().0
            });
            let first = expected.len() as u64 + 1;
            let facts: Vec<_> = (first..first + count as u64).map(fact).collect();
            expected.extend((first..).zip(facts.clone()));
            let (sender, receiver) = mpsc::channel();
            journal.append(facts, move |result| sender.send(result.unwrap().0).unwrap());
            pending.push((expected.len() as u64, receiver));
            if restart { journal.close() } else { handle = Some(journal) }
        }
        drop(handle);
        for (last, receiver) in pending {
            prop_assert_eq!(receiver.recv().unwrap(), last);
        }
        prop_assert_eq!(&replayed(dir.path(), 0).unwrap(), &expected);
        let rest: Vec<_> = expected.iter().filter(|(seq, _)| *seq > after).cloned().collect();
        prop_assert_eq!(replayed(dir.path(), after).unwrap(), rest);
        prop_assert!(!files(dir.path()).is_empty());
    }
}
