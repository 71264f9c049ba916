//! I8: recorded names.

use super::*;
use NumberClass::Ordinary;

const A: [u8; 32] = [0xa1; 32];
const B: [u8; 32] = [0xb2; 32];

/// A name is recorded, then its call goes out; staff listen to it and approve it. Another one is
/// removed again.
fn story() -> Vec<Line> {
    vec![
        boot(1, 0),
        line(0, epoch(1, 0)),
        line(5, recorded(101, A)),
        line(10, admission(101, 1, Ordinary)),
        line(20, not_recorded(101, Unrecorded::NobodyTalked)),
        line(30, Statement::NameHeard { sha256: A }),
        line(31, Statement::NameApproved { sha256: A }),
        line(40, recorded(102, B)),
        line(50, Statement::NameRemoved { sha256: B }),
    ]
}

/// What makes the story another one.
type Change<'a> = &'a dyn Fn(&mut Vec<Line>);

fn recorded(call: u64, sha256: [u8; 32]) -> Statement {
    Statement::NameRecorded { call: CallId(call), sha256 }
}

fn stored(sha256: [u8; 32]) -> StoredName {
    StoredName { sha256, placed: true }
}

fn found(lines: &[Line], files: &[StoredName]) -> Vec<Violation> {
    let mut auditor = Auditor::new(key());
    for (index, leaf) in (0..).zip(write(lines)) {
        auditor.read(index, &leaf);
    }
    auditor.stored_names(files.iter().copied());
    auditor.finish([]).violations
}

#[test]
fn a_clean_story_of_names_breaks_nothing() {
    assert_eq!(found(&story(), &[stored(A)]), []);
    // One on its way into its place is nobody's yet, or is entered already.
    let way = |sha256| StoredName { sha256, placed: false };
    assert_eq!(found(&story(), &[way(A), way([9; 32])]), []);
    assert_eq!(audit(&story(), &[]).names, 2);
}

#[test]
fn i8_every_way_in_which_a_name_is_wrong_is_found() {
    let index = 3;
    let cases: [(Change<'_>, &[StoredName], Violation); 9] = [
        (&|lines| lines.swap(2, 3), &[stored(A)], Violation::NameInCall { index, first: 2 }),
        (
            &|lines| lines.insert(3, line(6, recorded(103, A))),
            &[stored(A)],
            Violation::NameTwice { index, first: 2 },
        ),
        (
            &|lines| {
                lines.remove(5);
            },
            &[stored(A)],
            Violation::NameUnheard { index: 5 },
        ),
        (
            &|lines| lines.push(line(60, Statement::NameHeard { sha256: [7; 32] })),
            &[stored(A)],
            Violation::NameOfNothing { index: 9 },
        ),
        (
            &|lines| lines.push(line(60, Statement::NameApproved { sha256: B })),
            &[stored(A)],
            Violation::NameOfNothing { index: 9 },
        ),
        (
            &|lines| lines.push(line(60, Statement::NameRemoved { sha256: B })),
            &[stored(A)],
            Violation::NameOfNothing { index: 9 },
        ),
        (&|_| {}, &[stored(A), stored([9; 32])], Violation::ExtraName),
        (&|_| {}, &[], Violation::MissingName { index: 2 }),
        (&|_| {}, &[stored(A), stored(B)], Violation::RemovedName { index: 8 }),
    ];
    for (change, files, expected) in cases {
        let mut lines = story();
        change(&mut lines);
        assert_eq!(found(&lines, files), [expected]);
        assert_eq!(expected.invariant(), Invariant::I8);
    }
    // The same file twice is one too many.
    assert_eq!(found(&story(), &[stored(A), stored(A)]), [Violation::ExtraName]);
}
