//! Giving keys away: what was given away opens with what was given and with nothing of the node,
//! and no crash leaves a segment with neither.
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
    EntrySeq, Extent, GivenAway, GivenKeys, Inspected, Journal, JournalError, Options, Parting,
    SEGMENT_AGE_MAX, SealKey, Seq, TakenOver, extent, inspect, inspect_given, keep, replay_given,
    sealed_away,
};
use sample::{
    FRAME_HEADER_OCTETS, HEADER_OCTETS, append, entries, expected, files, key_of, numbered_facts,
    read_with, replayed, seal_key, shared,
};
use sha2::{Digest as _, Sha256};
use small::{ALL, NOW, SMALL, at, firsts, holds, open, written};
use std::{cell::RefCell, fs, ops::ControlFlow};

#[test]
fn what_was_given_away_opens_with_its_own_key_alone_and_the_journal_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let journal = written(dir.path());
    let before: Vec<_> = files(dir.path()).iter().map(|path| fs::read(path).unwrap()).collect();
    let firsts = firsts(dir.path());
    let (kept, last) = (firsts[3], firsts[3] - 1);
    let partings = RefCell::new(Vec::new());
    let share_out = |parting: &Parting, key: &[u8; 32]| {
        partings.borrow_mut().push(*parting);
        shared(parting, key)
    };
    let told = journal.give_away_before(at(kept), ALL, NOW, &share_out).unwrap();
    assert_eq!(told, GivenAway { segments: 3, now: 3 });
    for (index, (path, before)) in files(dir.path()).iter().zip(&before).enumerate() {
        let after = fs::read(path).unwrap();
        if index >= 3 {
            assert!(after == *before && key_of(path).is_none());
            continue;
        }
        let (first, next) = (firsts[index], firsts[index + 1]);
        let parting = Parting {
            node: 1,
            first: Seq(first),
            entry: EntrySeq(2 * first - 1),
            next: Seq(next),
            next_entry: EntrySeq(2 * next - 1),
            at: NOW,
        };
        assert_eq!(partings.borrow()[index], parting);
        // Nothing but the header was changed, and the key is not in it.
        assert!(after[HEADER_OCTETS..] == before[HEADER_OCTETS..]);
        assert!(!holds(&after[..HEADER_OCTETS], &before[72..104]));
        assert!(holds(&after, &Sha256::digest(fs::read(path.with_extension("shares")).unwrap())));
        let found = inspect(&after, &seal_key(), |_, _| panic!("a fact"));
        assert_eq!(found, Inspected::GivenAway { next: Seq(next) });
        let whole = Inspected::Whole { end: after.len(), next: Seq(next), torn: false };
        let key = key_of(path).unwrap();
        assert_eq!(read_with(path, &key), (whole, numbered_facts(first..next)));
        let other = read_with(path, &[7; 32]);
        assert_eq!(other, (Inspected::Damaged { end: HEADER_OCTETS }, Vec::new()));
    }
    // A segment that has its key is read with the journal's, whoever says what.
    let with_key = inspect_given(&before[0], &key_of(&files(dir.path())[0]).unwrap(), |_, _| {});
    assert_eq!(with_key, Inspected::NoSegment);

    let more = append(&journal, 21);
    assert_eq!((more.last, more.entry), (Seq(21), EntrySeq(41)));
    journal.close();
    assert_eq!(replayed(dir.path(), last).unwrap(), numbered_facts(kept..22));
    assert_eq!(entries(dir.path(), 2 * last).unwrap(), expected(2 * last + 1..=42));
    for after in [0, last - 1] {
        let read = replayed(dir.path(), after).unwrap_err();
        let JournalError::GivenAway { last: said, file } = read else { panic!("{read}") };
        assert!(after < said && said <= last && files(dir.path()).contains(&file), "{said}");
        let read = entries(dir.path(), 2 * after).unwrap_err();
        assert!(matches!(read, JournalError::GivenAway { .. }), "{read}");
    }
    let away = sealed_away(dir.path(), &seal_key()).unwrap();
    assert_eq!((away.last(), away.given.len(), away.forgotten.segments), (Seq(last), 3, 0));
    assert!(away.given.iter().all(|segment| segment.whole));
    assert_eq!(away.given[2].entry, EntrySeq(2 * last));
    assert_eq!(away.given[2].newest, at(last));
    let (journal, recovery) = Journal::open(dir.path(), &seal_key(), SMALL, |_, _| {}).unwrap();
    assert_eq!((recovery.last, recovery.entry, recovery.torn), (Seq(21), EntrySeq(42), None));
    let again = journal.give_away_before(at(kept), ALL, NOW, &shared).unwrap();
    assert_eq!(again, GivenAway { segments: 3, now: 0 });
    journal.close();
    // Where the shares of one are lost, that shows, and nothing else suffers.
    fs::remove_file(files(dir.path())[1].with_extension("shares")).unwrap();
    let away = sealed_away(dir.path(), &seal_key()).unwrap();
    assert_eq!(away.given.iter().map(|it| it.whole).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(replayed(dir.path(), last).unwrap(), numbered_facts(kept..22));
}

