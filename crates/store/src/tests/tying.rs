//! Whose calls a log-in shows, and what ends it.

use super::samples::{
    self, accepted, admitted, at, ended, filled, jail, number, person, protected,
};
use crate::{
    Store, TieRow, TieState, TieTo,
    plan::{Agency, Plan, ProtectedNumber},
    records::{CopyRow, Own, OwnNumber, Record, RecordingAt, Search},
    staff::{Enrolment, NewStaff},
};
use access::{Audience, Line, Month, Object, Purpose, Role};
use model::{
    AgencyId, CallId, PersonId, Private, StaffId, StationId, Timestamp,
    fact::{Admitted, Epoch, Fact, NumberClass, OffReason, Rest},
};
use std::ops::Range;

const CEDAR: AgencyId = AgencyId(1);
const PINE: AgencyId = AgencyId(2);
const ADMIN: StaffId = StaffId(90);

fn private(text: &str) -> Private<String> {
    Private::new(text.to_owned())
}

/// A log-in that is tied since second 2.
fn tied(store: &Store, role: Role, to: TieTo) -> StaffId {
    let id = store.next_staff().unwrap();
    let enrolment = Enrolment { token: [0; 32], until: at(9) };
    let name = private(&format!("log-in {}", id.0));
    store.add_staff(&NewStaff { id, agency: CEDAR, name, role, enrolment }, at(1)).unwrap();
    let act = u64::from(id.0);
    let (by, approved) = (ADMIN, None);
    let row =
        TieRow { act, agency: CEDAR, staff: id, to, by, asked: at(1), until: at(9), approved };
    store.add_tie(&row).unwrap();
    assert_eq!(store.own_of(id, CEDAR).unwrap(), None, "it waits");
    store.set_tie(act, TieState::Tied, (StaffId(91), at(2))).unwrap();
    id
}

fn person_two(store: &Store) -> StaffId {
    let named = (&private("P-2"), &private(" person p-2 "));
    let to = store.person_called(CEDAR, named).unwrap().unwrap();
    tied(store, Role::Person, to)
}

fn counsel(store: &Store, holder: &str) -> StaffId {
    assert!(store.held_by(CEDAR, &private(holder)).unwrap() > 0);
    tied(store, Role::Counsel, TieTo::Holder(private(holder)))
}

fn own_person(since: i64) -> Option<Own> {
    Some(Own::Person { person: PersonId(2), since: at(since) })
}

fn own_numbers(numbers: &[(u64, i64)]) -> Option<Own> {
    let own = |(end, since): &(u64, i64)| OwnNumber { number: number(*end), since: at(*since) };
    Some(Own::Counsel(numbers.iter().map(own).collect()))
}

fn pine(protected: &[(u64, &str)]) -> Plan {
    let of = |(end, holder): &(u64, &str)| ProtectedNumber {
        agency: "pine".into(),
        number: number(*end),
        holder: Some(private(holder)),
    };
    let numbers = protected.iter().map(of).collect();
    Plan {
        agencies: vec![Agency { key: "pine".into(), name: "Pine".into(), keyholder: None }],
        protected: Some(crate::plan::Protected { numbers, replace: false, count: None }),
        ..Plan::default()
    }
}

#[test]
fn a_person_is_found_by_number_and_name_together() {
    let (_folder, store) = filled();
    let found = |key, name| store.person_called(CEDAR, (&private(key), &private(name))).unwrap();
    let Some(TieTo::Person { person, key, name }) = found("P-2", "PERSON P-2") else { panic!() };
    assert_eq!((person, key, name), (PersonId(2), private("P-2"), private("Person P-2")));
    for (key, name) in [("P-2", "Person P-1"), ("P-1", "Person P-2"), ("P-9", "Person P-9")] {
        assert_eq!(found(key, name), None, "{key} {name}");
    }
    let elsewhere = (&private("P-2"), &private("Person P-2"));
    assert_eq!(store.person_called(PINE, elsewhere).unwrap(), None);
    assert_eq!(store.held_by(CEDAR, &private("Counsel 60")).unwrap(), 1);
    assert_eq!(store.held_by(CEDAR, &private("counsel 60")).unwrap(), 0, "letter for letter");
}

#[test]
fn a_person_s_own_goes_with_them_and_ends_when_the_number_is_somebody_else_s() {
    let (_folder, store) = filled();
    let staff = person_two(&store);
    assert_eq!(store.own_of(staff, CEDAR).unwrap(), own_person(1));
    assert_eq!(store.own_of(staff, PINE).unwrap(), None);
    let apply = |person: crate::plan::Person, now| {
        store.apply(&Plan { people: vec![person], ..Plan::default() }, at(now)).unwrap();
        store.own_of(staff, CEDAR).unwrap()
    };
    let two = || person("P-2", 2);
    // To another facility, and out.
    let moved = crate::plan::Person { facility: "cedar/annex".into(), ..two() };
    assert_eq!(apply(moved.clone(), 10), own_person(1));
    assert_eq!(apply(crate::plan::Person { removed: true, ..moved }, 11), own_person(1));
    let shouted = crate::plan::Person { name: private("PERSON P-2"), ..two() };
    assert_eq!(apply(shouted, 12), own_person(1), "the same name");
    // The agency gives the number to somebody else.
    let other = crate::plan::Person { name: private("Robin Other"), ..two() };
    assert_eq!(apply(other, 13), None);
    // Back again, and what was called in between is still not theirs.
    assert_eq!(apply(two(), 14), own_person(14));
}

