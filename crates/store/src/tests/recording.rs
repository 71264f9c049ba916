//! What a search of call records finds, and what it never finds.

use super::samples::{
    accepted, admitted, at, call, closed, denied, ended, filled, jail, number, protected, search,
};
use crate::{
    Store,
    records::{Came, Cursor, Own, Search},
};
use access::{Line, Month, Object};
use model::{
    AgencyId, CallId, FacilityId, PersonId, StationId, Timestamp,
    fact::{Admitted, EndReason, Epoch, Fact, NumberClass, RecordingState, Refusal, Rest},
};
use tempfile::TempDir;

const CEDAR: AgencyId = AgencyId(1);

fn own(person: u32, since: i64) -> Option<Own> {
    Some(Own::Person { person: PersonId(person), since: at(since) })
}

/// Which calls an entry of this search would name, by their counters.
fn found(store: &Store, search: &Search) -> Vec<u32> {
    let page = store.search(search).unwrap();
    let Object::Records { agency, records } = page.rows.object().clone() else { panic!() };
    assert_eq!(agency, search.agency);
    records.iter().map(|call| u32::try_from(call.0 & 0xffff_ffff).unwrap()).collect()
}

fn to(counter: u32, end: u64, class: NumberClass) -> Fact {
    let at = at(100 + i64::from(counter));
    Fact::Admitted(Box::new(Admitted {
        number: number(end),
        class,
        at,
        person: Some(PersonId(1 + counter % 2)),
        ..admitted(counter, None)
    }))
}

/// Ordinary calls 1 and 2, one to counsel (3), to a help line (4), to what is counsel's today (5),
/// to a number that is a help line today (6), to counsel who is not registered any more (7), and
/// two refusals (8, 9), of which the number of one is counsel's.
fn calls() -> (TempDir, Store) {
    let (folder, store) = filled();
    let refused = |counter, end| {
        let Fact::Denied(fact) = denied(counter) else { panic!() };
        Fact::Denied(Box::new(model::fact::Denied {
            at: at(100 + i64::from(counter)),
            number: Some(number(end)),
            ..*fact
        }))
    };
    let facts = [
        to(1, 42, NumberClass::Ordinary),
        accepted(1, Ok(Epoch(1))),
        closed(1, RecordingState::Ended),
        ended(1, 0, Rest::NoHold),
        to(2, 43, NumberClass::Free),
        to(3, 60, NumberClass::Protected),
        to(4, 80, NumberClass::Service),
        to(5, 61, NumberClass::Ordinary),
        to(6, 71, NumberClass::Ordinary),
        to(7, 62, NumberClass::Protected),
        refused(8, 44),
        refused(9, 60),
    ];
    let facts: Vec<_> = (1..).zip(facts).collect();
    store.project(&facts).unwrap();
    (folder, store)
}

#[test]
fn what_is_protected_then_or_now_is_no_ordinary_record() {
    let (_folder, store) = calls();
    assert_eq!(found(&store, &search(Line::Ordinary)), [1, 2, 8]);
    assert_eq!(found(&store, &search(Line::Protected)), [3, 5, 7, 9]);
    assert_eq!(found(&store, &search(Line::Shielded)), [] as [u32; 0]);
    let exactly = Search { number: Some(number(60)), ..search(Line::Ordinary) };
    assert_eq!(found(&store, &exactly), [] as [u32; 0]);
    assert_eq!(found(&store, &Search { line: Line::Protected, ..exactly }), [3, 9]);
    // A number that is protected later counts as protected from then on.
    let plan = crate::Plan { protected: Some(protected(&[42, 60, 61])), ..jail() };
    store.apply(&plan, at(500)).unwrap();
    assert_eq!(found(&store, &search(Line::Ordinary)), [2, 8]);
    let recording = store.recording_at(CEDAR, call(1).recording()).unwrap().unwrap();
    assert_eq!((recording.line, recording.closed), (Line::Protected, true));
    assert_eq!(store.recording_at(CEDAR, call(2).recording()).unwrap(), None);
    assert_eq!(store.recording_at(AgencyId(2), call(1).recording()).unwrap(), None);
}

#[test]
fn every_condition_narrows() {
    let (_folder, store) = calls();
    let all = || search(Line::Ordinary);
    for (search, expected) in [
        (Search { person: Some(PersonId(1)), ..all() }, vec![2]),
        (Search { person: Some(PersonId(2)), ..all() }, vec![1, 8]),
        (Search { number: Some(number(43)), ..all() }, vec![2]),
        (Search { number: Some(number(44)), ..all() }, vec![8]),
        (Search { facility: Some(FacilityId(2)), ..all() }, vec![]),
        (Search { facility: Some(FacilityId(1)), ..all() }, vec![1, 2, 8]),
        (Search { station: Some(StationId(2)), ..all() }, vec![8]),
        (Search { from: Some(at(102)), ..all() }, vec![2, 8]),
        (Search { until: Some(at(102)), ..all() }, vec![1]),
        (Search { from: Some(at(102)), until: Some(at(103)), ..all() }, vec![2]),
        (Search { recorded: Some(true), ..all() }, vec![1]),
        (Search { recorded: Some(false), ..all() }, vec![2, 8]),
        (Search { outcome: Some(Came::Open), ..all() }, vec![2]),
        (Search { outcome: Some(Came::Ended(EndReason::CalledHungUp)), ..all() }, vec![1]),
        (Search { outcome: Some(Came::Refused(Refusal::InsufficientFunds)), ..all() }, vec![8]),
        (Search { outcome: Some(Came::Refused(Refusal::NumberBlocked)), ..all() }, vec![]),
        (Search { agency: AgencyId(2), ..all() }, vec![]),
        // One's own: all but shielded lines.
        (Search { own: own(2, 0), ..search(Line::Own) }, vec![1, 3, 5, 7, 8, 9]),
        (Search { own: own(1, 0), ..search(Line::Own) }, vec![2]),
        (search(Line::Own), vec![]),
        // It is narrowed, and never widened: by another one, by a line, by since when it is theirs.
        (Search { person: Some(PersonId(1)), own: own(2, 0), ..search(Line::Own) }, vec![]),
        (Search { person: Some(PersonId(2)), ..search(Line::Own) }, vec![]),
        (Search { number: Some(number(43)), own: own(2, 0), ..search(Line::Own) }, vec![]),
        (Search { own: own(2, 0), ..search(Line::Protected) }, vec![3, 5, 7, 9]),
        (Search { own: own(2, 0), ..all() }, vec![1, 8]),
        (Search { own: own(2, 0), ..search(Line::Shielded) }, vec![]),
        (Search { own: own(2, 105), ..search(Line::Own) }, vec![5, 7, 8, 9]),
        (Search { own: own(2, 0), agency: AgencyId(2), ..search(Line::Own) }, vec![]),
    ] {
        assert_eq!(found(&store, &search), expected, "{search:?}");
    }
}

