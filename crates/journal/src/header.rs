//! The first octets of a segment: whose it is, what it begins with, and its key or what became of
//! it.

use crate::{
    EntrySeq, JournalError, Seq,
    octets::Reader,
    seal::{Mark, NONCE_OCTETS, SEAL_KEY_OCTETS, Seal, SealKey, TAG_OCTETS, Wrapped},
};
use model::Timestamp;
use zeroize::Zeroizing;

/// The first octets of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Whose journal it is.
    pub(crate) node: u32,
    /// Number of its first fact, or of the next one when it has none.
    pub(crate) first: Seq,
    /// Number of its first entry, or of the next one when it has none.
    pub(crate) entry: EntrySeq,
    slot: Slot,
}

/// The part of a header that changes once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    /// The key that seals what follows.
    Key(Wrapped),
    /// The key is destroyed, and with it what followed.
    Gone(Gone, Mark),
    /// The key is destroyed here, and others can make it again together.
    Given(Given, Mark),
}

/// What is kept of a segment that was forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone {
    /// Number of the first fact after it.
    pub(crate) next: Seq,
    /// Number of the first entry after it.
    pub(crate) next_entry: EntrySeq,
    /// When it was forgotten.
    pub(crate) at: Timestamp,
    /// SHA-256 of the segment as it was, whole and sealed: of a copy one can say that it is one.
    pub(crate) sha256: [u8; 32],
}

/// What is said of a segment whose key was given away. It stands there as it was written, but for
/// its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    /// Number of the first fact after it.
    pub(crate) next: Seq,
    /// Number of the first entry after it.
    pub(crate) next_entry: EntrySeq,
    /// When the last of its facts happened, for whoever forgets it.
    pub(crate) newest: Timestamp,
    /// SHA-256 of the file beside it that holds the shares of its key.
    pub(crate) shares: [u8; 32],
}

/// What a header gives to whoever has the journal's key.
pub(crate) enum Opened {
    /// What opens the segment's appends.
    Sealed(Seal),
    /// The segment was forgotten.
    Gone(Gone),
    /// Its key was given away.
    Given(Given),
}

/// Why octets are not a [`Header`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderFault {
    /// They are not whole, or not of a journal.
    Unreadable,
    /// They are of this newer format.
    Newer(u32),
    /// They are of this older format, which was in clear.
    Older(u32),
}

impl Header {
    /// The header of a segment that this version begins, and what seals its appends.
    ///
    /// # Errors
    /// [`JournalError::NoRandomness`].
    pub(crate) fn begin(
        node: u32,
        first: Seq,
        entry: EntrySeq,
        key: &SealKey,
    ) -> Result<(Self, Seal), JournalError> {
        let (wrapped, seal) = key.draw(&bound(node, first, entry, KIND_KEY))?;
        Ok((Self { node, first, entry, slot: Slot::Key(wrapped) }, seal))
    }

    /// The header that takes this one's place when its segment is forgotten.
    ///
    /// # Errors
    /// [`JournalError::NoRandomness`].
    pub(crate) fn forget(self, gone: Gone, key: &SealKey) -> Result<Self, JournalError> {
        let mark = key.vouch(&self.said(&gone))?;
        Ok(Self { slot: Slot::Gone(gone, mark), ..self })
    }

    /// The header that takes this one's place when the key of its segment is given away.
    ///
    /// # Errors
    /// [`JournalError::NoRandomness`].
    pub(crate) fn give(self, given: Given, key: &SealKey) -> Result<Self, JournalError> {
        let mark = key.vouch(&self.said_of(&given))?;
        Ok(Self { slot: Slot::Given(given, mark), ..self })
    }

    /// What became of the segment, where its key is not in it any more; nobody vouches for it here.
    pub(crate) const fn past(self) -> Option<Past> {
        match self.slot {
            Slot::Gone(gone, _) => Some(Past::Gone(gone)),
            Slot::Given(given, _) => Some(Past::Given(given)),
            Slot::Key(_) => None,
        }
    }

