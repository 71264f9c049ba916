//! The log as its callers see it: what is appended is proven, published and found again.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

mod sample;

use journal::{
    Draft, EntrySeq, Journal, Options as JournalOptions,
    log::{
        CatchUpError, Courier, Log, LogEntry, LogError, Mask, Options, is_withheld, look, release,
        replay_log, withhold,
    },
};
use model::Timestamp;
use sample::log::{Folder, audited, entries, entry, key, leaf, open_log, options, publish};
use sample::seal_key;
use std::{
    collections::BTreeMap,
    fs,
    ops::ControlFlow,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use tlog::{Checkpoint, Fault, Hash, KeyKind, Policy, Signer, audit};

fn found(dir: &Path, from: u64) -> Vec<LogEntry> {
    let mut found = Vec::new();
    replay_log(&dir.join("log-private"), from, |entry| {
        found.push(entry);
        ControlFlow::Continue(())
    })
    .unwrap();
    found
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(dir.join("log-private"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|suffix| suffix == "wal"))
        .collect();
    files.sort();
    files
}

#[test]
fn what_is_published_is_masked_and_what_is_counted_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let over = |leaf: &[u8; 256]| leaf.map(|octet| !octet);
    let masked = Options { mask: Mask::new(over), ..options(dir.path()) };
    let now = Timestamp::from_micros(1_700_000_000_000_000);
    let open = |options: &Options| Log::open(options, key(), now);
    let (log, _) = open(&masked).unwrap();
    log.append_wait(entries(1, 1..=70)).unwrap();
    publish(&log).unwrap();
    let own = Draft { leaf: leaf(0, 0), detail: vec![] };
    let taken = log.append_wait(vec![entry(1, 71), own]).unwrap();
    // 58 of padding before it.
    assert_eq!(taken.own, [over(&leaf_numbered(0, 59))]);
    let proven = log.prove(taken.entries.end - 1).unwrap();
    proven.inclusion.verify(Hash::leaf(&taken.own[0]), &proven.checkpoint).unwrap();
    log.close();

    // It goes on where it was, by numbers that nobody outside sees; another mask is found out.
    let other = Options { mask: Mask::new(|leaf| *leaf), ..options(dir.path()) };
    assert!(matches!(open(&other), Err(LogError::Damaged { .. })));
    let (log, recovered) = open(&masked).unwrap();
    assert_eq!((recovered.size, recovered.published), (130, 128));
    assert_eq!(log.nodes().unwrap(), BTreeMap::from([(0, EntrySeq(59)), (1, EntrySeq(71))]));
    log.append_wait(entries(1, 70..=72)).unwrap();
    publish(&log).unwrap();
    log.close();
    let came: Vec<_> = found(dir.path(), 0).iter().map(|entry| over(&entry.leaf)).collect();
    assert_eq!(published_leaves(dir.path()), came);
}

/// The log's own entry with the number that the log gave it.
fn leaf_numbered(node: u8, seq: u64) -> [u8; 256] {
    let mut leaf = leaf(node, 0);
    leaf[8..16].copy_from_slice(&seq.to_be_bytes());
    leaf
}

fn published_leaves(dir: &Path) -> Vec<[u8; 256]> {
    let folder = dir.join("log");
    let octets = fs::read(folder.join("checkpoint")).unwrap();
    let checkpoint = Checkpoint::read(&octets, key().verifier(), &Policy::LOG_ALONE).unwrap();
    let mut leaves = Vec::new();
    let mut take = |_, leaf: &[u8]| leaves.push(leaf.try_into().unwrap());
    audit(&Folder(&folder), &checkpoint, None, &mut take).unwrap();
    leaves
}

