//! The handle that callers hold.

use super::{
    ErasingStep, LogError, erase,
    limits::{GATHERED_ENOUGH, QUEUE_APPENDS_MAX, SOON, WAL_OCTETS_MAX},
    open,
    wal::Folder,
    withheld,
    writer::{Padding, Reply, Request, Writer},
};
use crate::{Draft, EntrySeq, Haste, LEAF_OCTETS, Sender, Torn, inbox};
use model::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use tlog::{Checkpoint, Consistency, Inclusion, Note, Signer};

/// How a log is kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder of what anybody may read: `checkpoint` and `tile/`.
    pub public: PathBuf,
    /// Folder of the write-ahead log with the sealed details.
    pub private: PathBuf,
    /// Length of the intervals at whose ends the log is published; whole microseconds, above zero.
    pub interval: Duration,
    /// Octets after which the next segment is begun.
    pub segment_octets_max: u32,
    /// What is published of a leaf; leaves as they are unless set. It must not change while
    /// something waits for publication.
    pub mask: Mask,
}

impl Options {
    /// A log in these two folders, published every ten minutes.
    #[must_use]
    pub const fn new(public: PathBuf, private: PathBuf) -> Self {
        let interval = Duration::from_mins(10);
        Self { public, private, interval, segment_octets_max: WAL_OCTETS_MAX, mask: Mask(None) }
    }
}

/// Makes of a leaf what stands in the log in its place: the same each time, and so that readers who
/// may can undo it. Nodes are counted by leaves as they came.
#[derive(Clone)]
pub struct Mask(Option<Arc<Masks>>);

type Masks = dyn Fn(&[u8; LEAF_OCTETS]) -> [u8; LEAF_OCTETS] + Send + Sync;

impl Mask {
    /// This one. It must not block and must not panic.
    #[must_use]
    pub fn new(
        mask: impl Fn(&[u8; LEAF_OCTETS]) -> [u8; LEAF_OCTETS] + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(mask)))
    }

    pub(super) fn of(&self, leaf: &[u8; LEAF_OCTETS]) -> [u8; LEAF_OCTETS] {
        self.0.as_ref().map_or(*leaf, |mask| mask(leaf))
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mask([private])")
    }
}

/// What was found when the log was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Entries of the log, all durable.
    pub size: u64,
    /// Entries of the published log.
    pub published: u64,
    /// What was cut from the end. Nobody was ever told that it was durable.
    pub torn: Option<Torn>,
    /// Number of the lease under which this handle writes.
    pub term: u64,
}

/// Entries that are durable and signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Their places in the log; fewer than were appended when some had been taken over before.
    pub entries: Range<u64>,
    /// The log's own entries among them, with the numbers that they got, as they are published.
    pub own: Vec<[u8; LEAF_OCTETS]>,
    /// A checkpoint that covers them.
    pub checkpoint: Arc<Checkpoint>,
}

/// An entry is in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// The way from the entry to the root.
    pub inclusion: Inclusion,
    /// The checkpoint with that root. It need not be published.
    pub checkpoint: Arc<Checkpoint>,
}

/// The log was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// What stands in the public folder now.
    pub checkpoint: Arc<Checkpoint>,
    /// How many entries of padding were added for it.
    pub padding: u64,
}

/// An open log. Handles are cheap to clone; the files belong to one thread of its own. When the
/// last handle is dropped, what is queued is still written and the folders are free again.
#[derive(Clone)]
pub struct Log {
    inner: Arc<Inner>,
}

