//! The desk itself: what it holds, and how it opens and closes.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use charging::{CapTable, Ledger, Quote};
use journal::SealKey;
use model::{
    AccountId, AgencyId, CallId, Clock, E164, Language, Money, PersonId, Timestamp,
    fact::{Admitted, Fact, OffReason, Refusal},
    plan::RegistryData,
    speech::ContentHash,
};
use store::{ColumnKeys, Store};
use vault::{NameShelf, RegistryView, Vault, VaultError};

use crate::{
    book::Book,
    chosen::Chosen,
    clerk::{Clerk, EvidenceConfig},
    disk::{DiskWatch, Space},
    footing::{Chronicle, Draw, Footing, Hands, Recordings, Sink, Turn},
    guesses::Guesses,
    limits::{PIN_WINDOW, REGISTRY_GUARD},
    naming::{Namer, Names},
    pin::PinKey,
    projector::{self, Projector},
    recovery::{self, Recovered},
    registering,
    reload::{self, Reloader},
    unsaid::Item,
};

/// What the desk needs to open.
#[derive(Clone, Debug)]
pub struct DeskConfig {
    /// The database file.
    pub store: PathBuf,
    /// The folder of the journal.
    pub journal: PathBuf,
    /// Octets that the journal takes from the disk at a time, before they are needed.
    pub journal_segment_octets: u32,
    /// The folder of the recordings.
    pub recordings: PathBuf,
    /// Key of the PIN hash.
    pub pin_key: PinKey,
    /// Keys of the store's sealed columns.
    pub column_keys: ColumnKeys,
    /// Key of the journal.
    pub journal_key: SealKey,
    /// Version of the prompt pack.
    pub pack: ContentHash,
    /// Version of the program.
    pub version: String,
    /// Waits and limits of calls.
    pub timing: call::limits::Timing,
    /// The caps that bound what calls cost.
    pub caps: CapTable,
    /// What entries for the log are made with.
    pub evidence: EvidenceConfig,
    /// Where recorded names are kept; without it nobody records one.
    pub names: Option<NameShelf>,
}

/// The services of one node. A cheap handle: clones share everything.
#[derive(Clone)]
pub struct Desk(Arc<Inner>);

/// Something of ours is broken: disk, database, journal.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The database.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] journal::JournalError),
    /// The recordings' folder.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The registry of protected numbers.
    #[error(transparent)]
    Registry(#[from] registry::NotASuccessor),
    /// The journal ends before what the store has already taken from it.
    #[error(
        "the journal ends at fact {journal}, the store has {store}: the journal was lost or set back; \
         restore it, or calls would be numbered and charged twice"
    )]
    JournalLost {
        /// Last fact of the journal.
        journal: u64,
        /// Last fact that the store knows.
        store: u64,
    },
    /// No entry for the log can be made.
    #[error("no entry for the log can be made: see the log of the program")]
    NoEntry,
    /// The store does not take what the journal holds.
    #[error("the store does not take records; the journal has them: see the log, and start again")]
    NotProjected,
    /// The operating system gives no thread.
    #[error("no thread for `{what}`: {source}")]
    Thread {
        /// What it is for.
        what: &'static str,
        /// Why not.
        source: std::io::Error,
    },
}

/// What the desk knows of a call between admission and settlement.
pub(crate) struct OpenCall {
    pub(crate) admitted: Admitted,
    pub(crate) quote: Option<Quote>,
    /// Last mark of the conversation's length, and when it was made.
    pub(crate) talked: std::time::Duration,
    /// The vault's word that there is no recording although there was consent.
    pub(crate) off: Option<OffReason>,
    /// When the called party answered.
    pub(crate) answered: Option<Timestamp>,
    /// Whether the called party accepted.
    pub(crate) accepted: bool,
    /// Whether the two were joined. Without that no recording begins, whatever was accepted.
    pub(crate) joined: bool,
    /// Whether its admission is in the log.
    pub(crate) entered: bool,
    /// Whether its admission waits for room on the disk.
    pub(crate) unwritten: bool,
    pub(crate) file: FileState,
}

/// What is known of the recording of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileState {
    /// There is to be none.
    Absent,
    /// It is to begin once the acceptance is durable, or began; nobody said yet how it ended.
    Expected,
    /// It is closed and booked.
    Closed,
}

