//! What entries of the log say in their details goes when its time is over: entered first, never
//! against a hold, and the entries stay.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

#[path = "../../vault/tests/consent/mod.rs"]
mod consent;
mod office;
#[path = "../../vault/tests/open/mod.rs"]
mod open;
#[path = "../../vault/tests/world/mod.rs"]
mod world;

use access::Purpose;
use disclosure::{
    Keeping, Note,
    keeping::{HoldAsk, Judged, NewRule, NotKept, Of, QUARANTINE_MAX, Ran, usual},
};
use evidence::{Detailed, Entry, Random, Said, Standing, Statement, leaf};
use journal::{
    Draft,
    log::{Log, LogEntry, replay_log},
};
use model::{
    AgencyId, CallId, FacilityId, PersonId, Private, RecordingId,
    fact::{Epoch, NumberClass},
};
use office::{CASE, CEDAR, HOUR, NOW, Office, PINE, Running, audit};
use std::{fs, ops::ControlFlow, time::Duration};
use store::Class;

const DAY: Duration = Duration::from_hours(24);
/// The term of acts where nobody set one, in days.
const ACTS_DAYS: u32 = 2_555;

/// What a node enters in these tests, in this order, from place 1 on.
const SAID: [(&str, Statement); 10] = [
    ("admission of 7", admission(7)),
    ("consent of 7", Statement::Consent { call: CallId(7) }),
    ("quarantine of 7", Statement::Quarantine { recording: RecordingId(7), epoch: Epoch(9) }),
    // Which has not ended.
    ("admission of 8", admission(8)),
    // Which the store never heard of.
    ("admission of 99", admission(99)),
    ("name of somebody", Statement::NameRecorded { call: CallId(7), sha256: [3; 32] }),
    ("number that was protected", Statement::Removal { epoch: Epoch(9) }),
    ("start", Statement::Boot { build: [1; 32] }),
    ("rates", Statement::Tariff { caps: [1; 32] }),
    ("dialled for 7", Statement::Dialled { call: CallId(7), trunk: model::TrunkId(1) }),
];

const fn admission(call: u64) -> Statement {
    let standing = Standing { class: NumberClass::Ordinary, may_record: Ok(()) };
    let over_within = Duration::from_secs(60);
    Statement::Admission { call: CallId(call), epoch: Epoch(7), standing, over_within }
}

/// An office whose node has entered all that.
fn office() -> Office {
    let office = Office::new();
    let log = office.log();
    for (seq, (detail, what)) in (2..).zip(SAID) {
        say(&log, seq, what, detail);
    }
    log.close();
    office
}

fn say(log: &Log, seq: u64, what: Statement, detail: &str) {
    let said = Said { at: NOW, boot: 1, what };
    let detail = detail.as_bytes();
    let entry = Entry { node: 1, interval: NOW, said: &said, detail, mark: None };
    let random = Random([u8::try_from(seq).unwrap(); evidence::limits::RANDOM_OCTETS]);
    let mut leaf = leaf::write(&entry, &audit(), &random);
    leaf[8..16].copy_from_slice(&seq.to_be_bytes());
    let salted = leaf::salted(&random, detail);
    log.append_wait(vec![Draft { leaf, detail: salted.iter().map(|octet| !octet).collect() }])
        .unwrap();
}

fn at(office: &Office, running: &Running, days: u32) -> Keeping {
    office.keeping(running, &office.disk, NOW.after(days * DAY), QUARANTINE_MAX)
}

fn run(keeping: &Keeping) -> Ran {
    keeping.run(Of::default(), &mut |_| ControlFlow::Continue(())).unwrap()
}

fn log_entries(office: &Office) -> Vec<LogEntry> {
    let mut entries = Vec::new();
    replay_log(&office.disk.join("log-private"), 0, |entry| {
        entries.push(entry);
        ControlFlow::Continue(())
    })
    .unwrap();
    entries
}

/// Which of [`SAID`] are gone, and from all files of the log.
fn gone(office: &Office) -> Vec<&'static str> {
    let entries = log_entries(office);
    let files: Vec<_> = fs::read_dir(office.disk.join("log-private"))
        .unwrap()
        .map(|file| fs::read(file.unwrap().path()).unwrap())
        .collect();
    let mut gone = Vec::new();
    for (entry, (name, what)) in entries[1..].iter().zip(SAID) {
        let said = leaf::read(&entry.leaf, &audit()).unwrap().said;
        assert_eq!(said.what, what, "the entry is the same");
        let sealed: Vec<u8> = name.bytes().map(|octet| !octet).collect();
        let stands = |file: &Vec<u8>| file.windows(sealed.len()).any(|part| part == sealed);
        assert_eq!(files.iter().any(stands), !entry.erased, "{name}");
        if entry.erased {
            gone.push(name);
        }
    }
    gone
}

