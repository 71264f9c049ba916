//! An agency with staff, records and one recording, over a real log, store and two keyholders.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "each test uses a part, and fails by it"
)]

use crate::world::{ABOUT, World};
mod jail;

use access::{Gate, Purpose, Role, Verb, staff::Staff};
use disclosure::{
    HolderAt, Holders, Keeping, KeepingConfig, Reach, Records, RecordsConfig, Register,
    RegisterConfig, Roster, SealDetail, custody,
    keeping::QUARANTINE_MAX,
    records::{Answer, Authority, Reason, Shown},
    roster::{NewGrant, RosterConfig},
};
use evidence::{AuditKey, Entry, Random, Said, Statement, leaf};
use export::Software;
use journal::{
    Draft, EntrySeq,
    log::{Log, LogEntry, Options, replay_log},
};
use keyholder::KeyRing;
use model::{
    AgencyId, CallId, Clock, E164, FacilityId, Language, Money, PersonId, Private, PromptId,
    RecordingId, StationId, Timestamp, UnitId,
    fact::{
        Admitted, ConsentEvidence, EndReason, Ended, Epoch, Fact, KeyPath, NumberClass,
        RecordingEnd, Rest,
    },
    speech::ContentHash,
};
use std::{
    cell::Cell,
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use store::{
    Plan, Store,
    plan::{Agency, Person, Protected, ProtectedNumber},
    staff::{Enrolment, NewStaff},
};
use tlog::{KeyKind, Policy, Signer};
use vault::Shelf;
use witness::Peer;

pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_795_726_800_000_000);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
pub(crate) const SECONDS: u32 = 4;
/// The recording that there is; its call has the same number.
pub(crate) const RECORDING: RecordingId = RecordingId(7);
pub(crate) const CASE: &str = "24-CR-0117";
/// The agency whose data it is.
pub(crate) const CEDAR: AgencyId = ABOUT.agency;
/// Another one.
pub(crate) const PINE: AgencyId = AgencyId(1);

pub(crate) fn signer() -> Signer {
    Signer::from_seed("county.example/log", KeyKind::Log, &[1; 32]).unwrap()
}

pub(crate) fn audit() -> AuditKey {
    AuditKey::new([3; 32])
}

pub(crate) fn number(end: u64) -> Private<E164> {
    Private::new(E164::new(12_025_550_100 + end).unwrap())
}

/// The folders of an agency: `disk` is what its machines have.
pub(crate) struct Office {
    pub(crate) world: World,
    pub(crate) disk: PathBuf,
    /// Who stamps what is taken away, for whoever opens next.
    pub(crate) authority: Cell<Option<Authority>>,
}

impl Office {
    pub(crate) fn new() -> Self {
        let mut world = World::new();
        let disk = world.root().join("disk");
        world.keys = [0, 1].map(|number| {
            let ring = KeyRing::create(&disk.join(format!("holder{number}/keys"))).unwrap();
            ring.current().unwrap().public()
        });
        let (_, end) = world.recorded(RECORDING.0, SECONDS);
        let store = Store::open(&disk.join("cell.db"), &store::ColumnKeys::new([7; 32])).unwrap();
        store.apply(&plan(&[]), NOW).unwrap();
        store.project(&facts(end.clone())).unwrap();
        for (agency, name, role) in STAFF {
            let new = NewStaff {
                id: store.next_staff().unwrap(),
                agency: *agency,
                name: Private::new((*name).to_owned()),
                role: *role,
                enrolment: Enrolment { token: [0; 32], until: NOW },
            };
            store.add_staff(&new, NOW).unwrap();
        }
        drop(store);
        let office = Self { world, disk, authority: Cell::new(None) };
        let log = office.log();
        log.append_wait(vec![ended(end)]).unwrap();
        log.close();
        office
    }

    /// The office in the folder `root` of another process.
    pub(crate) fn again(root: &Path) -> Self {
        let world = World::at(root);
        let disk = world.root().join("disk");
        Self { world, disk, authority: Cell::new(None) }
    }

    pub(crate) fn log(&self) -> Log {
        Log::open(&options(&self.disk), signer(), NOW).unwrap().0
    }

    pub(crate) fn open(&self) -> Running {
        self.open_at(&self.disk)
    }

    /// Opens what lies in a copy of `disk`.
    pub(crate) fn open_at(&self, disk: &Path) -> Running {
        let gate = Gate::new(signer().verifier().clone(), Policy::LOG_ALONE);
        self.open_with(disk, gate, vec![])
    }

    pub(crate) fn open_with(&self, disk: &Path, gate: Gate, witnesses: Vec<Peer>) -> Running {
        self.open_among(disk, gate, witnesses, here(disk))
    }

