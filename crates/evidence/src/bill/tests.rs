use super::*;
use crate::{
    AuditKey, Entry, Mark, Random, Said, Standing, Statement, Unrecorded, leaf::write,
    limits::RANDOM_OCTETS,
};
use model::{
    CallId,
    fact::{Epoch, NumberClass, OffReason},
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_790_000_000_000_000 + seconds * 1_000_000)
}

/// Two entries of one call: that it was allowed, and that it was not recorded.
fn call(secret: Option<&CounselSecret>, n: u32, start: i64, talked: u64) -> [[u8; LEAF_OCTETS]; 2] {
    let standing =
        Standing { class: NumberClass::Protected, may_record: Err(OffReason::Protected) };
    let (id, talked) = (CallId(n.into()), Duration::from_secs(talked));
    let why = Unrecorded::Off(OffReason::Protected);
    let over_within = Duration::from_secs(3_600);
    let admission = Statement::Admission { call: id, epoch: Epoch(1), standing, over_within };
    let end = Statement::NotRecorded { call: id, why, talked };
    let key = AuditKey::new([1; 32]);
    [(admission, Duration::ZERO), (end, talked)].map(|(what, talked)| {
        let said = Said { at: at(start + 4_000), boot: 2, what };
        let note = Note { start: at(start), talked };
        let mark = secret.map(|secret| Mark { secret, counter: counter(2, n), note });
        let random = Random([u8::try_from(n).unwrap() + what.kind().code() * 16; RANDOM_OCTETS]);
        let entry = Entry { node: 1, interval: at(0), said: &said, detail: &[], mark };
        write(&entry, &key, &random)
    })
}

fn search(calls: &[[[u8; LEAF_OCTETS]; 2]]) -> Search {
    let mut search = Search::new();
    for (index, leaf) in (0..).zip(calls.iter().flatten()) {
        search.read(index, leaf);
    }
    search.read(99, b"no entry");
    search
}

fn row(row: u64, start: i64, seconds: u64) -> Billed {
    Billed { row, start: at(start), length: Duration::from_secs(seconds) }
}

#[test]
fn counsel_finds_their_own_calls_and_nobody_elses() {
    let [mine, other] = [1, 2].map(|fill| CounselSecret::new([fill; 32]));
    let search = search(&[
        call(Some(&mine), 0, 0, 300),
        call(None, 1, 50, 60),
        call(Some(&other), 0, 100, 600),
        call(Some(&mine), 1, 900, 30),
    ]);
    let found = search.find(&mine);
    let indices = |entries: &[(u64, Note)]| entries.iter().map(|(at, _)| *at).collect::<Vec<_>>();
    assert_eq!(indices(&found.admitted), [0, 6]);
    assert_eq!(indices(&found.unrecorded), [1, 7]);
    assert_eq!(found.unrecorded[0].1, Note { start: at(0), talked: Duration::from_secs(300) });
    assert_eq!(found.missing, 0);
    assert_eq!(indices(&search.find(&other).unrecorded), [5]);
    assert_eq!(search.find(&CounselSecret::new([3; 32])), Marked::default());
}

#[test]
fn a_number_of_counsels_that_is_missing_is_counted() {
    let mine = CounselSecret::new([1; 32]);
    let search = search(&[call(Some(&mine), 0, 0, 300), call(Some(&mine), 2, 900, 30)]);
    assert_eq!(search.find(&mine).missing, 1);
}

#[test]
fn the_three_lists_are_kept_apart() {
    let mine = CounselSecret::new([1; 32]);
    let search = search(&[
        call(Some(&mine), 0, 0, 300),
        // Treated as any other call: it carries no mark of counsel's.
        call(None, 1, 2_000, 600),
        call(Some(&mine), 1, 5_000, 120),
        // Nobody talked: no bill has it.
        call(Some(&mine), 2, 7_000, 0),
    ]);
    let bill = [row(1, -40, 360), row(2, 2_000, 600)];
    let compared = compare(&bill, &search.find(&mine).unrecorded);
    assert_eq!(compared.proven, [(bill[0], 1)]);
    assert_eq!(compared.unproven, [bill[1]], "the misclassified call has no proof");
    let left: Vec<u64> = compared.unbilled.iter().map(|(index, _)| *index).collect();
    assert_eq!(left, [5]);
}

#[test]
fn one_entry_proves_one_call_and_only_one_that_fits() {
    let note = Note { start: at(0), talked: Duration::from_secs(300) };
    let same_time = [row(1, 0, 300), row(2, 10, 300)];
    let compared = compare(&same_time, &[(7, note)]);
    assert_eq!((compared.proven.len(), compared.unproven.len()), (1, 1));
    for (start, seconds, fits) in
        [(150, 300, true), (151, 300, false), (-150, 300, true), (0, 450, true), (0, 451, false)]
    {
        let compared = compare(&[row(1, start, seconds)], &[(7, note)]);
        assert_eq!(compared.unproven.is_empty(), fits, "{start} {seconds}");
    }
}
