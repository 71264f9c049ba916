use super::*;
use crate::{Closed, CounselSecret, Detail, Detailed, Kind, Note, Standing, Statement, Unrecorded};
use core::time::Duration;
use model::{
    CallId, RecordingId, TrunkId,
    fact::{Epoch, NumberClass, OffReason, RecordingState},
};
use proptest::prelude::*;
use std::{format, string::String, vec::Vec};

fn key() -> AuditKey {
    AuditKey::new([9; 32])
}

fn random(fill: u8) -> Random {
    Random(core::array::from_fn(|at| fill.wrapping_add(u8::try_from(at).unwrap())))
}

fn said(what: Statement) -> Said {
    Said { at: Timestamp::from_micros(1_790_000_123_456_789), boot: 4, what }
}

fn entry<'a>(said: &'a Said, detail: &'a [u8]) -> Entry<'a> {
    let interval = Timestamp::from_micros(1_790_000_100_000_000);
    Entry { node: 3, interval, said, detail, mark: None }
}

/// One of each kind, with all fields that it has.
fn each_kind() -> Vec<Statement> {
    let (call, recording, epoch, act) = (CallId(77), RecordingId(78), Epoch(5), 6);
    let hash = [0xab; 32];
    let standing = Standing { class: NumberClass::Free, may_record: Err(OffReason::FacilityOff) };
    let closed = Closed { state: RecordingState::Cut, bytes: 1 << 40, seconds: 61, sha256: hash };
    let (talked, over_within) = (Duration::from_secs(31), Duration::from_secs(4_500));
    let why = Unrecorded::Off(OffReason::RegistryUnusable);
    std::vec![
        Statement::Padding,
        Statement::Boot { build: hash },
        Statement::RegistryEpoch { epoch, count: 9, removed: 2, late: 3, root: hash },
        Statement::Removal { epoch },
        Statement::Tariff { caps: hash },
        Statement::Admission { call, epoch, standing, over_within },
        Statement::Consent { call },
        Statement::RecordingStarted { call, epoch },
        Statement::RecordingEnded { call, closed },
        Statement::NotRecorded { call, why, talked },
        Statement::Quarantine { recording, epoch },
        Statement::Erase { recording, sha256: hash },
        Statement::Hold { recording },
        Statement::Retention { rules: hash },
        Statement::Kill { calls: 12 },
        Statement::PolicyChange { policy: hash },
        Statement::StaffChange { roles: hash },
        Statement::Disclosure { act, records: 40, recipient: hash },
        Statement::Approval { act },
        Statement::Denial { act },
        Statement::BreakGlass { act },
        Statement::Review { act },
        Statement::Inquiry { act },
        Statement::Dialled { call, trunk: TrunkId(2) },
        Statement::NameRecorded { call, sha256: hash },
        Statement::NameHeard { sha256: hash },
        Statement::NameApproved { sha256: hash },
        Statement::NameRemoved { sha256: hash },
        Statement::Delivered { act, package: hash },
        Statement::RecordsErased { records: 71 },
        Statement::SegmentsOpened { segments: 4, first: 90, last: 700, recipient: hash },
        Statement::DetailsErased { of: Detailed::Acts, first: 5, last: 900, count: 17 },
        Statement::Closing { act, closed: false },
    ]
}

#[test]
fn every_kind_reads_back_and_has_its_number() {
    let all = each_kind();
    let kinds: Vec<Kind> = all.iter().map(Statement::kind).collect();
    assert_eq!(kinds, Kind::ALL);
    for (code, what) in (0_u8..=32).zip(all) {
        assert_eq!(what.kind().code(), code);
        let said = said(what);
        let read = read(&write(&entry(&said, b"detail"), &key(), &random(code)), &key()).unwrap();
        assert_eq!((read.said, read.node, read.seq), (said, 3, 0));
    }
    assert!(clerk::all::<OffReason>().count() >= 8);
    assert!(clerk::all::<NumberClass>().count() >= 5);
    for reason in clerk::all::<OffReason>() {
        let what = Statement::NotRecorded {
            call: CallId(1),
            why: Unrecorded::Off(reason),
            talked: Duration::ZERO,
        };
        let said = said(what);
        let leaf = write(&entry(&said, &[]), &key(), &random(1));
        assert_eq!(read(&leaf, &key()).unwrap().said, said);
    }
}

#[test]
fn the_octets_are_pinned() {
    let said = said(each_kind()[8]);
    let leaf = write(&entry(&said, b"detail"), &key(), &random(1));
    let hex: String = leaf.iter().map(|octet| format!("{octet:02x}")).collect();
    assert_eq!(hex, PINNED);
}

#[test]
fn without_the_key_all_kinds_look_alike_and_nothing_of_the_call_shows() {
    let all = each_kind();
    let leaves: Vec<_> =
        all.iter().map(|what| write(&entry(&said(*what), &[]), &key(), &random(7))).collect();
    for leaf in &leaves {
        // The same node, interval, detail and salt: only what is sealed differs.
        assert_eq!(leaf[..68], leaves[0][..68]);
        assert_eq!(leaf[196..], leaves[0][196..]);
        assert_eq!(read(leaf, &AuditKey::new([8; 32])), Err(NotAnEntry::Key));
    }
    assert!(leaves.iter().all(|leaf| !leaf.windows(8).any(|part| part == 77_u64.to_be_bytes())));
}

