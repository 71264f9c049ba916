//! Signed notes: a text and the signatures under it (c2sp.org/signed-note).

use crate::{
    KeyKind, Signer, Verifier, hash,
    key::{self, SIGNATURE_OCTETS},
    limits::{NOTE_OCTETS_MAX, SIGNATURES_COUNT_MAX},
};
use alloc::{
    string::{String, ToString as _},
    vec::Vec,
};
use core::fmt;

/// A text with signatures, of which none needs to be true: see [`Note::check`].
///
/// Printed, it is what was read, octet by octet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

impl Note {
    /// Signs `text` with the key of a log.
    ///
    /// # Errors
    /// When the text is none that a note can have, or the key is a witness's.
    pub fn sign(text: &str, signer: &Signer) -> Result<Self, Unsigned> {
        if !is_text(text) || text.len() > NOTE_OCTETS_MAX / 2 {
            return Err(Unsigned::Text);
        }
        match signer.verifier().kind() {
            KeyKind::Log => Ok(Self {
                text: text.to_string(),
                signatures: Vec::from([Signature::new(signer, &signer.sign(text.as_bytes()))]),
            }),
            KeyKind::Witness => Err(Unsigned::Kind),
        }
    }

    /// Reads a note. Signatures of unknown keys are kept.
    ///
    /// # Errors
    /// Says what about it is not as the specification wants it.
    pub fn parse(octets: &[u8]) -> Result<Self, NotANote> {
        if octets.len() > NOTE_OCTETS_MAX {
            return Err(NotANote::TooLong);
        }
        let note = str::from_utf8(octets).map_err(|_| NotANote::Characters)?;
        if note.contains(is_forbidden) {
            return Err(NotANote::Characters);
        }
        // The last empty line ends the text; its own line break belongs to neither.
        let end = note.rfind("\n\n").ok_or(NotANote::Shape)?;
        let (text, rest) = note.split_at_checked(end + 1).ok_or(NotANote::Shape)?;
        let lines = rest.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n'));
        let mut signatures = Vec::new();
        for line in lines.ok_or(NotANote::Shape)?.split('\n') {
            if signatures.len() == SIGNATURES_COUNT_MAX {
                return Err(NotANote::TooManySignatures);
            }
            signatures.push(Signature::parse(line).ok_or(NotANote::SignatureLine)?);
        }
        Ok(Self { text: text.to_string(), signatures })
    }

    /// The text with its last line break. Nobody vouches for it yet.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures, known or not, true or not.
    #[must_use]
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Adds a signature, as a log does with those of its witnesses. Nothing is done when the note
    /// has it already.
    ///
    /// # Errors
    /// When there are too many, or the note would become too long to be read again.
    pub fn add(&mut self, signature: Signature) -> Result<(), NotANote> {
        if self.signatures.contains(&signature) {
            return Ok(());
        }
        if self.signatures.len() >= SIGNATURES_COUNT_MAX {
            return Err(NotANote::TooManySignatures);
        }
        if self.to_string().len() + signature.to_string().len() >= NOTE_OCTETS_MAX {
            return Err(NotANote::TooLong);
        }
        self.signatures.push(signature);
        Ok(())
    }

    /// Makes sure that the holder of `verifier` signed the text.
    ///
    /// # Errors
    /// When there is no signature of this key, or one that is false.
    pub fn check(&self, verifier: &Verifier) -> Result<(), Unsigned> {
        self.signed_s(verifier).map(|_| ())
    }

    /// When a witness vouched for the text last, in seconds since 1970.
    ///
    /// # Errors
    /// As [`Note::check`], and when the key is a log's: a log says no time.
    pub fn witnessed_s(&self, witness: &Verifier) -> Result<u64, Unsigned> {
        self.signed_s(witness)?.ok_or(Unsigned::Kind)
    }

    fn signed_s(&self, verifier: &Verifier) -> Result<Option<u64>, Unsigned> {
        let name = || verifier.name().to_string();
        let mut latest: Result<Option<u64>, _> = Err(Unsigned::Missing(name()));
        for signature in self.signatures.iter().filter(|signature| signature.names(verifier)) {
            // A false signature under a known name is an attempt, so it condemns the note.
            let time_s =
                verify(&self.text, signature, verifier).map_err(|Lie| Unsigned::False(name()))?;
            latest = Ok(latest.unwrap_or_default().max(time_s));
        }
        latest
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

/// One line under a note. Printed, it is that line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    name: String,
    id: u32,
    octets: Vec<u8>,
}

impl Signature {
    pub(crate) fn new(signer: &Signer, octets: &[u8]) -> Self {
        let verifier = signer.verifier();
        Self { name: verifier.name().to_string(), id: verifier.id(), octets: octets.to_vec() }
    }

