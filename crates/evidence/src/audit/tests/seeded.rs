//! Each violation that a log can be seeded with, and that the clean story has none.

use super::*;
use NumberClass::{Ordinary, Protected};

/// A recorded call (101), one to counsel (102), one that nobody took (103), an epoch in between
/// that lost a number and protected one that had been recorded, and padding.
fn story() -> Vec<Line> {
    vec![
        boot(1, 0),
        line(0, epoch(1, 3)),
        line(10, admission(101, 1, Ordinary)),
        line(30, consent(101)),
        line(30, started(101, 1)),
        line(40, admission(102, 1, Protected)),
        line(70, consent(102)),
        line(90, not_recorded(102, Unrecorded::Off(OffReason::Protected))),
        line(95, ended(101)),
        Line { node: LOG, boot: 0, at: 120, what: Statement::Padding },
        line(200, Statement::Removal { epoch: Epoch(2) }),
        line(200, late(2, 3, 1, 1)),
        line(201, quarantine(101, 2)),
        line(300, admission(103, 2, Ordinary)),
        line(310, not_recorded(103, Unrecorded::NobodyTalked)),
        line(9_000, Statement::Tariff { caps: [1; 32] }),
    ]
}

fn late(number: u64, count: u64, removed: u32, late: u64) -> Statement {
    let root = [u8::try_from(number).unwrap(); 32];
    Statement::RegistryEpoch { epoch: Epoch(number), count, removed, late, root }
}

fn quarantine(call: u64, epoch: u64) -> Statement {
    Statement::Quarantine { recording: RecordingId(call), epoch: Epoch(epoch) }
}

fn erase(call: u64) -> Statement {
    Statement::Erase { recording: RecordingId(call), sha256: sha(call) }
}

/// The one violation of the story with `change` made.
fn violation(change: impl FnOnce(&mut Vec<Line>)) -> Violation {
    let mut lines = story();
    change(&mut lines);
    only(&audit(&lines, &[object(101)]))
}

fn only(report: &Report) -> Violation {
    assert_eq!(report.violations.len(), 1, "{:?}", report.violations);
    assert_eq!(report.violations_count, 1);
    report.violations[0]
}

fn is(found: Violation, invariant: Invariant, sentence: &str) {
    assert_eq!(found.invariant(), invariant, "{found}");
    assert_eq!(std::string::ToString::to_string(&found), sentence);
}

#[test]
fn the_clean_story_breaks_nothing() {
    let report = audit(&story(), &[object(101)]);
    assert_eq!(report.violations, []);
    let counts = (report.entries, report.padding, report.admissions);
    assert_eq!(counts, (16, 1, 3));
    assert_eq!((report.recordings, report.not_recorded, report.open), (1, 2, 0));
    assert_eq!(report.programs, [(1, 1, [1; 32])]);
}

#[test]
fn i1_every_call_ends_once_and_in_time() {
    let found = violation(|lines| {
        lines.remove(14);
    });
    is(
        found,
        Invariant::I1,
        "the call of entry 13 has no end: neither that it was recorded nor that it was not",
    );
    let mut lines = story();
    lines.remove(8);
    let report = audit(&lines, &[]);
    is(
        only(&report),
        Invariant::I1,
        "the call of entry 2 has no end: neither that it was recorded nor that it was not",
    );
    let twice = violation(|lines| {
        lines.insert(9, line(96, not_recorded(101, Unrecorded::Off(OffReason::Disk))));
    });
    is(twice, Invariant::I1, "entry 9 ends a call that entry 8 had ended already");
    let late = violation(|lines| lines[14].at = 1_301);
    is(late, Invariant::I1, "entry 14 ends the call of entry 13 later than any call may last");
    let nothing = violation(|lines| {
        lines.insert(15, line(400, not_recorded(999, Unrecorded::NobodyTalked)));
    });
    is(nothing, Invariant::I1, "entry 15 ends a call that was never allowed");
    let dialled = Statement::Dialled { call: CallId(101), trunk: TrunkId(1) };
    let mut lines = story();
    lines.insert(3, line(11, dialled));
    let report = audit(&lines, &[object(101)]);
    assert_eq!((report.violations.len(), report.dialled.len()), (0, 1));
    let over = violation(|lines| lines.insert(15, line(400, dialled)));
    is(over, Invariant::I1, "entry 15 dials in a call that was not allowed, or is over");
    let again = violation(|lines| lines.insert(6, line(60, admission(102, 1, Protected))));
    is(again, Invariant::I1, "entry 6 allows a call that entry 5 had allowed already");
}

