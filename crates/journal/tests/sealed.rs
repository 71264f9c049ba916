//! What stands on the disk: nothing that can be read without the key, and nothing that another key
//! or another hand can change unseen.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

mod sample;

use aes_gcm::{Aes256Gcm, KeyInit, aead::AeadInOut};
use hkdf::Hkdf;
use journal::{Draft, EntrySeq, Inspected, Journal, JournalError, Options, SealKey, Seq, inspect};
use model::fact::Fact;
use sample::{
    FRAME_HEADER_OCTETS, HEADER_OCTETS, MASTER_KEY, append, draft, entries, expected, fact, files,
    replayed, seal_key,
};
use sha2::Sha256;
use std::{
    collections::BTreeSet,
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

fn open(dir: &Path) -> Journal {
    Journal::open(dir, &seal_key(), Options::default(), |_, _| {}).unwrap().0
}

/// A journal of one segment with `count` appends of a fact and two entries each.
fn written(dir: &Path, count: u64) -> (PathBuf, Vec<u8>) {
    let journal = open(dir);
    for n in 1..=count {
        append(&journal, n);
    }
    journal.close();
    let [file] = files(dir).try_into().unwrap();
    let octets = fs::read(&file).unwrap();
    (file, octets)
}

/// Where each frame of a segment begins, as the format's document says.
fn frames(octets: &[u8]) -> Vec<usize> {
    let mut at = HEADER_OCTETS;
    let mut begins = Vec::new();
    while at < octets.len() {
        begins.push(at);
        let length = u32::from_le_bytes(octets[at..at + 4].try_into().unwrap());
        at += FRAME_HEADER_OCTETS + length as usize;
    }
    begins
}

fn end_of(octets: &[u8], at: usize) -> usize {
    let length = u32::from_le_bytes(octets[at..at + 4].try_into().unwrap());
    at + FRAME_HEADER_OCTETS + length as usize
}

/// Makes the checksum of the frame at `at` right, as somebody would who changes it on purpose.
fn put_right(octets: &mut [u8], at: usize) {
    let end = end_of(octets, at);
    let check = crc32c::crc32c(&octets[at..at + FRAME_HEADER_OCTETS - 4]);
    let check = crc32c::crc32c_append(check, &octets[at + FRAME_HEADER_OCTETS..end]);
    octets[at + FRAME_HEADER_OCTETS - 4..at + FRAME_HEADER_OCTETS]
        .copy_from_slice(&check.to_le_bytes());
}

fn holds(octets: &[u8], wanted: &[u8]) -> bool {
    octets.windows(wanted.len()).any(|window| window == wanted)
}

#[test]
fn nothing_of_facts_and_entries_is_in_clear() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let detail = b"what a leaf commits to".to_vec();
    let entry = Draft { detail: detail.clone(), ..draft(0x77) };
    let facts: Vec<Fact> = (1..=8).map(fact).collect();
    journal.append_entries_wait(facts.clone(), vec![entry]).unwrap();
    journal.close();
    let octets = fs::read(&files(dir.path())[0]).unwrap();
    assert!(!holds(&octets, &detail) && !holds(&octets, &[0x77; 16]));
    for fact in facts {
        // All of a fact, and where it has a number, that.
        assert!(!holds(&octets, &postcard::to_allocvec(&fact).unwrap()), "{fact:?}");
        if let Fact::LanguageChosen { number, .. } = fact {
            let number = number.expose().digits();
            assert!(!holds(&octets, number.to_string().as_bytes()));
            assert!(!holds(&octets, &postcard::to_allocvec(&number).unwrap()));
        }
    }
    assert_eq!(replayed(dir.path(), 0).unwrap().len(), 8);
}

