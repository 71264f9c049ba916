//! Recordings, sealed as they are spoken: what is written is readable only with two keys that are
//! not here.
//!
//! What it is not: it cannot make a [`call::Consent`], it opens nothing (there is no function that
//! takes a private key), and no setting makes it record without asking the registry again.
//! Start with [`Vault::begin`], then `seal.rs` (keys and frames) and `recorder.rs` (the thread).
//! `docs/formats/recording.md` draws the octets and says how to read a file that was cut.

mod error;
mod folder;
mod format;
mod keyholder;
mod limits;
mod recorder;
mod seal;
mod vault;

pub use error::{NotRecorded, VaultError};
pub use keyholder::{KeyId, KeyholderKey, KeyholderSecret, Keyholders, NotAKey, SameKey, generate};
pub use limits::{QUEUED_SECONDS_MAX, RECORDINGS_COUNT_MAX};
pub use vault::{About, RegistryView, Vault, VaultConfig, Writer};
