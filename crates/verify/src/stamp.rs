//! Time stamps of outside authorities (RFC 3161): asking for one, and checking it.
//!
//! A stamp says that something existed at a time by an authority's clock. It is a signed message
//! (RFC 5652) over the hash; it is worth as much as the authority whose certificate the reader
//! pinned, and nothing here believes a certificate because it lies beside a stamp.

mod message;

use der::{
    Encode as _, Sequence,
    asn1::{Null, ObjectIdentifier, OctetStringRef},
};
use message::{Info, Signed};
use model::Timestamp;
use rustls_pki_types::{
    CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime, pem::PemObject as _,
};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use std::{path::Path, time::Duration};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

/// A stamp that was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamped {
    /// When the authority saw the hash, by its clock.
    pub at: Timestamp,
}

/// What asks an authority to stamp something with this SHA-256 (RFC 3161 section 2.4.1). `nonce`
/// is random; the answer must have it, so that an old one does not pass.
///
/// # Errors
/// [`NotAStamp::Shape`] when it cannot be written.
pub fn request(sha256: &[u8; 32], nonce: u64) -> Result<Vec<u8>, NotAStamp> {
    let algorithm = Algorithm { oid: SHA256, parameters: Null };
    let hashed = OctetStringRef::new(sha256).map_err(|_| NotAStamp::Shape)?;
    let imprint = Imprint { algorithm, hashed };
    let request = Request { version: 1, imprint, nonce, certificates: true };
    request.to_der().map_err(|_| NotAStamp::Shape)
}

/// The stamp in an authority's answer to [`request`], checked as [`check`] does, and for its nonce.
///
/// # Errors
/// [`NotAStamp`]: what is wrong with the answer.
pub fn answered(
    answer: &[u8],
    (sha256, nonce): (&[u8; 32], u64),
    authorities: &[Vec<u8>],
) -> Result<(Vec<u8>, Stamped), NotAStamp> {
    let token = message::granted(answer)?;
    let info = message::read(&token)?.info()?;
    if info.nonce != Some(nonce) {
        return Err(NotAStamp::Nonce);
    }
    let stamped = check(&token, sha256, authorities)?;
    Ok((token, stamped))
}

/// Whether a stamp is of something with this SHA-256, and of an authority whose certificate was
/// issued, however indirectly, by one of `authorities` (DER), which was meant for stamping, and was
/// valid then.
///
/// # Errors
/// [`NotAStamp`].
pub fn check(
    token: &[u8],
    sha256: &[u8; 32],
    authorities: &[Vec<u8>],
) -> Result<Stamped, NotAStamp> {
    if token.len() > STAMP_OCTETS_MAX {
        return Err(NotAStamp::Shape);
    }
    let signed = message::read(token)?;
    let info = signed.info()?;
    if (info.algorithm, info.hashed) != (SHA256, sha256.as_slice()) {
        return Err(NotAStamp::OtherContent);
    }
    signed.covers_its_content()?;
    let certificate = signed.signer()?;
    certified(&signed, &certificate, &info, authorities)?;
    Ok(Stamped { at: info.at })
}

