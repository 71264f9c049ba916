//! What the console opens the door to, over the node's own log and store.

use std::{
    collections::BTreeMap,
    fs,
    io::ErrorKind,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use console::{Console, Services};
use desk::Desk;
use disclosure::{
    Closing, Holders, Keeping, KeepingConfig, Naming, Reach, Records, RecordsConfig, Register,
    RegisterConfig, Roster, Stopping, naming, naming::NotNamed, roster::RosterConfig,
    stopping::Floor,
};
use evidence::AuditKey;
use export::Software;
use journal::{Parting, log::Log};
use line::Line;
use model::{
    AgencyId, CallId, Clock, PersonId, Private, Timestamp,
    fact::{Admitted, EndReason},
    speech::OwnVoice,
};
use store::{NameWish, Store};
use switch::Switch;
use vault::{DetailSealer, NameShelf, Shelf};

use crate::{
    audit::read_verifier,
    authority::authority,
    config::Config,
    custody,
    data::Data,
    logbook::NODE,
    nightly::{HOUR, Nightly, Old},
    node::{build_hash, read_evidence_keys, read_names},
    pager::Pager,
    pulse::Beat,
    segments, timekeeping,
};

/// What the services stand on.
pub(crate) struct Ground<'a> {
    pub(crate) data: &'a Data,
    pub(crate) config: &'a Config,
    pub(crate) clock: &'a Clock,
    /// Nothing is disclosed without.
    pub(crate) log: Option<Log>,
    pub(crate) details: &'a DetailSealer,
    pub(crate) desk: &'a Desk,
    pub(crate) switch: &'a Switch,
    pub(crate) line: &'a Line,
    /// Number of the last entry that calls made for the log.
    pub(crate) entries: Arc<AtomicU64>,
    /// Which witness answered when.
    pub(crate) witnesses: Reach,
}

/// The node's calls, for staff who end some.
struct Calls<E> {
    desk: Desk,
    ender: E,
}

impl<E> Floor for Calls<E>
where
    E: Fn(Vec<CallId>, EndReason) -> Vec<CallId> + Send + Sync,
{
    fn end(&self, ends: &dyn Fn(&Admitted) -> bool) -> Vec<CallId> {
        (self.ender)(self.desk.open_calls(ends), EndReason::CutByStaff)
    }
}

/// The node's recorded names, for staff who look after them.
struct Names {
    store: Store,
    shelf: NameShelf,
}

impl naming::Names for Names {
    /// The desk's thread of names looks for what is wanted, since it alone touches the files.
    fn carry_out(&self, wish: &NameWish) -> Result<(), NotNamed> {
        self.store.wish_name(wish)?;
        for _ in 0..LOOKS_MAX {
            if !self.store.name_wishes()?.contains(wish) {
                return Ok(());
            }
            std::thread::park_timeout(LOOK_EVERY);
        }
        self.store.name_wish_done(wish)?;
        Err(NotNamed::Node)
    }

    fn read(&self, of: (AgencyId, PersonId), sha256: [u8; 32]) -> Option<OwnVoice> {
        self.shelf.read(of, sha256)
    }
}

/// What stands on it.
#[derive(Default)]
pub(crate) struct Opened {
    /// `None` where the settings name none, or it cannot be had.
    pub(crate) console: Option<Console>,
    /// `None` where nothing can be erased, because nothing can be entered.
    pub(crate) nightly: Option<Nightly>,
}