    /// The segment's key itself, for those who are to hold it; `None` when there is none here, or
    /// it is wrapped under another key.
    pub(crate) fn key(self, key: &SealKey) -> Option<Zeroizing<[u8; SEAL_KEY_OCTETS]>> {
        match self.slot {
            Slot::Key(wrapped) => {
                let bound = bound(self.node, self.first, self.entry, KIND_KEY);
                key.unwrap_key(&bound, &wrapped)
            }
            Slot::Gone(..) | Slot::Given(..) => None,
        }
    }

    /// What the journal's key makes of it; `None` when it is another journal's key, or the header
    /// was changed.
    pub(crate) fn open(self, key: &SealKey) -> Option<Opened> {
        match self.slot {
            Slot::Key(wrapped) => {
                let bound = bound(self.node, self.first, self.entry, KIND_KEY);
                key.unwrap(&bound, &wrapped).map(Opened::Sealed)
            }
            Slot::Gone(gone, mark) => {
                key.vouched(&self.said(&gone), mark).then_some(Opened::Gone(gone))
            }
            Slot::Given(given, mark) => {
                key.vouched(&self.said_of(&given), mark).then_some(Opened::Given(given))
            }
        }
    }

    /// Its octets.
    pub(crate) fn encode(self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(HEADER_OCTETS);
        octets.extend_from_slice(&front(self.node, self.first, self.entry));
        octets.extend_from_slice(&[0; 4]);
        let check = crc32c::crc32c(&octets);
        octets.extend_from_slice(&check.to_le_bytes());
        let (kind, Mark { nonce, tag }, body) = match self.slot {
            Slot::Key(Wrapped { nonce, key, tag }) => {
                let mut body = [0; BODY_OCTETS];
                if let Some(place) = body.first_chunk_mut() {
                    *place = key;
                }
                (KIND_KEY, Mark { nonce, tag }, body)
            }
            Slot::Gone(gone, mark) => (KIND_GONE, mark, gone.encode()),
            Slot::Given(given, mark) => (KIND_GIVEN, mark, given.encode()),
        };
        octets.extend_from_slice(&kind.to_le_bytes());
        octets.extend_from_slice(&nonce);
        octets.extend_from_slice(&tag);
        octets.extend_from_slice(&body);
        let check = crc32c::crc32c(octets.get(FRONT_OCTETS..).unwrap_or_default());
        octets.extend_from_slice(&check.to_le_bytes());
        octets
    }

    /// Reads the header at the start of `octets`.
    pub(crate) fn decode(octets: &[u8]) -> Result<Self, HeaderFault> {
        let mut reader = Reader(octets);
        let magic = reader.take::<8>();
        let format = reader.u32().unwrap_or_default();
        if magic != Some(MAGIC) {
            return Err(HeaderFault::Unreadable);
        }
        let whole = checked(octets, 0, FRONT_OCTETS);
        match format {
            FORMAT if whole => Self::decode_this(octets, reader).ok_or(HeaderFault::Unreadable),
            newer if whole && newer > FORMAT => Err(HeaderFault::Newer(newer)),
            FORMAT_CLEAR if whole => Err(HeaderFault::Older(format)),
            FORMAT_FACTS_ALONE if checked(octets, 0, HEADER_OCTETS_FACTS_ALONE) => {
                Err(HeaderFault::Older(format))
            }
            _ => Err(HeaderFault::Unreadable),
        }
    }

    /// Whether octets that are no header can be what a crash left of a segment that was being made:
    /// no append is in it then, as none is written before the header is durable.
    pub(crate) fn is_begun(octets: &[u8]) -> bool {
        let mut reader = Reader(octets);
        let magic = reader.take::<8>();
        let older = magic == Some(MAGIC) && reader.u32().is_some_and(|format| format < FORMAT);
        octets.len() <= HEADER_OCTETS && !older
    }