/// The stamp is signed with this certificate's key, which leads up to one of the authorities.
fn certified(
    signed: &Signed<'_>,
    certificate: &[u8],
    info: &Info<'_>,
    authorities: &[Vec<u8>],
) -> Result<(), NotAStamp> {
    let der = CertificateDer::from(certificate);
    let signer = EndEntityCert::try_from(&der).map_err(|_| NotAStamp::Certificate)?;
    let true_under = |algorithm: &&dyn SignatureVerificationAlgorithm| {
        signer.verify_signature(*algorithm, &signed.attributes, signed.signature).is_ok()
    };
    if !ALL_VERIFICATION_ALGS.iter().any(true_under) {
        return Err(NotAStamp::Unsigned);
    }
    let roots: Vec<CertificateDer<'_>> =
        authorities.iter().map(|root| CertificateDer::from(root.as_slice())).collect();
    let anchors: Vec<TrustAnchor<'_>> =
        roots.iter().filter_map(|root| anchor_from_trusted_cert(root).ok()).collect();
    let between: Vec<CertificateDer<'_>> =
        signed.certificates.iter().map(|octets| CertificateDer::from(octets.as_slice())).collect();
    let at = u64::try_from(info.at.micros()).map_err(|_| NotAStamp::Shape)?;
    let at = UnixTime::since_unix_epoch(Duration::from_micros(at));
    let usage = KeyUsage::required(TIME_STAMPING);
    signer
        .verify_for_usage(ALL_VERIFICATION_ALGS, &anchors, &between, at, usage, None, None)
        .map(drop)
        .map_err(|why| NotAStamp::Authority(why.to_string()))
}

/// The certificates in a PEM file, as DER: those of authorities that a reader pins.
///
/// # Errors
/// [`NotAStamp::Certificate`] when there is none, or one cannot be read.
pub fn authorities(file: &Path) -> Result<Vec<Vec<u8>>, NotAStamp> {
    let found = CertificateDer::pem_file_iter(file).map_err(|_| NotAStamp::Certificate)?;
    let found = found.map(|certificate| certificate.map(|it| it.to_vec()));
    let found: Vec<_> = found.collect::<Result<_, _>>().map_err(|_| NotAStamp::Certificate)?;
    if found.is_empty() {
        return Err(NotAStamp::Certificate);
    }
    Ok(found)
}

/// The hash of `octets` under one of the hashes that a stamp may use; none for others.
fn hash(algorithm: ObjectIdentifier, octets: &[u8]) -> Option<Vec<u8>> {
    match algorithm {
        SHA256 => Some(Sha256::digest(octets).to_vec()),
        SHA384 => Some(Sha384::digest(octets).to_vec()),
        SHA512 => Some(Sha512::digest(octets).to_vec()),
        _ => None,
    }
}

/// Why something is no stamp, or not one to be relied on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAStamp {
    /// It is none.
    #[error("this is no time stamp after RFC 3161")]
    Shape,
    /// The authority said no.
    #[error("the authority refused to stamp: status {0}")]
    Refused(u8),
    /// The answer is not to what was asked.
    #[error("the authority's answer is to something else than was asked")]
    Nonce,
    /// It is of something else.
    #[error("the time stamp is of something else, or was moved here from elsewhere")]
    OtherContent,
    /// What it says is not what is signed.
    #[error("the time stamp was changed: what it says is not what is signed")]
    Changed,
    /// The certificate of whoever signed is missing.
    #[error("the time stamp brings no certificate of whoever signed it")]
    NoSigner,
    /// A certificate cannot be read.
    #[error("a certificate for time stamps cannot be read")]
    Certificate,
    /// It is not signed by whom it says.
    #[error("the signature of the time stamp is false")]
    Unsigned,
    /// Nobody who is believed vouches for whoever signed.
    #[error("whoever stamped is not certified by an authority that is believed here: {0}")]
    Authority(String),
}

/// `TimeStampReq`.
#[derive(Sequence)]
struct Request<'a> {
    version: u8,
    imprint: Imprint<'a>,
    nonce: u64,
    certificates: bool,
}

/// `MessageImprint`.
#[derive(Sequence)]
struct Imprint<'a> {
    algorithm: Algorithm,
    hashed: &'a OctetStringRef,
}

#[derive(Sequence)]
struct Algorithm {
    oid: ObjectIdentifier,
    parameters: Null,
}

/// A stamp with a chain of certificates is a tenth of this.
pub const STAMP_OCTETS_MAX: usize = 64 * 1024;
/// What asks (RFC 3161 section 3.4).
pub const REQUEST_TYPE: &str = "application/timestamp-query";
/// `id-kp-timeStamping` (RFC 3161 section 2.3), as it stands in a certificate.
const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
