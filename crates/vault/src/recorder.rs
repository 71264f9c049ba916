//! The vault's thread: seals and writes the seconds of all recordings, syncs them in time, and
//! files them away when they end.

use crate::{
    VaultError,
    folder::{self, Folder, Part},
    format::{self, LENGTH_OCTETS, Totals},
    limits::{BATCH_MESSAGES_MAX, QUEUED_SECONDS_MAX, SYNC_EACH_FILES_MAX},
    seal::Sealer,
};
use model::{
    AgencyId, Clock, RecordingId, Second, Timestamp,
    fact::{RecordingEnd, RecordingState},
};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fmt,
    fs::File,
    io::{self, Write},
    mem,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};
use zeroize::Zeroize;

/// What the handles ask of the thread.
pub(crate) enum Message {
    /// A recording is to begin.
    Begin(Number, Box<Wanted>),
    /// A second of it.
    Second(Number, Box<Second>),
    /// It ends in order.
    End(Number),
    /// It ends without order.
    Cut(Number, CutCause),
    /// Close everything.
    Close,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Message")
    }
}

/// Which recording a message is about. Unlike its id it is given once in a process, so that what is
/// said of a recording that did not begin never reaches another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Number(pub(crate) u64);

/// A recording that may begin: its keys are made, its file is not.
pub(crate) struct Wanted {
    pub(crate) agency: AgencyId,
    pub(crate) recording: RecordingId,
    pub(crate) sealer: Sealer,
    pub(crate) header: Vec<u8>,
    /// Shared with its writer.
    pub(crate) queued: Arc<AtomicUsize>,
    pub(crate) closed: Closed,
    /// Given back when it is dropped.
    pub(crate) place: Place,
}

/// Why a recording is cut.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CutCause {
    /// Its writer was dropped.
    WriterGone,
    /// Too many seconds waited.
    DiskTooSlow,
    /// The vault is closed.
    VaultClosed,
    /// A frame could not be sealed or written.
    CannotWrite,
    /// What was written could not be made durable.
    CannotSync,
}

/// A recording that is being written.
pub(crate) struct Live {
    pub(crate) part: Part,
    pub(crate) file: File,
    pub(crate) sealer: Sealer,
    /// Over everything written.
    pub(crate) hash: Sha256,
    /// Octets written.
    pub(crate) bytes: u64,
    pub(crate) totals: Totals,
    /// Whether the file has exactly what was hashed; not after a failed write.
    pub(crate) whole: bool,
    /// Whether something is not durable yet.
    pub(crate) dirty: bool,
    /// Shared with its writer.
    pub(crate) queued: Arc<AtomicUsize>,
    pub(crate) closed: Closed,
    /// Given back when it is dropped.
    pub(crate) _place: Place,
}

impl Live {
    /// Seals and writes a frame, whose content stands in `frame` after its length.
    fn put(&mut self, frame: &mut Vec<u8>, last: bool) -> io::Result<()> {
        self.dirty = true;
        let sealed = self.sealer.seal(frame, last);
        sealed.ok_or_else(|| io::Error::other("the frame cannot be sealed"))?;
        self.file.write_all(frame).inspect_err(|_| self.whole = false)?;
        self.hash.update(&frame);
        self.bytes += frame.len() as u64;
        Ok(())
    }

    /// What is on disk, once it is closed as `state`.
    fn end(&self, state: RecordingState, folder: &Folder) -> Result<RecordingEnd, VaultError> {
        if self.whole {
            let sha256 = self.hash.clone().finalize().into();
            let frames = self.totals.frames;
            return Ok(RecordingEnd { state, bytes: self.bytes, frames, sha256 });
        }
        let path = folder.closed_file(self.part.agency, self.part.recording);
        let path = path.as_ref().unwrap_or(&self.part.path);
        folder::survey_file(path).map(|end| RecordingEnd { state, ..end })
    }
}

/// Tells whoever began a recording how it ended, exactly once: dropped untold, it says
/// [`VaultError::Closed`], or that the recording never began.
pub(crate) struct Closed {
    told: Option<Told>,
    begun: bool,
}

type Told = Box<dyn FnOnce(Result<RecordingEnd, VaultError>) + Send>;

impl Closed {
    pub(crate) fn new(
        told: impl FnOnce(Result<RecordingEnd, VaultError>) + Send + 'static,
    ) -> Self {
        Self { told: Some(Box::new(told)), begun: false }
    }

    /// Tells nobody: whoever asked for the recording knows already.
    pub(crate) fn forget(mut self) {
        self.told = None;
    }

    /// From here on there is a file.
    fn begin(&mut self) {
        self.begun = true;
    }

