//! The writer on disks that fail: what failed is there afterwards or is not, and the log goes on.

#![allow(clippy::panic_in_result_fn, reason = "a test fails by it")]

use super::{
    book::PublicFolder,
    open::{self, Opened},
    wal::{Folder, Wal},
    writer::{Padding, Reply, Request, Writer},
    *,
};
use crate::{Draft, EntrySeq, LEAF_OCTETS};
use model::Timestamp;
use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, atomic::AtomicUsize, mpsc},
};
use tlog::{Checkpoint, KeyKind, Policy, Signer, audit};

fn key() -> Signer {
    Signer::from_seed("county.example/log", KeyKind::Log, &[1; 32]).unwrap()
}

fn options(dir: &Path) -> Options {
    Options::new(dir.join("log"), dir.join("log-private"))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + seconds * 1_000_000)
}

fn leaf(node: u8, seq: u64) -> [u8; LEAF_OCTETS] {
    let mut leaf = [node; LEAF_OCTETS];
    leaf[..8].copy_from_slice(&[1, 0, 0, 0, 0, 0, 0, node]);
    leaf[8..16].copy_from_slice(&seq.to_be_bytes());
    leaf
}

fn entry(node: u8, seq: u64) -> Draft {
    Draft { leaf: leaf(node, seq), detail: vec![7; 20] }
}

/// What the disk does with the next record.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// All is well.
    Kept,
    /// The write fails with this, after so much of the record, in eighths, is in the file.
    Written(io::ErrorKind, usize),
    /// The sync fails, and the record is in the file, or is not.
    Synced { kept: bool },
    /// The write fails for want of space and the file cannot be cut either.
    FullAndStuck,
}

/// A segment whose next record has a fate.
struct Doomed {
    wal: Box<dyn Wal>,
    fate: Arc<Mutex<Fate>>,
    before: u64,
}

impl Wal for Doomed {
    fn octets(&mut self) -> io::Result<u64> {
        self.wal.octets()
    }

    fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.before = self.wal.octets()?;
        match *self.fate.lock().unwrap() {
            Fate::Written(kind, eighths) => {
                self.wal.write(&octets[..octets.len() * eighths / 8])?;
                Err(kind.into())
            }
            Fate::FullAndStuck => {
                self.wal.write(&octets[..octets.len() / 2])?;
                Err(io::ErrorKind::StorageFull.into())
            }
            Fate::Kept | Fate::Synced { .. } => self.wal.write(octets),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        match *self.fate.lock().unwrap() {
            Fate::Synced { kept } => {
                if !kept {
                    self.wal.cut(self.before)?;
                }
                Err(io::ErrorKind::Other.into())
            }
            Fate::Kept | Fate::Written(..) | Fate::FullAndStuck => self.wal.sync(),
        }
    }

    fn cut(&mut self, octets: u64) -> io::Result<()> {
        match *self.fate.lock().unwrap() {
            Fate::FullAndStuck => Err(io::ErrorKind::Other.into()),
            Fate::Kept | Fate::Written(..) | Fate::Synced { .. } => self.wal.cut(octets),
        }
    }

    fn first(&self) -> u64 {
        self.wal.first()
    }

    fn path(&self) -> &Path {
        self.wal.path()
    }
}

/// A writer without a thread, on a disk whose fate is told.
struct Bench {
    writer: Writer,
    fate: Arc<Mutex<Fate>>,
}

impl Bench {
    fn open(dir: &Path) -> Self {
        let options = options(dir);
        let mut folder = Folder::lock(&options.private, options.segment_octets_max).unwrap();
        let opened = open::open(&options, &mut folder, key()).unwrap();
        let fate = Arc::new(Mutex::new(Fate::Kept));
        let wal = Doomed { wal: opened.wal, fate: Arc::clone(&fate), before: 0 };
        let opened = Opened { wal: Box::new(wal), ..opened };
        let (_, inbox) = crate::inbox(crate::SOON, 1);
        let waiting = Arc::new(AtomicUsize::new(1_000));
        let writer = Writer::new(inbox, waiting, opened, folder, &options, at(0)).unwrap();
        Self { writer, fate }
    }

    fn doom(&self, fate: Fate) {
        *self.fate.lock().unwrap() = fate;
    }

    fn append(&mut self, entries: Vec<Draft>) -> Result<Taken, LogError> {
        let (sender, receiver) = mpsc::channel();
        let reply = Reply::new(move |result| sender.send(result).unwrap());
        let served = self.writer.serve(Request::Append { entries, reply });
        assert!(served.is_continue());
        receiver.try_recv().unwrap()
    }