#[test]
fn a_log_that_is_withheld_signs_nothing_until_it_is_released() {
    let dir = tempfile::tempdir().unwrap();
    let (private, now) = (dir.path().join("log-private"), Timestamp::default());
    withhold(&private).unwrap();
    let open = || Log::open(&options(dir.path()), key(), now);
    assert!(matches!(open(), Err(LogError::Withheld { .. })));
    assert_eq!((look(&private).unwrap(), is_withheld(&private)), (None, true), "not even begun");
    release(&private).unwrap();
    release(&private).unwrap();
    let (log, _) = open().unwrap();
    log.append_wait(entries(1, 1..=3)).unwrap();
    assert!(matches!(release(&private), Err(LogError::InUse { .. })));
    let signed = log.prove(2).unwrap().checkpoint.note().to_string();
    log.close();
    assert_eq!(look(&private).unwrap().unwrap().checkpoint, signed.as_bytes());
    let before = fs::read(&segments(dir.path())[0]).unwrap();
    withhold(&private).unwrap();
    assert!(matches!(open(), Err(LogError::Withheld { .. })));
    assert_eq!(fs::read(&segments(dir.path())[0]).unwrap(), before);
    release(&private).unwrap();
    assert_eq!(open().unwrap().1.size, 3);
}

#[test]
fn where_a_log_stands_is_seen_beside_its_writer() {
    let dir = tempfile::tempdir().unwrap();
    let private = dir.path().join("log-private");
    assert!(look(&private).is_err(), "there is no folder");
    let small = Options { segment_octets_max: 4_096, ..options(dir.path()) };
    let (log, _) = Log::open(&small, key(), Timestamp::default()).unwrap();
    assert_eq!(look(&private).unwrap().map(|it| (it.size, it.nodes)), Some((0, BTreeMap::new())));
    for n in 1..=40 {
        log.append_wait(vec![entry(1, 2 * n - 1), entry(1, 2 * n), entry(7, n)]).unwrap();
        let stands = look(&private).unwrap().unwrap();
        assert_eq!((stands.size, stands.nodes), (3 * n, log.nodes().unwrap()));
    }
    assert!(segments(dir.path()).len() > 2, "only the last was read");
    log.close();
    let last = segments(dir.path()).pop().unwrap();
    let mut octets = fs::read(&last).unwrap();
    octets[40] ^= 1;
    fs::write(&last, octets).unwrap();
    assert!(matches!(look(&private), Err(LogError::Damaged { .. })));
}

#[test]
fn entries_are_proven_at_once_and_published_padded_and_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open_log(dir.path()).unwrap();
    let (mut last, mut seen) = (None, Vec::new());
    for n in 1..=300_u64 {
        let node = if n % 3 == 0 { 2 } else { 1 };
        let seq = if node == 2 { n / 3 } else { n - n / 3 };
        let taken = log.append_wait(vec![entry(node, seq)]).unwrap();
        assert_eq!(taken.entries.end, taken.checkpoint.size());
        for index in [0, taken.entries.start / 2, taken.entries.start] {
            let proven = log.prove(index).unwrap();
            let leaf = found(dir.path(), index)[0].leaf;
            proven.inclusion.verify(Hash::leaf(&leaf), &proven.checkpoint).unwrap();
        }
        if let Some(last) = last.replace(taken.checkpoint) {
            let now = log.prove(0).unwrap().checkpoint;
            log.prove_growth(last.size(), now.size()).unwrap().verify(&last, &now).unwrap();
            seen.push(last);
            // Also between two that are long past, whatever was published and pruned since.
            let (older, newer) = (&seen[seen.len() / 3], &seen[seen.len() / 2]);
            let growth = log.prove_growth(older.size(), newer.size()).unwrap();
            growth.verify(older, newer).unwrap();
        }
        if n % 70 == 0 {
            let published = publish(&log).unwrap().unwrap();
            assert_eq!(published.checkpoint.size() % 64, 0);
            let (checkpoint, leaves) = audited(dir.path(), last.as_deref());
            assert_eq!(checkpoint, *published.checkpoint);
            let kept = found(dir.path(), 0);
            assert_eq!(leaves.unwrap(), kept.iter().map(|it| it.leaf.to_vec()).collect::<Vec<_>>());
        }
    }
    assert!(segments(dir.path()).len() > 5);
    let all = found(dir.path(), 0);
    assert_eq!(
        all.iter().map(|it| it.index).collect::<Vec<_>>(),
        (0..all.len() as u64).collect::<Vec<_>>()
    );
    let details = |node: u8| {
        let of = all.iter().filter(|it| it.leaf[7] == node);
        of.map(|it| it.detail.len() as u64).collect::<Vec<_>>()
    };
    assert_eq!(details(2), (1..=100).map(|n| n * 7 % 90).collect::<Vec<_>>());
    let nodes = log.nodes().unwrap();
    assert_eq!((nodes[&1], nodes[&2]), (EntrySeq(200), EntrySeq(100)));
    // What is superseded is gone: no partial tile or bundle stands beside its full one.
    assert!(dir.path().join("log/tile/0/000").is_file());
    assert!(!dir.path().join("log/tile/0/000.p").exists());
    assert!(!dir.path().join("log/tile/entries/000.p").exists());
    log.close();
    let (log, recovered) = open_log(dir.path()).unwrap();
    assert_eq!((recovered.size, recovered.term), (all.len() as u64, 3));
    assert_eq!(log.nodes().unwrap(), nodes);
    assert!(matches!(log.prove(recovered.size), Err(LogError::NoSuchEntry { .. })));
}

