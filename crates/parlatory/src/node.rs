//! A node: desk, vault, media, line and switch, wired together. The only place where they all meet.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use call::limits::Timing;
use console::Console;
use desk::{Desk, DeskConfig, EvidenceConfig, EvidenceKeys, PinKey, Recovered};
use disclosure::Reach;
use line::{Inbound, Line, LineConfig};
use media::{Media, MediaConfig, Pack};
use model::Clock;
use sha2::Digest;
use switch::{Mailbox, Parts, Switch, SwitchConfig, Watch};
use vault::{DetailSealer, KeyholderKey, Keyholders, NameShelf, Vault, VaultConfig};

use crate::{
    config::Config,
    data::Data,
    files,
    ground::{Ground, Opened},
    logbook::{Logbook, Publisher},
    nightly::Nightly,
    segments,
};

/// A running node.
pub(crate) struct Node {
    desk: Desk,
    line: Line,
    media: Media,
    vault: Vault,
    switch: Switch,
    /// The switch's thread has ended.
    over: Arc<AtomicBool>,
    details: DetailSealer,
    /// `None` where the log cannot be opened; then nothing is recorded.
    publisher: Option<Publisher>,
    /// `None` where the settings name none, or it cannot be had. Calls go on without.
    console: Option<Console>,
    /// `None` where nothing can be erased.
    nightly: Option<Nightly>,
    /// What was found and settled at the start.
    pub(crate) recovered: Recovered,
}

impl Node {
    /// Opens the data folder, settles what the last run left, and takes calls from then on.
    pub(crate) fn open(
        data: &Data,
        config: &Config,
        clock: &Clock,
        watch: Option<Watch>,
    ) -> Result<Self> {
        let pack = Arc::new(Pack::builtin().context("the built-in prompts do not read")?);
        let keyholders = read_keyholders(data)?;
        let details = DetailSealer::new(keyholders.clone());
        let witnesses = witnesses(config)?;
        let logbook = open_log(data, config, clock, &witnesses);
        let entries = Arc::new(AtomicU64::new(0));
        let outbox = counted(&entries, logbook.as_ref().map(Logbook::outbox));
        let (desk, vault, recovered) = open_desk(
            data,
            &pack,
            clock,
            config.calls.timing(),
            (keyholders, details.clone()),
            outbox,
        )?;
        entries.fetch_max(recovered.entries, Ordering::Relaxed);
        let log = logbook.as_ref().map(Logbook::log);
        let publisher = begin_log(logbook, &desk, clock, recovered.entries);
        let log = log.filter(|_| publisher.is_some());
        let mailbox = Mailbox::new();
        let media =
            Media::start(audio(config), pack, clock.clone(), mailbox.media_events(clock.clone()))
                .context("cannot start the audio side")?;
        let wire = wire(config, data)?;
        let tell = mailbox.line_events(clock.clone());
        let line = Line::start(wire, Arc::new(desk.clone()), clock.clone(), tell)
            .context("cannot take SIP")?;
        let parts = Parts {
            line: line.clone(),
            media: media.clone(),
            vault: vault.clone(),
            office: Arc::new(desk.clone()),
            watch,
        };
        let limits = SwitchConfig {
            boot: desk.boot(),
            calls_max: config.limits.calls_max,
            calls_per_station_max: CALLS_PER_STATION_MAX,
        };
        let switch = Switch::start(limits, mailbox, parts, clock.clone())
            .context("cannot start the switch")?;
        let over = Arc::new(AtomicBool::new(false));
        let tell = Arc::clone(&over);
        switch.when_ended(move || tell.store(true, Ordering::Relaxed));
        let ground = Ground {
            data,
            config,
            clock,
            log,
            details: &details,
            desk: &desk,
            switch: &switch,
            line: &line,
            entries,
            witnesses,
        };
        let Opened { console, nightly } = ground.open();
        Ok(Self {
            details,
            publisher,
            console,
            nightly,
            desk,
            line,
            media,
            vault,
            switch,
            over,
            recovered,
        })
    }

    /// Where SIP is taken.
    pub(crate) fn sip_address(&self) -> SocketAddr {
        self.line.local_address()
    }

    /// Where staff, commands and programs ask, if they can.
    pub(crate) fn console_url(&self) -> Option<String> {
        self.console.as_ref().map(Console::url)
    }

    /// Takes no new calls and gives the running ones `limit`; may be said again.
    pub(crate) fn begin_stop(&self, limit: Duration) {
        self.switch.begin_stop(limit);
    }

