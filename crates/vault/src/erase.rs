//! Taking recordings away for good, and when nobody may.
//!
//! What is destroyed first are the sealed shares in the header: without them no keyholder and no
//! key opens the file, whatever a disk keeps of the rest. A file system that writes elsewhere, or
//! a copy of the disk, may keep old shares; then they are as safe as the keyholders' keys.

use crate::{
    VaultError,
    folder::{self, sync_folder},
    format::{BOUND_OCTETS, HEADER_OCTETS},
};
use model::{AgencyId, RecordingId};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::Write as _,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// While this lives, no recording is erased, in whichever process: somebody copies them.
#[derive(Debug)]
pub struct Kept {
    /// Held, never read: the lock ends with it.
    _lock: File,
}

/// Keeps all recordings of the vault in folder `root` from being erased; waits for an erasure that
/// is going on. Others may keep them at the same time.
///
/// # Errors
/// A fault of the disk.
pub fn keep(root: &Path) -> Result<Kept, VaultError> {
    let lock = lock_file(root)?;
    lock.lock_shared().map_err(|error| VaultError::io("lock", root.join(LOCK_NAME), error))?;
    Ok(Kept { _lock: lock })
}

/// Whoever may erase recordings. It decides nothing: its caller has entered in the log, durably,
/// what is going to be erased.
#[derive(Debug)]
pub struct Eraser {
    root: PathBuf,
    /// Held, never read.
    _lock: File,
}

impl Eraser {
    /// May erase from the vault in folder `root`; `None` while somebody [`keep`]s its recordings,
    /// or erases.
    ///
    /// # Errors
    /// A fault of the disk.
    pub fn lock(root: &Path) -> Result<Option<Self>, VaultError> {
        let lock = lock_file(root)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self { root: root.to_owned(), _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(VaultError::io("lock", root.join(LOCK_NAME), error))
            }
        }
    }

    /// Erases a closed recording: puts it on the list of erased ones, destroys its shares, removes
    /// its file; each durable before the next. Safe to repeat, also after a crash in the middle.
    /// Says whether there was a file.
    ///
    /// # Errors
    /// A fault of the disk; erase it again then.
    pub fn erase(&self, agency: AgencyId, recording: RecordingId) -> Result<bool, VaultError> {
        let Some((path, false)) = folder::find(&self.root, agency, recording) else {
            return Ok(false);
        };
        self.list(agency, recording)?;
        destroy_shares(&path)?;
        fs::remove_file(&path).map_err(|error| VaultError::io("remove", &path, error))?;
        if let Some(folder) = path.parent() {
            sync_folder(folder)?;
        }
        Ok(true)
    }

    /// A backup that is older than this list must not bring back what is on it.
    fn list(&self, agency: AgencyId, recording: RecordingId) -> Result<(), VaultError> {
        let path = self.root.join(LIST_NAME);
        let fault = |action| {
            let path = path.clone();
            move |error| VaultError::io(action, path, error)
        };
        let mut list = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(FILE_MODE)
            .open(&path)
            .map_err(fault("open"))?;
        let line = format!("{} {:016x}\n", agency.0, recording.0);
        list.write_all(line.as_bytes()).map_err(fault("write"))?;
        list.sync_all().map_err(fault("sync"))?;
        sync_folder(&self.root)
    }
}

/// Writes zeros over both sealed shares, as far as the header goes.
fn destroy_shares(path: &Path) -> Result<(), VaultError> {
    let fault = |action| move |error| VaultError::io(action, path, error);
    let file = OpenOptions::new().write(true).open(path).map_err(fault("open"))?;
    let octets = file.metadata().map_err(fault("read"))?.len();
    let octets = usize::try_from(octets).unwrap_or(usize::MAX).min(HEADER_OCTETS);
    let zeros = vec![0; octets.saturating_sub(BOUND_OCTETS)];
    file.write_all_at(&zeros, BOUND_OCTETS as u64).map_err(fault("write"))?;
    file.sync_all().map_err(fault("sync"))
}

fn lock_file(root: &Path) -> Result<File, VaultError> {
    let path = root.join(LOCK_NAME);
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(&path)
        .map_err(|error| VaultError::io("open", path, error))
}

const LOCK_NAME: &str = "erasing";
const LIST_NAME: &str = "erased";
const FILE_MODE: u32 = 0o600;