/// What entries say of erased details: of what, how many; each after those of which it speaks.
fn entered(office: &Office) -> Vec<(Detailed, u64)> {
    let mut found = Vec::new();
    for (entry, index) in log_entries(office).iter().zip(0..) {
        let said = leaf::read(&entry.leaf, &audit()).unwrap().said.what;
        if let Statement::DetailsErased { of, first, last, count } = said {
            assert!(first <= last && last < index && count <= last - first + 1);
            found.push((of, count));
        }
    }
    found
}

fn ask() -> HoldAsk {
    HoldAsk {
        agency: CEDAR,
        purpose: Purpose::Investigation,
        case: Private::new(CASE.to_owned()),
        person: None,
        person_key: None,
        number: None,
        facility: None,
        facility_key: None,
        from: None,
        until: None,
        everything: false,
    }
}

fn hold(keeping: &Keeping, running: &Running, what: &HoldAsk) -> u32 {
    match keeping.hold(&running.staff("inve"), what, None).unwrap() {
        Judged::Done { what, .. } => what,
        other @ (Judged::Waits { .. } | Judged::Refused { .. }) => panic!("{other:?}"),
    }
}

const OF_CALL_7: [&str; 4] = ["admission of 7", "consent of 7", "quarantine of 7", "dialled for 7"];

#[test]
fn what_an_entry_says_of_a_call_goes_with_the_number_of_its_record() {
    let office = office();
    let running = office.open();
    let before = log_entries(&office);
    // The recording goes, the record stays, and so do the details.
    let ran = run(&at(&office, &running, 364));
    assert_eq!((ran.erased, ran.records, ran.details_due, ran.details), (1, 0, 0, 0));
    assert_eq!(gone(&office), Vec::<&str>::new());

    let due = at(&office, &running, 366).due(Of::default()).unwrap();
    assert_eq!((due.records_due, due.details_due, due.details), (1, 6, 0));
    assert_eq!(gone(&office), Vec::<&str>::new(), "it was only asked");
    // One agency has its own erased, and of nobody else's a word.
    let of = |agency| Of { agency: Some(agency), ..Of::default() };
    let only = |agency: AgencyId| {
        let later = at(&office, &running, 366);
        assert_eq!(later.due(of(agency)).unwrap().details_due, if agency == PINE { 0 } else { 4 });
        later.run(of(agency), &mut |_| ControlFlow::Continue(())).unwrap().details
    };
    assert_eq!(only(PINE), 0);
    assert_eq!(only(CEDAR), 4);
    assert_eq!(gone(&office), OF_CALL_7);
    let ran = run(&at(&office, &running, 366));
    assert_eq!((ran.details_due, ran.details), (2, 2));
    let mut all = OF_CALL_7.to_vec();
    all.splice(3..3, ["admission of 99", "name of somebody"]);
    assert_eq!(gone(&office), all);
    assert_eq!(run(&at(&office, &running, 367)), Ran::default());
    assert_eq!(entered(&office), [(Detailed::Calls, 4), (Detailed::Calls, 2)]);
    for (was, is) in before.iter().zip(log_entries(&office)) {
        assert_eq!((was.index, was.leaf), (is.index, is.leaf));
    }
    running.close();
    // It opens, and goes on, without them.
    let running = office.open();
    let log = &running.log;
    log.prove(1).unwrap();
    say(log, 12, admission(10), "admission of 10");
    running.close();
}

#[test]
fn what_is_held_keeps_what_entries_say_of_it() {
    let office = office();
    let running = office.open();
    let now = at(&office, &running, 0);
    let held = hold(&now, &running, &HoldAsk { person: Some(PersonId(1)), ..ask() });
    let ran = run(&at(&office, &running, 4_000));
    assert_eq!((ran.records, ran.details), (0, 1));
    assert_eq!(gone(&office), ["name of somebody"], "names are no calls");
    now.release(&running.staff("inve"), held, "the case is closed").unwrap();
    let ran = run(&at(&office, &running, 4_001));
    assert_eq!((ran.records, ran.erased), (1, 1));
    let expected = [
        &OF_CALL_7[..3],
        &["admission of 99", "name of somebody", "number that was protected", "dialled for 7"],
    ];
    assert_eq!(gone(&office), expected.concat());
    running.close();
}

#[test]
fn a_hold_of_a_time_keeps_details_of_calls_whose_numbers_are_erased() {
    let office = office();
    let running = office.open();
    let mut stop_before_details = |ran: &Ran| match ran.records {
        0 => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    };
    let ran = at(&office, &running, 366).run(Of::default(), &mut stop_before_details).unwrap();
    assert_eq!((ran.records, ran.details, ran.stopped), (1, 0, true));
    let now = at(&office, &running, 366);
    let facility = Some(FacilityId(1));
    let facility_key = Some("cedar/jail".to_owned());
    let what = HoldAsk { facility, facility_key, ..ask() };
    let what = HoldAsk { until: Some(NOW.after(HOUR)), from: Some(NOW), ..what };
    // Staff ask at the roster's time.
    let desk = at(&office, &running, 0);
    let held = hold(&desk, &running, &what);
    assert_eq!(run(&now).details, 1);
    assert_eq!(gone(&office), ["name of somebody"]);
    desk.release(&running.staff("inve"), held, "the case is closed").unwrap();
    assert_eq!(run(&now).details, 5);
    running.close();
}