#[test]
fn i1_a_new_start_settles_what_the_last_one_left() {
    let settled = [
        boot(1, 0),
        line(0, epoch(1, 0)),
        line(10, admission(101, 1, Ordinary)),
        // A day later.
        Line { boot: 2, ..line(86_400, not_recorded(101, Unrecorded::NeverBegun)) },
        boot(2, 86_400),
        Line { boot: 2, ..line(86_500, admission(102, 1, Protected)) },
    ];
    let report = audit(&settled, &[]);
    assert_eq!((report.violations, report.open), (vec![], 1));
    let mut open = settled.to_vec();
    open.remove(3);
    is(
        only(&audit(&open, &[])),
        Invariant::I1,
        "entry 3 goes on although the call of entry 2 was left open when its node started again",
    );
}

#[test]
fn i2_a_recording_needs_consent_before_it_and_a_number_that_is_not_protected() {
    let protected = violation(|lines| {
        lines.insert(7, line(70, started(102, 1)));
    });
    is(protected, Invariant::I2, "entry 7 starts a recording on a protected number");
    let swapped = violation(|lines| {
        lines.swap(3, 4);
        lines[3].what = started(101, 1);
        // Without the earlier "no consent", which the same swap shows as well.
        lines.insert(3, line(29, consent(101)));
    });
    is(
        swapped,
        Invariant::I2,
        "entry 5 is the consent to a recording that entry 4 had started before",
    );
    let after = {
        let mut lines = story();
        lines.swap(3, 4);
        audit(&lines, &[object(101)])
    };
    let after: Vec<_> = after.violations.iter().map(Violation::invariant).collect();
    assert_eq!(after, [Invariant::I2, Invariant::I2], "no consent, and one afterwards");
    let none = violation(|lines| {
        lines.remove(3);
    });
    is(none, Invariant::I2, "entry 3 starts a recording without a consent before it");
    let forbidden = violation(|lines| {
        if let Statement::Admission { standing, .. } = &mut lines[2].what {
            standing.may_record = Err(OffReason::FacilityOff);
        }
    });
    is(
        forbidden,
        Invariant::I2,
        "entry 4 starts a recording although entry 2 says that the call must not be recorded",
    );
    let relay = violation(|lines| {
        if let Statement::Admission { standing, .. } = &mut lines[2].what {
            standing.class = NumberClass::Relay;
        }
    });
    assert_eq!(relay, Violation::RecordingForbidden { index: 4, first: 2 });
    let twice = violation(|lines| lines.insert(5, line(31, started(101, 1))));
    is(twice, Invariant::I2, "entry 5 starts the recording of a call a second time, after entry 4");
}

#[test]
fn i2_a_recording_belongs_to_a_running_call() {
    let dead = violation(|lines| lines.insert(9, line(96, consent(101))));
    is(
        dead,
        Invariant::I2,
        "entry 9 is the consent to a recording that entry 4 had started before",
    );
    let second = violation(|lines| lines.insert(7, line(71, consent(102))));
    is(
        second,
        Invariant::I2,
        "entry 7 is a second consent in the call of entry 5, or one in no call",
    );
    let nothing = violation(|lines| lines.insert(15, line(400, started(999, 2))));
    is(nothing, Invariant::I2, "entry 15 starts a recording in a call that was never allowed");
    let mut lines = story();
    lines.remove(4);
    let report = audit(&lines, &[]);
    assert!(
        report.violations.iter().any(|found| { *found == Violation::EndWithoutStart { index: 7 } })
    );
    let mut lines = story();
    lines.insert(14, line(305, consent(103)));
    lines.insert(16, line(311, started(103, 2)));
    is(
        only(&audit(&lines, &[object(101)])),
        Invariant::I2,
        "entry 16 starts a recording in a call that entry 15 had ended",
    );
}

