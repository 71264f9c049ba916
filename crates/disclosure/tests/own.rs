//! What a person in custody and counsel see: their own calls, and nothing of anybody else's.
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

use access::{
    Audience, Intent, Month, Object, Purpose, Query, Role, Scope, Verb, decide::Line, staff::Staff,
};
use disclosure::{
    keeping::{HoldAsk, Judged},
    records::{
        Answer, Counted, ExportAsk, Exported, Found, Look, NotDisclosed, Reason, Shown, What, Which,
    },
    roster::TieAsk,
};
use evidence::{Entry, Random, Said, Statement, Unrecorded, leaf};
use journal::{Draft, EntrySeq};
use model::{
    AgencyId, CallId, PersonId, Private, RecordingId,
    fact::{Fact, NumberClass, OffReason},
};
use office::{
    CASE, CEDAR, NOW, Office, PINE, RECORDING, Running, SECONDS, admitted, audit, number, over,
    plan, reason, shown,
};
use std::time::Duration;
use store::{
    NewStaff, Plan,
    plan::{Protected, ProtectedNumber},
    staff::Enrolment,
};

const OWN: Purpose = Purpose::OwnRecords;

fn private(text: &str) -> Private<String> {
    Private::new(text.to_owned())
}

/// The office, with a log-in of a person that is tied to P-1, who made all of its calls.
fn start(office: &Office) -> (Running, Staff) {
    let running = office.open();
    running.store.apply(&plan(&[60]), NOW).unwrap();
    let staff = hired(&running, "jordan", Role::Person);
    tied(&running, &staff, &person("P-1"));
    let staff = running.staff("jordan");
    (running, staff)
}

fn hired(running: &Running, name: &str, role: Role) -> Staff {
    let id = running.store.next_staff().unwrap();
    let enrolment = Enrolment { token: [0; 32], until: NOW };
    let new = NewStaff { id, agency: CEDAR, name: private(name), role, enrolment };
    running.store.add_staff(&new, NOW).unwrap();
    running.store.enrol_staff(id, &private("hash"), &Private::new(vec![1; 20])).unwrap();
    running.staff(name)
}

fn person(key: &str) -> TieAsk {
    TieAsk::Person { key: private(key), name: private(&format!("Person {key}")) }
}

fn tied(running: &Running, staff: &Staff, to: &TieAsk) {
    let tie = running.roster.tie(&running.staff("admin"), staff.id, to).unwrap();
    running.roster.approve_tie(&running.staff("super"), tie.row.act).unwrap();
}

fn look(agency: AgencyId) -> Look {
    Look { agency, query: Query::of(Line::Ordinary), limit: 50 }
}

fn calls(found: &Shown<Found>) -> Vec<u64> {
    found.what.rows.iter().map(|record| record.row.call.0).collect()
}

fn search(running: &Running, staff: &Staff, look: &Look) -> Vec<u64> {
    calls(&shown(running.records.search(staff, &reason(OWN), look).unwrap()))
}

fn export(running: &Running, staff: &Staff, what: What) -> Result<Answer<Exported>, NotDisclosed> {
    let asked = ExportAsk { what, audience: Audience::Court, key: None, note: None };
    running.records.export(staff, &reason(OWN), &asked)
}

fn is_not_there<T: std::fmt::Debug>(answer: Result<Answer<T>, NotDisclosed>) {
    let why = answer.unwrap_err();
    assert!(matches!(why, NotDisclosed::NotThere), "{why}");
}

fn is_refused<T: std::fmt::Debug>(answer: Result<Answer<T>, NotDisclosed>) {
    let why = answer.unwrap_err();
    assert!(matches!(why, NotDisclosed::Refused { .. }), "{why}");
}

