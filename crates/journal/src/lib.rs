//! A node's own append-only account of its calls: files of [`model::fact::Fact`]s, made durable in
//! groups, so that all who wait share one `fdatasync`; and beside them the entries that the node
//! has for the transparency log.
//!
//! What it is not: no database and no index, it never looks inside a fact, and it deletes nothing.
//! Start with [`Journal`], then `writer.rs` (one group from queue to disk) and `segment.rs` (what
//! is found after a crash). `docs/formats/journal.md` draws the octets.

mod error;
mod frame;
mod inbox;
mod inspect;
mod journal;
mod limits;
pub mod log;
mod outbox;
mod replay;
mod segment;
mod writer;

pub use error::JournalError;
pub use inbox::{Haste, Receiver, Sender, inbox};
pub use inspect::{Inspected, inspect};
pub use journal::{Journal, Options, Recovery, Seq, Torn};
pub use limits::{
    APPEND_OCTETS_MAX, DETAIL_OCTETS_MAX, QUEUE_APPENDS_MAX, SEGMENT_OCTETS_MAX, SOON,
};
pub use outbox::{Appended, Draft, Entry, EntrySeq, LEAF_OCTETS, leaf_head};
pub use replay::{replay, replay_entries};