#[test]
fn a_detail_opens_only_with_its_salt() {
    let said = said(each_kind()[1]);
    let detail = Detail::Program { version: "0.1.0".into() }.octets().unwrap();
    let random = random(5);
    let read = read(&write(&entry(&said, &detail), &key(), &random), &key()).unwrap();
    let kept = salted(&random, &detail);
    assert_eq!(open(&read, &kept).and_then(Detail::parse), Detail::parse(&detail));
    let mut other = kept.clone();
    other[0] ^= 1;
    assert_eq!(open(&read, &other), None);
    other = kept;
    other.push(0);
    assert_eq!(open(&read, &other), None);
}

#[test]
fn a_mark_is_found_by_its_counsel_alone() {
    let secret = CounselSecret::new([3; 32]);
    let note = Note {
        start: Timestamp::from_micros(1_790_000_050_000_000),
        talked: Duration::from_secs(600),
    };
    let said = said(each_kind()[9]);
    let marked =
        Entry { mark: Some(Mark { secret: &secret, counter: 8, note }), ..entry(&said, &[]) };
    let leaf = write(&marked, &key(), &random(2));
    let (node, mark) = (marked.node, mark(&leaf).unwrap());
    assert_eq!(mark[..16], secret.tag(Kind::NotRecorded, node, 8));
    assert_eq!(secret.note(&mark), Some(note));
    let other = CounselSecret::new([4; 32]);
    assert_eq!(other.note(&mark), None);
    assert_ne!(mark[..16], other.tag(Kind::NotRecorded, node, 8));
    assert_ne!(mark[..16], secret.tag(Kind::Admission, node, 8));
    assert_eq!(secret.text().parse::<CounselSecret>().unwrap().text(), secret.text());
    assert_eq!(format!("{secret:?}"), "CounselSecret([private])");
    for text in ["", "parlatory-counsel:00", "parlatory-counsel:zz"] {
        assert!(text.parse::<CounselSecret>().is_err());
    }
}

proptest! {
    /// Whatever octet is changed, only the number may still be read, and that is the journal's.
    #[test]
    fn no_changed_octet_is_read(kind in 0_usize..24, at in 0_usize..256, flip in 1_u8..) {
        let said = said(each_kind()[kind]);
        let mut leaf = write(&entry(&said, b"detail"), &key(), &random(1));
        leaf[at] ^= flip;
        let read = read(&leaf, &key());
        prop_assert_eq!(read.is_ok(), (8..16).contains(&at), "octet {}", at);
    }

    /// A statement that no node writes is not read: there is no place to hide anything in.
    #[test]
    fn what_is_read_is_what_is_written(octets in proptest::collection::vec(any::<u8>(), 112)) {
        let mut octets: [u8; CLERK_OCTETS] = octets.try_into().unwrap();
        octets[0] %= 25;
        if let Some(said) = clerk::read(&octets) {
            prop_assert_eq!(clerk::write(&said), octets);
        }
    }
}

const PINNED: &str = concat!(
    "0100000000000003000000000000000000065bfee01bc100fcfec3ba0d54fbc68d1d15e3d435bbb1",
    "773a99abc9c7dadf9809e710886d999c2122232425262728292a2b2cb7420fc352712f984e1a529e",
    "e7a7424605ae98ac405d7c56cf6f9d325a3545b6d6387d9e8aa797a0431c3c600161c985e08d5f83",
    "ff0f991dece528a9062c3f186751318c03f3128e59d4fd99c7efe8e3b6f4953a47c4fd8b591eb0ca",
    "dd2f19cf93df450539517d5f2e02d9727fb0d9fc2ab2fcc4dd4bd103fb2d9f2212b4a9b42d2e2f30",
    "3132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758",
    "595a5b5c5d5e5f606162636465666768",
);

#[test]
fn a_published_entry_shows_neither_node_nor_number_nor_interval() {
    let mut heads = Vec::new();
    for n in 0..100_u8 {
        // Padding, and entries of a node, one like the other.
        let what = if n % 2 == 0 { Statement::Padding } else { Statement::Kill { calls: 1 } };
        let (said, node) = (said(what), u32::from(n % 2));
        let random = Random([n; RANDOM_OCTETS]);
        let mut leaf = write(&Entry { node, ..entry(&said, &[]) }, &key(), &random);
        leaf[8..16].copy_from_slice(&u64::from(n / 2 + 1).to_be_bytes());
        let shown = masked(&leaf, &key());
        assert_eq!((&shown[..4], &shown[24..]), (&leaf[..4], &leaf[24..]));
        assert!(shown[4..8] != leaf[4..8] && shown[8..16] != leaf[8..16]);
        assert_ne!(shown[16..24], leaf[16..24]);
        assert_eq!(mark(&shown), mark(&leaf));
        assert_eq!(masked(&shown, &key()), leaf, "the auditor sees all of it");
        assert_eq!(read(&shown, &key()), Err(NotAnEntry::Key), "it must be unmasked first");
        assert_ne!(masked(&shown, &AuditKey::new([8; 32])), leaf, "and nobody else does");
        heads.push(shown[4..24].to_vec());
    }
    heads.sort();
    heads.dedup();
    assert_eq!(heads.len(), 100);
    // Each bit of them is set in about half.
    for bit in 0..160 {
        let set = heads.iter().filter(|head| head[bit / 8] >> (bit % 8) & 1 == 1).count();
        assert!((25..75).contains(&set), "bit {bit} is set in {set} of 100");
    }
}
