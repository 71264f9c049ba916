//! A node's own append-only account of its calls: files of [`model::fact::Fact`]s, sealed, made
//! durable in groups, so that all who wait share one `fdatasync`; and beside them the entries that
//! the node has for the transparency log.
//!
//! What it is not: no database and no index. Start with [`Journal`], then `writer.rs` (one group
//! from queue to disk), `segment.rs` (what is found after a crash) and `seal.rs` (the keys).
//! `docs/formats/journal.md` draws the octets.

mod error;
mod forget;
mod frame;
mod give;
mod header;
mod inbox;
mod inspect;
mod journal;
mod limits;
pub mod log;
mod octets;
mod outbox;
pub mod probe;
mod replay;
mod seal;
mod segment;
mod writer;

pub use error::JournalError;
pub use forget::{Forgotten, Kept, TakenOver, keep};
pub use give::{GivenAway, GivenSegment, Parting, SealedAway, ShareOut, sealed_away};
pub use inbox::{Haste, Receiver, Sender, inbox};
pub use inspect::{Inspected, inspect, inspect_given};
pub use journal::{Journal, Options, Recovery, Seq, Torn};
pub use limits::{
    APPEND_OCTETS_MAX, DETAIL_OCTETS_MAX, KEY_KEPT, QUEUE_APPENDS_MAX, SEGMENT_AGE_MAX,
    SEGMENT_OCTETS_MAX, SOON,
};
pub use outbox::{Appended, Draft, Entry, EntrySeq, LEAF_OCTETS, leaf_head};
pub use replay::{Extent, GivenKeys, extent, replay, replay_entries, replay_given};
pub use seal::{SEAL_KEY_OCTETS, SealKey};
