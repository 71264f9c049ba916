//! Carrying out a disclosure, in the one order there is: decided, entered in the log, proved,
//! opened by both keyholders, and only then heard.
//!
//! What it is not: it decides nothing (that is `access`), has no key of a recording, and takes no
//! call; a node that takes calls does not need it. Start with [`Register::enter`], then
//! [`Register::listen`]; [`Records`] is what staff call.

mod circle;
pub mod closing;
mod holders;
pub mod keeping;
pub mod naming;
mod reach;
pub mod records;
mod register;
pub mod roster;
pub mod stopping;

pub use closing::Closing;
pub use holders::{HolderAt, Holders, NoHolder, custody};
pub use keeping::{Keeping, KeepingConfig};
pub use naming::Naming;
pub use reach::{Reach, Reached};
pub use records::{Records, RecordsConfig};
pub use register::{
    Entered, Keyholder, NotEntered, NotHeard, Note, Proved, Register, RegisterConfig, Requested,
    SealDetail, Sealed, SegmentShares,
};
pub use roster::Roster;
pub use stopping::Stopping;
