//! Proofs that an entry is in a log, and that a log only grew (RFC 6962 sections 2.1.1 and 2.1.2;
//! they are checked after RFC 9162 sections 2.1.3.2 and 2.1.4.2).

use crate::{
    Checkpoint, Hash, Tile, TileReader, Unreadable,
    limits::{PROOF_HASHES_COUNT_MAX, TILE_HEIGHT, TILE_WIDTH},
};
use alloc::{collections::BTreeMap, vec::Vec};

/// The way from an entry to the root. It proves nothing until it was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    index: u64,
    path: Vec<Hash>,
}

impl Inclusion {
    /// A proof somebody else made: the place of the entry, and the hashes from its neighbour up.
    #[must_use]
    pub const fn new(index: u64, path: Vec<Hash>) -> Self {
        Self { index, path }
    }

    /// Makes the proof for entry `index` of the tree of `size` entries.
    ///
    /// # Errors
    /// When there is no such entry, or its tiles cannot be read.
    pub fn prove<R: TileReader + ?Sized>(
        index: u64,
        size: u64,
        reader: &R,
    ) -> Result<Self, CannotProve> {
        if index >= size {
            return Err(CannotProve::OutOfRange { index, size });
        }
        let mut subtrees = Subtrees::new(size, reader);
        let (mut low, mut high) = (0, size);
        let mut path = Vec::new();
        while high - low > 1 {
            let middle = low + split(high - low);
            if index < middle {
                path.push(subtrees.root(middle, high)?);
                high = middle;
            } else {
                path.push(subtrees.root(low, middle)?);
                low = middle;
            }
        }
        path.reverse();
        Ok(Self { index, path })
    }

    /// Place of the entry, from 0.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Its hashes, from the entry's neighbour up.
    #[must_use]
    pub fn path(&self) -> &[Hash] {
        &self.path
    }

    /// Makes sure that the entry with hash `leaf` is in the log of `checkpoint`.
    ///
    /// # Errors
    /// When it does not follow.
    pub fn verify(&self, leaf: Hash, checkpoint: &Checkpoint) -> Result<Included, Unproven> {
        self.check(leaf, checkpoint.size(), checkpoint.root())?;
        Ok(Included { leaf, index: self.index, size: checkpoint.size() })
    }

    /// The arithmetic of [`Inclusion::verify`], for a root of whatever origin.
    ///
    /// # Errors
    /// When it does not follow.
    pub fn check(&self, leaf: Hash, size: u64, root: Hash) -> Result<(), Unproven> {
        if self.index >= size {
            return Err(Unproven::OutOfRange { index: self.index, size });
        }
        let mut way = Way { place: self.index, last: size - 1 };
        let mut hash = leaf;
        for &other in limited(&self.path)? {
            hash = match way.up()? {
                Side::Left => Hash::node(other, hash),
                Side::Right => Hash::node(hash, other),
            };
        }
        way.end()?;
        (hash == root).then_some(()).ok_or(Unproven::Root)
    }
}

/// An entry is in a log: made by [`Inclusion::verify`] alone.
#[derive(Debug, PartialEq, Eq)]
pub struct Included {
    leaf: Hash,
    index: u64,
    size: u64,
}

impl Included {
    /// Hash of the entry.
    #[must_use]
    pub const fn leaf(&self) -> Hash {
        self.leaf
    }

    /// Its place, from 0.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// How many entries the log had by the checkpoint that proved it.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }
}

/// The hashes that lead from an older root and a newer one to what they share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consistency {
    path: Vec<Hash>,
}

impl Consistency {
    /// A proof somebody else made.
    #[must_use]
    pub const fn new(path: Vec<Hash>) -> Self {
        Self { path }
    }

    /// Makes the proof that the tree of `newer` entries begins with that of `older`.
    ///
    /// # Errors
    /// When it has fewer, or its tiles cannot be read.
    pub fn prove<R: TileReader + ?Sized>(
        older: u64,
        newer: u64,
        reader: &R,
    ) -> Result<Self, CannotProve> {
        if older > newer {
            return Err(CannotProve::OutOfRange { index: older, size: newer });
        }
        let mut path = Vec::new();
        if older == 0 || older == newer {
            return Ok(Self { path });
        }
        let mut subtrees = Subtrees::new(newer, reader);
        let (mut low, mut high) = (0, newer);
        while older < high {
            let middle = low + split(high - low);
            if older <= middle {
                path.push(subtrees.root(middle, high)?);
                high = middle;
            } else {
                path.push(subtrees.root(low, middle)?);
                low = middle;
            }
        }
        // When the older tree is a whole subtree of the newer, its root is known already.
        if low > 0 {
            path.push(subtrees.root(low, high)?);
        }
        path.reverse();
        Ok(Self { path })
    }

    /// Its hashes.
    #[must_use]
    pub fn path(&self) -> &[Hash] {
        &self.path
    }

    /// Makes sure that the log of `newer` is that of `older`, with entries added at most.
    ///
    /// # Errors
    /// When it does not follow, when the log shrank, and when they are different logs.
    pub fn verify(&self, older: &Checkpoint, newer: &Checkpoint) -> Result<(), Unproven> {
        if older.origin() != newer.origin() {
            return Err(Unproven::OtherLog);
        }
        self.check((older.size(), older.root()), (newer.size(), newer.root()))
    }