    /// Takes over the keyholders of agencies that were provisioned since `version`, and says which
    /// version it has now. An agency that the vault does not know is not recorded.
    pub(crate) fn refresh_keyholders(&self, data: &Data, version: u64) -> u64 {
        let current = self.desk.version();
        if current == version {
            return version;
        }
        match read_keyholders(data) {
            Ok(keyholders) => {
                self.details.set_keyholders(keyholders.clone());
                self.vault.set_keyholders(keyholders);
                current
            }
            Err(error) => {
                tracing::error!("the keyholders could not be read again: {error:#}");
                version
            }
        }
    }

    /// Why the node cannot go on, if so: it must be started again.
    pub(crate) fn failure(&self) -> Option<&'static str> {
        if self.desk.has_failed() {
            Some("the journal has stopped, because the disk failed")
        } else if self.over.load(Ordering::Relaxed) {
            Some("the thread that handles calls has died of a fault of ours")
        } else {
            None
        }
    }

    /// What says it again to a node that another thread waits for.
    pub(crate) fn stopper(&self) -> impl Fn(Duration) + Send + 'static {
        self.switch.stopper()
    }

    /// Returns when all calls are over and everything is on disk.
    pub(crate) fn join(self) {
        self.switch.join();
        // What is followed was over with its call; nothing is entered once the log is closed.
        if let Some(console) = self.console {
            console.stop();
        }
        if let Some(nightly) = self.nightly {
            nightly.end();
        }
        self.line.stop();
        self.media.stop();
        self.vault.close();
        self.desk.close();
        if let Some(publisher) = self.publisher {
            publisher.end();
        }
    }
}

/// Realm of digest accounts; stored password hashes depend on it.
pub(crate) const REALM: &str = "parlatory";

/// How much audio a power loss may cost at most.
const SYNC_EVERY: Duration = Duration::from_secs(2);

/// A leg counts as live when audio came from it within this time.
const LIVE_WITHIN: Duration = Duration::from_millis(1_500);

fn audio(config: &Config) -> MediaConfig {
    let [first, last] = config.media.ports;
    MediaConfig {
        ip: config.media.address,
        ports: first..=last,
        report_sockets_max: files::report_sockets(config.limits.calls_max),
        threads: config.media.threads,
        live_within: LIVE_WITHIN,
        lost_after: config.calls.lost_after(),
    }
}

/// The witnesses of the settings, of whom nobody was asked yet.
pub(crate) fn witnesses(config: &Config) -> Result<Reach> {
    let peers = config.disclosure.peers()?;
    Ok(Reach::of(peers.iter().map(|peer| peer.key.name().to_owned())))
}

fn wire(config: &Config, data: &Data) -> Result<LineConfig> {
    Ok(LineConfig {
        bind: config.sip.listen,
        realm: REALM.to_owned(),
        user_agent: concat!("Parlatory/", env!("CARGO_PKG_VERSION")).to_owned(),
        inbound: Inbound::Stations,
        // Two dialogs a call.
        calls_max: config.limits.calls_max.saturating_mul(2),
        network: config.network(data.root())?,
    })
}

/// Opens the log. Without it calls go on, and nothing is recorded.
fn open_log(data: &Data, config: &Config, clock: &Clock, reach: &Reach) -> Option<Logbook> {
    Logbook::open(data, config, clock, reach)
        .inspect_err(|error| tracing::error!("nothing is recorded: {error:#}"))
        .ok()
}

/// Fills the log from now on. Where that is not possible, nothing is recorded.
fn begin_log(
    logbook: Option<Logbook>,
    desk: &Desk,
    clock: &Clock,
    entries: u64,
) -> Option<Publisher> {
    let begun = logbook.map(|logbook| logbook.begin(desk, clock, entries));
    let publisher = begun.and_then(|begun| {
        begun.inspect_err(|error| tracing::error!("nothing is recorded: {error:#}")).ok()
    });
    desk.log_is_behind(publisher.is_none());
    publisher
}

/// Hands entries on, where there is a log, and keeps the number of the last; without a log they
/// wait in the journal.
fn counted(
    entries: &Arc<AtomicU64>,
    mut outbox: Option<impl FnMut(journal::Entry) + Send + 'static>,
) -> impl FnMut(journal::Entry) + Send + 'static {
    let entries = Arc::clone(entries);
    move |entry| {
        entries.fetch_max(entry.seq.0, Ordering::Relaxed);
        if let Some(outbox) = &mut outbox {
            outbox(entry);
        }
    }
}

