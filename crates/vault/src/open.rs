//! Opening a recording, against the receipt of a disclosure.
//!
//! Both keyholders open their share with [`KeyholderSecret::reseal`] and seal it again to the
//! recipient whom the entry in the log names; the recipient puts the two together with [`open`] or
//! [`follow`]. Each of the three takes a [`Receipt`], and nothing else here opens anything.

use crate::{
    KeyId, KeyholderSecret, RecipientSecret,
    format::{
        self, Content, HEADER_OCTETS, Header, LENGTH_OCTETS, SEALED_OCTETS_MAX, TAG_OCTETS, Totals,
    },
    seal::{self, CannotSeal, Share},
};
use access::{Object, Receipt, Verb};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, Tag, aead::AeadInOut};
use hpke::{Deserializable, OpModeR, aead::AesGcm256, kdf::HkdfSha256};
use model::{AgencyId, RecordingId, Second, Timestamp};
use sha2::{Digest, Sha256};
use std::io::{self, Read};
use zeroize::Zeroizing;

/// A share of a recording's key, sealed again by its keyholder to the recipient of one disclosure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resealed {
    /// Which half it is.
    pub share: Share,
    /// `enc` of RFC 9180.
    pub encapsulated: [u8; 32],
    /// The share and its tag.
    pub sealed: [u8; 48],
}

impl KeyholderSecret {
    /// Opens this keyholder's share of the recording with `header` (its first
    /// [`HEADER_OCTETS`](crate::HEADER_OCTETS) octets), and seals it to the recipient whom the
    /// entry names.
    ///
    /// # Errors
    /// When the entry is not about this recording, or the share not this keyholder's.
    pub fn reseal(&self, header: &[u8], receipt: Receipt) -> Result<Resealed, NotOpened> {
        let header = Header::parse(header).ok_or(NotOpened::NoRecording)?;
        named(&header, &receipt)?;
        let id = self.public().id().0;
        let both = [Share::A, Share::B].into_iter().zip(&header.shares);
        let (share, sealed) = both
            .into_iter()
            .find(|(_, sealed)| sealed.key_id == id)
            .ok_or(NotOpened::OtherKeyholder)?;
        let parts = (&sealed.encapsulated, &sealed.sealed);
        let clear = open_share(&self.0.private(), share.info(), parts, &header.bound)
            .ok_or(NotOpened::Share(share))?;
        let recipient = seal::PublicKey::from_bytes(&receipt.intent().recipient.0)
            .map_err(|_| NotOpened::Recipient)?;
        let bound = bound_again(&header, &receipt);
        let resealed = seal::seal_to(&recipient, info_again(share), &clear, &bound);
        let (encapsulated, sealed) = resealed.map_err(|fault| match fault {
            CannotSeal::NoRandomness => NotOpened::NoRandomness,
            CannotSeal::Key => NotOpened::Recipient,
        })?;
        Ok(Resealed { share, encapsulated, sealed })
    }
}

/// Which recording a header is of, and the SHA-256 over it, as the entry of a disclosure names
/// them.
///
/// # Errors
/// When it is no header.
pub fn object(header: &[u8]) -> Result<Object, NotOpened> {
    let header = Header::parse(header).ok_or(NotOpened::NoRecording)?;
    Ok(object_of(&header))
}

/// To which keys the shares of a recording are sealed: the agency's keyholder's, and the
/// independent one's.
///
/// # Errors
/// When it is no header.
pub fn holders(header: &[u8]) -> Result<[KeyId; 2], NotOpened> {
    let header = Header::parse(header).ok_or(NotOpened::NoRecording)?;
    Ok(header.shares.map(|share| KeyId(share.key_id)))
}

/// A recording that is being read, second by second.
#[derive(Debug)]
pub struct Reading<R> {
    input: R,
    opener: Opener,
    about: About,
    /// What was read of the next frame: its length field and sealed content.
    frame: Vec<u8>,
    seconds: u32,
    octets: (u64, u64),
    over: bool,
}

/// What the header of an opened recording says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Whose it is.
    pub agency: AgencyId,
    /// Which.
    pub recording: RecordingId,
    /// When it was begun.
    pub begun: Timestamp,
}

