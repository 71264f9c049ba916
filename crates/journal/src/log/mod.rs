//! The writer of the transparency log: one for a cell, over the core in `tlog`.
//!
//! Entries come from the outboxes of nodes, and from the log's own side. A group of them becomes
//! durable with its sealed details and its signed checkpoint in one record of a write-ahead log and
//! one `fdatasync`; only then is anybody told. The public folder of tiles is derived from it later,
//! at a fixed interval and padded, so that it does not show when something happened.
//!
//! What it is not: it knows of a leaf the node and the number, and nothing else; it opens no
//! detail, and erases (`erase.rs`) those that it is told. Start with [`Log`], then `writer.rs` (one
//! group), `open.rs` (what is found after a crash) and `publish.rs`. `docs/formats/log.md` draws
//! the octets.

mod book;
mod courier;
mod erase;
mod error;
mod handle;
mod limits;
mod open;
mod publish;
mod record;
mod replay;
mod wal;
mod withheld;
mod writer;

pub use courier::{CatchUpError, Courier};
pub use erase::ErasingStep;
pub use error::LogError;
pub use handle::{Log, Mask, Options, Proven, Published, Recovered, Taken};
pub use limits::{BATCH_ENTRIES, PUBLISH_ENTRIES_MAX, SOON, WAL_OCTETS_MAX};
pub use replay::{LogEntry, Standing, look, replay_log, segments};
pub use withheld::{is_withheld, release, withhold};

#[cfg(test)]
mod tests;
