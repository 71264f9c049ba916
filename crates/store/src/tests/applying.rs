//! Plans: once, twice, in parts, refused.

use super::samples::{
    at, called_choices, contact, deposit, facility, filled, hotline, jail, keys, number, person,
    protected, site, source,
};
use crate::{
    Refused, Store, StoreError,
    plan::{Count, Lift, Plan, Protected, Table, Unit},
};
use model::{
    AccountId, AgencyId, FacilityId, Language, Money, PersonId, Private, StationId, UnitId,
    fact::{Epoch, Fact},
    plan::{
        self, Account, Configuration, Dialling, DiskFull, Facility, Lifted, NumberRule, NumberUse,
        Person, Protection, RegistryData, RegistryDown, Service, ServiceKind, Station,
        StationAccess, StationCaller, Trunk,
    },
};
use std::time::Duration;

fn count(added: u64, changed: u64, removed: u64, unchanged: u64) -> Count {
    Count { added, changed, removed, unchanged }
}

fn refused(store: &Store, plan: &Plan) -> Refused {
    let before = store.configuration().unwrap();
    let refused = match store.apply(plan, at(9)) {
        Err(StoreError::Refused(refused)) => refused,
        other => panic!("not refused: {other:?}"),
    };
    assert_eq!(store.configuration().unwrap(), before, "nothing is changed by a refused plan");
    refused
}

#[test]
fn applied_twice_changes_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cell.db");
    let store = Store::open(&path, &keys()).unwrap();
    let first = store.apply(&jail(), at(1)).unwrap();
    assert_eq!((first.version, first.epoch), (1, 1));
    let added = first.counts().map(|(_, count)| count);
    let expected = [1, 2, 1, 3, 2, 3, 2, 2, 0, 2, 2, 1].map(|added| count(added, 0, 0, 0));
    assert_eq!(added, expected);
    let before = store.configuration().unwrap();

    let second = store.apply(&jail(), at(2)).unwrap();
    assert!(!second.is_change());
    assert_eq!((second.version, second.epoch), (1, 1));
    assert_eq!(second.people, count(0, 0, 0, 2));
    let mut after = store.configuration().unwrap();
    assert_eq!(after.registry.confirmed, at(2), "the same list confirms the registry");
    after.registry.confirmed = before.registry.confirmed;
    assert_eq!(after, before);

    drop(store);
    let store = Store::open(&path, &keys()).unwrap();
    assert!(!store.apply(&jail(), at(3)).unwrap().is_change(), "also after it was opened again");
}

#[test]
fn the_configuration_says_what_the_plan_said() {
    let (_folder, store) = filled();
    let account = |id, cents| Account {
        id: AccountId(id),
        agency: AgencyId(1),
        deposited: Money::from_cents(cents),
        settled: Money::ZERO,
    };
    let rule = |facility, end, rule| NumberRule {
        agency: AgencyId(1),
        facility,
        number: number(end),
        rule,
    };
    let expected = Configuration {
        version: 1,
        facilities: vec![stored_facility(1, "jail"), stored_facility(2, "annex")],
        stations: vec![
            stored_station(1, phone("192.0.2.10:5060", None)),
            stored_station(2, phone("[2001:db8::1]:0", Some("line-1"))),
            Station {
                caller: StationCaller::Person(PersonId(2)),
                dialling: Dialling::Hotline(hotline()),
                ..stored_station(
                    3,
                    StationAccess::Digest { user: "a-3".into(), ha1: Private::new([3; 16]) },
                )
            },
        ],
        people: vec![stored_person(1, "P-1", &[42, 43]), stored_person(2, "P-2", &[42])],
        numbers: vec![
            rule(None, 50, NumberUse::Free),
            rule(Some(FacilityId(1)), 51, NumberUse::Blocked),
        ],
        registry: RegistryData {
            epoch: Epoch(1),
            confirmed: at(1),
            count_max: 2,
            numbers: vec![number(60), number(61)],
        },
        accounts: vec![account(1, 2_000), account(2, 500)],
        services: vec![
            Service {
                agency: AgencyId(1),
                facility: None,
                keys: Some("711".into()),
                number: number(70),
                kind: ServiceKind::Relay,
            },
            Service {
                agency: AgencyId(1),
                facility: Some(FacilityId(1)),
                keys: None,
                number: number(71),
                kind: ServiceKind::Help,
            },
        ],
        languages: vec![],
        blocks: vec![],
        claims: vec![],
        lifts: vec![],
        trunk: Some(Trunk { address: "198.51.100.5:5060".parse().unwrap() }),
        counsel: [60, 61].map(protection).to_vec(),
        closings: Vec::new(),
    };
    assert_eq!(store.configuration().unwrap(), expected);
    let agencies = store.agencies().unwrap();
    assert_eq!(agencies.len(), 1);
    assert_eq!(agencies[0].key, "cedar");
    assert_eq!(agencies[0].keyholder.as_deref(), Some("keyholder-key"));
}

