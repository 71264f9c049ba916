//! The handle that callers hold.

use crate::{
    Appended, Draft, Entry, EntrySeq, Forgotten, GivenAway, Haste, JournalError, SealKey, Sender,
    ShareOut, TakenOver,
    forget::Forgetter,
    inbox,
    limits::{GATHERED_ENOUGH, QUEUE_APPENDS_MAX, SEGMENT_OCTETS_LIMIT, SEGMENT_OCTETS_MAX, SOON},
    segment::Folder,
    writer::{Reply, Request, Writer},
};
use model::{Timestamp, fact::Fact};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
};

/// Number of a fact in its journal: from 1, one after the other, without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(pub u64);

/// How a journal is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Number of the node whose journal it is; a journal of another node is refused.
    pub node: u32,
    /// Octets after which the next segment is begun; at most 1 GiB.
    pub segment_octets_max: u32,
}

impl Default for Options {
    /// Node 1, [`SEGMENT_OCTETS_MAX`].
    fn default() -> Self {
        Self { node: 1, segment_octets_max: SEGMENT_OCTETS_MAX }
    }
}

/// What was found when the journal was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Number of the last fact; 0 when there is none. All facts up to here are durable.
    pub last: Seq,
    /// Number of the last entry; 0 when there is none. All entries up to here are durable.
    pub entry: EntrySeq,
    /// What was cut from the end. Nobody was ever told that it was durable.
    pub torn: Option<Torn>,
}

/// An unfinished group that a crash left behind, and that was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// The segment.
    pub file: PathBuf,
    /// Where it was cut.
    pub offset: u64,
    /// How many octets were cut.
    pub octets: u64,
}

/// An open journal. Handles are cheap to clone; the files belong to one thread of its own. When the
/// last handle is dropped, what is queued is still written and the folder is free again.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

struct Inner {
    /// `None` once closed.
    requests: Mutex<Option<Sender<Request>>>,
    waiting: Arc<AtomicUsize>,
    forgetter: Forgetter,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Journal {
    /// Opens the journal in `dir`, sealed under `key`, or begins one there.
    ///
    /// From then on `sink` is called on the journal's thread for every appended fact once it is
    /// durable, in order, and before the append's own `done`; it must not block on anything that
    /// waits for the journal. Older facts are read with [`crate::replay`].
    ///
    /// # Errors
    /// [`JournalError::InUse`] and [`JournalError::OtherNode`]; [`JournalError::WrongKey`], and
    /// [`JournalError::Damaged`] when more is wrong than a crash can explain, in which cases
    /// nothing is changed; or a fault of the disk.
    pub fn open(
        dir: &Path,
        key: &SealKey,
        options: Options,
        sink: impl FnMut(Seq, &Fact) + Send + 'static,
    ) -> Result<(Self, Recovery), JournalError> {
        Self::open_with_outbox(dir, key, options, sink, |_| {})
    }

    /// As [`Journal::open`]; and `outbox` is called in the same way with every appended entry,
    /// after the facts of its append. Older entries are read with [`crate::replay_entries`].
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn open_with_outbox(
        dir: &Path,
        key: &SealKey,
        options: Options,
        sink: impl FnMut(Seq, &Fact) + Send + 'static,
        outbox: impl FnMut(Entry) + Send + 'static,
    ) -> Result<(Self, Recovery), JournalError> {
        let segment_octets_max = options.segment_octets_max.min(SEGMENT_OCTETS_LIMIT);
        let options = Options { segment_octets_max, ..options };
        let folder = Folder::lock(dir, options, key.clone())?;
        let (segment, end, recovery) = folder.recover()?;
        if let Some(torn) = &recovery.torn {
            tracing::warn!(
                file = %torn.file.display(), offset = torn.offset, octets = torn.octets,
                "cut an unfinished group from the journal"
            );
        }
        let (requests, inbox) = inbox(SOON, GATHERED_ENOUGH);
        let waiting = Arc::new(AtomicUsize::new(0));
        let writer = Writer {
            inbox,
            waiting: Arc::clone(&waiting),
            sink: Box::new(sink),
            outbox: Box::new(outbox),
            node: options.node,
            shelf: Box::new(folder),
            segment,
            end,
            next: Seq(recovery.last.0 + 1),
            next_entry: EntrySeq(recovery.entry.0 + 1),
            segment_octets_max: u64::from(segment_octets_max),
            stopped: None,
        };
        let thread = thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| JournalError::io("start the thread of", dir, error))?;
        let inner = Inner {
            requests: Mutex::new(Some(requests)),
            waiting,
            forgetter: Forgetter {
                dir: dir.to_owned(),
                key: key.clone(),
                node: options.node,
                turn: Mutex::new(()),
            },
            thread: Mutex::new(Some(thread)),
        };
        Ok((Self { inner: Arc::new(inner) }, recovery))
    }

