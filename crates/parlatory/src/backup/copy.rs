//! Copying files, hashed on the way.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow};
use indicatif::ProgressBar;
use rustix::fs::syncfs;
use sha2::{Digest, Sha256};

use super::manifest::Piece;
use crate::data::create_folder;

/// Copies the file `from` to `to`, which must not exist, for its owner alone, and says what it is.
/// What is written is not durable yet. `None` when there is no `from` any more.
///
/// # Errors
/// A fault of the disk.
pub(crate) fn copy(from: &Path, to: &Path, path: &str, bar: &ProgressBar) -> Result<Option<Piece>> {
    let mut input = match File::open(from) {
        Ok(input) => input,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(anyhow!(error).context(format!("cannot read `{}`", from.display())));
        }
    };
    if let Some(folder) = to.parent() {
        create_folder(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    }
    let mut output = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(to)
        .with_context(|| format!("cannot make `{}`", to.display()))?;
    let mut hash = Sha256::new();
    let mut length = 0_u64;
    let mut octets = vec![0; READ_OCTETS];
    loop {
        let count =
            input.read(&mut octets).with_context(|| format!("cannot read `{}`", from.display()))?;
        let read = octets.get(..count).unwrap_or_default();
        if read.is_empty() {
            break;
        }
        hash.update(read);
        length += count as u64;
        output.write_all(read).with_context(|| format!("cannot write `{}`", to.display()))?;
        bar.inc(count as u64);
    }
    let sha256 = hexadecimal(&hash.finalize());
    Ok(Some(Piece { path: path.to_owned(), octets: length, sha256 }))
}

/// As [`copy`], of a file that somebody may be writing at its end: what was read is durable there
/// when this returns, so that the copy never has what a crash takes from the original.
///
/// # Errors
/// As [`copy`], and when there is no such file.
pub(crate) fn copy_growing(from: &Path, to: &Path, path: &str, bar: &ProgressBar) -> Result<Piece> {
    let piece = copy(from, to, path, bar)?;
    let piece = piece.ok_or_else(|| anyhow!("`{}` is gone", from.display()))?;
    File::open(from)
        .and_then(|file| file.sync_data())
        .with_context(|| format!("cannot sync `{}`", from.display()))?;
    Ok(piece)
}

/// What the file below `folder` is that is there already.
///
/// # Errors
/// A fault of the disk.
pub(crate) fn described(folder: &Path, path: &str) -> Result<Piece> {
    let unreadable = || format!("cannot read `{path}`");
    let mut input = File::open(folder.join(path)).with_context(unreadable)?;
    let mut hash = Sha256::new();
    let mut length = 0_u64;
    let mut octets = vec![0; READ_OCTETS];
    loop {
        let count = input.read(&mut octets).with_context(unreadable)?;
        let read = octets.get(..count).unwrap_or_default();
        if read.is_empty() {
            break;
        }
        hash.update(read);
        length += count as u64;
    }
    Ok(Piece { path: path.to_owned(), octets: length, sha256: hexadecimal(&hash.finalize()) })
}

/// Every file below `folder`, by its path there, in the order of their names.
///
/// # Errors
/// A folder that cannot be read.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inner) = folders.pop() {
        let path = folder.join(&inner);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                return Err(anyhow!(error).context(format!("cannot list `{}`", path.display())));
            }
        };
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot list `{}`", path.display()))?;
            let name = inner.join(entry.file_name());
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(name),
                Ok(kind) if kind.is_file() => {
                    let name = name.to_str();
                    let name = name.with_context(|| format!("a name in `{}`", path.display()))?;
                    found.push(name.to_owned());
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Makes everything on the file system of `folder` durable.
///
/// # Errors
/// A fault of the disk.
pub(crate) fn sync_all(folder: &Path) -> Result<()> {
    let synced = File::open(folder).and_then(|folder| Ok(syncfs(folder)?));
    synced.with_context(|| format!("cannot sync `{}`", folder.display()))
}

/// Octets as a hash is shown.
pub(crate) fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

const FILE_MODE: u32 = 0o600;
const READ_OCTETS: usize = 256 * 1024;