fn protection(end: u64) -> Protection {
    let holder = Some(Private::new(format!("Counsel {end}")));
    Protection { agency: AgencyId(1), number: number(end), holder }
}

fn stored_facility(id: u32, key: &str) -> Facility {
    Facility {
        id: FacilityId(id),
        agency: AgencyId(1),
        key: format!("cedar/{key}"),
        name: "Cedar County Jail".into(),
        site: site(),
        recording: true,
        registry_down: RegistryDown::Refuse,
        talk_max: Duration::from_secs(1_200),
        relay_talk_max: Duration::from_secs(3_600),
        disk_full: DiskFull::Refuse,
        allowed_only: true,
        base_per_minute: Money::from_cents(10),
        additive_per_minute: Money::from_cents(2),
        caller_id: *number(0).expose(),
        called: called_choices(),
        recorded_names: true,
    }
}

fn stored_station(id: u32, access: StationAccess) -> Station {
    Station {
        id: StationId(id),
        unit: UnitId(1),
        facility: FacilityId(1),
        key: format!("cedar/jail/a/{id}"),
        access,
        caller: StationCaller::Pin,
        dialling: Dialling::Menu,
    }
}

fn phone(address: &str, user: Option<&str>) -> StationAccess {
    StationAccess::Source { address: address.parse().unwrap(), user: user.map(str::to_owned) }
}

fn stored_person(id: u32, key: &str, contacts: &[u64]) -> Person {
    Person {
        id: PersonId(id),
        facility: FacilityId(1),
        key: Private::new(key.into()),
        name: Private::new(format!("Person {key}")),
        pin: Private::new([u8::try_from(id).unwrap(); 32]),
        language: Language::En,
        account: AccountId(id),
        contacts: contacts.iter().map(|end| number(*end)).collect(),
    }
}