    /// Reads what follows magic and format of `octets`.
    fn decode_this(octets: &[u8], mut reader: Reader<'_>) -> Option<Self> {
        let node = reader.u32()?;
        let (first, entry) = (Seq(reader.u64()?), EntrySeq(reader.u64()?));
        reader.take::<8>()?;
        let kind = reader.u32()?;
        let (nonce, tag) = (reader.take::<NONCE_OCTETS>()?, reader.take::<TAG_OCTETS>()?);
        let body = reader.take::<BODY_OCTETS>()?;
        let slot = match kind {
            KIND_KEY => {
                Slot::Key(Wrapped { nonce, key: *body.first_chunk::<SEAL_KEY_OCTETS>()?, tag })
            }
            KIND_GONE => Slot::Gone(Gone::decode(&body)?, Mark { nonce, tag }),
            KIND_GIVEN => Slot::Given(Given::decode(&body)?, Mark { nonce, tag }),
            _ => return None,
        };
        let numbered = first.0 > 0 && entry.0 > 0;
        let whole = checked(octets, FRONT_OCTETS, HEADER_OCTETS);
        (numbered && whole).then_some(Self { node, first, entry, slot })
    }

    /// What is vouched for when the segment is forgotten.
    fn said(&self, gone: &Gone) -> Vec<u8> {
        let mut said = bound(self.node, self.first, self.entry, KIND_GONE);
        said.extend_from_slice(&gone.encode());
        said
    }

    /// What is vouched for when the segment's key is given away.
    fn said_of(&self, given: &Given) -> Vec<u8> {
        let mut said = bound(self.node, self.first, self.entry, KIND_GIVEN);
        said.extend_from_slice(&given.encode());
        said
    }
}

/// What became of a segment whose key is not in it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Past {
    /// It was forgotten.
    Gone(Gone),
    /// Its key was given away.
    Given(Given),
}

impl Past {
    /// Numbers of the first fact and the first entry after it.
    pub(crate) const fn next(self) -> (Seq, EntrySeq) {
        match self {
            Self::Gone(gone) => (gone.next, gone.next_entry),
            Self::Given(given) => (given.next, given.next_entry),
        }
    }
}

impl Gone {
    fn encode(&self) -> [u8; BODY_OCTETS] {
        body(self.next, self.next_entry, self.at, &self.sha256)
    }

    fn decode(body: &[u8; BODY_OCTETS]) -> Option<Self> {
        let (next, next_entry, at, sha256) = read_body(body)?;
        Some(Self { next, next_entry, at, sha256 })
    }
}

impl Given {
    fn encode(&self) -> [u8; BODY_OCTETS] {
        body(self.next, self.next_entry, self.newest, &self.shares)
    }

    fn decode(body: &[u8; BODY_OCTETS]) -> Option<Self> {
        let (next, next_entry, newest, shares) = read_body(body)?;
        Some(Self { next, next_entry, newest, shares })
    }
}

/// What stands in a key's place: numbers, a time, and the SHA-256 of something.
fn body(next: Seq, next_entry: EntrySeq, time: Timestamp, sha256: &[u8; 32]) -> [u8; BODY_OCTETS] {
    let mut body = [0; BODY_OCTETS];
    let parts = [next.0.to_le_bytes(), next_entry.0.to_le_bytes(), time.micros().to_le_bytes()];
    let said = parts.as_flattened().iter().chain(sha256);
    body.iter_mut().zip(said).for_each(|(octet, said)| *octet = *said);
    body
}

fn read_body(body: &[u8; BODY_OCTETS]) -> Option<(Seq, EntrySeq, Timestamp, [u8; 32])> {
    let mut reader = Reader(body);
    let (next, next_entry) = (Seq(reader.u64()?), EntrySeq(reader.u64()?));
    let time = Timestamp::from_micros(reader.i64()?);
    Some((next, next_entry, time, reader.take()?))
}

/// Whether the octets from `from` to `to` end with the checksum of those before.
fn checked(octets: &[u8], from: usize, to: usize) -> bool {
    let part = octets.get(from..to).and_then(<[u8]>::split_last_chunk::<4>);
    part.is_some_and(|(part, check)| crc32c::crc32c(part).to_le_bytes() == *check)
}

/// What every header begins with.
fn front(node: u32, first: Seq, entry: EntrySeq) -> Vec<u8> {
    let mut octets = MAGIC.to_vec();
    octets.extend_from_slice(&FORMAT.to_le_bytes());
    octets.extend_from_slice(&node.to_le_bytes());
    octets.extend_from_slice(&first.0.to_le_bytes());
    octets.extend_from_slice(&entry.0.to_le_bytes());
    octets
}