#[test]
fn an_entry_is_taken_over_once_and_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open_log(dir.path()).unwrap();
    assert_eq!(log.append_wait(entries(1, 1..=3)).unwrap().entries, 0..3);
    assert_eq!(log.append_wait(entries(1, 2..=5)).unwrap().entries, 3..5);
    assert_eq!(log.append_wait(entries(1, 1..=5)).unwrap().entries, 5..5);
    let gap = log.append_wait(entries(1, 7..=8));
    assert!(matches!(gap, Err(LogError::Gap { node: 1, expected: 6, found: 7 })), "{gap:?}");
    let backwards = vec![entry(1, 6), entry(1, 8)];
    assert!(matches!(log.append_wait(backwards), Err(LogError::Gap { expected: 7, .. })));
    assert!(matches!(log.append_wait(vec![]), Err(LogError::Empty)));
    assert!(matches!(log.append_wait(vec![entry(1, 0)]), Err(LogError::NotALeaf)));
    assert!(matches!(log.append_wait(vec![entry(0, 1)]), Err(LogError::NotALeaf)));
    let mut other = entry(1, 6);
    other.leaf[0] = 2;
    assert!(matches!(log.append_wait(vec![other]), Err(LogError::NotALeaf)));
    let mut long = entry(1, 6);
    long.detail = vec![0; journal::DETAIL_OCTETS_MAX + 1];
    assert!(matches!(log.append_wait(vec![long]), Err(LogError::TooLarge { .. })));
    // The log's own entries get their numbers here.
    assert_eq!(log.append_wait(vec![entry(0, 0), entry(0, 0)]).unwrap().entries, 5..7);
    let own: Vec<_> = found(dir.path(), 5).iter().map(|it| it.leaf[..16].to_vec()).collect();
    assert_eq!(own, [leaf(0, 1)[..16].to_vec(), leaf(0, 2)[..16].to_vec()]);
    assert_eq!(log.append_wait(entries(1, 6..=6)).unwrap().entries, 7..8);
}

/// A log with segments, published entries and entries after them; and its last segment.
fn written(dir: &Path) -> (PathBuf, Vec<u8>) {
    let (log, _) = open_log(dir).unwrap();
    for n in 1..=6 {
        log.append_wait(vec![entry(1, n)]).unwrap();
    }
    publish(&log).unwrap().unwrap();
    log.append_wait(vec![entry(1, 7)]).unwrap();
    log.append_wait(entries(1, 8..=9)).unwrap();
    log.append_wait(vec![entry(1, 10)]).unwrap();
    log.close();
    let last = segments(dir).pop().unwrap();
    let octets = fs::read(&last).unwrap();
    (last, octets)
}

