//! Signed caller identity: PASSporT (RFC 8225) with the `shaken` extension (RFC 8588), carried in
//! the Identity header (RFC 8224). 47 CFR 64.6301 wants calls signed where they enter an IP
//! network.

mod certificate;

pub use certificate::{RENEW_DAYS, Standing, Term};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use core::fmt::Write;
use model::{E164, Timestamp};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use rsipstack::sip::Header;
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

/// How sure the signer is that the caller may use the number it shows (RFC 8588 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Attest {
    /// Full: the number is the facility's own, and the call comes from there.
    A,
    /// Partial: the call comes from a known facility, but the number was not given to it by the
    /// signer.
    B,
    /// Gateway: nothing is known of the caller.
    C,
}

/// With what calls are signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityConfig {
    /// File with the private key of the certificate: P-256, PKCS #8, in PEM.
    pub key: PathBuf,
    /// File with the certificate and those between it and its authority, in PEM: what is published
    /// at the URL.
    pub certificate: PathBuf,
    /// Where others fetch the certificate: an https URL.
    pub certificate_url: String,
}

/// Why calls cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The key does not read.
    #[error(
        "`{}` does not read as a P-256 key in pkcs8 pem ({reason}): \
         `openssl pkcs8 -topk8 -nodes -in OLD -out NEW` makes one of an older form",
        .path.display()
    )]
    Key {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        reason: String,
    },
    /// The certificate does not read, or those above it do not fit.
    #[error(
        "`{}` does not read as the certificate that signs calls, in pem, its own first: {reason}",
        .path.display()
    )]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        reason: String,
    },
    /// The certificate is of another key.
    #[error(
        "the certificate in `{}` is not of the key that signs calls: no carrier would believe it",
        .path.display()
    )]
    Pair {
        /// The certificate's file.
        path: PathBuf,
    },
    /// No URL that others can fetch the certificate from.
    #[error("`{url}` is no place to fetch a certificate from: give an https url in plain ascii")]
    Url {
        /// What was given.
        url: String,
    },
}

impl IdentityConfig {
    /// Reads key and certificate and sees whether they can sign. Gives the certificate's term.
    ///
    /// # Errors
    /// [`IdentityError`] says what is wrong.
    pub fn check(&self) -> Result<Term, IdentityError> {
        Signer::new(self).map(|signer| signer.term)
    }
}

/// Signs calls.
pub(crate) struct Signer {
    pair: EcdsaKeyPair,
    url: String,
    random: SystemRandom,
    pub(crate) term: Term,
}

/// What is claimed of a call.
pub(crate) struct Claim {
    pub(crate) attest: Attest,
    pub(crate) from: E164,
    pub(crate) to: E164,
    pub(crate) at: Timestamp,
}

impl Signer {
    /// # Errors
    /// When key or certificate do not read or fit, or the URL is none.
    pub(crate) fn new(config: &IdentityConfig) -> Result<Self, IdentityError> {
        let IdentityConfig { key: path, certificate, certificate_url: url } = config;
        let plain = url.bytes().all(|b| b.is_ascii_graphic() && !b"\"\\<>;".contains(&b));
        if !plain || !url.starts_with("https://") {
            return Err(IdentityError::Url { url: url.clone() });
        }
        let wrong = |reason: String| IdentityError::Key { path: path.clone(), reason };
        let key = PrivateKeyDer::from_pem_file(path).map_err(|error| wrong(error.to_string()))?;
        let PrivateKeyDer::Pkcs8(key) = key else {
            return Err(wrong("it is of another form".to_owned()));
        };
        let random = SystemRandom::new();
        let der = key.secret_pkcs8_der();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &random)
            .map_err(|rejected| wrong(rejected.to_string()))?;
        let term = certificate::read(certificate, pair.public_key().as_ref())?;
        Ok(Self { pair, url: url.clone(), random, term })
    }

    /// The Date and Identity headers of a call (RFC 8224 section 4); `None` when the system gives
    /// no randomness or the time is none of this world.
    pub(crate) fn sign(&self, claim: &Claim) -> Option<[Header; 2]> {
        let url = &self.url;
        let header = format!(
            "{{\"alg\":\"ES256\",\"ppt\":\"shaken\",\"typ\":\"passport\",\"x5u\":\"{url}\"}}"
        );
        let attest = match claim.attest {
            Attest::A => 'A',
            Attest::B => 'B',
            Attest::C => 'C',
        };
        let (from, to) = (claim.from.digits(), claim.to.digits());
        let (at, origin) = (claim.at.micros() / 1_000_000, self.origin(claim.from));
        let payload = format!(
            "{{\"attest\":\"{attest}\",\"dest\":{{\"tn\":[\"{to}\"]}},\"iat\":{at},\
             \"orig\":{{\"tn\":\"{from}\"}},\"origid\":\"{origin}\"}}"
        );
        let mut token = URL_SAFE_NO_PAD.encode(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let signature = self.pair.sign(&self.random, token.as_bytes()).ok()?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.as_ref(), &mut token);
        let date = jiff::Timestamp::from_microsecond(claim.at.micros()).ok()?;
        let date = PRINTER.timestamp_to_rfc9110_string(&date).ok()?;
        let identity = format!("{token};info=<{url}>;alg=ES256;ppt=shaken");
        Some([Header::Date(date.into()), Header::Identity(identity.into())])
    }

    /// The same, where the certificate is in force at the time that is claimed: nobody believes
    /// another one, and 47 CFR 64.6301 wants calls signed under one that is.
    pub(crate) fn sign_in_force(&self, claim: &Claim) -> Option<[Header; 2]> {
        match self.term.standing(claim.at) {
            Standing::Good { .. } | Standing::Ending { .. } => self.sign(claim),
            Standing::Early | Standing::Over { .. } => None,
        }
    }

    /// The same identifier for all calls of a facility, so that a call can be traced back to it
    /// (RFC 8588 section 5), and to nobody within it.
    fn origin(&self, from: E164) -> String {
        let hash: [u8; 32] = Sha256::new()
            .chain_update(&self.url)
            .chain_update(from.digits().to_be_bytes())
            .finalize()
            .into();
        let mut text = String::with_capacity(36);
        for (index, octet) in hash.iter().take(16).enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            // Version 8 and variant 1 of RFC 9562: made by a rule of our own.
            let octet = match index {
                6 => octet & 0x0f | 0x80,
                8 => octet & 0x3f | 0x80,
                _ => *octet,
            };
            let _ = write!(text, "{octet:02x}");
        }
        text
    }
}

static PRINTER: jiff::fmt::rfc2822::DateTimePrinter = jiff::fmt::rfc2822::DateTimePrinter::new();

#[cfg(test)]
mod tests;
