//! What sealed columns cost: provisions an agency, projects calls and reads the configuration, and
//! prints times and CPU of each.
//!
//! `cargo run --release -p store --example columns -- PEOPLE CALLS`

#![allow(clippy::unwrap_used, reason = "a bench stops at its first failure")]
#![allow(clippy::print_stdout, reason = "it prints its figures")]
#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

use model::{
    AccountId, AgencyId, CallId, E164, FacilityId, Language, Money, PersonId, Private, PromptId,
    StationId, Timestamp, UnitId,
    fact::{
        Admitted, ConsentEvidence, EndReason, Ended, Epoch, Fact, HoldFact, KeyPath, NumberClass,
        RateFact, RecordingEnd, RecordingState, Rest,
    },
    place::{FacilityKind, Site, State},
    plan::{CalledChoices, DiskFull, RegistryDown},
    speech::ContentHash,
};
use std::{
    fs,
    time::{Duration, Instant},
};
use store::{
    CallFilter, ColumnKeys, Store,
    plan::{
        Agency, Contact, Deposit, Facility, Person, Plan, Protected, ProtectedNumber, Table, Unit,
    },
};

fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<u32>().unwrap());
    let people = args.next().unwrap_or(20_000);
    let calls = args.next().unwrap_or(100_000);
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("cell.db"), &ColumnKeys::new([7; 32])).unwrap();
    let plan = plan(people);
    measured("provision", u64::from(people), || {
        store.apply(&plan, at(1)).unwrap();
    });
    for _ in 0..3 {
        measured("configuration", u64::from(people), || {
            let read = store.configuration().unwrap();
            assert_eq!(read.people.len(), people as usize);
        });
    }
    let facts = facts(calls, people);
    measured("project, facts", facts.len() as u64, || {
        for batch in facts.chunks(BATCH) {
            store.project(batch).unwrap();
        }
    });
    measured("read calls, pages of 50", u64::from(calls), || {
        let mut after = 0;
        loop {
            let filter = CallFilter { after, limit: Some(50), ..CallFilter::default() };
            let Some(last) = store.calls(&filter).unwrap().last().map(|row| row.record) else {
                break;
            };
            after = last;
        }
    });
    drop(store);
    let octets = fs::metadata(folder.path().join("cell.db")).unwrap().len();
    println!("database {octets} octets");
}

/// Runs it once and prints wall time, CPU of this process, and how many a second.
fn measured(what: &str, count: u64, run: impl FnOnce()) {
    let (begin, cpu) = (Instant::now(), ticks());
    run();
    let (wall, cpu) = (begin.elapsed().as_secs_f64(), (ticks() - cpu) as f64 / TICKS);
    println!(
        "{what}: {count} in {wall:.3} s, CPU {cpu:.2} s, {:.0} a second, {:.1} us of CPU each",
        count as f64 / wall,
        cpu * 1e6 / count as f64,
    );
}

/// User and system time of this process so far (proc_pid_stat(5)).
fn ticks() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let after = stat.rsplit(')').next().unwrap();
    after.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

/// One of the hundred sample numbers, as of a country of its own, so that a bench has enough.
fn number(index: u32) -> Private<E164> {
    let (country, end) = (u64::from(index / 100), u64::from(index % 100));
    Private::new(E164::new((1_000 + country) * 10_000_000_000 + 2_025_550_100 + end).unwrap())
}

fn plan(people: u32) -> Plan {
    let facility = Facility {
        agency: "cedar".into(),
        key: "cedar/jail".into(),
        name: "Cedar County Jail".into(),
        site: site(),
        adp_year: None,
        timezone: "America/Denver".into(),
        recording: true,
        registry_down: RegistryDown::Refuse,
        talk_max: Duration::from_secs(1_200),
        relay_talk_max: Duration::from_secs(3_600),
        disk_full: DiskFull::Refuse,
        allowed_only: true,
        base_per_minute: Money::from_cents(10),
        additive_per_minute: Money::from_cents(2),
        caller_id: *number(0).expose(),
        called: CalledChoices::default(),
        recorded_names: true,
    };
    let unit =
        Unit { facility: "cedar/jail".into(), key: "cedar/jail/a".into(), name: "Unit A".into() };
    let agency = Agency { key: "cedar".into(), name: "Cedar County".into(), keyholder: None };
    Plan {
        agencies: vec![agency],
        facilities: vec![facility],
        units: vec![unit],
        people: (0..people).map(person).collect(),
        contacts: (0..people * CONTACTS).map(contact).collect(),
        deposits: (0..people).map(deposit).collect(),
        protected: Some(Protected {
            numbers: (0..people / 10).map(protected).collect(),
            replace: false,
            count: None,
        }),
        ..Plan::default()
    }
}

