//! What a backup says it holds.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use rustix::fs::fsync;
use serde::{Deserialize, Serialize};

use crate::data::write_new;

/// All that a backup holds. A state without one is no backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// [`FORMAT`].
    pub(crate) format: u32,
    /// When it was begun, as RFC 3339 writes it.
    pub(crate) made: String,
    /// Version of the program that made it.
    pub(crate) program: String,
    /// Where the log stood; `None` when it had not begun.
    pub(crate) log: Option<LogMark>,
    /// Number of the journal's last fact.
    pub(crate) facts: u64,
    /// Number of the last fact that the database has; never more than `facts`.
    pub(crate) projected: u64,
    /// Whether the node's own keys are in it.
    pub(crate) with_keys: bool,
    /// Files of the state, by their paths in the data folder.
    pub(crate) files: Vec<Piece>,
    /// Closed recordings, which all states of one backup share, by their paths in the folder of
    /// recordings.
    pub(crate) recordings: Vec<Piece>,
}

/// Where a log stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogMark {
    /// Its entries, all signed.
    pub(crate) entries: u64,
    /// Those of them that were published.
    pub(crate) published: u64,
    /// The checkpoint over all of them, a signed note.
    pub(crate) checkpoint: String,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Piece {
    /// Where it belongs, with `/` between names.
    pub(crate) path: String,
    /// How long it is.
    pub(crate) octets: u64,
    /// Its SHA-256 in hexadecimal.
    pub(crate) sha256: String,
}

impl Piece {
    /// Its place below `folder`.
    ///
    /// # Errors
    /// A path that would lead out of it.
    pub(crate) fn below(&self, folder: &Path) -> Result<PathBuf> {
        let path = Path::new(&self.path);
        let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
        if !inside || self.path.is_empty() {
            bail!("the manifest names `{}`, which would lead out of the folder", self.path);
        }
        Ok(folder.join(path))
    }
}

impl Manifest {
    /// Reads the manifest of a state.
    ///
    /// # Errors
    /// None that this version knows.
    pub(crate) fn read(state: &Path) -> Result<Self> {
        let path = state.join(NAME);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("cannot read the manifest `{}`", path.display()))?;
        let manifest: Self = serde_json::from_str(&text)
            .with_context(|| format!("`{}` is no manifest of a backup", path.display()))?;
        if manifest.format != FORMAT {
            bail!(
                "`{}` is of format {}, and this version knows {FORMAT}: use the version that made it",
                path.display(),
                manifest.format
            );
        }
        Ok(manifest)
    }

    /// Makes the state a whole backup: everything below `root` must be durable already.
    ///
    /// # Errors
    /// A fault of the disk.
    pub(crate) fn write(&self, state: &Path) -> Result<()> {
        let (new, path) = (state.join(NEW), state.join(NAME));
        let text = serde_json::to_string_pretty(self)?;
        write_new(&new, text.as_bytes())
            .with_context(|| format!("cannot write `{}`", new.display()))?;
        fs::rename(&new, &path).with_context(|| format!("cannot name `{}`", path.display()))?;
        for folder in [Some(state), state.parent()].into_iter().flatten() {
            let synced = fs::File::open(folder).and_then(|folder| Ok(fsync(folder)?));
            synced.with_context(|| format!("cannot sync `{}`", folder.display()))?;
        }
        Ok(())
    }
}

/// States of a backup, the newest last, and whether each is whole.
pub(crate) fn states(backup: &Path) -> Result<Vec<(PathBuf, bool)>> {
    let folder = backup.join(STATES);
    let entries = fs::read_dir(&folder)
        .with_context(|| format!("`{}` is no backup: cannot read it", folder.display()))?;
    let mut states = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("cannot list `{}`", folder.display()))?.path();
        if path.is_dir() {
            states.push((path.clone(), path.join(NAME).is_file()));
        }
    }
    states.sort();
    Ok(states)
}

/// Where the states are.
pub(crate) const STATES: &str = "states";
/// Where the closed recordings are, shared by all states.
pub(crate) const RECORDINGS: &str = "recordings";
/// The format of this version.
pub(crate) const FORMAT: u32 = 1;
const NAME: &str = "manifest.json";
const NEW: &str = "manifest.new";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_leads_nowhere_else() {
        let folder = Path::new("/restored");
        let piece = |path: &str| Piece { path: path.into(), octets: 0, sha256: String::new() };
        assert_eq!(piece("a/b.rec").below(folder).unwrap(), folder.join("a/b.rec"));
        for bad in ["", "/etc/passwd", "../x", "a/../../x", "a/.."] {
            assert!(piece(bad).below(folder).is_err(), "{bad}");
        }
    }
}
