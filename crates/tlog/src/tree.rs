//! The tree as its writer holds it: only the right edge, so that a log of any size fits.

use crate::{
    Hash, Tile, TileHashes, TileReader, Unreadable,
    limits::{HASH_OCTETS, TILE_HEIGHT, TILE_WIDTH},
};
use alloc::vec::Vec;

/// A growing tree (RFC 6962 section 2.1).
///
/// It holds at most 255 hashes of each of eight levels, and the roots of its perfect subtrees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    /// Roots of the perfect subtrees that make up the tree, the largest first: one for every bit
    /// that is set in `size`.
    peaks: Vec<Hash>,
    /// For every level of tiles the hashes of its partial tile, none when that is empty.
    edge: Vec<Vec<Hash>>,
}

impl Tree {
    /// The tree without entries.
    #[must_use]
    pub const fn new() -> Self {
        Self { size: 0, peaks: Vec::new(), edge: Vec::new() }
    }

    /// The tree of `size` entries whose tiles are kept elsewhere.
    ///
    /// What it reads may be damaged: compare [`Tree::root`] with a checkpoint, as
    /// [`Author::resume`](crate::Author::resume) does.
    ///
    /// # Errors
    /// When one of its partial tiles cannot be read. Full ones are not needed.
    pub fn load<R: TileReader + ?Sized>(size: u64, reader: &R) -> Result<Self, Unreadable> {
        let mut tree = Self { size, peaks: Vec::new(), edge: Vec::new() };
        for level in 0..=LEVEL_MAX {
            tree.edge.push(match Tile::partial(level, size) {
                Some(tile) => read_exactly(reader, tile)?,
                None => Vec::new(),
            });
        }
        // Trees that grew have no levels that were never touched: neither has this one.
        while tree.edge.last().is_some_and(Vec::is_empty) {
            tree.edge.pop();
        }
        for hashes in tree.edge.iter().rev() {
            let mut rest = hashes.as_slice();
            for height in (0..TILE_HEIGHT).rev() {
                if let Some((whole, after)) = rest.split_at_checked(1 << height) {
                    tree.peaks.extend(Hash::perfect(whole));
                    rest = after;
                }
            }
        }
        Ok(tree)
    }

    /// How many entries it has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Its root. Takes as many hashes as it has peaks, 63 at most.
    #[must_use]
    pub fn root(&self) -> Hash {
        let join = |right, left| Hash::node(left, right);
        self.peaks.iter().rev().copied().reduce(join).unwrap_or(Hash::EMPTY_TREE)
    }

    /// Adds the hash of an entry. Returns the tiles that it filled, which never change again and
    /// are to be kept: none for 255 of 256 entries, and more than one where a level fills up.
    pub fn append(&mut self, leaf: Hash) -> Vec<TileHashes> {
        let mut filled = Vec::new();
        let mut hash = leaf;
        let mut height: u8 = 0;
        self.put(0, leaf, &mut filled);
        // Every set bit from the lowest on is a perfect subtree that the new one completes.
        let mut bits = self.size;
        while bits & 1 == 1 {
            if let Some(left) = self.peaks.pop() {
                hash = Hash::node(left, hash);
            }
            bits >>= 1;
            height += 1;
            if height.is_multiple_of(TILE_HEIGHT) {
                self.put(height / TILE_HEIGHT, hash, &mut filled);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
        filled
    }

    /// Its partial tiles: with the full ones that [`Tree::append`] returned, all that somebody
    /// needs to check this size.
    #[must_use]
    pub fn edge(&self) -> Vec<TileHashes> {
        (0..)
            .zip(&self.edge)
            .filter_map(|(level, hashes)| {
                Some(TileHashes { tile: Tile::partial(level, self.size)?, hashes: hashes.clone() })
            })
            .collect()
    }

    /// Adds a hash to the partial tile of a level, and takes the tile out when that fills it.
    fn put(&mut self, level: u8, hash: Hash, filled: &mut Vec<TileHashes>) {
        while self.edge.len() <= usize::from(level) {
            self.edge.push(Vec::new());
        }
        let Some(hashes) = self.edge.get_mut(usize::from(level)) else { return };
        hashes.push(hash);
        if hashes.len() < usize::from(TILE_WIDTH) {
            return;
        }
        let index = self.size >> (u32::from(TILE_HEIGHT) * (u32::from(level) + 1));
        let hashes = core::mem::take(hashes);
        filled.extend(
            Tile::within(level, index, self.size.saturating_add(1))
                .map(|tile| TileHashes { tile, hashes }),
        );
    }
}

/// A reader is anybody's; the tree counts on the number of hashes.
fn read_exactly<R: TileReader + ?Sized>(reader: &R, tile: Tile) -> Result<Vec<Hash>, Unreadable> {
    let hashes = reader.hashes(tile)?;
    if hashes.len() == usize::from(tile.width()) {
        return Ok(hashes);
    }
    Err(Unreadable::Length {
        path: tile.path(),
        octets: hashes.len().saturating_mul(HASH_OCTETS),
        expected: usize::from(tile.width()) * HASH_OCTETS,
    })
}

/// Tiles of a level above span more entries than are counted.
const LEVEL_MAX: u8 = 7;

#[cfg(test)]
mod tests;