    fn tell(&mut self, end: Result<RecordingEnd, VaultError>) {
        let Some(told) = self.told.take() else { return };
        // A fault in one caller's code must not end all other recordings.
        if catch_unwind(AssertUnwindSafe(|| told(end))).is_err() {
            tracing::error!("a caller of the vault failed in its own code");
        }
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        let closed = VaultError::Closed;
        let not_begun = VaultError::NotBegun;
        self.tell(Err(if self.begun { closed } else { not_begun(Box::new(closed)) }));
    }
}

/// One of the places for running recordings; given back when dropped.
pub(crate) struct Place(Arc<AtomicUsize>);

impl Place {
    /// # Errors
    /// [`VaultError::Full`].
    pub(crate) fn take(taken: &Arc<AtomicUsize>, max: usize) -> Result<Self, VaultError> {
        let running = taken.fetch_add(1, Ordering::AcqRel);
        let place = Self(Arc::clone(taken));
        if running < max { Ok(place) } else { Err(VaultError::Full { running }) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// All that the vault's thread owns.
pub(crate) struct Recorder {
    inbox: Receiver<Message>,
    folder: Arc<Folder>,
    clock: Clock,
    sync_every: Duration,
    live: BTreeMap<Number, Box<Live>>,
    /// Ended in this batch, to be made durable and filed away together.
    ending: Vec<(Box<Live>, RecordingState)>,
    /// Since when something written is not durable.
    unsynced_since: Option<Timestamp>,
    /// Whether a file was made whose name is not durable.
    unsynced_names: bool,
    /// The frame at hand.
    frame: Vec<u8>,
}

impl Recorder {
    pub(crate) fn new(
        inbox: Receiver<Message>,
        folder: Arc<Folder>,
        clock: Clock,
        sync_every: Duration,
    ) -> Self {
        Self {
            inbox,
            folder,
            clock,
            sync_every,
            live: BTreeMap::new(),
            ending: Vec::new(),
            unsynced_since: None,
            unsynced_names: false,
            frame: Vec::new(),
        }
    }

    /// Serves until the vault is closed.
    pub(crate) fn run(mut self) {
        while self.batch().is_continue() {}
        for (_, live) in mem::take(&mut self.live) {
            self.cut(live, CutCause::VaultClosed);
        }
        self.file_away();
    }

    /// Takes what is queued, up to a limit, then does what that made necessary.
    fn batch(&mut self) -> ControlFlow<()> {
        let mut flow = match self.next() {
            Ok(message) => self.take(message),
            Err(RecvTimeoutError::Timeout) => ControlFlow::Continue(()),
            Err(RecvTimeoutError::Disconnected) => return ControlFlow::Break(()),
        };
        for _ in 1..BATCH_MESSAGES_MAX {
            match self.inbox.try_recv() {
                Ok(message) if flow.is_continue() => flow = self.take(message),
                Ok(_) | Err(_) => break,
            }
        }
        self.file_away();
        let now = self.clock.now();
        if self.unsynced_since.is_some_and(|since| now.since(since) >= self.sync_every) {
            self.sync();
            self.file_away();
        }
        flow
    }

    /// The next message, or a time-out when something must be synced.
    fn next(&self) -> Result<Message, RecvTimeoutError> {
        match self.unsynced_since {
            None => self.inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(since) => {
                let waited = self.clock.now().since(since);
                self.inbox.recv_timeout(self.sync_every.saturating_sub(waited))
            }
        }
    }

    fn take(&mut self, message: Message) -> ControlFlow<()> {
        match message {
            Message::Begin(number, wanted) => self.begin(number, *wanted),
            Message::Second(number, second) => self.second(number, *second),
            Message::End(number) => self.end(number),
            Message::Cut(number, cause) => {
                if let Some(live) = self.live.remove(&number) {
                    self.cut(live, cause);
                }
            }
            Message::Close => return ControlFlow::Break(()),
        }
        ControlFlow::Continue(())
    }

    /// Makes the file of a recording and writes its header. Where that fails, whoever asked for it
    /// is told, and its writer is dead.
    fn begin(&mut self, number: Number, wanted: Wanted) {
        let Wanted { agency, recording, sealer, header, queued, mut closed, place } = wanted;
        match self.folder.create(agency, recording, &header) {
            Ok((file, part)) => {
                let mut hash = Sha256::new();
                hash.update(&header);
                let live = Live {
                    bytes: header.len() as u64,
                    part,
                    file,
                    sealer,
                    hash,
                    totals: Totals::default(),
                    whole: true,
                    dirty: true,
                    queued,
                    closed,
                    _place: place,
                };
                self.enter(number, live);
            }
            Err(error) => {
                tracing::error!(recording = recording.0, %error, "a call is not recorded");
                // To its writer it looks as if the disk were too slow: it drops what follows.
                queued.store(QUEUED_SECONDS_MAX, Ordering::Release);
                closed.tell(Err(VaultError::NotBegun(Box::new(error))));
            }
        }
    }

    fn enter(&mut self, number: Number, mut live: Live) {
        live.closed.begin();
        self.unsynced_names = true;
        self.wrote();
        self.live.insert(number, Box::new(live));
    }

    /// Notes that something waits to be made durable.
    fn wrote(&mut self) {
        if self.unsynced_since.is_none() {
            self.unsynced_since = Some(self.clock.now());
        }
    }

    fn second(&mut self, number: Number, mut second: Second) {
        // After a cut, seconds that were queued before it was known find no recording.
        let Some(live) = self.live.get_mut(&number) else { return };
        live.queued.fetch_sub(1, Ordering::AcqRel);
        self.frame.clear();
        self.frame.resize(LENGTH_OCTETS, 0);
        let written = format::second(&second, &mut self.frame)
            .ok_or_else(|| io::Error::other("a track is longer than a second"))
            .and_then(|()| live.put(&mut self.frame, false));
        live.totals.station += second.station.octets.len() as u64;
        live.totals.called += second.called.octets.len() as u64;
        second.station.octets.zeroize();
        second.called.octets.zeroize();
        match written {
            Ok(()) => {
                live.totals.frames += 1;
                self.wrote();
            }
            Err(error) => self.cannot_write(number, &error),
        }
    }

    fn end(&mut self, number: Number) {
        let Some(live) = self.live.get_mut(&number) else { return };
        self.frame.clear();
        self.frame.resize(LENGTH_OCTETS, 0);
        format::ended(&live.totals, self.clock.now(), &mut self.frame);
        if let Err(error) = live.put(&mut self.frame, true) {
            return self.cannot_write(number, &error);
        }
        if let Some(live) = self.live.remove(&number) {
            self.ending.push((live, RecordingState::Ended));
        }
    }

    fn cannot_write(&mut self, number: Number, error: &io::Error) {
        if let Some(live) = self.live.remove(&number) {
            tracing::error!(recording = live.part.recording.0, %error, "cannot write");
            self.cut(live, CutCause::CannotWrite);
        }
    }

    fn cut(&mut self, live: Box<Live>, cause: CutCause) {
        tracing::warn!(recording = live.part.recording.0, ?cause, "a recording is cut");
        self.ending.push((live, RecordingState::Cut));
    }

    /// Makes what was written durable; recordings for which that fails are cut.
    fn sync(&mut self) {
        self.unsynced_since = None;
        let dirty: Vec<&mut Box<Live>> = self.live.values_mut().filter(|live| live.dirty).collect();
        sync_files(&self.folder, dirty);
        if mem::take(&mut self.unsynced_names)
            && let Err(error) = self.folder.sync_names(&[])
        {
            tracing::error!(%error, "names of new recordings may be lost with the power");
        }
        let failed: Vec<Number> =
            self.live.iter().filter(|(_, live)| live.dirty).map(|(number, _)| *number).collect();
        for number in failed {
            if let Some(mut live) = self.live.remove(&number) {
                live.whole = false;
                self.cut(live, CutCause::CannotSync);
            }
        }
    }

    /// Makes what ended durable, gives it its final name, and tells who waits.
    fn file_away(&mut self) {
        let mut ending = mem::take(&mut self.ending);
        if ending.is_empty() {
            return;
        }
        let dirty = ending.iter_mut().map(|(live, _)| live).collect();
        sync_files(&self.folder, dirty);
        let mut moved = Vec::new();
        for (mut live, mut state) in ending {
            if live.dirty {
                (live.whole, state) = (false, RecordingState::Cut);
            }
            match self.folder.file_away(&live.part, state) {
                Ok(()) => moved.push((live, state)),
                Err(error) => report(&mut live, Err(error)),
            }
        }
        let mut agencies: Vec<AgencyId> = moved.iter().map(|(live, _)| live.part.agency).collect();
        agencies.sort_unstable();
        agencies.dedup();
        let named = self.folder.sync_names(&agencies);
        for (mut live, state) in moved {
            let end = named.clone().and_then(|()| live.end(state, &self.folder));
            report(&mut live, end);
        }
    }
}

/// Tells how a recording ended.
fn report(live: &mut Live, end: Result<RecordingEnd, VaultError>) {
    if let Err(error) = &end {
        tracing::error!(recording = live.part.recording.0, %error, "cannot close a recording");
    }
    live.closed.tell(end);
}

/// Makes files durable. Those for which that failed stay dirty.
fn sync_files(folder: &Folder, files: Vec<&mut Box<Live>>) {
    // Each fdatasync waits for the disk on its own; a thousand of them take seconds, while one sync
    // of the file system writes all files in one go. It does not say whose data failed.
    let all = files.len() > SYNC_EACH_FILES_MAX && folder.sync_all().is_ok();
    for live in files {
        let synced = if all { Ok(()) } else { live.file.sync_data() };
        match synced {
            Ok(()) => live.dirty = false,
            Err(error) => {
                tracing::error!(recording = live.part.recording.0, %error, "cannot sync");
            }
        }
    }
}

#[cfg(test)]
mod tests;
