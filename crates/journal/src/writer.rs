//! The journal's thread: one group after the other, one write and one `fdatasync` each.

use crate::{
    Appended, Draft, Entry, EntrySeq, JournalError, Receiver, Seq,
    frame::{GroupBuffer, Place},
    header::HEADER_OCTETS,
    limits::{GROUP_OCTETS_MAX, REST},
    segment::{Segment, Shelf},
};
use model::fact::Fact;
use std::{
    io,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::SyncSender,
    },
};

/// What the handles ask of the thread.
pub(crate) enum Request {
    /// Append facts and entries.
    Append {
        /// The facts.
        facts: Vec<Fact>,
        /// The entries, still without their numbers.
        drafts: Vec<Draft>,
        /// Who wants to know.
        reply: Reply,
    },
    /// Begin the next segment after what is queued, and say when it is there.
    Next(SyncSender<Result<(), JournalError>>),
    /// Write what is queued and end.
    Close,
}

/// Answers one append exactly once: dropped unanswered, it says [`JournalError::Closed`], so that
/// nobody waits for ever.
pub(crate) struct Reply(Option<Done>);

type Done = Box<dyn FnOnce(Result<Appended, JournalError>) + Send>;

impl Reply {
    pub(crate) fn new(done: impl FnOnce(Result<Appended, JournalError>) + Send + 'static) -> Self {
        Self(Some(Box::new(done)))
    }

    pub(crate) fn send(mut self, result: Result<Appended, JournalError>) {
        self.answer(result);
    }

    fn answer(&mut self, result: Result<Appended, JournalError>) {
        let Some(done) = self.0.take() else { return };
        // A fault in one caller's code must not take the journal from all others.
        if catch_unwind(AssertUnwindSafe(|| done(result))).is_err() {
            tracing::error!("a caller of the journal failed in its own code");
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.answer(Err(JournalError::Closed));
    }
}

/// Called with every fact that became durable.
pub(crate) type Sink = Box<dyn FnMut(Seq, &Fact) + Send>;

/// Called with every entry that became durable.
pub(crate) type Outbox = Box<dyn FnMut(Entry) + Send>;

/// All that the journal's thread owns.
pub(crate) struct Writer {
    /// Requests, in the order in which they were made.
    pub(crate) inbox: Receiver<Request>,
    /// How many appends are queued or under way.
    pub(crate) waiting: Arc<AtomicUsize>,
    /// Where durable facts go.
    pub(crate) sink: Sink,
    /// Where durable entries go.
    pub(crate) outbox: Outbox,
    /// Whose journal it is.
    pub(crate) node: u32,
    /// Where new segments come from.
    pub(crate) shelf: Box<dyn Shelf>,
    /// The segment at the end.
    pub(crate) segment: Segment,
    /// How many of its octets are durable.
    pub(crate) end: u64,
    /// Number of the next fact.
    pub(crate) next: Seq,
    /// Number of the next entry.
    pub(crate) next_entry: EntrySeq,
    /// Octets after which the next segment is begun.
    pub(crate) segment_octets_max: u64,
    /// Why nothing can be appended any more.
    pub(crate) stopped: Option<JournalError>,
}

/// One append that waits for its group.
struct Waiting {
    facts: Vec<Fact>,
    /// With their numbers.
    drafts: Vec<Draft>,
    first: Seq,
    entry: EntrySeq,
    reply: Reply,
}

impl Waiting {
    fn appended(&self) -> Appended {
        Appended {
            last: Seq((self.first.0 + self.facts.len() as u64).saturating_sub(1)),
            entry: self.entry,
            entries: u32::try_from(self.drafts.len()).unwrap_or(u32::MAX),
        }
    }
}

impl Writer {
    /// Serves until all handles are gone or one asks to close.
    pub(crate) fn run(mut self) {
        let mut buffer = GroupBuffer::default();
        while let Some(request) = self.inbox.recv() {
            match self.serve(request, &mut buffer) {
                ControlFlow::Break(()) => break,
                ControlFlow::Continue(0 | 1) => {}
                // Who appends meanwhile wakes nobody.
                ControlFlow::Continue(_) => std::thread::park_timeout(REST),
            }
        }
    }

