//! The entry of a disclosure: what the log holds of it, and what opens it.
//!
//! The log has a salted commitment and nothing else of it. Whoever has the opening can see that
//! the entry says just this, and nobody can find an opening that says something else.

use crate::{Intent, intent::NotAnIntent, limits::DETAIL_OCTETS_MAX, reopening::NotAReopening};
use alloc::vec::Vec;
use core::fmt;
use sha2::{Digest as _, Sha256};

/// Octets of an entry in the log.
pub const LEAF_OCTETS: usize = 256;

/// A disclosure that was allowed, on its way into the log.
#[cfg(feature = "policy")]
#[derive(Debug)]
pub struct Draft {
    intent: Intent,
    opening: Opening,
}

#[cfg(feature = "policy")]
impl Draft {
    /// Prepares the entry of what was allowed. `salt` is 32 octets of the operating system's
    /// randomness, of this draft alone: with it nobody finds out by guessing what an entry says.
    ///
    /// # Errors
    /// When it cannot be entered.
    pub fn new(allowed: crate::decide::Allowed, salt: [u8; 32]) -> Result<Self, NotAnIntent> {
        let intent = allowed.into_intent();
        let detail = encode(&intent).ok_or(NotAnIntent::Object)?;
        Ok(Self { intent, opening: Opening { salt, detail } })
    }

    /// What is going to happen.
    #[must_use]
    pub const fn intent(&self) -> &Intent {
        &self.intent
    }

    /// What opens the entry. It is kept sealed, apart from the log.
    #[must_use]
    pub const fn opening(&self) -> &Opening {
        &self.opening
    }
}

/// Opens the entry of a disclosure: the salt, and what the entry says, octet for octet.
#[derive(Clone, PartialEq, Eq)]
pub struct Opening {
    /// The salt.
    pub salt: [u8; 32],
    /// What the entry says: that it is a disclosure, and the intent.
    pub detail: Vec<u8>,
}

impl Opening {
    /// The commitment, which stands in the entry: SHA-256 of the domain, the salt and the detail.
    #[must_use]
    pub fn commitment(&self) -> [u8; 32] {
        let hash = Sha256::new().chain_update(DOMAIN).chain_update(self.salt);
        hash.chain_update(&self.detail).finalize().into()
    }

    /// Whether `leaf` is the entry that this opens.
    #[must_use]
    pub fn opens(&self, leaf: &[u8; LEAF_OCTETS]) -> bool {
        leaf.starts_with(&LEAF_FORMAT)
            && leaf.get(COMMITMENT_AT..COMMITMENT_AT + 32) == Some(self.commitment().as_slice())
    }

    /// Reads what the entry says.
    ///
    /// # Errors
    /// When it says nothing that could have been entered here.
    pub(crate) fn read(&self) -> Result<Intent, Unreadable> {
        if self.detail.len() > DETAIL_OCTETS_MAX {
            return Err(Unreadable::Octets);
        }
        let second = self.detail.strip_prefix(HEAD);
        let octets = second.or_else(|| self.detail.strip_prefix(HEAD_FIRST));
        let octets = octets.ok_or(Unreadable::Version)?;
        let (mut intent, rest): (Intent, _) =
            postcard::take_from_bytes(octets).map_err(|_| Unreadable::Octets)?;
        if second.is_some() {
            let demand = postcard::from_bytes(rest).map_err(|_| Unreadable::Octets)?;
            intent.demand = Some(demand);
        }
        // One spelling only, so that two readers never see two meanings.
        if encode(&intent).as_ref() != Some(&self.detail) {
            return Err(Unreadable::Octets);
        }
        intent.check()?;
        Ok(intent)
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opening([private])")
    }
}

/// Why what an entry says cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is of another kind, or another version.
    #[error("the entry is no disclosure, or of a version that is not known here")]
    Version,
    /// It does not open segments, or is of another version.
    #[error("the entry does not say that segments of a journal are opened, or in another version")]
    NoReopening,
    /// It is damaged.
    #[error("what the entry says cannot be read")]
    Octets,
    /// It could not have been entered.
    #[error("the entry is out of bounds: {0}")]
    Bounds(#[from] NotAnIntent),
    /// It could not have been entered to open segments.
    #[error("the entry is out of bounds: {0}")]
    Segments(#[from] NotAReopening),
}

fn encode(intent: &Intent) -> Option<Vec<u8>> {
    let head = if intent.demand.is_some() { HEAD } else { HEAD_FIRST };
    let mut detail = head.to_vec();
    detail.extend(postcard::to_allocvec(intent).ok()?);
    if let Some(demand) = &intent.demand {
        detail.extend(postcard::to_allocvec(demand).ok()?);
    }
    (detail.len() <= DETAIL_OCTETS_MAX).then_some(detail)
}

/// How what a disclosure's entry says begins. No other kind of entry begins so, and none passes for
/// a disclosure.
const HEAD: &[u8] = b"disclosure v2\0";
/// The same of the first version, which does not say for whom it is and what was looked for. It is
/// read, and written no more.
const HEAD_FIRST: &[u8] = b"disclosure v1\0";
/// How every commitment of an entry begins.
const DOMAIN: &[u8] = b"parlatory entry detail v1\0";
/// First octets of every entry of this format.
const LEAF_FORMAT: [u8; 4] = [1, 0, 0, 0];
/// Where the commitment stands in an entry.
const COMMITMENT_AT: usize = 24;
