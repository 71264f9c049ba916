//! Segments as files: their names, making them, and what is found when the journal is opened.

use crate::{
    EntrySeq, JournalError, Options, Recovery, Seq, Torn, forget,
    frame::{self, Scan, Tail},
    header::{HEADER_OCTETS, Header, HeaderFault, Opened},
    limits::TORN_OCTETS_MAX,
    seal::{Seal, SealKey},
};
use rustix::fs::FallocateFlags;
use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write},
    ops::ControlFlow,
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// A segment that takes groups at its end.
pub(crate) trait Disk: Send {
    /// Writes `octets` at the end.
    fn write(&mut self, octets: &[u8]) -> io::Result<()>;
    /// Makes everything written durable.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts it to `octets`.
    fn cut(&mut self, octets: u64) -> io::Result<()>;
    /// Number of its first fact, as its name says it.
    fn first(&self) -> Seq;
    /// Where it is.
    fn path(&self) -> &Path;
}

/// A segment that is being written.
pub(crate) struct Segment {
    /// Its file.
    pub(crate) disk: Box<dyn Disk>,
    /// What seals its appends.
    pub(crate) seal: Seal,
}

/// Where new segments come from.
pub(crate) trait Shelf: Send {
    /// Makes the segment that begins with fact `first` and entry `entry`, durable and with its
    /// header in place.
    fn create(&mut self, first: Seq, entry: EntrySeq) -> Result<Segment, JournalError>;
}

/// A segment in the file system.
pub(crate) struct SegmentFile {
    file: File,
    first: Seq,
    path: PathBuf,
}

impl Disk for SegmentFile {
    fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.file.write_all(octets)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn cut(&mut self, octets: u64) -> io::Result<()> {
        self.file.set_len(octets)
    }

    fn first(&self) -> Seq {
        self.first
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

/// A folder of segments, locked for this process.
pub(crate) struct Folder {
    path: PathBuf,
    options: Options,
    key: SealKey,
    /// Held, never read: the lock ends with it.
    _lock: File,
}

impl Folder {
    /// Makes the folder when there is none, and locks it.
    pub(crate) fn lock(path: &Path, options: Options, key: SealKey) -> Result<Self, JournalError> {
        if !path.is_dir() {
            DirBuilder::new()
                .recursive(true)
                .mode(FOLDER_MODE)
                .create(path)
                .map_err(|error| JournalError::io("make", path, error))?;
            if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                sync_folder(parent)?;
            }
        }
        let name = path.join(LOCK_NAME);
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FILE_MODE)
            .open(&name)
            .map_err(|error| JournalError::io("open", &name, error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), options, key, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(JournalError::InUse { folder: path.to_owned() }),
            Err(TryLockError::Error(error)) => Err(JournalError::io("lock", name, error)),
        }
    }

    /// Finds the end of the last segment, cuts what is torn, and gives the segment to go on with.
    /// Whatever does not open with the key stays as it is.
    pub(crate) fn recover(&self) -> Result<(Segment, u64, Recovery), JournalError> {
        forget::finish(&self.path, &self.key)?;
        let segments = list(&self.path)?;
        let mut recovery = Recovery { last: Seq(0), entry: EntrySeq(0), torn: None };
        let Some(((first, path), before)) = segments.split_last() else {
            return self.begin(recovery);
        };
        recovery.last = Seq(first.0.saturating_sub(1));
        let octets = read(path)?;
        let header = match Header::decode(&octets) {
            Ok(header) => header,
            Err(HeaderFault::Unreadable) if Header::is_begun(&octets) => {
                let torn = Torn { file: path.clone(), offset: 0, octets: octets.len() as u64 };
                recovery.torn = Some(torn);
                recovery.entry = self.entry_before(before)?;
                fs::remove_file(path).map_err(|error| JournalError::io("remove", path, error))?;
                return self.begin(recovery);
            }
            Err(fault) => return Err(header_error(path, fault)),
        };
        check_header(path, header, *first, Some(self.options.node))?;
        let missing = |what| JournalError::Damaged { file: path.clone(), offset: 0, what };
        let seal = match open_header(path, header, &self.key)? {
            Opened::Sealed(seal) => seal,
            Opened::Gone(_) => {
                return Err(missing("it was forgotten, and what followed it is missing"));
            }
            Opened::Given(_) => {
                return Err(missing("its key was given away, and what followed it is missing"));
            }
        };
        let scan = scan_sealed(path, &octets, header, &seal)?;
        let end = scan.end as u64;
        match scan.tail {
            Tail::Whole => {}
            Tail::Torn => {
                let octets = octets.len() as u64 - end;
                recovery.torn = Some(Torn { file: path.clone(), offset: end, octets });
            }
            Tail::Damaged(what) => {
                return Err(JournalError::Damaged { file: path.clone(), offset: end, what });
            }
        }
        recovery.last = Seq(scan.next.0 - 1);
        recovery.entry = EntrySeq(scan.next_entry.0 - 1);
        let last_group = octets.get(scan.group..scan.end).unwrap_or_default();
        let disk = Box::new(self.resume(path, *first, last_group, end)?);
        Ok((Segment { disk, seal }, end, recovery))
    }

