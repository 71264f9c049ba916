//! Forgetting: what is old and taken over is gone for good, nothing else is, and a crash in the
//! middle changes neither.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

mod sample;
#[path = "sample/small.rs"]
mod small;

use journal::{
    EntrySeq, Extent, Forgotten, Inspected, Journal, JournalError, Options, SEGMENT_AGE_MAX,
    SealKey, Seq, TakenOver, extent, inspect, keep, sealed_away,
};
use sample::{HEADER_OCTETS, append, entries, expected, fact, files, replayed, seal_key};
use sha2::{Digest as _, Sha256};
use small::{ALL, NOW, SMALL, at, firsts, holds, open, written};
use std::{fs, time::Duration};

#[test]
fn what_was_forgotten_is_gone_from_the_disk_and_the_rest_reads_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let journal = written(dir.path());
    let before: Vec<_> = files(dir.path()).iter().map(|path| fs::read(path).unwrap()).collect();
    let firsts = firsts(dir.path());
    let (kept, last) = (firsts[3], firsts[3] - 1);
    let told = journal.forget_before(at(kept), ALL, NOW).unwrap();
    let expect = Forgotten { segments: 3, now: 3, last: Seq(last), entry: EntrySeq(2 * last) };
    assert_eq!(told, expect);
    for (index, (path, before)) in files(dir.path()).iter().zip(&before).enumerate() {
        let after = fs::read(path).unwrap();
        if index >= 3 {
            assert!(after == *before);
            continue;
        }
        assert_eq!(after.len(), HEADER_OCTETS);
        // Neither the key nor anything that it sealed.
        assert!(!holds(&after, &before[72..104]));
        assert!(before[HEADER_OCTETS..].chunks_exact(16).all(|sealed| !holds(&after, sealed)));
        // A copy that somebody kept can be told to be one.
        assert!(holds(&after, &Sha256::digest(before)));
        let next = Seq(firsts[index + 1]);
        assert_eq!(inspect(&after, &seal_key(), |_, _| {}), Inspected::Forgotten { next });
    }
    let more = append(&journal, 21);
    assert_eq!((more.last, more.entry), (Seq(21), EntrySeq(41)));
    journal.close();
    let rest: Vec<_> = (kept..=21).map(|n| (n, fact(n))).collect();
    assert_eq!(replayed(dir.path(), last).unwrap(), rest);
    assert_eq!(entries(dir.path(), 2 * last).unwrap(), expected(2 * last + 1..=42));
    for after in [0, last - 1] {
        let read = replayed(dir.path(), after).unwrap_err();
        let JournalError::Forgotten { last: said } = read else { panic!("{read}") };
        assert!(after < said && said <= last, "{said}");
        let read = entries(dir.path(), 2 * after).unwrap_err();
        assert!(matches!(read, JournalError::Forgotten { .. }), "{read}");
    }
    let (journal, recovery) = Journal::open(dir.path(), &seal_key(), SMALL, |_, _| {}).unwrap();
    assert_eq!((recovery.last, recovery.entry, recovery.torn), (Seq(21), EntrySeq(42), None));
    let again = journal.forget_before(at(kept), ALL, NOW).unwrap();
    assert_eq!(again, Forgotten { now: 0, ..expect });
    assert_eq!(
        sealed_away(dir.path(), &seal_key()).unwrap().forgotten,
        Forgotten { now: 0, ..expect }
    );
    journal.close();
}

