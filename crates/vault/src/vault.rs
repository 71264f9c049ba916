//! The handles that callers hold: the vault, and one writer for each recording.

use crate::{
    Keyholders, NotRecorded, VaultError,
    folder::{self, Folder, Part},
    format::Facts,
    limits::{QUEUED_SECONDS_MAX, RECORDINGS_COUNT_MAX},
    recorder::{Closed, CutCause, Message, Number, Place, Recorder, Wanted},
    seal::Sealer,
};
use call::Consent;
use model::{
    AgencyId, Clock, FacilityId, RecordingId, Second, Timestamp,
    fact::{Epoch, OffReason, RecordingEnd},
};
use registry::{Snapshot, Standing};
use sha2::{Digest, Sha256};
use std::{
    fmt, mem,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// How recordings are kept.
#[derive(Clone, Debug)]
pub struct VaultConfig {
    /// The vault's folder.
    pub dir: PathBuf,
    /// Who holds the keys.
    pub keyholders: Keyholders,
    /// How long written audio may wait until it is durable: what a loss of power can take at most,
    /// besides the second that is being spoken. A process that dies loses nothing written.
    pub sync_every: Duration,
}

/// Where the vault finds the registry that is in force when a recording is to begin.
pub type RegistryView = Arc<dyn Fn() -> Arc<Snapshot> + Send + Sync>;

/// Where a recording belongs. Which recording it is says the consent, so that a consent of one call
/// cannot be used for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// The agency, whose keyholder gets share a.
    pub agency: AgencyId,
    /// The facility.
    pub facility: FacilityId,
}

/// All recordings of a node. Handles are cheap to clone; one thread seals and writes for all of
/// them.
#[derive(Clone)]
pub struct Vault {
    inner: Arc<Inner>,
}

