//! What is left of names and numbers when their time is over: nothing, in no file.

use super::samples::{
    accepted, admitted, at, call, closed, contact, denied, ended, filled, jail, keys, number,
    person, search,
};
use crate::{
    Basis, CallFilter, Class, Due, NewHold, RecordsCount, RuleRow, Store, Swept,
    limits::ROOM_LEFT_OCTETS,
    plan::{Contact, Plan, Protected},
    sealing::field::{ALL, Field},
};
use access::{Line, Object};
use model::{
    AgencyId, FacilityId, Language, PersonId, Private, StaffId, Timestamp,
    fact::{Admitted, Denied, Ended, Epoch, Fact, NumberClass, OffReason, RecordingState, Rest},
};
use sqlx::Row as _;
use std::{collections::HashSet, fs, path::Path, time::Duration};

const CEDAR: AgencyId = AgencyId(1);
const TERM: Duration = Duration::from_secs(1_000);

fn to(counter: u32, end: u64, class: NumberClass, when: i64) -> Fact {
    let person = Some(PersonId(1 + counter % 2));
    let number = number(end);
    Fact::Admitted(Box::new(Admitted {
        number,
        class,
        at: at(when),
        person,
        ..admitted(counter, None)
    }))
}

fn over(counter: u32, when: i64) -> Fact {
    let Fact::Ended(fact) = ended(counter, 0, Rest::NoHold) else { panic!() };
    Fact::Ended(Box::new(Ended { at: at(when), ..*fact }))
}

fn refused(counter: u32, end: Option<u64>, when: i64) -> Fact {
    let Fact::Denied(fact) = denied(counter) else { panic!() };
    Fact::Denied(Box::new(Denied { at: at(when), number: end.map(number), ..*fact }))
}

fn project(store: &Store, facts: impl IntoIterator<Item = Fact>) {
    let next = store.projected().unwrap() + 1;
    let facts: Vec<_> = (next..).zip(facts).collect();
    store.project(&facts).unwrap();
}

/// Erases everything that is due then, a few at a time.
fn erase(store: &Store, now: Timestamp) -> RecordsCount {
    let due = store.records_due(CEDAR, TERM, now).unwrap();
    let mut sum = RecordsCount::default();
    loop {
        let erased = store.erase_records(CEDAR, TERM, now, 7).unwrap();
        if erased.total() == 0 {
            break;
        }
        assert!(erased.calls <= 7 && erased.refusals <= 7);
        sum.calls += erased.calls;
        sum.refusals += erased.refusals;
        sum.languages += erased.languages;
        sum.people += erased.people;
    }
    assert!((sum.calls, sum.refusals) == (due.calls, due.refusals), "{sum:?} of {due:?}");
    assert_eq!(store.records_due(CEDAR, TERM, now).unwrap(), RecordsCount::default());
    sum
}

/// Sixteen octets of every sealed value and blind index that is in the tables.
fn sealed(store: &Store) -> HashSet<[u8; 16]> {
    let mut found = HashSet::new();
    for Field { table, column, kind } in ALL {
        let indexed = if kind.is_empty() { "NULL".to_owned() } else { format!("{column}_ix") };
        let sql = format!("SELECT {column}, {indexed} FROM {table}");
        let rows = store.0.run(async {
            let mut work = store.0.read().await.unwrap();
            let query = sqlx::query(sqlx::AssertSqlSafe(sql));
            query.fetch_all(&mut *work).await.unwrap()
        });
        for row in rows {
            let [value, index] = [0, 1].map(|at| row.get::<Option<Vec<u8>>, _>(at));
            // The nonce and the first octets of what was sealed.
            found.extend(value.map(|value| <[u8; 16]>::try_from(&value[1..17]).unwrap()));
            found.extend(index.map(|index| <[u8; 16]>::try_from(index).unwrap()));
        }
    }
    found
}

/// How many of these stand in a file of the folder, and in which kinds of files.
fn standing(folder: &Path, wanted: &HashSet<[u8; 16]>) -> (usize, Vec<String>) {
    let (mut found, mut files) = (HashSet::new(), Vec::new());
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let octets = fs::read(&path).unwrap();
        let here: HashSet<_> = octets.windows(16).filter_map(|window| wanted.get(window)).collect();
        if !here.is_empty() {
            files.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
        found.extend(here.into_iter().copied());
    }
    files.sort();
    (found.len(), files)
}