#[test]
fn another_role_a_new_password_and_the_end_of_access_end_a_tie() {
    let (_folder, store) = filled();
    let ends: [&dyn Fn(StaffId); 4] = [
        &|staff| store.set_role(staff, Role::Clerk, at(5)).unwrap(),
        &|staff| store.revoke_staff(staff, at(5)).unwrap(),
        &|staff| {
            let enrolment = Enrolment { token: [1; 32], until: at(9) };
            store.release_staff(staff, Some(enrolment), at(5)).unwrap();
        },
        &|staff| store.set_tie(staff.0.into(), TieState::Ended, (ADMIN, at(5))).unwrap(),
    ];
    for end in ends {
        let staff = person_two(&store);
        // A lock that ends is no new password.
        store.release_staff(staff, None, at(4)).unwrap();
        assert_eq!(store.own_of(staff, CEDAR).unwrap(), own_person(1));
        assert_eq!(store.ties(CEDAR, at(4)).unwrap().len(), 1);
        end(staff);
        assert_eq!(store.own_of(staff, CEDAR).unwrap(), None);
        assert_eq!(store.ties(CEDAR, at(4)).unwrap(), []);
        // What is over does not come back.
        store.set_tie(staff.0.into(), TieState::Tied, (ADMIN, at(6))).unwrap();
        assert_eq!(store.own_of(staff, CEDAR).unwrap(), None);
    }
}

#[test]
fn counsel_s_own_are_the_numbers_that_the_registry_names_them_for() {
    let (_folder, store) = filled();
    let staff = counsel(&store, "Counsel 60");
    assert_eq!(store.own_of(staff, CEDAR).unwrap(), own_numbers(&[(60, 1)]));
    // Another number, later; and one that is protected no longer.
    let mut more = protected(&[60, 62]);
    more.numbers[1].holder = Some(private("Counsel 60"));
    store.apply(&Plan { protected: Some(more.clone()), ..Plan::default() }, at(20)).unwrap();
    assert_eq!(store.own_of(staff, CEDAR).unwrap(), own_numbers(&[(60, 1), (62, 20)]));
    more.numbers.remove(0);
    more.replace = true;
    let only = Plan { agencies: jail().agencies, protected: Some(more), ..Plan::default() };
    store.apply(&only, at(21)).unwrap();
    assert_eq!(store.own_of(staff, CEDAR).unwrap(), own_numbers(&[(62, 20)]));
    // It is somebody else's now, and then theirs again: of before nothing is.
    let hers = |name: &str, now| {
        let mut one = protected(&[62]);
        one.numbers[0].holder = Some(private(name));
        store.apply(&Plan { protected: Some(one), ..Plan::default() }, at(now)).unwrap();
        store.own_of(staff, CEDAR).unwrap()
    };
    assert_eq!(hers("Counsel 62", 22), own_numbers(&[]));
    assert_eq!(hers("Counsel 60", 23), own_numbers(&[(62, 23)]));
}

#[test]
fn at_another_agency_counsel_has_what_both_registries_say() {
    let (_folder, store) = filled();
    let staff = counsel(&store, "Counsel 60");
    store.apply(&pine(&[(61, "Counsel 60"), (63, "Counsel 60")]), at(30)).unwrap();
    // Pine has a counsel of this name; that it is the same one, Cedar does not say.
    assert_eq!(store.own_of(staff, PINE).unwrap(), None);
    store.apply(&pine(&[(60, "Somebody else")]), at(31)).unwrap();
    assert_eq!(store.own_of(staff, PINE).unwrap(), None);
    store.apply(&pine(&[(60, "Counsel 60")]), at(32)).unwrap();
    assert_eq!(store.own_of(staff, PINE).unwrap(), own_numbers(&[(60, 32)]));
    assert_eq!(store.own_of(staff, CEDAR).unwrap(), own_numbers(&[(60, 1)]));
}

fn search(own: Option<Own>) -> Search {
    Search { own, ..samples::search(Line::Own) }
}

/// Calls to counsel, one that they took (1) and one that they did not (2); another counsel's (3);
/// an ordinary one (4).
fn calls(store: &Store) {
    let to = |counter: u32, end, class| {
        let at = at(100 + i64::from(counter));
        let call = Admitted { number: number(end), class, at, ..admitted(counter, None) };
        Fact::Admitted(Box::new(call))
    };
    let facts = [
        to(1, 60, NumberClass::Protected),
        accepted(1, Err(OffReason::Protected)),
        ended(1, 0, Rest::NoHold),
        to(2, 60, NumberClass::Protected),
        to(3, 61, NumberClass::Protected),
        to(4, 42, NumberClass::Ordinary),
        accepted(4, Ok(Epoch(1))),
    ];
    let facts: Vec<_> = (1..).zip(facts).collect();
    store.project(&facts).unwrap();
}