/// What changes during calls. One lock, held for short computations only.
pub(crate) struct State {
    pub(crate) ledger: Ledger,
    pub(crate) deposited: BTreeMap<AccountId, Money>,
    pub(crate) calls: BTreeMap<CallId, OpenCall>,
    /// People who are on a call.
    pub(crate) calling: BTreeSet<PersonId>,
    pub(crate) wrong_pins: Guesses,
    pub(crate) languages: BTreeMap<(AgencyId, E164), Language>,
    pub(crate) chosen: Chosen,
    /// What the journal refused and must not be missing; it is appended again, in its order.
    pub(crate) unsaid: Vec<Item>,
    /// Whether facts are being appended again: later ones wait behind them.
    pub(crate) appending_again: bool,
    /// Admissions that the journal has not answered yet, with the ends of calls that are over by
    /// now: nobody waited for the answer.
    pub(crate) admitting: BTreeMap<CallId, Option<Item>>,
    /// Calls that are over and whose recording is still to be closed.
    pub(crate) closing: BTreeMap<CallId, OpenCall>,
    pub(crate) names: Names,
    /// How often calls were refused since the start, and why.
    pub(crate) refused: BTreeMap<Refusal, u64>,
}

pub(crate) struct Inner {
    pub(crate) journal: Box<dyn Chronicle>,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) caps: CapTable,
    pub(crate) pin_key: PinKey,
    pub(crate) pack: ContentHash,
    pub(crate) timing: call::limits::Timing,
    pub(crate) boot: u32,
    /// How full the disks of journal and recordings are.
    pub(crate) disk: DiskWatch,
    pub(crate) draw: Draw,
    pub(crate) clerk: Clerk,
    /// The journal has stopped for good.
    pub(crate) failed: AtomicBool,
    /// Number of the last fact that became durable.
    pub(crate) durable: Arc<AtomicU64>,
    state: Mutex<State>,
    book: RwLock<Arc<Book>>,
    projector: Projector,
    reloader: Mutex<Option<Reloader>>,
    namer: Mutex<Option<Namer>>,
}

impl Desk {
    /// Opens store and journal, brings the store up to date, settles what a node that died left
    /// behind, and only then is ready for calls.
    ///
    /// `open_vault` gets the view of the registry that the vault asks before every recording.
    /// `outbox` is handed every entry for the log once it is durable, in order, on the journal's
    /// thread; those of earlier runs are read with [`journal::replay_entries`].
    ///
    /// # Errors
    /// [`Broken`] with what is broken. Nothing is lost: the next start begins in the same place.
    pub fn open(
        config: DeskConfig,
        clock: Clock,
        outbox: impl FnMut(journal::Entry) + Send + 'static,
        open_vault: impl FnOnce(RegistryView) -> Result<Vault, VaultError>,
    ) -> Result<(Self, Vault, Recovered), Broken> {
        let options = journal::Options {
            segment_octets_max: config.journal_segment_octets,
            ..journal::Options::default()
        };
        let (dir, key) = (&config.journal, &config.journal_key);
        let disks = [config.journal.clone(), config.recordings.clone()];
        let (desk, vault, recovered) = Self::open_on(
            &config,
            clock,
            |sink| Ok(Footing::of_files((dir, key), options, sink, outbox, disks)?),
            open_vault,
        )?;
        desk.start_reloader()?;
        desk.start_namer(config.names)?;
        Ok((desk, vault, recovered))
    }

    /// The same on another footing, which gets whom to tell of durable facts: with a journal that
    /// is no file, and without a thread where it says so. Of `config`, the folders of journal and
    /// recordings are not looked at.
    ///
    /// # Errors
    /// As [`Desk::open`].
    pub fn open_by_hand<V: Recordings>(
        config: DeskConfig,
        clock: Clock,
        footing: impl FnOnce(Sink) -> Footing,
        open_vault: impl FnOnce(RegistryView) -> Result<V, VaultError>,
    ) -> Result<(Self, V, Recovered), Broken> {
        let (desk, vault, recovered) =
            Self::open_on(&config, clock, |sink| Ok(footing(sink)), open_vault)?;
        *desk.namer() = config.names.map(Namer::by_hand);
        Ok((desk, vault, recovered))
    }

