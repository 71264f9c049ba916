//! The names that people recorded, sealed in files of their own. `docs/formats/name.md` draws the
//! octets.
//!
//! Unlike a recording, a name is opened by the node itself, in every notice that is spoken with it:
//! it is sealed under a key of the node. A file gets its last name only when its entry is durable.

use crate::{VaultError, stored};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, aead::AeadInOut};
use call::NameClip;
use hkdf::Hkdf;
use model::{
    AgencyId, CallId, PersonId, Private,
    speech::{OWN_VOICE_OCTETS_MAX, OwnVoice},
};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};
use zeroize::Zeroizing;

/// The recorded names of a node. A cheap handle.
#[derive(Clone)]
pub struct NameShelf(Arc<Inner>);

struct Inner {
    root: PathBuf,
    key: Zeroizing<[u8; NAME_KEY_OCTETS]>,
}

/// Whose name it is.
pub type NameOf = (AgencyId, PersonId);

/// A name that was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedName {
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// SHA-256 of what was said.
    pub voice: [u8; 32],
    /// Octets that were said.
    pub octets: u32,
}

/// A file among the names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameFile {
    /// Where it is.
    pub path: PathBuf,
    /// SHA-256 of it.
    pub sha256: [u8; 32],
    /// Whether it has its last name.
    pub placed: bool,
}

impl NameShelf {
    /// The names in folder `root`, which is made when the first is kept, under the node's key.
    pub fn new(root: impl Into<PathBuf>, key: [u8; NAME_KEY_OCTETS]) -> Self {
        Self(Arc::new(Inner { root: root.into(), key: Zeroizing::new(key) }))
    }

    /// Seals a name and writes it, durably, but not into its place: until [`NameShelf::place`] it
    /// is nobody's.
    ///
    /// # Errors
    /// [`VaultError::Exists`] when the person has one, in its place or on its way; otherwise a
    /// fault of the disk, or no randomness.
    pub fn put(&self, agency: AgencyId, clip: NameClip) -> Result<SealedName, VaultError> {
        let of = (agency, clip.person());
        let (placed, part) = (self.path(of, PLACED), self.path(of, PART));
        if placed.exists() {
            return Err(VaultError::Exists { file: placed });
        }
        let voice = clip.voice().expose();
        let file = self.seal(of, clip.call(), voice)?;
        write_new(&part, &file)?;
        Ok(SealedName {
            sha256: Sha256::digest(&file).into(),
            voice: Sha256::digest(voice).into(),
            octets: u32::try_from(voice.len()).unwrap_or(u32::MAX),
        })
    }

    /// Puts what was written into its place, now that its entry is durable.
    ///
    /// # Errors
    /// A fault of the disk.
    pub fn place(&self, of: NameOf) -> Result<(), VaultError> {
        let (placed, part) = (self.path(of, PLACED), self.path(of, PART));
        fs::rename(&part, &placed).map_err(|error| VaultError::io("move", &part, error))?;
        sync_folder(&placed)
    }

    /// Opens a name; `None` when it is not there, was changed, or is another one.
    pub fn read(&self, of: NameOf, sha256: [u8; 32]) -> Option<OwnVoice> {
        let file = fs::read(self.path(of, PLACED)).ok()?;
        let same = <[u8; 32]>::from(Sha256::digest(&file)) == sha256;
        self.unseal(of, &file).filter(|_| same)
    }

    /// Destroys what there is of a person, in its place or on its way. Without any, nothing
    /// happens.
    ///
    /// # Errors
    /// A fault of the disk: it may still be there.
    pub fn destroy(&self, of: NameOf) -> Result<(), VaultError> {
        for path in [self.path(of, PLACED), self.path(of, PART)] {
            match fs::remove_file(&path) {
                Ok(()) => sync_folder(&path)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(VaultError::io("remove", &path, error)),
            }
        }
        Ok(())
    }

    /// Finishes what a node that died left: what is `entered` and on its way comes into its place,
    /// what is on its way without an entry is destroyed, and so is what was `removed`. What stands
    /// in a place without an entry is left for the audit.
    ///
    /// # Errors
    /// A fault of the disk.
    pub fn recover(
        &self,
        entered: &BTreeMap<NameOf, [u8; 32]>,
        removed: &[[u8; 32]],
    ) -> Result<(), VaultError> {
        for file in name_files(&self.0.root)? {
            let of = self.of(&file.path);
            match of {
                Some(of) if !file.placed && entered.get(&of) == Some(&file.sha256) => {
                    self.place(of)?;
                }
                Some(_) | None if !file.placed || removed.contains(&file.sha256) => {
                    fs::remove_file(&file.path)
                        .map_err(|error| VaultError::io("remove", &file.path, error))?;
                    sync_folder(&file.path)?;
                }
                Some(_) | None => {}
            }
        }
        Ok(())
    }