/// Places of entries about acts of staff whose details are there.
fn acts(office: &Office) -> Vec<u64> {
    let is_act = |entry: &&LogEntry| {
        matches!(
            leaf::read(&entry.leaf, &audit()).unwrap().said.what,
            Statement::Disclosure { .. } | Statement::Denial { .. } | Statement::Retention { .. }
        )
    };
    let entries = log_entries(office);
    entries.iter().filter(is_act).filter(|it| !it.erased).map(|it| it.index).collect()
}

#[test]
fn acts_of_staff_are_kept_for_seven_years_and_while_anything_is_held() {
    assert_eq!(usual(Class::Acts), ACTS_DAYS * DAY);
    for (from, keeps) in [(None, true), (Some(NOW), true), (Some(NOW.after(HOUR)), false)] {
        let office = office();
        let running = office.open();
        let now = at(&office, &running, 0);
        let held = hold(&now, &running, &HoldAsk { person: Some(PersonId(2)), from, ..ask() });
        let there = acts(&office);
        assert_eq!(there.len(), 1);
        run(&at(&office, &running, ACTS_DAYS - 1));
        assert_eq!(acts(&office), there, "{from:?}");
        run(&at(&office, &running, ACTS_DAYS));
        assert_eq!(acts(&office), if keeps { there } else { vec![] }, "{from:?}");
        now.release(&running.staff("inve"), held, "the case is closed").unwrap();
        run(&at(&office, &running, ACTS_DAYS));
        assert_eq!(acts(&office), Vec::<u64>::new(), "{from:?}");
        let acts = entered(&office).into_iter().filter(|(of, _)| *of == Detailed::Acts);
        assert_eq!(acts.map(|(_, count)| count).sum::<u64>(), 3, "{from:?}");
        running.close();
    }
}

#[test]
fn nobody_has_it_forgotten_sooner_who_was_shown_what() {
    let office = office();
    let running = office.open();
    let now = at(&office, &running, 0);
    let boss = running.staff("super");
    let rule = |days: u32, facility| NewRule {
        facility,
        class: Class::Acts,
        days,
        reason: "state records act".to_owned(),
    };
    for refused in [rule(ACTS_DAYS - 1, None), rule(1, None), rule(4_000, Some(FacilityId(1)))] {
        let why = now.set_rule(&boss, &refused, None).unwrap_err();
        assert!(matches!(why, NotKept::Acts), "{why}");
    }
    let there = acts(&office);
    assert_eq!(there, Vec::<u64>::new());
    let set = now.set_rule(&boss, &rule(4_000, None), None).unwrap();
    assert!(matches!(set, Judged::Done { .. }), "{set:?}");
    let there = acts(&office);
    assert_eq!(there.len(), 2, "the act, and the rules");
    run(&at(&office, &running, 3_999));
    assert_eq!(acts(&office), there);
    assert!(!gone(&office).contains(&"number that was protected"));
    run(&at(&office, &running, 4_000));
    assert_eq!(acts(&office), Vec::<u64>::new());
    assert_eq!(gone(&office).len(), 7);
    running.close();
}

#[test]
fn what_was_entered_and_not_erased_is_erased_by_the_next_run() {
    let office = office();
    let running = office.open();
    let later = at(&office, &running, 366);
    let mut die = |ran: &Ran| match ran.records {
        0 => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    };
    assert!(later.run(Of::default(), &mut die).unwrap().stopped);
    // As far as the next run comes before it dies.
    let what = Statement::DetailsErased { of: Detailed::Calls, first: 1, last: 10, count: 6 };
    let note = Note { what, detail: Vec::new() };
    running.register.notes(&[note], AgencyId(0), NOW.after(366 * DAY)).unwrap();
    running.close();
    assert_eq!(gone(&office), Vec::<&str>::new());

    let running = office.open();
    assert_eq!(run(&at(&office, &running, 366)).details, 6);
    assert_eq!(gone(&office).len(), 6);
    assert_eq!(entered(&office), [(Detailed::Calls, 6), (Detailed::Calls, 6)]);
    assert_eq!(run(&at(&office, &running, 366)), Ran::default());
    // What closed segments have is not read again before its time.
    let looks = running.store.looks().unwrap();
    assert_eq!(looks.keys().copied().collect::<Vec<_>>(), [0]);
    assert!(looks[&0] <= NOW.after(366 * DAY), "call 8 may end any day");
    running.close();
}

#[test]
fn while_somebody_copies_nothing_is_erased() {
    let office = office();
    let running = office.open();
    let kept = vault::keep(&office.world.vault_dir()).unwrap();
    let ran = run(&at(&office, &running, 4_000));
    assert!(ran.postponed && ran.details == 0, "{ran:?}");
    assert_eq!(gone(&office), Vec::<&str>::new());
    drop(kept);
    assert!(run(&at(&office, &running, 4_000)).details > 0);
    running.close();
}