/// A journal that does not open is never taken for one that a crash cut short.
#[test]
fn another_key_reads_nothing_and_changes_nothing() {
    let other = SealKey::derive(&[0x4c; 32]);
    let next = |dir: &Path| dir.join(format!("{:020}.journal", 5));
    // Whole, with an end that a crash left torn, and with a next segment that was being made.
    let ends: [fn(&mut Vec<u8>) -> bool; 3] = [
        |_| false,
        |octets| {
            octets.truncate(octets.len() - 3);
            false
        },
        |_| true,
    ];
    for (case, change) in ends.into_iter().enumerate() {
        let dir = tempfile::tempdir().unwrap();
        let (file, mut octets) = written(dir.path(), 4);
        let begun = change(&mut octets);
        fs::write(&file, &octets).unwrap();
        if begun {
            fs::write(next(dir.path()), [0; 17]).unwrap();
        }
        let refused = |error| {
            let JournalError::WrongKey { file: named } = error else { panic!("{case}: {error}") };
            assert_eq!(named, file);
        };
        let options = Options::default();
        refused(Journal::open(dir.path(), &other, options, |_, _| {}).err().unwrap());
        let read = journal::replay(dir.path(), &other, Seq(0), |_, _| panic!("a fact"));
        refused(read.unwrap_err());
        let read = journal::replay_entries(dir.path(), &other, EntrySeq(0), |_| panic!("an entry"));
        refused(read.unwrap_err());
        let found = inspect(&octets, &other, |_, _| panic!("a fact"));
        assert_eq!(found, Inspected::OtherKey);
        assert_eq!(fs::read(&file).unwrap(), octets, "case {case}");
        assert_eq!(next(dir.path()).exists(), begun, "case {case}");
        let kept = if case == 1 { 3 } else { 4 };
        let journal = open(dir.path());
        append(&journal, kept + 1);
        journal.close();
        assert_eq!(replayed(dir.path(), 0).unwrap().len() as u64, kept + 1);
        assert_eq!(entries(dir.path(), 0).unwrap(), expected(1..=2 * kept + 2));
    }
}

/// Unlike what a crash leaves, this is damage wherever it is: also in the last group.
#[test]
fn what_was_changed_on_purpose_is_damage_and_never_cut() {
    let dir = tempfile::tempdir().unwrap();
    let (file, octets) = written(dir.path(), 3);
    let begins = frames(&octets);
    for at in begins {
        let first_sealed = at + FRAME_HEADER_OCTETS;
        let last = end_of(&octets, at) - 1;
        // The count of entries and of facts, the nonce, the first and the last that is sealed.
        for changed in [at + 4, at + 24, first_sealed, first_sealed + 12, last] {
            let mut forged = octets.clone();
            forged[changed] ^= 1;
            put_right(&mut forged, at);
            fs::write(&file, &forged).unwrap();
            let opened = Journal::open(dir.path(), &seal_key(), Options::default(), |_, _| {});
            let error = opened.err().unwrap();
            let JournalError::Damaged { offset, .. } = error else { panic!("{changed}: {error}") };
            assert_eq!(offset, at as u64, "octet {changed}");
            let read = replayed(dir.path(), 0);
            assert!(matches!(read, Err(JournalError::Damaged { .. })), "octet {changed}");
            let found = inspect(&forged, &seal_key(), |_, _| {});
            assert_eq!(found, Inspected::Damaged { end: at });
            assert_eq!(fs::read(&file).unwrap(), forged);
        }
    }
}

#[test]
fn an_append_of_another_segment_does_not_pass_for_one_of_this() {
    let (dir, twin) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (file, octets) = written(dir.path(), 3);
    let (_, other) = written(twin.path(), 3);
    assert_eq!(octets.len(), other.len());
    // The same facts in the same place under the same journal's key; only the segment is another.
    let begin = frames(&octets)[1];
    fs::write(&file, [&octets[..begin], &other[begin..]].concat()).unwrap();
    let opened = Journal::open(dir.path(), &seal_key(), Options::default(), |_, _| {});
    assert!(matches!(opened, Err(JournalError::Damaged { offset, .. }) if offset == begin as u64));
    // With its header it is that segment, and reads.
    fs::write(&file, &other).unwrap();
    assert_eq!(replayed(dir.path(), 0).unwrap().len(), 3);
}

/// After a crash the same numbers are written again with something else. Whoever has a copy of the
/// disk from before and one from after must not hold two texts under one nonce.
#[test]
fn no_nonce_comes_twice_however_often_an_end_is_torn_and_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let (file, octets) = written(dir.path(), 2);
    let last = frames(&octets)[1];
    let mut nonces = BTreeSet::new();
    let mut sealed = BTreeSet::new();
    for cut in 0..60 {
        // A copy of the same disk, cut elsewhere by each crash.
        fs::write(&file, &octets[..octets.len() - 1 - cut]).unwrap();
        let journal = open(dir.path());
        let told = journal.append_entries_wait(vec![fact(2 + cut as u64 % 4)], Vec::new()).unwrap();
        journal.close();
        assert_eq!(told.last, Seq(2));
        let found = fs::read(&file).unwrap();
        assert_eq!(found[..last], octets[..last], "the same segment and its key");
        let at = last + FRAME_HEADER_OCTETS;
        assert!(nonces.insert(found[at..at + 12].to_vec()), "a nonce twice");
        assert!(sealed.insert(found[at + 12..].to_vec()), "a sealed append twice");
    }
}

