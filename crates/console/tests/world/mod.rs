//! A console over a real log, store and roster, in a folder that vanishes, with a clock that the
//! test moves.
#![allow(dead_code, reason = "each test uses a part")]

#[path = "../../../parlatory/src/demo/authenticator.rs"]
mod authenticator;
#[path = "../still/mod.rs"]
mod still;

use access::{Gate, Role};
use console::{Console, ConsoleConfig, Services, TlsFiles};
use disclosure::{
    Closing, HolderAt, Holders, Keeping, KeepingConfig, Naming, Reach, Records, RecordsConfig,
    Register, RegisterConfig, Roster, Stopping, custody,
    keeping::QUARANTINE_MAX,
    naming::{Names, NotNamed},
    roster::{Invited, RosterConfig},
    stopping::Floor,
};
use evidence::AuditKey;
use export::Software;
use journal::log::{Log, Options};
use keyholder::KeyRing;
use model::{
    AgencyId, CallId, Clock, PersonId, Private, Timestamp, fact::Admitted, speech::OwnVoice,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use still::Still;
use store::{NameWish, Plan, Store, plan::Agency};
use tlog::{KeyKind, Policy, Signer};
use ureq::{Agent, Body, http::Response};
use vault::{DetailSealer, Keyholders, Shelf};

pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_795_726_800_000_000);

/// Token of the set-up.
const SETUP: &str = "setup-token-of-the-tests";

/// Everybody's password.
pub(crate) const PASSWORD: &str = "lantern quietly orbiting";

/// The time, which the test moves.
#[derive(Clone)]
pub(crate) struct Time(Arc<AtomicI64>);

impl Time {
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }

    pub(crate) fn pass(&self, length: Duration) {
        let micros = i64::try_from(length.as_micros()).unwrap();
        self.0.fetch_add(micros, Ordering::Relaxed);
    }

    pub(crate) fn clock(&self) -> Clock {
        let time = self.clone();
        Clock::new(move || time.now())
    }
}

/// A node on which nobody calls.
struct NoCalls;

impl Floor for NoCalls {
    fn end(&self, _: &dyn Fn(&Admitted) -> bool) -> Vec<CallId> {
        vec![]
    }
}

/// Two agencies, their staff, and the console that they ask.
pub(crate) struct World {
    pub(crate) console: Console,
    pub(crate) services: Services,
    pub(crate) store: Store,
    pub(crate) time: Time,
    pub(crate) cedar: AgencyId,
    pub(crate) birch: AgencyId,
    _folder: tempfile::TempDir,
}

fn closing(store: &Store, register: &Arc<Register>, roster: &Roster, time: &Time) -> Closing {
    Closing::new(store.clone(), Arc::clone(register), roster.clone(), time.clock())
}

fn set_up() -> RosterConfig {
    let setup = Some(Private::new(SETUP.to_owned()));
    RosterConfig { setup, on_call: BTreeMap::new(), waits: None }
}

fn county(key: &str, name: &str) -> Agency {
    Agency { key: key.to_owned(), name: name.to_owned(), keyholder: None }
}

impl World {
    pub(crate) fn start() -> Self {
        Self::start_with(None)
    }