/// What a slot of this kind is bound to.
fn bound(node: u32, first: Seq, entry: EntrySeq, kind: u32) -> Vec<u8> {
    let mut bound = front(node, first, entry);
    bound.extend_from_slice(&kind.to_le_bytes());
    bound
}

/// Octets of a segment's header.
pub(crate) const HEADER_OCTETS: usize =
    FRONT_OCTETS + 4 + NONCE_OCTETS + TAG_OCTETS + BODY_OCTETS + 4;
/// Octets of the part that never changes.
const FRONT_OCTETS: usize = 40;
/// Octets of a key, or of what is kept when it is gone.
const BODY_OCTETS: usize = 56;
const MAGIC: [u8; 8] = *b"PARLJRNL";
const FORMAT: u32 = 3;
/// The format before, in clear. It is not read, so that nobody can put it in the place of this one.
const FORMAT_CLEAR: u32 = 2;
/// The format before there were entries, in clear.
const FORMAT_FACTS_ALONE: u32 = 1;
const HEADER_OCTETS_FACTS_ALONE: usize = 32;
const KIND_KEY: u32 = 1;
const KIND_GONE: u32 = 2;
const KIND_GIVEN: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SealKey {
        SealKey::derive(&[1; 32])
    }

    fn given() -> Given {
        let newest = Timestamp::from_micros(7);
        Given { next: Seq(9), next_entry: EntrySeq(11), newest, shares: [8; 32] }
    }

    #[test]
    fn a_header_reads_as_it_was_written_and_no_changed_octet_goes_unseen() {
        let (header, _) = Header::begin(3, Seq(5), EntrySeq(7), &key()).unwrap();
        let gone = Gone {
            next: Seq(9),
            next_entry: EntrySeq(11),
            at: Timestamp::from_micros(-5),
            sha256: [6; 32],
        };
        let all =
            [header, header.forget(gone, &key()).unwrap(), header.give(given(), &key()).unwrap()];
        for header in all {
            let octets = header.encode();
            assert_eq!(octets.len(), HEADER_OCTETS);
            assert_eq!(Header::decode(&octets), Ok(header));
            for at in 0..octets.len() {
                let mut changed = octets.clone();
                changed[at] ^= 1;
                assert!(Header::decode(&changed).is_err(), "octet {at}");
                assert!(Header::decode(&octets[..at]).is_err(), "cut at {at}");
            }
        }
    }

    #[test]
    fn a_header_opens_with_its_own_key_for_its_own_numbers() {
        let (header, _) = Header::begin(3, Seq(5), EntrySeq(7), &key()).unwrap();
        let gone = Gone {
            next: Seq(9),
            next_entry: EntrySeq(11),
            at: Timestamp::from_micros(5),
            sha256: [6; 32],
        };
        let forgotten = header.forget(gone, &key()).unwrap();
        let away = header.give(given(), &key()).unwrap();
        assert!(matches!(header.open(&key()), Some(Opened::Sealed(_))));
        assert!(matches!(forgotten.open(&key()), Some(Opened::Gone(said)) if said == gone));
        assert!(matches!(away.open(&key()), Some(Opened::Given(said)) if said == given()));
        assert_eq!((forgotten.past(), header.past()), (Some(Past::Gone(gone)), None));
        assert_eq!(away.past(), Some(Past::Given(given())));
        assert!(header.key(&key()).is_some() && header.key(&SealKey::derive(&[2; 32])).is_none());
        assert!(away.key(&key()).is_none() && forgotten.key(&key()).is_none());
        // One never passes for the other, although both say the same.
        let mut octets = away.encode();
        octets[FRONT_OCTETS] = 2;
        let check = crc32c::crc32c(&octets[FRONT_OCTETS..HEADER_OCTETS - 4]);
        octets[HEADER_OCTETS - 4..].copy_from_slice(&check.to_le_bytes());
        assert!(Header::decode(&octets).unwrap().open(&key()).is_none());
        for header in [header, forgotten, away] {
            assert!(header.open(&SealKey::derive(&[2; 32])).is_none());
            assert!(Header { first: Seq(6), ..header }.open(&key()).is_none());
            assert!(Header { entry: EntrySeq(6), ..header }.open(&key()).is_none());
            assert!(Header { node: 4, ..header }.open(&key()).is_none());
        }
    }
}