/// What a reading comes to next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// A second of the conversation.
    Second(Box<Second>),
    /// There is no more for now: whoever follows asks again, for everybody else it was cut here.
    /// So many octets after the last whole second are no frame, or not one yet.
    Pause {
        /// How many.
        left_over: u64,
    },
    /// The recording ended in order.
    Ended {
        /// When.
        at: Timestamp,
    },
}

/// Opens a recording with both shares, which were sealed again to `secret` for this disclosure.
///
/// # Errors
/// When the entry is not about this recording or not of an act in which one is heard, or the
/// shares are not its own.
pub fn open<R: Read>(
    mut input: R,
    shares: &[Resealed; 2],
    secret: &RecipientSecret,
    receipt: Receipt,
) -> Result<Reading<R>, NotOpened> {
    let mut octets = Vec::with_capacity(HEADER_OCTETS);
    input.by_ref().take(HEADER_OCTETS as u64).read_to_end(&mut octets)?;
    let header = Header::parse(&octets).ok_or(NotOpened::NoRecording)?;
    named(&header, &receipt)?;
    let opener = Opener::begin(&header, shares, secret, &receipt)?;
    let about = About {
        agency: header.facts.agency,
        recording: header.facts.recording,
        begun: header.facts.begun,
    };
    let frame = Vec::with_capacity(LENGTH_OCTETS + SEALED_OCTETS_MAX);
    Ok(Reading { input, opener, about, frame, seconds: 0, octets: (0, 0), over: false })
}

impl<R: Read> Reading<R> {
    /// What the header says.
    pub const fn about(&self) -> &About {
        &self.about
    }

    /// Reads on. After [`Next::Ended`] there is nothing more.
    ///
    /// # Errors
    /// When a whole frame is not the one that was sealed here, or something follows the last one.
    /// What came before is authentic; what comes after is not read.
    pub fn read(&mut self) -> Result<Next, NotOpened> {
        if self.over {
            return Err(NotOpened::Over);
        }
        let next = self.step();
        self.over = matches!(next, Ok(Next::Ended { .. }) | Err(_));
        next
    }

    fn step(&mut self) -> Result<Next, NotOpened> {
        let pause = |reading: &Self| Next::Pause { left_over: reading.frame.len() as u64 };
        if !self.fill(LENGTH_OCTETS)? {
            return Ok(pause(self));
        }
        let field = self.frame.first_chunk().copied().unwrap_or_default();
        let Some((length, last)) = format::frame_length(field) else { return Ok(pause(self)) };
        if !self.fill(LENGTH_OCTETS + length)? {
            return Ok(pause(self));
        }
        let damaged = NotOpened::Frame(self.seconds);
        let content = self.opener.open(&mut self.frame, last).ok_or(damaged)?;
        match content {
            Content::Second(second) if !last => {
                self.seconds += 1;
                self.octets.0 += second.station.octets.len() as u64;
                self.octets.1 += second.called.octets.len() as u64;
                Ok(Next::Second(Box::new(second)))
            }
            Content::Ended(totals, at) if last => {
                let (station, called) = self.octets;
                let counted = Totals { frames: self.seconds, station, called };
                let nothing_follows = !self.fill(1)?;
                (totals == counted && nothing_follows)
                    .then_some(Next::Ended { at })
                    .ok_or(NotOpened::End)
            }
            Content::Second(_) | Content::Ended(..) => Err(NotOpened::Frame(self.seconds)),
        }
    }

    /// Reads until there are so many octets of the frame; false when there are not yet.
    fn fill(&mut self, wanted: usize) -> Result<bool, NotOpened> {
        let missing = wanted.saturating_sub(self.frame.len());
        let missing = u64::try_from(missing).unwrap_or(u64::MAX);
        self.input.by_ref().take(missing).read_to_end(&mut self.frame)?;
        Ok(self.frame.len() >= wanted)
    }
}

/// For [`crate::probe`] alone.
impl<R: Read> Reading<R> {
    /// Reads frames that were sealed with [`Reading::seal_for_probe`], and no others: its key is in
    /// this file.
    pub(crate) fn of_probe(input: R) -> Self {
        let opener = Opener {
            cipher: Aes256Gcm::new(&PROBE_KEY.into()),
            prefix: PROBE_PREFIX,
            counter: 0,
            header: [0; 32],
        };
        let about = About {
            agency: AgencyId(0),
            recording: RecordingId(0),
            begun: Timestamp::from_micros(0),
        };
        Self { input, opener, about, frame: Vec::new(), seconds: 0, octets: (0, 0), over: false }
    }