    pub(crate) fn open_among(
        &self,
        disk: &Path,
        gate: Gate,
        witnesses: Vec<Peer>,
        at: Vec<HolderAt>,
    ) -> Running {
        // A test that reads what was sealed: the seal turns every octet over.
        let seal: SealDetail =
            Box::new(|_, detail| Some(detail.iter().map(|octet| !octet).collect()));
        self.open_sealing(disk, gate, (witnesses, at), seal)
    }

    pub(crate) fn open_sealing(
        &self,
        disk: &Path,
        gate: Gate,
        (witnesses, at): (Vec<Peer>, Vec<HolderAt>),
        seal: SealDetail,
    ) -> Running {
        let log = Log::open(&options(disk), signer(), NOW).unwrap().0;
        let config = RegisterConfig {
            audit: audit(),
            gate: gate.clone(),
            witnesses,
            seal,
            reach: Reach::default(),
            boot: 1,
            interval: Duration::from_secs(600),
        };
        let register = Arc::new(Register::new(log.clone(), config));
        let clock = Clock::new(|| NOW);
        let store = Store::open(&disk.join("cell.db"), &store::ColumnKeys::new([7; 32])).unwrap();
        let roster = Roster::open(
            store.clone(),
            Arc::clone(&register),
            clock.clone(),
            RosterConfig::default(),
        );
        let roster = roster.unwrap();
        let custody = custody(&at, false);
        let holders = Holders::open(at, &gate, signer().verifier(), clock.clone()).unwrap();
        let records = Records::new(RecordsConfig {
            store: store.clone(),
            register: Arc::clone(&register),
            roster: roster.clone(),
            shelf: Shelf::at(self.world.vault_dir()),
            holders,
            clock,
            custody,
            software: Software { version: "0.1.0".to_owned(), sha256: "ab".repeat(32) },
            clock_now: Box::new(|zone| export::Clock {
                source: "the test's own".to_owned(),
                synchronised: None,
                offset_us: None,
                error_max_us: None,
                zone,
            }),
            verifier_key: signer().verifier().to_string(),
            authority: self.authority.take(),
            log_private: disk.join("log-private"),
        });
        let mut running = Running { log, store, register, roster, records, keeping: None };
        running.keeping = Some(self.keeping(&running, disk, NOW, QUARANTINE_MAX));
        running
    }

    /// What keeps, over a disk and at another time.
    pub(crate) fn keeping(
        &self,
        running: &Running,
        disk: &Path,
        at: Timestamp,
        quarantine: Duration,
    ) -> Keeping {
        Keeping::new(KeepingConfig {
            store: running.store.clone(),
            register: Arc::clone(&running.register),
            roster: running.roster.clone(),
            recordings: self.world.vault_dir(),
            published: disk.join("published/retention.json"),
            clock: Clock::new(move || at),
            quarantine,
        })
    }

    /// What the entries of a log that is closed say, with their details.
    pub(crate) fn entries(disk: &Path) -> Vec<(leaf::Read, Vec<u8>)> {
        let mut entries = Vec::new();
        let each = |entry: LogEntry| {
            let read = leaf::read(&entry.leaf, &audit()).unwrap();
            entries.push((read, entry.detail.iter().map(|octet| !octet).collect()));
            ControlFlow::Continue(())
        };
        replay_log(&disk.join("log-private"), 0, each).unwrap();
        entries
    }
}

/// What runs over a disk.
pub(crate) struct Running {
    pub(crate) log: Log,
    pub(crate) store: Store,
    pub(crate) register: Arc<Register>,
    pub(crate) roster: Roster,
    pub(crate) records: Records,
    keeping: Option<Keeping>,
}

impl Running {
    pub(crate) fn staff(&self, name: &str) -> Staff {
        let all = self.store.staff().unwrap();
        all.into_iter().find(|row| row.name.expose() == name).unwrap().staff
    }

    /// Gives the investigator leave to do all of this.
    pub(crate) fn grant(&self, to: &str, purpose: Purpose, verbs: &[Verb]) {
        let new = NewGrant {
            staff: self.staff(to).id,
            case: Private::new(CASE.to_owned()),
            purpose,
            verbs: verbs.to_vec(),
            rows_max: 1_000,
            from: NOW,
            until: NOW.after(24 * HOUR),
        };
        self.roster.give(&self.staff("super"), new).unwrap();
    }

    /// What keeps, at [`NOW`].
    pub(crate) fn keeping(&self) -> Keeping {
        self.keeping.clone().unwrap()
    }

    pub(crate) fn close(self) {
        self.log.close();
    }
}

pub(crate) fn reason(purpose: Purpose) -> Reason {
    Reason { purpose, case: Private::new(CASE.to_owned()), act: None }
}

