//! What a node enters in the log: every call from its admission to its end, what it may rest on,
//! and what only some may read in it.

use evidence::{
    Kind, Statement, Violation,
    bill::{self, Billed, Search},
    leaf,
};
use model::{AgencyId, RecordingId, Side};
use std::{fs, ops::ControlFlow, time::Duration};

use crate::{
    conversation::Conversation,
    county::{County, EVIDENCE_KEYS, MARCUS, Node, journal_key},
};

/// The first call since the first start.
const FIRST_CALL: u64 = (1 << 32) | 1;

/// A protected number.
const COUNSEL: &str = "2025550150";

/// The entries in the journal of a county's node.
fn leaves(county: &County) -> Vec<[u8; 256]> {
    let mut leaves = Vec::new();
    journal::replay_entries(
        &county.data("journal"),
        &journal_key(),
        journal::EntrySeq(0),
        |entry| {
            leaves.push(entry.draft.leaf);
            ControlFlow::Continue(())
        },
    )
    .unwrap();
    leaves
}

pub(crate) fn statements(county: &County) -> Vec<Statement> {
    let key = evidence::AuditKey::new(EVIDENCE_KEYS.audit);
    leaves(county).iter().map(|it| leaf::read(it, &key).unwrap().said.what).collect()
}

fn kinds(county: &County) -> Vec<Kind> {
    statements(county).iter().map(Statement::kind).collect()
}

fn talk(node: &Node, counter: u32, number: &str, seconds: u32) {
    let mut conversation = Conversation::dial(node, counter, MARCUS, number);
    conversation.answer();
    conversation.accept();
    conversation.talk(seconds);
    conversation.hang_up(Side::Called);
    if number != COUNSEL {
        conversation.wait_told();
    }
}

#[test]
fn a_recorded_call_and_a_protected_one_are_entered_whole() {
    let county = County::new();
    let node = county.open();
    talk(&node, 1, "2025550101", 12);
    talk(&node, 2, COUNSEL, 30);
    node.end();
    let kinds = kinds(&county);
    assert_eq!(kinds[..3], [Kind::Boot, Kind::Tariff, Kind::RegistryEpoch]);
    let mut calls = kinds[3..].to_vec();
    calls.sort_unstable();
    let expected = [
        Kind::Admission,
        Kind::Admission,
        Kind::Consent,
        Kind::Consent,
        Kind::RecordingStarted,
        Kind::RecordingEnded,
        Kind::NotRecorded,
    ];
    assert_eq!(calls, expected);
    let report = county.audit();
    assert_eq!(report.violations, []);
    let counts = (report.admissions, report.recordings, report.not_recorded, report.open);
    assert_eq!(counts, (2, 1, 1, 0));
}

#[test]
fn counsel_finds_the_call_on_the_bill_and_one_that_was_not_protected_has_no_proof() {
    let county = County::new();
    let node = county.open();
    let start = node.now();
    talk(&node, 1, COUNSEL, 30);
    let later = node.now();
    let mut conversation = Conversation::dial(&node, 2, MARCUS, "2025550101");
    conversation.answer();
    conversation.accept();
    conversation.talk(30);
    conversation.hang_up(Side::Called);
    drop(conversation);
    node.end();
    let mut search = Search::new();
    for (index, leaf) in (0..).zip(leaves(&county)) {
        search.read(index, &leaf);
    }
    let holder = "Cedar County Public Defender";
    let secret = desk::counsel_secret(&EVIDENCE_KEYS, AgencyId(1), Ok(holder));
    let found = search.find(&secret);
    assert_eq!((found.admitted.len(), found.unrecorded.len(), found.missing), (1, 1, 0));
    let row = |row, start| Billed { row, start, length: Duration::from_secs(30) };
    let compared = bill::compare(&[row(1, start), row(2, later)], &found.unrecorded);
    let rows = |list: Vec<Billed>| list.iter().map(|it| it.row).collect::<Vec<_>>();
    assert_eq!(rows(compared.proven.iter().map(|it| it.0).collect()), [1]);
    assert_eq!(rows(compared.unproven), [2]);
    let clinic = desk::counsel_secret(&EVIDENCE_KEYS, AgencyId(1), Ok("A clinic"));
    assert_eq!(search.find(&clinic), bill::Marked::default());
}

#[test]
fn a_number_that_is_protected_late_quarantines_its_recordings() {
    let county = County::new();
    let node = county.open();
    talk(&node, 1, "2025550160", 12);
    county.protect_one_more(&node);
    node.wait_for("the quarantine", |_| kinds(&county).contains(&Kind::Quarantine));
    node.end();
    let statements = statements(&county);
    let [.., Statement::RegistryEpoch { late, removed, count, .. }, last] = statements[..] else {
        panic!("{statements:?}");
    };
    assert_eq!((late, removed, count), (1, 0, 3));
    assert!(matches!(last, Statement::Quarantine { recording: RecordingId(FIRST_CALL), .. }));
    assert_eq!(county.audit().violations, []);
    // It is not entered again by the next start.
    county.open().end();
    let again = kinds(&county).iter().filter(|kind| **kind == Kind::Quarantine).count();
    assert_eq!(again, 1);
    assert_eq!(county.audit().violations, []);
}

#[test]
fn a_number_that_is_taken_out_leaves_its_reason() {
    let county = County::new();
    county.open().end();
    county.put("protected.csv", "number,holder\n2025550150,Cedar County Public Defender\n");
    county.apply_with("", |plan| {
        if let Some(protected) = &mut plan.protected {
            (protected.replace, protected.count) = (true, Some(1));
        }
    });
    county.open().end();
    let kinds = kinds(&county);
    assert_eq!(kinds.iter().filter(|kind| **kind == Kind::Removal).count(), 1);
    assert_eq!(county.audit().violations, []);
}

#[test]
fn a_file_that_was_slipped_in_and_one_that_was_changed_are_found() {
    let county = County::new();
    let node = county.open();
    talk(&node, 1, "2025550101", 12);
    talk(&node, 2, COUNSEL, 12);
    node.end();
    let closed = county.data("recordings").join("closed").join("1");
    let file = closed.join("0000000100000001.rec");
    fs::copy(&file, closed.join("0000000100000002.rec")).unwrap();
    let found = county.audit().violations;
    assert_eq!(found, [Violation::ExtraFile { recording: 1 << 32 | 2 }]);
    fs::remove_file(closed.join("0000000100000002.rec")).unwrap();
    let mut octets = fs::read(&file).unwrap();
    *octets.last_mut().unwrap() ^= 1;
    fs::write(&file, octets).unwrap();
    assert!(matches!(county.audit().violations[..], [Violation::OtherFile { .. }]));
}