    /// Makes one group of `first` and of whatever else is queued, as far as it fits. Gives how many
    /// appends are in it.
    fn serve(&mut self, first: Request, buffer: &mut GroupBuffer) -> ControlFlow<(), usize> {
        match first {
            Request::Append { .. } => {}
            Request::Next(reply) => {
                drop(reply.send(self.next_segment()));
                return ControlFlow::Continue(0);
            }
            Request::Close => return ControlFlow::Break(()),
        }
        buffer.clear();
        let (mut flow, mut ask_next) = (ControlFlow::Continue(0), None);
        let mut group = Vec::new();
        let (mut next, mut next_entry) = (self.next, self.next_entry);
        let begin = self.begin_group();
        let mut request = Some(first);
        while let Some(current) = request {
            let (facts, mut drafts, reply) = match current {
                Request::Append { facts, drafts, reply } => (facts, drafts, reply),
                Request::Next(reply) => {
                    ask_next = Some(reply);
                    break;
                }
                Request::Close => {
                    flow = ControlFlow::Break(());
                    break;
                }
            };
            let (first, entry, node) = (next, next_entry, self.node);
            let pushed = begin.clone().and_then(|group| {
                let place = Place { group, first, entry, node };
                buffer.push(place, &facts, &mut drafts, &mut self.segment.seal)
            });
            match pushed {
                Ok(()) => {
                    next = Seq(next.0 + facts.len() as u64);
                    next_entry = EntrySeq(next_entry.0 + drafts.len() as u64);
                    group.push(Waiting { facts, drafts, first, entry, reply });
                }
                Err(error) => self.answer(reply, Err(error)),
            }
            let full = buffer.octets().len() >= GROUP_OCTETS_MAX;
            request = if full { None } else { self.inbox.try_recv() };
        }
        flow = flow.map_continue(|_| group.len());
        if !group.is_empty() {
            let written = self.write(buffer.octets());
            if written.is_ok() {
                (self.next, self.next_entry) = (next, next_entry);
            }
            self.finish(group, &written);
        }
        if let Some(reply) = ask_next {
            drop(reply.send(self.next_segment()));
        }
        flow
    }

    /// Where in its segment the next group begins; begins a new segment when the old one is full.
    fn begin_group(&mut self) -> Result<u32, JournalError> {
        if let Some(stopped) = &self.stopped {
            return Err(stopped.clone());
        }
        if self.end >= self.segment_octets_max {
            self.next_segment()?;
        }
        u32::try_from(self.end).map_err(|_| self.stop("its segment is larger than 4 GiB"))
    }

    /// Begins the next segment.
    fn next_segment(&mut self) -> Result<(), JournalError> {
        if let Some(stopped) = &self.stopped {
            return Err(stopped.clone());
        }
        // A segment has its name from its first fact, so it goes on until it has one.
        let named = self.next > self.segment.disk.first();
        if self.end > HEADER_OCTETS as u64 && named {
            // All of the old segment is durable; cutting it at its end only gives back kept space.
            drop(self.segment.disk.cut(self.end));
            self.segment = self.shelf.create(self.next, self.next_entry)?;
            self.end = HEADER_OCTETS as u64;
        }
        Ok(())
    }

    /// Writes one group and makes it durable.
    fn write(&mut self, octets: &[u8]) -> Result<(), JournalError> {
        if let Err(error) = self.segment.disk.write(octets) {
            return Err(self.write_failed(error));
        }
        if let Err(error) = self.segment.disk.sync() {
            // A failed fdatasync leaves it open which pages reached the disk, and the kernel may
            // count the others as clean, so that a second fdatasync succeeds without having
            // written them. Nothing said afterwards by this handle could be believed: stop, and
            // let the next `open` read what is there.
            return Err(self.stop(&format!("its last group could not be synced: {error}")));
        }
        self.end += octets.len() as u64;
        Ok(())
    }

    /// Takes back what a failed write left, when that is certain; otherwise stops.
    fn write_failed(&mut self, error: io::Error) -> JournalError {
        let full = error.kind() == io::ErrorKind::StorageFull;
        if full && self.segment.disk.cut(self.end).is_ok() {
            tracing::error!(file = %self.segment.disk.path().display(), "no space is left for the journal");
            return JournalError::DiskFull { file: self.segment.disk.path().to_owned() };
        }
        // Part of the group may be in the file, and it could not be taken out again.
        self.stop(&format!("its last group could not be written: {error}"))
    }

    fn stop(&mut self, why: &str) -> JournalError {
        tracing::error!(file = %self.segment.disk.path().display(), why, "the journal stops");
        let stopped = JournalError::Stopped { why: why.into() };
        self.stopped = Some(stopped.clone());
        stopped
    }

    /// Tells the sink, the outbox and everybody who waited.
    fn finish(&mut self, group: Vec<Waiting>, written: &Result<(), JournalError>) {
        for waiting in group {
            let appended = waiting.appended();
            let Waiting { facts, drafts, first, entry, reply } = waiting;
            if written.is_ok() {
                self.tell(first, &facts, entry, drafts);
            }
            self.answer(reply, written.clone().map(|()| appended));
        }
    }

    fn tell(&mut self, first: Seq, facts: &[Fact], entry: EntrySeq, drafts: Vec<Draft>) {
        let (sink, outbox) = (&mut self.sink, &mut self.outbox);
        let told = catch_unwind(AssertUnwindSafe(|| {
            for (seq, fact) in (first.0..).map(Seq).zip(facts) {
                sink(seq, fact);
            }
            for (seq, draft) in (entry.0..).map(EntrySeq).zip(drafts) {
                outbox(Entry { seq, draft });
            }
        }));
        if told.is_err() {
            // These facts are durable, so whoever appended them is told so. But what is projected
            // from here on would miss them: no more until the journal is opened and replayed.
            self.stop("the reader of its facts or entries failed");
            self.sink = Box::new(|_, _| {});
            self.outbox = Box::new(|_| {});
        }
    }

    fn answer(&self, reply: Reply, result: Result<Appended, JournalError>) {
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        reply.send(result);
    }
}

#[cfg(test)]
mod tests;
