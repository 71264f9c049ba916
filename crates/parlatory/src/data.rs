//! The data folder: what lies where.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use charging::CapTable;
use journal::SealKey;
use store::{ColumnKeys, Store};

use crate::node::read_key;

/// A data folder.
#[derive(Clone, Debug)]
pub(crate) struct Data(PathBuf);

impl Data {
    /// The data folder at `path`, which need not exist.
    pub(crate) fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The data folder at `path`, which `init` must have made.
    pub(crate) fn existing(path: &Path) -> Result<Self> {
        let data = Self(path.to_owned());
        if !data.config().is_file() {
            bail!(
                "`{}` is no data folder: make one with `parlatory init --data {}`",
                path.display(),
                path.display()
            );
        }
        Ok(data)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.0
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.0.join("parlatory.toml")
    }

    /// The caps that bound what calls cost: the built-in ones, and those of `caps.csv` in this
    /// folder where the operator has put one.
    ///
    /// # Errors
    /// It cannot be read. Nobody calls then: a cap that is left out may be the law.
    pub(crate) fn caps(&self) -> Result<CapTable> {
        let path = self.0.join("caps.csv");
        match fs::read_to_string(&path) {
            Ok(text) => CapTable::parse(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(CapTable::builtin()),
            Err(error) => return Err(error).with_context(|| format!("`{}`", path.display())),
        }
        .with_context(|| format!("the caps in `{}` do not read", path.display()))
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.0.join("store").join("parlatory.db")
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.0.join("journal")
    }

    pub(crate) fn recordings(&self) -> PathBuf {
        self.0.join("recordings")
    }

    /// The node's own keys, and what carriers gave to it.
    pub(crate) fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }

    /// Recorded names, sealed.
    pub(crate) fn names(&self) -> PathBuf {
        self.0.join("names")
    }

    pub(crate) fn pin_key(&self) -> PathBuf {
        self.0.join("keys").join("pin.key")
    }

    /// Master key of what the node keeps at rest and reads again by itself. Whoever seals with it
    /// derives a key of their own from it.
    pub(crate) fn store_key(&self) -> PathBuf {
        self.0.join("keys").join("store.key")
    }

    /// Opens the store with the keys of its columns.
    pub(crate) fn open_store(&self) -> Result<Store> {
        Ok(Store::open(&self.store(), &self.column_keys()?)?)
    }

    /// Reads the keys of the store's columns.
    pub(crate) fn column_keys(&self) -> Result<ColumnKeys> {
        Ok(ColumnKeys::new(read_key(&self.store_key())?))
    }

    /// Reads the key of the journal.
    pub(crate) fn journal_key(&self) -> Result<SealKey> {
        Ok(SealKey::derive(&read_key(&self.store_key())?))
    }

    /// A key of the entries for the log: `audit`, which the auditor has too, `label` or `counsel`;
    /// or that of recorded names, `names`.
    pub(crate) fn evidence_key(&self, name: &str) -> PathBuf {
        self.0.join("keys").join(format!("{name}.key"))
    }

    /// What anybody may read of the log.
    pub(crate) fn log_public(&self) -> PathBuf {
        self.0.join("log")
    }

    /// The log's own files, with the sealed details.
    pub(crate) fn log_private(&self) -> PathBuf {
        self.0.join("log-private")
    }

    /// The key that the log is verified with: beside the public folder, never in it.
    pub(crate) fn log_verifier(&self) -> PathBuf {
        self.0.join("log.vkey")
    }

    /// What else anybody may read: how long things are kept, and why for longer than usual.
    pub(crate) fn published_terms(&self) -> PathBuf {
        self.0.join("published").join("retention.json")
    }

    /// Public key of a keyholder, `agency` or `independent`.
    pub(crate) fn keyholder_public(&self, holder: &str) -> PathBuf {
        self.0.join("keyholders").join(format!("{holder}.pub"))
    }

    /// Folder of a keyholder whose keys lie here. They should lie elsewhere: see the custody grade.
    pub(crate) fn keyholder(&self, holder: &str) -> PathBuf {
        self.0.join("keyholders").join(holder)
    }

    /// Private keys of such a keyholder.
    pub(crate) fn keyholder_keys(&self, holder: &str) -> PathBuf {
        self.keyholder(holder).join("keys")
    }

    /// A request for segments of the journal that waits for keyholders, with the private key that
    /// their shares are sealed to.
    pub(crate) fn segment_request(&self) -> PathBuf {
        self.0.join("segments.json")
    }

    /// What belongs to the console.
    pub(crate) fn console(&self) -> PathBuf {
        self.0.join("console")
    }

    /// With what the first of the staff is let in, while there is nobody.
    pub(crate) fn setup_token(&self) -> PathBuf {
        self.console().join("setup.token")
    }

    /// Makes the folders, readable by their owner alone.
    pub(crate) fn create_folders(&self) -> Result<()> {
        for folder in ["", "store", "journal", "recordings", "keys", "keyholders"] {
            let path = self.0.join(folder);
            create_folder(&path)
                .with_context(|| format!("cannot make the folder `{}`", path.display()))?;
        }
        Ok(())
    }
}

/// Makes a folder, readable by its owner alone.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path)
}

/// Opens a log to append to, readable by its owner alone.
pub(crate) fn open_log(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().create(true).append(true).mode(FILE_MODE).open(path)
}

/// Writes a new file, readable by its owner alone. An existing file is never replaced.
pub(crate) fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operators_own_caps_come_on_top_and_what_does_not_read_stops_everything() {
        let folder = tempfile::tempdir().unwrap();
        let data = Data::at(folder.path());
        let builtin = CapTable::builtin();
        assert_eq!(data.caps().unwrap(), builtin);
        let head = "id,order,source,kind,adp_min,adp_max,state,component,amount,from,to,note\n";
        let row = "co/total,An act,A code,any,,,CO,total,0.05,2020-01-01,,\n";
        fs::write(folder.path().join("caps.csv"), format!("{head}{row}")).unwrap();
        assert_eq!(data.caps().unwrap().caps().count(), builtin.caps().count() + 1);
        fs::write(folder.path().join("caps.csv"), format!("{head}{row}{row}")).unwrap();
        let error = format!("{:#}", data.caps().unwrap_err());
        assert!(error.contains("caps.csv") && error.contains("line 3"), "{error}");
    }
}