/// A call of P-2's, and one to a line for help of P-1's.
fn others(running: &Running, first: u64) {
    let Fact::Admitted(mut of_two) = admitted(20, 44, NumberClass::Ordinary) else { panic!() };
    of_two.person = Some(PersonId(2));
    let of_two = Fact::Admitted(of_two);
    let help = admitted(21, 80, NumberClass::Service);
    running.store.project(&[(first, of_two), (first + 1, help)]).unwrap();
}

#[test]
fn a_person_finds_their_own_calls_whatever_they_look_for() {
    let office = Office::new();
    let (running, staff) = start(&office);
    let first = running.store.projected().unwrap() + 1;
    others(&running, first);
    // The one with counsel (9) is theirs too; another's (20) and one for help (21) are not there.
    assert_eq!(search(&running, &staff, &look(CEDAR)), [7, 8, 9]);
    let found = shown(running.records.search(&staff, &reason(OWN), &look(CEDAR)).unwrap());
    let row = &found.what.rows[0];
    assert_eq!(
        (row.recording(), row.person_key.as_ref().unwrap().expose().as_str()),
        ("recorded", "P-1")
    );
    assert!(found.what.unrecorded.is_empty());
    let with = |set: &dyn Fn(&mut Query)| {
        let mut look = look(CEDAR);
        set(&mut look.query);
        search(&running, &staff, &look)
    };
    assert_eq!(with(&|query| query.number = Some(number(60))), [9]);
    assert_eq!(with(&|query| query.person = Some(private("P-1"))), [7, 8, 9]);
    assert_eq!(with(&|query| query.line = Line::Protected), [9]);
    // Another's number and person are as nobody's.
    for end in [44, 80, 99] {
        assert_eq!(with(&|query| query.number = Some(number(end))), [] as [u64; 0]);
    }
    for key in ["P-2", "P-NOBODY"] {
        assert_eq!(with(&|query| query.person = Some(private(key))), [] as [u64; 0]);
    }
    is_not_there(running.records.search(&staff, &reason(OWN), &look(PINE)));
    is_refused(running.records.search(&staff, &reason(Purpose::Investigation), &look(CEDAR)));
    running.close();
    let entries = Office::entries(&office.disk);
    let disclosed = entries
        .iter()
        .filter(|(read, _)| matches!(read.said.what, Statement::Disclosure { .. }))
        .map(|(read, detail)| {
            let detail = leaf::open(read, detail).unwrap();
            let detail = detail.strip_prefix(b"disclosure v2\0").unwrap();
            let (intent, _): (Intent, _) = postcard::take_from_bytes(detail).unwrap();
            intent
        });
    let disclosed: Vec<Intent> = disclosed.collect();
    // Every look is an entry, also those that found nothing.
    assert_eq!(disclosed.len(), 10);
    assert!(disclosed.iter().all(|intent| intent.scope == Scope::OwnData));
    let records = [7, 8, 9].map(CallId).to_vec();
    assert_eq!(disclosed[0].object, Object::Records { agency: CEDAR, records });
}

