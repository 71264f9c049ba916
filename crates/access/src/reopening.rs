//! Opening segments of a node's journal whose keys were given away to the keyholders.
//!
//! No staff and no policy decide about it: who they are stands in the database that is lost when
//! this is needed. So it is a right of nobody, and each keyholder's owner says yes or no. What is
//! asked is entered first, like a disclosure: which segments, for which key, by whom and why.

use crate::{
    entry::{Opening, Unreadable},
    intent::Recipient,
    limits::{DETAIL_OCTETS_MAX, NOTE_CHARS_MAX, REOPENING_VALID_MAX, SEGMENTS_COUNT_MAX},
};
use alloc::{string::String, vec::Vec};
use model::{Private, Timestamp};
use serde::{Deserialize, Serialize};

/// Which segments are to be opened, for whose key, by whom and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reopening {
    /// Number of the node whose journal it is.
    pub node: u32,
    /// Which segments, in the order of their facts: 1 to [`SEGMENTS_COUNT_MAX`].
    pub segments: Vec<Segment>,
    /// Who asks, as the operating system knows them: 1 to [`NOTE_CHARS_MAX`] signs on one line.
    pub who: Private<String>,
    /// Why, in the words of who asks: 1 to [`NOTE_CHARS_MAX`] signs on one line.
    pub reason: Private<String>,
    /// Whose key alone can open what keyholders seal again.
    pub recipient: Recipient,
    /// When it was asked for.
    pub asked: Timestamp,
    /// From when on no keyholder opens anything for it.
    pub expires: Timestamp,
}

/// One segment of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Segment {
    /// Number of its first fact.
    pub first: u64,
    /// Number of its last fact.
    pub last: u64,
    /// SHA-256 of the file with the shares of its key, which stands in the segment's header. The
    /// file commits to the key, so that no other segment can be put in its place.
    pub shares: [u8; 32],
}

impl Reopening {
    /// Whether it can be entered.
    ///
    /// # Errors
    /// Says what about it is out of bounds.
    pub fn check(&self) -> Result<(), NotAReopening> {
        let plain = |text: &Private<String>| {
            let text = text.expose();
            let blank = text.trim().is_empty() || text.chars().any(char::is_control);
            !blank && text.chars().count() <= NOTE_CHARS_MAX
        };
        if !plain(&self.who) || !plain(&self.reason) {
            return Err(NotAReopening::Words);
        }
        let in_order = |pair: &[Segment]| matches!(pair, [one, two] if one.last < two.first);
        let each = self.segments.iter().all(|it| it.first > 0 && it.first <= it.last);
        let count = self.segments.len();
        if !each || count == 0 || count > SEGMENTS_COUNT_MAX {
            return Err(NotAReopening::Segments);
        }
        if !self.segments.windows(2).all(in_order) {
            return Err(NotAReopening::Segments);
        }
        if self.expires <= self.asked || self.expires.since(self.asked) > REOPENING_VALID_MAX {
            return Err(NotAReopening::Expiry);
        }
        Ok(())
    }

    /// Prepares its entry. `salt` is 32 octets of the operating system's randomness, of this entry
    /// alone.
    ///
    /// # Errors
    /// When it cannot be entered.
    pub fn opening(&self, salt: [u8; 32]) -> Result<Opening, NotAReopening> {
        self.check()?;
        let detail = self.encode().ok_or(NotAReopening::Segments)?;
        Ok(Opening { salt, detail })
    }

    /// Numbers of the first and the last fact of all segments.
    #[must_use]
    pub fn facts(&self) -> (u64, u64) {
        let first = self.segments.first().map_or(0, |it| it.first);
        (first, self.segments.last().map_or(0, |it| it.last))
    }

    fn encode(&self) -> Option<Vec<u8>> {
        let mut detail = HEAD.to_vec();
        detail.extend(postcard::to_allocvec(self).ok()?);
        (detail.len() <= DETAIL_OCTETS_MAX).then_some(detail)
    }
}

impl Opening {
    /// Reads what the entry says, where it is that segments are opened.
    ///
    /// # Errors
    /// When it says nothing that could have been entered here.
    pub fn reopening(&self) -> Result<Reopening, Unreadable> {
        if self.detail.len() > DETAIL_OCTETS_MAX {
            return Err(Unreadable::Octets);
        }
        let octets = self.detail.strip_prefix(HEAD).ok_or(Unreadable::NoReopening)?;
        let read: Reopening = postcard::from_bytes(octets).map_err(|_| Unreadable::Octets)?;
        // One spelling only, so that two readers never see two meanings.
        if read.encode().as_ref() != Some(&self.detail) {
            return Err(Unreadable::Octets);
        }
        read.check()?;
        Ok(read)
    }
}

/// Why something is no such request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAReopening {
    /// Nobody asks, or for no reason.
    #[error("say who asks and why, in 1 to {NOTE_CHARS_MAX} signs on one line")]
    Words,
    /// The list of segments is empty, too long or not in order.
    #[error("one request names 1 to {SEGMENTS_COUNT_MAX} segments, in order")]
    Segments,
    /// It ends before it begins, or is valid for too long.
    #[error(
        "a request to open segments is carried out within {} days of its entry",
        REOPENING_VALID_MAX.as_secs() / 86_400
    )]
    Expiry,
}

/// How what such an entry says begins. No other kind of entry begins so.
const HEAD: &[u8] = b"segments opened v1\0";