#[test]
fn every_prefix_of_the_last_segment_opens_with_exactly_its_whole_records() {
    let dir = tempfile::tempdir().unwrap();
    let (file, octets) = written(dir.path());
    let before = found(dir.path(), 0);
    let first: u64 = file.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    let mut sizes = std::collections::BTreeSet::new();
    for cut in (0..=octets.len()).filter(|cut| cut % 11 == 0 || *cut == octets.len()) {
        fs::write(&file, &octets[..cut]).unwrap();
        let opened = open_log(dir.path());
        let (log, recovered) = match opened {
            // A segment gets its name when it has its first record.
            Err(LogError::Damaged { offset, .. }) => {
                assert!(offset <= 24 && cut < 400, "cut at {cut}");
                continue;
            }
            Err(LogError::RolledBack { published: 64, kept }) => {
                assert!(first <= kept && kept < 64, "cut at {cut}: {kept}");
                continue;
            }
            other => other.unwrap(),
        };
        sizes.insert(recovered.size);
        let torn = recovered.torn.map_or(0, |torn| torn.octets);
        let whole = cut as u64 - torn;
        assert!(whole == cut as u64 || torn > 0);
        let next = recovered.size - 58 + 1;
        let taken = log.append_wait(entries(1, next..=next)).unwrap();
        assert_eq!(taken.entries, recovered.size..recovered.size + 1, "cut at {cut}");
        log.close();
        let after = found(dir.path(), 0);
        let size = usize::try_from(recovered.size).unwrap();
        assert_eq!(after[..size], before[..size], "cut at {cut}");
        assert_eq!(after.len(), size + 1);
    }
    assert_eq!(sizes.into_iter().collect::<Vec<_>>(), [64, 65, 67, 68]);
}

#[test]
fn a_changed_octet_of_the_write_ahead_log_is_never_signed_over() {
    let dir = tempfile::tempdir().unwrap();
    let (file, octets) = written(dir.path());
    let size = found(dir.path(), 0).len() as u64;
    for at in (0..octets.len()).step_by(11) {
        let mut changed = octets.clone();
        changed[at] ^= 1;
        fs::write(&file, &changed).unwrap();
        match open_log(dir.path()) {
            Err(LogError::Damaged { file: named, .. }) => {
                assert_eq!(named, file);
                assert_eq!(fs::read(&file).unwrap(), changed, "octet {at}");
            }
            // Only the last record: it cannot be told from one that was never durable.
            Ok((_, recovered)) => assert_eq!(recovered.size, size - 1, "octet {at}"),
            Err(other) => panic!("octet {at}: {other}"),
        }
    }
    fs::write(&file, &octets).unwrap();
    fs::remove_file(&segments(dir.path())[0]).unwrap();
    // What is published is enough to go on; the details before are lost, and reading them says so.
    assert!(open_log(dir.path()).is_ok());
    let lost = replay_log(&dir.path().join("log-private"), 0, |_| ControlFlow::Continue(()));
    assert!(matches!(lost, Err(LogError::SegmentMissing { missing: 0, .. })), "{lost:?}");
}

