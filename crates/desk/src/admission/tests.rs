//! The table of answers of screening, and rates at their moments.

use super::*;
use crate::limits::REGISTRY_GUARD;
use model::{
    AccountId, AgencyId, FacilityId, Language, PersonId, StationId, UnitId,
    place::{FacilityKind, Site, State},
    plan::{
        CalledChoices, Closing, Configuration, NumberRule, RegistryData, Service, StationAccess,
    },
};
use std::sync::Arc;

const CONFIRMED: Timestamp = Timestamp::from_micros(1_795_305_600_000_000);
const COUNSEL: u64 = 12_025_550_150;
const UNWILLING: u64 = 12_025_550_160;
const ANYBODY: &str = "2025550101";

fn facility(registry_down: RegistryDown) -> Facility {
    Facility {
        id: FacilityId(1),
        agency: AgencyId(1),
        key: "cedar/jail".to_owned(),
        name: "Cedar County Jail".to_owned(),
        site: Site { kind: FacilityKind::Jail, adp: 212, state: State::new("CO").unwrap() },
        recording: true,
        registry_down,
        talk_max: Duration::from_secs(1_200),
        relay_talk_max: Duration::from_secs(3_600),
        disk_full: DiskFull::Refuse,
        allowed_only: false,
        base_per_minute: Money::from_cents(9),
        additive_per_minute: Money::from_cents(2),
        caller_id: E164::new(12_025_550_199).unwrap(),
        called: CalledChoices::default(),
        recorded_names: false,
    }
}

fn person() -> Person {
    Person {
        id: PersonId(1),
        facility: FacilityId(1),
        key: Private::new("CC-1001".to_owned()),
        name: Private::new("Marcus Bell".to_owned()),
        pin: Private::new([0; 32]),
        language: Language::En,
        account: AccountId(1),
        contacts: Vec::new(),
    }
}

fn station(dialling: Dialling) -> Station {
    Station {
        id: StationId(1),
        unit: UnitId(1),
        facility: FacilityId(1),
        key: "cedar/jail/a/1".to_owned(),
        access: StationAccess::Source { address: ([192, 0, 2, 10], 0).into(), user: None },
        caller: StationCaller::Nobody,
        dialling,
    }
}

fn rule(facility: Option<u32>, rule: NumberUse) -> NumberRule {
    let number = Private::new(E164::new(12_025_550_101).unwrap());
    NumberRule { agency: AgencyId(1), facility: facility.map(FacilityId), number, rule }
}

fn book(numbers: Vec<NumberRule>) -> Book {
    let registry = RegistryData {
        epoch: Epoch(4),
        confirmed: CONFIRMED,
        count_max: 1,
        numbers: vec![Private::new(E164::new(COUNSEL).unwrap())],
    };
    let snapshot = Arc::new(REGISTRY_GUARD.snapshot(&registry));
    Book::new(Configuration { numbers, ..Configuration::default() }, snapshot)
}

fn service(keys: Option<&str>, number: u64, kind: ServiceKind) -> Service {
    let number = Private::new(E164::new(number).unwrap());
    let keys = keys.map(str::to_owned);
    Service { agency: AgencyId(1), facility: None, keys, number, kind }
}

fn screened(
    book: &Book,
    facility: &Facility,
    dialled: &str,
    age: Duration,
) -> Result<Screened, NotAdmitted> {
    let now = CONFIRMED.after(age);
    let (person, station) = (person(), station(Dialling::Menu));
    let (person, station) = (Some(&person), &station);
    let blocked = |number: E164| number.digits() == UNWILLING;
    screen(book, &Wish { person, station, facility, dialled, blocked: &blocked, now })
}

#[test]
fn a_party_who_wants_no_calls_is_not_called_and_neither_are_we() {
    let facility = facility(RegistryDown::Refuse);
    let free = NumberRule {
        number: Private::new(E164::new(UNWILLING).unwrap()),
        ..rule(None, NumberUse::Free)
    };
    let own = Facility { caller_id: E164::new(12_025_550_198).unwrap(), ..facility.clone() };
    let registry = Arc::clone(&book(Vec::new()).registry);
    let (facilities, numbers) = (vec![own], vec![free]);
    let book =
        Book::new(Configuration { facilities, numbers, ..Configuration::default() }, registry);
    for (dialled, expected) in [
        // Also at a free number, and at any facility's own.
        ("2025550160", Refusal::NumberBlocked),
        ("2025550198", Refusal::OwnNumber),
    ] {
        let refused = screened(&book, &facility, dialled, Duration::ZERO).unwrap_err();
        assert_eq!(refused.reason, expected);
        assert!(refused.number.is_some());
    }
    assert!(screened(&book, &facility, ANYBODY, Duration::ZERO).is_ok());
}

