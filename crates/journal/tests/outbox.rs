//! Entries for the log: durable with their facts or not at all, and numbered without gaps, whatever
//! happens in between.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

mod sample;

use journal::{Appended, EntrySeq, Journal, JournalError, Options, Seq, leaf_head};
use sample::{HEADER_OCTETS, append, entries, expected, files, numbered, replayed, seal_key};
use std::{
    fs,
    sync::{Arc, Mutex},
};

const SMALL: Options = Options { node: 1, segment_octets_max: 700 };

#[test]
fn entries_are_sent_once_durable_and_replayed_from_any_number() {
    let dir = tempfile::tempdir().unwrap();
    let sent = Arc::new(Mutex::new(Vec::new()));
    let outbox = Arc::clone(&sent);
    let (journal, _) = Journal::open_with_outbox(
        dir.path(),
        &seal_key(),
        SMALL,
        |_, _| {},
        move |entry| outbox.lock().unwrap().push(entry),
    )
    .unwrap();
    for n in 1..=20 {
        let told = append(&journal, n);
        assert_eq!(told, Appended { last: Seq(n), entry: EntrySeq(2 * n - 1), entries: 2 });
        assert_eq!(sent.lock().unwrap().len() as u64, 2 * n);
    }
    journal.close();
    assert!(files(dir.path()).len() > 5);
    assert_eq!(*sent.lock().unwrap(), expected(1..=40));
    for after in 0..=40 {
        assert_eq!(entries(dir.path(), after).unwrap(), expected(after + 1..=40), "{after}");
    }
    assert_eq!(replayed(dir.path(), 0).unwrap().len(), 20);
    let (_, recovery) = Journal::open(dir.path(), &seal_key(), SMALL, |_, _| {}).unwrap();
    assert_eq!((recovery.last, recovery.entry), (Seq(20), EntrySeq(40)));
}

#[test]
fn a_file_cut_anywhere_has_facts_and_entries_together_and_goes_on_without_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) =
        Journal::open(dir.path(), &seal_key(), Options::default(), |_, _| {}).unwrap();
    for n in 1..=4 {
        append(&journal, n);
    }
    journal.close();
    let [file] = files(dir.path()).try_into().unwrap();
    let octets = fs::read(&file).unwrap();
    // Every octet is cut in `crash.rs`; here all ends of frames and a sample between them.
    for cut in (0..octets.len()).step_by(23).chain([HEADER_OCTETS, octets.len() - 1, octets.len()])
    {
        fs::write(&file, &octets[..cut]).unwrap();
        let facts = replayed(dir.path(), 0).unwrap().len() as u64;
        assert_eq!(entries(dir.path(), 0).unwrap(), expected(1..=2 * facts), "cut at {cut}");
        let (journal, recovery) = Journal::open(dir.path(), &seal_key(), SMALL, |_, _| {}).unwrap();
        assert_eq!((recovery.last, recovery.entry), (Seq(facts), EntrySeq(2 * facts)));
        assert_eq!(append(&journal, facts + 1).entry, EntrySeq(2 * facts + 1), "cut at {cut}");
        journal.close();
        assert_eq!(entries(dir.path(), 0).unwrap(), expected(1..=2 * facts + 2));
        for file in files(dir.path()) {
            fs::remove_file(file).unwrap();
        }
    }
}

#[test]
fn a_next_segment_that_was_not_finished_takes_no_number_away() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) =
        Journal::open(dir.path(), &seal_key(), Options::default(), |_, _| {}).unwrap();
    for n in 1..=3 {
        append(&journal, n);
    }
    journal.close();
    fs::write(dir.path().join(format!("{:020}.journal", 4)), [0; 17]).unwrap();
    let (journal, recovery) =
        Journal::open(dir.path(), &seal_key(), Options::default(), |_, _| {}).unwrap();
    assert_eq!((recovery.last, recovery.entry), (Seq(3), EntrySeq(6)));
    assert_eq!(append(&journal, 4).entry, EntrySeq(7));
    assert_eq!(entries(dir.path(), 5).unwrap(), expected(6..=8));
}

/// The header of a segment of the formats that were in clear, and of one fact in it.
fn in_clear(format: u8) -> Vec<u8> {
    let mut octets = b"PARLJRNL".to_vec();
    octets.extend_from_slice(&[format, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    if format == 2 {
        octets.extend_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0]);
    }
    octets.extend_from_slice(&[0; 4]);
    octets.extend_from_slice(&crc32c::crc32c(&octets).to_le_bytes());
    octets.extend_from_slice(&[7; 45]);
    octets
}

/// Read as if it were sealed, what anybody can write would be believed.
#[test]
fn a_journal_in_clear_is_refused_by_name_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let old = dir.path().join(format!("{:020}.journal", 1));
    for format in [1_u8, 2] {
        let octets = in_clear(format);
        let head = if format == 1 { 32 } else { 40 };
        for cut in [head, octets.len()] {
            fs::write(&old, &octets[..cut]).unwrap();
            let opened = Journal::open(dir.path(), &seal_key(), Options::default(), |_, _| {});
            let format = u32::from(format);
            let refused =
                |error| matches!(error, JournalError::OlderFormat { found, .. } if found == format);
            assert!(opened.is_err_and(refused));
            assert!(replayed(dir.path(), 0).is_err_and(refused));
        }
        // Damaged, it is still none that was just being made.
        let mut damaged = octets.clone();
        damaged[20] ^= 1;
        fs::write(&old, &damaged).unwrap();
        let opened = Journal::open(dir.path(), &seal_key(), Options::default(), |_, _| {});
        assert!(matches!(opened, Err(JournalError::Damaged { offset: 0, .. })));
        assert_eq!(fs::read(&old).unwrap(), damaged);
    }
}

#[test]
fn a_number_in_a_leaf_is_read_as_it_is_written() {
    let leaf = numbered(3, 9).leaf;
    assert_eq!(leaf_head(&leaf), Some((1, EntrySeq(9))));
}
