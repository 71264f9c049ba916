//! Who may see what and why, and the proof that it stands in the log before it is seen.
//!
//! What it is not: it opens no recording, reads no database and no file, writes no log and has no
//! clock. Start with [`Intent`] (what a disclosure is going to be), then [`Draft`] (its entry),
//! [`Gate::receipt`] (the one place where a [`Receipt`] is made) and [`Undisclosed`] (what it
//! releases).
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod act;
pub mod entry;
pub mod intent;
pub mod limits;
pub mod receipt;
pub mod undisclosed;

pub use act::{Purpose, Role, Scope, Verb};
pub use entry::{Draft, LEAF_OCTETS, Opening, Unreadable};
pub use intent::{Intent, Leave, Month, NotAnIntent, Object, Recipient};
pub use receipt::{Gate, NoReceipt, Proof, Receipt};
pub use undisclosed::{NotReleased, Undisclosed};
