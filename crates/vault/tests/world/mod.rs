//! A vault in a folder of its own, with keyholders, a registry and a clock that the test moves.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "each test uses a part"
)]

use crate::{consent::consent, open::Keyholder};
use model::{
    AgencyId, CallId, Clock, Codec, E164, FacilityId, Private, RecordingId, Second, Timestamp,
    Track,
    fact::{Epoch, RecordingEnd},
    plan::RegistryData,
};
use registry::{Guard, Snapshot};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
        mpsc,
    },
    time::Duration,
};
use vault::{
    About, KeyholderKey, Keyholders, NotRecorded, Vault, VaultConfig, VaultError, Writer, generate,
};

/// The number that is called.
pub(crate) const NUMBER: u64 = 12_025_550_142;
/// A number that the registry protects.
pub(crate) const PROTECTED: u64 = 12_025_550_199;
/// Epoch of the registry.
pub(crate) const EPOCH: Epoch = Epoch(7);
pub(crate) const ABOUT: About = About { agency: AgencyId(3), facility: FacilityId(4) };

pub(crate) struct World {
    root: PathBuf,
    /// Removed with the world.
    _dir: tempfile::TempDir,
    pub(crate) a: Keyholder,
    pub(crate) b: Keyholder,
    /// The holders of [`World::a`] and [`World::b`].
    pub(crate) keys: [KeyholderKey; 2],
    /// The agencies that are named, with their own keys.
    pub(crate) agencies: BTreeMap<AgencyId, Option<KeyholderKey>>,
    now: Arc<AtomicI64>,
    registry: Arc<Mutex<Arc<Snapshot>>>,
}

/// How a recording was closed, once it is.
pub(crate) type Closing = mpsc::Receiver<Result<RecordingEnd, VaultError>>;

impl World {
    pub(crate) fn new() -> Self {
        let (a, agency) = pair();
        let (b, independent) = pair();
        let dir = tempfile::tempdir().unwrap();
        let world = Self {
            root: dir.path().to_owned(),
            _dir: dir,
            a,
            b,
            keys: [agency, independent],
            agencies: BTreeMap::from([(ABOUT.agency, None)]),
            now: Arc::new(AtomicI64::new(1_700_000_000_000_000)),
            registry: Arc::new(Mutex::new(Arc::new(snapshot(EPOCH, Timestamp::default())))),
        };
        world.load(EPOCH);
        world
    }

    /// The same, in the folder `root` of somebody else.
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned(), ..Self::new() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A vault that syncs at once; the vault of before must be gone.
    pub(crate) fn vault(&self) -> Vault {
        self.try_vault().unwrap()
    }

    pub(crate) fn try_vault(&self) -> Result<Vault, VaultError> {
        self.vault_that_syncs_every(Duration::ZERO)
    }

    pub(crate) fn vault_that_syncs_every(&self, sync_every: Duration) -> Result<Vault, VaultError> {
        let keyholders = self.keyholders();
        let config = VaultConfig { dir: self.vault_dir(), keyholders, sync_every };
        let registry = Arc::clone(&self.registry);
        let now = Arc::clone(&self.now);
        Vault::open(
            config,
            Arc::new(move || Arc::clone(&registry.lock().unwrap())),
            Clock::new(move || Timestamp::from_micros(now.load(Ordering::SeqCst))),
        )
    }

    pub(crate) fn keyholders(&self) -> Keyholders {
        let [agency, independent] = self.keys;
        Keyholders::new(agency, self.agencies.clone(), independent).unwrap()
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.now.load(Ordering::SeqCst))
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.now.fetch_add(i64::try_from(time.as_micros()).unwrap(), Ordering::SeqCst);
    }

    /// Puts a registry of this epoch in force, confirmed now.
    pub(crate) fn load(&self, epoch: Epoch) {
        *self.registry.lock().unwrap() = Arc::new(snapshot(epoch, self.now()));
    }

    /// Begins the recording of a call to [`NUMBER`].
    pub(crate) fn begin(&self, vault: &Vault, call: u64) -> (Writer, Closing) {
        let (writer, closing) = self.try_begin(vault, call, NUMBER).unwrap();
        assert_eq!(writer.recording(), RecordingId(call));
        (writer, closing)
    }

    pub(crate) fn try_begin(
        &self,
        vault: &Vault,
        call: u64,
        number: u64,
    ) -> Result<(Writer, Closing), NotRecorded> {
        let consent = consent(CallId(call), E164::new(number).unwrap(), EPOCH);
        let (sender, closing) = mpsc::channel();
        let writer = vault.begin(consent, ABOUT, move |end| sender.send(end).unwrap())?;
        Ok((writer, closing))
    }

    /// A closed recording of `count` short seconds: its file and how it was closed.
    pub(crate) fn recorded(&self, call: u64, count: u32) -> (PathBuf, RecordingEnd) {
        let vault = self.vault();
        let (mut writer, closing) = self.begin(&vault, call);
        for index in 0..count {
            writer.second(second(index, 5));
        }
        writer.end();
        let end = closing.recv().unwrap().unwrap();
        vault.close();
        (self.closed(call, "rec"), end)
    }

    pub(crate) fn vault_dir(&self) -> PathBuf {
        self.root.join("vault")
    }

    pub(crate) fn closed(&self, call: u64, suffix: &str) -> PathBuf {
        let name = format!("closed/{}/{call:016x}.{suffix}", ABOUT.agency.0);
        self.vault_dir().join(name)
    }

    pub(crate) fn part(&self, call: u64) -> PathBuf {
        self.vault_dir().join(format!("open/{call:016x}-{}.part", ABOUT.agency.0))
    }

    /// Every recording's file in the vault.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        collect(&self.vault_dir().join("open"), &mut files);
        collect(&self.vault_dir().join("closed"), &mut files);
        files.sort();
        files
    }
}

fn collect(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { collect(&path, into) } else { into.push(path) }
    }
}

pub(crate) fn pair() -> (Keyholder, KeyholderKey) {
    let (secret, key) = generate().unwrap();
    (Keyholder::from_text(&secret.text()), key)
}

fn snapshot(epoch: Epoch, confirmed: Timestamp) -> Snapshot {
    let guard = Guard { stale_after: Duration::from_secs(3_600), shrink_percent_max: 10 };
    let numbers = vec![Private::new(E164::new(PROTECTED).unwrap())];
    guard.snapshot(&RegistryData { epoch, confirmed, count_max: 1, numbers })
}

/// A second with `octets` octets in each direction, all different from those of other seconds.
pub(crate) fn second(index: u32, octets: usize) -> Second {
    let octet = |salt: u32| u8::try_from((index * 7 + salt) % 251).unwrap();
    Second {
        index,
        started: Timestamp::from_micros(1_700_000_000_000_000 + i64::from(index) * 1_000_000),
        station: Track {
            codec: Codec::Pcmu,
            rtp_time: index.wrapping_mul(8_000),
            octets: vec![octet(1); octets],
        },
        called: Track {
            codec: if index.is_multiple_of(2) { Codec::Pcma } else { Codec::Pcmu },
            rtp_time: index.wrapping_mul(8_000).wrapping_add(99),
            octets: vec![octet(2); octets + 1],
        },
    }
}
