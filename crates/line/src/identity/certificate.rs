//! The certificate under which calls are signed: whether it is of the key, and until when it may
//! be used.

use super::IdentityError;
use core::time::Duration;
use model::Timestamp;
use std::path::Path;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};

/// From when to when a certificate may be used (RFC 5280 section 4.1.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// Not before.
    pub from: Timestamp,
    /// Not after.
    pub to: Timestamp,
}

/// What a certificate's term means at a time. Days are whole ones that are over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may be used for so many days.
    Good {
        /// Days left.
        days: u64,
    },
    /// It may be used, but not for long: a new one takes time to get.
    Ending {
        /// Days left, less than [`RENEW_DAYS`].
        days: u64,
    },
    /// It may not be used yet.
    Early,
    /// It may not be used any more.
    Over {
        /// Days since.
        days: u64,
    },
}

impl Term {
    /// What it means at `now`.
    pub fn standing(&self, now: Timestamp) -> Standing {
        let days = |length: Duration| length.as_secs() / DAY_SECONDS;
        if now < self.from {
            return Standing::Early;
        }
        if now > self.to {
            return Standing::Over { days: days(now.since(self.to)) };
        }
        match days(self.to.since(now)) {
            days @ ..RENEW_DAYS => Standing::Ending { days },
            days => Standing::Good { days },
        }
    }
}

impl Standing {
    /// Whether nobody has to do anything about it.
    pub const fn is_good(&self) -> bool {
        matches!(self, Self::Good { .. })
    }

    /// What to tell about it.
    pub fn says(&self) -> String {
        let own = "the certificate that signs calls";
        match self {
            Self::Good { days } => format!("{own} is good for {days} days"),
            Self::Ending { days } => format!("{own} ends in {days} days: have it renewed"),
            Self::Early => {
                format!("{own} is not valid yet and no carrier believes it: is the clock right?")
            }
            Self::Over { days } => {
                format!("{own} ended {days} days ago and no carrier believes it: have it renewed")
            }
        }
    }
}

/// Reads the chain in `path`, the signer's own certificate first. `point` is the public key that
/// it must be of (RFC 5480 section 2.2).
///
/// # Errors
/// When it does not read, is of another key, or does not lead from one to the next.
pub(super) fn read(path: &Path, point: &[u8]) -> Result<Term, IdentityError> {
    let wrong = |reason: String| IdentityError::Certificate { path: path.to_path_buf(), reason };
    let chain =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| wrong(error.to_string()))?;
    let Some((own, above)) = chain.split_first() else {
        return Err(wrong("there is no certificate in it".to_owned()));
    };
    let unread = |error: Error| wrong(format!("its first certificate does not read: {error}"));
    let leaf = EndEntityCert::try_from(own).map_err(unread)?;
    if !leaf.subject_public_key_info().ends_with(point) {
        return Err(IdentityError::Pair { path: path.to_path_buf() });
    }
    let term = term(&leaf).ok_or_else(|| wrong("its first certificate has no term".to_owned()))?;
    if let Some((last, between)) = above.split_last() {
        let unread = |error: Error| wrong(format!("its last certificate does not read: {error}"));
        let anchors = [anchor_from_trusted_cert(last).map_err(unread)?];
        // When it was issued the others were in force, whatever became of them since.
        let at = seconds(term.from);
        verify(&leaf, &anchors, between, at).map_err(|error| {
            wrong(format!("its certificates do not lead from the first to the last: {error}"))
        })?;
    }
    Ok(term)
}

fn verify<'a>(
    leaf: &'a EndEntityCert<'_>,
    anchors: &'a [TrustAnchor<'_>],
    between: &'a [CertificateDer<'a>],
    at: UnixTime,
) -> Result<(), Error> {
    let usage = KeyUsage::client_auth();
    let done =
        leaf.verify_for_usage(ALL_VERIFICATION_ALGS, anchors, between, at, usage, None, None);
    done.map(drop)
}

/// The library says from when to when a certificate is good only of one that is not, so it is asked
/// about times at which none is.
fn term(leaf: &EndEntityCert<'_>) -> Option<Term> {
    let at = |seconds| verify(leaf, &[], &[], UnixTime::since_unix_epoch(seconds)).err();
    let Some(Error::CertNotValidYet { not_before, .. }) = at(Duration::ZERO) else { return None };
    let Some(Error::CertExpired { not_after, .. }) = at(LAST_SECOND) else { return None };
    let timestamp =
        |time: UnixTime| Timestamp::default().after(Duration::from_secs(time.as_secs()));
    Some(Term { from: timestamp(not_before), to: timestamp(not_after) })
}

fn seconds(at: Timestamp) -> UnixTime {
    UnixTime::since_unix_epoch(at.since(Timestamp::default()))
}

/// A certificate that ends sooner is to be renewed.
pub const RENEW_DAYS: u64 = 30;
const DAY_SECONDS: u64 = 86_400;
/// The last second that a certificate can name (RFC 5280 section 4.1.2.5) is one before this.
const LAST_SECOND: Duration = Duration::from_secs(253_402_300_800);
