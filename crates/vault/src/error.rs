//! What can go wrong, and whose fault it is.

use model::{AgencyId, fact::OffReason};
use std::{io, path::PathBuf, sync::Arc};

/// A recording does not begin, and why; the call goes on unrecorded. No file and no key exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call is not recorded: {0:?}")]
pub struct NotRecorded(pub OffReason);

/// Why the vault did not do what was asked. `InUse`, `Closed`, `Full` and `NoKeyholder` are
/// refusals; all others are broken: the disk, or the system.
#[derive(Clone, Debug, thiserror::Error)]
pub enum VaultError {
    /// Another process, or another vault of this one, has this folder open.
    #[error("the vault `{}` is in use by another process: stop that one first", folder.display())]
    InUse {
        /// The vault's folder.
        folder: PathBuf,
    },
    /// The vault was closed.
    #[error("the vault is closed")]
    Closed,
    /// As many recordings are running as there may be.
    #[error("{running} recordings are running, more are not begun")]
    Full {
        /// How many are running.
        running: usize,
    },
    /// The operating system reported a fault.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Arc<io::Error>,
    },
    /// A file of this recording exists already. Nothing is ever written over.
    #[error("recording `{}` exists already", file.display())]
    Exists {
        /// The file.
        file: PathBuf,
    },
    /// The operating system gave no random octets.
    #[error("the operating system gives no random numbers, so no key can be made")]
    NoRandomness,
    /// The recording did not even begin: no file and no key exist. The talk goes on unrecorded.
    #[error("the recording did not begin: {0}")]
    NotBegun(#[source] Box<VaultError>),
    /// Nobody is named who could hold an agency's share.
    #[error(
        "nobody holds the keys of agency `{}`: apply its configuration again, or restart the node",
        agency.0
    )]
    NoKeyholder {
        /// The agency.
        agency: AgencyId,
    },
    /// Something could not be sealed to a keyholder's key.
    #[error("nothing can be sealed to keyholder `{0}`: check the key in the configuration")]
    CannotSeal(String),
}

impl VaultError {
    /// The fault `source` of trying to `action` on `path`.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io { action, path: path.into(), source: Arc::new(source) }
    }
}
