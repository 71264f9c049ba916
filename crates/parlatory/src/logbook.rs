//! The node's side of the log: carries what waits in the journal into it, and publishes it.

use std::{
    fs,
    path::PathBuf,
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context, Result};
use desk::Desk;
use disclosure::Reach;
use evidence::{AuditKey, leaf};
use journal::{
    Entry, EntrySeq,
    log::{Courier, Log, Mask, Options, Published},
};
use model::Clock;
use tlog::{Checkpoint, KeyKind, Policy, Signer};

use crate::{audit::read_verifier, config::Config, data::Data, node::read_key, vouching::Vouching};

/// An open log with the journal that it is filled from.
pub(crate) struct Logbook {
    log: Log,
    courier: Courier,
    journal: PathBuf,
    /// Has witnesses vouch for what is published, where the settings name any.
    vouching: Option<Vouching>,
}

impl Logbook {
    /// Opens the log of a data folder. `reach` is told which witness answers when.
    pub(crate) fn open(data: &Data, config: &Config, clock: &Clock, reach: &Reach) -> Result<Self> {
        let log = open_log(data, config, clock)?;
        let courier = Courier::new(log.clone(), NODE, data.journal_key()?);
        let vouching =
            vouching(data, config, &log, (reach.clone(), clock.clone())).unwrap_or_else(|error| {
                tracing::error!("witnesses do not vouch for what is published: {error:#}");
                None
            });
        Ok(Self { log, courier, journal: data.journal(), vouching })
    }

    /// The log itself, for what enters something else.
    pub(crate) fn log(&self) -> Log {
        self.log.clone()
    }

    /// What the desk hands its entries to.
    pub(crate) fn outbox(&self) -> impl FnMut(Entry) + Send + 'static {
        self.courier.outbox()
    }

    /// Carries what earlier runs left, up to entry `last`, and from then on keeps the log filled
    /// and published.
    pub(crate) fn begin(self, desk: &Desk, clock: &Clock, last: u64) -> Result<Publisher> {
        let carried = self.courier.catch_up(&self.journal, EntrySeq(last));
        let carried = carried.context("the log does not take the entries of earlier runs")?;
        if carried > 0 {
            tracing::info!(entries = carried, "entries of earlier runs are in the log now");
        }
        let (stop, stopped) = channel::<()>();
        let (desk, clock) = (desk.clone(), clock.clone());
        let thread = std::thread::Builder::new()
            .name("publish".to_owned())
            .spawn(move || {
                while stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                    self.carry(&desk);
                    let padding = padding(&desk);
                    match self.log.publish_due(clock.now(), padding) {
                        Ok(published) => self.vouched(published),
                        Err(error) => tracing::error!(%error, "the log was not published"),
                    }
                }
                self.end(&desk, &clock);
            })
            .context("no thread for the log")?;
        Ok(Publisher { stop: Some(stop), thread: Some(thread) })
    }

    /// Carries what the log did not take at once. While it takes nothing, nothing is recorded.
    fn carry(&self, desk: &Desk) {
        if self.courier.is_behind()
            && let Err(error) = self.courier.catch_up(&self.journal, EntrySeq(0))
        {
            tracing::error!(%error, "the log does not take entries: nothing is recorded");
        }
        desk.log_is_behind(self.courier.is_behind());
    }

    /// The last word of a run. All entries are durable by now.
    fn end(self, desk: &Desk, clock: &Clock) {
        self.carry(desk);
        match self.log.publish(clock.now(), padding(desk)) {
            Ok(published) => self.vouched(published),
            Err(error) => tracing::error!(%error, "the log was not published; the next start does"),
        }
        if let Some(vouching) = self.vouching {
            vouching.end();
        }
        self.log.close();
    }

    fn vouched(&self, published: Option<Published>) {
        if let (Some(vouching), Some(published)) = (&self.vouching, published) {
            vouching.published(published.checkpoint);
        }
    }
}

/// Opens the log of a data folder; nobody else can until it is closed.
pub(crate) fn open_log(data: &Data, config: &Config, clock: &Clock) -> Result<Log> {
    let options = Options {
        interval: config.log.every(),
        mask: mask(data)?,
        ..Options::new(data.log_public(), data.log_private())
    };
    let (log, recovered) =
        Log::open(&options, read_signer(data)?, clock.now()).context("cannot open the log")?;
    tracing::info!(entries = recovered.size, published = recovered.published, "the log is open");
    Ok(log)
}

/// Asks the witnesses of the settings, first for what an earlier run published.
fn vouching(
    data: &Data,
    config: &Config,
    log: &Log,
    reach: (Reach, Clock),
) -> Result<Option<Vouching>> {
    let peers = config.disclosure.peers()?;
    if peers.is_empty() {
        return Ok(None);
    }
    let key = read_verifier(&data.log_verifier())?;
    let gate = config.disclosure.gate(key.clone())?;
    let last = fs::read(data.log_public().join("checkpoint")).ok();
    let last = last.and_then(|octets| Checkpoint::read(&octets, &key, &Policy::LOG_ALONE).ok());
    let unseen = |last: &Checkpoint| gate.believes(last.note().clone()).is_err();
    let last = last.filter(unseen);
    Vouching::begin(log.clone(), gate, peers, last, reach).map(Some)
}

fn padding(desk: &Desk) -> impl FnMut(u64, EntrySeq) -> Vec<[u8; journal::LEAF_OCTETS]> + 'static {
    let desk = desk.clone();
    move |count, _| desk.padding(count)
}

/// The thread that fills and publishes the log.
pub(crate) struct Publisher {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Publisher {
    /// Carries and publishes the rest. The desk must be closed.
    pub(crate) fn end(mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Makes the key of a new log, whose name nobody else has.
pub(crate) fn make_signer() -> Result<Signer> {
    let mut random = [0_u8; 40];
    getrandom::fill(&mut random).context("the operating system gives no randomness")?;
    let (name, seed) = random.split_at(8);
    let name: String = name.iter().map(|octet| format!("{octet:02x}")).collect();
    let mut octets = [0; 32];
    octets.copy_from_slice(seed);
    let name = format!("parlatory.invalid/{name}");
    Signer::from_seed(&name, KeyKind::Log, &octets).context("cannot make the key of the log")
}

/// Hides from everybody but the auditor which node an entry is of, so that padding hides the rest.
fn mask(data: &Data) -> Result<Mask> {
    let key = AuditKey::new(read_key(&data.evidence_key("audit"))?);
    Ok(Mask::new(move |leaf| leaf::masked(leaf, &key)))
}

fn read_signer(data: &Data) -> Result<Signer> {
    let path = data.evidence_key("log");
    let text = fs::read_to_string(&path)
        .with_context(|| format!("cannot read the key of the log `{}`", path.display()))?;
    Signer::parse(text.trim()).with_context(|| format!("`{}` is no key of a log", path.display()))
}

/// The number of this node in its journal.
pub(crate) const NODE: u32 = 1;

/// How often is looked whether something waits or is to be published.
const LOOK_EVERY: Duration = Duration::from_millis(500);
