//! A stamp's octets: a signed message (RFC 5652) over what the authority says (RFC 3161).
//!
//! Sets are walked as they come: OpenSSL writes certificates that are not in the order that DER
//! wants, and what is signed is compared octet for octet anyway.

use super::{NotAStamp, SHA256, hash};
use der::{
    Decode as _, Encode as _, Reader as _, SliceReader, Tag, Tagged as _,
    asn1::{AnyRef, ObjectIdentifier},
};
use jiff::{civil::DateTime, tz::TimeZone};
use model::Timestamp;
use sha1::Sha1;
use sha2::Digest as _;

/// A signed message with one signer.
pub(super) struct Signed<'t> {
    /// What is signed over, without what is around it.
    content: &'t [u8],
    /// Certificates that lie beside, DER.
    pub(super) certificates: Vec<Vec<u8>>,
    /// What the signature is over: the attributes, as a set.
    pub(super) attributes: Vec<u8>,
    /// Each attribute and its first value.
    values: Vec<(ObjectIdentifier, AnyRef<'t>)>,
    /// Hash by which the content stands among the attributes.
    digest: ObjectIdentifier,
    /// The signature.
    pub(super) signature: &'t [u8],
}

/// What the authority says.
pub(super) struct Info<'t> {
    pub(super) algorithm: ObjectIdentifier,
    pub(super) hashed: &'t [u8],
    pub(super) at: Timestamp,
    pub(super) nonce: Option<u64>,
}

/// The stamp in an answer that grants one.
pub(super) fn granted(answer: &[u8]) -> Result<Vec<u8>, NotAStamp> {
    let parts = parts(whole(answer)?)?;
    let status = first(parts_of(&parts, 0)?)?;
    match status.value() {
        // Granted, and granted with changes, which are looked at below.
        [0 | 1] => {}
        other => return Err(NotAStamp::Refused(other.last().copied().unwrap_or(u8::MAX))),
    }
    let token = parts.get(1).ok_or(NotAStamp::Shape)?;
    token.to_der().map_err(|_| NotAStamp::Shape)
}

/// Reads a stamp.
pub(super) fn read(token: &[u8]) -> Result<Signed<'_>, NotAStamp> {
    let outer = parts(whole(token)?)?;
    if oid(*outer.first().ok_or(NotAStamp::Shape)?)? != SIGNED_DATA {
        return Err(NotAStamp::Shape);
    }
    let mut fields = parts_of(&parts_of(&outer, 1)?, 0)?.into_iter();
    let mut field = || fields.next().ok_or(NotAStamp::Shape);
    let (_version, _hashes, content) = (field()?, field()?, parts(field()?)?);
    if oid(*content.first().ok_or(NotAStamp::Shape)?)? != STAMP {
        return Err(NotAStamp::Shape);
    }
    let content = first(parts_of(&content, 1)?)?.value();
    let mut certificates = Vec::new();
    let mut signers = field()?;
    // Certificates and revocations may be left out.
    while !signers.tag().is_universal() {
        if signers.tag().number().value() == CERTIFICATES {
            for certificate in parts(signers)? {
                certificates.push(certificate.to_der().map_err(|_| NotAStamp::Shape)?);
            }
        }
        signers = field()?;
    }
    // One signer, as RFC 3161 section 2.4.2 has it.
    let signers = parts(signers)?;
    let [signer] = signers.as_slice() else { return Err(NotAStamp::Shape) };
    let signer = parts(*signer)?;
    let [_version, _who, digest, attributes, _how, signature, ..] = signer.as_slice() else {
        return Err(NotAStamp::Shape);
    };
    if attributes.tag().is_universal() || attributes.tag().number().value() != ATTRIBUTES {
        return Err(NotAStamp::Shape);
    }
    let values = parts(*attributes)?.into_iter().map(|attribute| {
        let attribute = parts(attribute)?;
        let name = oid(*attribute.first().ok_or(NotAStamp::Shape)?)?;
        Ok((name, first(parts_of(&attribute, 1)?)?))
    });
    let values = values.collect::<Result<_, NotAStamp>>()?;
    // Signed with the tag of a set (RFC 5652 section 5.4).
    let set = AnyRef::new(Tag::Set, attributes.value()).and_then(|set| set.to_der());
    Ok(Signed {
        content,
        certificates,
        attributes: set.map_err(|_| NotAStamp::Shape)?,
        values,
        digest: oid(first(parts(*digest)?)?)?,
        signature: signature.value(),
    })
}

