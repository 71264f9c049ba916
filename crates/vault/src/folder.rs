//! The vault's folder: where a recording is while it is written, where it goes when it is closed,
//! and what is found after a crash.

use crate::{
    VaultError,
    format::{self, HEADER_OCTETS, LENGTH_OCTETS, MAGIC, SEALED_OCTETS_MAX},
};
use model::{
    AgencyId, RecordingId,
    fact::{RecordingEnd, RecordingState},
};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, BufReader, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// The vault's folder, locked for this process.
pub(crate) struct Folder {
    root: PathBuf,
    open: PathBuf,
    closed: PathBuf,
    /// Held open for its lock and for syncing the file system it is on.
    lock: File,
}

/// A recording's file while it is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Part {
    pub(crate) recording: RecordingId,
    pub(crate) agency: AgencyId,
    pub(crate) path: PathBuf,
}

impl Folder {
    /// Makes the folder when there is none, and locks it.
    pub(crate) fn lock(root: &Path) -> Result<Self, VaultError> {
        let [open, closed] = [OPEN_NAME, CLOSED_NAME].map(|name| root.join(name));
        make_folder(root)?;
        make_folder(&open)?;
        make_folder(&closed)?;
        let name = root.join(LOCK_NAME);
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FILE_MODE)
            .open(&name)
            .map_err(|error| VaultError::io("open", &name, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(VaultError::InUse { folder: root.to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(VaultError::io("lock", name, error)),
        }
        sync_folder(root)?;
        Ok(Self { root: root.to_owned(), open, closed, lock })
    }

    /// Makes the file of a new recording, which begins with `header`. Where that fails, no file is
    /// left.
    pub(crate) fn create(
        &self,
        agency: AgencyId,
        recording: RecordingId,
        header: &[u8],
    ) -> Result<(File, Part), VaultError> {
        if let Some(file) = self.closed_file(agency, recording) {
            return Err(VaultError::Exists { file });
        }
        let path = self.open.join(part_name(agency, recording));
        let mut file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(&path)
            .map_err(|error| VaultError::io("make", &path, error))?;
        let part = Part { recording, agency, path };
        if let Err(error) = file.write_all(header) {
            self.discard(&part);
            return Err(VaultError::io("write", part.path, error));
        }
        Ok((file, part))
    }

    /// Files that an earlier process left unfinished.
    pub(crate) fn leftovers(&self) -> Result<Vec<Part>, VaultError> {
        let fault = |error| VaultError::io("list", &self.open, error);
        let mut parts = Vec::new();
        for entry in fs::read_dir(&self.open).map_err(fault)? {
            let path = entry.map_err(fault)?.path();
            match part_of(&path) {
                Some((recording, agency)) => parts.push(Part { recording, agency, path }),
                None => tracing::warn!(file = %path.display(), "the vault does not know this file"),
            }
        }
        parts.sort();
        Ok(parts)
    }

    /// Removes the file of a recording that never began.
    fn discard(&self, part: &Part) {
        if let Err(error) = fs::remove_file(&part.path) {
            tracing::warn!(recording = part.recording.0, %error, "an empty recording stays behind");
        }
    }

    /// Makes what an earlier process wrote durable, says what it is, and files it away; its name is
    /// durable only after [`Folder::sync_names`].
    pub(crate) fn recover(&self, part: &Part) -> Result<RecordingEnd, VaultError> {
        File::open(&part.path)
            .and_then(|file| file.sync_data())
            .map_err(|error| VaultError::io("sync", &part.path, error))?;
        let end = survey_file(&part.path)?;
        self.file_away(part, end.state)?;
        Ok(end)
    }

    /// Moves a recording to where closed ones are. The new name is durable only after
    /// [`Folder::sync_names`].
    pub(crate) fn file_away(&self, part: &Part, state: RecordingState) -> Result<(), VaultError> {
        if let Some(file) = self.closed_file(part.agency, part.recording) {
            return Err(VaultError::Exists { file });
        }
        make_folder(&self.closed.join(part.agency.0.to_string()))?;
        let path = self.closed_path(part.agency, part.recording, state);
        fs::rename(&part.path, &path).map_err(|error| VaultError::io("move", &part.path, error))
    }

    /// Makes the names of files that were begun or filed away for these agencies durable.
    pub(crate) fn sync_names(&self, agencies: &[AgencyId]) -> Result<(), VaultError> {
        for agency in agencies {
            sync_folder(&self.closed.join(agency.0.to_string()))?;
        }
        if !agencies.is_empty() {
            sync_folder(&self.closed)?;
        }
        sync_folder(&self.open)
    }

    /// Makes everything that was written in the vault durable, all files at once. From Linux 5.8 on
    /// it reports the fault of any file.
    pub(crate) fn sync_all(&self) -> io::Result<()> {
        Ok(rustix::fs::syncfs(&self.lock)?)
    }

    /// The file of a closed recording.
    pub(crate) fn closed_file(&self, agency: AgencyId, recording: RecordingId) -> Option<PathBuf> {
        [RecordingState::Ended, RecordingState::Cut]
            .map(|state| self.closed_path(agency, recording, state))
            .into_iter()
            .find(|path| path.exists())
    }

    fn closed_path(&self, agency: AgencyId, id: RecordingId, state: RecordingState) -> PathBuf {
        closed_path(&self.closed, agency, id, state)
    }

    /// The vault's folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}

/// Where a recording is in the vault's folder `root`, and whether it is still written, as far as
/// somebody can tell who does not hold the folder.
pub(crate) fn find(
    root: &Path,
    agency: AgencyId,
    recording: RecordingId,
) -> Option<(PathBuf, bool)> {
    let part = root.join(OPEN_NAME).join(part_name(agency, recording));
    let closed = || {
        let states = [RecordingState::Ended, RecordingState::Cut];
        let path = |state| closed_path(&root.join(CLOSED_NAME), agency, recording, state);
        states.map(path).into_iter().find(|path| path.exists())
    };
    // It may be moved between the two looks, and never back.
    if part.exists() { Some((part, true)) } else { closed().map(|path| (path, false)) }
}

fn part_name(agency: AgencyId, recording: RecordingId) -> String {
    format!("{:016x}-{}.{PART}", recording.0, agency.0)
}

fn closed_path(closed: &Path, agency: AgencyId, id: RecordingId, state: RecordingState) -> PathBuf {
    let suffix = match state {
        RecordingState::Ended => ENDED,
        RecordingState::Cut => CUT,
    };
    closed.join(agency.0.to_string()).join(format!("{:016x}.{suffix}", id.0))
}

/// What a file of a recording is.
pub(crate) fn survey_file(path: &Path) -> Result<RecordingEnd, VaultError> {
    let fault = |error| VaultError::io("read", path, error);
    let file = File::open(path).map_err(fault)?;
    survey(BufReader::with_capacity(READ_OCTETS, file)).map_err(fault)
}

/// What the octets of a recording amount to: counted without any key, from the lengths of its
/// frames. What is no recording, or goes on behind its last frame, counts as cut.
///
/// # Errors
/// Those of `input`, which is read to its end.
pub fn survey(input: impl Read) -> io::Result<RecordingEnd> {
    let mut walk = Walk { input, hash: Sha256::new(), octets: 0 };
    let (frames, whole) = walk.frames()?;
    let bytes = walk.octets;
    walk.drain()?;
    let state =
        if whole && walk.octets == bytes { RecordingState::Ended } else { RecordingState::Cut };
    Ok(RecordingEnd { state, bytes: walk.octets, frames, sha256: walk.hash.finalize().into() })
}

/// Reads a file once, hashing and counting what it reads.
struct Walk<R> {
    input: R,
    hash: Sha256,
    octets: u64,
}

impl<R: Read> Walk<R> {
    /// Counts frames of one second up to the end or the last frame; says whether that one is there.
    fn frames(&mut self) -> io::Result<(u32, bool)> {
        let mut header = [0; HEADER_OCTETS];
        let mut frame = vec![0; SEALED_OCTETS_MAX];
        let mut frames: u32 = 0;
        if self.fill(&mut header)? < HEADER_OCTETS || !header.starts_with(&MAGIC) {
            return Ok((frames, false));
        }
        loop {
            let mut field = [0; LENGTH_OCTETS];
            if self.fill(&mut field)? < LENGTH_OCTETS {
                return Ok((frames, false));
            }
            let Some((length, last)) = format::frame_length(field) else {
                return Ok((frames, false));
            };
            let Some(frame) = frame.get_mut(..length) else { return Ok((frames, false)) };
            if self.fill(frame)? < length {
                return Ok((frames, false));
            }
            if last {
                return Ok((frames, true));
            }
            frames = frames.saturating_add(1);
        }
    }

    /// Reads what is left.
    fn drain(&mut self) -> io::Result<()> {
        let mut octets = [0; 4_096];
        while self.fill(&mut octets)? > 0 {}
        Ok(())
    }

    /// Reads until `octets` is full or there is no more, and says how many there were.
    fn fill(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = octets.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.input.read(rest) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.hash.update(octets.get(..filled).unwrap_or_default());
        self.octets += filled as u64;
        Ok(filled)
    }
}

/// Where files are while they are written, and afterwards.
pub(crate) fn places(root: &Path) -> (PathBuf, PathBuf) {
    (root.join(OPEN_NAME), root.join(CLOSED_NAME))
}

/// Which recording an unfinished file is by its name.
pub(crate) fn unfinished(path: &Path) -> Option<RecordingId> {
    part_of(path).map(|(recording, _)| recording)
}

/// Which recording a closed file is by its name.
pub(crate) fn finished(path: &Path) -> Option<RecordingId> {
    let (name, suffix) = path.file_name()?.to_str()?.split_once('.')?;
    let id = u64::from_str_radix(name, 16).ok()?;
    ([ENDED, CUT].contains(&suffix) && name.len() == 16).then_some(RecordingId(id))
}

/// What the name of an unfinished file says.
fn part_of(path: &Path) -> Option<(RecordingId, AgencyId)> {
    let name = path.file_name()?.to_str()?.strip_suffix(".part")?;
    let (recording, agency) = name.split_once('-')?;
    let recording = u64::from_str_radix(recording, 16).ok()?;
    Some((RecordingId(recording), AgencyId(agency.parse().ok()?)))
}

fn make_folder(path: &Path) -> Result<(), VaultError> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(FOLDER_MODE)
        .create(path)
        .map_err(|error| VaultError::io("make", path, error))
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), VaultError> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| VaultError::io("sync", path, error))
}

const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;
const LOCK_NAME: &str = "lock";
const OPEN_NAME: &str = "open";
const CLOSED_NAME: &str = "closed";
const PART: &str = "part";
const ENDED: &str = "rec";
const CUT: &str = "cut";
const READ_OCTETS: usize = 64 * 1024;
