//! A witness of transparency logs (c2sp.org/tlog-witness), and the side that asks one.
//!
//! A witness is run by somebody whom the operator of a log does not command. It remembers of each
//! log the largest checkpoint it has seen, and vouches only for what grew from that; so a log that
//! shows different histories to different people is found out. What it is not: it reads no entry
//! and knows nothing of what they say. Start with [`Witness::decide`]; [`serve`] takes requests,
//! [`collect`] makes them.

mod ask;
mod limits;
mod memory;
mod serve;
mod submission;

pub use ask::{Collected, Peer, collect, collect_enough};
pub use memory::{Answer, Unusable, Witness};
pub use serve::{Server, serve};
pub use submission::{NotASubmission, Submission};