    fn seal(&self, of: NameOf, call: CallId, voice: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE_OCTETS];
        getrandom::fill(&mut nonce).map_err(|_| VaultError::NoRandomness)?;
        let mut file = head(of, call);
        file.extend_from_slice(&nonce);
        let mut sealed = Zeroizing::new(voice.to_vec());
        let tag = self
            .cipher(of.0)
            .encrypt_inout_detached(&Nonce::from(nonce), &file, sealed.as_mut_slice().into())
            .map_err(|_| VaultError::CannotSeal("a recorded name".to_owned()))?;
        file.extend_from_slice(&sealed);
        file.extend_from_slice(&tag);
        Ok(file)
    }

    fn unseal(&self, of: NameOf, file: &[u8]) -> Option<OwnVoice> {
        let (bound, sealed) = file.split_at_checked(HEAD_OCTETS + NONCE_OCTETS)?;
        let (sealed, tag) = sealed.split_last_chunk::<TAG_OCTETS>()?;
        let nonce: [u8; NONCE_OCTETS] = *bound.last_chunk()?;
        let call = CallId(u64::from_le_bytes(*bound.get(CALL_AT..)?.first_chunk()?));
        let ours = bound.starts_with(&head(of, call)) && sealed.len() <= OWN_VOICE_OCTETS_MAX;
        let mut voice = Zeroizing::new(sealed.to_vec());
        let (nonce, tag) = (Nonce::from(nonce), (*tag).into());
        self.cipher(of.0)
            .decrypt_inout_detached(&nonce, bound, voice.as_mut_slice().into(), &tag)
            .ok()?;
        ours.then(|| Private::new(voice.as_slice().into()))
    }

    /// The cipher of one agency.
    fn cipher(&self, agency: AgencyId) -> Aes256Gcm {
        let mut key = Zeroizing::new([0; NAME_KEY_OCTETS]);
        let hkdf = Hkdf::<Sha256>::new(None, self.0.key.as_slice());
        let derived = hkdf.expand_multi_info(&[INFO, &agency.0.to_le_bytes()], key.as_mut_slice());
        assert!(derived.is_ok(), "HKDF-SHA256 gives up to 8,160 octets");
        Aes256Gcm::new((&*key).into())
    }

    fn path(&self, (agency, person): NameOf, kind: &str) -> PathBuf {
        self.0.root.join(format!("{:08x}", agency.0)).join(format!("{:08x}.{kind}", person.0))
    }

    /// Whose name a file is, by where it is.
    fn of(&self, path: &Path) -> Option<NameOf> {
        let number = |part: Option<&std::ffi::OsStr>| u32::from_str_radix(part?.to_str()?, 16).ok();
        let agency = number(path.parent().and_then(Path::file_name))?;
        let of = (AgencyId(agency), PersonId(number(path.file_stem())?));
        [PLACED, PART].iter().any(|kind| self.path(of, kind) == path).then_some(of)
    }
}

impl fmt::Debug for NameShelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NameShelf({})", self.0.root.display())
    }
}

/// Every file among the names in `root`, however it came there, hashed; nothing is opened.
///
/// # Errors
/// A folder or a file that cannot be read.
pub fn name_files(root: &Path) -> Result<Vec<NameFile>, VaultError> {
    let mut found = Vec::new();
    for path in stored::files(root)? {
        let octets = fs::read(&path).map_err(|error| VaultError::io("read", &path, error))?;
        let placed = path.extension().is_none_or(|kind| kind != PART);
        found.push(NameFile { sha256: Sha256::digest(octets).into(), placed, path });
    }
    Ok(found)
}

/// What a file begins with, and what its seal is bound to.
fn head((agency, person): NameOf, call: CallId) -> Vec<u8> {
    let mut head = Vec::with_capacity(HEAD_OCTETS);
    head.extend_from_slice(&MAGIC);
    head.extend_from_slice(&FORMAT.to_le_bytes());
    head.extend_from_slice(&agency.0.to_le_bytes());
    head.extend_from_slice(&person.0.to_le_bytes());
    head.extend_from_slice(&call.0.to_le_bytes());
    head
}

/// Writes a new file, durably, readable by its owner alone.
fn write_new(path: &Path, octets: &[u8]) -> Result<(), VaultError> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(|error| VaultError::io("make", folder, error))?;
    let opened = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path);
    let mut file = opened.map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            VaultError::Exists { file: path.to_owned() }
        } else {
            VaultError::io("make", path, error)
        }
    })?;
    let written = file.write_all(octets).and_then(|()| file.sync_all());
    if let Err(error) = written {
        // What is there in part is nobody's name.
        let _ = fs::remove_file(path);
        return Err(VaultError::io("write", path, error));
    }
    sync_folder(path)
}

/// Makes the names of the files beside `path` durable.
fn sync_folder(path: &Path) -> Result<(), VaultError> {
    let folder = path.parent().unwrap_or(path);
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| VaultError::io("sync", folder, error))
}

/// Octets of the key that names are sealed under.
pub const NAME_KEY_OCTETS: usize = 32;

const MAGIC: [u8; 8] = *b"PARLNAME";
const FORMAT: u32 = 1;
/// Magic, format, agency, person, call.
const HEAD_OCTETS: usize = 8 + 4 + 4 + 4 + 8;
const CALL_AT: usize = 20;
const NONCE_OCTETS: usize = 12;
const TAG_OCTETS: usize = 16;
const INFO: &[u8] = b"parlatory recorded name v1";
const FILE_MODE: u32 = 0o600;
/// A file in its place.
const PLACED: &str = "name";
/// A file on its way there.
const PART: &str = "part";