#[test]
fn a_person_counts_their_calls_and_sees_who_took_copies() {
    let office = Office::new();
    let (running, staff) = start(&office);
    let first = running.store.projected().unwrap() + 1;
    others(&running, first);
    let month = Month { year: 2026, month: 11 };
    let counts = running.records.counts(&staff, &reason(OWN), CEDAR, (month, month)).unwrap();
    assert_eq!(shown(counts).what, Counted { line: Line::Own, months: vec![(month, 3)] });
    running.grant("inve", Purpose::Investigation, &[Verb::Search, Verb::Export]);
    let inve = running.staff("inve");
    let asked = ExportAsk {
        what: What::Recording { agency: CEDAR, recording: RECORDING },
        audience: Audience::Prosecution,
        key: None,
        note: None,
    };
    let reason_of = reason(Purpose::Investigation);
    let taken = shown(running.records.export(&inve, &reason_of, &asked).unwrap());
    running.records.search(&inve, &reason_of, &look(CEDAR)).unwrap();
    let ever = Which::of((NOW, NOW.after(Duration::from_secs(9))));
    let list = |staff: &Staff| running.records.list(staff, &reason(OWN), CEDAR, &ever);
    let ledger = shown(list(&staff).unwrap()).what;
    let copies = ledger.copies.unwrap();
    let copies: Vec<_> = copies.iter().map(|copy| (copy.entry, copy.audience)).collect();
    assert_eq!(copies, [(taken.entry, Audience::Prosecution)]);
    // Nor for which case it was: none is of a case that they name.
    let of_case = Which { case: Some(Private::new(CASE.to_owned())), ..ever.clone() };
    let narrowed = running.records.list(&staff, &reason(OWN), CEDAR, &of_case).unwrap();
    assert_eq!(shown(narrowed).what.copies, Some(vec![]));
    // That somebody looked is not told, and no name.
    assert!(ledger.acts.is_empty() && ledger.overseen.is_empty() && ledger.names.is_empty());
    let other = hired(&running, "robin", Role::Person);
    is_refused(list(&other));
    tied(&running, &other, &person("P-2"));
    assert_eq!(shown(list(&other).unwrap()).what.copies, Some(vec![]));
    running.close();
}

#[test]
fn a_person_hears_their_own_recording_and_takes_a_copy_for_themselves() {
    let office = Office::new();
    let (running, staff) = start(&office);
    let other = hired(&running, "robin", Role::Person);
    let untied = hired(&running, "nobody", Role::Person);
    tied(&running, &other, &person("P-2"));
    let listen = |staff: &Staff, id| running.records.listen(staff, &reason(OWN), (CEDAR, id));
    let mut heard = shown(listen(&staff, RECORDING).unwrap()).what;
    let mut octets = 0;
    while let Some(piece) = heard.next_piece().unwrap() {
        octets += piece.len();
    }
    assert_eq!(octets, 44 + SECONDS as usize * 6 * 4);
    let record = || What::Recording { agency: CEDAR, recording: RECORDING };
    let exported = shown(export(&running, &staff, record()).unwrap());
    assert_eq!(exported.what.records, 1);
    let package = running.store.package(&exported.what.sha256).unwrap().unwrap();
    assert_eq!(package.audience, Audience::Person, "whatever was asked for");
    let all = || What::Records(Box::new(look(CEDAR)));
    assert_eq!(shown(export(&running, &staff, all()).unwrap()).what.records, 3);
    assert_eq!(shown(export(&running, &other, all()).unwrap()).what.records, 0);
    // To everybody else it is as one that there is not.
    for staff in [&other, &untied] {
        is_not_there(listen(staff, RECORDING));
        is_not_there(listen(staff, RecordingId(99)));
        is_not_there(export(&running, staff, record()));
    }
    is_not_there(listen(&staff, RecordingId(99)));
    is_refused(running.records.follow(&staff, &reason(OWN), (CEDAR, RECORDING)));
    is_refused(export(&running, &untied, all()));
    // Its number is counsel's from now on: nobody hears it, and the call is theirs still.
    running.store.apply(&plan(&[42]), NOW).unwrap();
    is_not_there(listen(&staff, RECORDING));
    is_not_there(export(&running, &staff, record()));
    assert_eq!(search(&running, &staff, &look(CEDAR)), [7, 8, 9]);
    running.close();
}

#[test]
fn who_listens_stops_when_the_tie_ends() {
    let office = Office::new();
    let (running, staff) = start(&office);
    let listen = || running.records.listen(&staff, &reason(OWN), (CEDAR, RECORDING));
    let mut heard = shown(listen().unwrap()).what;
    assert!(heard.next_piece().unwrap().is_some());
    running.roster.untie(&running.staff("admin"), staff.id).unwrap();
    let stopped = heard.next_piece().unwrap_err();
    assert!(matches!(stopped, NotDisclosed::NotThere), "{stopped}");
    is_not_there(listen());
    is_refused(running.records.search(&staff, &reason(OWN), &look(CEDAR)));
    running.close();
}

