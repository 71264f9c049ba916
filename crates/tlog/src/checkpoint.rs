//! Checkpoints: the size and root of a log, signed by it and seen by witnesses
//! (c2sp.org/tlog-checkpoint, c2sp.org/tlog-cosignature).

use crate::{
    Hash, KeyKind, NotANote, Note, Signature, Signer, Unsigned, Verifier, decimal,
    limits::{EXTENSION_LINES_COUNT_MAX, NAME_OCTETS_MAX, TREE_SIZE_MAX, WITNESSES_COUNT_MAX},
    note::WITNESS_TIME_S_MAX,
};
use alloc::{
    string::{String, ToString as _},
    vec::Vec,
};
use core::fmt;

/// What a checkpoint says. By itself it is anybody's claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Which log.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
    /// Lines after these three. Ours has none; a log of others may.
    pub extensions: Vec<String>,
}

impl Head {
    /// Reads the text of a checkpoint.
    ///
    /// # Errors
    /// Says which line is wrong.
    pub fn parse(text: &str) -> Result<Self, NotACheckpoint> {
        let mut lines = text.strip_suffix('\n').ok_or(NotACheckpoint::Lines)?.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(NotACheckpoint::Lines);
        };
        if origin.is_empty() || origin.len() > NAME_OCTETS_MAX {
            return Err(NotACheckpoint::Origin);
        }
        let size = decimal::parse(size).filter(|size| *size <= TREE_SIZE_MAX);
        let size = size.ok_or(NotACheckpoint::Size)?;
        let root = Hash::parse(root).ok_or(NotACheckpoint::Root)?;
        if size == 0 && root != Hash::EMPTY_TREE {
            return Err(NotACheckpoint::Root);
        }
        let extensions: Vec<_> = lines.map(String::from).collect();
        if extensions.len() > EXTENSION_LINES_COUNT_MAX || extensions.iter().any(String::is_empty) {
            return Err(NotACheckpoint::Extensions);
        }
        Ok(Self { origin: origin.to_string(), size, root, extensions })
    }
}

/// The text that is signed.
impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root)?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// A head of which it is known that the log signed it, and that as many witnesses saw it as the
/// policy wants.
///
/// Made by [`Checkpoint::verified`] alone, also by whoever signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    head: Head,
    note: Note,
    witnessed: Vec<Witnessed>,
}

impl Checkpoint {
    /// Checks the signatures under a note.
    ///
    /// The log's key must have the log's origin for its name, so that the key of one log vouches
    /// for no other.
    ///
    /// # Errors
    /// Says what is missing or false.
    pub fn verified(note: Note, log: &Verifier, policy: &Policy) -> Result<Self, Unverified> {
        if log.kind() != KeyKind::Log {
            return Err(Unverified::NoLogKey);
        }
        note.check(log)?;
        let head = Head::parse(note.text())?;
        if head.origin != log.name() {
            return Err(Unverified::Origin { origin: head.origin, key: log.name().to_string() });
        }
        if policy.witnesses.iter().any(|witness| witness.is_same_key(log)) {
            return Err(Unverified::WitnessIsLog);
        }
        let mut witnessed = Vec::new();
        for witness in &policy.witnesses {
            match note.witnessed_s(witness) {
                Ok(time_s) => {
                    witnessed.push(Witnessed { name: witness.name().to_string(), time_s })
                }
                Err(Unsigned::Missing(_)) => {}
                Err(other @ (Unsigned::False(_) | Unsigned::Text | Unsigned::Kind)) => {
                    return Err(other.into());
                }
            }
        }
        if witnessed.len() < policy.needed {
            return Err(Unverified::Quorum { seen: witnessed.len(), needed: policy.needed });
        }
        Ok(Self { head, note, witnessed })
    }

    /// Reads a checkpoint and checks it.
    ///
    /// # Errors
    /// As [`Note::parse`] and [`Checkpoint::verified`].
    pub fn read(octets: &[u8], log: &Verifier, policy: &Policy) -> Result<Self, Unverified> {
        Self::verified(Note::parse(octets)?, log, policy)
    }