    pub(crate) fn start_with(tls: Option<TlsFiles>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let time = Time(Arc::new(AtomicI64::new(NOW.micros())));
        let store =
            Store::open(&folder.path().join("parlatory.db"), &store::ColumnKeys::new([7; 32]))
                .unwrap();
        let agencies = vec![county("cedar", "Cedar County"), county("birch", "Birch County")];
        store.apply(&Plan { agencies, ..Plan::default() }, NOW).unwrap();
        let agencies = store.agencies().unwrap();
        let id = |key: &str| agencies.iter().find(|agency| agency.key == key).unwrap().id;
        let (cedar, birch) = (id("cedar"), id("birch"));
        let signer = Signer::from_seed("county.example/log", KeyKind::Log, &[1; 32]).unwrap();
        let believed = signer.verifier().clone();
        let gate = Gate::new(believed.clone(), Policy::LOG_ALONE);
        let options = Options::new(folder.path().join("log"), folder.path().join("log-private"));
        let (log, _) = Log::open(&options, signer, NOW).unwrap();
        let at = ["agency", "independent"].map(|name| folder.path().join(name));
        let [agency, independent] = at.each_ref().map(|folder| {
            let ring = KeyRing::create(&folder.join("keys")).unwrap();
            ring.current().unwrap().public()
        });
        let known = [(cedar, None), (birch, None)].into_iter().collect();
        let details = DetailSealer::new(Keyholders::new(agency, known, independent).unwrap());
        let config = RegisterConfig {
            audit: AuditKey::new([3; 32]),
            gate: gate.clone(),
            witnesses: vec![],
            seal: Box::new(move |agency, detail| {
                details.seal(Some(agency), NOW, detail.to_vec()).ok()
            }),
            reach: Reach::default(),
            boot: 1,
            interval: Duration::from_secs(600),
        };
        let register = Arc::new(Register::new(log, config));
        let config = set_up();
        let roster = Roster::open(store.clone(), Arc::clone(&register), time.clock(), config);
        let roster = roster.unwrap();
        let at = at.map(HolderAt::Here);
        let custody = custody(&at, false);
        let keeping = keeping(folder.path(), &store, &register, &roster, &time);
        let records = Records::new(RecordsConfig {
            store: store.clone(),
            register: Arc::clone(&register),
            roster: roster.clone(),
            shelf: Shelf::at(folder.path().join("recordings")),
            holders: Holders::open(at.into(), &gate, &believed, time.clock()).unwrap(),
            clock: time.clock(),
            custody,
            software: Software { version: "0.1.0".to_owned(), sha256: "ab".repeat(32) },
            clock_now: Box::new(unmeasured),
            verifier_key: believed.to_string(),
            authority: None,
            log_private: folder.path().join("log-private"),
        });
        let floor = Box::new(NoCalls);
        let stopping = Stopping::new(store.clone(), Arc::clone(&register), floor, time.clock());
        let closing = closing(&store, &register, &roster, &time);
        let naming = naming(&store, register, &roster, &time);
        let services = Services {
            closing,
            roster,
            records,
            stopping,
            keeping,
            naming,
            pulse: Arc::new(Still),
        };
        let config = ConsoleConfig { listen: ([127, 0, 0, 1], 0).into(), tls, metrics: true };
        let console = Console::start(config, Ok(services.clone()), time.clock()).unwrap();
        Self { console, services, store, time, cedar, birch, _folder: folder }
    }

    /// Stops the console when it has the last handles of everything, and says whether the database
    /// was closed in order then: its write-ahead log is folded back.
    pub(crate) fn stop_console_last(self) -> bool {
        let Self { console, services, store, _folder: folder, .. } = self;
        drop((services, store));
        let log = folder.path().join("parlatory.db-wal");
        assert!(log.exists(), "something was written");
        console.stop();
        !log.exists()
    }

