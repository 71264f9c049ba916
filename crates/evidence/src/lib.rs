//! What the entries of the log say, and the audit that reads them.
//!
//! An entry has 256 octets and holds no personal data and no hash of any: a kind, a time and a few
//! numbers, sealed for the auditor; a salted commitment to a detail that is kept apart; and, in the
//! entries of a protected call, a mark that only counsel can find. `docs/formats/entry.md` draws
//! it.
//! What it is not: no file, no clock, no randomness (whoever writes hands it in), and no tree: that
//! is `tlog`. Start with [`Statement`], then [`leaf`], then [`audit::Auditor`], which finds what
//! breaks the invariants I1 to I8.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod audit;
pub mod bill;
pub mod carrier;
mod clerk;
pub mod counsel;
pub mod detail;
pub mod leaf;
pub mod limits;
mod statement;

pub use audit::{Auditor, Object, Report, StoredName, Violation};
pub use counsel::{CounselSecret, Mark, NotASecret, Note};
pub use detail::Detail;
pub use leaf::{AuditKey, Entry, NotAnEntry, Random, Read};
pub use statement::{Closed, Detailed, Kind, Said, Standing, Statement, Unrecorded};