/// Many calls of two times, in both tables and with all that can happen to them, so that rows move
/// between pages. Numbers of the earlier time are below 60.
fn many(store: &Store) {
    for (began, first, ends) in [(1_000, 1, 0..60), (5_000, 1_000, 60..100)] {
        let numbers: Vec<u64> = ends.collect();
        let end = |counter: u32| numbers[counter as usize * 37 % numbers.len()];
        for counter in first..first + 400 {
            let when = began + i64::from(counter - first);
            let Fact::Admitted(fact) = to(counter, end(counter), NumberClass::Ordinary, when)
            else {
                panic!()
            };
            // Only one of the two calls later on.
            let person = if first == 1 { fact.person } else { Some(PersonId(2)) };
            project(store, [Fact::Admitted(Box::new(Admitted { person, ..*fact }))]);
        }
        for counter in first..first + 400 {
            let when = began + i64::from(counter - first);
            let mut facts =
                vec![accepted(counter, Err(OffReason::PrivateClaim)), over(counter, when + 60)];
            if counter % 5 == 0 {
                let number = number(end(counter));
                let call = call(counter);
                facts.push(Fact::PrivateClaimed { call, agency: CEDAR, number, at: at(when) });
                let language = Language::Es;
                facts.push(Fact::LanguageChosen { agency: CEDAR, number, language, at: at(when) });
                facts.push(refused(counter, Some(end(counter)), when));
            }
            project(store, facts);
        }
    }
}

#[test]
fn erased_values_are_in_no_file() {
    let (folder, store) = filled();
    // Nothing of the plan names a number of the earlier time, but for the contacts of who leaves.
    let mut plan = jail();
    plan.people[0].removed = true;
    plan.contacts = vec![contact("P-1", 7), contact("P-1", 8)];
    plan.contacts.extend(jail().contacts.into_iter().map(|it| Contact { removed: true, ..it }));
    for rule in &mut plan.numbers {
        rule.rule = None;
    }
    store.apply(&plan, at(900)).unwrap();
    many(&store);
    let before = sealed(&store);
    let (found, files) = standing(folder.path(), &before);
    assert_eq!(found, before.len(), "the search finds what is there");
    assert!(files.contains(&"cell.db-wal".to_owned()), "{files:?}");

    let erased = erase(&store, at(4_000));
    let expected =
        RecordsCount { calls: 400, refusals: 80, languages: erased.languages, people: 1 };
    assert_eq!(erased, expected);
    assert!(erased.languages > 10, "{erased:?}");
    let after = sealed(&store);
    let gone: HashSet<_> = before.difference(&after).copied().collect();
    assert!(gone.len() > 500, "{} of {}", gone.len(), before.len());
    assert!(standing(folder.path(), &gone).0 > 0, "as long as nobody swept");
    assert_eq!(store.sweep().unwrap(), Swept::Clean);
    for counter in [2_000, 2_001] {
        assert_eq!(standing(folder.path(), &gone), (0, vec![]));
        assert_eq!(standing(folder.path(), &after).0, after.len());
        project(&store, [to(counter, 99, NumberClass::Ordinary, 6_000)]);
    }
    assert_eq!(store.sweep().unwrap(), Swept::Clean);
    let rows = store.calls(&CallFilter::default()).unwrap();
    assert_eq!(rows.iter().filter(|row| row.number.is_none()).count(), 480);
    drop(store);
    assert_eq!(standing(folder.path(), &gone), (0, vec![]));
    let again = Store::open(&folder.path().join("cell.db"), &keys()).unwrap();
    assert_eq!(again.calls(&CallFilter::default()).unwrap(), rows);
}

#[test]
fn what_a_plan_takes_out_is_overwritten_where_it_stood() {
    let (folder, store) = filled();
    store.sweep().unwrap();
    let before = sealed(&store);
    let mut plan = jail();
    plan.contacts = vec![Contact { removed: true, ..contact("P-1", 43) }];
    store.apply(&plan, at(2)).unwrap();
    let gone: HashSet<_> = before.difference(&sealed(&store)).copied().collect();
    assert_eq!(gone.len(), 2, "the number and its index, which nothing else had");
    assert!(standing(folder.path(), &gone).0 > 0);
    // Nothing of the records was erased: the file is not written anew.
    assert_eq!(store.sweep().unwrap(), Swept::Clean);
    assert_eq!(standing(folder.path(), &gone), (0, vec![]));
}