#[test]
fn nothing_is_forgotten_that_is_young_or_not_taken_over_or_written_on() {
    let dir = tempfile::tempdir().unwrap();
    let journal = written(dir.path());
    let firsts = firsts(dir.path());
    let forget = |before, facts, entries| {
        let taken = TakenOver { facts: Seq(facts), entries: EntrySeq(entries) };
        journal.forget_before(before, taken, NOW).unwrap().segments
    };
    let (first, second) = (firsts[1] - 1, firsts[2] - 1);
    assert_eq!(forget(at(0), u64::MAX, u64::MAX), 0);
    assert_eq!(forget(at(first), u64::MAX, u64::MAX), 0);
    assert_eq!(forget(NOW, first - 1, u64::MAX), 0);
    assert_eq!(forget(NOW, u64::MAX, 2 * first - 1), 0);
    assert_eq!(forget(NOW, 0, 0), 0);
    assert_eq!(replayed(dir.path(), 0).unwrap().len(), 20);
    assert_eq!(forget(NOW, first, 2 * first), 1);
    assert_eq!(forget(at(second + 1), second, u64::MAX), 2);
    // All but the one that is written on.
    assert_eq!(forget(NOW, u64::MAX, u64::MAX), firsts.len() as u64 - 1);
    let last = firsts[firsts.len() - 1];
    assert_eq!(replayed(dir.path(), last - 1).unwrap().len() as u64, 21 - last);
    journal.close();
    // That one may have nothing yet: the numbers go on all the same.
    fs::write(&files(dir.path())[firsts.len() - 1], [0; 9]).unwrap();
    let said = extent(dir.path()).unwrap();
    assert_eq!(said, Extent { last: Seq(last - 1), entry: EntrySeq(2 * last - 2) });
    let (journal, recovery) = Journal::open(dir.path(), &seal_key(), SMALL, |_, _| {}).unwrap();
    assert_eq!((recovery.last, recovery.entry), (said.last, said.entry));
    append(&journal, last);
    assert_eq!(replayed(dir.path(), last - 1).unwrap(), [(last, fact(last))]);
}

/// A small jail fills no segment in a year.
#[test]
fn at_a_quiet_node_the_next_segment_is_begun_so_that_the_old_one_can_go() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) =
        Journal::open(dir.path(), &seal_key(), Options::default(), |_, _| {}).unwrap();
    for n in 1..=3 {
        append(&journal, n);
    }
    let begun = at(1);
    let young = begun.after(SEGMENT_AGE_MAX - Duration::from_micros(1));
    assert_eq!(journal.forget_before(young, ALL, young).unwrap().segments, 0);
    assert_eq!(files(dir.path()).len(), 1);
    let aged = begun.after(SEGMENT_AGE_MAX);
    assert_eq!(journal.forget_before(begun, ALL, aged).unwrap().segments, 0);
    assert_eq!(files(dir.path()).len(), 2);
    append(&journal, 4);
    assert_eq!(replayed(dir.path(), 0).unwrap().len(), 4);
    let told = journal.forget_before(at(4), ALL, aged).unwrap();
    assert_eq!((told.segments, told.last), (1, Seq(3)));
    assert_eq!(replayed(dir.path(), 3).unwrap(), [(4, fact(4))]);
    // The one with a fact of just now, and then one without any: none of them is begun again.
    let later = at(4).after(SEGMENT_AGE_MAX);
    assert_eq!(journal.forget_before(later, ALL, later).unwrap().segments, 2);
    assert_eq!(journal.forget_before(later, ALL, later).unwrap().segments, 2);
    assert_eq!(files(dir.path()).len(), 3);
    append(&journal, 5);
    journal.close();
    let (journal, recovery) =
        Journal::open(dir.path(), &seal_key(), Options::default(), |_, _| {}).unwrap();
    assert_eq!((recovery.last, recovery.entry), (Seq(5), EntrySeq(10)));
    let other = journal.clone();
    journal.close();
    // Another process may have it open now.
    let refused = other.forget_before(later, ALL, later);
    assert!(matches!(refused, Err(JournalError::Closed)));
}