#[test]
fn i3_the_newest_epoch_is_asked_but_for_a_minute() {
    let stale = violation(|lines| lines[13].what = admission(103, 1, Ordinary));
    is(stale, Invariant::I3, "entry 13 asked epoch 1 of the registry, which is older than 2");
    let mut lines = story();
    lines[13] = line(200 + 59, admission(103, 1, Ordinary));
    assert_eq!(audit(&lines, &[object(101)]).violations, []);
    lines[13].at = 200 + i64::try_from(EPOCH_GRACE.as_secs()).unwrap();
    assert_eq!(audit(&lines, &[object(101)]).violations_count, 1);
    let unknown = violation(|lines| lines[13].what = admission(103, 7, Ordinary));
    is(
        unknown,
        Invariant::I3,
        "entry 13 asked epoch 7 of the registry, which no entry before it has",
    );
    let recording = violation(|lines| {
        lines.insert(14, line(301, consent(103)));
        lines.insert(15, line(301, started(103, 1)));
    });
    is(recording, Invariant::I3, "entry 15 asked epoch 1 of the registry, which is older than 2");
}

#[test]
fn i4_entries_are_numbered_without_a_gap() {
    let mut leaves = write(&story());
    leaves.remove(15 - 1);
    let report = audit_leaves(&leaves, &[object(101)]);
    is(
        report.violations[0],
        Invariant::I4,
        "entry 14 of node 1 has number 15, and 14 was next: entries are missing or were put in",
    );
    let mut leaves = write(&story());
    leaves.swap(11, 12);
    let report = audit_leaves(&leaves, &[object(101)]);
    assert!(report.violations.iter().filter(|it| matches!(it, Violation::Gap { .. })).count() >= 2);
    let mut leaves = write(&story());
    let copy = leaves[15];
    leaves.push(copy);
    let found = only(&audit_leaves(&leaves, &[object(101)]));
    assert_eq!(found, Violation::Gap { index: 16, node: 1, expected: 16, found: 15 });
    let old = violation(|lines| lines[15].boot = 0);
    is(old, Invariant::I4, "entry 15 is of an earlier start of node 1 than the entry before it");
}

#[test]
fn i4_padding_is_the_logs_alone_and_every_entry_is_readable() {
    let padding = violation(|lines| lines.insert(15, line(400, Statement::Padding)));
    is(
        padding,
        Invariant::I4,
        "entry 15 of node 1 says what only the log itself says (node 0), or only nodes",
    );
    let hidden = violation(|lines| {
        lines[9].what = Statement::Tariff { caps: [2; 32] };
    });
    assert_eq!(hidden, Violation::NotTheirs { index: 9, node: LOG });
    let taken = violation(|lines| lines.insert(15, line(400, Statement::Approval { act: 1 })));
    assert_eq!(taken, Violation::NotTheirs { index: 15, node: 1 });
    let mut lines = story();
    let own = Line { node: LOG, ..line(121, Statement::Approval { act: 1 }) };
    lines.splice(10..10, [own, lines[9], own]);
    assert_eq!(audit(&lines, &[object(101)]).violations, [], "its own are no padding");
    let mut leaves = write(&story());
    leaves[15][100] ^= 1;
    let found = only(&audit_leaves(&leaves, &[object(101)]));
    is(found, Invariant::I4, "entry 15 cannot be read: it is not sealed under this audit key");
    let mut auditor = Auditor::new(AuditKey::new([6; 32]));
    auditor.read(0, &leaves[0]);
    auditor.read(1, b"short");
    assert_eq!(auditor.finish([]).violations_count, 2);
}

#[test]
fn i5_files_and_entries_belong_together_one_to_one() {
    let with = |objects: &[Object]| only(&audit(&story(), objects));
    is(
        with(&[object(101), object(500)]),
        Invariant::I5,
        "a file of 00000000000001f4 is stored that no entry tells of: an extra recording",
    );
    // A recording of the call to counsel, hidden behind the right to have one of another call.
    let hidden = Object { recording: RecordingId(102), sha256: Some(sha(102)) };
    assert_eq!(with(&[object(101), hidden]), Violation::ExtraFile { recording: 102 });
    assert_eq!(with(&[object(101), object(101)]), Violation::ExtraFile { recording: 101 });
    let changed = Object { sha256: Some([7; 32]), ..object(101) };
    is(
        with(&[changed]),
        Invariant::I5,
        "the file of 0000000000000065 is not the one that entry 8 tells of: it was changed",
    );
    is(
        with(&[]),
        Invariant::I5,
        "the file that entry 8 tells of is gone, and no entry says that it was erased",
    );
    let unfinished = Object { recording: RecordingId(102), sha256: None };
    assert_eq!(with(&[object(101), unfinished]), Violation::ExtraFile { recording: 102 });
}