    /// Seals what `frame` holds after its length field, and writes that; `None` when it does not
    /// fit.
    pub(crate) fn seal_for_probe(frame: &mut Vec<u8>, counter: u32, last: bool) -> Option<()> {
        let (_, content) = frame.split_at_mut_checked(LENGTH_OCTETS)?;
        let cipher = Aes256Gcm::new(&PROBE_KEY.into());
        let nonce = Nonce::from(seal::nonce(PROBE_PREFIX, counter, last));
        let tag = cipher.encrypt_inout_detached(&nonce, &[0; 32], content.into()).ok()?;
        frame.extend_from_slice(&tag);
        let length = u32::try_from(frame.len() - LENGTH_OCTETS).ok()?;
        let length = if last { length | format::LAST_BIT } else { length };
        frame.first_chunk_mut::<LENGTH_OCTETS>()?.copy_from_slice(&length.to_le_bytes());
        Some(())
    }
}

/// Opens the frames of one recording, one after the other.
struct Opener {
    /// Wipes its key schedule when dropped.
    cipher: Aes256Gcm,
    prefix: [u8; 7],
    counter: u32,
    header: [u8; 32],
}

impl Opener {
    fn begin(
        header: &Header,
        shares: &[Resealed; 2],
        secret: &RecipientSecret,
        receipt: &Receipt,
    ) -> Result<Self, NotOpened> {
        if receipt.intent().recipient != secret.public() {
            return Err(NotOpened::OtherRecipient);
        }
        let private = secret.0.private();
        let bound = bound_again(header, receipt);
        let clear = |which: Share| {
            let mut of_it = shares.iter().filter(|resealed| resealed.share == which);
            let resealed = of_it.next().ok_or(NotOpened::Share(which))?;
            let parts = (&resealed.encapsulated, &resealed.sealed);
            let opened = open_share(&private, info_again(which), parts, &bound);
            opened.ok_or(NotOpened::Share(which))
        };
        let keys = seal::derive(&*clear(Share::A)?, &*clear(Share::B)?, header.facts.recording.0);
        if keys.commitment != header.commitment {
            return Err(NotOpened::OtherKey);
        }
        let cipher = Aes256Gcm::new((&*keys.frames).into());
        Ok(Self { cipher, prefix: header.prefix, counter: 0, header: header.digest })
    }

    /// Opens a frame, and leaves the buffer empty for the next one.
    fn open(&mut self, frame: &mut Vec<u8>, last: bool) -> Option<Content> {
        let (_, sealed) = frame.split_at_mut_checked(LENGTH_OCTETS)?;
        let (text, tag) = sealed.split_last_chunk_mut::<TAG_OCTETS>()?;
        let nonce = Nonce::from(seal::nonce(self.prefix, self.counter, last));
        let tag = Tag::from(*tag);
        let opened =
            self.cipher.decrypt_inout_detached(&nonce, &self.header, (&mut *text).into(), &tag);
        opened.ok()?;
        self.counter = self.counter.checked_add(1)?;
        let content = format::content(text);
        frame.clear();
        content
    }
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[private]")
    }
}

