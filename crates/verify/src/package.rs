//! Checks a package of records and recordings as its recipient, or whoever they show it to.
//!
//! It begins with keys that the reader got in another way: the log's, those of witnesses, and the
//! certificates of authorities that stamp times. What the package says of itself is believed only
//! as far as it follows from them. Start with [`Package::open`].

mod archive;
mod manifest;

use crate::stamp::{self, NotAStamp};
use access::{Gate, Intent, LEAF_OCTETS, NoReceipt, Object, Opening, Proof, Verb};
use archive::{Files, unpacked};
use manifest::Manifest;
use model::Timestamp;
use sha2::{Digest as _, Sha256, Sha512};
use std::collections::BTreeSet;
use tlog::{Checkpoint, NotAProofFile, Policy, ProofFile, Unverified, Verifier, Witnessed};

/// What a reader believes.
#[derive(Clone, Debug)]
pub struct Trust {
    /// The log's key.
    pub log: Verifier,
    /// Which witnesses must have seen it.
    pub witnesses: Policy,
    /// Certificates (DER) of authorities whose time stamps are believed.
    pub authorities: Vec<Vec<u8>>,
}

/// A package that was opened, and not checked yet.
pub struct Package {
    sha256: [u8; 32],
    octets: Vec<u8>,
    files: Files,
    stamp: Option<Vec<u8>>,
}

/// What was found about a package that is what was handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// SHA-256 of `package.zip`.
    pub sha256: [u8; 32],
    /// The name of the log.
    pub log: String,
    /// Place of the disclosure in it.
    pub entry: u64,
    /// How many entries the log had.
    pub size: u64,
    /// Who saw it then.
    pub witnessed: Vec<Witnessed>,
    /// When it was asked for.
    pub asked: Timestamp,
    /// How many files lie in it, and entries of the log.
    pub counts: (usize, usize),
    /// The time stamp.
    pub stamp: Stamp,
}

/// What there is of a time stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// None was to be had. The package says why.
    None {
        /// Why.
        why: String,
    },
    /// There is one, and no authority was given to check it by.
    Unchecked,
    /// An authority that is believed saw the manifest at this time.
    At(Timestamp),
}

impl Package {
    /// Opens `package.zip`, or the sealed archive around it with its passphrase.
    ///
    /// # Errors
    /// [`Fault::Archive`], [`Fault::Sealed`].
    pub fn open(octets: &[u8], passphrase: Option<&str>) -> Result<Self, Fault> {
        let mut outer = unpacked(octets, passphrase)?;
        let Some(inner) = outer.remove(INNER) else {
            let sha256 = Sha256::digest(octets).into();
            return Ok(Self { sha256, octets: octets.to_vec(), files: outer, stamp: None });
        };
        let stamp = outer.remove(STAMP);
        if let Some(path) = outer.into_keys().next() {
            return Err(Fault::Added(path));
        }
        let (sha256, files) = (Sha256::digest(&inner).into(), unpacked(&inner, None)?);
        Ok(Self { sha256, octets: inner, files, stamp })
    }

    /// Adds the time stamp that came beside `package.zip`.
    #[must_use]
    pub fn with_stamp(self, stamp: Vec<u8>) -> Self {
        Self { stamp: Some(stamp), ..self }
    }

    /// SHA-256 of `package.zip`.
    #[must_use]
    pub const fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// What lies in it with `package.zip` itself, which the page inside checks, and the time stamp
    /// where there is one: paths in it and octets. Write it after [`Package::check`] only.
    ///
    /// # Errors
    /// [`Fault::Path`] when a path leads elsewhere than into the folder it is written to.
    pub fn contents(&self) -> Result<Vec<(&str, &[u8])>, Fault> {
        let mut all: Vec<(&str, &[u8])> =
            self.files.iter().map(|(path, octets)| (path.as_str(), octets.as_slice())).collect();
        all.push((INNER, &self.octets));
        all.extend(self.stamp.as_deref().map(|stamp| (STAMP, stamp)));
        let odd = all.iter().find(|(path, _)| !leads_inside(path));
        odd.map_or_else(|| Ok(all.clone()), |(path, _)| Err(Fault::Path((*path).to_owned())))
    }