impl<'t> Signed<'t> {
    /// What the authority says.
    pub(super) fn info(&self) -> Result<Info<'t>, NotAStamp> {
        let fields = parts(whole(self.content)?)?;
        let [_version, _policy, imprint, _serial, at, rest @ ..] = fields.as_slice() else {
            return Err(NotAStamp::Shape);
        };
        let imprint = parts(*imprint)?;
        let [algorithm, hashed] = imprint.as_slice() else { return Err(NotAStamp::Shape) };
        let nonce = rest.iter().find(|field| field.tag() == Tag::Integer);
        Ok(Info {
            algorithm: oid(first(parts(*algorithm)?)?)?,
            hashed: hashed.value(),
            at: time(at.value()).ok_or(NotAStamp::Shape)?,
            nonce: nonce.and_then(|nonce| nonce.decode_as::<u64>().ok()),
        })
    }

    /// The attributes, which are what is signed, are those of this content.
    pub(super) fn covers_its_content(&self) -> Result<(), NotAStamp> {
        if oid(self.only(CONTENT_TYPE)?)? != STAMP {
            return Err(NotAStamp::Changed);
        }
        let hashed = hash(self.digest, self.content).ok_or(NotAStamp::Shape)?;
        let same = self.only(MESSAGE_DIGEST)?.value() == hashed;
        same.then_some(()).ok_or(NotAStamp::Changed)
    }

    /// The certificate that the attributes name by its hash (RFC 5816, RFC 3161 section 2.4.2).
    pub(super) fn signer(&self) -> Result<Vec<u8>, NotAStamp> {
        let (named, hashes): (_, HashOf) = match self.only(SIGNING_V2) {
            Ok(value) => {
                let fields = self.named(value)?;
                // The hash is SHA-256 where no other is named.
                let named = match fields.as_slice() {
                    [hashed, ..] if hashed.tag() == Tag::OctetString => hashed.value(),
                    [algorithm, hashed, ..] if oid(first(parts(*algorithm)?)?)? == SHA256 => {
                        hashed.value()
                    }
                    _ => return Err(NotAStamp::NoSigner),
                };
                (named, |octets| sha2::Sha256::digest(octets).to_vec())
            }
            Err(_) => {
                let fields = self.named(self.only(SIGNING_V1)?)?;
                let named = fields.first().ok_or(NotAStamp::NoSigner)?.value();
                (named, |octets| Sha1::digest(octets).to_vec())
            }
        };
        let mut certificates = self.certificates.iter();
        certificates.find(|it| hashes(it) == named).cloned().ok_or(NotAStamp::NoSigner)
    }

    /// The first certificate in an attribute that names them: the signer's.
    fn named(&self, value: AnyRef<'t>) -> Result<Vec<AnyRef<'t>>, NotAStamp> {
        parts(first(parts_of(&parts(value)?, 0)?)?)
    }

    /// An attribute that stands there once.
    fn only(&self, name: ObjectIdentifier) -> Result<AnyRef<'t>, NotAStamp> {
        let mut found = self.values.iter().filter(|(other, _)| *other == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Ok(*value),
            (None, _) => Err(NotAStamp::NoSigner),
            (Some(_), Some(_)) => Err(NotAStamp::Changed),
        }
    }
}

/// The hash by which a certificate is named.
type HashOf = fn(&[u8]) -> Vec<u8>;

/// One value and nothing after it.
fn whole(octets: &[u8]) -> Result<AnyRef<'_>, NotAStamp> {
    AnyRef::from_der(octets).map_err(|_| NotAStamp::Shape)
}

/// What stands in a value.
fn parts(value: AnyRef<'_>) -> Result<Vec<AnyRef<'_>>, NotAStamp> {
    let mut reader = SliceReader::new(value.value()).map_err(|_| NotAStamp::Shape)?;
    let mut parts = Vec::new();
    while !reader.is_finished() {
        if parts.len() == PARTS_COUNT_MAX {
            return Err(NotAStamp::Shape);
        }
        parts.push(AnyRef::decode(&mut reader).map_err(|_| NotAStamp::Shape)?);
    }
    Ok(parts)
}

fn parts_of<'t>(values: &[AnyRef<'t>], place: usize) -> Result<Vec<AnyRef<'t>>, NotAStamp> {
    parts(*values.get(place).ok_or(NotAStamp::Shape)?)
}

fn first(values: Vec<AnyRef<'_>>) -> Result<AnyRef<'_>, NotAStamp> {
    values.into_iter().next().ok_or(NotAStamp::Shape)
}

fn oid(value: AnyRef<'_>) -> Result<ObjectIdentifier, NotAStamp> {
    value.decode_as().map_err(|_| NotAStamp::Shape)
}

/// `20261126210000Z`, or with a part of a second after a point (RFC 3161 section 2.4.2).
fn time(octets: &[u8]) -> Option<Timestamp> {
    let text = str::from_utf8(octets).ok()?.strip_suffix('Z')?;
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if whole.len() != 14 || part.len() > 9 || !(whole.bytes().chain(part.bytes())).all(digit) {
        return None;
    }
    let field = |from: usize, to: usize| whole.get(from..to)?.parse::<i16>().ok();
    let small = |from: usize| i8::try_from(field(from, from + 2)?).ok();
    let (month, day) = (small(4)?, small(6)?);
    let (hour, minute, second) = (small(8)?, small(10)?, small(12)?);
    let nanos = format!("{part:0<9}").parse().ok()?;
    let time = DateTime::new(field(0, 4)?, month, day, hour, minute, second, nanos).ok()?;
    let at = time.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(Timestamp::from_micros(at.as_microsecond()))
}

const fn digit(octet: u8) -> bool {
    octet.is_ascii_digit()
}

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
/// `id-ct-TSTInfo`.
const STAMP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_V1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
const SIGNING_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
/// Tags of the parts that are left out where there are none.
const CERTIFICATES: u32 = 0;
const ATTRIBUTES: u32 = 0;
/// Parts of one value that are looked at.
const PARTS_COUNT_MAX: usize = 64;
