//! The log's thread: one group after the other, one record and one `fdatasync` each.

use super::{
    LogError, Options, Proven, Published, Taken,
    book::{self, Book, Nodes},
    limits::{
        APPEND_OCTETS_MAX, BATCH_ENTRIES, CLOCK_BACK_S_MAX, GROUP_OCTETS_MAX, PUBLISH_ENTRIES_MAX,
    },
    open::Opened,
    record::{Body, HEADER_OCTETS, Record, State},
    wal::{Shelf, Wal},
};
use crate::{DETAIL_OCTETS_MAX, Draft, EntrySeq, LEAF_OCTETS, Receiver, leaf_head, outbox};
use model::Timestamp;
use std::{
    collections::BTreeMap,
    io,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tlog::{Checkpoint, Consistency, Note, Policy};

/// What the handles ask of the thread.
pub(super) enum Request {
    /// Append entries.
    Append {
        /// The entries.
        entries: Vec<Draft>,
        /// Who wants to know.
        reply: Reply<Taken>,
    },
    /// Prove that an entry is in the log.
    Prove {
        /// Its place.
        index: u64,
        /// Who wants to know.
        reply: Reply<Proven>,
    },
    /// Prove that the log grew from a smaller one.
    ProveGrowth {
        /// Entries of that one.
        older: u64,
        /// Entries of the one it grew to.
        newer: u64,
        /// Who wants to know.
        reply: Reply<Consistency>,
    },
    /// Close the segment that is written on, where it has an entry up to this one.
    CloseSegment {
        /// Place of the entry.
        last: u64,
        /// Who wants to know.
        reply: Reply<()>,
    },
    /// Say what was taken over.
    Nodes {
        /// Who wants to know.
        reply: Reply<BTreeMap<u32, EntrySeq>>,
    },
    /// Publish the log.
    Publish {
        /// The time.
        now: Timestamp,
        /// Only when an interval has ended.
        due: bool,
        /// Makes entries that are none.
        padding: Padding,
        /// Who wants to know.
        reply: Reply<Option<Published>>,
    },
    /// Add signatures of witnesses to the published checkpoint.
    Cosigned {
        /// The checkpoint with them.
        cosigned: Note,
        /// Who wants to know.
        reply: Reply<()>,
    },
    /// Write what is queued and end.
    Close,
}

/// Makes so many entries of node 0, from this number on.
pub(super) type Padding = Box<dyn FnMut(u64, EntrySeq) -> Vec<[u8; LEAF_OCTETS]> + Send>;

/// Answers exactly once: dropped unanswered, it says [`LogError::Closed`], so that nobody waits for
/// ever.
pub(super) struct Reply<T>(Option<Done<T>>);

type Done<T> = Box<dyn FnOnce(Result<T, LogError>) + Send>;

impl<T> Reply<T> {
    pub(super) fn new(done: impl FnOnce(Result<T, LogError>) + Send + 'static) -> Self {
        Self(Some(Box::new(done)))
    }

    pub(super) fn send(mut self, result: Result<T, LogError>) {
        self.answer(result);
    }

    fn answer(&mut self, result: Result<T, LogError>) {
        let Some(done) = self.0.take() else { return };
        // A fault in one caller's code must not take the log from all others.
        if catch_unwind(AssertUnwindSafe(|| done(result))).is_err() {
            tracing::error!("a caller of the log failed in its own code");
        }
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        self.answer(Err(LogError::Closed));
    }
}

/// All that the log's thread owns.
pub(super) struct Writer {
    inbox: Receiver<Request>,
    /// How many appends are queued or under way.
    waiting: Arc<AtomicUsize>,
    pub(super) book: Book,
    shelf: Box<dyn Shelf>,
    wal: Box<dyn Wal>,
    /// How many octets of `wal` are durable.
    end: u64,
    segment_octets_max: u64,
    interval_us: i64,
    /// The interval in which was published last.
    interval: i64,
    /// Why nothing can be appended any more.
    stopped: Option<LogError>,
}

/// Appends that share a record, with the places of each among its entries.
#[derive(Default)]
struct Group {
    entries: Vec<Draft>,
    octets: usize,
    waiting: Vec<(std::ops::Range<usize>, Reply<Taken>)>,
}

impl Writer {
    /// Takes the lease: from its record on, a writer of an earlier lease is found out.
    pub(super) fn new(
        inbox: Receiver<Request>,
        waiting: Arc<AtomicUsize>,
        opened: Opened,
        shelf: impl Shelf + 'static,
        options: &Options,
        now: Timestamp,
    ) -> Result<Self, LogError> {
        let Opened { book, wal, end, .. } = opened;
        let interval = options.interval.max(Duration::from_micros(1)).as_micros();
        let interval_us = i64::try_from(interval).unwrap_or(i64::MAX);
        let mut writer = Self {
            inbox,
            waiting,
            book,
            shelf: Box::new(shelf),
            wal,
            end,
            segment_octets_max: u64::from(options.segment_octets_max),
            interval_us,
            interval: 0,
            stopped: None,
        };
        let now = writer.tell_time(now)?;
        writer.interval = now.div_euclid(interval_us);
        writer.book.term = writer.book.term.saturating_add(1);
        let octets = writer.state().encode()?;
        writer.write(&octets)?;
        Ok(writer)
    }

    /// Serves until all handles are gone or one asks to close.
    pub(super) fn run(mut self) {
        let mut next = None;
        while let Some(request) = next.take().or_else(|| self.inbox.recv()) {
            match self.serve(request) {
                ControlFlow::Continue(after) => next = after,
                ControlFlow::Break(()) => break,
            }
        }
    }

    /// Serves one request, and with it the appends that are queued. Gives the request that was
    /// taken from the queue and is not one of those.
    pub(super) fn serve(&mut self, request: Request) -> ControlFlow<(), Option<Request>> {
        match request {
            Request::Append { entries, reply } => {
                return ControlFlow::Continue(self.group(entries, reply));
            }
            Request::Prove { index, reply } => {
                let checkpoint = Arc::clone(&self.book.checkpoint);
                let proof = self.book.prove(index);
                reply.send(proof.map(|inclusion| Proven { inclusion, checkpoint }));
            }
            Request::ProveGrowth { older, newer, reply } => {
                reply.send(self.book.prove_growth(older, newer));
            }
            Request::CloseSegment { last, reply } => {
                reply.send(self.close_segment(last));
            }
            Request::Nodes { reply } => reply.send(Ok(self.book.nodes.clone())),
            Request::Publish { now, due, mut padding, reply } => {
                reply.send(self.publish(now, due, &mut padding));
            }
            Request::Cosigned { cosigned, reply } => {
                reply.send(self.book.write_cosigned(&cosigned));
            }
            Request::Close => return ControlFlow::Break(()),
        }
        ControlFlow::Continue(None)
    }

    /// Makes one record of `entries` and of whatever other append is queued, as far as it fits.
    fn group(&mut self, entries: Vec<Draft>, reply: Reply<Taken>) -> Option<Request> {
        let mut nodes = self.book.nodes.clone();
        let mut group = Group::default();
        let mut next = Some(Request::Append { entries, reply });
        while let Some(Request::Append { .. }) = next
            && group.octets < GROUP_OCTETS_MAX
        {
            let Some(Request::Append { entries, reply }) = next.take() else { break };
            let first = group.entries.len();
            match self.admit(entries, &mut nodes, &mut group) {
                Ok(()) => group.waiting.push((first..group.entries.len(), reply)),
                Err(error) => self.answer(reply, Err(error)),
            }
            next = self.inbox.try_recv();
        }
        let Group { entries, waiting, .. } = group;
        let before = self.book.size();
        let own = |places: &std::ops::Range<usize>| {
            let leaves = entries.get(places.clone()).unwrap_or_default().iter();
            let leaves = leaves.map(|entry| &entry.leaf);
            let own = leaves.filter(|leaf| leaf_head(leaf).is_some_and(|head| head.0 == OWN_NODE));
            own.map(|leaf| self.book.mask.of(leaf)).collect()
        };
        let owned: Vec<Vec<_>> = waiting.iter().map(|(places, _)| own(places)).collect();
        let written = if entries.is_empty() { Ok(()) } else { self.commit(entries, nodes) };
        for ((places, reply), own) in waiting.into_iter().zip(owned) {
            let place = |place: usize| before.saturating_add(place as u64);
            let taken = written.clone().map(|()| Taken {
                entries: place(places.start)..place(places.end),
                own,
                checkpoint: Arc::clone(&self.book.checkpoint),
            });
            self.answer(reply, taken);
        }
        next
    }

    /// Counts the entries of one append and adds them to the group, or refuses all of them.
    fn admit(
        &self,
        entries: Vec<Draft>,
        nodes: &mut Nodes,
        group: &mut Group,
    ) -> Result<(), LogError> {
        if entries.is_empty() {
            return Err(LogError::Empty);
        }
        let octets = |entry: &Draft| LEAF_OCTETS + 4 + entry.detail.len();
        let sum = entries.iter().map(octets).sum();
        let detail = entries.iter().map(|entry| entry.detail.len()).max().unwrap_or(0);
        if detail > DETAIL_OCTETS_MAX {
            return Err(LogError::TooLarge { octets: detail, max: DETAIL_OCTETS_MAX });
        }
        if sum > APPEND_OCTETS_MAX {
            return Err(LogError::TooLarge { octets: sum, max: APPEND_OCTETS_MAX });
        }
        let waiting = usize::try_from(self.book.unpublished()).unwrap_or(usize::MAX);
        if waiting.saturating_add(group.entries.len()) >= PUBLISH_ENTRIES_MAX {
            return Err(LogError::Unpublished { waiting });
        }
        let mut counted = nodes.clone();
        let mut taken = Vec::new();
        for mut entry in entries {
            let own = leaf_head(&entry.leaf).ok_or(LogError::NotALeaf)?.0 == OWN_NODE;
            if own {
                let next = next_own(&counted);
                outbox::stamp(&mut entry.leaf, OWN_NODE, next).map_err(|_| LogError::NotALeaf)?;
            }
            if book::count(&mut counted, &entry.leaf)? {
                taken.push(entry);
            }
        }
        *nodes = counted;
        group.octets += taken.iter().map(octets).sum::<usize>();
        group.entries.extend(taken);
        Ok(())
    }

    /// Makes entries, which were counted into `nodes`, and their checkpoint durable.
    fn commit(&mut self, entries: Vec<Draft>, nodes: Nodes) -> Result<(), LogError> {
        self.begin_record()?;
        let leaves: Vec<_> = entries.iter().map(|entry| self.book.mask.of(&entry.leaf)).collect();
        let unsigned = |error: &dyn std::fmt::Display| LogError::WrongKey {
            path: self.wal.path().to_owned(),
            why: error.to_string(),
        };
        let proposal = self
            .book
            .author
            .propose(leaves.iter().map(<[u8; LEAF_OCTETS]>::as_slice))
            .map_err(|error| unsigned(&error))?;
        let verifier = self.book.author.verifier();
        let checkpoint =
            Checkpoint::verified(proposal.note().clone(), verifier, &Policy::LOG_ALONE)
                .map_err(|error| unsigned(&error))?;
        let record = Record {
            first: self.book.size(),
            term: self.book.term,
            body: Body::Entries(entries.into_iter().map(Into::into).collect()),
            checkpoint: checkpoint.note().to_string().into_bytes(),
        };
        self.write(&record.encode()?)?;
        self.book.accept(proposal, checkpoint, leaves, nodes)
    }

    /// Makes sure that the next record may be written; begins a new segment when the old one is
    /// full.
    fn begin_record(&mut self) -> Result<(), LogError> {
        if let Some(stopped) = &self.stopped {
            return Err(stopped.clone());
        }
        let octets = self.wal.octets();
        let octets = octets.map_err(|error| LogError::io("look at", self.wal.path(), error))?;
        if octets != self.end {
            // Whoever wrote there believes to be the only one, too. Its lease is the later one.
            let lost = LogError::LeaseLost { file: self.wal.path().to_owned() };
            self.stopped = Some(lost.clone());
            return Err(lost);
        }
        if self.end >= self.segment_octets_max { self.begin_segment() } else { Ok(()) }
    }

    /// Begins a new segment where this one has an entry up to `last`.
    fn close_segment(&mut self, last: u64) -> Result<(), LogError> {
        self.begin_record()?;
        if self.wal.first() <= last { self.begin_segment() } else { Ok(()) }
    }

    /// Begins a new segment, unless nothing was entered in this one.
    fn begin_segment(&mut self) -> Result<(), LogError> {
        // A segment has its name from its first entry, so it goes on until it has one.
        if self.book.size() > self.wal.first() {
            let state = self.state().encode()?;
            let next = self.shelf.create(self.book.size(), &state)?;
            // All of the old segment is durable; cutting it at its end only gives back kept space.
            drop(self.wal.cut(self.end));
            self.wal = next;
            self.end = (HEADER_OCTETS + state.len()) as u64;
        }
        Ok(())
    }

    /// Where the log stands, as a record.
    fn state(&self) -> Record {
        let state = State { time: self.book.time, nodes: self.book.nodes.clone() };
        Record {
            first: self.book.size(),
            term: self.book.term,
            body: Body::State(state),
            checkpoint: self.book.checkpoint.note().to_string().into_bytes(),
        }
    }

    /// Writes one record and makes it durable.
    fn write(&mut self, octets: &[u8]) -> Result<(), LogError> {
        if let Err(error) = self.wal.write(octets) {
            return Err(self.write_failed(error));
        }
        if let Err(error) = self.wal.sync() {
            // A failed fdatasync leaves it open which pages reached the disk, and the kernel may
            // count the others as clean, so that a second fdatasync succeeds without having
            // written them. Nothing said afterwards by this handle could be believed: stop, and
            // let the next `open` read what is there.
            return Err(self.stop(&format!("its last record could not be synced: {error}")));
        }
        self.end += octets.len() as u64;
        Ok(())
    }

    /// Takes back what a failed write left, when that is certain; otherwise stops.
    fn write_failed(&mut self, error: io::Error) -> LogError {
        let full = error.kind() == io::ErrorKind::StorageFull;
        if full && self.wal.cut(self.end).is_ok() {
            tracing::error!(file = %self.wal.path().display(), "no space is left for the log");
            return LogError::DiskFull { file: self.wal.path().to_owned() };
        }
        // Part of the record may be in the file, and it could not be taken out again.
        self.stop(&format!("its last record could not be written: {error}"))
    }

    fn stop(&mut self, why: &str) -> LogError {
        tracing::error!(file = %self.wal.path().display(), why, "the log stops");
        let stopped = LogError::Stopped { why: why.into() };
        self.stopped = Some(stopped.clone());
        stopped
    }

    /// Takes the time in, and gives the time that counts: it never goes backwards.
    fn tell_time(&mut self, now: Timestamp) -> Result<i64, LogError> {
        let behind = Timestamp::from_micros(self.book.time).since(now);
        if behind > Duration::from_secs(CLOCK_BACK_S_MAX) {
            return Err(LogError::ClockBackwards { behind_s: behind.as_secs() });
        }
        self.book.time = self.book.time.max(now.micros());
        Ok(self.book.time)
    }

    fn publish(
        &mut self,
        now: Timestamp,
        due: bool,
        padding: &mut Padding,
    ) -> Result<Option<Published>, LogError> {
        let interval = self.tell_time(now)?.div_euclid(self.interval_us);
        if due && interval <= self.interval {
            return Ok(None);
        }
        if let Some(stopped) = &self.stopped {
            return Err(stopped.clone());
        }
        let padded = if self.book.unpublished() > 0 { Some(self.pad(padding)?) } else { None };
        if padded.is_some() {
            self.book.write_public()?;
        }
        // Also without anything new: an entry right after must wait for the next end.
        self.interval = interval;
        let checkpoint = Arc::clone(&self.book.checkpoint);
        Ok(padded.map(|padding| Published { checkpoint, padding }))
    }

    /// Appends as many entries that are none as the next batch lacks, and says how many.
    fn pad(&mut self, padding: &mut Padding) -> Result<u64, LogError> {
        let size = self.book.size();
        let wanted = size.next_multiple_of(BATCH_ENTRIES) - size;
        if wanted == 0 {
            return Ok(0);
        }
        let mut nodes = self.book.nodes.clone();
        let next = next_own(&nodes);
        let made = catch_unwind(AssertUnwindSafe(|| padding(wanted, next))).unwrap_or_default();
        let refused = LogError::Padding { wanted, got: made.len() };
        if made.len() as u64 != wanted {
            return Err(refused);
        }
        let mut entries = Vec::new();
        for (mut leaf, seq) in made.into_iter().zip(next.0..) {
            // Numbered by whoever made it, or still to be numbered.
            let named = leaf_head(&leaf);
            if named != Some((OWN_NODE, EntrySeq(seq))) {
                outbox::stamp(&mut leaf, OWN_NODE, EntrySeq(seq)).map_err(|_| refused.clone())?;
            }
            if !book::count(&mut nodes, &leaf)? {
                return Err(refused);
            }
            entries.push(Draft { leaf, detail: Vec::new() });
        }
        self.commit(entries, nodes)?;
        Ok(wanted)
    }

    fn answer(&self, reply: Reply<Taken>, result: Result<Taken, LogError>) {
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        reply.send(result);
    }
}

fn next_own(nodes: &Nodes) -> EntrySeq {
    EntrySeq(nodes.get(&OWN_NODE).copied().unwrap_or_default().0.saturating_add(1))
}

/// The node of the log's own entries.
const OWN_NODE: u32 = 0;
