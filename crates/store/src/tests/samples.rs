//! A fictional county and calls of it.

use crate::{
    ColumnKeys, Store,
    plan::{
        Agency, Contact, Deposit, Facility, NumberRule, Person, Plan, Protected, ProtectedNumber,
        Service, Station, StationCaller, Table, Unit,
    },
    records::{PAGE_ROWS_MAX, Search},
};
use access::Line;
use model::{
    AccountId, AgencyId, CallId, E164, FacilityId, Language, Money, PersonId, Private, PromptId,
    StationId, Timestamp, UnitId,
    fact::{
        Admitted, ConsentEvidence, Denied, EndReason, Ended, Epoch, Fact, HoldFact, KeyPath,
        NumberClass, OffReason, RateFact, RecordingEnd, RecordingState, Refusal, Rest,
    },
    place::{FacilityKind, Site, State},
    plan::{
        BlockScope, CalledChoices, Dialling, DiskFull, Hotline, NumberUse, RegistryDown,
        ServiceKind, StationAccess, Trunk,
    },
    speech::ContentHash,
};
use std::time::Duration;
use tempfile::TempDir;

/// The keys of every sample database.
pub(super) fn keys() -> ColumnKeys {
    ColumnKeys::new([7; 32])
}

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

/// The sample number that ends with these two digits.
pub(super) fn number(end: u64) -> Private<E164> {
    Private::new(E164::new(12_025_550_100 + end).unwrap())
}

pub(super) fn site() -> Site {
    Site { kind: FacilityKind::Jail, adp: 212, state: State::new("CO").unwrap() }
}

pub(super) fn facility(key: &str) -> Facility {
    Facility {
        agency: "cedar".into(),
        key: format!("cedar/{key}"),
        name: "Cedar County Jail".into(),
        site: site(),
        adp_year: Some(2025),
        timezone: "America/Denver".into(),
        recording: true,
        registry_down: RegistryDown::Refuse,
        talk_max: Duration::from_secs(20 * 60),
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

/// None of the defaults.
pub(super) fn called_choices() -> CalledChoices {
    CalledChoices {
        private_claims_max: 2,
        block: BlockScope::Agency,
        drawn_key: true,
        reminder_every: Some(Duration::from_secs(300)),
    }
}

pub(super) fn person(key: &str, pin: u8) -> Person {
    Person {
        agency: "cedar".into(),
        facility: "cedar/jail".into(),
        key: Private::new(key.into()),
        name: Private::new(format!("Person {key}")),
        pin: Private::new([pin; 32]),
        language: Language::En,
        removed: false,
        line: u64::from(pin) + 1,
    }
}

pub(super) fn source(key: &str, address: &str, user: Option<&str>) -> Station {
    Station {
        unit: "cedar/jail/a".into(),
        key: format!("cedar/jail/a/{key}"),
        access: StationAccess::Source {
            address: address.parse().unwrap(),
            user: user.map(str::to_owned),
        },
        caller: StationCaller::Pin,
        dialling: Dialling::Menu,
        removed: false,
    }
}

pub(super) fn hotline() -> Hotline {
    Hotline { dialled: Private::new("2025550150".into()), free: true, recording: false }
}

pub(super) fn deposit(person: &str, reference: &str, cents: i32) -> Deposit {
    Deposit {
        agency: "cedar".into(),
        person: Private::new(person.into()),
        amount: Money::from_cents(cents),
        reference: Private::new(reference.into()),
        line: 2,
        table: Table::Deposits,
    }
}

pub(super) fn service(
    facility: Option<&str>,
    end: u64,
    keys: Option<&str>,
    kind: Option<ServiceKind>,
) -> Service {
    Service {
        agency: "cedar".into(),
        facility: facility.map(str::to_owned),
        number: number(end),
        keys: keys.map(str::to_owned),
        kind,
    }
}

pub(super) fn contact(person: &str, end: u64) -> Contact {
    Contact {
        agency: "cedar".into(),
        person: Private::new(person.into()),
        number: number(end),
        removed: false,
        line: 2,
    }
}

pub(super) fn protected(ends: &[u64]) -> Protected {
    let of = |end: &u64| ProtectedNumber {
        agency: "cedar".into(),
        number: number(*end),
        holder: Some(Private::new(format!("Counsel {end}"))),
    };
    Protected { numbers: ends.iter().map(of).collect(), replace: false, count: None }
}

/// One jail with everything in it.
pub(super) fn jail() -> Plan {
    let rule = |facility: Option<&str>, end, rule| NumberRule {
        agency: "cedar".into(),
        facility: facility.map(str::to_owned),
        number: number(end),
        rule: Some(rule),
    };
    Plan {
        lifts: Vec::new(),
        agencies: vec![Agency {
            key: "cedar".into(),
            name: "Cedar County Sheriff".into(),
            keyholder: Some("keyholder-key".into()),
        }],
        facilities: vec![facility("jail"), facility("annex")],
        units: vec![Unit {
            facility: "cedar/jail".into(),
            key: "cedar/jail/a".into(),
            name: "Unit A".into(),
        }],
        stations: vec![
            source("1", "192.0.2.10:5060", None),
            source("2", "[2001:db8::1]:0", Some("line-1")),
            Station {
                unit: "cedar/jail/a".into(),
                key: "cedar/jail/a/3".into(),
                access: StationAccess::Digest { user: "a-3".into(), ha1: Private::new([3; 16]) },
                caller: StationCaller::Person(Private::new("P-2".into())),
                dialling: Dialling::Hotline(hotline()),
                removed: false,
            },
        ],
        people: vec![person("P-1", 1), person("P-2", 2)],
        contacts: vec![contact("P-1", 42), contact("P-1", 43), contact("P-2", 42)],
        numbers: vec![
            rule(None, 50, NumberUse::Free),
            rule(Some("cedar/jail"), 51, NumberUse::Blocked),
        ],
        services: vec![
            service(None, 70, Some("711"), Some(ServiceKind::Relay)),
            service(Some("cedar/jail"), 71, None, Some(ServiceKind::Help)),
        ],
        deposits: vec![deposit("P-1", "R-1", 2_000), deposit("P-2", "R-2", 500)],
        protected: Some(protected(&[60, 61])),
        trunk: Some(Trunk { address: "198.51.100.5:5060".parse().unwrap() }),
    }
}

/// A store with the jail in it.
pub(super) fn filled() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("cell.db"), &keys()).unwrap();
    store.apply(&jail(), at(1)).unwrap();
    (folder, store)
}

