//! Proof files: all that shows an outsider, without a network, that an entry is in a log
//! (c2sp.org/tlog-proof).

use crate::{
    Checkpoint, Hash, Included, Inclusion, NotANote, Note, Policy, Unproven, Unverified, Verifier,
    decimal, hash,
    limits::{EXTRA_OCTETS_MAX, PROOF_FILE_OCTETS_MAX, PROOF_HASHES_COUNT_MAX},
};
use alloc::vec::Vec;
use core::fmt;

/// A proof of inclusion with the checkpoint it leads to. Printed, it is the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofFile {
    extra: Option<Vec<u8>>,
    inclusion: Inclusion,
    checkpoint: Note,
}

impl ProofFile {
    /// Puts a proof and a checkpoint together.
    #[must_use]
    pub fn new(inclusion: Inclusion, checkpoint: &Checkpoint) -> Self {
        Self { extra: None, inclusion, checkpoint: checkpoint.note().clone() }
    }

    /// Puts a proof and the note of a checkpoint together that somebody else checks.
    #[must_use]
    pub const fn of(inclusion: Inclusion, checkpoint: Note) -> Self {
        Self { extra: None, inclusion, checkpoint }
    }

    /// Adds what else the reader needs. Nobody vouches for it.
    ///
    /// # Errors
    /// When it is too long.
    pub fn with_extra(self, extra: Vec<u8>) -> Result<Self, NotAProofFile> {
        if extra.len() > EXTRA_OCTETS_MAX {
            return Err(NotAProofFile::Extra);
        }
        Ok(Self { extra: Some(extra), ..self })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Says which line is wrong.
    pub fn parse(octets: &[u8]) -> Result<Self, NotAProofFile> {
        if octets.len() > PROOF_FILE_OCTETS_MAX {
            return Err(NotAProofFile::TooLong);
        }
        let text = str::from_utf8(octets).map_err(|_| NotAProofFile::Header)?;
        let (proof, note) = text.split_once("\n\n").ok_or(NotAProofFile::Shape)?;
        let mut lines = proof.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(NotAProofFile::Header);
        }
        let extra = lines.next_if(|line| line.starts_with(EXTRA));
        let extra = extra.map(|line| parse_extra(line).ok_or(NotAProofFile::Extra)).transpose()?;
        let index = lines.next().and_then(|line| line.strip_prefix(INDEX));
        let index = index.and_then(decimal::parse).ok_or(NotAProofFile::Index)?;
        let mut path = Vec::new();
        for line in lines {
            if path.len() == PROOF_HASHES_COUNT_MAX {
                return Err(NotAProofFile::Path);
            }
            path.push(Hash::parse(line).ok_or(NotAProofFile::Path)?);
        }
        let checkpoint = Note::parse(note.as_bytes())?;
        Ok(Self { extra, inclusion: Inclusion::new(index, path), checkpoint })
    }

    /// What stands beside the proof. Nobody vouches for it.
    #[must_use]
    pub fn extra(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }

    /// The proof, unchecked.
    #[must_use]
    pub const fn inclusion(&self) -> &Inclusion {
        &self.inclusion
    }

    /// The note of its checkpoint, unchecked.
    #[must_use]
    pub const fn checkpoint(&self) -> &Note {
        &self.checkpoint
    }

    /// Makes sure that the entry with hash `leaf` is in the log.
    ///
    /// # Errors
    /// When the checkpoint is not to be relied on, or the proof does not follow.
    pub fn verify(
        &self,
        leaf: Hash,
        log: &Verifier,
        policy: &Policy,
    ) -> Result<(Included, Checkpoint), Refuted> {
        let checkpoint = Checkpoint::verified(self.checkpoint.clone(), log, policy)?;
        Ok((self.inclusion.verify(leaf, &checkpoint)?, checkpoint))
    }
}

impl fmt::Display for ProofFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "{EXTRA}{}", hash::encode(extra))?;
        }
        writeln!(f, "{INDEX}{}", self.inclusion.index())?;
        self.inclusion.path().iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

/// Why something is no proof file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAProofFile {
    /// It is longer than one is read.
    #[error("a proof file has at most {PROOF_FILE_OCTETS_MAX} octets")]
    TooLong,
    /// It does not begin as one.
    #[error("a proof file begins with `{HEADER}`")]
    Header,
    /// It is not a proof, an empty line, and a checkpoint.
    #[error("a proof file is a proof, an empty line, and a checkpoint")]
    Shape,
    /// Its line `extra` is wrong.
    #[error("the extra data of a proof file are at most {EXTRA_OCTETS_MAX} octets in base64")]
    Extra,
    /// Its line `index` is wrong or missing.
    #[error("a proof file names the entry as `index`, a space, and its number")]
    Index,
    /// One of its hashes is wrong, or there are too many.
    #[error("the lines after `index` are at most {PROOF_HASHES_COUNT_MAX} hashes in base64")]
    Path,
    /// Its checkpoint is none.
    #[error(transparent)]
    Note(#[from] NotANote),
}

/// Why a proof file proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refuted {
    /// Its checkpoint is not to be relied on.
    #[error(transparent)]
    Unverified(#[from] Unverified),
    /// Its proof does not follow.
    #[error(transparent)]
    Unproven(#[from] Unproven),
}

fn parse_extra(line: &str) -> Option<Vec<u8>> {
    let extra = hash::decode(line.strip_prefix(EXTRA)?)?;
    (extra.len() <= EXTRA_OCTETS_MAX).then_some(extra)
}

const HEADER: &str = "c2sp.org/tlog-proof@v1";
const EXTRA: &str = "extra ";
const INDEX: &str = "index ";

#[cfg(test)]
mod tests;
