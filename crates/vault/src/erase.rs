//! Who may take recordings away, and when nobody may.

use crate::VaultError;
use std::{
    fs::{File, OpenOptions},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
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
const FILE_MODE: u32 = 0o600;
