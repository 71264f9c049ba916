//! Crash images: what is found when the power went, or the disk changed an octet.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

mod sample;

use journal::{Journal, JournalError, Options, Recovery, Seq};
use sample::{FRAME_HEADER_OCTETS, HEADER_OCTETS, fact, files, replayed, seal_key};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc,
};

/// Where in a frame's header its group stands.
const GROUP_AT: usize = 28;

/// A journal of one segment: five appends, each its own group, and where each begins and ends.
fn five_groups(dir: &Path) -> (PathBuf, Vec<u8>, Vec<(usize, u64)>) {
    let (journal, _) = Journal::open(dir, &seal_key(), Options::default(), |_, _| {}).unwrap();
    for n in [1, 2, 4, 5, 7] {
        let facts = if n == 2 || n == 5 { vec![fact(n), fact(n + 1)] } else { vec![fact(n)] };
        journal.append_wait(facts).unwrap();
    }
    journal.close();
    let [file] = files(dir).try_into().unwrap();
    let octets = fs::read(&file).unwrap();
    let ends = frame_ends(&octets);
    (file, octets, ends)
}

/// Where each frame ends, and the number of its last fact; read as the format's document says.
fn frame_ends(octets: &[u8]) -> Vec<(usize, u64)> {
    let word = |at: usize| u32::from_le_bytes(octets[at..at + 4].try_into().unwrap());
    let mut at = HEADER_OCTETS;
    let mut ends = Vec::new();
    while at < octets.len() {
        let first = u64::from_le_bytes(octets[at + 8..at + 16].try_into().unwrap());
        let count = u64::from(word(at + 4));
        at += FRAME_HEADER_OCTETS + word(at) as usize;
        ends.push((at, first + count - 1));
    }
    ends
}

fn reopen(dir: &Path) -> Result<Recovery, JournalError> {
    Journal::open(dir, &seal_key(), Options::default(), |_, _| {}).map(|(journal, recovery)| {
        journal.close();
        recovery
    })
}

#[test]
fn a_file_cut_anywhere_gives_the_exact_prefix_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (file, octets, ends) = five_groups(dir.path());
    for cut in 0..=octets.len() {
        fs::write(&file, &octets[..cut]).unwrap();
        let (end, last) =
            ends.iter().rev().find(|(end, _)| *end <= cut).copied().unwrap_or((HEADER_OCTETS, 0));
        let expected: Vec<_> = (1..=last).map(|n| (n, fact(n))).collect();
        assert_eq!(replayed(dir.path(), 0).unwrap(), expected, "cut at {cut}");
        let recovery = reopen(dir.path()).unwrap();
        assert_eq!(recovery.last, Seq(last), "cut at {cut}");
        let torn = recovery.torn.map_or(0, |torn| torn.octets);
        let lost = if cut < HEADER_OCTETS { cut } else { cut - end };
        assert_eq!(torn, lost as u64, "cut at {cut}");
        let (journal, _) =
            Journal::open(dir.path(), &seal_key(), Options::default(), |_, _| {}).unwrap();
        assert_eq!(journal.append_wait(vec![fact(last + 1)]).unwrap(), Seq(last + 1));
        journal.close();
        let found = replayed(dir.path(), 0).unwrap();
        assert_eq!(found, (1..=last + 1).map(|n| (n, fact(n))).collect::<Vec<_>>());
        fs::remove_file(&file).unwrap();
    }
}

#[test]
fn a_changed_octet_is_found_wherever_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let (file, octets, ends) = five_groups(dir.path());
    let (last_begin, last_before) = ends[ends.len() - 2];
    for at in 0..octets.len() {
        for bit in [0x01, 0x80] {
            let mut changed = octets.clone();
            changed[at] ^= bit;
            fs::write(&file, &changed).unwrap();
            let found = replayed(dir.path(), 0);
            let opened = reopen(dir.path());
            if at < last_begin {
                // Something durable follows: nothing is skipped, nothing is cut.
                assert!(matches!(found, Err(JournalError::Damaged { .. })), "octet {at}");
                let Err(JournalError::Damaged { offset, .. }) = opened else {
                    panic!("octet {at}: {opened:?}")
                };
                let frame = ends.iter().rev().find(|(end, _)| *end <= at);
                let begin =
                    if at < HEADER_OCTETS { 0 } else { frame.map_or(HEADER_OCTETS, |f| f.0) };
                assert_eq!(offset, begin as u64, "octet {at}");
                assert_eq!(fs::read(&file).unwrap(), changed);
            } else {
                // Only the last group: it cannot be told from one that was never durable.
                assert_eq!(found.unwrap().len() as u64, last_before, "octet {at}");
                let recovery = opened.unwrap();
                assert_eq!(recovery.last, Seq(last_before));
                assert_eq!(recovery.torn.unwrap().offset, last_begin as u64);
            }
        }
    }
}