#[test]
fn where_there_is_no_room_the_file_is_left_as_it_is_until_there_is() {
    let (folder, store) = filled();
    project(&store, [to(1, 42, NumberClass::Ordinary, 100), over(1, 200)]);
    let before = sealed(&store);
    erase(&store, at(2_000));
    let gone: HashSet<_> = before.difference(&sealed(&store)).copied().collect();
    let octets = folder.path().join("cell.db").metadata().unwrap().len();
    for free in [0, ROOM_LEFT_OCTETS, ROOM_LEFT_OCTETS + octets - 1] {
        let refused = store.sweep_within(&move |_| Ok(free)).unwrap_err().to_string();
        assert!(refused.contains("free some space: until then copies"), "{refused}");
        assert!(refused.contains("MiB must be free on the disk of"), "{refused}");
    }
    assert!(standing(folder.path(), &gone).0 > 0, "nothing was written anew");
    let unknown = store.sweep_within(&|_| Err(std::io::ErrorKind::PermissionDenied.into()));
    assert!(unknown.is_err(), "in doubt it is not begun");
    // Both folders may be on one disk, and the write-ahead log counts, too.
    let enough = ROOM_LEFT_OCTETS + (64 << 20);
    assert_eq!(store.sweep_within(&move |_| Ok(enough)).unwrap(), Swept::Clean);
    assert_eq!(standing(folder.path(), &gone), (0, vec![]));
}

#[test]
fn whoever_reads_all_the_time_keeps_the_log_and_is_named() {
    let (_folder, store) = filled();
    project(&store, [to(1, 42, NumberClass::Ordinary, 100), over(1, 200)]);
    erase(&store, at(2_000));
    let reading = store.0.run(async {
        let mut work = store.0.read().await.unwrap();
        sqlx::query("SELECT * FROM cell").fetch_all(&mut *work).await.unwrap();
        sqlx::query("PRAGMA busy_timeout = 0").execute(store.0.writer()).await.unwrap();
        work
    });
    assert_eq!(store.sweep().unwrap(), Swept::Busy);
    store.0.run(async { drop(reading) });
    assert_eq!(store.sweep().unwrap(), Swept::Clean);
}

fn found(store: &Store, line: Line) -> Vec<u32> {
    let page = store.search(&search(line)).unwrap();
    let Object::Records { records, .. } = page.rows.object().clone() else { panic!() };
    records.iter().map(|call| u32::try_from(call.0 & 0xffff_ffff).unwrap()).collect()
}

/// Calls on protected lines.
fn count(store: &Store) -> u64 {
    store.0.run(async {
        let mut work = store.0.read().await.unwrap();
        let times = at(0)..at(10_000);
        let line = (Line::Protected, None);
        crate::records::lines::count(&mut work, CEDAR, &times, line).await.unwrap()
    })
}

#[test]
fn counsel_stays_counsel_and_help_stays_hidden() {
    let (_folder, store) = filled();
    let claim =
        Fact::PrivateClaimed { call: call(8), agency: CEDAR, number: number(48), at: at(108) };
    project(
        &store,
        [
            to(1, 42, NumberClass::Ordinary, 101),
            to(2, 60, NumberClass::Protected, 102),
            to(3, 61, NumberClass::Ordinary, 103), // Counsel's today.
            to(4, 62, NumberClass::Protected, 104), // Counsel's then.
            to(5, 80, NumberClass::Service, 105),
            to(6, 71, NumberClass::Ordinary, 106), // A help line today.
            to(8, 48, NumberClass::Ordinary, 108),
            claim,
            refused(9, Some(60), 109),
            refused(10, Some(71), 110),
            refused(11, None, 111),
        ],
    );
    let calls = [1, 2, 3, 4, 5, 6, 8];
    project(&store, calls.map(|counter| over(counter, 150)));
    let lines = |store: &Store| [Line::Ordinary, Line::Protected].map(|line| found(store, line));
    let (before, counted) = (lines(&store), count(&store));
    assert_eq!(before, [vec![1, 11], vec![2, 3, 4, 8, 9]]);
    assert_eq!(counted, 4);
    assert_eq!((erase(&store, at(3_000)).calls, store.sweep().unwrap()), (7, Swept::Clean));
    assert_eq!((lines(&store), count(&store)), (before.clone(), counted));
    // Nor does it change with what is registered later.
    let nobody = Protected { numbers: Vec::new(), replace: true, count: Some(0) };
    let mut plan = Plan { protected: Some(nobody), ..jail() };
    plan.services[1].kind = None;
    store.apply(&plan, at(3_100)).unwrap();
    assert_eq!((lines(&store), count(&store)), (before, counted));
    let rows = store.calls(&CallFilter::default()).unwrap();
    assert!(rows.iter().all(|row| row.number.is_none() && row.person.is_none()));
    assert_eq!(rows.len(), 10, "that there was a call stays, and when");
}