#[test]
fn what_was_over_a_cap_is_not_shown_after_the_tie_has_ended() {
    let office = Office::new();
    let (running, staff) = start(&office);
    let used = store::UsageRow {
        act: running.store.next_act().unwrap(),
        owner: CEDAR,
        staff: staff.id,
        grant: None,
        glass: None,
        verb: Verb::Search,
        purpose: OWN,
        scope: Scope::OwnData,
        rows: access::limits::ROWS_PER_DAY_MAX,
        at: NOW,
    };
    running.store.add_usage(&used).unwrap();
    let waits = running.records.search(&staff, &reason(OWN), &look(CEDAR)).unwrap();
    let Answer::Waits { act, .. } = waits else { panic!("more than the cap") };
    running.roster.approve(&running.staff("super"), act).unwrap();
    let again = Reason { act: Some(act), ..reason(OWN) };
    running.roster.untie(&running.staff("super"), staff.id).unwrap();
    is_not_there(running.records.search(&staff, &again, &look(CEDAR)));
    tied(&running, &staff, &person("P-2"));
    let found = shown(running.records.search(&staff, &again, &look(CEDAR)).unwrap());
    assert_eq!(calls(&found), [] as [u64; 0], "they are not P-2's");
    running.close();
}

#[test]
fn a_person_holds_their_own_calls_and_nobody_else_s() {
    let office = Office::new();
    let (running, staff) = start(&office);
    let hold = |staff: &Staff, person: Option<u32>| {
        let ask = HoldAsk {
            agency: CEDAR,
            purpose: OWN,
            case: private(CASE),
            person: person.map(PersonId),
            person_key: person.map(|person| private(&format!("P-{person}"))),
            number: None,
            facility: None,
            facility_key: None,
            everything: false,
            from: None,
            until: Some(NOW.after(Duration::from_secs(99))),
        };
        running.keeping().hold(staff, &ask, None).unwrap()
    };
    for person in [None, Some(1), Some(2)] {
        assert!(matches!(hold(&staff, person), Judged::Done { .. }));
    }
    let held: Vec<_> = running.store.holds().unwrap();
    let held: Vec<_> = held.iter().map(|row| row.what.person.map(|person| person.0)).collect();
    assert_eq!(held, [Some(1), Some(1), Some(0)], "of somebody else's, nobody's");
    let untied = hired(&running, "nobody", Role::Person);
    assert!(matches!(hold(&untied, None), Judged::Refused { .. }));
    running.close();
}

/// The node's entry that there is no recording of a call.
fn unrecorded(call: u64, seq: u64) -> Draft {
    let why = Unrecorded::Off(OffReason::Protected);
    let what = Statement::NotRecorded { call: CallId(call), why, talked: Duration::ZERO };
    let said = Said { at: NOW, boot: 1, what };
    let entry = Entry { node: 1, interval: NOW, said: &said, detail: &[], mark: None };
    let octet = u8::try_from(seq).unwrap();
    let mut leaf = leaf::write(&entry, &audit(), &Random([octet; evidence::limits::RANDOM_OCTETS]));
    leaf[8..16].copy_from_slice(&EntrySeq(seq).0.to_be_bytes());
    Draft { leaf, detail: vec![] }
}

fn registry(agency: &str, ends: &[u64], holder: &str) -> Plan {
    let of = |end: &u64| ProtectedNumber {
        agency: agency.into(),
        number: number(*end),
        holder: Some(private(holder)),
    };
    let numbers = ends.iter().map(of).collect();
    let agencies = plan(&[]).agencies.into_iter().filter(|known| known.key == agency).collect();
    Plan {
        agencies,
        protected: Some(Protected { numbers, replace: true, count: None }),
        ..Plan::default()
    }
}

