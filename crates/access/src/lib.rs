//! Who may see what and why, and the proof that it stands in the log before it is seen.
//!
//! What it is not: it opens no recording, reads no database and no file, writes no log and has no
//! clock. Start with [`decide`](decide::decide) (policies, grants, approvals and caps), then
//! [`Intent`] (what a disclosure is going to be) and [`Draft`] (its entry), [`Gate::receipt`] (the
//! one place where a [`Receipt`] is made) and [`Undisclosed`] (what it releases).
//!
//! Without the feature `policy` there is no deciding and no drafting: whoever only checks what was
//! decided, such as a keyholder, links no policies.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod act;
#[cfg(feature = "policy")]
pub mod decide;
pub mod delivery;
pub mod demand;
pub mod entry;
pub mod grant;
pub mod intent;
pub mod limits;
#[cfg(feature = "policy")]
pub mod policy;
pub mod receipt;
pub mod reopening;
pub mod staff;
pub mod undisclosed;
pub mod watch;

pub use act::{Audience, Line, Purpose, Role, Scope, Verb};
pub use delivery::{Delivery, NotADelivery};
pub use demand::{Demand, Query};
#[cfg(feature = "policy")]
pub use entry::Draft;
pub use entry::{LEAF_OCTETS, Opening, Unreadable};
pub use intent::{Intent, Leave, Month, NotAnIntent, Object, Recipient};
pub use receipt::{Gate, NoReceipt, Proof, Receipt, ReopeningReceipt};
pub use reopening::{NotAReopening, Reopening, Segment};
pub use undisclosed::{NotReleased, Undisclosed};