struct Inner {
    /// The log's private folder.
    private: PathBuf,
    /// Whoever erases in it holds this, one at a time.
    erasing: Mutex<()>,
    /// `None` once closed.
    requests: Mutex<Option<Sender<Request>>>,
    waiting: Arc<AtomicUsize>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Log {
    /// Opens the log in the folders of `options`, or begins one there. Its origin is the name of
    /// the key.
    ///
    /// `now` is the time; the first publication that is due comes with the next interval, so that a
    /// restart does not show.
    ///
    /// # Errors
    /// [`LogError::InUse`], [`LogError::Withheld`], [`LogError::WrongKey`] and
    /// [`LogError::ClockBackwards`]; [`LogError::Damaged`], [`LogError::PublicDamaged`],
    /// [`LogError::RolledBack`] and [`LogError::Forked`] when more is wrong than a crash can
    /// explain, in which case nothing is changed and nothing signed; or a fault of the disk.
    pub fn open(
        options: &Options,
        signer: Signer,
        now: Timestamp,
    ) -> Result<(Self, Recovered), LogError> {
        let mut folder = Folder::lock(&options.private, options.segment_octets_max)?;
        if withheld::is_withheld(&options.private) {
            return Err(LogError::Withheld { folder: options.private.clone() });
        }
        let opened = open::open(options, &mut folder, signer)?;
        if let Some(torn) = &opened.recovered.torn {
            tracing::warn!(
                file = %torn.file.display(), offset = torn.offset, octets = torn.octets,
                "cut an unfinished record from the log"
            );
        }
        let (requests, inbox) = inbox(SOON, GATHERED_ENOUGH);
        let waiting = Arc::new(AtomicUsize::new(0));
        let mut recovered = opened.recovered.clone();
        let writer = Writer::new(inbox, Arc::clone(&waiting), opened, folder, options, now)?;
        recovered.term = writer.book.term;
        let thread = thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| LogError::io("start the thread of", &options.private, error))?;
        let inner = Inner {
            private: options.private.clone(),
            erasing: Mutex::new(()),
            requests: Mutex::new(Some(requests)),
            waiting,
            thread: Mutex::new(Some(thread)),
        };
        Ok((Self { inner: Arc::new(inner) }, recovered))
    }

    /// Queues `entries`, which become durable together or not at all, and returns at once.
    ///
    /// Leaves name their node and number; those of a node must follow its last one, and those that
    /// were taken over already are left out. Leaves of node 0, the log's own, have number 0 and get
    /// theirs here. `done` is called exactly once, on the log's thread (or on this one when the
    /// append is refused at once), when the entries and a signed checkpoint that covers them are
    /// durable. It must not block.
    ///
    /// # Errors
    /// `done` gets [`LogError::Gap`], [`LogError::NotALeaf`], [`LogError::Empty`],
    /// [`LogError::TooLarge`], [`LogError::Overloaded`], [`LogError::Unpublished`],
    /// [`LogError::Closed`], [`LogError::DiskFull`]: nothing was written. With any other error it
    /// is open whether the entries will be found when the log is opened again.
    pub fn append(
        &self,
        entries: Vec<Draft>,
        done: impl FnOnce(Result<Taken, LogError>) + Send + 'static,
    ) {
        self.append_in(Haste::AtOnce, entries, Reply::new(done));
    }

