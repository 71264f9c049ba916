//! Right files.

use super::{JAIL, NOW, example, pin_hash, read, read_files};
use model::{
    E164, Language, Money, Private,
    place::FacilityKind,
    plan::{Dialling, DiskFull, Hotline, NumberUse, RegistryDown, ServiceKind, StationAccess},
};
use std::time::Duration;
use store::{
    Plan, Store,
    plan::{Protected, StationCaller, Table},
};

fn number(end: u64) -> Private<E164> {
    Private::new(E164::new(12_025_550_100 + end).unwrap())
}

fn example_plan() -> Plan {
    read(&example("provision.toml")).unwrap()
}

#[test]
fn the_example_says_what_it_says() {
    let plan = example_plan();
    assert_eq!(plan.agencies.len(), 1);
    let [jail, annex] = &plan.facilities[..] else { panic!("two facilities") };
    assert_eq!((jail.key.as_str(), jail.agency.as_str()), ("cedar/jail", "cedar"));
    assert_eq!((jail.site.kind, jail.site.adp), (FacilityKind::Jail, 212));
    assert_eq!(jail.site.state.code(), "CO");
    assert_eq!((jail.adp_year, jail.timezone.as_str()), (Some(2025), "America/Denver"));
    assert!(jail.recording && jail.allowed_only);
    assert_eq!(jail.registry_down, RegistryDown::PlaceUnrecorded);
    assert_eq!(jail.talk_max, Duration::from_secs(1_200));
    assert_eq!((jail.base_per_minute, jail.additive_per_minute), (cents(9), cents(2)));
    assert_eq!(jail.caller_id, *number(0).expose());
    assert!(!annex.recording && !annex.allowed_only);
    assert_eq!(annex.registry_down, RegistryDown::Refuse);
    assert_eq!((annex.base_per_minute, annex.additive_per_minute), (cents(0), cents(0)));
    let units: Vec<(&str, &str)> =
        plan.units.iter().map(|unit| (unit.key.as_str(), unit.name.as_str())).collect();
    let expected =
        [("cedar/jail/a", "Unit A"), ("cedar/jail/b", "b"), ("cedar/annex/hall", "hall")];
    assert_eq!(units, expected);
    assert_eq!(plan.trunk.unwrap().address, "198.51.100.5:5060".parse().unwrap());
}

#[test]
fn the_examples_stations_are_told_apart() {
    let plan = example_plan();
    assert_eq!(plan.stations.len(), 3 + 24);
    let access =
        |key: &str| &plan.stations.iter().find(|station| station.key == key).unwrap().access;
    let source = |address: &str, user: Option<&str>| StationAccess::Source {
        address: address.parse().unwrap(),
        user: user.map(str::to_owned),
    };
    assert_eq!(*access("cedar/jail/a/1"), source("192.0.2.10:5060", None));
    assert_eq!(*access("cedar/jail/a/2"), source("192.0.2.11:0", None));
    assert_eq!(*access("cedar/jail/b/line-24"), source("192.0.2.20:5060", Some("line-24")));
    // RFC 7616 section 3.4.2, computed with another program:
    // printf 'annex-hall-1:parlatory:change-this-password' | md5sum
    let ha1 = Private::new(HALL_HA1);
    assert_eq!(
        *access("cedar/annex/hall/1"),
        StationAccess::Digest { user: "annex-hall-1".into(), ha1 }
    );
}