    fn open_on<V: Recordings>(
        config: &DeskConfig,
        clock: Clock,
        footing: impl FnOnce(Sink) -> Result<Footing, Broken>,
        open_vault: impl FnOnce(RegistryView) -> Result<V, VaultError>,
    ) -> Result<(Self, V, Recovered), Broken> {
        let store = Store::open(&config.store, &config.column_keys)?;
        let (items, received) = projector::way();
        let to_project = items.clone();
        let durable = Arc::new(AtomicU64::new(0));
        let newest = Arc::clone(&durable);
        let footing = footing(Box::new(move |seq, fact| {
            newest.fetch_max(seq.0, Ordering::Relaxed);
            let item = projector::Item::Fact(seq.0, fact.clone());
            // A store that follows no more is filled at the next start.
            drop(to_project.send(item, journal::Haste::InTime));
        }))?;
        let Footing { chronicle, found, room, draw, hands } = footing;
        durable.fetch_max(found.last.0, Ordering::Relaxed);
        // After opening, which cuts what a crash left unfinished, and before the first append.
        let caught_up = recovery::catch_up(&store, &*chronicle, found.last)?;
        let projector = match hands {
            Hands::Threads => Projector::start(store.clone(), items, received)
                .map_err(|source| Broken::Thread { what: "projector", source })?,
            Hands::Turns => Projector::by_hand(store.clone(), items, received),
        };
        let now = clock.now();
        let book = reload::read_book(&store, None, now)?;
        let boot = store.boots()?.saturating_add(1);
        let desk = Self(Arc::new(Inner {
            journal: chronicle,
            clock,
            caps: config.caps.clone(),
            pin_key: config.pin_key.clone(),
            pack: config.pack,
            timing: config.timing,
            boot,
            disk: DiskWatch::new(room),
            draw,
            clerk: Clerk::new(config.evidence.clone(), boot),
            failed: AtomicBool::new(false),
            durable,
            state: Mutex::new(State::new()),
            book: RwLock::new(Arc::new(book)),
            store,
            projector,
            reloader: Mutex::new(None),
            namer: Mutex::new(None),
        }));
        let vault = open_vault(desk.registry_view())?;
        let mut recovered = recovery::settle_open_calls(&desk, &vault)?;
        recovered.journal_octets_cut = found.torn.map_or(0, |torn| torn.octets);
        recovered.facts_caught_up = caught_up;
        desk.inner().disk.look();
        recovered.entries = found.entry.0;
        desk.announce_boot(&config.version)?;
        registering::enter(&desk, &desk.book().registry)?;
        desk.open_accounts()?;
        desk.open_names(config.names.as_ref())?;
        Ok((desk, vault, recovered))
    }

    /// Does once what a thread does again and again where there are any, see [`Hands::Turns`].
    pub fn turn(&self, turn: Turn) {
        match turn {
            Turn::Project => {
                self.0.projector.flush();
            }
            Turn::Reload => reload::turn(self),
            Turn::Names => self.names_turn(),
        }
    }

    /// Number of this start, from 1; call numbers begin with it.
    pub fn boot(&self) -> u32 {
        self.0.boot
    }

    /// Version of the configuration in use.
    pub fn version(&self) -> u64 {
        self.book().version
    }

    /// Whether the journal has stopped for good, so that no call can be taken any more: the node
    /// must be started again, which settles what is open.
    pub fn has_failed(&self) -> bool {
        self.0.failed.load(Ordering::Relaxed)
    }

    /// How much room there is for records and recordings, as last looked at.
    pub fn space(&self) -> Space {
        self.0.disk.space()
    }

    /// The calls that were admitted, have not ended, and are wanted.
    pub fn open_calls(&self, wanted: &dyn Fn(&Admitted) -> bool) -> Vec<CallId> {
        let state = self.state();
        let calls = state.calls.iter().filter(|(_, open)| wanted(&open.admitted));
        calls.map(|(call, _)| *call).collect()
    }

    /// The store, for reports about this node.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// Returns when everything that is durable so far is in the store.
    ///
    /// # Errors
    /// [`Broken::NotProjected`] when the store does not take it.
    pub fn flush(&self) -> Result<(), Broken> {
        if self.0.projector.flush() { Ok(()) } else { Err(Broken::NotProjected) }
    }

    /// Stops reloading, writes what is queued for the journal, and returns when everything is
    /// durable and in the store. Nothing can be appended after that.
    pub fn close(&self) {
        let reloader = self.lock_reloader().take();
        drop(reloader);
        let namer = self.namer().take();
        drop(namer);
        // A disk that was full may have room by now.
        self.append_again();
        self.0.journal.close();
        if let Err(error) = self.flush() {
            tracing::error!(%error, "the next start writes what is missing");
        }
    }