    /// Whether files, entries and time stamp are what was handed out, and the entry of the log that
    /// of exactly this.
    ///
    /// # Errors
    /// [`Fault`]: the first thing that is not.
    pub fn check(&self, trust: &Trust) -> Result<Found, Fault> {
        let text = self.file(MANIFEST)?;
        let manifest = Manifest::read(text).ok_or(Fault::Manifest)?;
        let octets = self.file(CHECKPOINT)?;
        let checkpoint = Checkpoint::read(octets, &trust.log, &trust.witnesses)?;
        if (checkpoint.origin(), checkpoint.size()) != manifest.checkpoint() {
            return Err(Fault::OtherCheckpoint);
        }
        if checkpoint.size() <= manifest.disclosure.entry {
            return Err(Fault::Stale);
        }
        self.files_are_those_of(&manifest)?;
        let gate = Gate::new(trust.log.clone(), trust.witnesses.clone());
        let mut said = None;
        for entry in &manifest.entries {
            let proof = self.proof(entry)?;
            if entry.index == manifest.disclosure.entry {
                // What the reader keeps is the checkpoint beside: whoever shows two histories must
                // not prove the handing out in one and show the other.
                if proof.checkpoint.text() != checkpoint.note().text() {
                    return Err(Fault::OtherCheckpoint);
                }
                said = Some(gate.said(proof)?);
            } else {
                stands(&proof, trust)?;
            }
        }
        let intent = said.ok_or(Fault::NoDisclosure)?;
        manifest.tells(&intent).map_err(Fault::OtherDisclosure)?;
        self.holds_what_was_disclosed(&intent)?;
        Ok(Found {
            sha256: self.sha256,
            log: checkpoint.origin().to_owned(),
            entry: manifest.disclosure.entry,
            size: checkpoint.size(),
            witnessed: checkpoint.witnessed().to_vec(),
            asked: intent.asked,
            counts: (manifest.files.len(), manifest.entries.len()),
            stamp: self.stamped(&manifest, text, trust)?,
        })
    }

    fn file(&self, path: &str) -> Result<&[u8], Fault> {
        let found = self.files.get(path).map(Vec::as_slice);
        found.ok_or_else(|| Fault::Missing(path.to_owned()))
    }

    /// Every file is the one that the manifest names, and there is no other.
    fn files_are_those_of(&self, manifest: &Manifest) -> Result<(), Fault> {
        for (path, sums) in &manifest.files {
            let octets = self.file(path)?;
            let same = octets.len() as u64 == sums.octets
                && hex(&Sha256::digest(octets)) == sums.sha256
                && hex(&Sha512::digest(octets)) == sums.sha512;
            if !same {
                return Err(Fault::Changed(path.clone()));
            }
        }
        let known = |path: &&String| *path == MANIFEST || manifest.files.contains_key(*path);
        let added = self.files.keys().find(|path| !known(path));
        added.map_or(Ok(()), |path| Err(Fault::Added(path.clone())))
    }

    fn proof(&self, entry: &manifest::Entry) -> Result<Proof, Fault> {
        let leaf = self.file(&entry.leaf)?;
        let leaf: [u8; LEAF_OCTETS] = leaf.try_into().map_err(|_| Fault::Entry(entry.index))?;
        let file = ProofFile::parse(self.file(&entry.proof)?)?;
        if file.inclusion().index() != entry.index {
            return Err(Fault::Entry(entry.index));
        }
        let opening = match self.file(&entry.opening)?.split_first_chunk() {
            Some((salt, detail)) => Opening { salt: *salt, detail: detail.to_vec() },
            // What it says is not for the recipient.
            None => Opening { salt: [0; 32], detail: Vec::new() },
        };
        let (inclusion, checkpoint) = (file.inclusion().clone(), file.checkpoint().clone());
        if !opening.detail.is_empty() && !opening.opens(&leaf) {
            return Err(Fault::Entry(entry.index));
        }
        Ok(Proof { leaf, opening, inclusion, checkpoint })
    }

    /// What lies here is what the entry in the log names, and nothing else.
    fn holds_what_was_disclosed(&self, intent: &Intent) -> Result<(), Fault> {
        if intent.verb != Verb::Export {
            return Err(Fault::OtherDisclosure("it was not to take a copy away"));
        }
        let recordings: BTreeSet<&str> = self
            .files
            .keys()
            .filter_map(|path| path.strip_prefix(AUDIO)?.split('.').next())
            .collect();
        let rows = manifest::rows(self.file(RECORDS)?).ok_or(Fault::Manifest)?;
        // A call, and the numbers that were refused in it before it was let out.
        let (named, calls_max, refused_max) = match &intent.object {
            Object::Recording { recording, .. } => (Some(format!("{:016x}", recording.0)), 1, 0),
            Object::Records { records, .. } => {
                (None, records.len(), records.len().saturating_mul(REFUSED_IN_CALL_COUNT_MAX))
            }
            Object::Counts { .. } | Object::Ledger { .. } | Object::Held { .. } => (None, 0, 0),
        };
        if recordings.iter().any(|recording| named.as_deref() != Some(recording)) {
            return Err(Fault::OtherDisclosure("it was for another recording"));
        }
        if rows.calls > calls_max || rows.refused > refused_max {
            return Err(Fault::OtherDisclosure("it was for fewer records"));
        }
        Ok(())
    }