#[test]
fn counsel_sees_the_calls_to_their_numbers_and_where_the_log_says_that_none_was_recorded() {
    let office = Office::new();
    let running = office.open();
    running.store.apply(&plan(&[60, 61]), NOW).unwrap();
    running.store.apply(&registry("cedar", &[60, 61], "Lake Law"), NOW).unwrap();
    let staff = hired(&running, "lane", Role::Counsel);
    is_refused(running.records.search(&staff, &reason(OWN), &look(CEDAR)));
    tied(&running, &staff, &TieAsk::Holder(private("Lake Law")));
    let first = running.store.projected().unwrap() + 1;
    let facts = [over(CallId(9), Duration::ZERO), admitted(10, 61, NumberClass::Protected)];
    running.store.project(&(first..).zip(facts).collect::<Vec<_>>()).unwrap();
    let written = running.log.append_wait(vec![unrecorded(9, 2)]).unwrap();
    let found = shown(running.records.search(&staff, &reason(OWN), &look(CEDAR)).unwrap());
    assert_eq!(calls(&found), [9, 10]);
    let entries: Vec<_> = found.what.unrecorded.iter().map(|(call, at)| (call.0, *at)).collect();
    assert_eq!(entries, [(9, written.entries.start)], "call 10 goes on");
    // Nobody took these calls, so who called is not theirs to know.
    assert!(found.what.rows.iter().all(|row| row.person_key.is_none() && row.station.is_empty()));
    let with = |set: &dyn Fn(&mut Query)| {
        let mut look = look(CEDAR);
        set(&mut look.query);
        search(&running, &staff, &look)
    };
    assert_eq!(with(&|query| query.number = Some(number(61))), [10]);
    assert_eq!(with(&|query| query.number = Some(number(42))), [] as [u64; 0]);
    assert_eq!(with(&|query| query.person = Some(private("P-1"))), [] as [u64; 0]);
    is_not_there(running.records.listen(&staff, &reason(OWN), (CEDAR, RECORDING)));
    is_not_there(running.records.follow(&staff, &reason(OWN), (CEDAR, RECORDING)));
    let what = What::Records(Box::new(look(CEDAR)));
    let exported = shown(export(&running, &staff, what).unwrap());
    assert_eq!(exported.what.records, 2);
    let package = running.store.package(&exported.what.sha256).unwrap().unwrap();
    assert_eq!(package.audience, Audience::Counsel);
    // Not protected any more: not theirs any more.
    running.store.apply(&registry("cedar", &[61], "Lake Law"), NOW).unwrap();
    assert_eq!(search(&running, &staff, &look(CEDAR)), [10]);
    running.close();
}

#[test]
fn at_another_agency_counsel_sees_what_both_registries_name_them_for() {
    let office = Office::new();
    let running = office.open();
    running.store.apply(&plan(&[]), NOW).unwrap();
    running.store.apply(&registry("cedar", &[60], "Lake Law"), NOW).unwrap();
    let staff = hired(&running, "lane", Role::Counsel);
    tied(&running, &staff, &TieAsk::Holder(private("Lake Law")));
    let first = running.store.projected().unwrap() + 1;
    let Fact::Admitted(mut there) = admitted(30, 60, NumberClass::Protected) else { panic!() };
    there.agency = PINE;
    running.store.project(&[(first, Fact::Admitted(there))]).unwrap();
    is_not_there(running.records.search(&staff, &reason(OWN), &look(PINE)));
    running.store.apply(&registry("pine", &[60], "Somebody else"), NOW).unwrap();
    is_not_there(running.records.search(&staff, &reason(OWN), &look(PINE)));
    running.store.apply(&registry("pine", &[60], "Lake Law"), NOW).unwrap();
    assert_eq!(search(&running, &staff, &look(PINE)), [30]);
    assert_eq!(search(&running, &staff, &look(CEDAR)), [9]);
    running.close();
}
