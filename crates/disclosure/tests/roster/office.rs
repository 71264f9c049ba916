//! Two agencies in one cell, with a store, a log and a clock that tests move.

use access::{Gate, Role, staff::Staff};
use data_encoding::BASE32_NOPAD;
use disclosure::{
    Reach, Register, RegisterConfig, Roster,
    roster::{NotDone, RosterConfig, Session},
};
use evidence::{AuditKey, Statement, leaf};
use hmac::{Hmac, KeyInit as _, Mac as _};
use journal::log::{Log, LogEntry, Options, replay_log};
use model::{AgencyId, Clock, Private, Timestamp};
use sha1::Sha1;
use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use store::{Plan, Store, plan::Agency};
use tempfile::TempDir;
use tlog::{KeyKind, Policy, Signer};

pub(crate) const CEDAR: AgencyId = AgencyId(1);
pub(crate) const ELM: AgencyId = AgencyId(2);
pub(crate) const PASSWORD: &str = "three quiet herons";
pub(crate) const SETUP: &str = "token-of-the-set-up";
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// Where staff are kept, and the time.
pub(crate) struct Office {
    folder: TempDir,
    time: Arc<AtomicI64>,
    pub(crate) log: Log,
    pub(crate) store: Store,
    pub(crate) register: Arc<Register>,
    pub(crate) roster: Roster,
    /// What those on call were told.
    pub(crate) told: Arc<Mutex<Vec<(AgencyId, u64)>>>,
    secrets: BTreeMap<String, Vec<u8>>,
}

impl Office {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let time = Arc::new(AtomicI64::new(1_795_726_800_000_000));
        let now = Timestamp::from_micros(time.load(Ordering::Relaxed));
        let signer = Signer::from_seed("county.example/log", KeyKind::Log, &[1; 32]).unwrap();
        let gate = Gate::new(signer.verifier().clone(), Policy::LOG_ALONE);
        let options = Options::new(folder.path().join("log"), folder.path().join("log-private"));
        let (log, _) = Log::open(&options, signer, now).unwrap();
        let config = RegisterConfig {
            audit: audit(),
            gate,
            witnesses: Vec::new(),
            // A test that reads what was sealed: the agency, then every octet turned over.
            seal: Box::new(|agency, detail| {
                let turned = detail.iter().map(|octet| !octet);
                Some(agency.0.to_be_bytes().into_iter().chain(turned).collect())
            }),
            reach: Reach::default(),
            boot: 1,
            interval: Duration::from_secs(600),
        };
        let register = Arc::new(Register::new(log.clone(), config));
        let store =
            Store::open(&folder.path().join("cell.db"), &store::ColumnKeys::new([7; 32])).unwrap();
        let agency = |key: &str| Agency {
            key: key.to_owned(),
            name: format!("{key} county"),
            keyholder: None,
        };
        let plan = Plan { agencies: vec![agency("cedar"), agency("elm")], ..Plan::default() };
        store.apply(&plan, now).unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let roster = roster(&store, &register, &time, &told);
        let secrets = BTreeMap::new();
        Self { folder, time, log, store, register, roster, told, secrets }
    }

    /// As after a new start of the program: whatever is remembered is in the store.
    pub(crate) fn reopened(&self) -> Roster {
        roster(&self.store, &self.register, &self.time, &self.told)
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.time.load(Ordering::Relaxed))
    }

    pub(crate) fn pass(&self, length: Duration) {
        let micros = i64::try_from(length.as_micros()).unwrap();
        self.time.fetch_add(micros, Ordering::Relaxed);
    }

    /// The code that an authenticator app shows now.
    pub(crate) fn code(&self, name: &str) -> String {
        let step = self.now().micros().unsigned_abs() / 30_000_000;
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.secrets[name]).unwrap();
        mac.update(&step.to_be_bytes());
        let tag = mac.finalize().into_bytes();
        let offset = usize::from(tag[19] & 15);
        let cut = u32::from_be_bytes(tag[offset..offset + 4].try_into().unwrap());
        format!("{:06}", (cut & 0x7fff_ffff) % 1_000_000)
    }

    /// Chooses the usual password with a token.
    pub(crate) fn enrol(&mut self, name: &str, token: &Private<String>) {
        let enrolled = self.roster.enrol(name, token.expose(), PASSWORD).unwrap();
        let secret = BASE32_NOPAD.decode(enrolled.secret.expose().as_bytes()).unwrap();
        self.secrets.insert(name.to_owned(), secret);
    }

    /// Logs in with the code of a step that was not used yet.
    pub(crate) fn login(&self, name: &str) -> Result<Session, NotDone> {
        self.pass(MINUTE);
        self.roster.login(name, PASSWORD, &self.code(name))
    }

    /// The first it-admin of cedar, logged in.
    pub(crate) fn admin(&mut self) -> Staff {
        let invited = self.roster.first(SETUP, CEDAR, "Ada Admin").unwrap();
        self.enrol("Ada Admin", &invited.token);
        self.login("Ada Admin").unwrap().staff
    }

    /// Somebody new, logged in.
    pub(crate) fn hired(&mut self, by: &Staff, agency: AgencyId, name: &str, role: Role) -> Staff {
        let invited = self.roster.add(by, agency, name, role).unwrap();
        self.enrol(name, &invited.token);
        self.login(name).unwrap().staff
    }

    /// What the entries of the log say, with whose detail and the detail after its head and salt.
    pub(crate) fn entries(&self) -> Vec<(Statement, AgencyId, Vec<u8>)> {
        let mut entries = Vec::new();
        let each = |entry: LogEntry| {
            let read = leaf::read(&entry.leaf, &audit()).unwrap();
            let (agency, detail) = entry.detail.split_at(4);
            let agency = AgencyId(u32::from_be_bytes(agency.try_into().unwrap()));
            let detail: Vec<u8> = detail.iter().map(|octet| !octet).collect();
            let opened = leaf::open(&read, &detail).unwrap();
            let head = opened.iter().position(|octet| *octet == 0).unwrap();
            entries.push((read.said.what, agency, opened[head + 1..].to_vec()));
            ControlFlow::Continue(())
        };
        replay_log(&self.folder.path().join("log-private"), 0, each).unwrap();
        entries
    }

    pub(crate) fn last_entry(&self) -> (Statement, AgencyId, Vec<u8>) {
        self.entries().pop().unwrap()
    }
}

fn roster(
    store: &Store,
    register: &Arc<Register>,
    time: &Arc<AtomicI64>,
    told: &Arc<Mutex<Vec<(AgencyId, u64)>>>,
) -> Roster {
    let (time, told) = (Arc::clone(time), Arc::clone(told));
    let clock = Clock::new(move || Timestamp::from_micros(time.load(Ordering::Relaxed)));
    let config = RosterConfig {
        setup: Some(Private::new(SETUP.to_owned())),
        on_call: [(CEDAR, vec![Private::new("Sol Supervisor".to_owned())])].into(),
        waits: Some(Box::new(move |agency, act| told.lock().unwrap().push((agency, act)))),
    };
    Roster::open(store.clone(), Arc::clone(register), clock, config).unwrap()
}

fn audit() -> AuditKey {
    AuditKey::new([3; 32])
}
