//! Segments of the write-ahead log as files, and the folder they are in.

use super::{
    LogError, erase,
    limits::RECORD_OCTETS_MAX,
    record::{self, Format, HeaderFault},
};
use rustix::fs::FallocateFlags;
use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// A segment that takes records at its end.
pub(super) trait Wal: Send {
    /// How many octets it has, whoever wrote them.
    fn octets(&mut self) -> io::Result<u64>;
    /// Writes `octets` at the end.
    fn write(&mut self, octets: &[u8]) -> io::Result<()>;
    /// Makes everything written durable.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts it to `octets`.
    fn cut(&mut self, octets: u64) -> io::Result<()>;
    /// Entries of the log before it.
    fn first(&self) -> u64;
    /// Where it is.
    fn path(&self) -> &Path;
}

/// Where new segments come from.
pub(super) trait Shelf: Send {
    /// Makes the segment that begins before entry `first` with the record `state`, durable.
    fn create(&mut self, first: u64, state: &[u8]) -> Result<Box<dyn Wal>, LogError>;
}

/// A segment in the file system.
struct Segment {
    file: File,
    first: u64,
    path: PathBuf,
}

impl Wal for Segment {
    fn octets(&mut self) -> io::Result<u64> {
        self.file.metadata().map(|metadata| metadata.len())
    }

    fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.file.write_all(octets)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn cut(&mut self, octets: u64) -> io::Result<()> {
        self.file.set_len(octets)
    }

    fn first(&self) -> u64 {
        self.first
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

/// The private folder of a log, locked for this process.
pub(super) struct Folder {
    path: PathBuf,
    segment_octets_max: u32,
    /// Held, never read: the lock ends with it.
    _lock: File,
}

impl Folder {
    /// Makes the folder when there is none, and locks it.
    pub(super) fn lock(path: &Path, segment_octets_max: u32) -> Result<Self, LogError> {
        if !path.is_dir() {
            DirBuilder::new()
                .recursive(true)
                .mode(FOLDER_MODE)
                .create(path)
                .map_err(|error| LogError::io("make", path, error))?;
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
            .map_err(|error| LogError::io("open", &name, error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), segment_octets_max, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(LogError::InUse { folder: path.to_owned() }),
            Err(TryLockError::Error(error)) => Err(LogError::io("lock", name, error)),
        }
    }

    /// Opens the segment `path` for further records after `end`, whose last record begins at
    /// `last`, and makes all of it durable.
    pub(super) fn resume(
        &self,
        path: &Path,
        first: u64,
        last: &[u8],
        end: u64,
    ) -> Result<Box<dyn Wal>, LogError> {
        let fault = |action| move |error| LogError::io(action, path, error);
        let file = OpenOptions::new().append(true).open(path).map_err(fault("open"))?;
        file.set_len(end).map_err(fault("cut"))?;
        // After a failed fdatasync the kernel may keep pages that it counts as clean although they
        // never reached the disk. Only the last record can be such; writing it once more makes its
        // pages dirty again, so that the sync below speaks of them.
        let rewrite = OpenOptions::new().write(true).open(path).map_err(fault("open"))?;
        rewrite.write_all_at(last, end - last.len() as u64).map_err(fault("write"))?;
        file.sync_all().map_err(fault("sync"))?;
        sync_folder(&self.path)?;
        if self.reserve(&file).is_err() {
            tracing::warn!(file = %path.display(), "no space could be kept for the log");
        }
        Ok(Box::new(Segment { file, first, path: path.to_owned() }))
    }

    /// Keeps space for a whole segment, so that a full disk shows when a segment is made and not
    /// in the middle of a record. File systems that cannot do it go without.
    fn reserve(&self, file: &File) -> io::Result<()> {
        let octets = u64::from(self.segment_octets_max) + RECORD_OCTETS_MAX as u64;
        match rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, 0, octets) {
            Err(error) if error != rustix::io::Errno::NOSPC => {
                tracing::debug!(%error, "the file system keeps no space for the log");
                Ok(())
            }
            other => other.map_err(io::Error::from),
        }
    }

    fn make(&self, path: &Path, first: u64, state: &[u8]) -> Result<File, LogError> {
        // Under another name until it has its first record, so that no segment is without one.
        let new = path.with_extension(NEW_SUFFIX);
        let fault = |action| move |error| LogError::io(action, path, error);
        let mut file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(&new)
            .map_err(fault("make"))?;
        self.reserve(&file).map_err(fault("keep space for"))?;
        file.write_all(&[record::header(first, Format::Whole).as_slice(), state].concat())
            .map_err(fault("write"))?;
        file.sync_all().map_err(fault("sync"))?;
        fs::rename(&new, path).map_err(fault("name"))?;
        sync_folder(&self.path)?;
        Ok(file)
    }

    /// Removes what a crash left of a segment that was being made, of which nothing was told, and
    /// finishes an erasing.
    pub(super) fn remove_unfinished(&self) -> Result<(), LogError> {
        for entry in fs::read_dir(&self.path).map_err(|e| LogError::io("list", &self.path, e))? {
            let path = entry.map_err(|error| LogError::io("list", &self.path, error))?.path();
            if path.extension().is_some_and(|suffix| suffix == NEW_SUFFIX) {
                erase::discard(&path)?;
            }
        }
        erase::finish(&self.path)
    }
}

impl Shelf for Folder {
    fn create(&mut self, first: u64, state: &[u8]) -> Result<Box<dyn Wal>, LogError> {
        let path = self.path.join(format!("{first:0NAME_DIGITS$}.{SUFFIX}"));
        let made = self.make(&path, first, state);
        if made.is_err() {
            drop(fs::remove_file(path.with_extension(NEW_SUFFIX)));
        }
        Ok(Box::new(Segment { file: made?, first, path }))
    }
}

/// The segments in `folder` with the entry their names promise, in order.
pub(super) fn list(folder: &Path) -> Result<Vec<(u64, PathBuf)>, LogError> {
    let fault = |error| LogError::io("list", folder, error);
    let mut segments = Vec::new();
    for entry in fs::read_dir(folder).map_err(fault)? {
        let path = entry.map_err(fault)?.path();
        let named = path.extension().is_some_and(|suffix| suffix == SUFFIX);
        let first = path
            .file_stem()
            .and_then(|name| name.to_str())
            .filter(|digits| named && digits.len() == NAME_DIGITS)
            .and_then(|digits| digits.parse().ok());
        if let Some(first) = first {
            segments.push((first, path));
        }
    }
    segments.sort();
    Ok(segments)
}

/// All octets of a segment, with its header checked.
pub(super) fn read(path: &Path, first: u64) -> Result<Vec<u8>, LogError> {
    let octets = erase::read_whole(path)?;
    let file = || path.to_owned();
    match record::check_header(&octets, first) {
        Ok(()) => Ok(octets),
        Err(HeaderFault::Newer(found)) => Err(LogError::NewerFormat { file: file(), found }),
        Err(HeaderFault::Unreadable) => {
            let what = "its header cannot be read, or does not agree with its name";
            Err(LogError::Damaged { file: file(), offset: 0, what })
        }
    }
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(path: &Path) -> Result<(), LogError> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| LogError::io("sync", path, error))
}

pub(super) const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;
const LOCK_NAME: &str = "lock";
const NAME_DIGITS: usize = 20;
pub(super) const SUFFIX: &str = "wal";
pub(super) const NEW_SUFFIX: &str = "new";