    /// The arithmetic of [`Consistency::verify`], for sizes and roots of whatever origin.
    ///
    /// # Errors
    /// When it does not follow.
    pub fn check(&self, older: (u64, Hash), newer: (u64, Hash)) -> Result<(), Unproven> {
        let ((old_size, old_root), (new_size, new_root)) = (older, newer);
        if old_size > new_size {
            return Err(Unproven::Shrank { older: old_size, newer: new_size });
        }
        if old_size == 0 || old_size == new_size {
            if !self.path.is_empty() {
                return Err(Unproven::Length);
            }
            // Every log begins with the empty one, and with itself.
            let root = if old_size == 0 { Hash::EMPTY_TREE } else { new_root };
            return (old_root == root).then_some(()).ok_or(Unproven::Root);
        }
        let mut way = Way { place: old_size - 1, last: new_size - 1 };
        let mut path = limited(&self.path)?.iter().copied();
        while way.place & 1 == 1 {
            way.place >>= 1;
            way.last >>= 1;
        }
        // A whole subtree is its own beginning of the proof.
        let first = if old_size.is_power_of_two() { Some(old_root) } else { path.next() };
        let first = first.ok_or(Unproven::Length)?;
        let (mut old, mut new) = (first, first);
        for other in path {
            match way.up()? {
                Side::Left => {
                    old = Hash::node(other, old);
                    new = Hash::node(other, new);
                }
                Side::Right => new = Hash::node(new, other),
            }
        }
        way.end()?;
        (old == old_root && new == new_root).then_some(()).ok_or(Unproven::Root)
    }
}

/// Why a proof cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotProve {
    /// The log has no such entry, or is not that old.
    #[error("the log of {size} entries does not reach to `{index}`")]
    OutOfRange {
        /// What was asked for.
        index: u64,
        /// How many entries there are.
        size: u64,
    },
    /// A tile is missing or damaged.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// The log has no such entry.
    #[error("the proof is for entry {index} of a log of {size}")]
    OutOfRange {
        /// What it is for.
        index: u64,
        /// How many entries there are.
        size: u64,
    },
    /// It has more or fewer hashes than lead to the root.
    #[error("the proof is of another length than it must be")]
    Length,
    /// It leads elsewhere.
    #[error("the proof does not lead to the root of the checkpoint")]
    Root,
    /// The newer log has fewer entries.
    #[error("the log had {older} entries and has {newer}: it was rolled back")]
    Shrank {
        /// How many it had.
        older: u64,
        /// How many it has.
        newer: u64,
    },
    /// They are checkpoints of two logs.
    #[error("the checkpoints are of different logs")]
    OtherLog,
}

/// Where a node stands among those of its height, and which is the last of these.
struct Way {
    place: u64,
    last: u64,
}

/// On which side the other half of the node above is.
enum Side {
    Left,
    Right,
}

impl Way {
    /// Goes to the next node above that has two halves.
    fn up(&mut self) -> Result<Side, Unproven> {
        if self.last == 0 {
            return Err(Unproven::Length);
        }
        let side = if self.place & 1 == 1 || self.place == self.last {
            // The last node of a row may have to climb before it meets another half.
            while self.place & 1 == 0 && self.place != 0 {
                self.place >>= 1;
                self.last >>= 1;
            }
            Side::Left
        } else {
            Side::Right
        };
        self.place >>= 1;
        self.last >>= 1;
        Ok(side)
    }

    fn end(&self) -> Result<(), Unproven> {
        if self.last == 0 { Ok(()) } else { Err(Unproven::Length) }
    }
}

/// Roots of parts of one tree, from its tiles, each of which is read once.
struct Subtrees<'r, R: ?Sized> {
    size: u64,
    reader: &'r R,
    read: BTreeMap<Tile, Vec<Hash>>,
}

impl<'r, R: TileReader + ?Sized> Subtrees<'r, R> {
    const fn new(size: u64, reader: &'r R) -> Self {
        Self { size, reader, read: BTreeMap::new() }
    }

    /// Root over the entries `low..high`, where `low` is a multiple of a power of two that is not
    /// smaller than their number.
    fn root(&mut self, low: u64, high: u64) -> Result<Hash, Unreadable> {
        let count = high - low;
        if count.is_power_of_two() {
            return self.perfect(low, count);
        }
        let middle = low + split(count);
        let left = self.perfect(low, middle - low)?;
        Ok(Hash::node(left, self.root(middle, high)?))
    }

    /// Root over `count` entries from `low` on, where `count` is a power of two.
    fn perfect(&mut self, low: u64, count: u64) -> Result<Hash, Unreadable> {
        let height = count.trailing_zeros();
        let level = height / u32::from(TILE_HEIGHT);
        let first = low >> (level * u32::from(TILE_HEIGHT));
        let hashes_count = 1_usize << (height % u32::from(TILE_HEIGHT));
        let level = u8::try_from(level).unwrap_or(u8::MAX);
        let missing = || Unreadable::Missing { path: alloc::format!("tile/{level}") };
        let tile =
            Tile::within(level, first / u64::from(TILE_WIDTH), self.size).ok_or_else(missing)?;
        if !self.read.contains_key(&tile) {
            self.read.insert(tile, self.reader.hashes(tile)?);
        }
        let start = usize::try_from(first % u64::from(TILE_WIDTH)).unwrap_or(usize::MAX);
        let hashes =
            self.read.get(&tile).and_then(|hashes| hashes.get(start..start + hashes_count));
        hashes.and_then(Hash::perfect).ok_or_else(|| Unreadable::Missing { path: tile.path() })
    }
}

fn limited(path: &[Hash]) -> Result<&[Hash], Unproven> {
    if path.len() <= PROOF_HASHES_COUNT_MAX { Ok(path) } else { Err(Unproven::Length) }
}

/// The largest power of two below `count`, which is 2 at least: where a tree divides.
const fn split(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

#[cfg(test)]
mod tests;