#[test]
fn pages_follow_each_other_without_a_gap() {
    let (_folder, store) = calls();
    let two = Search { limit: 2, ..search(Line::Ordinary) };
    let first = store.search(&two).unwrap();
    assert_eq!(first.next, Some(Cursor { at: at(102), record: 2 }));
    let rest = Search { after: first.next, ..two };
    assert_eq!(found(&store, &rest), [8]);
    assert_eq!(store.search(&rest).unwrap().next, None);
    let facts: Vec<_> =
        (13..).zip((10..120).map(|counter| to(counter, 42, NumberClass::Ordinary))).collect();
    store.project(&facts).unwrap();
    let mut wanted = Search { limit: 1_000, ..search(Line::Ordinary) };
    let mut all = Vec::new();
    loop {
        all.extend(found(&store, &wanted));
        let Some(next) = store.search(&wanted).unwrap().next else { break };
        assert_eq!(all.len() % 50, 0);
        wanted.after = Some(next);
    }
    assert_eq!(all.len(), 113);
}

#[test]
fn records_of_calls_are_those_on_the_line_that_was_asked_for() {
    let (_folder, store) = calls();
    let calls: Vec<CallId> = (1..=9).map(call).collect();
    let records = store.records(CEDAR, &calls, Line::Ordinary, None).unwrap();
    let object = Object::Records { agency: CEDAR, records: calls.clone() };
    assert_eq!((records.object(), format!("{records:?}")), (&object, "[undisclosed]".to_owned()));
}

#[test]
fn protected_calls_are_counted_by_month_and_shielded_ones_nowhere() {
    let (_folder, store) = calls();
    let month = Month { year: 1970, month: 1 };
    let february = Month { year: 1970, month: 2 };
    let days = |days: i64| at(days * 86_400);
    let months = [(month, days(0)..days(31)), (february, days(31)..days(59))];
    let counts = store.protected_counts(CEDAR, &months).unwrap();
    let object = Object::Counts { agency: CEDAR, months: vec![month, february] };
    assert_eq!(counts.object(), &object);
    let none: [(Month, std::ops::Range<Timestamp>); 0] = [];
    assert_eq!(store.protected_counts(CEDAR, &none).unwrap().object().rows(), 0);
}

#[test]
fn keys_become_numbers() {
    let (_folder, store) = filled();
    let key = |key: &str| model::Private::new(key.to_owned());
    assert_eq!(store.person_of(CEDAR, &key("P-2")).unwrap(), Some(PersonId(2)));
    assert_eq!(store.person_of(CEDAR, &key("P-9")).unwrap(), None);
    assert_eq!(store.person_of(AgencyId(2), &key("P-2")).unwrap(), None);
    assert_eq!(store.facility_of(CEDAR, "cedar/annex").unwrap(), Some(FacilityId(2)));
    assert_eq!(store.station_of(CEDAR, "cedar/jail/a/2").unwrap(), Some(StationId(2)));
    assert_eq!(store.station_of(CEDAR, "cedar/jail/a/9").unwrap(), None);
    assert_eq!(store.zone_of(CEDAR).unwrap().as_deref(), Some("America/Denver"));
}

#[test]
fn whoever_took_a_copy_is_told_once_for_each_act() {
    use crate::records::CopyRow;
    use access::{Purpose, Role};
    let (_folder, store) = filled();
    let copy = |entry, recording| CopyRow {
        audience: access::Audience::Court,
        entry,
        recording,
        role: Role::Defence,
        purpose: Purpose::Discovery,
        at: at(100),
    };
    store.add_copies(CEDAR, &[call(1), call(2)], &copy(7, false)).unwrap();
    store.add_copies(CEDAR, &[call(2)], &copy(5, true)).unwrap();
    store.add_copies(CEDAR, &[call(2)], &copy(5, true)).unwrap();
    assert_eq!(store.copies(CEDAR, &[call(1)]).unwrap(), [copy(7, false)]);
    assert_eq!(store.copies(CEDAR, &[call(1), call(2)]).unwrap(), [copy(5, true), copy(7, false)]);
    assert_eq!(store.copies(CEDAR, &[call(3)]).unwrap(), []);
    assert_eq!(store.copies(AgencyId(2), &[call(1)]).unwrap(), []);
}