#[test]
fn changes_are_counted_and_numbers_kept() {
    let (_folder, store) = filled();
    let mut plan = jail();
    plan.agencies[0].keyholder = None;
    plan.facilities[0].recording = false;
    plan.facilities[0].adp_year = None;
    plan.units[0].name = "Unit Alpha".into();
    plan.stations[0] = source("1", "192.0.2.11:5060", None);
    plan.stations[2].removed = true;
    plan.people[0].facility = "cedar/annex".into();
    plan.people[1].removed = true;
    plan.contacts[1].removed = true;
    plan.numbers[0].rule = Some(NumberUse::Allowed);
    plan.numbers[1].rule = None;
    plan.services[0].keys = None;
    plan.services[1].kind = None;
    plan.trunk = Some(Trunk { address: "198.51.100.6:5060".parse().unwrap() });
    let applied = store.apply(&plan, at(2)).unwrap();
    let expected = [
        count(0, 0, 0, 1),
        count(0, 1, 0, 1),
        count(0, 1, 0, 0),
        count(0, 1, 1, 1),
        count(0, 1, 1, 0),
        count(0, 0, 1, 2),
        count(0, 1, 1, 0),
        count(0, 1, 1, 0),
        count(0, 0, 0, 0),
        count(0, 0, 0, 2),
        count(0, 0, 0, 2),
        count(0, 1, 0, 0),
    ];
    assert_eq!(applied.counts().map(|(_, count)| count), expected);
    assert_eq!(applied.version, 2);
    let after = store.configuration().unwrap();
    assert!(!after.facilities[0].recording);
    assert_eq!(after.stations.iter().map(|station| station.id.0).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(after.people.len(), 1);
    assert_eq!(after.people[0].id, PersonId(1));
    assert_eq!(after.people[0].facility, FacilityId(2), "who moves keeps number and account");
    assert_eq!(after.people[0].contacts, [number(42)]);
    assert_eq!(after.accounts.len(), 2, "the account of who left is kept");
    assert_eq!(after.numbers.len(), 1);
    let kept = store.agencies().unwrap().remove(0).keyholder;
    assert_eq!(kept.as_deref(), Some("keyholder-key"), "what a plan does not name stays");

    plan.people.push(person("P-3", 3));
    plan.people[1].removed = false;
    store.apply(&plan, at(3)).unwrap();
    let ids: Vec<u32> = store.configuration().unwrap().people.iter().map(|p| p.id.0).collect();
    assert_eq!(ids, [1, 2, 3], "numbers are never given twice, and who comes back has the old one");
}

#[test]
fn an_empty_plan_changes_nothing() {
    let (_folder, store) = filled();
    let before = store.configuration().unwrap();
    let applied = store.apply(&Plan::default(), at(50)).unwrap();
    assert_eq!((applied.version, applied.epoch), (1, 1));
    assert_eq!(store.configuration().unwrap(), before, "the registry is not even confirmed");
}

#[test]
fn the_registry_only_grows_unless_told() {
    let (_folder, store) = filled();
    let mut plan = Plan { agencies: jail().agencies, ..Plan::default() };
    let mut step = |protected: Protected, now| {
        plan.protected = Some(protected);
        let applied = store.apply(&plan, at(now)).unwrap();
        let registry = store.configuration().unwrap().registry;
        let ends: Vec<u64> =
            registry.numbers.iter().map(|n| n.expose().digits() - 12_025_550_100).collect();
        (registry.epoch.0, registry.confirmed, registry.count_max, ends, applied.version)
    };
    assert_eq!(step(protected(&[62]), 2), (2, at(2), 3, vec![60, 61, 62], 2));
    let mut twice = protected(&[62, 62]);
    twice.numbers[1].holder = Some(Private::new("Another note".into()));
    assert_eq!(step(twice, 3), (2, at(3), 3, vec![60, 61, 62], 2));
    assert_eq!(step(Protected::default(), 4), (2, at(4), 3, vec![60, 61, 62], 2));
    let replace = |ends: &[u64], count| Protected { replace: true, count, ..protected(ends) };
    assert_eq!(step(replace(&[60], None), 5), (3, at(5), 3, vec![60], 3));
    assert_eq!(
        step(replace(&[60], Some(1)), 6),
        (3, at(6), 1, vec![60], 4),
        "the size is accepted"
    );
    assert_eq!(step(replace(&[], None), 7), (4, at(7), 1, vec![], 5));
    assert_eq!(step(replace(&[], None), 3), (4, at(7), 1, vec![], 5), "time never goes back");
    plan.protected = Some(replace(&[60, 61], Some(3)));
    let wrong = Refused::ProtectedCount { expected: 3, found: 2 };
    assert_eq!(refused(&store, &plan), wrong);
}

#[test]
fn an_empty_list_makes_a_first_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("cell.db"), &keys()).unwrap();
    store.confirm_registry(at(1)).unwrap();
    assert_eq!(store.configuration().unwrap().registry, RegistryData::default(), "still missing");
    let plan = Plan { protected: Some(Protected::default()), ..Plan::default() };
    let applied = store.apply(&plan, at(2)).unwrap();
    assert_eq!((applied.epoch, applied.version), (1, 1), "nodes must learn of it");
    assert_eq!(store.configuration().unwrap().registry.confirmed, at(2));
}

