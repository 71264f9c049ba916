//! Whether a conversation is recorded.

use model::fact::{Epoch, OffReason};

use crate::consent::Consent;

/// Whether a conversation is recorded. There is no third case and no default: whoever bridges two
/// legs holds either the proof or the reason why there is none.
#[derive(Debug)]
pub enum Recording {
    /// Both were told and the called party accepted.
    Consented(Consent),
    /// It is not recorded, and this is why.
    Off(OffReason),
}

impl Recording {
    /// What holds once the office has answered: a recording needs the consent *and* a durable start
    /// in the very epoch that was asked about. Everything else is off.
    pub(crate) fn decide(
        consent: Result<Consent, OffReason>,
        durable: Result<Epoch, OffReason>,
    ) -> Self {
        match (consent, durable) {
            (Ok(consent), Ok(epoch)) if epoch == consent.epoch() => Self::Consented(consent),
            // The registry the notice was true for is not the one the office vouches for.
            (Ok(_), Ok(_)) => Self::Off(OffReason::RegistryUnusable),
            (Ok(_), Err(reason)) | (Err(reason), _) => Self::Off(reason),
        }
    }

    /// Why it is off, if it is.
    pub fn off(&self) -> Option<OffReason> {
        match self {
            Self::Consented(_) => None,
            Self::Off(reason) => Some(*reason),
        }
    }
}