pub(crate) fn shown<T>(answer: Answer<T>) -> Shown<T> {
    match answer {
        Answer::Shown(shown) => shown,
        Answer::Waits { why, .. } => panic!("it waits: {why}"),
    }
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Both keyholders at hand.
pub(crate) fn here(disk: &Path) -> Vec<HolderAt> {
    [0, 1].map(|number| HolderAt::Here(disk.join(format!("holder{number}")))).into()
}

fn options(disk: &Path) -> Options {
    Options::new(disk.join("log"), disk.join("log-private"))
}

/// Three agencies, the last of which is [`CEDAR`], with a facility and two people; and these
/// protected numbers.
pub(crate) fn plan(protected: &[u64]) -> Plan {
    let agency = |key: &str| Agency { key: key.into(), name: key.into(), keyholder: None };
    let person = |key: &str, pin: u8| Person {
        agency: "cedar".into(),
        facility: "cedar/jail".into(),
        key: Private::new(key.into()),
        name: Private::new(format!("Person {key}")),
        pin: Private::new([pin; 32]),
        language: Language::En,
        removed: false,
        line: u64::from(pin),
    };
    let number = |end: &u64| ProtectedNumber {
        agency: "cedar".into(),
        number: number(*end),
        holder: Some(Private::new("Counsel".to_owned())),
    };
    Plan {
        agencies: vec![agency("pine"), agency("oak"), agency("cedar")],
        facilities: vec![jail::facility()],
        people: vec![person("P-1", 1), person("P-2", 2)],
        protected: Some(Protected {
            numbers: protected.iter().map(number).collect(),
            replace: false,
            count: None,
        }),
        ..Plan::default()
    }
}

/// Call 7 with its recording, calls 8 and 9 without, of which 9 is to counsel.
fn facts(end: RecordingEnd) -> Vec<(u64, Fact)> {
    let without = [admitted(8, 43, NumberClass::Ordinary), admitted(9, 60, NumberClass::Protected)];
    (1..).zip(recorded_call(RECORDING, end).into_iter().chain(without)).collect()
}

/// A call of its recording's number, from its admission to its end.
pub(crate) fn recorded_call(recording: RecordingId, end: RecordingEnd) -> [Fact; 4] {
    let call = CallId(recording.0);
    let evidence = ConsentEvidence {
        pack: ContentHash([1; 32]),
        prompts: vec![PromptId::CallFrom],
        language: Language::En,
        played_called: ContentHash([2; 32]),
        played_station: ContentHash([3; 32]),
        notice_ended: NOW,
        key_onset: NOW,
        key: '1',
        path: KeyPath::TelephoneEvent,
    };
    [
        admitted(recording.0, 42, NumberClass::Ordinary),
        Fact::Accepted { call, evidence: Box::new(evidence), recording: Ok(Epoch(7)) },
        Fact::RecordingClosed { call, recording: end, at: NOW },
        over(call, Duration::from_secs(SECONDS.into())),
    ]
}

/// The end of a call in which so long was talked.
pub(crate) fn over(call: CallId, talked: Duration) -> Fact {
    Fact::Ended(Box::new(Ended {
        call,
        at: NOW,
        reason: EndReason::CalledHungUp,
        talked,
        charged: Money::from_cents(1),
        rest: Rest::NoHold,
        decision_key: Some('1'),
        off: None,
    }))
}

pub(crate) fn admitted(call: u64, end: u64, class: NumberClass) -> Fact {
    Fact::Admitted(Box::new(Admitted {
        call: CallId(call),
        at: NOW.after(Duration::from_secs(call)),
        agency: CEDAR,
        facility: FacilityId(1),
        unit: UnitId(1),
        station: StationId(1),
        person: Some(PersonId(1)),
        number: number(end),
        class,
        epoch: Epoch(7),
        may_record: Ok(()),
        hold: None,
    }))
}

/// The node's entry for the end of the recording.
fn ended(end: RecordingEnd) -> Draft {
    let closed = evidence::Closed {
        state: end.state,
        bytes: end.bytes,
        seconds: end.frames,
        sha256: end.sha256,
    };
    let what = Statement::RecordingEnded { call: CallId(RECORDING.0), closed };
    let said = Said { at: NOW, boot: 1, what };
    let entry = Entry { node: 1, interval: NOW, said: &said, detail: &[], mark: None };
    let mut leaf = leaf::write(&entry, &audit(), &Random([5; evidence::limits::RANDOM_OCTETS]));
    leaf[8..16].copy_from_slice(&EntrySeq(1).0.to_be_bytes());
    Draft { leaf, detail: vec![] }
}

/// Everybody with a log-in: agency, name, role.
const STAFF: &[(AgencyId, &str, Role)] = &[
    (CEDAR, "inve", Role::Investigator),
    (CEDAR, "super", Role::Supervisor),
    (CEDAR, "clerk", Role::Clerk),
    (CEDAR, "audit", Role::Auditor),
    (CEDAR, "admin", Role::ItAdmin),
    (PINE, "other", Role::Investigator),
    (PINE, "defence", Role::Defence),
];
