//! One segment as octets, wherever they came from.

use crate::{
    SEAL_KEY_OCTETS, SealKey, Seq,
    frame::{self, Tail},
    header::{Header, Opened, Past},
    seal::Seal,
};
use model::fact::Fact;
use std::ops::ControlFlow;

/// What the octets of a segment amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inspected {
    /// They do not begin as a segment of this format does.
    NoSegment,
    /// They are sealed under another key.
    OtherKey,
    /// Its facts were forgotten; fact `next` would follow.
    Forgotten {
        /// Number of the fact that comes next.
        next: Seq,
    },
    /// Its key was given away; fact `next` would follow.
    GivenAway {
        /// Number of the fact that comes next.
        next: Seq,
    },
    /// Whole up to octet `end`, where fact `next` would follow; `torn` when more stands there that
    /// never became durable.
    Whole {
        /// Octets that are whole.
        end: usize,
        /// Number of the fact that comes next.
        next: Seq,
        /// Whether a group was being written.
        torn: bool,
    },
    /// What stands at octet `end` was durable once, and is not what was written.
    Damaged {
        /// Octets that are whole.
        end: usize,
    },
}

/// Reads a segment that is sealed under `key` and gives each of its facts to `each`, in order.
pub fn inspect(octets: &[u8], key: &SealKey, each: impl FnMut(Seq, Fact)) -> Inspected {
    let Ok(header) = Header::decode(octets) else { return Inspected::NoSegment };
    match header.open(key) {
        Some(Opened::Sealed(seal)) => read(octets, header, &seal, each),
        Some(Opened::Gone(gone)) => Inspected::Forgotten { next: gone.next },
        Some(Opened::Given(given)) => Inspected::GivenAway { next: given.next },
        None => Inspected::OtherKey,
    }
}

/// As [`inspect`], of a segment whose key was given away and made again. Nobody vouches for its
/// header here: which segment it is says what its key was bound to.
pub fn inspect_given(
    octets: &[u8],
    key: &[u8; SEAL_KEY_OCTETS],
    each: impl FnMut(Seq, Fact),
) -> Inspected {
    match Header::decode(octets) {
        Ok(header) if matches!(header.past(), Some(Past::Given(_))) => {
            read(octets, header, &Seal::new(key), each)
        }
        Ok(_) | Err(_) => Inspected::NoSegment,
    }
}

fn read(octets: &[u8], header: Header, seal: &Seal, mut each: impl FnMut(Seq, Fact)) -> Inspected {
    let mut unknown = None;
    let scan = frame::scan(octets, header, |at, frame| {
        match frame.open(seal).and_then(|payload| payload.facts()) {
            Some(facts) => {
                (frame.first.0..).map(Seq).zip(facts).for_each(|(seq, fact)| each(seq, fact));
                ControlFlow::Continue(())
            }
            None => {
                unknown = Some(at);
                ControlFlow::Break(())
            }
        }
    });
    match (unknown, scan.tail) {
        (Some(end), _) => Inspected::Damaged { end },
        (None, Tail::Damaged(_)) => Inspected::Damaged { end: scan.end },
        (None, tail) => {
            Inspected::Whole { end: scan.end, next: scan.next, torn: tail == Tail::Torn }
        }
    }
}