#[test]
fn with_the_keys_again_all_facts_are_read_and_nothing_is_changed() {
    let dir = tempfile::tempdir().unwrap();
    let journal = written(dir.path());
    let firsts = firsts(dir.path());
    let (kept, last) = (firsts[3], firsts[3] - 1);
    journal.give_away_before(at(kept), ALL, NOW, &shared).unwrap();
    journal.close();
    let octets = || files(dir.path()).iter().map(|it| fs::read(it).unwrap()).collect::<Vec<_>>();
    let before = octets();
    let keys = |but: Option<usize>| {
        let mut keys = GivenKeys::default();
        for (index, path) in files(dir.path()).iter().enumerate().take(3) {
            if but != Some(index) {
                keys.add(Seq(firsts[index]), key_of(path).unwrap().into());
            }
        }
        keys
    };
    let read = |keys: &GivenKeys, after| {
        let mut found = Vec::new();
        let outcome = replay_given(dir.path(), &seal_key(), keys, Seq(after), |seq, fact| {
            found.push((seq.0, fact));
            ControlFlow::Continue(())
        });
        (outcome, found)
    };
    // And what the journal's own key opens after them.
    for after in [0, 1, firsts[1], last - 1, last, last + 2] {
        let (outcome, found) = read(&keys(None), after);
        outcome.unwrap();
        assert_eq!(found, numbered_facts(after + 1..21), "after {after}");
    }
    // One is missing: whoever asks for later ones is not disturbed.
    let (outcome, found) = read(&keys(Some(1)), 0);
    assert!(matches!(outcome, Err(JournalError::GivenAway { last, .. }) if last == firsts[2] - 1));
    assert_eq!(found, numbered_facts(1..firsts[1]));
    assert_eq!(read(&keys(Some(1)), firsts[2] - 1).1, numbered_facts(firsts[2]..21));
    // One is another's.
    let mut wrong = keys(Some(1));
    wrong.add(Seq(firsts[1]), [7; 32].into());
    assert!(matches!(read(&wrong, 0).0, Err(JournalError::Damaged { .. })));
    assert_eq!(format!("{wrong:?}"), "GivenKeys(3, [private])");
    assert_eq!(octets(), before);
    assert!(matches!(replayed(dir.path(), 0), Err(JournalError::GivenAway { .. })));
    // The end of one was cut off, at a frame: its header says that there was more.
    let path = &files(dir.path())[2];
    let whole = fs::read(path).unwrap();
    let length = usize::try_from(u32::from_le_bytes(whole[132..136].try_into().unwrap())).unwrap();
    fs::write(path, &whole[..HEADER_OCTETS + FRAME_HEADER_OCTETS + length]).unwrap();
    let (outcome, _) = read(&keys(None), 0);
    assert!(matches!(outcome, Err(JournalError::Damaged { .. })), "{outcome:?}");
}

#[test]
fn nothing_is_given_away_that_is_young_or_not_taken_over_or_written_on_or_not_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let journal = written(dir.path());
    let firsts = firsts(dir.path());
    let give = |before, facts, entries| {
        let taken = TakenOver { facts: Seq(facts), entries: EntrySeq(entries) };
        journal.give_away_before(before, taken, NOW, &shared).unwrap().segments
    };
    let first = firsts[1] - 1;
    assert_eq!(give(at(0), u64::MAX, u64::MAX), 0);
    assert_eq!(give(at(first), u64::MAX, u64::MAX), 0);
    assert_eq!(give(NOW, first - 1, u64::MAX), 0);
    assert_eq!(give(NOW, u64::MAX, 2 * first - 1), 0);
    let refused = journal.give_away_before(NOW, ALL, NOW, &|_, _| None).unwrap_err();
    let JournalError::NotShared { file } = refused else { panic!("{refused}") };
    assert_eq!(file, files(dir.path())[0]);
    assert_eq!(replayed(dir.path(), 0).unwrap().len(), 20);
    assert_eq!(give(NOW, first, 2 * first), 1);
    assert_eq!(give(NOW, u64::MAX, u64::MAX), firsts.len() as u64 - 1);
    let last = firsts[firsts.len() - 1];
    assert_eq!(replayed(dir.path(), last - 1).unwrap(), numbered_facts(last..21));
    journal.close();
    // The one that is written on may have nothing yet: the numbers go on all the same.
    fs::write(&files(dir.path())[firsts.len() - 1], [0; 9]).unwrap();
    let said = extent(dir.path()).unwrap();
    assert_eq!(said, Extent { last: Seq(last - 1), entry: EntrySeq(2 * last - 2) });
    let (journal, recovery) = Journal::open(dir.path(), &seal_key(), SMALL, |_, _| {}).unwrap();
    assert_eq!((recovery.last, recovery.entry), (said.last, said.entry));
    journal.close();
    // And when it is lost, that is no end of the journal.
    fs::remove_file(&files(dir.path())[firsts.len() - 1]).unwrap();
    let lost = Journal::open(dir.path(), &seal_key(), SMALL, |_, _| {}).err().unwrap();
    assert!(matches!(lost, JournalError::Damaged { .. }), "{lost}");
}