/// A second reader, from the format's document alone.
fn read_by_the_document(octets: &[u8], master: &[u8; 32]) -> Vec<Vec<u8>> {
    let mut journal_key = [0; 32];
    let hkdf = Hkdf::<Sha256>::new(None, master);
    hkdf.expand(b"parlatory journal v1", &mut journal_key).unwrap();
    let open = |key: &[u8; 32], bound: &[u8], nonce: &[u8], sealed: &[u8], tag: &[u8]| {
        let mut octets = sealed.to_vec();
        let nonce: [u8; 12] = nonce.try_into().unwrap();
        let tag: [u8; 16] = tag.try_into().unwrap();
        let opened = Aes256Gcm::new(key.into()).decrypt_inout_detached(
            &nonce.into(),
            bound,
            octets.as_mut_slice().into(),
            &tag.into(),
        );
        opened.unwrap();
        octets
    };
    let bound = [&octets[..32], &octets[40..44]].concat();
    let key = open(&journal_key, &bound, &octets[44..56], &octets[72..104], &octets[56..72]);
    let key: [u8; 32] = key.try_into().unwrap();
    let frame = |&at: &usize| {
        let (body, end) = (at + FRAME_HEADER_OCTETS, end_of(octets, at));
        let (nonce, tag) = (&octets[body..body + 12], &octets[end - 16..end]);
        open(&key, &octets[at..at + 32], nonce, &octets[body + 12..end - 16], tag)
    };
    frames(octets).iter().map(frame).collect()
}

#[test]
fn the_document_is_enough_to_read_a_segment() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let mut entry = draft(0x77);
    entry.detail = vec![0xd1, 0xd2];
    journal.append_entries_wait(vec![fact(3)], vec![entry]).unwrap();
    journal.append_wait(vec![fact(1), fact(2)]).unwrap();
    journal.close();
    let octets = fs::read(&files(dir.path())[0]).unwrap();
    let [first, second] = read_by_the_document(&octets, &MASTER_KEY).try_into().unwrap();
    let leaf = [&[1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1], [0x77; 240].as_slice()].concat();
    let mut said = [leaf.as_slice(), &[2, 0, 0, 0, 0xd1, 0xd2]].concat();
    said.extend(postcard::to_allocvec(&fact(3)).unwrap());
    assert_eq!(first, said);
    let said = [fact(1), fact(2)].map(|fact| postcard::to_allocvec(&fact).unwrap()).concat();
    assert_eq!(second, said);
}

/// The octets of a segment, pinned: a journal of an older version must stay readable.
#[test]
fn a_segment_of_this_format_stays_readable() {
    let octets: Vec<u8> = (0..PINNED.len() / 2)
        .map(|at| u8::from_str_radix(&PINNED[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(format!("{:020}.journal", 1)), octets).unwrap();
    assert_eq!(replayed(dir.path(), 0).unwrap(), [(1, fact(3)), (2, fact(2))]);
    let mut details = Vec::new();
    journal::replay_entries(dir.path(), &seal_key(), EntrySeq(0), |entry| {
        details.push((entry.seq.0, entry.draft.detail));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(details, [(1, vec![0xd1, 0xd2])]);
}

const PINNED: &str = "\
    5041524c4a524e4c030000000100000001000000000000000100000000000000000000003e21749e010000008c\
    a2ac623edf0537a17dc49aa96a956febe25463c47296540500d3baa85fce2445a5231c5992798dd784043b301e\
    066b62b17ca73e30edf64cb19169000000000000000000000000000000000000000000000000ee36029e260100\
    0001000000010000000000000001000000000000000100000084000000f98665910734acb009afa2e9db5a88cf\
    414e72255ea2e1302f02133fb50e23cd5f961356262e1074737d078bf1f611f1fa97a4c6736be340f77f3929b1\
    1c3a617b658143eaa87c730f68522c294f0dbf2bd20a1d9299b8aa509c0665d2e4a5bca5ff16051da99abd1c3e\
    feedd45fef3ac88b178f07d4717268b08f112fbf5bf40c7285cf5976049f47998a58c3e40b78bc90441e9c3833\
    821f01ffc5d02332ec05980b4dc9c2268ea2540f3b4459ebd72b44add9c081fbc431a4036d7cd3d7005d1968bf\
    26ee86593123cc3a32c13555548767e1c83115e751614642a41ee1b23ad8c3f63baf505389e9ba12ea1050dae9\
    a78ae0fa97560ded273495b8dd99811a956299a6e0b60192bf59520a0c103894e059d1542bc1801c27dd73ad27\
    16fe891f2cb12a00d710603c26000000010000000200000000000000020000000000000000000000ce01000000\
    916894696a6ed3dfecd46b2e052d15ed19031e1819e6f03b906fe2a9f25f279870630800fa946d8e97";
