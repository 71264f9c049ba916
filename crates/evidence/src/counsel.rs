//! Counsel's own mark: what lets one attorney find the entries of their calls in the public log,
//! and nobody else.

use crate::{Kind, limits::MARK_OCTETS};
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce, aead::AeadInOut};
use alloc::string::String;
use core::{fmt, str::FromStr, time::Duration};
use hmac::{Hmac, Mac};
use model::Timestamp;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

/// The secret that counsel gets when their numbers are registered, and that marks their calls.
/// As text: `parlatory-counsel:` and 64 hexadecimal digits. Whoever has it can find these calls.
#[derive(Clone)]
pub struct CounselSecret(Zeroizing<[u8; SECRET_OCTETS]>);

/// What an entry tells counsel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// When the call was admitted, or when the conversation began, to the microsecond.
    pub start: Timestamp,
    /// How long they talked, in whole seconds; 0 at admission.
    pub talked: Duration,
}

/// The mark that goes into one entry.
#[derive(Clone, Copy, Debug)]
pub struct Mark<'a> {
    /// Whose call it is.
    pub secret: &'a CounselSecret,
    /// Which of counsel's calls at this node, see [`counter`].
    pub counter: u64,
    /// What counsel is told.
    pub note: Note,
}

/// The number of counsel's call `n` (from 0) since start `boot` of a node. Starts are numbered
/// durably and never again, so that no counter has to be: two entries of a kind never share one.
pub const fn counter(boot: u32, n: u32) -> u64 {
    ((boot as u64) << 32) | n as u64
}

impl CounselSecret {
    /// The secret with these octets.
    pub fn new(octets: [u8; SECRET_OCTETS]) -> Self {
        Self(Zeroizing::new(octets))
    }

    /// The text form.
    pub fn text(&self) -> Zeroizing<String> {
        let mut text = String::with_capacity(PREFIX.len() + 2 * SECRET_OCTETS);
        text.push_str(PREFIX);
        for octet in self.0.iter() {
            for digit in [octet >> 4, octet & 15] {
                text.push(char::from_digit(digit.into(), 16).unwrap_or_default());
            }
        }
        Zeroizing::new(text)
    }

    /// What the entry of `kind` about call `counter` at `node` begins its mark with.
    pub fn tag(&self, kind: Kind, node: u32, counter: u64) -> [u8; TAG_OCTETS] {
        let mut message = [0; 13];
        let parts = [kind.code()].into_iter().chain(node.to_be_bytes());
        for (place, octet) in message.iter_mut().zip(parts.chain(counter.to_be_bytes())) {
            *place = octet;
        }
        let whole = self.derive(b"parlatory counsel tag v1\0", &message);
        whole.first_chunk().copied().unwrap_or_default()
    }

    /// Writes the mark into `field`, whose octets are random.
    pub(crate) fn mark(
        &self,
        kind: Kind,
        node: u32,
        mark: &Mark<'_>,
        field: &mut [u8; MARK_OCTETS],
    ) {
        let tag = self.tag(kind, node, mark.counter);
        let seconds = crate::clerk::seconds(mark.note.talked);
        let start = mark.note.start.micros().to_be_bytes();
        let note = start.into_iter().chain(seconds.to_be_bytes()).chain([0; 4]);
        let Some((field_tag, rest)) = field.split_first_chunk_mut::<TAG_OCTETS>() else { return };
        let Some((nonce, rest)) = rest.split_first_chunk_mut::<12>() else { return };
        let Some((content, seal)) = rest.split_first_chunk_mut::<NOTE_OCTETS>() else { return };
        for (place, octet) in content.iter_mut().zip(note) {
            *place = octet;
        }
        let nonce = Nonce::from(*nonce);
        let plain = content.as_mut_slice().into();
        match self.cipher().encrypt_inout_detached(&nonce, &tag, plain) {
            Ok(sealed) => seal.copy_from_slice(&sealed),
            // AES-GCM takes 16 octets. If it ever did not, nothing stands there in clear.
            Err(_) => *content = [0; NOTE_OCTETS],
        }
        *field_tag = tag;
    }

    /// Reads the note of an entry whose mark begins with a tag of this secret; `None` when it was
    /// not sealed with it.
    pub fn note(&self, mark: &[u8; MARK_OCTETS]) -> Option<Note> {
        let (tag, rest) = mark.split_first_chunk::<TAG_OCTETS>()?;
        let (nonce, rest) = rest.split_first_chunk::<12>()?;
        let (content, seal) = rest.split_first_chunk::<NOTE_OCTETS>()?;
        let (mut content, seal) = (*content, seal.first_chunk::<16>()?);
        let opened = self.cipher().decrypt_inout_detached(
            &Nonce::from(*nonce),
            tag,
            content.as_mut_slice().into(),
            &(*seal).into(),
        );
        opened.ok()?;
        let (start, rest) = content.split_first_chunk::<8>()?;
        let (seconds, _) = rest.split_first_chunk::<4>()?;
        Some(Note {
            start: Timestamp::from_micros(i64::from_be_bytes(*start)),
            talked: Duration::from_secs(u32::from_be_bytes(*seconds).into()),
        })
    }

    fn cipher(&self) -> Aes256Gcm {
        let mut key = self.derive(b"parlatory counsel note v1\0", &[]);
        let cipher = Aes256Gcm::new((&key).into());
        key.zeroize();
        cipher
    }

    fn derive(&self, domain: &[u8], message: &[u8]) -> [u8; 32] {
        // HMAC takes a key of any length, so this branch is never taken.
        let Ok(mut mac) = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(self.0.as_slice()) else {
            return [0; 32];
        };
        mac.update(domain);
        mac.update(message);
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for CounselSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CounselSecret([private])")
    }
}

impl FromStr for CounselSecret {
    type Err = NotASecret;

    /// Reads the text form; space around it is ignored.
    fn from_str(text: &str) -> Result<Self, NotASecret> {
        let digits = text.trim().strip_prefix(PREFIX).ok_or(NotASecret)?;
        if digits.len() != 2 * SECRET_OCTETS {
            return Err(NotASecret);
        }
        let mut octets = [0; SECRET_OCTETS];
        for (octet, pair) in octets.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
            *octet = pair.iter().try_fold(0, |value, digit| {
                let digit = char::from(*digit).to_digit(16).and_then(|d| u8::try_from(d).ok());
                Ok((value << 4) | digit.ok_or(NotASecret)?)
            })?;
        }
        Ok(Self::new(octets))
    }
}

/// A text that is no counsel's secret. The text itself is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a counsel's secret is `parlatory-counsel:` and 64 hexadecimal digits")]
pub struct NotASecret;

/// Octets of a secret.
pub const SECRET_OCTETS: usize = 32;
/// Octets of a tag.
pub const TAG_OCTETS: usize = 16;
const NOTE_OCTETS: usize = 16;
const PREFIX: &str = "parlatory-counsel:";