#[test]
fn at_a_quiet_node_the_next_segment_is_begun_so_that_the_key_of_the_old_one_can_go() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) =
        Journal::open(dir.path(), &seal_key(), Options::default(), |_, _| {}).unwrap();
    append(&journal, 1);
    let aged = at(1).after(SEGMENT_AGE_MAX);
    assert_eq!(journal.give_away_before(at(1), ALL, aged, &shared).unwrap().segments, 0);
    append(&journal, 2);
    assert_eq!(journal.give_away_before(at(2), ALL, aged, &shared).unwrap().segments, 1);
    assert_eq!(replayed(dir.path(), 1).unwrap(), numbered_facts(2..3));
    let other = journal.clone();
    journal.close();
    let refused = other.give_away_before(at(2), ALL, aged, &shared);
    assert!(matches!(refused, Err(JournalError::Closed)));
}

#[test]
fn what_was_given_away_is_forgotten_with_its_shares() {
    let dir = tempfile::tempdir().unwrap();
    let journal = written(dir.path());
    let firsts = firsts(dir.path());
    journal.give_away_before(NOW, ALL, NOW, &shared).unwrap();
    let path = &files(dir.path())[0];
    let (sealed, shares) = (fs::read(path).unwrap(), path.with_extension("shares"));
    // Neither too early, which nobody could tell from the facts any more, nor what was not taken.
    let young = at(firsts[1] - 1);
    assert_eq!(journal.forget_before(young, ALL, NOW).unwrap().segments, 0);
    let told = journal.forget_before(at(firsts[2]), ALL, NOW).unwrap();
    assert_eq!((told.segments, told.last), (2, Seq(firsts[2] - 1)));
    let after = fs::read(path).unwrap();
    assert_eq!(after.len(), HEADER_OCTETS);
    assert!(!shares.exists() && holds(&after, &Sha256::digest(&sealed)));
    let next = Seq(firsts[1]);
    assert_eq!(inspect(&after, &seal_key(), |_, _| {}), Inspected::Forgotten { next });
    let away = sealed_away(dir.path(), &seal_key()).unwrap();
    assert_eq!(away.forgotten.segments, 2);
    assert_eq!(away.given.len(), firsts.len() - 3);
    let read = replayed(dir.path(), firsts[2] - 1).unwrap_err();
    assert!(matches!(read, JournalError::GivenAway { .. }), "{read}");
    let given = journal.give_away_before(NOW, ALL, NOW, &shared).unwrap();
    assert_eq!(given, GivenAway { segments: firsts.len() as u64 - 3, now: 0 });
    journal.close();
    // A crash before the shares were destroyed: whoever opens the journal ends it.
    let note = path.with_extension("gone");
    fs::write(path, &sealed).unwrap();
    fs::write(&note, &after).unwrap();
    fs::write(&shares, b"shares").unwrap();
    open(dir.path()).close();
    assert!(!shares.exists() && !note.exists());
    assert_eq!(fs::read(path).unwrap(), after);
}

