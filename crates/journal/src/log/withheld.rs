//! A log that came out of a backup signs nothing until somebody has shown that nobody has seen
//! more of it: two histories under one key are what a log must never have.

use super::{
    LogError,
    wal::{self, Folder},
};
use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

/// Makes the private folder of a log, which is going to be put back from a copy, and says in it
/// that nothing may be signed. Durable when this returns; [`super::Log::open`] refuses from then
/// on.
///
/// # Errors
/// A fault of the disk.
pub fn withhold(private: &Path) -> Result<(), LogError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(private)
        .map_err(|error| LogError::io("make", private, error))?;
    let path = private.join(NAME);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| LogError::io("make", &path, error))?;
    file.write_all(TEXT.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|error| LogError::io("write", &path, error))?;
    wal::sync_folder(private)
}

/// Whether the log in this private folder is withheld.
#[must_use]
pub fn is_withheld(private: &Path) -> bool {
    // In doubt it is.
    private.join(NAME).try_exists().unwrap_or(true)
}

/// Lets the log be signed again. Only for whoever has compared it with everything that was seen of
/// it elsewhere. Durable when this returns.
///
/// # Errors
/// [`LogError::InUse`], or a fault of the disk; it is withheld then, or nobody knows.
pub fn release(private: &Path) -> Result<(), LogError> {
    let _lock = Folder::lock(private, 0)?;
    let path = private.join(NAME);
    match fs::remove_file(&path) {
        Ok(()) => wal::sync_folder(private),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(LogError::io("remove", path, error)),
    }
}

const NAME: &str = "withheld";
const TEXT: &str = "This log was put back from a backup. Nothing is signed until `parlatory restore` was shown the\n\
                    newest checkpoint that anybody has.\n";