#[test]
fn what_staff_closed_is_refused_and_counsel_and_help_never_but_with_a_whole_facility() {
    let facility = facility(RegistryDown::PlaceUnrecorded);
    let until = Some(CONFIRMED.after(Duration::from_secs(600)));
    let (relay, help) = (ServiceKind::Relay, ServiceKind::Help);
    let services = vec![
        service(Some("711"), 12_025_550_111, relay),
        service(Some("988"), 12_025_550_188, help),
    ];
    let registry = Arc::clone(&book(Vec::new()).registry);
    let closed = |what: &Closed, agency: u32, everything, until| {
        let closing = Closing { agency: AgencyId(agency), what: what.clone(), everything, until };
        let (services, closings) = (services.clone(), vec![closing]);
        let configuration = Configuration { services, closings, ..Configuration::default() };
        Book::new(configuration, Arc::clone(&registry))
    };
    let refused = |book: &Book, dialled: &str, age| {
        let answer = screened(book, &facility, dialled, age);
        answer.is_err_and(|refused| refused.reason == Refusal::Closed)
    };
    let number = |number| Closed::Number(Private::new(E164::new(number).unwrap()));
    let always = ["2025550150", "711", "988"];
    let meant = [
        Closed::Agency,
        Closed::Facility(FacilityId(1)),
        Closed::Unit(UnitId(1)),
        Closed::Station(StationId(1)),
        Closed::Person(PersonId(1)),
        number(12_025_550_101),
    ];
    for what in &meant {
        let book = closed(what, 1, false, until);
        assert!(refused(&book, ANYBODY, Duration::ZERO), "{what:?}");
        assert!(refused(&book, ANYBODY, Duration::from_micros(599_999_999)), "{what:?}");
        assert!(!refused(&book, ANYBODY, Duration::from_secs(600)), "{what:?}");
        assert!(always.iter().all(|dialled| !refused(&book, dialled, Duration::ZERO)), "{what:?}");
        assert!(refused(&closed(what, 1, false, None), ANYBODY, Duration::from_secs(9_000)));
        assert!(!refused(&closed(what, 2, false, None), ANYBODY, Duration::ZERO), "{what:?}");
        // All of it only with a whole facility, and only with an end.
        let facility_alone = *what == Closed::Facility(FacilityId(1));
        let (book, endless) = (closed(what, 1, true, until), closed(what, 1, true, None));
        for dialled in always {
            assert_eq!(refused(&book, dialled, Duration::ZERO), facility_alone, "{what:?}");
            assert!(!refused(&endless, dialled, Duration::ZERO), "{what:?}");
        }
    }
    for what in [
        Closed::Facility(FacilityId(2)),
        Closed::Unit(UnitId(2)),
        Closed::Station(StationId(2)),
        Closed::Person(PersonId(2)),
        number(12_025_550_102),
        // Protected, and so not closed.
        number(COUNSEL),
    ] {
        let book = closed(&what, 1, false, None);
        for dialled in [ANYBODY, "2025550150"] {
            assert!(!refused(&book, dialled, Duration::ZERO), "{what:?}");
        }
    }
}

#[test]
fn a_registry_goes_stale_after_a_minute_to_the_microsecond() {
    let book = book(Vec::new());
    let unrecorded = facility(RegistryDown::PlaceUnrecorded);
    let refusing = facility(RegistryDown::Refuse);
    let minute = Duration::from_secs(60);
    for facility in [&unrecorded, &refusing] {
        let answer = screened(&book, facility, ANYBODY, minute).unwrap();
        assert_eq!((answer.may_record, answer.epoch), (Ok(Epoch(4)), Epoch(4)));
    }
    let stale = minute + Duration::from_micros(1);
    let answer = screened(&book, &unrecorded, ANYBODY, stale).unwrap();
    assert_eq!(answer.may_record, Err(OffReason::RegistryUnusable));
    let refused = screened(&book, &refusing, ANYBODY, stale).unwrap_err();
    assert_eq!(refused.reason, Refusal::RegistryUnavailable);
    assert!(refused.number.is_some());
    // Whom it knows it protects at any age, and they are never refused for it.
    for facility in [&unrecorded, &refusing] {
        let answer = screened(&book, facility, "2025550150", stale * 1_000).unwrap();
        assert_eq!(answer.class, NumberClass::Protected);
        assert_eq!(answer.may_record, Err(OffReason::Protected));
    }
}