fn site() -> Site {
    Site { kind: FacilityKind::Jail, adp: 20_000, state: State::new("CO").unwrap() }
}

fn key(index: u32) -> Private<String> {
    Private::new(format!("2026-{index:06}"))
}

fn person(index: u32) -> Person {
    let mut pin = [0; 32];
    pin.iter_mut().zip(index.to_be_bytes()).for_each(|(octet, from)| *octet = from);
    Person {
        agency: "cedar".into(),
        facility: "cedar/jail".into(),
        key: key(index),
        name: Private::new(format!("Person {index}")),
        pin: Private::new(pin),
        language: Language::En,
        removed: false,
        line: u64::from(index) + 2,
    }
}

fn contact(index: u32) -> Contact {
    Contact {
        agency: "cedar".into(),
        person: key(index / CONTACTS),
        number: number(index),
        removed: false,
        line: u64::from(index) + 2,
    }
}

fn deposit(index: u32) -> Deposit {
    Deposit {
        agency: "cedar".into(),
        person: key(index),
        amount: Money::from_cents(2_000),
        reference: Private::new(format!("R-{index}")),
        line: u64::from(index) + 2,
        table: Table::Deposits,
    }
}

fn protected(index: u32) -> ProtectedNumber {
    ProtectedNumber {
        agency: "cedar".into(),
        number: number(500_000 + index),
        holder: Some(Private::new(format!("Counsel {index}"))),
    }
}

/// Recorded calls, each with six facts.
fn facts(calls: u32, people: u32) -> Vec<(u64, Fact)> {
    let facts = (0..calls).flat_map(|index| {
        let call = CallId::from_parts(1, index + 1);
        let at = at(1_000 + i64::from(index));
        let caller = index % people;
        [
            Fact::Admitted(Box::new(admitted(call, at, caller))),
            Fact::Answered { call, at },
            Fact::Accepted { call, evidence: Box::new(evidence(at)), recording: Ok(Epoch(1)) },
            Fact::Talked { call, talked: Duration::from_secs(5), at },
            Fact::RecordingClosed {
                call,
                recording: RecordingEnd {
                    state: RecordingState::Ended,
                    bytes: 160_000,
                    frames: 10,
                    sha256: [9; 32],
                },
                at,
            },
            Fact::Ended(Box::new(Ended {
                call,
                at,
                reason: EndReason::CalledHungUp,
                talked: Duration::from_secs(10),
                charged: Money::from_cents(12),
                rest: Rest::Released,
                decision_key: Some('1'),
                off: None,
            })),
        ]
    });
    (1..).zip(facts).collect()
}

fn admitted(call: CallId, at: Timestamp, caller: u32) -> Admitted {
    Admitted {
        call,
        at,
        agency: AgencyId(1),
        facility: FacilityId(1),
        unit: UnitId(1),
        station: StationId(1),
        person: Some(PersonId(caller + 1)),
        number: number(caller * CONTACTS),
        class: NumberClass::Ordinary,
        epoch: Epoch(1),
        may_record: Ok(()),
        hold: Some(HoldFact {
            account: AccountId(caller + 1),
            amount: Money::from_cents(240),
            rate: RateFact {
                base_per_minute: Money::from_cents(10),
                additive_per_minute: Money::from_cents(2),
                site: site(),
                at,
            },
            expires: at,
        }),
    }
}

fn evidence(at: Timestamp) -> ConsentEvidence {
    ConsentEvidence {
        pack: ContentHash([1; 32]),
        prompts: vec![PromptId::CallFrom, PromptId::NoticeRecorded],
        language: Language::En,
        played_called: ContentHash([2; 32]),
        played_station: ContentHash([3; 32]),
        notice_ended: at,
        key_onset: at,
        key: '1',
        path: KeyPath::TelephoneEvent,
    }
}

/// Numbers on each person's list.
const CONTACTS: u32 = 5;
/// Facts of one transaction, as the desk's projector takes them at most.
const BATCH: usize = 1_000;
/// Ticks of a second in proc_pid_stat(5).
const TICKS: f64 = 100.0;
