use super::*;
use crate::{format::Facts, keyholder::generate};
use model::{Codec, FacilityId, Track, fact::Epoch};
use std::{
    fs::{self, OpenOptions},
    os::fd::OwnedFd,
    sync::{
        atomic::AtomicI64,
        mpsc::{Sender, channel},
    },
};

/// A recorder whose batches the test runs one by one, on a clock that the test moves.
struct Bench {
    _dir: tempfile::TempDir,
    messages: Sender<Message>,
    recorder: Recorder,
    now: Arc<AtomicI64>,
    /// Ends of pipes, which keep writing to them possible.
    pipes: Vec<io::PipeReader>,
}

type Closing = Receiver<Result<RecordingEnd, VaultError>>;

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folder = Arc::new(Folder::lock(dir.path()).unwrap());
        let now = Arc::new(AtomicI64::new(0));
        let time = Arc::clone(&now);
        let clock = Clock::new(move || Timestamp::from_micros(time.load(Ordering::SeqCst)));
        let (messages, inbox) = channel();
        let recorder = Recorder::new(inbox, folder, clock, Duration::from_secs(SYNC_EVERY_S));
        Self { _dir: dir, messages, recorder, now, pipes: Vec::new() }
    }

    /// Begins a recording that writes to `file`, or to its own file.
    fn begin(&mut self, recording: u64, other: Option<File>) -> Closing {
        let facts = Facts {
            agency: AgencyId(1),
            facility: FacilityId(1),
            recording: RecordingId(recording),
            begun: Timestamp::default(),
            epoch: Epoch(1),
            consent: [0; 32],
        };
        let [a, b] = [(); 2].map(|()| generate().unwrap().1);
        let (sealer, header) = Sealer::begin(&facts, &a, &b).unwrap();
        let (sender, closing) = channel();
        let wanted = Wanted {
            agency: facts.agency,
            recording: facts.recording,
            sealer,
            header,
            queued: Arc::new(AtomicUsize::new(1)),
            closed: Closed::new(move |end| sender.send(end).unwrap()),
            place: Place::take(&Arc::default(), 1).unwrap(),
        };
        self.messages.send(Message::Begin(Number(recording), Box::new(wanted))).unwrap();
        self.batch();
        if let Some(other) = other {
            self.recorder.live.get_mut(&Number(recording)).unwrap().file = other;
        }
        closing
    }

    /// A file that takes what is written and then cannot make it durable.
    fn pipe(&mut self) -> File {
        let (reader, writer) = io::pipe().unwrap();
        self.pipes.push(reader);
        File::from(OwnedFd::from(writer))
    }

    fn second(&self, recording: u64) {
        let track = Track { codec: Codec::Pcmu, rtp_time: 0, octets: vec![0xff; 5] };
        let second = Second {
            index: 0,
            started: Timestamp::default(),
            station: track.clone(),
            called: track,
        };
        self.messages.send(Message::Second(Number(recording), Box::new(second))).unwrap();
    }

    fn batch(&mut self) {
        assert!(self.recorder.batch().is_continue());
    }

    fn pass(&self, time: Duration) {
        self.now.fetch_add(i64::try_from(time.as_micros()).unwrap(), Ordering::SeqCst);
    }
}

const SYNC_EVERY_S: u64 = 3_600;

#[test]
fn what_cannot_be_made_durable_in_time_is_cut() {
    let mut bench = Bench::new();
    let pipe = bench.pipe();
    let cut = bench.begin(1, Some(pipe));
    let good = bench.begin(2, None);
    bench.second(1);
    bench.second(2);
    bench.batch();
    bench.pass(Duration::from_secs(SYNC_EVERY_S) - Duration::from_micros(1));
    bench.second(2);
    bench.batch();
    assert!(cut.try_recv().is_err(), "synced too early");
    bench.pass(Duration::from_micros(1));
    bench.second(2);
    bench.batch();
    let end = cut.try_recv().unwrap().unwrap();
    // Its audio went into the pipe; what is on disk was counted anew.
    assert_eq!((end.state, end.frames), (RecordingState::Cut, 0));
    assert!(good.try_recv().is_err());
    assert!(bench.recorder.live.values().all(|live| !live.dirty));
    assert_eq!(bench.recorder.unsynced_since, None);
}

#[test]
fn an_end_that_cannot_be_made_durable_is_a_cut() {
    let mut bench = Bench::new();
    let pipe = bench.pipe();
    let closing = bench.begin(1, Some(pipe));
    bench.messages.send(Message::End(Number(1))).unwrap();
    bench.batch();
    assert_eq!(closing.try_recv().unwrap().unwrap().state, RecordingState::Cut);
}

#[test]
fn many_files_are_synced_with_one_sync_of_the_file_system() {
    let mut bench = Bench::new();
    let count = SYNC_EACH_FILES_MAX as u64 + 1;
    let closings: Vec<_> = (1..=count)
        .map(|recording| {
            // A pipe refuses a sync of its own, so that one would show as a cut.
            let pipe = bench.pipe();
            bench.begin(recording, Some(pipe))
        })
        .collect();
    bench.pass(Duration::from_secs(SYNC_EVERY_S));
    bench.second(1);
    bench.batch();
    assert!(closings.iter().all(|closing| closing.try_recv().is_err()));
    assert!(bench.recorder.live.values().all(|live| !live.dirty));
    assert_eq!(bench.recorder.live.len() as u64, count);
}

#[test]
fn a_full_disk_cuts_the_recording_and_no_other() {
    let mut bench = Bench::new();
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let cut = bench.begin(1, Some(full));
    let good = bench.begin(2, None);
    for recording in [1, 2, 1, 2] {
        bench.second(recording);
    }
    bench.messages.send(Message::End(Number(2))).unwrap();
    bench.batch();
    let end = cut.try_recv().unwrap().unwrap();
    assert_eq!((end.state, end.frames), (RecordingState::Cut, 0));
    let end = good.try_recv().unwrap().unwrap();
    assert_eq!((end.state, end.frames), (RecordingState::Ended, 2));
}

#[test]
fn a_full_disk_at_the_end_is_a_cut_with_all_its_seconds() {
    let mut bench = Bench::new();
    let closing = bench.begin(1, None);
    bench.second(1);
    bench.batch();
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let live = bench.recorder.live.get_mut(&Number(1)).unwrap();
    live.file.sync_data().unwrap();
    let path = live.part.path.clone();
    live.file = full;
    bench.messages.send(Message::End(Number(1))).unwrap();
    bench.batch();
    let end = closing.try_recv().unwrap().unwrap();
    assert_eq!((end.state, end.frames), (RecordingState::Cut, 1));
    assert!(!fs::exists(path).unwrap());
}

#[test]
fn a_dropped_recorder_says_that_the_vault_is_closed() {
    let mut bench = Bench::new();
    let closing = bench.begin(1, None);
    drop(bench);
    assert!(matches!(closing.try_recv().unwrap(), Err(VaultError::Closed)));
}

#[test]
fn places_are_limited_and_given_back() {
    let taken = Arc::default();
    let place = Place::take(&taken, 1).unwrap();
    assert!(matches!(Place::take(&taken, 1), Err(VaultError::Full { running: 1 })));
    drop(place);
    assert!(Place::take(&taken, 1).is_ok());
}
