//! The keys of one keyholder. There can be several: recordings stay sealed to the key that was
//! current when they were made.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};
use vault::{KeyId, KeyholderKey, KeyholderSecret, NotOpened};

/// Private keys in a folder, a file each.
#[derive(Debug)]
pub struct KeyRing {
    folder: PathBuf,
    keys: BTreeMap<KeyId, KeyholderSecret>,
    current: KeyId,
}

impl KeyRing {
    /// Makes a folder with a first key.
    ///
    /// # Errors
    /// When there is one already, or the disk or the system fails.
    pub fn create(folder: &Path) -> Result<Self, RingError> {
        if folder.exists() {
            return Err(RingError::Exists(folder.to_owned()));
        }
        Self::adopt(folder, vault::generate().map_err(|_| RingError::NoRandomness)?.0)
    }

    /// Begins with a key that is there already, such as one typed from an escrow sheet, in a folder
    /// for its owner alone.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn adopt(folder: &Path, secret: KeyholderSecret) -> Result<Self, RingError> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let current = secret.public().id();
        let mut ring = Self { folder: folder.to_owned(), keys: BTreeMap::new(), current };
        ring.add(secret)?;
        Ok(ring)
    }

    /// Reads the keys in `folder`.
    ///
    /// # Errors
    /// When a file there is no key, none is current, or the disk fails.
    pub fn load(folder: &Path) -> Result<Self, RingError> {
        let mut keys = BTreeMap::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == KEY) {
                let text = zeroize::Zeroizing::new(fs::read_to_string(&path)?);
                let secret = KeyholderSecret::parse(&text);
                let secret = secret.map_err(|_| RingError::NoKey(path))?;
                keys.insert(secret.public().id(), secret);
            }
        }
        let name = fs::read_to_string(folder.join(CURRENT))?;
        let current = keys.keys().find(|id| id.to_string() == name.trim()).copied();
        let current = current.ok_or(RingError::NoCurrent)?;
        Ok(Self { folder: folder.to_owned(), keys, current })
    }

    /// Makes a new key the current one. The old ones stay, for what was sealed to them.
    ///
    /// # Errors
    /// When the disk or the system fails; then the old key is current still.
    pub fn rotate(&mut self) -> Result<KeyholderKey, RingError> {
        let (secret, public) = vault::generate().map_err(|_| RingError::NoRandomness)?;
        self.add(secret)?;
        Ok(public)
    }

    /// Destroys a key. What is sealed to it is never opened again.
    ///
    /// # Errors
    /// When there is no such key, it is the current one, or the disk fails.
    pub fn destroy(&mut self, id: &str) -> Result<(), RingError> {
        let found = self.keys.keys().find(|key| key.to_string() == id).copied();
        let found = found.ok_or(RingError::Unknown)?;
        if found == self.current {
            return Err(RingError::Current);
        }
        fs::remove_file(self.file(&found))?;
        File::open(&self.folder)?.sync_all()?;
        self.keys.remove(&found);
        Ok(())
    }

    /// The key to seal to from now on.
    pub fn current(&self) -> Option<&KeyholderSecret> {
        self.known(&self.current)
    }

    /// All keys, the current one included.
    pub fn public(&self) -> impl Iterator<Item = KeyholderKey> {
        self.keys.keys().filter_map(|id| self.known(id)).map(KeyholderSecret::public)
    }

    /// The key that a recording's header names.
    pub(crate) fn of(&self, header: &[u8]) -> Result<&KeyholderSecret, NotOpened> {
        let named = vault::holders(header)?;
        let found = named.iter().find_map(|id| self.known(id));
        found.ok_or(NotOpened::OtherKeyholder)
    }

    /// Every key that a share in a file beside a segment is sealed to.
    pub(crate) fn of_segment(&self, shares: &[u8]) -> Result<Vec<&KeyholderSecret>, NotOpened> {
        let named = vault::segment_holders(shares).ok_or(NotOpened::NoShares)?;
        let found: Vec<_> = named.iter().filter_map(|id| self.known(id)).collect();
        if found.is_empty() { Err(NotOpened::NoSegmentShare) } else { Ok(found) }
    }

    /// One key that lies in no folder.
    pub(crate) fn in_memory(secret: KeyholderSecret) -> Self {
        let current = secret.public().id();
        Self { folder: PathBuf::new(), keys: BTreeMap::from([(current, secret)]), current }
    }

    /// The key of this id, unless another process destroyed it since: a program that serves opens
    /// nothing with it from then on.
    fn known(&self, id: &KeyId) -> Option<&KeyholderSecret> {
        let there = self.folder.as_os_str().is_empty() || self.file(id).exists();
        self.keys.get(id).filter(|_| there)
    }

    fn file(&self, id: &KeyId) -> PathBuf {
        self.folder.join(format!("{id}.{KEY}"))
    }

    fn add(&mut self, secret: KeyholderSecret) -> Result<(), RingError> {
        let id = secret.public().id();
        write_new(&self.file(&id), secret.text().as_bytes())?;
        let new = self.folder.join(CURRENT_NEW);
        drop(fs::remove_file(&new));
        write_new(&new, id.to_string().as_bytes())?;
        fs::rename(new, self.folder.join(CURRENT))?;
        File::open(&self.folder)?.sync_all()?;
        self.keys.insert(id, secret);
        self.current = id;
        Ok(())
    }
}

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RingError {
    /// There is a folder already.
    #[error("`{}` is there already; nothing was changed", .0.display())]
    Exists(PathBuf),
    /// A file is no key.
    #[error("`{}` is no keyholder's private key", .0.display())]
    NoKey(PathBuf),
    /// No key is current.
    #[error("none of the keys is the current one: the folder is not whole")]
    NoCurrent,
    /// There is no such key.
    #[error("there is no key with this id")]
    Unknown,
    /// The current key is not destroyed.
    #[error("this key is the current one: rotate first")]
    Current,
    /// No randomness.
    #[error("the operating system gives no random numbers, so no key can be made")]
    NoRandomness,
    /// The disk reported a fault.
    #[error("cannot use the folder of keys: {0}")]
    Io(#[from] io::Error),
}

pub(crate) fn write_new(path: &Path, octets: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(octets)?;
    file.sync_all()
}

const KEY: &str = "key";
const CURRENT: &str = "current";
const CURRENT_NEW: &str = "current.new";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_process_destroyed_is_not_used_any_more() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("keys");
        let mut here = KeyRing::create(&folder).unwrap();
        let old = here.current().unwrap().public().id();
        here.rotate().unwrap();
        let serving = KeyRing::load(&folder).unwrap();
        assert_eq!(serving.public().count(), 2);
        here.destroy(&old.to_string()).unwrap();
        assert_eq!(serving.public().count(), 1);
        assert!(serving.known(&old).is_none());
        assert_ne!(serving.current().unwrap().public().id(), old);
    }
}