#[test]
fn the_node_confirms_and_time_never_goes_back() {
    let (_folder, store) = filled();
    for (now, confirmed) in [(5, 5), (3, 5), (6, 6)] {
        store.confirm_registry(at(now)).unwrap();
        assert_eq!(store.configuration().unwrap().registry.confirmed, at(confirmed));
    }
    assert_eq!(store.version().unwrap(), 1);
}

#[test]
fn numbers_are_protected_for_all_and_counted_once() {
    let (_folder, store) = filled();
    let mut plan = Plan { agencies: jail().agencies, ..Plan::default() };
    plan.agencies[0].key = "juniper".into();
    let mut list = protected(&[60]);
    list.numbers[0].agency = "juniper".into();
    list.replace = true;
    plan.protected = Some(list);
    store.apply(&plan, at(2)).unwrap();
    let registry = store.configuration().unwrap().registry;
    assert_eq!(registry.numbers, [number(60), number(61)], "another agency's numbers stay");
    assert_eq!(registry.count_max, 2);
}

#[test]
fn contradictions_are_refused_with_their_lines_and_change_nothing() {
    let (_folder, store) = filled();
    let mut plan = jail();
    plan.people = vec![person("P-3", 1)];
    assert_eq!(refused(&store, &plan), Refused::PinTaken { lines: vec![2] });
    plan.people[0].facility = "cedar/annex".into();
    store.apply(&plan, at(2)).unwrap();

    let mut plan = jail();
    plan.stations.push(source("9", "192.0.2.10:5060", None));
    let taken =
        Refused::AccessTaken { station: "cedar/jail/a/9".into(), other: "cedar/jail/a/1".into() };
    assert_eq!(refused(&store, &plan), taken);

    let mut plan = jail();
    plan.contacts.push(contact("P-9", 42));
    plan.contacts.push(contact("P-8", 42));
    let unknown = Refused::PersonUnknown { table: Table::Contacts, lines: vec![2, 2] };
    assert_eq!(refused(&store, &plan), unknown);

    let mut plan = jail();
    plan.deposits = vec![deposit("P-1", "R-1", 2_001), deposit("P-2", "R-1", 2_000)];
    let differs = Refused::DepositDiffers { table: Table::Deposits, lines: vec![2, 2] };
    assert_eq!(refused(&store, &plan), differs);
    plan.deposits = vec![deposit("P-9", "R-9", 1)];
    let unknown = Refused::PersonUnknown { table: Table::Deposits, lines: vec![2] };
    assert_eq!(refused(&store, &plan), unknown);
    plan.deposits = vec![deposit("P-1", "R-9", 1)];
    plan.deposits[0].amount = Money::from_micros(i64::MAX);
    let large = Refused::DepositTooLarge { table: Table::Deposits, lines: vec![2] };
    assert_eq!(refused(&store, &plan), large);
}

#[test]
fn keys_that_stand_for_nothing_are_refused() {
    let (_folder, store) = filled();
    let unknown = |kind, key: &str| Refused::Unknown { kind, key: key.into() };
    let mut plan = Plan { facilities: vec![facility("new")], ..Plan::default() };
    plan.facilities[0].agency = "juniper".into();
    assert_eq!(refused(&store, &plan), unknown("agency", "juniper"));
    let unit = |facility: &str| Unit {
        facility: facility.into(),
        key: format!("{facility}/z"),
        name: "Z".into(),
    };
    let plan = Plan { units: vec![unit("cedar/none")], ..Plan::default() };
    assert_eq!(refused(&store, &plan), unknown("facility", "cedar/none"));
    let mut plan = Plan { stations: vec![source("7", "192.0.2.77:0", None)], ..Plan::default() };
    store.apply(&plan, at(2)).unwrap();
    plan.stations[0].unit = "cedar/jail/none".into();
    assert_eq!(refused(&store, &plan), unknown("unit", "cedar/jail/none"));
}