    /// Makes the segment that follows what was recovered.
    fn begin(&self, recovery: Recovery) -> Result<(Segment, u64, Recovery), JournalError> {
        let segment = self.make(Seq(recovery.last.0 + 1), EntrySeq(recovery.entry.0 + 1))?;
        Ok((segment, HEADER_OCTETS as u64, recovery))
    }

    /// Number of the last entry in `segments`. The last of them must open with the key: otherwise
    /// the next one would be sealed under another.
    fn entry_before(&self, segments: &[(Seq, PathBuf)]) -> Result<EntrySeq, JournalError> {
        let Some((first, path)) = segments.last() else { return Ok(EntrySeq(0)) };
        let octets = read(path)?;
        let header = Header::decode(&octets).map_err(|fault| header_error(path, fault))?;
        check_header(path, header, *first, Some(self.options.node))?;
        let seal = match open_header(path, header, &self.key)? {
            Opened::Sealed(seal) => seal,
            Opened::Gone(gone) => return Ok(EntrySeq(gone.next_entry.0 - 1)),
            Opened::Given(given) => return Ok(EntrySeq(given.next_entry.0 - 1)),
        };
        let scan = scan_sealed(path, &octets, header, &seal)?;
        let (file, offset) = (path.clone(), scan.end as u64);
        match scan.tail {
            Tail::Whole => Ok(EntrySeq(scan.next_entry.0 - 1)),
            Tail::Torn => Err(JournalError::Damaged {
                file,
                offset,
                what: "it ends in the middle of a frame",
            }),
            Tail::Damaged(what) => Err(JournalError::Damaged { file, offset, what }),
        }
    }

    /// Opens the segment `path` for further groups after `end` and makes all of it durable.
    fn resume(
        &self,
        path: &Path,
        first: Seq,
        last_group: &[u8],
        end: u64,
    ) -> Result<SegmentFile, JournalError> {
        let fault = |action| move |error| JournalError::io(action, path, error);
        let file = OpenOptions::new().append(true).open(path).map_err(fault("open"))?;
        file.set_len(end).map_err(fault("cut"))?;
        // After a failed fdatasync the kernel may keep pages that it counts as clean although they
        // never reached the disk. Only the last group can be such; writing it once more makes its
        // pages dirty again, so that the sync below speaks of them.
        let rewrite = OpenOptions::new().write(true).open(path).map_err(fault("open"))?;
        rewrite.write_all_at(last_group, end - last_group.len() as u64).map_err(fault("write"))?;
        file.sync_all().map_err(fault("sync"))?;
        sync_folder(&self.path)?;
        // Space kept for the rest of the segment is an aid, and the segment is in use already.
        if self.reserve(&file).is_err() {
            tracing::warn!(file = %path.display(), "no space could be kept for the journal");
        }
        Ok(SegmentFile { file, first, path: path.to_owned() })
    }

    fn make(&self, first: Seq, entry: EntrySeq) -> Result<Segment, JournalError> {
        let path = self.path.join(file_name(first));
        let (header, seal) = Header::begin(self.options.node, first, entry, &self.key)?;
        let made = self.make_at(&path, header);
        if made.is_err() {
            // Without a group in it the file means nothing; the next attempt makes it again.
            drop(fs::remove_file(&path));
        }
        let disk = Box::new(SegmentFile { file: made?, first, path });
        Ok(Segment { disk, seal })
    }

    fn make_at(&self, path: &Path, header: Header) -> Result<File, JournalError> {
        let fault = |action| move |error| JournalError::io(action, path, error);
        let mut file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(path)
            .map_err(fault("make"))?;
        self.reserve(&file).map_err(fault("keep space for"))?;
        file.write_all(&header.encode()).map_err(fault("write"))?;
        file.sync_all().map_err(fault("sync"))?;
        sync_folder(&self.path)?;
        Ok(file)
    }

