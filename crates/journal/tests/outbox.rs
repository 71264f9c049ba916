//! Entries for the log: durable with their facts or not at all, and numbered without gaps, whatever
//! happens in between.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

mod sample;

use journal::{Appended, Draft, EntrySeq, Journal, Options, Seq, leaf_head};
use sample::{append, draft, entries, expected, fact, files, numbered, replayed};
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
    let (_, recovery) = Journal::open(dir.path(), SMALL, |_, _| {}).unwrap();
    assert_eq!((recovery.last, recovery.entry), (Seq(20), EntrySeq(40)));
}

#[test]
fn a_file_cut_anywhere_has_facts_and_entries_together_and_goes_on_without_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), Options::default(), |_, _| {}).unwrap();
    for n in 1..=4 {
        append(&journal, n);
    }
    journal.close();
    let [file] = files(dir.path()).try_into().unwrap();
    let octets = fs::read(&file).unwrap();
    // Every octet is cut in `crash.rs`; here all ends of frames and a sample between them.
    for cut in (0..octets.len()).step_by(23).chain([40, octets.len() - 1, octets.len()]) {
        fs::write(&file, &octets[..cut]).unwrap();
        let facts = replayed(dir.path(), 0).unwrap().len() as u64;
        assert_eq!(entries(dir.path(), 0).unwrap(), expected(1..=2 * facts), "cut at {cut}");
        let (journal, recovery) = Journal::open(dir.path(), SMALL, |_, _| {}).unwrap();
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
    let (journal, _) = Journal::open(dir.path(), Options::default(), |_, _| {}).unwrap();
    for n in 1..=3 {
        append(&journal, n);
    }
    journal.close();
    fs::write(dir.path().join(format!("{:020}.journal", 4)), [0; 17]).unwrap();
    let (journal, recovery) = Journal::open(dir.path(), Options::default(), |_, _| {}).unwrap();
    assert_eq!((recovery.last, recovery.entry), (Seq(3), EntrySeq(6)));
    assert_eq!(append(&journal, 4).entry, EntrySeq(7));
    assert_eq!(entries(dir.path(), 5).unwrap(), expected(6..=8));
}

/// A segment of the format before there were entries, with two appends of facts 1 and 2, 3.
fn format_1() -> Vec<u8> {
    let mut octets = b"PARLJRNL".to_vec();
    octets.extend_from_slice(&[1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    octets.extend_from_slice(&crc32c::crc32c(&octets).to_le_bytes());
    for (first, facts) in [(1_u64, vec![fact(1)]), (2, vec![fact(2), fact(3)])] {
        let payload: Vec<u8> =
            facts.iter().flat_map(|fact| postcard::to_allocvec(fact).unwrap()).collect();
        let at = octets.len();
        octets.extend_from_slice(&u32::try_from(payload.len()).unwrap().to_le_bytes());
        octets.extend_from_slice(&u32::try_from(facts.len()).unwrap().to_le_bytes());
        octets.extend_from_slice(&first.to_le_bytes());
        octets.extend_from_slice(&u32::try_from(at).unwrap().to_le_bytes());
        let check = crc32c::crc32c_append(crc32c::crc32c(&octets[at..]), &payload);
        octets.extend_from_slice(&check.to_le_bytes());
        octets.extend_from_slice(&payload);
    }
    octets
}

#[test]
fn a_journal_of_the_format_before_is_read_and_goes_on_in_a_new_segment() {
    let dir = tempfile::tempdir().unwrap();
    let old = dir.path().join(format!("{:020}.journal", 1));
    for (cut, facts) in [(0, 3), (1, 1)] {
        let mut octets = format_1();
        let torn = if cut == 0 { 0 } else { octets.len() - 3 };
        octets.truncate(if torn == 0 { octets.len() } else { torn });
        fs::write(&old, &octets).unwrap();
        let (journal, recovery) = Journal::open(dir.path(), Options::default(), |_, _| {}).unwrap();
        assert_eq!((recovery.last, recovery.entry), (Seq(facts), EntrySeq(0)));
        let told = journal.append_entries_wait(vec![fact(facts + 1)], vec![draft(1)]).unwrap();
        assert_eq!(told, Appended { last: Seq(facts + 1), entry: EntrySeq(1), entries: 1 });
        journal.close();
        assert_eq!(files(dir.path()).len(), 2);
        let found = replayed(dir.path(), 0).unwrap();
        assert_eq!(found, (1..=facts + 1).map(|n| (n, fact(n))).collect::<Vec<_>>());
        assert_eq!(entries(dir.path(), 0).unwrap(), expected(1..=1));
        fs::remove_file(&files(dir.path())[1]).unwrap();
    }
    fs::write(&old, &format_1()[..32]).unwrap();
    let (journal, recovery) = Journal::open(dir.path(), Options::default(), |_, _| {}).unwrap();
    assert_eq!(recovery.last, Seq(0));
    append(&journal, 1);
    assert_eq!(entries(dir.path(), 0).unwrap(), expected(1..=2));
}

#[test]
fn a_number_in_a_leaf_is_read_as_it_is_written() {
    let leaf = numbered(3, 9).leaf;
    assert_eq!(leaf_head(&leaf), Some((1, EntrySeq(9))));
}

/// The octets of an append with an entry, pinned: a journal of an older version must stay readable.
#[test]
fn entries_keep_their_octets() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), Options::default(), |_, _| {}).unwrap();
    let detail = vec![0xd1, 0xd2];
    let facts = vec![fact(3)];
    journal.append_entries_wait(facts, vec![Draft { detail, ..draft(0x77) }]).unwrap();
    journal.close();
    let octets = fs::read(&files(dir.path())[0]).unwrap();
    let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    let leaf = format!("010000000000000100000000000000 01{}", "77".repeat(240)).replace(' ', "");
    let head = "\
        5041524c4a524e4c020000000100000001000000000000000100000000000000000000000aaa613c\
        0a010000010000000100000000000000010000000000000001000000280000004fe737b5";
    assert_eq!(hex, format!("{head}{leaf}02000000d1d20903f02e"));
}
