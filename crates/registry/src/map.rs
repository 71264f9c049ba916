//! One epoch as a sorted Merkle map, so that "this number was not protected" can be proved of one
//! number without showing any other.
//!
//! A number stands in the map as its label, an HMAC under a key that only the node has: whoever
//! sees labels cannot try all numbers. The labels are sorted, with the least and the greatest
//! string of 32 octets as edges, and are the leaves of a tree after RFC 6962. A label that is
//! absent lies between two neighbours; showing both with their places proves the absence.

use crate::Snapshot;
use alloc::{vec, vec::Vec};
use core::fmt;
use hmac::{Hmac, KeyInit, Mac};
use model::{E164, fact::Epoch};
use sha2::Sha256;
use thiserror::Error;
use tlog::{Hash, Inclusion};

/// The key of labels. Whoever holds it can try all numbers.
#[derive(Clone)]
pub struct LabelKey([u8; LABEL_OCTETS]);

impl LabelKey {
    /// The key with these octets, which are as good as random.
    pub const fn new(octets: [u8; LABEL_OCTETS]) -> Self {
        Self(octets)
    }

    /// The label of a number: HMAC-SHA256 (RFC 2104).
    pub fn label(&self, number: E164) -> Label {
        // HMAC takes a key of any length, so this branch is never taken; an edge is no number's.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return LEAST };
        mac.update(b"parlatory registry label v1\0");
        mac.update(&number.digits().to_be_bytes());
        Label(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for LabelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LabelKey([private])")
    }
}

/// What stands in the map for a number. It is personal data to whoever has the key, so `Debug`
/// does not print it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(pub [u8; LABEL_OCTETS]);

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Label([private])")
    }
}

/// What a log says of one epoch, and all that is needed to check a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its epoch.
    pub epoch: Epoch,
    /// How many labels, without the two edges.
    pub count: u64,
    /// Root of the tree over edges and labels.
    pub root: Hash,
}

/// All labels of one epoch.
#[derive(Clone)]
pub struct Map {
    epoch: Epoch,
    /// Ascending, each once, with both edges.
    labels: Vec<Label>,
    /// Hashes of the leaves, of the row above them, and so on up to the root. A last hash without a
    /// neighbour is handed up as it is, which gives the tree of RFC 6962.
    rows: Vec<Vec<Hash>>,
}

impl Map {
    /// The map of these numbers, in any order.
    pub fn new(epoch: Epoch, key: &LabelKey, numbers: impl IntoIterator<Item = E164>) -> Self {
        Self::of_labels(epoch, numbers.into_iter().map(|number| key.label(number)))
    }

    /// The map of these labels, in any order.
    pub fn of_labels(epoch: Epoch, labels: impl IntoIterator<Item = Label>) -> Self {
        let mut labels: Vec<Label> = labels.into_iter().chain([LEAST, GREATEST]).collect();
        labels.sort_unstable();
        labels.dedup();
        let leaves = labels.iter().map(|label| Hash::leaf(&label.0)).collect();
        let mut rows: Vec<Vec<Hash>> = vec![leaves];
        while let Some(row) = rows.last().filter(|row| row.len() > 1) {
            let (pairs, rest) = row.as_chunks::<2>();
            let above = pairs.iter().map(|&[left, right]| Hash::node(left, right));
            let above = above.chain(rest.iter().copied()).collect();
            rows.push(above);
        }
        Self { epoch, labels, rows }
    }

    /// What a log says of it.
    pub fn head(&self) -> Head {
        let root = self.rows.last().and_then(|row| row.first()).copied();
        let count = u64::try_from(self.labels.len()).unwrap_or(u64::MAX).saturating_sub(EDGES);
        Head { epoch: self.epoch, count, root: root.unwrap_or(Hash::EMPTY_TREE) }
    }

    /// Its labels in order, without the edges.
    pub fn labels(&self) -> impl Iterator<Item = &Label> {
        self.labels.iter().filter(|label| **label != LEAST && **label != GREATEST)
    }

    /// Proves that `label` is in it, or that it is not.
    pub fn prove(&self, label: &Label) -> MapProof {
        match self.labels.binary_search(label) {
            Ok(place) => MapProof(vec![self.spot(place, *label)]),
            Err(place) => {
                let spots = [place.checked_sub(1), Some(place)].into_iter().flatten();
                let spots = spots.filter_map(|at| Some(self.spot(at, *self.labels.get(at)?)));
                MapProof(spots.collect())
            }
        }
    }