#[test]
fn the_most_restrictive_rule_wins() {
    let facility = facility(RegistryDown::Refuse);
    for (agencys, facilitys, expected) in [
        (None, None, Ok(NumberClass::Ordinary)),
        (Some(NumberUse::Allowed), None, Ok(NumberClass::Ordinary)),
        (Some(NumberUse::Free), None, Ok(NumberClass::Free)),
        (None, Some(NumberUse::Free), Ok(NumberClass::Free)),
        (Some(NumberUse::Allowed), Some(NumberUse::Free), Ok(NumberClass::Free)),
        (Some(NumberUse::Blocked), Some(NumberUse::Allowed), Err(Refusal::NumberNotAllowed)),
        (Some(NumberUse::Blocked), Some(NumberUse::Free), Err(Refusal::NumberNotAllowed)),
        (Some(NumberUse::Free), Some(NumberUse::Blocked), Err(Refusal::NumberNotAllowed)),
    ] {
        let rules = [(None, agencys), (Some(1), facilitys), (Some(2), Some(NumberUse::Blocked))];
        let rules = rules.into_iter().filter_map(|(at, kind)| Some(rule(at, kind?)));
        let answer = screened(&book(rules.collect()), &facility, ANYBODY, Duration::ZERO);
        let class = answer.map(|screened| screened.class).map_err(|refused| refused.reason);
        assert_eq!(class, expected, "{agencys:?} {facilitys:?}");
    }
}

#[test]
fn every_off_wins_over_on() {
    let book = book(Vec::new());
    let mut facility = facility(RegistryDown::PlaceUnrecorded);
    let stale = Duration::from_secs(61);
    for (recording, dialled, age, expected) in [
        (true, ANYBODY, Duration::ZERO, Ok(Epoch(4))),
        (true, ANYBODY, stale, Err(OffReason::RegistryUnusable)),
        (true, "2025550150", Duration::ZERO, Err(OffReason::Protected)),
        (false, ANYBODY, Duration::ZERO, Err(OffReason::FacilityOff)),
        (false, ANYBODY, stale, Err(OffReason::RegistryUnusable)),
        (false, "2025550150", stale, Err(OffReason::Protected)),
    ] {
        facility.recording = recording;
        let answer = screened(&book, &facility, dialled, age).unwrap();
        assert_eq!(answer.may_record, expected, "{recording} {age:?}");
    }
}

#[test]
fn a_hotline_is_screened_and_nobody_pays_for_it() {
    let hot = |free, recording| {
        Dialling::Hotline(Hotline { dialled: Private::new(ANYBODY.to_owned()), free, recording })
    };
    let stale = Duration::from_secs(61);
    let off = Err(OffReason::StationOff);
    for (dialling, blocked, dialled, age, expected) in [
        (hot(true, false), false, ANYBODY, Duration::ZERO, Ok((off, Connect::AtOnce))),
        // Nothing would be recorded with a good registry either.
        (hot(true, false), false, ANYBODY, stale, Ok((off, Connect::AtOnce))),
        (hot(true, true), false, ANYBODY, Duration::ZERO, Ok((Ok(Epoch(4)), Connect::Announced))),
        (hot(true, true), false, ANYBODY, stale, Err(Refusal::RegistryUnavailable)),
        (hot(false, false), false, ANYBODY, Duration::ZERO, Err(Refusal::NumberNotAllowed)),
        (hot(true, false), true, ANYBODY, Duration::ZERO, Err(Refusal::NumberNotAllowed)),
        (hot(true, false), false, "911", Duration::ZERO, Err(Refusal::EmergencyNotHere)),
        (hot(true, false), false, "2025550102", Duration::ZERO, Err(Refusal::NumberNotAllowed)),
        (Dialling::Menu, false, ANYBODY, Duration::ZERO, Err(Refusal::NumberNotAllowed)),
        (Dialling::Menu, false, "2025550150", Duration::ZERO, Err(Refusal::NumberNotAllowed)),
    ] {
        let mut facility = facility(RegistryDown::Refuse);
        facility.allowed_only = true;
        let rules = if blocked { vec![rule(Some(1), NumberUse::Blocked)] } else { Vec::new() };
        let station = station(dialling);
        let now = CONFIRMED.after(age);
        let (facility, blocked) = (&facility, &|_| false);
        let wish = Wish { person: None, station: &station, facility, dialled, blocked, now };
        let answer = screen(&book(rules), &wish);
        let answer = answer.map(|screened| (screened.may_record, screened.connect));
        assert_eq!(answer.map_err(|refused| refused.reason), expected, "{dialled}");
    }
}