#[test]
fn i5_what_is_erased_is_gone() {
    let mut lines = story();
    lines.insert(15, Line { node: LOG, ..line(400, erase(101)) });
    assert_eq!(audit(&lines, &[]).violations, []);
    is(
        only(&audit(&lines, &[object(101)])),
        Invariant::I5,
        "the file that entry 15 says was erased is still there",
    );
    let nothing = violation(|lines| lines.insert(15, Line { node: LOG, ..line(400, erase(102)) }));
    is(nothing, Invariant::I5, "entry 15 erases what no entry had recorded");
}

#[test]
fn i5_a_running_recording_has_an_unfinished_file() {
    let lines = [
        boot(1, 0),
        line(0, epoch(1, 0)),
        line(10, admission(101, 1, Ordinary)),
        line(30, consent(101)),
        line(30, started(101, 1)),
    ];
    let unfinished = Object { recording: RecordingId(101), sha256: None };
    assert_eq!(audit(&lines, &[unfinished]).violations, []);
    assert_eq!(audit(&lines, &[]).violations, [], "it may not have been begun yet");
    assert_eq!(audit(&lines, &[object(101)]).violations, [], "the node died before it said so");
    let later = [lines.as_slice(), &[line(2_000, epoch(1, 0))]].concat();
    assert_eq!(audit(&later, &[object(101)]).violations_count, 2, "nor did it say so later");
    let early = audit(&lines[..4], &[unfinished]);
    assert_eq!(only(&early), Violation::ExtraFile { recording: 101 });
}

#[test]
fn i6_the_registry_grows_and_removals_have_a_reason() {
    let silent = violation(|lines| {
        lines.remove(10);
    });
    is(
        silent,
        Invariant::I6,
        "in epoch 2, entry 10, numbers are missing: 1 of them without an entry that says why",
    );
    // Not even counted as removed: the count gives it away.
    let hidden = violation(|lines| {
        lines.remove(10);
        lines[10].what = late(2, 2, 0, 1);
    });
    assert_eq!(hidden, Violation::RemovedSilently { index: 10, epoch: 2, missing: 1 });
    let back = violation(|lines| lines.insert(15, line(400, epoch(1, 3))));
    is(back, Invariant::I6, "entry 15 sets the registry back to epoch 1, after 2");
    let changed = violation(|lines| lines.insert(15, line(400, epoch(2, 4))));
    is(
        changed,
        Invariant::I6,
        "entry 15 gives epoch 2 of the registry another content than entry 11",
    );
    let stray = violation(|lines| {
        lines.insert(15, line(400, Statement::Removal { epoch: Epoch(3) }));
    });
    is(
        stray,
        Invariant::I6,
        "entry 15 removes a number from the registry, and no epoch follows without it",
    );
}

/// A node that was not told that its removals are durable says them again at its next start, with
/// the epoch.
#[test]
fn i6_a_removal_that_is_said_again_is_no_other() {
    let mut lines = story();
    lines.insert(15, line(400, Statement::Removal { epoch: Epoch(2) }));
    lines.insert(16, line(400, late(2, 3, 1, 1)));
    let report = audit(&lines, &[object(101)]);
    assert_eq!(report.violations, []);
}

#[test]
fn i7_what_was_protected_late_is_quarantined_in_time() {
    let never = violation(|lines| {
        lines.remove(12);
    });
    let sentence =
        "entry 11 protects recorded numbers: 1 of 1 recordings were not quarantined in time";
    is(never, Invariant::I7, sentence);
    let late = violation(|lines| {
        let quarantine = lines.remove(12);
        let at = 201 + i64::try_from(QUARANTINE_WITHIN.as_secs()).unwrap();
        lines.insert(14, Line { at, ..quarantine });
    });
    is(late, Invariant::I7, sentence);
    let nothing = violation(|lines| lines.insert(13, line(202, quarantine(103, 2))));
    is(nothing, Invariant::I7, "entry 13 quarantines a recording that no entry had started");
    // The same recording twice is not two.
    let twice = violation(|lines| {
        lines[11].what = super::seeded::late(2, 3, 1, 2);
        lines.insert(13, line(202, quarantine(101, 2)));
    });
    assert_eq!(twice, Violation::NotQuarantined { index: 11, late: 2, missing: 1 });
}