impl Ground<'_> {
    /// Begins to erase what is due, and opens the door, where the settings name one. What does not
    /// work is said in the log, and by the door itself; calls do not need it.
    pub(crate) fn open(&self) -> Opened {
        let services = self.services().inspect_err(|error| {
            tracing::error!("nothing is disclosed or erased: {error:#}");
        });
        let nightly = services.as_ref().ok().and_then(|services| {
            let keeping = services.keeping.clone();
            let old = Old { forget: self.forget(), give_away: self.give_away() };
            let begun = Nightly::begin(keeping, &self.config.retention, self.clock, old);
            begun.inspect_err(|error| tracing::error!("nothing is erased: {error:#}")).ok()
        });
        Opened { console: self.open_console(services), nightly }
    }

    /// Has the journal forget what is older than a time, as far as store and log have taken it
    /// over.
    fn forget(&self) -> Box<dyn Fn(Timestamp) + Send> {
        let (desk, log) = (self.desk.clone(), self.log.clone());
        Box::new(move |before| {
            let forgotten = log.as_ref().context("the log is not open").and_then(|log| {
                let carried = log.nodes()?.get(&NODE).copied().unwrap_or_default();
                Ok(desk.forget_journal(before, carried)?)
            });
            match forgotten {
                Ok(forgotten) if forgotten.now > 0 => {
                    tracing::info!(segments = forgotten.now, "the journal forgot what is too old");
                }
                Ok(_) => {}
                Err(error) => tracing::warn!("the journal forgets at the next run: {error:#}"),
            }
        })
    }

    /// Gives the keys of closed segments of the journal to the keyholders, once the node needs them
    /// no more.
    fn give_away(&self) -> Box<dyn Fn() + Send> {
        let (desk, log, details) = (self.desk.clone(), self.log.clone(), self.details.clone());
        let clock = self.clock.clone();
        Box::new(move || {
            let given = log.as_ref().context("the log is not open").and_then(|log| {
                let carried = log.nodes()?.get(&NODE).copied().unwrap_or_default();
                let share_out = |parting: &Parting, key: &[u8; 32]| {
                    segments::share_out(parting, key, &details.keyholders())
                };
                let before = segments::given_away_before(clock.now());
                Ok(desk.give_journal_away(before, carried, &share_out)?)
            });
            match given {
                Ok(given) if given.now > 0 => {
                    tracing::info!(segments = given.now, "the journal gave keys to the keyholders");
                }
                Ok(_) => {}
                Err(error) => tracing::warn!("the journal keeps its keys for now: {error:#}"),
            }
        })
    }

    fn open_console(&self, services: Result<Services>) -> Option<Console> {
        let at = self.config.console.as_ref()?;
        match custody::grade(self.data, self.config) {
            Ok(grade) => tracing::info!(custody = grade.why),
            Err(error) => tracing::error!("the custody grade cannot be told: {error:#}"),
        }
        // Whoever asks is told no more than that; where something lies is the operator's to know.
        let services = services.map_err(|_| CLOSED.to_owned());
        let console = at
            .config(self.data.root())
            .and_then(|config| Ok(Console::start(config, services, self.clock.clone())?));
        console.inspect_err(|error| tracing::error!("there is no console: {error:#}")).ok()
    }

    fn services(&self) -> Result<Services> {
        let register = Arc::new(self.register()?);
        let pager = self.pager();
        let config = RosterConfig {
            setup: self.setup()?,
            on_call: self.on_call()?,
            waits: Some(Box::new(move |agency, act| {
                tracing::info!(agency = agency.0, act, "an act waits for a second person");
                if let Some(pager) = &pager {
                    pager.tell(act);
                }
            })),
        };
        let store = self.desk.store().clone();
        let roster =
            Roster::open(store.clone(), Arc::clone(&register), self.clock.clone(), config)?;
        let calls = Calls { desk: self.desk.clone(), ender: self.switch.ender() };
        let entered = Arc::clone(&register);
        let stopping = Stopping::new(store.clone(), entered, Box::new(calls), self.clock.clone());
        let keeping = Keeping::new(KeepingConfig {
            store: store.clone(),
            register: Arc::clone(&register),
            roster: roster.clone(),
            recordings: self.data.recordings(),
            published: self.data.published_terms(),
            clock: self.clock.clone(),
            // Seen within an hour, and gone at one of the hours before its time.
            quarantine: self.config.retention.quarantine().saturating_sub(2 * HOUR),
        });
        let names = Names { store: store.clone(), shelf: read_names(self.data)? };
        let (entered, names) = (Arc::clone(&register), Box::new(names));
        let naming = Naming::new(store.clone(), entered, roster.clone(), names, self.clock.clone());
        let holders = self.holders()?;
        let pulse = Arc::new(self.beat(holders.reach())?);
        let (entered, clock) = (Arc::clone(&register), self.clock.clone());
        let closing = Closing::new(store.clone(), entered, roster.clone(), clock);
        let records = self.records(store, register, roster.clone(), holders)?;
        Ok(Services { roster, records, stopping, closing, keeping, naming, pulse })
    }

    fn holders(&self) -> Result<Holders> {
        let log = read_verifier(&self.data.log_verifier())?;
        let gate = self.config.disclosure.gate(log.clone())?;
        let at = custody::holders(self.data, self.config)?;
        Ok(Holders::open(at, &gate, &log, self.clock.clone())?)
    }

    /// What says how the node does.
    fn beat(&self, keyholders: Reach) -> Result<Beat> {
        Ok(Beat {
            desk: self.desk.clone(),
            line: self.line.clone(),
            counts: Arc::clone(self.switch.counts()),
            stages: Box::new(self.switch.looker()),
            calls_max: self.config.limits.calls_max as u64,
            log: self.log.clone(),
            entries: Arc::clone(&self.entries),
            folders: [self.data.journal(), self.data.recordings()],
            custody: custody::grade(self.data, self.config)?.custody,
            keyholders,
            witnesses: self.witnesses.clone(),
            signs: self.config.network(self.data.root())?.identity,
            build: build_text()?,
            clock: self.clock.clone(),
            started: self.clock.now(),
        })
    }

    fn records(
        &self,
        store: Store,
        register: Arc<Register>,
        roster: Roster,
        holders: Holders,
    ) -> Result<Records> {
        let log = read_verifier(&self.data.log_verifier())?;
        let settings = &self.config.disclosure;
        let custody = custody::grade(self.data, self.config)?.custody;
        Ok(Records::new(RecordsConfig {
            store,
            register,
            roster,
            shelf: Shelf::at(self.data.recordings()),
            holders,
            clock: self.clock.clone(),
            custody,
            software: Software {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                sha256: build_text()?,
            },
            clock_now: Box::new(timekeeping::measured),
            verifier_key: log.to_string(),
            authority: settings.tsa.as_ref().map(|at| authority(at, self.data.root())),
            log_private: self.data.log_private(),
        }))
    }

    fn register(&self) -> Result<Register> {
        let log = self.log.clone().context("the log cannot be opened")?;
        let settings = &self.config.disclosure;
        let gate = settings.gate(read_verifier(&self.data.log_verifier())?)?;
        let keys = read_evidence_keys(self.data)?;
        let (details, clock) = (self.details.clone(), self.clock.clone());
        let config = RegisterConfig {
            audit: AuditKey::new(keys.audit),
            gate,
            witnesses: settings.peers()?,
            reach: self.witnesses.clone(),
            seal: Box::new(move |agency, detail| {
                let sealed = details.seal(Some(agency), clock.now(), detail.to_vec());
                sealed
                    .inspect_err(|error| tracing::error!(%error, "a detail cannot be sealed"))
                    .ok()
            }),
            boot: self.desk.boot(),
            interval: self.config.log.every(),
        };
        Ok(Register::new(log, config))
    }

    /// Tells those on call, where the settings say how. Nothing else stops without.
    fn pager(&self) -> Option<Pager> {
        let store = self.desk.store().clone();
        let begun = self.config.disclosure.hook().and_then(|hook| {
            hook.map(|hook| Pager::begin(hook, store, self.clock.clone())).transpose()
        });
        begun
            .inspect_err(|error| tracing::error!("those on call are not told: {error:#}"))
            .unwrap_or_default()
    }

    /// The token of the set-up, while its file is there.
    fn setup(&self) -> Result<Option<Private<String>>> {
        let path = self.data.setup_token();
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(Private::new(text.trim().to_owned()))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).context(format!("cannot read `{}`", path.display())),
        }
    }

    fn on_call(&self) -> Result<BTreeMap<AgencyId, Vec<Private<String>>>> {
        let agencies = self.desk.store().agencies()?;
        let found = self.config.disclosure.on_call.iter().map(|(key, names)| {
            let agency = agencies.iter().find(|agency| agency.key == *key);
            let agency = agency.ok_or_else(|| {
                anyhow!("`disclosure.on_call` names `{key}`, and no agency has this key")
            })?;
            Ok((agency.id, names.clone()))
        });
        found.collect()
    }
}

/// SHA-256 of the running program, as people write it.
fn build_text() -> Result<String> {
    Ok(build_hash()?.iter().map(|octet| format!("{octet:02x}")).collect())
}

/// What everybody is told where there are no services.
const CLOSED: &str = "this node cannot disclose anything now, because something that it needs is missing: its operator \
     finds the reason in its log";

/// How often is looked whether a wish is done, and how many times: 15 seconds.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const LOOKS_MAX: u32 = 150;