struct Inner {
    folder: Arc<Folder>,
    keyholders: Mutex<Arc<Keyholders>>,
    registry: RegistryView,
    clock: Clock,
    /// Unfinished files of an earlier process, until [`Vault::recover`] takes them.
    leftovers: Mutex<Vec<Part>>,
    recordings: Arc<AtomicUsize>,
    /// Recordings begun since the vault was opened.
    begun: AtomicU64,
    /// `None` once closed.
    messages: Mutex<Option<mpsc::Sender<Message>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Vault {
    /// Opens the vault in its folder, or begins one there. Call [`Vault::recover`] next.
    ///
    /// # Errors
    /// [`VaultError::InUse`] or a fault of the disk.
    pub fn open(
        config: VaultConfig,
        registry: RegistryView,
        clock: Clock,
    ) -> Result<Self, VaultError> {
        let folder = Arc::new(Folder::lock(&config.dir)?);
        let leftovers = folder.leftovers()?;
        let (messages, inbox) = mpsc::channel();
        let recorder = Recorder::new(inbox, Arc::clone(&folder), clock.clone(), config.sync_every);
        let thread = thread::Builder::new()
            .name("vault".to_owned())
            .spawn(move || recorder.run())
            .map_err(|error| VaultError::io("start the thread of", config.dir, error))?;
        let inner = Inner {
            folder,
            keyholders: Mutex::new(Arc::new(config.keyholders)),
            registry,
            clock,
            leftovers: Mutex::new(leftovers),
            recordings: Arc::new(AtomicUsize::new(0)),
            begun: AtomicU64::new(0),
            messages: Mutex::new(Some(messages)),
            thread: Mutex::new(Some(thread)),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Begins the recording of the call that `consent` was given in.
    ///
    /// The registry is asked again, here and now: the answer that the notice was built on may be a
    /// minute old. The file is made on the vault's thread, so that a slow disk keeps no call
    /// waiting. `closed` is called exactly once, on that thread: when the recording is durable
    /// under its final name; with [`VaultError::NotBegun`] when no file could be made, and then the
    /// call is unrecorded for [`OffReason::Disk`]; or with another error when it could not be
    /// closed, and then the next [`Vault::recover`] finds it. It must not block. When this returns
    /// an error, `closed` is never called.
    ///
    /// # Errors
    /// [`OffReason::Protected`], or [`OffReason::RegistryUnusable`], also when the registry went
    /// back behind the epoch of the consent: neither a file nor a key was made. [`OffReason::Disk`]
    /// when nothing can be sealed, nobody holds the agency's keys, or [`RECORDINGS_COUNT_MAX`]
    /// recordings are running.
    pub fn begin(
        &self,
        consent: Consent,
        about: About,
        closed: impl FnOnce(Result<RecordingEnd, VaultError>) + Send + 'static,
    ) -> Result<Writer, NotRecorded> {
        let now = self.inner.clock.now();
        let epoch = ask_again(&(self.inner.registry)(), &consent, now)?;
        let facts = Facts {
            agency: about.agency,
            facility: about.facility,
            recording: consent.call().recording(),
            begun: now,
            epoch,
            consent: consent_hash(&consent).ok_or(NotRecorded(OffReason::Disk))?,
        };
        self.inner.begin(&facts, closed).map_err(|error| {
            tracing::error!(recording = facts.recording.0, %error, "a call is not recorded");
            NotRecorded(OffReason::Disk)
        })
    }

    /// Seals recordings that begin from now on to these keyholders. Those that run keep theirs.
    pub fn set_keyholders(&self, keyholders: Keyholders) {
        let mut current = self.inner.keyholders.lock().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(keyholders);
    }

    /// Gives every file that an earlier process left unfinished its final name and says what is in
    /// it. Nothing that was written is changed or lost. A second call finds nothing.
    ///
    /// A file that cannot be read or moved stays for the next start, and is logged.
    pub fn recover(&self) -> Vec<(RecordingId, RecordingEnd)> {
        let leftovers = {
            let mut parts = self.inner.leftovers.lock().unwrap_or_else(PoisonError::into_inner);
            mem::take(&mut *parts)
        };
        let mut recovered = Vec::new();
        let mut agencies = Vec::new();
        for part in &leftovers {
            match self.inner.folder.recover(part) {
                Ok(end) => {
                    recovered.push((part.recording, end));
                    agencies.push(part.agency);
                }
                Err(error) => {
                    tracing::error!(recording = part.recording.0, %error, "cannot recover");
                }
            }
        }
        agencies.dedup();
        if let Err(error) = self.inner.folder.sync_names(&agencies) {
            tracing::error!(%error, "names of recovered recordings may be found unfinished again");
        }
        recovered
    }

    /// What is on disk of a closed recording, for a node that died between closing it and noting it
    /// down. Reads the whole file; opens nothing.
    ///
    /// # Errors
    /// A fault of the disk. `None` when there is no such recording, or it is not closed.
    pub fn end_of(
        &self,
        agency: AgencyId,
        recording: RecordingId,
    ) -> Result<Option<RecordingEnd>, VaultError> {
        let file = self.inner.folder.closed_file(agency, recording);
        file.map(|path| folder::survey_file(&path)).transpose()
    }

    /// Writes what is queued, closes running recordings as cut, ends the thread and frees the
    /// folder. Dropping the last handle does the same.
    pub fn close(self) {
        self.inner.close();
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({})", self.inner.folder.root().display())
    }
}

impl Inner {
    fn begin(
        &self,
        facts: &Facts,
        closed: impl FnOnce(Result<RecordingEnd, VaultError>) + Send + 'static,
    ) -> Result<Writer, VaultError> {
        let messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let messages = messages.ok_or(VaultError::Closed)?;
        let place = Place::take(&self.recordings, RECORDINGS_COUNT_MAX)?;
        let keyholders =
            Arc::clone(&self.keyholders.lock().unwrap_or_else(PoisonError::into_inner));
        let agency = facts.agency;
        let holder = keyholders.of(agency).ok_or(VaultError::NoKeyholder { agency })?;
        let (sealer, header) = Sealer::begin(facts, holder, keyholders.independent())?;
        let queued = Arc::new(AtomicUsize::new(0));
        let wanted = Wanted {
            agency,
            recording: facts.recording,
            sealer,
            header,
            queued: Arc::clone(&queued),
            closed: Closed::new(closed),
            place,
        };
        let number = Number(self.begun.fetch_add(1, Ordering::Relaxed));
        match messages.send(Message::Begin(number, Box::new(wanted))) {
            Ok(()) => {
                Ok(Writer { recording: facts.recording, number, messages, queued, over: false })
            }
            Err(mpsc::SendError(message)) => {
                if let Message::Begin(_, wanted) = message {
                    wanted.closed.forget();
                }
                Err(VaultError::Closed)
            }
        }
    }

    fn close(&self) {
        let messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(messages) = messages {
            drop(messages.send(Message::Close));
        }
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        match thread {
            // The last handle can be dropped in a `closed`, on the vault's own thread.
            Some(thread) if thread.thread().id() != thread::current().id() => {
                drop(thread.join());
            }
            Some(_) | None => {}
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

/// Takes the audio of one recording. Dropped without [`Writer::end`], the recording is closed as
/// cut.
#[derive(Debug)]
pub struct Writer {
    recording: RecordingId,
    number: Number,
    messages: mpsc::Sender<Message>,
    /// How many of its seconds the thread has not written yet.
    queued: Arc<AtomicUsize>,
    over: bool,
}

impl Writer {
    /// Which recording it is.
    pub fn recording(&self) -> RecordingId {
        self.recording
    }

    /// Queues a second of the conversation and returns at once.
    ///
    /// If the disk is so slow that [`QUEUED_SECONDS_MAX`] seconds wait already, the recording is
    /// closed as cut, which `closed` reports, and this and all later seconds are dropped. So are
    /// those of a recording that did not begin.
    pub fn second(&mut self, second: Second) {
        if self.over {
            return;
        }
        if self.queued.fetch_add(1, Ordering::AcqRel) >= QUEUED_SECONDS_MAX {
            self.send(Message::Cut(self.number, CutCause::DiskTooSlow));
            self.over = true;
            return;
        }
        self.send(Message::Second(self.number, Box::new(second)));
    }

    /// Ends the recording in order.
    pub fn end(mut self) {
        if !self.over {
            self.send(Message::End(self.number));
            self.over = true;
        }
    }

    /// A vault that is closed has closed its recordings too, and said so.
    fn send(&self, message: Message) {
        drop(self.messages.send(message));
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.over {
            self.send(Message::Cut(self.number, CutCause::WriterGone));
        }
    }
}

/// Whether the number may be recorded now, and by which epoch of the registry.
fn ask_again(registry: &Snapshot, consent: &Consent, now: Timestamp) -> Result<Epoch, NotRecorded> {
    match registry.ask(consent.number(), now) {
        Standing::Protected { .. } => Err(NotRecorded(OffReason::Protected)),
        Standing::Ordinary { epoch } if epoch >= consent.epoch() => Ok(epoch),
        // A registry that went back may lack numbers that the one of the notice had.
        Standing::Ordinary { .. } | Standing::Unusable(_) => {
            Err(NotRecorded(OffReason::RegistryUnusable))
        }
    }
}

/// SHA-256 over what the consent rests on, which the journal has in the clear: so a recording
/// proves which notice and which key it began with.
fn consent_hash(consent: &Consent) -> Option<[u8; 32]> {
    let evidence = postcard::to_allocvec(consent.evidence()).ok()?;
    let mut hash = Sha256::new();
    hash.update(CONSENT_LABEL);
    hash.update(consent.call().0.to_le_bytes());
    hash.update(evidence);
    Some(hash.finalize().into())
}

const CONSENT_LABEL: &[u8] = b"parlatory consent v1";
