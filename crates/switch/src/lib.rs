//! All calls of one node. It carries what a [`call::Machine`] wants to the wire, the media and the
//! vault, and what happened there back to the machine.
//!
//! It decides nothing itself: every question goes to an [`Office`]. It never sees a key: a
//! recording starts by handing the machine's `Consent` to the vault. Start with [`Switch::start`]
//! and the loop in `node.rs`; `live.rs` is one call.

mod capturing;
mod counts;
mod ended;
mod failure;
mod hearing;
mod limits;
mod live;
mod mailbox;
mod node;
mod office;
mod press;
mod step;
mod tapping;

pub use counts::{Counts, Stages};
pub use mailbox::Mailbox;
pub use node::{Parts, Switch, SwitchConfig};
pub use office::{Office, Reply, StationPlan};
pub use step::{Step, StepKind, Watch};