#[test]
fn the_examples_people_and_numbers_are_read() {
    let plan = example_plan();
    let ids: Vec<&str> = plan.people.iter().map(|person| person.key.expose().as_str()).collect();
    assert_eq!(ids, ["B-1001", "B-1002", "B-1003", "B-1004", "B-0907"]);
    let second = &plan.people[1];
    assert_eq!(second.name.expose(), "Marisol Ejemplo, Jr.");
    assert_eq!(second.language, Language::Es);
    assert_eq!(second.pin, pin_hash("cedar/jail", "730418"));
    assert_eq!(second.line, 7);
    assert!(plan.people[4].removed && !second.removed);
    let contacts: Vec<(&str, Private<E164>, bool)> = plan
        .contacts
        .iter()
        .map(|contact| (contact.person.expose().as_str(), contact.number, contact.removed))
        .collect();
    let expected = [
        ("B-1001", number(42), false),
        ("B-1001", number(43), false),
        ("B-1002", number(44), false),
        ("B-1002", number(45), true),
        ("B-1003", number(46), false),
    ];
    assert_eq!(contacts, expected);
    let rules: Vec<_> = plan
        .numbers
        .iter()
        .map(|rule| (rule.facility.as_deref(), rule.number, rule.rule))
        .collect();
    let expected = [
        (None, number(50), Some(NumberUse::Free)),
        (None, number(51), Some(NumberUse::Allowed)),
        (Some("cedar/jail"), number(52), Some(NumberUse::Blocked)),
    ];
    assert_eq!(rules, expected);
    let Protected { numbers, replace, count } = plan.protected.unwrap();
    let ends: Vec<Private<E164>> = numbers.iter().map(|number| number.number).collect();
    assert_eq!(ends, [60, 60, 61, 62, 63].map(number), "an extension does not matter");
    assert_eq!((replace, count), (false, None));
}

#[test]
fn the_examples_money_has_references() {
    let plan = example_plan();
    let deposits: Vec<_> = plan
        .deposits
        .iter()
        .map(|deposit| (deposit.reference.expose().as_str(), deposit.amount, deposit.table))
        .collect();
    let expected = [
        ("opening/B-1001", cents(1_000), Table::People),
        ("opening/B-1002", cents(450), Table::People),
        ("KIOSK-2026-000117", cents(2_500), Table::Deposits),
        ("KIOSK-2026-000118", cents(1_250), Table::Deposits),
    ];
    assert_eq!(deposits, expected);
}

#[test]
fn the_example_applies_and_applies_again() {
    let folder = tempfile::tempdir().unwrap();
    let store =
        Store::open(&folder.path().join("cell.db"), &store::ColumnKeys::new([7; 32])).unwrap();
    let first = store.apply(&example_plan(), NOW).unwrap();
    assert_eq!((first.people.added, first.stations.added, first.protected.added), (5, 27, 4));
    let second = store.apply(&example_plan(), NOW).unwrap();
    assert!(!second.is_change());
    let configuration = store.configuration().unwrap();
    assert_eq!(configuration.people.len(), 4);
    assert_eq!(configuration.accounts[0].deposited, cents(3_500));
}

#[test]
fn a_file_may_say_little() {
    assert_eq!(read_files(&[("provision.toml", "")]).unwrap(), Plan::default());
    let files = "[files]\nprotected = \"p.csv\"\ndeposits = \"d.csv\"\n";
    let toml = format!("replace_protected = true\nprotected_count = 0\n{JAIL}\n{files}");
    let deposits = "person,amount,reference\nB-1,5,R-1\n";
    let read = read_files(&[("provision.toml", &toml), ("p.csv", "number\n"), ("d.csv", deposits)]);
    let plan = read.unwrap();
    assert_eq!(
        plan.protected,
        Some(Protected { numbers: vec![], replace: true, count: Some(0) }),
        "an empty list is a list"
    );
    assert_eq!(plan.deposits.len(), 1, "people applied before may be named");
    assert_eq!(plan.facilities[0].talk_max, Duration::from_secs(1_200));
    let other = JAIL.replace("recording = \"on\"", "recording = false");
    assert!(!read_files(&[("provision.toml", &other)]).unwrap().facilities[0].recording);
}

#[test]
fn files_of_spreadsheets_are_understood() {
    let toml = format!("{JAIL}\n[files]\npeople = \"people.csv\"\n");
    let people = "\u{feff}Facility , ID,Name,PIN,Language\r\n\r\n# a note\r\n\
                  cedar/jail, B-1 ,\"Example, Dana\",482913,EN\r\n,,,,\r\n\
                  cedar/jail,B-2,José Ejemplo,000042,es";
    let plan = read_files(&[("provision.toml", &toml), ("people.csv", people)]).unwrap();
    let people: Vec<_> = plan
        .people
        .iter()
        .map(|person| (person.key.expose().as_str(), person.name.expose().as_str(), person.line))
        .collect();
    assert_eq!(people, [("B-1", "Example, Dana", 4), ("B-2", "José Ejemplo", 6)]);
    assert_eq!(plan.people[1].pin, pin_hash("cedar/jail", "000042"), "leading zeros are kept");
}