    /// Which log.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.head.origin
    }

    /// How many entries it has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.head.size
    }

    /// Root over them.
    #[must_use]
    pub const fn root(&self) -> Hash {
        self.head.root
    }

    /// The note it was read from, with all its signatures.
    #[must_use]
    pub const fn note(&self) -> &Note {
        &self.note
    }

    /// Which witnesses of the policy saw it, and when. Whether the times are near enough is for
    /// whoever has a clock.
    #[must_use]
    pub fn witnessed(&self) -> &[Witnessed] {
        &self.witnessed
    }

    /// Vouches for it as a witness: that `time_s` seconds after 1970 this was the largest head of
    /// the log that the witness had seen, and consistent with all before. To know that is the
    /// witness's duty; [`Consistency::verify`](crate::Consistency::verify) is how.
    ///
    /// # Errors
    /// When the key is no witness's, or the time none.
    pub fn cosign(&self, witness: &Signer, time_s: u64) -> Result<Signature, Unsigned> {
        if witness.verifier().kind() != KeyKind::Witness || time_s > WITNESS_TIME_S_MAX {
            return Err(Unsigned::Kind);
        }
        Ok(Signature::by_witness(self.note.text(), witness, time_s))
    }
}

/// A witness saw a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessed {
    /// Name of its key.
    pub name: String,
    /// When, in seconds since 1970, by its own clock.
    pub time_s: u64,
}

/// How many witnesses, and of which, must have seen a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    witnesses: Vec<Verifier>,
    needed: usize,
}

impl Policy {
    /// The log's word suffices: what it shows to one it may hide from another.
    pub const LOG_ALONE: Self = Self { witnesses: Vec::new(), needed: 0 };

    /// At least `needed` of `witnesses`.
    ///
    /// # Errors
    /// When it could never be met, could be met by nobody, or counts somebody twice.
    pub fn quorum(needed: usize, witnesses: Vec<Verifier>) -> Result<Self, NotAPolicy> {
        if witnesses.len() > WITNESSES_COUNT_MAX {
            return Err(NotAPolicy::TooMany);
        }
        if needed == 0 || needed > witnesses.len() {
            return Err(NotAPolicy::Needed { needed, of: witnesses.len() });
        }
        let mut seen: Vec<&Verifier> = Vec::new();
        for witness in &witnesses {
            let name = || witness.name().to_string();
            if witness.kind() != KeyKind::Witness {
                return Err(NotAPolicy::NoWitness(name()));
            }
            let twice =
                |other: &&Verifier| other.is_same_key(witness) || other.name() == witness.name();
            if seen.iter().any(twice) {
                return Err(NotAPolicy::Twice(name()));
            }
            seen.push(witness);
        }
        Ok(Self { witnesses, needed })
    }
}

/// Why a text is not a checkpoint's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotACheckpoint {
    /// There are not three lines.
    #[error("a checkpoint has at least three lines: origin, size and root")]
    Lines,
    /// The first is wrong.
    #[error("the origin of a checkpoint has 1 to {NAME_OCTETS_MAX} octets")]
    Origin,
    /// The second is wrong.
    #[error("the size of a checkpoint is a number up to {TREE_SIZE_MAX} without leading zeroes")]
    Size,
    /// The third is wrong.
    #[error("the root of a checkpoint is a hash in base64, and that of nothing for size 0")]
    Root,
    /// Others are empty, or too many.
    #[error("a checkpoint has at most {EXTENSION_LINES_COUNT_MAX} further lines, none empty")]
    Extensions,
}

/// Why a checkpoint is not to be relied on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// It is no signed note.
    #[error(transparent)]
    Note(#[from] NotANote),
    /// A signature is missing or false.
    #[error("the checkpoint is not to be relied on: {0}")]
    Unsigned(#[from] Unsigned),
    /// What is signed is no checkpoint.
    #[error(transparent)]
    Text(#[from] NotACheckpoint),
    /// The log's key signed for another log.
    #[error("the checkpoint is of log `{origin}`, the key is of `{key}`")]
    Origin {
        /// Which log it is of.
        origin: String,
        /// Whose key it was checked with.
        key: String,
    },
    /// The key given for the log is a witness's.
    #[error("the key given for the log is that of a witness")]
    NoLogKey,
    /// A witness of the policy is the log itself.
    #[error("a log is no witness of itself; give another key for that witness")]
    WitnessIsLog,
    /// Too few witnesses have seen it.
    #[error("{seen} of the witnesses have seen the checkpoint, {needed} are needed")]
    Quorum {
        /// How many have.
        seen: usize,
        /// How many must.
        needed: usize,
    },
}

/// Why witnesses and a number are no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAPolicy {
    /// The number is 0, or more than there are.
    #[error("`{needed}` of {of} witnesses can not be asked for")]
    Needed {
        /// The number.
        needed: usize,
        /// How many there are.
        of: usize,
    },
    /// There are more than are looked at.
    #[error("a policy has at most {WITNESSES_COUNT_MAX} witnesses")]
    TooMany,
    /// A key is not of the kind that witnesses have.
    #[error("the key of `{0}` is not that of a witness")]
    NoWitness(String),
    /// Two have the same name or key.
    #[error("witness `{0}` has the name or the key of another")]
    Twice(String),
}

#[cfg(test)]
mod tests;