#[test]
fn a_damaged_public_log_is_refused_by_name_and_can_be_written_again() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path());
    let public = dir.path().join("log");
    let (checkpoint, before) = audited(dir.path(), None);
    let before = before.unwrap();
    let said = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let path = public.join(name);
        let kept = fs::read(&path).unwrap();
        let mut octets = kept.clone();
        change(&mut octets);
        fs::write(&path, octets).unwrap();
        let said = open_log(dir.path()).err().unwrap().to_string();
        fs::write(path, kept).unwrap();
        said
    };
    let entry_3 = 3 * 258 + 40;
    for (name, change, expected) in [
        (
            "tile/0/000.p/64",
            &(|octets: &mut Vec<u8>| octets[70] ^= 1) as &dyn Fn(&mut Vec<u8>),
            "entry 2 in `tile/entries/000.p/64` does not match `tile/0/000.p/64`",
        ),
        ("tile/0/000.p/64", &|octets| octets.truncate(100), "`tile/0/000.p/64` has 100 octets"),
        (
            "tile/entries/000.p/64",
            &|octets| octets[entry_3] ^= 1,
            "entry 3 in `tile/entries/000.p/64`",
        ),
        (
            "tile/entries/000.p/64",
            &|octets| octets.truncate(entry_3),
            "entry 3 in `tile/entries/000.p/64`",
        ),
        ("checkpoint", &|octets| octets.truncate(30), "the public log is damaged"),
        ("checkpoint", &|octets| octets[20] ^= 1, "log/checkpoint"),
    ] {
        let said = said(name, change);
        assert!(said.contains(expected), "{name}: {said}");
    }
    // All of it is derived: without it, it is written again, octet for octet.
    fs::remove_dir_all(&public).unwrap();
    let (log, recovered) = open_log(dir.path()).unwrap();
    assert_eq!(recovered.published, 0);
    publish(&log).unwrap().unwrap();
    log.close();
    let (again, after) = audited(dir.path(), Some(&checkpoint));
    assert_eq!(again.size(), 128);
    assert_eq!(after.unwrap()[..64], before[..]);
}

#[test]
fn a_log_that_was_rolled_back_or_forked_is_not_signed_on() {
    let dir = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    written(dir.path());
    // Another history under the same key, of the same length.
    let (log, _) = open_log(other.path()).unwrap();
    log.append_wait(entries(2, 1..=10)).unwrap();
    publish(&log).unwrap().unwrap();
    log.close();
    let swap = |from: &Path, name: &str| {
        let kept = dir.path().join("kept");
        fs::rename(dir.path().join(name), &kept).unwrap();
        // No other program copies: it would hold this process's locks for a moment.
        fs::rename(from, dir.path().join(name)).unwrap();
        let said = open_log(dir.path()).err().unwrap();
        fs::remove_dir_all(dir.path().join(name)).unwrap();
        fs::rename(&kept, dir.path().join(name)).unwrap();
        said
    };
    let forked = swap(&other.path().join("log"), "log");
    assert!(matches!(forked, LogError::Forked { size: 64 }), "{forked}");
    let empty = tempfile::tempdir().unwrap();
    let rolled_back = swap(empty.path(), "log-private");
    assert!(
        matches!(rolled_back, LogError::RolledBack { published: 64, kept: 0 }),
        "{rolled_back}"
    );
    let wrong = Signer::from_seed("county.example/log", KeyKind::Log, &[9; 32]).unwrap();
    let wrong = Log::open(&options(dir.path()), wrong, sample::log::at(0)).err().unwrap();
    assert!(matches!(wrong, LogError::WrongKey { .. }), "{wrong}");
    assert!(wrong.to_string().contains("checkpoint"), "{wrong}");
    fs::remove_dir_all(dir.path().join("log")).unwrap();
    let other_name = Signer::from_seed("other.example/log", KeyKind::Log, &[1; 32]).unwrap();
    let wrong = Log::open(&options(dir.path()), other_name, sample::log::at(0)).err().unwrap();
    assert!(matches!(wrong, LogError::WrongKey { .. }), "{wrong}");
    let behind = Log::open(&options(dir.path()), key(), sample::log::at(-61)).err().unwrap();
    assert!(matches!(behind, LogError::ClockBackwards { behind_s: 61 }), "{behind}");
    assert!(Log::open(&options(dir.path()), key(), sample::log::at(-60)).is_ok());
}

#[test]
fn a_second_writer_is_refused_and_details_are_for_their_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open_log(dir.path()).unwrap();
    let said = open_log(dir.path()).err().unwrap();
    assert!(matches!(said, LogError::InUse { .. }), "{said}");
    assert!(said.to_string().contains("stop that one first"));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir.path().join("log-private")), 0o700);
    assert_eq!(mode(&segments(dir.path())[0]), 0o600);
    let other = log.clone();
    log.close();
    assert!(matches!(other.append_wait(vec![entry(1, 1)]), Err(LogError::Closed)));
    assert!(open_log(dir.path()).is_ok());
}