#[test]
fn two_people_may_exchange_their_pins() {
    let (_folder, store) = filled();
    let mut plan = Plan { people: vec![person("P-1", 2), person("P-2", 1)], ..Plan::default() };
    let applied = store.apply(&plan, at(2)).unwrap();
    assert_eq!(applied.people, count(0, 2, 0, 0));
    plan.people[0].removed = true;
    plan.people.push(person("P-3", 2));
    store.apply(&plan, at(3)).unwrap();
    assert_eq!(store.configuration().unwrap().people.len(), 2, "who left frees the PIN");
}

#[test]
fn messages_say_what_to_do_and_name_nobody() {
    let message = Refused::PinTaken { lines: vec![3, 7, 9] }.to_string();
    assert!(message.starts_with("people file, lines 3, 7 and 9: another person"), "{message}");
    let many = Refused::PinTaken { lines: (1..=25).collect() }.to_string();
    assert!(many.contains("20 and 5 more"), "{many}");
    let one = Refused::PersonUnknown { table: Table::Deposits, lines: vec![4] }.to_string();
    assert!(one.starts_with("deposits file, line 4: no such person"), "{one}");
    let plan = format!("{:?}", jail());
    for private in ["P-1", "Person P-", "5550142", "R-1", "Counsel"] {
        assert!(!plan.contains(private), "{private} must not print");
    }
}

#[test]
fn a_chosen_language_is_remembered_for_the_number() {
    let (_folder, store) = filled();
    for (seq, language) in [(1, Language::Es), (2, Language::En), (3, Language::Es)] {
        let fact =
            Fact::LanguageChosen { agency: AgencyId(1), number: number(42), language, at: at(5) };
        store.project(&[(seq, fact)]).unwrap();
        let languages = store.configuration().unwrap().languages;
        assert_eq!(languages, [(AgencyId(1), number(42), language)]);
    }
}

/// What staff take back is booked once by its reference, whatever the file is applied for again.
#[test]
fn a_lift_is_booked_once_and_means_one_thing() {
    let (_folder, store) = filled();
    let lift = |facility: Option<&str>, reference: &str, line| Lift {
        agency: "cedar".into(),
        facility: facility.map(str::to_owned),
        number: number(42),
        what: Lifted::Block,
        reference: Private::new(reference.into()),
        line,
    };
    let mut plan = jail();
    plan.lifts = vec![lift(None, "letter-1", 2), lift(Some("cedar/jail"), "letter-2", 3)];
    let applied = store.apply(&plan, at(5)).unwrap();
    assert_eq!((applied.lifts, applied.version), (count(2, 0, 0, 0), 2));
    let stored = |facility, micros| plan::Lift {
        agency: AgencyId(1),
        facility,
        number: number(42),
        what: Lifted::Block,
        at: at(micros),
    };
    let expected = vec![stored(None, 5), stored(Some(FacilityId(1)), 5)];
    assert_eq!(store.configuration().unwrap().lifts, expected);
    // Again, later: the first time stays, so that a wish said since then stands.
    let applied = store.apply(&plan, at(6)).unwrap();
    assert_eq!((applied.lifts, applied.version), (count(0, 0, 0, 2), 2));
    assert_eq!(store.configuration().unwrap().lifts, expected);
    plan.lifts[1].what = Lifted::Claims;
    assert_eq!(refused(&store, &plan), Refused::LiftDiffers { lines: vec![3] });
}
