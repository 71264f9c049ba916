//! Recordings, sealed as they are spoken: what is written is readable only with two keys that are
//! not here, and only against the receipt of a disclosure.
//!
//! What it is not: it can make neither a [`call::Consent`] nor an [`access::Receipt`], and no
//! setting makes it record without asking the registry again, or open without a receipt.
//! Start with [`Vault::begin`], then `seal.rs` (keys and frames), `recorder.rs` (the thread) and
//! `open.rs` (the way back).
//! `docs/formats/recording.md` draws the octets and says how to read a file that was cut.

mod detail;
mod erase;
mod error;
mod folder;
mod format;
mod keyholder;
mod letter;
mod limits;
mod names;
mod open;
pub mod probe;
mod recorder;
mod reopen;
mod seal;
mod segment;
mod shelf;
mod stored;
mod vault;

pub use detail::DetailSealer;
pub use erase::{Eraser, Kept, keep};
pub use error::{NotRecorded, VaultError};
pub use folder::survey;
pub use format::HEADER_OCTETS;
pub use keyholder::{
    KeyId, KeyholderKey, KeyholderSecret, Keyholders, NotAKey, NotASecret, RecipientSecret,
    SameKey, generate,
};
pub use letter::{LETTER_OCTETS, Letter};
pub use limits::{QUEUED_SECONDS_MAX, RECORDINGS_COUNT_MAX};
pub use names::{NAME_KEY_OCTETS, NameFile, NameOf, NameShelf, SealedName, name_files};
pub use open::{About as OpenedAbout, Next, NotOpened, Reading, Resealed, holders, object, open};
pub use reopen::{ResealedSegment, open_segment};
pub use seal::Share;
pub use segment::{SegmentAbout, segment_holders, share_out};
pub use shelf::{Follow, Followed, Shelf};
pub use stored::{Listed, Stored, listed, stored};
pub use vault::{About, RegistryView, Vault, VaultConfig, Writer};
