//! What an entry commits to: who, which number, and what it rests on. It is sealed before it is
//! written anywhere, and erasing it, salt and all, leaves an entry that can be tied to nobody.

use alloc::{boxed::Box, string::String, vec::Vec};
use model::{
    E164, Private,
    fact::{Admitted, Fact},
};
use serde::{Deserialize, Serialize};

/// The detail of an entry. Written with `postcard`, which numbers variants by position: append new
/// ones at the end, and never change one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Detail {
    /// There is nothing to add.
    Nothing,
    /// The fact of the journal that the entry speaks of.
    Fact(Box<Fact>),
    /// A call was allowed.
    Admission {
        /// All about it.
        admitted: Box<Admitted>,
        /// What shows how its number stands in the registry, when there is one.
        shown: Option<Shown>,
    },
    /// A number is protected no longer.
    Removal {
        /// The number.
        number: Private<E164>,
        /// Why.
        reason: String,
    },
    /// A recording of a number that was protected later.
    Quarantine {
        /// The number.
        number: Private<E164>,
    },
    /// The program that started.
    Program {
        /// Its version.
        version: String,
    },
}

/// How a number stands, for whoever may open the detail.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Its label in the map, `registry::map::Label`.
    pub label: [u8; 32],
    /// The octets of the proof, `registry::map::MapProof`.
    pub proof: Vec<u8>,
}

impl core::fmt::Debug for Shown {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Shown([private])")
    }
}

impl Detail {
    /// Its canonical octets.
    ///
    /// # Errors
    /// `None` when it cannot be written, which no detail of a node's is.
    pub fn octets(&self) -> Option<Vec<u8>> {
        postcard::to_allocvec(self).ok()
    }

    /// Reads what [`Detail::octets`] wrote.
    pub fn parse(octets: &[u8]) -> Option<Self> {
        let (detail, rest) = postcard::take_from_bytes(octets).ok()?;
        rest.is_empty().then_some(detail)
    }
}
