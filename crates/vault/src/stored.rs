//! What lies in a vault's folder, for whoever audits it.

use crate::{VaultError, folder};
use model::RecordingId;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A file in a vault's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Where it is.
    pub path: PathBuf,
    /// Which recording it is; `None` when its name is no recording's.
    pub recording: Option<RecordingId>,
    /// SHA-256 of it, or `None` while it is being written.
    pub sha256: Option<[u8; 32]>,
}

/// Every file in the vault's folder `root`, however it came there, hashed. Nothing is opened or
/// changed, and the vault may be in use: what is closed while this reads may be missed or be gone.
///
/// # Errors
/// A folder or a file that cannot be read.
pub fn stored(root: &Path) -> Result<Vec<Stored>, VaultError> {
    let (open, closed) = folder::places(root);
    let mut found = Vec::new();
    for path in files(&open)? {
        found.push(Stored { recording: folder::unfinished(&path), sha256: None, path });
    }
    for path in files(&closed)? {
        let sha256 = folder::survey_file(&path)?.sha256;
        found.push(Stored { recording: folder::finished(&path), sha256: Some(sha256), path });
    }
    Ok(found)
}

/// A file in a vault's folder, unread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Where it is.
    pub path: PathBuf,
    /// Which recording it is; `None` when its name is no recording's.
    pub recording: Option<RecordingId>,
    /// Whether it was being written when it was seen.
    pub growing: bool,
}

/// Every file in the vault's folder `root`, as [`stored`] finds them, and none of them read. What
/// is closed while this looks is given as growing, as closed, or as both.
///
/// # Errors
/// A folder that cannot be read.
pub fn listed(root: &Path) -> Result<Vec<Listed>, VaultError> {
    let (open, closed) = folder::places(root);
    let growing = files(&open)?.into_iter();
    let growing =
        growing.map(|path| Listed { recording: folder::unfinished(&path), growing: true, path });
    let growing: Vec<_> = growing.collect();
    // Looked at after the others: a recording moves from there to here and never back.
    let closed = files(&closed)?.into_iter();
    let closed =
        closed.map(|path| Listed { recording: folder::finished(&path), growing: false, path });
    Ok(growing.into_iter().chain(closed).collect())
}

/// All files below a folder, in the order of their names.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>, VaultError> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let fault = |error| VaultError::io("list", &folder, error);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(fault(error)),
        };
        for entry in entries {
            let entry = entry.map_err(fault)?;
            let into =
                if entry.file_type().map_err(fault)?.is_dir() { &mut folders } else { &mut files };
            into.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}