    fn stamped(&self, manifest: &Manifest, text: &[u8], trust: &Trust) -> Result<Stamp, Fault> {
        match (&self.stamp, manifest.time_stamp.is_beside()) {
            (None, false) => Ok(Stamp::None { why: manifest.time_stamp.why.clone() }),
            (None, true) => Err(Fault::NoStamp),
            (Some(_), false) => Err(Fault::Added(STAMP.to_owned())),
            (Some(_), true) if trust.authorities.is_empty() => Ok(Stamp::Unchecked),
            (Some(token), true) => {
                let hash = Sha256::digest(text).into();
                Ok(Stamp::At(stamp::check(token, &hash, &trust.authorities)?.at))
            }
        }
    }
}

impl std::fmt::Debug for Package {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Package({} files)", self.files.len())
    }
}

/// Plain names with `/` between them, none of which means another folder, on any system.
fn leads_inside(path: &str) -> bool {
    path.split('/').all(|name| {
        let plain = |sign: char| sign.is_ascii_alphanumeric() || "-_.".contains(sign);
        !name.is_empty() && !name.starts_with('.') && name.chars().all(plain)
    })
}

/// An entry that the recipient need not be able to read stands in the log.
fn stands(proof: &Proof, trust: &Trust) -> Result<(), Fault> {
    let checkpoint = Checkpoint::verified(proof.checkpoint.clone(), &trust.log, &trust.witnesses)?;
    let leaf = tlog::Hash::leaf(&proof.leaf);
    let included = proof.inclusion.verify(leaf, &checkpoint);
    included.map(drop).map_err(|_| Fault::Entry(proof.inclusion.index()))
}

/// Why a package is not what was handed out, or could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It is no archive, or a damaged or compressed one.
    #[error("this is no package: {0}")]
    Archive(String),
    /// It is sealed.
    #[error("the package is sealed: give its passphrase; if you did, it is another one")]
    Sealed,
    /// A file is missing.
    #[error("`{0}` is missing in the package")]
    Missing(String),
    /// A file is not what was handed out.
    #[error("`{0}` is not what was handed out")]
    Changed(String),
    /// A file was added.
    #[error("`{0}` was not in the package when it was handed out")]
    Added(String),
    /// A path leads out of the folder.
    #[error("`{0}` in the package is no path that a package has")]
    Path(String),
    /// The manifest cannot be read.
    #[error("the manifest cannot be read, or is of a version that is not known here")]
    Manifest,
    /// The checkpoint is not to be relied on.
    #[error(transparent)]
    Checkpoint(#[from] Unverified),
    /// The checkpoint is not the manifest's.
    #[error("the checkpoint is not the one that the manifest names, or not that of the proof")]
    OtherCheckpoint,
    /// The checkpoint is older than the disclosure.
    #[error("the checkpoint is stale: it is older than the handing out")]
    Stale,
    /// A proof cannot be read.
    #[error("a proof in the package cannot be read: {0}")]
    Proof(#[from] NotAProofFile),
    /// An entry does not stand in the log.
    #[error("entry {0} does not stand in the log as it lies in the package")]
    Entry(u64),
    /// The disclosure does not stand in the log.
    #[error("the handing out does not stand in the log: {0}")]
    NoReceipt(#[from] NoReceipt),
    /// The disclosure is not among the entries.
    #[error("the handing out itself is not among the entries")]
    NoDisclosure,
    /// The entry is of another disclosure.
    #[error("the entry in the log is of another disclosure: {0}")]
    OtherDisclosure(&'static str),
    /// The time stamp is missing.
    #[error("the manifest says that a time stamp lies beside it, and there is none")]
    NoStamp,
    /// The time stamp is none.
    #[error(transparent)]
    Stamp(#[from] NotAStamp),
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// What lies in a sealed archive.
const INNER: &str = "package.zip";
const STAMP: &str = "manifest.tsr";
/// What lies in `package.zip`.
const MANIFEST: &str = "manifest.json";
const CHECKPOINT: &str = "proofs/checkpoint";
const RECORDS: &str = "records/records.json";
const AUDIO: &str = "audio/";
/// Numbers that somebody may try in one call; each that is refused is a record of that call.
const REFUSED_IN_CALL_COUNT_MAX: usize = 6;
