//! Why something was not kept, released or erased.

use crate::{NotEntered, roster::NotDone};
use access::staff::Unusable;
use journal::log::LogError;
use std::{io, path::PathBuf};
use store::StoreError;
use vault::VaultError;

/// Why keeping did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum NotKept {
    /// The roster refuses.
    #[error(transparent)]
    NotDone(#[from] NotDone),
    /// They cannot use their log-in.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// Too short or too long.
    #[error("a time from one day to thirty years can be set, in whole days")]
    Term,
    /// No reason, or none that can be shown.
    #[error(
        "give a reason of one line with at most 500 characters and no telephone number: where more is \
         kept than usual, it is published"
    )]
    Reason,
    /// Who was shown what is not kept for a shorter time by those who were.
    #[error(
        "what the log says of acts of staff is kept for the whole agency, and for 2555 days or longer"
    )]
    Acts,
    /// A hold names something, or is said to be of everything.
    #[error(
        "a hold names a person, a number, a facility or a time; or say that everything is to be kept, \
         and name nothing"
    )]
    Everything,
    /// It does not exist, or is not theirs.
    #[error("there is no such hold for you to release")]
    NoHold,
    /// It cannot be entered in the log, so it does not happen.
    #[error(transparent)]
    NotEntered(#[from] NotEntered),
    /// The log's own files did not do it.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The disk with the recordings did not do it.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// What anybody may read cannot be written, so nothing is kept for longer.
    #[error("`{0}`, in which anybody may read how long things are kept, cannot be written: {1}")]
    Unpublished(PathBuf, #[source] io::Error),
    /// What an entry says could not be written.
    #[error("what the entry says cannot be written, so it does not happen")]
    Detail,
}