fn open_desk(
    data: &Data,
    pack: &Pack,
    clock: &Clock,
    timing: Timing,
    (keyholders, details): (Keyholders, DetailSealer),
    outbox: impl FnMut(journal::Entry) + Send + 'static,
) -> Result<(Desk, Vault, Recovered)> {
    let evidence =
        EvidenceConfig { keys: read_evidence_keys(data)?, details, build: build_hash()? };
    let config = DeskConfig {
        store: data.store(),
        journal: data.journal(),
        journal_segment_octets: journal::SEGMENT_OCTETS_MAX,
        recordings: data.recordings(),
        pin_key: read_pin_key(data)?,
        column_keys: data.column_keys()?,
        journal_key: data.journal_key()?,
        pack: pack.version(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        timing,
        caps: data.caps()?,
        evidence,
        names: name_shelf(data),
    };
    let recordings = data.recordings();
    Desk::open(config, clock.clone(), outbox, |registry| {
        let config = VaultConfig { dir: recordings, keyholders, sync_every: SYNC_EVERY };
        Vault::open(config, registry, clock.clone())
    })
    .map_err(|error| segments::explained(data, error))
    .with_context(|| format!("cannot open the data folder `{}`", data.root().display()))
}

/// Opens all but the log as a node does that starts, settles what the last run left, and closes it
/// again: whether a node would start on this folder.
pub(crate) fn try_start(data: &Data, clock: &Clock) -> Result<Recovered> {
    let pack = Pack::builtin().context("the built-in prompts do not read")?;
    let keyholders = read_keyholders(data)?;
    let details = DetailSealer::new(keyholders.clone());
    // Without a log they wait in the journal.
    let nobody = |_| {};
    let (desk, vault, recovered) =
        open_desk(data, &pack, clock, Timing::default(), (keyholders, details), nobody)?;
    vault.close();
    desk.close();
    Ok(recovered)
}

/// Where recorded names are kept. Without their key nobody records one.
fn name_shelf(data: &Data) -> Option<NameShelf> {
    read_names(data)
        .inspect_err(|error| tracing::error!("nobody can record their name: {error:#}"))
        .ok()
}

/// The recorded names of a data folder.
pub(crate) fn read_names(data: &Data) -> Result<NameShelf> {
    Ok(NameShelf::new(data.names(), read_key(&data.evidence_key("names"))?))
}

/// The key of the PIN hash.
pub(crate) fn read_pin_key(data: &Data) -> Result<PinKey> {
    Ok(PinKey::new(read_key(&data.pin_key())?))
}

/// The keys of the entries for the log.
pub(crate) fn read_evidence_keys(data: &Data) -> Result<EvidenceKeys> {
    let read = |name| read_key(&data.evidence_key(name));
    Ok(EvidenceKeys { audit: read("audit")?, labels: read("label")?, counsel: read("counsel")? })
}

/// Reads 32 octets.
pub(crate) fn read_key(path: &Path) -> Result<[u8; 32]> {
    let octets = fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    octets
        .try_into()
        .map_err(|_| anyhow!("`{}` is damaged: restore it from a backup", path.display()))
}

/// SHA-256 of the running program, which the log keeps: it is compared with the published one.
pub(crate) fn build_hash() -> Result<[u8; 32]> {
    let mut program = fs::File::open(THIS_PROGRAM).context("cannot read the running program")?;
    let mut hash = sha2::Sha256::new();
    let mut octets = vec![0; READ_OCTETS];
    loop {
        let count = program.read(&mut octets).context("cannot read the running program")?;
        match octets.get(..count) {
            None | Some([]) => break,
            Some(read) => hash.update(read),
        }
    }
    Ok(hash.finalize().into())
}

/// The file of the running program, also when another was put in its place.
const THIS_PROGRAM: &str = "/proc/self/exe";

const READ_OCTETS: usize = 256 * 1024;

/// Public keys of the keyholders: the folder's own two, and those of agencies that named theirs.
pub(crate) fn read_keyholders(data: &Data) -> Result<Keyholders> {
    let read = |holder: &str| -> Result<KeyholderKey> {
        let path = data.keyholder_public(holder);
        let text = fs::read_to_string(&path).with_context(|| {
            format!("cannot read the keyholder's public key `{}`", path.display())
        })?;
        let key = text.lines().find(|line| !line.starts_with('#')).unwrap_or_default();
        key.parse().map_err(|error| anyhow!("`{}`: {error}", path.display()))
    };
    let (agency, independent) = (read("agency")?, read("independent")?);
    let mut agencies = BTreeMap::new();
    for row in data.open_store()?.agencies()? {
        let key = row.keyholder.map(|text| text.parse()).transpose();
        let key = key.map_err(|error| anyhow!("keyholder of `{}`: {error}", row.key))?;
        agencies.insert(row.id, key);
    }
    Ok(Keyholders::new(agency, agencies, independent)?)
}

/// Calls of one telephone at once.
const CALLS_PER_STATION_MAX: u32 = 4;