#[test]
fn a_newer_format_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (file, mut octets, _) = five_groups(dir.path());
    octets[8] = 4;
    let check = crc32c::crc32c(&octets[..36]);
    octets[36..40].copy_from_slice(&check.to_le_bytes());
    fs::write(&file, &octets).unwrap();
    assert!(matches!(reopen(dir.path()), Err(JournalError::NewerFormat { found: 4, .. })));
}

/// Pages of a group that was never synced can reach the disk in any order.
#[test]
fn a_group_with_its_first_frame_missing_is_torn_and_not_damage() {
    let dir = tempfile::tempdir().unwrap();
    let (file, octets, ends) = a_group_of_three(dir.path());
    let mut torn = octets;
    torn[ends[0].0..ends[1].0].fill(0);
    fs::write(&file, &torn).unwrap();
    let recovery = reopen(dir.path()).unwrap();
    assert_eq!(recovery.last, Seq(1));
    assert_eq!(recovery.torn.unwrap().offset, ends[0].0 as u64);
}

#[test]
fn a_tail_longer_than_a_group_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    let (file, mut octets, ends) = five_groups(dir.path());
    octets.resize(octets.len() + 2 * 1024 * 1024, 0);
    fs::write(&file, &octets).unwrap();
    let Err(JournalError::Damaged { offset, .. }) = reopen(dir.path()) else { panic!("opened") };
    assert_eq!(offset, ends[4].0 as u64);
}

/// A group of one append and then one of three: the sink holds the thread until all are queued.
fn a_group_of_three(dir: &Path) -> (PathBuf, Vec<u8>, Vec<(usize, u64)>) {
    let (here, first) = mpsc::channel::<()>();
    let (go, wait) = mpsc::channel::<()>();
    let (journal, _) = Journal::open(dir, &seal_key(), Options::default(), move |seq, _| {
        if seq.0 == 1 {
            here.send(()).unwrap();
            wait.recv().unwrap();
        }
    })
    .unwrap();
    journal.append(vec![fact(1)], |_| {});
    first.recv().unwrap();
    for n in 2..=4 {
        journal.append(vec![fact(n)], |_| {});
    }
    go.send(()).unwrap();
    journal.close();
    let [file] = files(dir).try_into().unwrap();
    let octets = fs::read(&file).unwrap();
    let ends = frame_ends(&octets);
    let group = |at: usize| {
        u32::from_le_bytes(octets[at + GROUP_AT..at + GROUP_AT + 4].try_into().unwrap()) as usize
    };
    let groups = [ends[0].0, ends[1].0, ends[2].0].map(group);
    assert_eq!(groups, [ends[0].0; 3], "not one group");
    (file, octets, ends)
}

/// A journal of several segments.
fn segments(dir: &Path) -> Vec<PathBuf> {
    let options = Options { segment_octets_max: 70, ..Options::default() };
    let (journal, _) = Journal::open(dir, &seal_key(), options, |_, _| {}).unwrap();
    for n in 1..=12 {
        journal.append_wait(vec![fact(n)]).unwrap();
    }
    journal.close();
    let files = files(dir);
    assert!(files.len() > 3, "{files:?}");
    files
}

#[test]
fn a_missing_or_shortened_segment_in_the_middle_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let files = segments(dir.path());
    let octets = fs::read(&files[1]).unwrap();
    fs::remove_file(&files[1]).unwrap();
    let found = replayed(dir.path(), 0);
    let Err(JournalError::Gap { missing, file }) = found else { panic!("{found:?}") };
    assert_eq!(file, files[2]);
    assert!(files[1].to_str().unwrap().contains(&format!("{missing:020}")));
    for cut in 0..octets.len() {
        fs::write(&files[1], &octets[..cut]).unwrap();
        let found = replayed(dir.path(), 0);
        assert!(
            matches!(found, Err(JournalError::Damaged { .. } | JournalError::Gap { .. })),
            "cut at {cut}: {found:?}"
        );
    }
    fs::remove_file(&files[1]).unwrap();
    fs::remove_file(&files[0]).unwrap();
    let found = replayed(dir.path(), 0);
    assert!(matches!(found, Err(JournalError::Gap { missing: 1, .. })), "{found:?}");
    let last = replayed(dir.path(), 11).unwrap();
    assert_eq!(last, [(12, fact(12))]);
}

#[test]
fn a_crash_while_the_next_segment_is_made_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    segments(dir.path());
    let next = dir.path().join(format!("{:020}.journal", 13));
    for octets in [0, 1, 40, 131, 132] {
        fs::write(&next, vec![0; octets]).unwrap();
        assert_eq!(replayed(dir.path(), 0).unwrap().len(), 12);
        let recovery = reopen(dir.path()).unwrap();
        assert_eq!(recovery.last, Seq(12));
        assert_eq!(recovery.torn.unwrap().octets, octets as u64);
    }
    let (journal, _) =
        Journal::open(dir.path(), &seal_key(), Options::default(), |_, _| {}).unwrap();
    assert_eq!(journal.append_wait(vec![fact(13)]).unwrap(), Seq(13));
    assert_eq!(replayed(dir.path(), 0).unwrap().len(), 13);
}