#[test]
fn what_the_log_could_not_take_is_carried_later_each_entry_once() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("journal");
    let draft = |n: u64| {
        let mut draft = entry(1, n);
        draft.leaf[8..16].fill(0);
        draft
    };
    let append = |journal: &Journal, n| {
        journal.append_entries_wait(vec![sample::fact(n)], vec![draft(n)]).unwrap();
    };
    // A node without a log: its entries wait.
    let (journal, _) =
        Journal::open(&folder, &seal_key(), JournalOptions::default(), |_, _| {}).unwrap();
    (1..=5).for_each(|n| append(&journal, n));
    journal.close();
    for round in 0..3_u64 {
        let (log, _) = open_log(dir.path()).unwrap();
        let courier = Courier::new(log.clone(), 1, seal_key());
        let outbox = courier.outbox();
        let (journal, recovery) = Journal::open_with_outbox(
            &folder,
            &seal_key(),
            JournalOptions::default(),
            |_, _| {},
            outbox,
        )
        .unwrap();
        let carried = courier.catch_up(&folder, recovery.entry).unwrap();
        assert_eq!(carried, if round == 0 { 5 } else { 2 });
        assert!(!courier.is_behind());
        let next = recovery.entry.0 + 1;
        append(&journal, next);
        // The log goes away: what comes now is kept at the node.
        log.nodes().unwrap();
        log.clone().close();
        append(&journal, next + 1);
        append(&journal, next + 2);
        assert!(courier.is_behind());
        journal.close();
    }
    let (log, _) = open_log(dir.path()).unwrap();
    let courier = Courier::new(log.clone(), 1, seal_key());
    courier.catch_up(&folder, EntrySeq(14)).unwrap();
    assert_eq!(log.nodes().unwrap(), BTreeMap::from([(1, EntrySeq(14))]));
    let leaves: Vec<_> = found(dir.path(), 0).iter().map(|it| it.leaf).collect();
    assert_eq!(leaves, (1..=14).map(|n| leaf(1, n)).collect::<Vec<_>>());
    // A journal that was rolled back would number other entries the same.
    let lost = Courier::new(log, 1, seal_key()).catch_up(&folder, EntrySeq(13));
    assert!(matches!(lost, Err(CatchUpError::Lost { taken: 14, has: 13 })), "{lost:?}");
}

#[test]
fn what_is_published_is_refused_after_any_change() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open_log(dir.path()).unwrap();
    log.append_wait(entries(1, 1..=300)).unwrap();
    let early = publish(&log).unwrap().unwrap().checkpoint;
    log.append_wait(entries(1, 301..=400)).unwrap();
    let late = publish(&log).unwrap().unwrap().checkpoint;
    log.close();
    assert_eq!((early.size(), late.size()), (320, 448));
    let path = dir.path().join("log/tile/entries/000");
    let kept = fs::read(&path).unwrap();
    for change in [0_usize, 1, 2] {
        let mut octets = kept.clone();
        match change {
            0 => octets[258 * 100 + 30] ^= 1,
            1 => drop(octets.drain(258 * 100..258 * 101)),
            _ => octets[258 * 100..258 * 102].rotate_left(258),
        }
        fs::write(&path, octets).unwrap();
        let (_, said) = audited(dir.path(), Some(&early));
        assert!(matches!(said, Err(Fault::Entry { entry: 100, .. })), "{said:?}");
    }
    fs::write(&path, kept).unwrap();
    assert!(audited(dir.path(), Some(&early)).1.is_ok());
    fs::write(dir.path().join("log/checkpoint"), early.note().to_string()).unwrap();
    let (_, said) = audited(dir.path(), Some(&late));
    assert_eq!(said, Err(Fault::RolledBack { had: 448, has: 320 }));
}