    fn publish(&mut self, seconds: i64, due: bool) -> Result<Option<Published>, LogError> {
        let (sender, receiver) = mpsc::channel();
        let reply = Reply::new(move |result| sender.send(result).unwrap());
        let padding =
            Box::new(|count, EntrySeq(next)| (next..next + count).map(|n| leaf(0, n)).collect());
        let request = Request::Publish { now: at(seconds), due, padding, reply };
        assert!(self.writer.serve(request).is_continue());
        receiver.try_recv().unwrap()
    }
}

/// Reads all that is published, and gives how many entries that are.
fn audited(dir: &Path, since: Option<&Checkpoint>) -> Checkpoint {
    let octets = std::fs::read(dir.join("log/checkpoint")).unwrap();
    let checkpoint = Checkpoint::read(&octets, key().verifier(), &Policy::LOG_ALONE).unwrap();
    let folder = dir.join("log");
    let audited = audit(&PublicFolder(&folder), &checkpoint, since, &mut |_, _| {}).unwrap();
    assert_eq!(audited.entries, checkpoint.size());
    checkpoint
}

#[test]
fn a_record_that_failed_is_there_afterwards_or_not_and_the_log_goes_on_exactly_once() {
    let fates = (0..=8)
        .map(|eighths| (Fate::Written(io::ErrorKind::Other, eighths), eighths == 8))
        .chain([true, false].map(|kept| (Fate::Synced { kept }, kept)))
        .chain([(Fate::FullAndStuck, false)]);
    for (fate, kept) in fates {
        let dir = tempfile::tempdir().unwrap();
        let mut bench = Bench::open(dir.path());
        bench.append(vec![entry(1, 1), entry(1, 2)]).unwrap();
        bench.doom(fate);
        let failed = bench.append(vec![entry(1, 3)]);
        assert!(matches!(failed, Err(LogError::Stopped { .. })), "{fate:?}: {failed:?}");
        bench.doom(Fate::Kept);
        // Nothing can be believed of this handle any more, whatever the disk says from now on.
        let again = bench.append(vec![entry(1, 3)]);
        assert!(matches!(again, Err(LogError::Stopped { .. })), "{fate:?}");
        assert!(bench.publish(0, false).is_err());
        drop(bench);
        let mut bench = Bench::open(dir.path());
        assert_eq!(bench.writer.book.size(), if kept { 3 } else { 2 }, "{fate:?}");
        let taken = bench.append(vec![entry(1, 3), entry(1, 4)]).unwrap();
        assert_eq!(taken.entries, if kept { 3..4 } else { 2..4 }, "{fate:?}");
        assert_eq!(taken.checkpoint.size(), 4);
        let published = bench.publish(0, false).unwrap().unwrap();
        assert_eq!((published.checkpoint.size(), published.padding), (64, 60));
        assert_eq!(audited(dir.path(), Some(&taken.checkpoint)).size(), 64);
    }
}

#[test]
fn a_full_disk_loses_nothing_and_the_log_goes_on_when_there_is_space() {
    let dir = tempfile::tempdir().unwrap();
    let mut bench = Bench::open(dir.path());
    let before = bench.append(vec![entry(1, 1)]).unwrap().checkpoint;
    for eighths in 0..8 {
        bench.doom(Fate::Written(io::ErrorKind::StorageFull, eighths));
        let full = bench.append(vec![entry(1, 2)]);
        assert!(matches!(full, Err(LogError::DiskFull { .. })), "{full:?}");
        assert!(matches!(bench.publish(0, false), Err(LogError::DiskFull { .. })));
    }
    bench.doom(Fate::Kept);
    let taken = bench.append(vec![entry(1, 2)]).unwrap();
    assert_eq!(taken.entries, 1..2);
    drop(bench);
    let mut bench = Bench::open(dir.path());
    assert_eq!(bench.writer.book.size(), 2);
    bench.publish(0, false).unwrap().unwrap();
    let published = audited(dir.path(), Some(&before));
    assert_eq!(published.size(), 64);
    audited(dir.path(), Some(&taken.checkpoint));
}