    /// Vouches as a witness, at a time in seconds since 1970, for the text of a checkpoint.
    pub(crate) fn by_witness(text: &str, signer: &Signer, time_s: u64) -> Self {
        let signature = signer.sign(seen(text, time_s).as_bytes());
        Self::new(signer, &[&time_s.to_be_bytes(), signature.as_slice()].concat())
    }

    /// Reads a line without its line break; `None` when it is no signature.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let (name, signature) = line.strip_prefix(DASH)?.split_once(' ')?;
        let octets = hash::decode(signature)?;
        let (id, octets) = octets.split_first_chunk()?;
        (key::is_name(name) && !octets.is_empty()).then(|| Self {
            name: name.to_string(),
            id: u32::from_be_bytes(*id),
            octets: octets.to_vec(),
        })
    }

    /// Whose it says it is.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn names(&self, verifier: &Verifier) -> bool {
        self.id == verifier.id() && self.name == verifier.name()
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let octets = [&self.id.to_be_bytes(), self.octets.as_slice()].concat();
        write!(f, "{DASH}{} {}", self.name, hash::encode(&octets))
    }
}

/// Why something is no note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotANote {
    /// It is longer than a note is read.
    #[error("a signed note has at most {NOTE_OCTETS_MAX} octets")]
    TooLong,
    /// It is not text, or has other control characters than line breaks.
    #[error("a signed note is UTF-8 without control characters but line breaks")]
    Characters,
    /// It is not a text, an empty line, and signatures.
    #[error("a signed note is a text, an empty line, and lines with signatures")]
    Shape,
    /// A line under the text is no signature.
    #[error("a line under the signed text is no signature")]
    SignatureLine,
    /// It has more signatures than are looked at.
    #[error("a signed note has at most {SIGNATURES_COUNT_MAX} signatures")]
    TooManySignatures,
}

/// Why a note is not signed, or cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsigned {
    /// It has no signature of this key.
    #[error("it has no signature of `{0}`")]
    Missing(String),
    /// Its signature of this key is not true.
    #[error("the signature of `{0}` is false")]
    False(String),
    /// A text that no note can have.
    #[error("a text to sign ends its last line, and has no control characters but line breaks")]
    Text,
    /// A key of the other kind.
    #[error("this kind of key signs something else")]
    Kind,
}

/// A signature that its key did not make.
struct Lie;

/// The time a true signature says, if its kind says one.
fn verify(text: &str, signature: &Signature, verifier: &Verifier) -> Result<Option<u64>, Lie> {
    let octets = signature.octets.as_slice();
    let (message, time_s, octets) = match verifier.kind() {
        KeyKind::Log => (text.to_string(), None, octets),
        KeyKind::Witness => {
            let (time, octets) = octets.split_first_chunk().ok_or(Lie)?;
            let time_s = u64::from_be_bytes(*time);
            if time_s > WITNESS_TIME_S_MAX {
                return Err(Lie);
            }
            (seen(text, time_s), Some(time_s), octets)
        }
    };
    let octets: &[u8; SIGNATURE_OCTETS] = octets.try_into().map_err(|_| Lie)?;
    if verifier.accepts(message.as_bytes(), octets) { Ok(time_s) } else { Err(Lie) }
}

/// What a witness signs (c2sp.org/tlog-cosignature).
fn seen(text: &str, time_s: u64) -> String {
    alloc::format!("cosignature/v1\ntime {time_s}\n{text}")
}

fn is_text(text: &str) -> bool {
    text.ends_with('\n') && !text.contains(is_forbidden)
}

fn is_forbidden(c: char) -> bool {
    c < ' ' && c != '\n'
}

/// Opens the line of a signature: an em dash and a space.
const DASH: &str = "\u{2014} ";
/// The specification's bound on a witness's time.
pub(crate) const WITNESS_TIME_S_MAX: u64 = i64::MAX as u64;

#[cfg(test)]
mod tests;