    /// Queues `facts`, which become durable together or not at all, and returns at once.
    ///
    /// `done` is called exactly once, on the journal's thread (or on this one when the append is
    /// refused at once), with the number of the last of `facts` once all of them are durable. It
    /// must not block.
    ///
    /// # Errors
    /// As [`Journal::append_entries`].
    pub fn append(
        &self,
        facts: Vec<Fact>,
        done: impl FnOnce(Result<Seq, JournalError>) + Send + 'static,
    ) {
        self.append_entries(facts, Vec::new(), |appended| done(appended.map(|it| it.last)));
    }

    /// As [`Journal::append`], with entries for the log: all of `facts` and all of `drafts` become
    /// durable together, or none of them. The drafts get the next numbers of this node. One of the
    /// two may be empty.
    ///
    /// # Errors
    /// `done` gets [`JournalError::Overloaded`], [`JournalError::Empty`],
    /// [`JournalError::TooLarge`], [`JournalError::DetailTooLarge`], [`JournalError::NotADraft`],
    /// [`JournalError::Closed`], [`JournalError::DiskFull`]: nothing was written and no number is
    /// used up. With any other error it is open whether the facts and entries will be found when
    /// the journal is opened again.
    pub fn append_entries(
        &self,
        facts: Vec<Fact>,
        drafts: Vec<Draft>,
        done: impl FnOnce(Result<Appended, JournalError>) + Send + 'static,
    ) {
        self.append_in(Haste::AtOnce, facts, drafts, Reply::new(done));
    }

    /// As [`Journal::append_entries`], for what nobody waits for: it may take [`SOON`] longer, so
    /// that the next who waits makes it durable with their own.
    ///
    /// # Errors
    /// As [`Journal::append_entries`].
    pub fn append_entries_soon(
        &self,
        facts: Vec<Fact>,
        drafts: Vec<Draft>,
        done: impl FnOnce(Result<Appended, JournalError>) + Send + 'static,
    ) {
        self.append_in(Haste::InTime, facts, drafts, Reply::new(done));
    }

    fn append_in(&self, haste: Haste, facts: Vec<Fact>, drafts: Vec<Draft>, reply: Reply) {
        let waiting = self.inner.waiting.fetch_add(1, Ordering::AcqRel);
        if waiting >= QUEUE_APPENDS_MAX {
            self.inner.waiting.fetch_sub(1, Ordering::AcqRel);
            return reply.send(Err(JournalError::Overloaded { waiting }));
        }
        let requests = self.inner.requests.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // A reply that is dropped on the way says that the journal is closed.
        if let Some(requests) = requests {
            drop(requests.send(Request::Append { facts, drafts, reply }, haste));
        }
    }