#[test]
fn a_publication_that_failed_anywhere_is_made_up_for() {
    // Whatever stands in the way of each file in turn, the checkpoint before stays true.
    for name in ["tile", "tile/entries", "tile/0", "tile/entries/000.p", "tile/0/001.p/64"] {
        let dir = tempfile::tempdir().unwrap();
        let mut bench = Bench::open(dir.path());
        bench.append(vec![entry(1, 1)]).unwrap();
        if name.ends_with("64") {
            bench.publish(0, false).unwrap().unwrap();
            bench.append((2..=200).map(|n| entry(1, n)).collect()).unwrap();
        }
        let in_the_way = dir.path().join("log").join(name);
        std::fs::create_dir_all(in_the_way.parent().unwrap()).unwrap();
        if name.ends_with("64") {
            std::fs::create_dir(&in_the_way).unwrap();
        } else {
            std::fs::write(&in_the_way, b"").unwrap();
        }
        let failed = bench.publish(0, false);
        let earlier = name.ends_with("64").then(|| audited(dir.path(), None));
        if name.ends_with("64") {
            assert!(matches!(failed, Ok(Some(_)) | Err(LogError::Io { .. })), "{failed:?}");
        } else {
            assert!(matches!(failed, Err(LogError::Io { .. })), "{name}: {failed:?}");
            std::fs::remove_file(&in_the_way).unwrap();
        }
        drop(bench);
        let mut bench = Bench::open(dir.path());
        bench.append((1..=260).map(|n| entry(1, n)).collect()).unwrap();
        let published = bench.publish(0, false).unwrap().unwrap();
        assert_eq!(published.checkpoint.size() % BATCH_ENTRIES, 0);
        audited(dir.path(), earlier.as_ref());
    }
}

#[test]
fn another_writer_past_the_lock_is_found_out_before_the_next_record() {
    let dir = tempfile::tempdir().unwrap();
    let mut bench = Bench::open(dir.path());
    bench.append(vec![entry(1, 1)]).unwrap();
    // The lock is a file that somebody can remove; then both believe to be alone.
    std::fs::remove_file(dir.path().join("log-private/lock")).unwrap();
    let mut other = Bench::open(dir.path());
    assert_eq!(other.append(vec![entry(1, 2)]).unwrap().entries, 1..2);
    let lost = bench.append(vec![entry(1, 2)]);
    assert!(matches!(lost, Err(LogError::LeaseLost { .. })), "{lost:?}");
    assert!(matches!(bench.publish(0, false), Err(LogError::LeaseLost { .. })));
    assert_eq!(other.append(vec![entry(1, 3)]).unwrap().entries, 2..3);
}

#[test]
fn it_is_published_at_the_ends_of_intervals_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mut bench = Bench::open(dir.path());
    let sizes = |published: Option<Published>| published.map(|it| it.checkpoint.size());
    // 1,700,000,000 s is 200 s into an interval of 600 s, 400 s before its end.
    bench.append(vec![entry(1, 1)]).unwrap();
    assert_eq!(sizes(bench.publish(399, true).unwrap()), None);
    assert_eq!(sizes(bench.publish(400, true).unwrap()), Some(64));
    bench.append(vec![entry(1, 2)]).unwrap();
    assert_eq!(sizes(bench.publish(999, true).unwrap()), None);
    assert_eq!(sizes(bench.publish(1_000, true).unwrap()), Some(128));
    // Nothing new at the end of an interval: what comes right after waits like everything else.
    assert_eq!(sizes(bench.publish(1_600, true).unwrap()), None);
    bench.append(vec![entry(1, 3)]).unwrap();
    assert_eq!(sizes(bench.publish(1_601, true).unwrap()), None);
    assert_eq!(sizes(bench.publish(2_200, true).unwrap()), Some(192));
    // A clock that steps back a little publishes nothing twice; one that is wrong is refused.
    bench.append(vec![entry(1, 4)]).unwrap();
    assert_eq!(sizes(bench.publish(2_150, true).unwrap()), None);
    let behind = bench.publish(2_139, true);
    assert!(matches!(behind, Err(LogError::ClockBackwards { behind_s: 61 })), "{behind:?}");
}

#[test]
fn padding_that_is_none_is_refused_and_nothing_is_published() {
    let dir = tempfile::tempdir().unwrap();
    let mut bench = Bench::open(dir.path());
    bench.append(vec![entry(1, 1)]).unwrap();
    let bad: [Padding; 4] = [
        Box::new(|_, _| Vec::new()),
        Box::new(|count, EntrySeq(next)| (next..next + count).map(|n| leaf(1, n)).collect()),
        Box::new(|count, EntrySeq(next)| (next..next + count).map(|n| leaf(0, n + 1)).collect()),
        Box::new(|_, _| panic!("a fault in the author's code")),
    ];
    for padding in bad {
        let (sender, receiver) = mpsc::channel();
        let reply = Reply::new(move |result| sender.send(result).unwrap());
        let request = Request::Publish { now: at(0), due: false, padding, reply };
        assert!(bench.writer.serve(request).is_continue());
        let refused = receiver.try_recv().unwrap();
        assert!(matches!(refused, Err(LogError::Padding { wanted: 63, .. })), "{refused:?}");
        assert!(!dir.path().join("log/checkpoint").exists());
    }
    assert_eq!(bench.publish(0, false).unwrap().unwrap().checkpoint.size(), 64);
}