/// Why a recording, or a share of its key, does not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOpened {
    /// There is no header: nobody's voice is in it.
    #[error("this is no recording, or it was cut before its first second")]
    NoRecording,
    /// The entry names another recording, or none.
    #[error("the entry in the log names another recording")]
    OtherRecording,
    /// The entry is of an act in which nothing is heard.
    #[error("the entry in the log is of an act in which no recording is heard")]
    HearsNothing,
    /// Neither share is sealed to this keyholder.
    #[error("neither share of the recording is sealed to this keyholder's key")]
    OtherKeyholder,
    /// Who opens is not whom the entry names.
    #[error("the entry in the log names another recipient's key")]
    OtherRecipient,
    /// The recipient's key is none to which anything can be sealed.
    #[error("nothing can be sealed to the recipient's key that the entry names")]
    Recipient,
    /// A share does not open: it is missing, damaged, or of another disclosure.
    #[error("share {0:?} does not open: it is damaged, or of another disclosure")]
    Share(Share),
    /// The shares do not give the key of this recording.
    #[error("the shares do not give the key of this recording")]
    OtherKey,
    /// There are no shares of a segment's key.
    #[error("this is no file with the shares of a segment's key")]
    NoShares,
    /// The entry does not name this segment.
    #[error("the entry in the log does not name this segment of the journal")]
    OtherSegment,
    /// No share of a segment's key is sealed to this keyholder.
    #[error("no share of the segment's key is sealed to this keyholder's key")]
    NoSegmentShare,
    /// A share of a segment's key does not open: it is missing, damaged, or of another request.
    #[error(
        "share {0} of the segment's key does not open: it is missing, damaged, or of another request"
    )]
    SegmentShare(u32),
    /// The shares do not give the key of this segment.
    #[error("the shares do not give the key of this segment")]
    OtherSegmentKey,
    /// A frame is not the one that was sealed here.
    #[error("second {0} is not as it was sealed: the file was changed or damaged there")]
    Frame(u32),
    /// The last frame does not fit what came before, or something follows it.
    #[error("the end of the recording does not fit what came before it")]
    End,
    /// The time in which the entry lets it be followed is over.
    #[error("the disclosure is not valid any more: ask for it again")]
    Expired,
    /// It was read to its end, or to a fault.
    #[error("the recording was read to its end")]
    Over,
    /// The operating system gave no random octets.
    #[error("the operating system gives no random numbers, so nothing can be sealed")]
    NoRandomness,
    /// The disk reported a fault.
    #[error("cannot read the recording: {0}")]
    Io(String),
}

impl From<io::Error> for NotOpened {
    fn from(fault: io::Error) -> Self {
        Self::Io(fault.to_string())
    }
}

/// Whether the entry is of hearing just this recording.
fn named(header: &Header, receipt: &Receipt) -> Result<(), NotOpened> {
    match receipt.intent().verb {
        Verb::Listen | Verb::Follow | Verb::Export => {}
        Verb::Search
        | Verb::Hold
        | Verb::Approve
        | Verb::List
        | Verb::Retain
        | Verb::Name
        | Verb::Watch
        | Verb::Switch => return Err(NotOpened::HearsNothing),
    }
    let same = receipt.intent().object == object_of(header);
    same.then_some(()).ok_or(NotOpened::OtherRecording)
}

fn object_of(header: &Header) -> Object {
    let facts = &header.facts;
    Object::Recording { agency: facts.agency, recording: facts.recording, header: header.digest }
}

pub(crate) fn open_share(
    private: &seal::PrivateKey,
    info: &[u8],
    (encapsulated, sealed): (&[u8; 32], &[u8; 48]),
    bound: &[u8],
) -> Option<Zeroizing<[u8; 32]>> {
    let encapsulated = <seal::Kem as hpke::Kem>::EncappedKey::from_bytes(encapsulated).ok()?;
    let opened = hpke::single_shot_open::<AesGcm256, HkdfSha256, seal::Kem>(
        &OpModeR::Base,
        private,
        &encapsulated,
        info,
        sealed,
        bound,
    );
    let opened = Zeroizing::new(opened.ok()?);
    let mut share = Zeroizing::new([0; 32]);
    (opened.len() == share.len()).then(|| share.copy_from_slice(&opened))?;
    Some(share)
}

/// What a share that was sealed again is bound to: the recording, the log and the entry. So it is
/// of no use for another disclosure.
fn bound_again(header: &Header, receipt: &Receipt) -> [u8; 32] {
    let hash = Sha256::new().chain_update(header.digest);
    let hash = hash.chain_update(receipt.index().to_be_bytes());
    hash.chain_update(receipt.checkpoint().origin()).finalize().into()
}

/// Known to everybody: nothing is kept under it.
const PROBE_KEY: [u8; 32] = [0; 32];
const PROBE_PREFIX: [u8; 7] = [0; 7];

const fn info_again(share: Share) -> &'static [u8] {
    match share {
        Share::A => b"parlatory disclosure v1 share a",
        Share::B => b"parlatory disclosure v1 share b",
    }
}