#[test]
fn services_are_free_unrecorded_and_on_nobodys_list() {
    let registry = RegistryData::default();
    let services = vec![
        service(Some("711"), 12_025_550_111, ServiceKind::Relay),
        service(Some("988"), 12_025_550_112, ServiceKind::Help),
        service(Some("7"), 12_025_550_113, ServiceKind::Speed),
        // Blocked, and with nobody on a list; a registry was never loaded.
        service(None, 12_025_550_101, ServiceKind::Help),
    ];
    let numbers = vec![rule(None, NumberUse::Blocked)];
    let configuration = Configuration { services, numbers, ..Configuration::default() };
    let book = Book::new(configuration, Arc::new(REGISTRY_GUARD.snapshot(&registry)));
    let mut facility = facility(RegistryDown::Refuse);
    facility.allowed_only = true;
    let person = person();
    let relay = Ok((NumberClass::Relay, OffReason::Relay, 3_600));
    let help = Ok((NumberClass::Service, OffReason::Service, 1_200));
    let not_allowed = Err(Refusal::NumberNotAllowed);
    let invalid = Err(Refusal::NumberInvalid);
    for (dialled, expected) in [
        ("711", relay),
        ("2025550111", relay),
        ("988", help),
        ("2025550101", help),
        ("7", not_allowed),
        ("07", invalid),
        ("411", not_allowed),
        ("911", Err(Refusal::EmergencyNotHere)),
    ] {
        for caller in [StationCaller::Pin, StationCaller::Nobody] {
            let mut station = station(Dialling::Menu);
            station.caller = caller;
            for person in [Some(&person), None] {
                let (station, facility) = (&station, &facility);
                let (now, blocked) = (CONFIRMED, &|_| false);
                let wish = Wish { person, station, facility, dialled, blocked, now };
                let answer = screen(&book, &wish).map(|screened| {
                    assert!(screened.free && screened.connect == Connect::AtOnce);
                    let secs = screened.talk_max.as_secs();
                    (screened.class, screened.may_record.unwrap_err(), secs)
                });
                assert_eq!(answer.map_err(|refused| refused.reason), expected, "{dialled}");
            }
        }
    }
}

#[test]
fn a_full_disk_records_nothing_and_stops_no_free_or_protected_line() {
    let book = book(vec![rule(None, NumberUse::Free)]);
    let mut facility = facility(RegistryDown::Refuse);
    for (disk_full, dialled, expected) in [
        (DiskFull::Refuse, "2025550102", Err(Refusal::DiskFull)),
        (DiskFull::PlaceUnrecorded, "2025550102", Ok(OffReason::Disk)),
        (DiskFull::Refuse, ANYBODY, Ok(OffReason::Disk)),
        (DiskFull::Refuse, "2025550150", Ok(OffReason::Protected)),
        (DiskFull::PlaceUnrecorded, "2025550150", Ok(OffReason::Protected)),
    ] {
        facility.disk_full = disk_full;
        let answer = screened(&book, &facility, dialled, Duration::ZERO).unwrap();
        let answer = on_full_disk(answer, &facility);
        let answer = answer.map(|screened| screened.may_record.unwrap_err());
        assert_eq!(answer.map_err(|refused| refused.reason), expected, "{disk_full:?}");
    }
}

#[test]
fn a_rate_is_proved_for_the_moment_of_the_call() {
    let mut facility = facility(RegistryDown::Refuse);
    let caps = CapTable::builtin();
    let quote = rate(&facility, CONFIRMED, &caps).unwrap();
    assert_eq!(quote.per_minute(), Money::from_cents(11));
    assert_eq!(quote.fact().at, CONFIRMED);
    // Before the first order that this table knows.
    let unknown = Timestamp::from_micros(0);
    assert_eq!(rate(&facility, unknown, &caps), Err(Refusal::NoLawfulRate));
    facility.base_per_minute = Money::from_micros(-1);
    assert_eq!(rate(&facility, CONFIRMED, &caps), Err(Refusal::NoLawfulRate));
}