#[test]
fn a_crash_in_the_middle_of_forgetting_is_ended_and_never_taken_for_damage() {
    let dir = tempfile::tempdir().unwrap();
    let journal = written(dir.path());
    let path = files(dir.path())[0].clone();
    let before = fs::read(&path).unwrap();
    let next = firsts(dir.path())[1];
    assert_eq!(journal.forget_before(at(next), ALL, NOW).unwrap().segments, 1);
    journal.close();
    let after = fs::read(&path).unwrap();
    let note = path.with_extension("gone");
    assert!(!note.exists());
    let mixed = |new: usize| [&after[..new], &before[new..]].concat();
    let zeroed = |from: usize| [&before[..from], &vec![0; before.len() - from]].concat();
    let states = [
        // Noted, then each thing that can be on the disk before the end, in any order of pages.
        before.clone(),
        mixed(60),
        mixed(HEADER_OCTETS),
        zeroed(HEADER_OCTETS),
        zeroed(50),
        [after.clone(), vec![0; 500]].concat(),
        after.clone(),
    ];
    for (case, state) in states.into_iter().enumerate() {
        fs::write(&path, state).unwrap();
        fs::write(&note, &after).unwrap();
        // Whoever reads goes by the note, and changes nothing.
        assert_eq!(replayed(dir.path(), next - 1).unwrap().len() as u64, 21 - next, "case {case}");
        assert!(matches!(replayed(dir.path(), 0), Err(JournalError::Forgotten { .. })));
        assert_eq!(sealed_away(dir.path(), &seal_key()).unwrap().forgotten.segments, 1);
        assert!(note.exists());
        // Another key ends nothing.
        let other = SealKey::derive(&[1; 32]);
        let opened = Journal::open(dir.path(), &other, SMALL, |_, _| {});
        assert!(matches!(opened, Err(JournalError::WrongKey { .. })));
        assert!(note.exists());
        open(dir.path()).close();
        assert!(!note.exists());
        assert_eq!(fs::read(&path).unwrap(), after, "case {case}");
    }
    // A note that was never whole: nothing had been done yet.
    for cut in [0, 40, after.len() - 1] {
        fs::write(&path, &before).unwrap();
        fs::write(&note, &after[..cut]).unwrap();
        assert_eq!(replayed(dir.path(), 0).unwrap().len(), 20);
        open(dir.path()).close();
        assert!(!note.exists());
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[test]
fn nobody_without_the_key_can_say_that_something_was_forgotten() {
    let (dir, twin) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let journal = written(dir.path());
    journal.close();
    let other = SealKey::derive(&[1; 32]);
    let (journal, _) = Journal::open(twin.path(), &other, SMALL, |_, _| {}).unwrap();
    for n in 1..=20 {
        append(&journal, n);
    }
    let next = firsts(twin.path())[1];
    journal.forget_before(at(next), ALL, NOW).unwrap();
    journal.close();
    let (path, forged) = (&files(dir.path())[0], fs::read(&files(twin.path())[0]).unwrap());
    let octets = fs::read(path).unwrap();
    let note = path.with_extension("gone");
    fs::write(&note, &forged).unwrap();
    let opened = Journal::open(dir.path(), &seal_key(), SMALL, |_, _| {});
    assert!(matches!(opened, Err(JournalError::WrongKey { .. })));
    assert!(matches!(replayed(dir.path(), next - 1), Ok(facts) if facts.len() as u64 == 21 - next));
    assert!(matches!(replayed(dir.path(), 0), Err(JournalError::WrongKey { .. })));
    assert_eq!(fs::read(path).unwrap(), octets);
    fs::remove_file(note).unwrap();
    fs::write(path, forged).unwrap();
    assert!(matches!(replayed(dir.path(), 0), Err(JournalError::WrongKey { .. })));
}

#[test]
fn while_somebody_copies_nothing_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let journal = written(dir.path());
    let (one, other) = (keep(dir.path()).unwrap(), keep(dir.path()).unwrap());
    drop(one);
    let refused = journal.forget_before(NOW, ALL, NOW);
    assert!(matches!(refused, Err(JournalError::BeingCopied { .. })));
    assert_eq!(replayed(dir.path(), 0).unwrap().len(), 20);
    drop(other);
    assert!(journal.forget_before(NOW, ALL, NOW).unwrap().segments > 0);
}

#[test]
fn what_is_damaged_is_not_forgotten_unseen() {
    let dir = tempfile::tempdir().unwrap();
    let journal = written(dir.path());
    let path = &files(dir.path())[1];
    let mut octets = fs::read(path).unwrap();
    octets[HEADER_OCTETS + 60] ^= 1;
    fs::write(path, &octets).unwrap();
    let damaged = journal.forget_before(NOW, ALL, NOW);
    assert!(matches!(damaged, Err(JournalError::Damaged { .. })), "{damaged:?}");
    assert_eq!(fs::read(path).unwrap(), octets);
    assert_eq!(sealed_away(dir.path(), &seal_key()).unwrap().forgotten.segments, 1);
}
