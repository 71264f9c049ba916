//! The transparency log's core: what was entered, provable to somebody who trusts nobody here.
//!
//! The tree is that of RFC 6962; tiles, entry bundles, signed notes, checkpoints, cosignatures and
//! proof files are those of C2SP (c2sp.org/tlog-tiles, /signed-note, /tlog-checkpoint,
//! /tlog-cosignature, /tlog-proof), so that programs of others can check a log without us.
//! What it is not: it reads no file, no network and no clock, and does not know what an entry says.
//! Start with [`Tree::append`], then [`Checkpoint::verified`] and [`Inclusion::verify`], which are
//! what a disclosure rests on, then [`audit()`], which reads a whole log.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod audit;
pub mod author;
pub mod bundle;
pub mod checkpoint;
mod decimal;
pub mod hash;
pub mod key;
pub mod limits;
pub mod note;
pub mod proof;
pub mod proof_file;
pub mod store;
pub mod tile;
pub mod tree;

#[cfg(test)]
mod testing;

pub use audit::{Audited, Fault, audit};
pub use author::{Author, CannotPropose, CannotResume, Proposal};
pub use bundle::NotABundle;
pub use checkpoint::{Checkpoint, Head, NotACheckpoint, NotAPolicy, Policy, Unverified, Witnessed};
pub use hash::Hash;
pub use key::{KeyKind, NotAKey, Signer, Verifier};
pub use note::{NotANote, Note, Signature, Unsigned};
pub use proof::{CannotProve, Consistency, Included, Inclusion, Unproven};
pub use proof_file::{NotAProofFile, ProofFile, Refuted};
pub use store::{Directory, TileReader, Unreadable};
pub use tile::{NotATile, Tile, TileHashes};
pub use tree::Tree;