    /// Says whether entries wait that the log does not take. As long as they do, no recording
    /// begins: calls go on without.
    pub fn log_is_behind(&self, behind: bool) {
        self.0.clerk.log_is_behind(behind);
    }

    /// Entries of the log itself that fill a batch up, for the log's writer.
    pub fn padding(&self, count: u64) -> Vec<[u8; journal::LEAF_OCTETS]> {
        self.0.clerk.padding(count, self.0.clock.now())
    }

    /// What the vault asks before every recording.
    pub fn registry_view(&self) -> RegistryView {
        // Weak, because the vault outlives nothing: it is dropped with the node.
        let inner = Arc::downgrade(&self.0);
        Arc::new(move || match inner.upgrade() {
            Some(inner) => Arc::clone(&inner.book().registry),
            None => Arc::new(REGISTRY_GUARD.snapshot(&RegistryData::default())),
        })
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    pub(crate) fn book(&self) -> Arc<Book> {
        self.0.book()
    }

    pub(crate) fn swap_book(&self, book: Arc<Book>) {
        *self.0.book.write().unwrap_or_else(PoisonError::into_inner) = book;
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held cost its call; the state is changed in single steps.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_reloader(&self) -> MutexGuard<'_, Option<Reloader>> {
        self.0.reloader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn namer(&self) -> MutexGuard<'_, Option<Namer>> {
        self.0.namer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start_namer(&self, names: Option<NameShelf>) -> Result<(), Broken> {
        let Some(shelf) = names else { return Ok(()) };
        let namer = Namer::start(Arc::downgrade(&self.0), shelf)
            .map_err(|source| Broken::Thread { what: "names", source })?;
        *self.namer() = Some(namer);
        Ok(())
    }

    fn announce_boot(&self, version: &str) -> Result<(), Broken> {
        let (at, clerk) = (self.0.clock.now(), &self.0.clerk);
        let drafts =
            [clerk.started(version, at), clerk.tariff(&self.0.caps, at)].into_iter().flatten();
        let version = version.to_owned();
        let facts = vec![Fact::Boot { boot: self.0.boot, at, version }];
        self.0.journal.append_entries_wait(facts, drafts.collect())?;
        Ok(())
    }

    /// Fills the ledger from the store, after the calls of the last run were settled in it.
    fn open_accounts(&self) -> Result<(), Broken> {
        self.flush()?;
        let configuration = self.0.store.configuration()?;
        let mut state = self.state();
        for account in &configuration.accounts {
            state.ledger.open(account.id, account.deposited, account.settled);
            state.deposited.insert(account.id, account.deposited);
        }
        // Whoever was locked out must not wait for a restart.
        let window = i64::try_from(PIN_WINDOW.as_micros()).unwrap_or(i64::MAX);
        let since = Timestamp::from_micros(self.0.clock.now().micros().saturating_sub(window));
        let facility_of: BTreeMap<_, _> =
            configuration.stations.iter().map(|station| (station.id, station.facility)).collect();
        for (station, at) in self.0.store.pin_refusals(since)? {
            if let Some(facility) = facility_of.get(&station) {
                state.wrong_pins.wrong(station, *facility, at);
            }
        }
        for (agency, number, language) in &configuration.languages {
            state.languages.insert((*agency, *number.expose()), *language);
        }
        state.chosen = Chosen::new(&configuration.blocks, &configuration.claims);
        Ok(())
    }

    fn start_reloader(&self) -> Result<(), Broken> {
        let reloader = Reloader::start(Arc::downgrade(&self.0))
            .map_err(|source| Broken::Thread { what: "reload", source })?;
        *self.lock_reloader() = Some(reloader);
        Ok(())
    }

    pub(crate) fn from_inner(inner: Arc<Inner>) -> Self {
        Self(inner)
    }
}

impl State {
    fn new() -> Self {
        Self {
            ledger: Ledger::new(),
            deposited: BTreeMap::new(),
            calls: BTreeMap::new(),
            calling: BTreeSet::new(),
            wrong_pins: Guesses::default(),
            languages: BTreeMap::new(),
            chosen: Chosen::default(),
            unsaid: Vec::new(),
            appending_again: false,
            admitting: BTreeMap::new(),
            closing: BTreeMap::new(),
            names: Names::default(),
            refused: BTreeMap::new(),
        }
    }
}

impl Inner {
    fn book(&self) -> Arc<Book> {
        Arc::clone(&self.book.read().unwrap_or_else(PoisonError::into_inner))
    }
}