    /// Keeps space for a whole segment, so that a full disk shows when a segment is made and not
    /// in the middle of a group. File systems that cannot do it go without.
    fn reserve(&self, file: &File) -> io::Result<()> {
        let octets = u64::from(self.options.segment_octets_max) + TORN_OCTETS_MAX as u64;
        match rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, 0, octets) {
            Err(error) if error != rustix::io::Errno::NOSPC => {
                tracing::debug!(%error, "the file system keeps no space for the journal");
                Ok(())
            }
            other => other.map_err(io::Error::from),
        }
    }
}

impl Shelf for Folder {
    fn create(&mut self, first: Seq, entry: EntrySeq) -> Result<Segment, JournalError> {
        self.make(first, entry)
    }
}

/// The segments in `folder` with the first fact their names promise, in order.
pub(crate) fn list(folder: &Path) -> Result<Vec<(Seq, PathBuf)>, JournalError> {
    let fault = |error| JournalError::io("list", folder, error);
    let mut segments = Vec::new();
    for entry in fs::read_dir(folder).map_err(fault)? {
        let path = entry.map_err(fault)?.path();
        let first = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_suffix(SUFFIX))
            .filter(|digits| digits.len() == NAME_DIGITS)
            .and_then(|digits| digits.parse().ok());
        if let Some(first) = first {
            segments.push((Seq(first), path));
        }
    }
    segments.sort();
    Ok(segments)
}

/// All octets of a segment.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, JournalError> {
    fs::read(path).map_err(|error| JournalError::io("read", path, error))
}

/// Checks that a header is the one the segment's name and node promise.
pub(crate) fn check_header(
    path: &Path,
    header: Header,
    first: Seq,
    node: Option<u32>,
) -> Result<(), JournalError> {
    if header.first != first {
        let what = "its header does not agree with its name";
        return Err(JournalError::Damaged { file: path.to_owned(), offset: 0, what });
    }
    match node {
        Some(expected) if expected != header.node => {
            Err(JournalError::OtherNode { file: path.to_owned(), found: header.node, expected })
        }
        Some(_) | None => Ok(()),
    }
}

/// What the key makes of a header.
///
/// # Errors
/// [`JournalError::WrongKey`].
pub(crate) fn open_header(
    path: &Path,
    header: Header,
    key: &SealKey,
) -> Result<Opened, JournalError> {
    header.open(key).ok_or_else(|| JournalError::WrongKey { file: path.to_owned() })
}

/// Reads the frames of a segment and checks the seal of each.
///
/// # Errors
/// [`JournalError::Damaged`] when one does not hold. No crash does that: a frame whose checksum
/// holds is there as it was written.
fn scan_sealed(
    path: &Path,
    octets: &[u8],
    header: Header,
    seal: &Seal,
) -> Result<Scan, JournalError> {
    let mut forged = None;
    let scan = frame::scan(octets, header, |at, frame| {
        if frame.open(seal).is_some() {
            return ControlFlow::Continue(());
        }
        forged = Some(at as u64);
        ControlFlow::Break(())
    });
    match forged {
        Some(offset) => {
            Err(JournalError::Damaged { file: path.to_owned(), offset, what: NOT_SEALED })
        }
        None => Ok(scan),
    }
}

/// The error of a header that cannot be read.
pub(crate) fn header_error(path: &Path, fault: HeaderFault) -> JournalError {
    let file = path.to_owned();
    match fault {
        HeaderFault::Newer(found) => JournalError::NewerFormat { file, found },
        HeaderFault::Older(found) => JournalError::OlderFormat { file, found },
        HeaderFault::Unreadable => {
            JournalError::Damaged { file, offset: 0, what: "its header cannot be read" }
        }
    }
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), JournalError> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| JournalError::io("sync", path, error))
}

/// The segment of which a note beside it, with the same name and another ending, speaks.
pub(crate) fn of_note(note: &Path) -> PathBuf {
    note.with_extension(SUFFIX.trim_start_matches('.'))
}

/// Name of the segment that begins with fact `first`.
pub(crate) fn file_name(first: Seq) -> String {
    format!("{:0NAME_DIGITS$}{SUFFIX}", first.0)
}

/// What is wrong with a frame whose seal does not hold.
pub(crate) const NOT_SEALED: &str = "its seal does not hold: it was changed on purpose";

const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;
const LOCK_NAME: &str = "lock";
const NAME_DIGITS: usize = 20;
const SUFFIX: &str = ".journal";