/// Which of the calls have their number still.
fn kept(store: &Store) -> Vec<u32> {
    let rows = store.calls(&CallFilter::default()).unwrap().into_iter();
    let kept = rows.filter(|row| row.number.is_some());
    kept.map(|row| u32::try_from(row.call.0 & 0xffff_ffff).unwrap()).collect()
}

fn hold() -> NewHold {
    NewHold {
        agency: CEDAR,
        act: 1,
        staff: StaffId(1),
        case: Private::new("24-CR-0117".into()),
        person: None,
        number: None,
        facility: None,
        from: None,
        until: None,
    }
}

#[test]
fn a_hold_keeps_what_it_fits_until_it_is_released() {
    for (what, keeps) in [
        (NewHold { number: Some(number(42)), ..hold() }, vec![1, 5]),
        (NewHold { person: Some(PersonId(1)), ..hold() }, vec![2]),
        (NewHold { person: Some(PersonId(1)), number: Some(number(42)), ..hold() }, vec![]),
        (NewHold { from: Some(at(160)), until: Some(at(104)), ..hold() }, vec![3]),
        (NewHold { until: Some(at(102)), ..hold() }, vec![1]),
        (NewHold { facility: Some(FacilityId(1)), until: Some(at(102)), ..hold() }, vec![1]),
        (NewHold { facility: Some(FacilityId(2)), ..hold() }, vec![]),
        (NewHold { agency: AgencyId(2), number: Some(number(42)), ..hold() }, vec![]),
    ] {
        let (_folder, store) = filled();
        project(
            &store,
            [
                to(1, 42, NumberClass::Ordinary, 101),
                to(2, 43, NumberClass::Ordinary, 102),
                to(3, 43, NumberClass::Ordinary, 103),
                refused(5, Some(42), 104),
                over(1, 150),
                over(2, 151),
                over(3, 160),
            ],
        );
        let placed = store.add_hold(&what, at(200)).unwrap();
        erase(&store, at(9_000));
        assert_eq!(kept(&store), keeps, "{what:?}");
        store.release_hold(placed, StaffId(1), 9, at(9_001)).unwrap();
        erase(&store, at(9_002));
        assert_eq!(kept(&store), [] as [u32; 0]);
    }
}

#[test]
fn the_rule_of_the_facility_counts_then_that_of_the_agency() {
    let (_folder, store) = filled();
    let there = |counter, when| {
        let Fact::Admitted(fact) = to(counter, 42, NumberClass::Ordinary, when) else { panic!() };
        Fact::Admitted(Box::new(Admitted { facility: FacilityId(2), ..*fact }))
    };
    project(
        &store,
        [to(1, 42, NumberClass::Ordinary, 100), over(1, 200), there(2, 100), over(2, 200)],
    );
    assert_eq!(erase(&store, at(1_199)).total(), 0);
    let rule = |facility, seconds| RuleRow {
        agency: CEDAR,
        facility,
        class: Class::Records,
        keep: Duration::from_secs(seconds),
        reason: String::new(),
        by: StaffId(1),
        at: at(1),
        entry: 0,
    };
    store.set_retention_rule(&rule(None, 3_000)).unwrap();
    store
        .set_retention_rule(&RuleRow { class: Class::Audio, ..rule(Some(FacilityId(1)), 1) })
        .unwrap();
    assert_eq!(erase(&store, at(3_199)).total(), 0);
    store.set_retention_rule(&rule(Some(FacilityId(2)), 100)).unwrap();
    assert_eq!(erase(&store, at(300)).calls, 1);
    assert_eq!(kept(&store), [1]);
    assert_eq!(erase(&store, at(3_200)).calls, 1);
}

