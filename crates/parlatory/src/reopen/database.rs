//! The database that is filled: the one of the data folder, or of a backup where that has none.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use indicatif::ProgressBar;
use store::Store;

use crate::{
    backup::{
        copy::{copy, sync_all},
        manifest::Manifest,
    },
    data::{Data, create_folder},
    restore::newest,
};

/// Opens the database that is there, or puts that of the backup `from` in its place.
pub(super) fn open(data: &Data, from: Option<&Path>) -> Result<Store> {
    let path = data.store();
    let there = match path.try_exists() {
        Ok(true) => Some(data.open_store().with_context(|| {
            format!(
                "`{}` does not open: move it away, and give a backup with --from",
                path.display()
            )
        })?),
        Ok(false) => None,
        Err(error) => return Err(error).context(format!("cannot read `{}`", path.display())),
    };
    // A start without a database leaves one in which nothing is.
    let filled = there.as_ref().map(Store::version).transpose()?.unwrap_or_default() > 0;
    match (there, from) {
        (Some(store), None) if filled => Ok(store),
        (Some(_), Some(_)) if filled => bail!(
            "`{}` is there: leave out --from to fill that one, or move it away first",
            path.display()
        ),
        (_, None) => bail!(
            "there is no database that was provisioned in `{}`: give a backup with --from, of whatever age. \
             The journal has calls and money, and no names of people and places",
            data.root().display()
        ),
        (there, Some(from)) => {
            drop(there);
            put(data, from)?;
            data.open_store()
        }
    }
}

/// Puts the database of a backup's newest state in its place, whole or not at all.
fn put(data: &Data, backup: &Path) -> Result<()> {
    let state = newest(backup)?;
    let manifest = Manifest::read(&state)?;
    let piece = manifest.files.iter().find(|piece| piece.path == DATABASE);
    let piece = piece.with_context(|| format!("`{}` has no database", state.display()))?;
    let path = data.store();
    let new = with_suffix(&path, ".new");
    if let Some(folder) = path.parent() {
        create_folder(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    }
    remove(&new)?;
    let found = copy(&piece.below(&state)?, &new, &piece.path, &ProgressBar::hidden())?;
    if found.as_ref() != Some(piece) {
        remove(&new)?;
        bail!("`{}` is not what was backed up: the backup is damaged", state.display());
    }
    // What belongs to the one before would be taken for this one's.
    for suffix in ["-wal", "-shm"] {
        remove(&with_suffix(&path, suffix))?;
    }
    fs::rename(&new, &path).with_context(|| format!("cannot name `{}`", path.display()))?;
    sync_all(data.root())?;
    let store = data.open_store()?;
    ensure!(
        store.version()? > 0,
        "in the database of `{}` nothing was provisioned",
        state.display()
    );
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).context(format!("cannot remove `{}`", path.display())),
    }
}

/// The database in a backup's state.
const DATABASE: &str = "store/parlatory.db";