fn counters(store: &Store, search: &Search) -> Vec<u32> {
    let page = store.search(search).unwrap();
    let Object::Records { records, .. } = page.rows.object().clone() else { panic!() };
    records.iter().map(|call| u32::try_from(call.0 & 0xffff_ffff).unwrap()).collect()
}

/// The rows as they are shown; tests are their own receipt.
fn rows(store: &Store, own: &Own) -> Vec<Record> {
    let calls: Vec<CallId> = (1..5).map(super::samples::call).collect();
    store.0.run(async {
        let mut work = store.0.read().await.unwrap();
        crate::records::read_for_tests(&mut work, CEDAR, &calls, own).await
    })
}

#[test]
fn counsel_is_shown_who_reached_them_and_nobody_else() {
    let (_folder, store) = filled();
    calls(&store);
    let own = own_numbers(&[(60, 1)]);
    assert_eq!(counters(&store, &search(own.clone())), [1, 2]);
    assert_eq!(counters(&store, &search(own_numbers(&[(60, 102)]))), [2]);
    assert_eq!(counters(&store, &search(own_numbers(&[]))), [] as [u32; 0]);
    let shown = rows(&store, own.as_ref().unwrap());
    let shown: Vec<_> = shown
        .iter()
        .map(|record| {
            let person = record.person_key.as_ref().map(|key| key.expose().as_str());
            let name = record.person_name.as_ref().map(|name| name.expose().as_str());
            assert_eq!((record.station.as_str(), record.row.unit), ("", None));
            assert_eq!(record.row.person.is_some(), person.is_some());
            (person, name, record.recording())
        })
        .collect();
    let reached = (Some("P-1"), Some("Person P-1"), "protected");
    assert_eq!(shown, [reached, (None, None, "no_talk")]);
    // And what is not shown is not found out by asking for it.
    let by_person = Search { person: Some(PersonId(1)), ..search(own.clone()) };
    assert_eq!(counters(&store, &by_person), [1]);
    let by_station = Search { station: Some(StationId(1)), ..search(own.clone()) };
    assert_eq!(counters(&store, &by_station), [] as [u32; 0]);
    let other = Search { number: Some(number(61)), ..search(own) };
    assert_eq!(counters(&store, &other), [] as [u32; 0]);
}

#[test]
fn own_calls_are_counted_and_their_copies_told() {
    let (_folder, store) = filled();
    calls(&store);
    let month = Month { year: 1970, month: 1 };
    let all: Range<Timestamp> = at(0)..at(10_000);
    let counts = |own: &Own| {
        let counts = store.own_counts(CEDAR, own, &[(month, all.clone())]).unwrap();
        assert_eq!(*counts.object(), Object::Counts { agency: CEDAR, months: vec![month] });
        store.0.run(async {
            let mut work = store.0.read().await.unwrap();
            let line = (Line::Own, Some(own));
            crate::records::lines::count(&mut work, CEDAR, &all, line).await.unwrap()
        })
    };
    let one = Own::Person { person: PersonId(1), since: at(0) };
    assert_eq!(counts(&one), 4);
    assert_eq!(counts(own_numbers(&[(60, 1)]).as_ref().unwrap()), 2);
    let copy = |entry, recording| CopyRow {
        entry,
        recording,
        audience: Audience::Prosecution,
        role: Role::Investigator,
        purpose: Purpose::Investigation,
        at: at(500 + i64::try_from(entry).unwrap()),
    };
    let call = super::samples::call;
    store.add_copies(CEDAR, &[call(1), call(4)], &copy(7, false)).unwrap();
    store.add_copies(CEDAR, &[call(4)], &copy(8, true)).unwrap();
    let copies = |own: &Own, times| store.own_copies(CEDAR, own, times).unwrap();
    let ever = (at(0), at(10_000));
    assert_eq!(copies(&one, ever), [copy(7, false), copy(8, true)]);
    assert_eq!(copies(&one, (at(0), at(508))), [copy(7, false)]);
    assert_eq!(copies(own_numbers(&[(60, 1)]).as_ref().unwrap(), ever), [copy(7, false)]);
    assert_eq!(copies(own_person(0).as_ref().unwrap(), ever), []);
}

#[test]
fn a_recording_is_the_person_s_own_while_the_call_is_ordinary() {
    let own = own_person(50).unwrap();
    let recording =
        RecordingAt { line: Line::Ordinary, person: Some(PersonId(2)), closed: true, at: at(60) };
    assert!(own.has_recording(&recording));
    for other in [
        RecordingAt { line: Line::Protected, ..recording },
        RecordingAt { line: Line::Shielded, ..recording },
        RecordingAt { person: Some(PersonId(1)), ..recording },
        RecordingAt { person: None, ..recording },
        RecordingAt { at: at(49), ..recording },
    ] {
        assert!(!own.has_recording(&other), "{other:?}");
    }
    let counsel = own_numbers(&[(60, 1)]).unwrap();
    assert!(!counsel.has_recording(&recording));
}