    fn spot(&self, place: usize, label: Label) -> Spot {
        let mut path = Vec::with_capacity(self.rows.len());
        let mut at = place;
        for row in &self.rows {
            // The last of an odd row has no neighbour, and no hash on its way.
            path.extend(row.get(at ^ 1));
            at /= 2;
        }
        let place = u64::try_from(place).unwrap_or(u64::MAX);
        Spot { label, inclusion: Inclusion::new(place, path) }
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map").field("head", &self.head()).finish_non_exhaustive()
    }
}

impl Snapshot {
    /// The map of this epoch.
    pub fn map(&self, key: &LabelKey) -> Map {
        Map::new(self.epoch(), key, self.numbers())
    }
}

/// Proof that a label is in a map, or that it is not. It proves nothing until it was checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MapProof(Vec<Spot>);

/// A label, its place in the sorted map, and the way from it to the root.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Spot {
    label: Label,
    inclusion: Inclusion,
}

/// What a proof proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The label is in the map: its number was protected.
    Present,
    /// It is not.
    Absent,
}

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotProven {
    /// It does not lead to the root of this epoch.
    #[error("the proof does not lead to the root of the registry in this epoch")]
    Root,
    /// It is about another label, or its two labels are no neighbours around the one in question.
    #[error("the proof is about another number")]
    OtherLabel,
    /// It cannot be read.
    #[error("the proof cannot be read")]
    Unreadable,
}

impl MapProof {
    /// What it proves of `label` in the epoch with `head`.
    ///
    /// # Errors
    /// [`NotProven`]: then nothing is known of the label.
    pub fn check(&self, label: &Label, head: &Head) -> Result<Found, NotProven> {
        let size = head.count.checked_add(EDGES).ok_or(NotProven::Root)?;
        for spot in &self.0 {
            let leaf = Hash::leaf(&spot.label.0);
            spot.inclusion.check(leaf, size, head.root).map_err(|_| NotProven::Root)?;
        }
        match self.0.as_slice() {
            [spot] if spot.label == *label => Ok(Found::Present),
            [below, above]
                if below.label < *label
                    && *label < above.label
                    && below.inclusion.index().checked_add(1) == Some(above.inclusion.index()) =>
            {
                Ok(Found::Absent)
            }
            _ => Err(NotProven::OtherLabel),
        }
    }

    /// Its octets: how many labels (one octet), then for each its place (8 octets, big-endian),
    /// the label (32), how many hashes (one octet) and these (32 each).
    pub fn octets(&self) -> Vec<u8> {
        let mut octets = vec![u8::try_from(self.0.len()).unwrap_or(u8::MAX)];
        for spot in &self.0 {
            octets.extend(spot.inclusion.index().to_be_bytes());
            octets.extend(spot.label.0);
            octets.push(u8::try_from(spot.inclusion.path().len()).unwrap_or(u8::MAX));
            octets.extend(spot.inclusion.path().iter().flat_map(|hash| hash.0));
        }
        octets
    }

    /// Reads what [`MapProof::octets`] wrote.
    ///
    /// # Errors
    /// [`NotProven::Unreadable`].
    pub fn parse(octets: &[u8]) -> Result<Self, NotProven> {
        let (&count, mut rest) = octets.split_first().ok_or(NotProven::Unreadable)?;
        let mut spots = Vec::new();
        for _ in 0..count {
            let (spot, after) = Spot::parse(rest).ok_or(NotProven::Unreadable)?;
            spots.push(spot);
            rest = after;
        }
        rest.is_empty().then_some(Self(spots)).ok_or(NotProven::Unreadable)
    }
}

impl Spot {
    fn parse(octets: &[u8]) -> Option<(Self, &[u8])> {
        let (place, octets) = octets.split_first_chunk::<8>()?;
        let (label, octets) = octets.split_first_chunk::<LABEL_OCTETS>()?;
        let (&count, octets) = octets.split_first()?;
        let (hashes, rest) = octets.split_at_checked(usize::from(count) * LABEL_OCTETS)?;
        let (hashes, _) = hashes.as_chunks::<LABEL_OCTETS>();
        let path = hashes.iter().copied().map(Hash).collect();
        let inclusion = Inclusion::new(u64::from_be_bytes(*place), path);
        Some((Self { label: Label(*label), inclusion }, rest))
    }
}

/// Octets of a label and of its key.
pub const LABEL_OCTETS: usize = 32;

const EDGES: u64 = 2;
const LEAST: Label = Label([0; LABEL_OCTETS]);
const GREATEST: Label = Label([0xff; LABEL_OCTETS]);

#[cfg(test)]
mod tests;