    /// As [`Journal::append`], but waits. Never call it on the journal's own thread.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn append_wait(&self, facts: Vec<Fact>) -> Result<Seq, JournalError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.append(facts, move |result| drop(sender.send(result)));
        receiver.recv().unwrap_or(Err(JournalError::Closed))
    }

    /// As [`Journal::append_entries`], but waits. Never call it on the journal's own thread.
    ///
    /// # Errors
    /// As [`Journal::append_entries`].
    pub fn append_entries_wait(
        &self,
        facts: Vec<Fact>,
        drafts: Vec<Draft>,
    ) -> Result<Appended, JournalError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.append_entries(facts, drafts, move |result| drop(sender.send(result)));
        receiver.recv().unwrap_or(Err(JournalError::Closed))
    }

    /// Forgets the closed segments of the journal's beginning whose facts all happened before
    /// `before`, and of which facts and entries are `taken` over: destroys their keys and their
    /// octets, in place and durably. It stops at the first of which one of these does not hold, and
    /// never touches the segment that is written on; but where that one began [`SEGMENT_AGE_MAX`]
    /// or longer before `now`, the next one is begun, so that at a quiet node, too, facts are
    /// forgotten so much later than they may be at most. Says what is forgotten, earlier times
    /// included.
    ///
    /// [`SEGMENT_AGE_MAX`]: crate::SEGMENT_AGE_MAX
    ///
    /// What is said to be taken over must be durable where it is: nothing brings it back. It reads
    /// whole segments and waits for the disk, on the thread that calls it, which must not be the
    /// journal's own.
    ///
    /// # Errors
    /// [`JournalError::BeingCopied`], [`JournalError::Closed`], [`JournalError::Damaged`], a fault
    /// of the disk. What was
    /// forgotten before stays so, and what was begun the next [`Journal::open`] ends.
    pub fn forget_before(
        &self,
        before: Timestamp,
        taken: TakenOver,
        now: Timestamp,
    ) -> Result<Forgotten, JournalError> {
        self.close_aged(now)?;
        self.inner.forgetter.forget(before, taken, now)
    }

    /// Gives the keys of closed segments away whose facts all happened before `before`, and of
    /// which facts and entries are `taken` over: has each sealed by `share_out`, keeps what that
    /// makes durably beside the segment, and then destroys the key in the segment, durably. It
    /// stops at the first of which one of these does not hold, and never touches the segment that
    /// is written on; but where that one began [`SEGMENT_AGE_MAX`] or longer before `now`, the
    /// next one is begun.
    ///
    /// [`SEGMENT_AGE_MAX`]: crate::SEGMENT_AGE_MAX
    ///
    /// What is said to be taken over must be durable where it is: this journal gives it to nobody
    /// any more. It reads whole segments and waits for the disk, on the thread that calls it, which
    /// must not be the journal's own.
    ///
    /// # Errors
    /// [`JournalError::NotShared`], [`JournalError::BeingCopied`], [`JournalError::Closed`],
    /// [`JournalError::Damaged`], a fault of the disk. The segment has its key then, or its shares,
    /// and what was begun the next [`Journal::open`] ends.
    pub fn give_away_before(
        &self,
        before: Timestamp,
        taken: TakenOver,
        now: Timestamp,
        share_out: &ShareOut<'_>,
    ) -> Result<GivenAway, JournalError> {
        self.close_aged(now)?;
        self.inner.forgetter.give_away(before, taken, now, share_out)
    }

    /// Begins the next segment where the one that is written on is old.
    fn close_aged(&self, now: Timestamp) -> Result<(), JournalError> {
        if self.inner.requests.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            return Err(JournalError::Closed);
        }
        if self.inner.forgetter.is_aged(now)? { self.next_segment() } else { Ok(()) }
    }

    /// Begins the next segment behind what is queued, and waits for it.
    fn next_segment(&self) -> Result<(), JournalError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let requests = self.inner.requests.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(requests) = requests {
            drop(requests.send(Request::Next(sender), Haste::AtOnce));
        }
        receiver.recv().unwrap_or(Err(JournalError::Closed))
    }

    /// Writes what is queued, ends the thread and frees the folder. Appends through other handles
    /// are refused from here on.
    pub fn close(self) {
        self.inner.close();
    }
}

impl Inner {
    fn close(&self) {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(requests) = requests {
            drop(requests.send(Request::Close, Haste::AtOnce));
        }
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        match thread {
            // The last handle can be dropped in a `done`, on the journal's own thread.
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