    /// Lets the first it-admin of Cedar County in; gives their session.
    pub(crate) fn first(&self) -> Session<'_> {
        let invited = self.services.roster.first(SETUP, self.cedar, "avery").unwrap();
        self.enrol("avery", &invited)
    }

    /// Adds somebody, lets them choose a password, and logs them in.
    pub(crate) fn add(
        &self,
        by: &Session<'_>,
        agency: AgencyId,
        name: &str,
        role: Role,
    ) -> Session<'_> {
        let by = self.services.roster.who(by.token.expose()).unwrap();
        let invited = self.services.roster.add(&by, agency, name, role).unwrap();
        self.enrol(name, &invited)
    }

    fn enrol(&self, name: &str, invited: &Invited) -> Session<'_> {
        let roster = &self.services.roster;
        let enrolled = roster.enrol(name, invited.token.expose(), PASSWORD).unwrap();
        self.log_in(name, enrolled.secret.expose())
    }

    /// Logs in over the console, with the code that is shown now.
    pub(crate) fn log_in(&self, name: &str, secret: &str) -> Session<'_> {
        let (status, body) = read(self.try_log_in(name, PASSWORD, &self.code(secret)));
        assert_eq!(status, 200, "{name}: {body}");
        let token = Private::new(body["token"].as_str().unwrap().to_owned());
        Session { world: self, token, secret: secret.to_owned(), logged_in: body }
    }

    pub(crate) fn code(&self, secret: &str) -> String {
        authenticator::code(secret, self.time.now()).unwrap()
    }

    pub(crate) fn try_log_in(&self, name: &str, password: &str, code: &str) -> Response<Body> {
        let body = json!({"name": name, "password": password, "code": code});
        post(&self.console, "/api/v1/login", "", &body)
    }
}

/// A node that does nothing with names.
struct NoNames;

impl Names for NoNames {
    fn carry_out(&self, _: &NameWish) -> Result<(), NotNamed> {
        Err(NotNamed::Node)
    }

    fn read(&self, _: (AgencyId, PersonId), _: [u8; 32]) -> Option<OwnVoice> {
        None
    }
}

fn naming(store: &Store, register: Arc<Register>, roster: &Roster, time: &Time) -> Naming {
    Naming::new(store.clone(), register, roster.clone(), Box::new(NoNames), time.clock())
}

fn keeping(
    folder: &Path,
    store: &Store,
    register: &Arc<Register>,
    roster: &Roster,
    time: &Time,
) -> Keeping {
    Keeping::new(KeepingConfig {
        store: store.clone(),
        register: Arc::clone(register),
        roster: roster.clone(),
        recordings: folder.join("recordings"),
        published: folder.join("published/retention.json"),
        clock: time.clock(),
        quarantine: QUARANTINE_MAX,
    })
}

/// Somebody who is logged in.
pub(crate) struct Session<'a> {
    world: &'a World,
    pub(crate) token: Private<String>,
    /// Of their codes.
    pub(crate) secret: String,
    /// What the console said.
    pub(crate) logged_in: Value,
}

impl Session<'_> {
    pub(crate) fn get(&self, path: &str) -> Response<Body> {
        get(&self.world.console, path, self.token.expose())
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Response<Body> {
        post(&self.world.console, path, self.token.expose(), body)
    }
}

pub(crate) fn agent() -> Agent {
    Agent::config_builder().http_status_as_error(false).build().into()
}

pub(crate) fn get(console: &Console, path: &str, token: &str) -> Response<Body> {
    let ask = agent().get(format!("{}{path}", console.url()));
    ask.header("Authorization", format!("Bearer {token}")).call().unwrap()
}

pub(crate) fn post(console: &Console, path: &str, token: &str, body: &Value) -> Response<Body> {
    let ask = agent().post(format!("{}{path}", console.url()));
    let ask = ask.header("Authorization", format!("Bearer {token}"));
    ask.content_type("application/json").send(body.to_string()).unwrap()
}

/// Status and body.
pub(crate) fn read(mut response: Response<Body>) -> (u16, Value) {
    let text = response.body_mut().read_to_string().unwrap();
    (response.status().as_u16(), serde_json::from_str(&text).unwrap())
}

#[track_caller]
pub(crate) fn refused(response: Response<Body>, status: u16, code: &str) {
    let (found, body) = read(response);
    assert_eq!((found, body["error"]["code"].as_str()), (status, Some(code)), "{body}");
    assert!(body["error"]["message"].as_str().unwrap().len() > 10);
}

/// A clock of which nobody says anything.
fn unmeasured(zone: String) -> export::Clock {
    export::Clock {
        source: "the test's own".to_owned(),
        synchronised: None,
        offset_us: None,
        error_max_us: None,
        zone,
    }
}