pub(super) fn call(counter: u32) -> CallId {
    // The highest boot number uses the sign bit of the column.
    CallId::from_parts(u32::MAX, counter)
}

pub(super) fn admitted(counter: u32, held_cents: Option<i32>) -> Admitted {
    Admitted {
        call: call(counter),
        at: at(100),
        agency: AgencyId(1),
        facility: FacilityId(1),
        unit: UnitId(1),
        station: StationId(1),
        person: Some(PersonId(1)),
        number: number(42),
        class: NumberClass::Ordinary,
        epoch: Epoch(1),
        may_record: Ok(()),
        hold: held_cents.map(|cents| HoldFact {
            account: AccountId(1),
            amount: Money::from_cents(cents),
            rate: RateFact {
                base_per_minute: Money::from_cents(10),
                additive_per_minute: Money::from_cents(2),
                site: site(),
                at: at(100),
            },
            expires: at(2_000),
        }),
    }
}

pub(super) fn denied(counter: u32) -> Fact {
    Fact::Denied(Box::new(Denied {
        call: call(counter),
        at: at(100),
        agency: AgencyId(1),
        facility: FacilityId(1),
        station: StationId(2),
        person: Some(PersonId(2)),
        number: None,
        reason: Refusal::InsufficientFunds,
    }))
}

pub(super) fn accepted(counter: u32, recording: Result<Epoch, OffReason>) -> Fact {
    Fact::Accepted {
        call: call(counter),
        evidence: Box::new(ConsentEvidence {
            pack: ContentHash([1; 32]),
            prompts: vec![PromptId::CallFrom, PromptId::NoticeRecorded],
            language: Language::Es,
            played_called: ContentHash([2; 32]),
            played_station: ContentHash([3; 32]),
            notice_ended: at(110),
            key_onset: at(111),
            key: '1',
            path: KeyPath::TelephoneEvent,
        }),
        recording,
    }
}

pub(super) fn talked(counter: u32, seconds: u64) -> Fact {
    let when = i64::try_from(seconds).unwrap() + 111;
    Fact::Talked { call: call(counter), talked: Duration::from_secs(seconds), at: at(when) }
}

pub(super) fn closed(counter: u32, state: RecordingState) -> Fact {
    let recording = RecordingEnd { state, bytes: 160_000, frames: 10, sha256: [9; 32] };
    Fact::RecordingClosed { call: call(counter), recording, at: at(130) }
}

pub(super) fn ended(counter: u32, charged_cents: i32, rest: Rest) -> Fact {
    Fact::Ended(Box::new(Ended {
        call: call(counter),
        at: at(131),
        reason: EndReason::CalledHungUp,
        talked: Duration::from_micros(10_250_001),
        charged: Money::from_cents(charged_cents),
        rest,
        decision_key: Some('1'),
        off: None,
    }))
}

/// A search of one kind of line for all calls of the agency, in a whole page.
pub(super) fn search(line: Line) -> Search {
    Search {
        agency: AgencyId(1),
        line,
        own: None,
        person: None,
        number: None,
        facility: None,
        station: None,
        from: None,
        until: None,
        outcome: None,
        recorded: None,
        after: None,
        limit: PAGE_ROWS_MAX,
    }
}