    /// As [`Log::append`], for what nobody waits for: it may take [`SOON`] longer, so that many
    /// entries share one signature and one `fdatasync`.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub fn append_soon(
        &self,
        entries: Vec<Draft>,
        done: impl FnOnce(Result<Taken, LogError>) + Send + 'static,
    ) {
        self.append_in(Haste::InTime, entries, Reply::new(done));
    }

    fn append_in(&self, haste: Haste, entries: Vec<Draft>, reply: Reply<Taken>) {
        let waiting = self.inner.waiting.fetch_add(1, Ordering::AcqRel);
        if waiting >= QUEUE_APPENDS_MAX {
            self.inner.waiting.fetch_sub(1, Ordering::AcqRel);
            return reply.send(Err(LogError::Overloaded { waiting }));
        }
        self.ask_in(haste, Request::Append { entries, reply });
    }

    /// As [`Log::append`], but waits. Never call it on the log's own thread.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub fn append_wait(&self, entries: Vec<Draft>) -> Result<Taken, LogError> {
        wait(|reply| {
            self.append(entries, move |result| reply.send(result));
        })
    }

    /// Destroys the details of these entries for good, with the salt in each, and says how many
    /// there were; the entries stay, and every proof of them. Whoever asks has entered it before.
    /// What a crash breaks off, the next [`Log::open`] or erasing finishes for the segment it was
    /// in; the rest is to be asked again. `tell` hears of every step, on this thread. Appends go on
    /// meanwhile. Waits; never call it on the log's own thread.
    ///
    /// # Errors
    /// [`LogError::Closed`], a segment that cannot be read, or a fault of the disk: some may be
    /// gone then.
    pub fn erase_details(
        &self,
        entries: &BTreeSet<u64>,
        tell: &mut dyn FnMut(ErasingStep),
    ) -> Result<u64, LogError> {
        let _erasing = self.inner.erasing.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = entries.last().copied() else { return Ok(0) };
        wait(|reply| self.ask(Request::CloseSegment { last, reply }))?;
        erase::erase(&self.inner.private, entries, tell)
    }

    /// The log's private folder, to read what is in it: [`super::segments`], [`super::replay_log`].
    #[must_use]
    pub fn private(&self) -> &Path {
        &self.inner.private
    }

    /// Proves that entry `index` is in the log as it was signed last, published or not. Waits;
    /// never call it on the log's own thread.
    ///
    /// # Errors
    /// [`LogError::NoSuchEntry`], and [`LogError::PublicDamaged`] when its tiles do not lead to the
    /// signed root.
    pub fn prove(&self, index: u64) -> Result<Proven, LogError> {
        wait(|reply| self.ask(Request::Prove { index, reply }))
    }

    /// Proves that the log of `newer` entries began with the one of `older`; a witness asks for it.
    /// Nobody checked it here: what is wrong with it, the witness tells. Waits; never call it on
    /// the log's own thread.
    ///
    /// # Errors
    /// [`LogError::NoSuchEntry`] when it never had so many, and [`LogError::PublicDamaged`] when
    /// its tiles cannot be read.
    pub fn prove_growth(&self, older: u64, newer: u64) -> Result<Consistency, LogError> {
        wait(|reply| self.ask(Request::ProveGrowth { older, newer, reply }))
    }

    /// Number of the last entry that was taken over from each node.
    ///
    /// # Errors
    /// [`LogError::Closed`].
    pub fn nodes(&self) -> Result<BTreeMap<u32, EntrySeq>, LogError> {
        wait(|reply| self.ask(Request::Nodes { reply }))
    }

    /// Publishes the log if an interval has ended since the last publication and there is anything
    /// new. Ask every now and then, with the time.
    ///
    /// `padding` is asked for entries of node 0, from the given number on, until the log has a
    /// multiple of [`super::BATCH_ENTRIES`]. It is called on the log's thread. Waits.
    ///
    /// # Errors
    /// [`LogError::ClockBackwards`], [`LogError::Padding`], and all that [`Log::append`] has. The
    /// public folder then still has the checkpoint before.
    pub fn publish_due(
        &self,
        now: Timestamp,
        padding: impl FnMut(u64, EntrySeq) -> Vec<[u8; LEAF_OCTETS]> + Send + 'static,
    ) -> Result<Option<Published>, LogError> {
        let padding: Padding = Box::new(padding);
        wait(|reply| self.ask(Request::Publish { now, due: true, padding, reply }))
    }

    /// As [`Log::publish_due`], at once: when the log is closed for good, or moved.
    ///
    /// # Errors
    /// As [`Log::publish_due`].
    pub fn publish(
        &self,
        now: Timestamp,
        padding: impl FnMut(u64, EntrySeq) -> Vec<[u8; LEAF_OCTETS]> + Send + 'static,
    ) -> Result<Option<Published>, LogError> {
        let padding: Padding = Box::new(padding);
        wait(|reply| self.ask(Request::Publish { now, due: false, padding, reply }))
    }

    /// Adds the signatures of `cosigned` to the published checkpoint. Whoever asked the witnesses
    /// has checked them. Waits.
    ///
    /// # Errors
    /// [`LogError::OtherCheckpoint`] when something else is published by now, or a fault of the
    /// disk.
    pub fn cosigned(&self, cosigned: Note) -> Result<(), LogError> {
        wait(|reply| self.ask(Request::Cosigned { cosigned, reply }))
    }

    /// Writes what is queued, ends the thread and frees the folders. Requests through other handles
    /// are refused from here on.
    pub fn close(self) {
        self.inner.close();
    }

    fn ask(&self, request: Request) {
        self.ask_in(Haste::AtOnce, request);
    }

    fn ask_in(&self, haste: Haste, request: Request) {
        let requests = self.inner.requests.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // A reply that is dropped on the way says that the log is closed.
        if let Some(requests) = requests {
            drop(requests.send(request, haste));
        }
    }
}

/// Waits for what `ask` has answered.
fn wait<T: Send + 'static>(ask: impl FnOnce(Reply<T>)) -> Result<T, LogError> {
    let (sender, receiver) = mpsc::sync_channel(1);
    ask(Reply::new(move |result| drop(sender.send(result))));
    receiver.recv().unwrap_or(Err(LogError::Closed))
}

impl Inner {
    fn close(&self) {
        // The folder is locked until its thread ends, and nothing is erased in it afterwards.
        let _erasing = self.erasing.lock().unwrap_or_else(PoisonError::into_inner);
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(requests) = requests {
            drop(requests.send(Request::Close, Haste::AtOnce));
        }
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        match thread {
            // The last handle can be dropped in a `done`, on the log's own thread.
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