#[test]
fn a_crash_at_any_step_leaves_a_segment_with_its_key_or_with_its_shares() {
    let dir = tempfile::tempdir().unwrap();
    let journal = written(dir.path());
    let path = files(dir.path())[0].clone();
    let before = fs::read(&path).unwrap();
    let next = firsts(dir.path())[1];
    assert_eq!(journal.give_away_before(at(next), ALL, NOW, &shared).unwrap().segments, 1);
    journal.close();
    let after = fs::read(&path).unwrap();
    let (note, shares) = (path.with_extension("gone"), path.with_extension("shares"));
    let (noted, given) = (after[..HEADER_OCTETS].to_vec(), fs::read(&shares).unwrap());
    let key = key_of(&path).unwrap();
    assert!(!note.exists());
    let put = |segment: &[u8], noted: Option<&[u8]>, given: Option<&[u8]>| {
        for (path, octets) in [(&path, Some(segment)), (&note, noted), (&shares, given)] {
            match octets {
                Some(octets) => fs::write(path, octets).unwrap(),
                None => drop(fs::remove_file(path)),
            }
        }
    };
    // Before the note is whole, and where the shares are not what it speaks of, the key stays.
    let cut = &noted[..HEADER_OCTETS - 1];
    for (case, (noted, given)) in [
        (None, None),
        (None, Some(&given[..9])),
        (None, Some(&given[..])),
        (Some(&cut[..0]), Some(&given[..])),
        (Some(cut), Some(&given[..])),
        (Some(&noted[..]), None),
        (Some(&noted[..]), Some(&given[..39])),
    ]
    .into_iter()
    .enumerate()
    {
        put(&before, noted, given);
        let journal = open(dir.path());
        assert!(!note.exists() && fs::read(&path).unwrap() == before, "case {case}");
        assert_eq!(replayed(dir.path(), 0).unwrap().len(), 20, "case {case}");
        // And goes at the next try.
        journal.give_away_before(at(next), ALL, NOW, &shared).unwrap();
        assert_eq!(read_with(&path, &key_of(&path).unwrap()).1, numbered_facts(1..next));
        journal.close();
    }
    // From then on the shares are there, whatever of the header reached the disk.
    for new in [0, 41, 60, 100, HEADER_OCTETS] {
        put(&[&after[..new], &before[new..]].concat(), Some(&noted), Some(&given));
        // Whoever reads goes by the note, and changes nothing.
        assert_eq!(replayed(dir.path(), next - 1).unwrap(), numbered_facts(next..21));
        assert!(matches!(replayed(dir.path(), 0), Err(JournalError::GivenAway { .. })));
        assert_eq!(sealed_away(dir.path(), &seal_key()).unwrap().given.len(), 1);
        assert!(note.exists());
        let other = SealKey::derive(&[1; 32]);
        let opened = Journal::open(dir.path(), &other, SMALL, |_, _| {});
        assert!(matches!(opened, Err(JournalError::WrongKey { .. })));
        assert!(note.exists());
        open(dir.path()).close();
        assert!(!note.exists() && fs::read(&path).unwrap() == after, "{new}");
        assert_eq!(read_with(&path, &key).1, numbered_facts(1..next));
    }
    // With the key gone and the shares lost, what follows is there all the same.
    put(&[&after[..60], &before[60..]].concat(), Some(&noted), None);
    open(dir.path()).close();
    assert_eq!(replayed(dir.path(), next - 1).unwrap(), numbered_facts(next..21));
    assert!(!sealed_away(dir.path(), &seal_key()).unwrap().given[0].whole);
}

#[test]
fn nobody_without_the_key_can_say_that_one_was_given_away() {
    let (dir, twin) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    written(dir.path()).close();
    let other = SealKey::derive(&[1; 32]);
    let (journal, _) = Journal::open(twin.path(), &other, SMALL, |_, _| {}).unwrap();
    for n in 1..=20 {
        append(&journal, n);
    }
    journal.give_away_before(NOW, ALL, NOW, &shared).unwrap();
    journal.close();
    let (path, forged) = (&files(dir.path())[0], &files(twin.path())[0]);
    let (octets, header) = (fs::read(path).unwrap(), fs::read(forged).unwrap());
    fs::copy(forged.with_extension("shares"), path.with_extension("shares")).unwrap();
    let note = path.with_extension("gone");
    fs::write(&note, &header[..HEADER_OCTETS]).unwrap();
    let opened = Journal::open(dir.path(), &seal_key(), SMALL, |_, _| {});
    assert!(matches!(opened, Err(JournalError::WrongKey { .. })));
    assert!(fs::read(path).unwrap() == octets);
    fs::remove_file(note).unwrap();
    fs::write(path, header).unwrap();
    assert!(matches!(replayed(dir.path(), 0), Err(JournalError::WrongKey { .. })));
}

#[test]
fn while_somebody_copies_and_of_what_is_damaged_no_key_is_given_away() {
    let dir = tempfile::tempdir().unwrap();
    let journal = written(dir.path());
    let copying = keep(dir.path()).unwrap();
    let refused = journal.give_away_before(NOW, ALL, NOW, &shared);
    assert!(matches!(refused, Err(JournalError::BeingCopied { .. })));
    drop(copying);
    let path = &files(dir.path())[1];
    let mut octets = fs::read(path).unwrap();
    octets[HEADER_OCTETS + 60] ^= 1;
    fs::write(path, &octets).unwrap();
    let damaged = journal.give_away_before(NOW, ALL, NOW, &shared);
    assert!(matches!(damaged, Err(JournalError::Damaged { .. })), "{damaged:?}");
    assert!(fs::read(path).unwrap() == octets && key_of(path).is_none());
    assert_eq!(sealed_away(dir.path(), &seal_key()).unwrap().given.len(), 1);
}