#[test]
fn agencies_are_named_where_there_are_several() {
    let toml = format!(
        "{JAIL}\n[[agency]]\nkey = \"juniper\"\nname = \"Juniper County\"\n\
         [files]\nprotected = \"p.csv\"\n"
    );
    let list = "agency,number\njuniper,202-555-0160\ncedar,202-555-0161\n";
    let plan = read_files(&[("provision.toml", &toml), ("p.csv", list)]).unwrap();
    let agencies: Vec<String> =
        plan.protected.unwrap().numbers.into_iter().map(|number| number.agency).collect();
    assert_eq!(agencies, ["juniper", "cedar"]);
}

#[test]
fn services_have_keys_a_number_and_a_kind() {
    let facility = JAIL.replace("recording = \"on\"", "recording = \"on\"\nrelay_minutes_max = 90");
    let facility = facility.replace("relay_min", "disk_full = \"place_unrecorded\"\nrelay_min");
    let toml = format!("{facility}\n[files]\nservices = \"s.csv\"\n");
    let rows = "scope,number,kind,keys,removed\ncedar,202-555-0170,relay,711,\n\
                cedar/jail,202-555-0171,help,,\ncedar/jail,202-555-0172,speed,07,\n\
                cedar,202-555-0173,help,,yes\n";
    let plan = read_files(&[("provision.toml", &toml), ("s.csv", rows)]).unwrap();
    let said: Vec<_> = plan
        .services
        .iter()
        .map(|service| {
            let facility = service.facility.as_deref();
            (facility, service.number, service.keys.as_deref(), service.kind)
        })
        .collect();
    let expected = [
        (None, number(70), Some("711"), Some(ServiceKind::Relay)),
        (Some("cedar/jail"), number(71), None, Some(ServiceKind::Help)),
        (Some("cedar/jail"), number(72), Some("07"), Some(ServiceKind::Speed)),
        (None, number(73), None, None),
    ];
    assert_eq!(said, expected);
    assert_eq!(plan.facilities[0].relay_talk_max, Duration::from_secs(5_400));
    assert_eq!(plan.facilities[0].disk_full, DiskFull::PlaceUnrecorded);
    let little = read_files(&[("provision.toml", JAIL)]).unwrap();
    assert_eq!(little.facilities[0].relay_talk_max, Duration::from_secs(3_600));
    assert_eq!(little.facilities[0].disk_full, DiskFull::Refuse);
}

#[test]
fn a_station_says_who_calls_and_what_it_dials() {
    let stations = "
        [[station]]\nunit = \"cedar/jail/a\"\nkey = \"help\"\naddress = \"192.0.2.31\"\npin = \"none\"
        hotline = { number = \"(202) 555-0150\", free = true, recording = \"off\" }
        [[station]]\nunit = \"cedar/jail/a\"\nkey = \"crisis\"\naddress = \"192.0.2.32\"
        hotline = { number = \"988\" }
        [[gateway]]\nunit = \"cedar/jail/a\"\naddress = \"192.0.2.33\"\nline_count = 1
        person = \"B-1\"\ndialling = \"en_bloc\"\n";
    let plan = read_files(&[("provision.toml", &format!("{JAIL}{stations}"))]).unwrap();
    let hotline = |dialled: &str, free, recording| {
        Dialling::Hotline(Hotline { dialled: Private::new(dialled.to_owned()), free, recording })
    };
    let said: Vec<_> =
        plan.stations.into_iter().map(|station| (station.caller, station.dialling)).collect();
    let expected = [
        (StationCaller::Nobody, hotline("01112025550150", true, false)),
        (StationCaller::Pin, hotline("988", false, true)),
        (StationCaller::Person(Private::new("B-1".to_owned())), Dialling::EnBloc),
    ];
    assert_eq!(said, expected);
}

fn cents(cents: i32) -> Money {
    Money::from_cents(cents)
}

const HALL_HA1: [u8; 16] = [
    0xdd, 0x9c, 0x3b, 0x93, 0x6b, 0xc1, 0x4b, 0x0d, 0xa4, 0x76, 0xa2, 0xc6, 0xb1, 0x83, 0x76, 0x00,
];