#[test]
fn what_runs_or_has_its_recording_is_kept() {
    let (_folder, store) = filled();
    let never =
        |counter| Fact::NeverRecorded { call: call(counter), reason: OffReason::Disk, at: at(180) };
    project(
        &store,
        [
            to(1, 42, NumberClass::Ordinary, 100),
            to(2, 42, NumberClass::Ordinary, 100),
            accepted(2, Ok(Epoch(1))),
            closed(2, RecordingState::Ended),
            to(3, 42, NumberClass::Ordinary, 100),
            accepted(3, Ok(Epoch(1))),
            to(4, 42, NumberClass::Ordinary, 100),
            accepted(4, Ok(Epoch(1))),
            over(2, 200),
            over(3, 200),
            over(4, 200),
            never(4),
        ],
    );
    assert_eq!(erase(&store, at(9_000)).calls, 1, "of a recording that never began");
    assert_eq!(kept(&store), [1, 2, 3]);
    let due = Due {
        agency: CEDAR,
        recording: call(2).recording(),
        sha256: [9; 32],
        basis: Basis::Retention,
    };
    store.begin_erasing(&[due], at(9_000)).unwrap();
    store.erasing_entered(&[due], 5).unwrap();
    assert_eq!(erase(&store, at(9_000)).calls, 0);
    store.erased(&[due], at(9_000)).unwrap();
    assert_eq!(erase(&store, at(9_000)).calls, 1);
    assert_eq!(kept(&store), [1, 3]);
}

#[test]
fn a_name_goes_with_the_person_and_comes_back_as_somebody_else() {
    let (_folder, store) = filled();
    project(&store, [to(2, 43, NumberClass::Ordinary, 2_000), over(2, 2_100)]);
    let key = |key: &str| Private::new(key.to_owned());
    let gone = Plan {
        people: vec![crate::plan::Person { removed: true, ..person("P-1", 1) }],
        ..Plan::default()
    };
    store.apply(&gone, at(500)).unwrap();
    store.apply(&gone, at(1_400)).unwrap();
    // A call of theirs is kept for longer.
    assert_eq!(erase(&store, at(3_000)).people, 0);
    let keep = NewHold { person: Some(PersonId(1)), ..hold() };
    let placed = store.add_hold(&keep, at(2_200)).unwrap();
    assert_eq!(erase(&store, at(3_100)).people, 0);
    store.release_hold(placed, StaffId(1), 9, at(3_100)).unwrap();
    assert_eq!(
        erase(&store, at(3_100)),
        RecordsCount { calls: 1, people: 1, ..Default::default() }
    );
    assert_eq!(store.person_of(CEDAR, &key("P-1")).unwrap(), None);
    assert_eq!(store.person_of(CEDAR, &key("P-2")).unwrap(), Some(PersonId(2)));
    let configuration = store.configuration().unwrap();
    assert_eq!(configuration.people.len(), 1);
    assert_eq!(configuration.people[0].contacts, [number(42)]);
    assert_eq!(configuration.accounts.len(), 2, "what was paid stays");
    let back = Plan { people: vec![person("P-1", 1)], ..Plan::default() };
    store.apply(&back, at(4_000)).unwrap();
    assert_eq!(store.person_of(CEDAR, &key("P-1")).unwrap(), Some(PersonId(3)));
    assert_eq!(erase(&store, at(9_000)).people, 0, "they are here");
}

#[test]
fn a_chosen_language_goes_with_the_last_record_of_its_number() {
    let (_folder, store) = filled();
    let chosen = |end, when| Fact::LanguageChosen {
        agency: CEDAR,
        number: number(end),
        language: Language::Es,
        at: at(when),
    };
    project(
        &store,
        [
            chosen(42, 100),
            chosen(43, 100),
            chosen(44, 9_000),
            to(1, 43, NumberClass::Ordinary, 2_000),
            over(1, 2_100),
        ],
    );
    assert_eq!(erase(&store, at(3_000)).languages, 1);
    assert_eq!(store.configuration().unwrap().languages.len(), 2);
    let erased = erase(&store, at(3_100));
    assert_eq!((erased.calls, erased.languages), (1, 1));
}
