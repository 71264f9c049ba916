//! The registry of protected numbers: counsel and everybody else whose calls are never recorded.
//!
//! It turns what people write and dial into one canonical number, and answers how a number stands.
//! Whatever it cannot be sure of is unusable, and nobody records on an unusable answer.
//! What it is not: no storage, no clock, no decision about a call. Where numbers are kept is the
//! business of `store`; what follows from an answer is the business of `desk`, `call` and `vault`.
//! Start with [`Snapshot::ask`], then [`normalise()`]. One epoch is one sorted list of numbers in
//! `snapshot.rs`; [`map`] proves to an outsider what an epoch said of a number.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod dialled;
pub mod limits;
pub mod map;
mod normalise;
mod snapshot;
mod spelling;

pub use dialled::{Dialled, ServiceCode};
pub use normalise::{Home, Normalised, NotANumber, normalise};
pub use snapshot::{Changes, Guard, NotASuccessor, Snapshot, Standing, Unusable};
