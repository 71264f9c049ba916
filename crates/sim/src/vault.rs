//! The vault, as `crates/vault` begins a recording: with a consent, and after asking the registry
//! again.

use call::Consent;
use model::{
    Timestamp,
    fact::{Epoch, OffReason},
};
use registry::{Snapshot, Standing};

/// Whether the recording of this consent may begin, and by which epoch.
///
/// # Errors
/// Why it must not.
pub(crate) fn begin(
    consent: &Consent,
    registry: &Snapshot,
    now: Timestamp,
) -> Result<Epoch, OffReason> {
    match registry.ask(consent.number(), now) {
        Standing::Protected { .. } => Err(OffReason::Protected),
        Standing::Ordinary { epoch } if epoch >= consent.epoch() => Ok(epoch),
        Standing::Ordinary { .. } | Standing::Unusable(_) => Err(OffReason::RegistryUnusable),
    }
}
