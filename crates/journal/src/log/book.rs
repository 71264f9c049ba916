//! The log as its writer holds it: tree, numbers of the nodes, and what is not published yet.

use super::{LogError, Mask, limits::NODES_COUNT_MAX};
use crate::{EntrySeq, LEAF_OCTETS, leaf_head};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};
use tlog::{
    Author, Checkpoint, Consistency, Directory, Hash, Inclusion, Note, Proposal, Tile, TileReader,
    Unreadable, limits::TILE_WIDTH,
};

/// What follows from the records written so far.
pub(super) struct Book {
    pub(super) author: Author,
    /// The last signed checkpoint.
    pub(super) checkpoint: Arc<Checkpoint>,
    /// For every node the number of its last entry; node 0 is the log itself.
    pub(super) nodes: Nodes,
    /// Our lease.
    pub(super) term: u64,
    /// The latest time that the log was told, in microseconds since 1970.
    pub(super) time: i64,
    /// What the public folder holds.
    pub(super) published: Option<Published>,
    /// Where it is.
    pub(super) public: PathBuf,
    /// What is published of a leaf.
    pub(super) mask: Mask,
    /// Entries from the beginning of the last published bundle that is not full, masked.
    pub(super) leaves: Vec<[u8; LEAF_OCTETS]>,
    /// Full tiles that are not published.
    pub(super) tiles: Tiles,
}

/// Numbers of the last entries of nodes.
pub(super) type Nodes = BTreeMap<u32, EntrySeq>;
/// Hashes of full tiles.
pub(super) type Tiles = BTreeMap<Tile, Vec<Hash>>;

/// The checkpoint that stands in the public folder.
pub(super) struct Published {
    /// Entries published.
    pub(super) size: u64,
    /// With the cosignatures so far.
    pub(super) note: Note,
}

impl Book {
    /// Entries of the log.
    pub(super) const fn size(&self) -> u64 {
        self.author.tree().size()
    }

    /// Entries of the published log.
    pub(super) fn published_size(&self) -> u64 {
        self.published.as_ref().map_or(0, |published| published.size)
    }

    /// Entries that wait for publication.
    pub(super) fn unpublished(&self) -> u64 {
        self.size().saturating_sub(self.published_size())
    }

    /// Takes over what is durable now.
    pub(super) fn accept(
        &mut self,
        proposal: Proposal,
        checkpoint: Checkpoint,
        leaves: Vec<[u8; LEAF_OCTETS]>,
        nodes: Nodes,
    ) -> Result<(), LogError> {
        let filled = self
            .author
            .accept(proposal)
            .map_err(|error| LogError::Stopped { why: error.to_string().into() })?;
        self.tiles.extend(filled.into_iter().map(|tile| (tile.tile, tile.hashes)));
        self.leaves.extend(leaves);
        self.nodes = nodes;
        self.checkpoint = Arc::new(checkpoint);
        Ok(())
    }

    /// Proves that entry `index` is in the log as it was signed last.
    pub(super) fn prove(&self, index: u64) -> Result<Inclusion, LogError> {
        let size = self.size();
        if index >= size {
            return Err(LogError::NoSuchEntry { index, size });
        }
        let reach = Reach::new(self);
        let damaged = |why: String| LogError::PublicDamaged { folder: self.public.clone(), why };
        let proof = Inclusion::prove(index, size, &reach).map_err(|e| damaged(e.to_string()))?;
        let leaf = reach.leaf(index).map_err(|error| damaged(error.to_string()))?;
        // What was read of full tiles may be damaged, so nothing is given that does not follow.
        proof.verify(leaf, &self.checkpoint).map_err(|error| damaged(error.to_string()))?;
        Ok(proof)
    }

    /// Proves that the log of `newer` entries began with the one of `older`.
    pub(super) fn prove_growth(&self, older: u64, newer: u64) -> Result<Consistency, LogError> {
        let size = self.size();
        if older > newer || newer > size {
            return Err(LogError::NoSuchEntry { index: older.max(newer), size });
        }
        Consistency::prove(older, newer, &Reach::new(self)).map_err(|error| {
            LogError::PublicDamaged { folder: self.public.clone(), why: error.to_string() }
        })
    }
}

/// Decides whether the entry with this `leaf` comes next, and counts it: `false` when it was taken
/// over already.
///
/// # Errors
/// [`LogError::Gap`], and [`LogError::NotALeaf`] also when there are too many nodes.
pub(super) fn count(nodes: &mut Nodes, leaf: &[u8; LEAF_OCTETS]) -> Result<bool, LogError> {
    let (node, seq) = leaf_head(leaf).ok_or(LogError::NotALeaf)?;
    let last = nodes.get(&node).copied().unwrap_or_default();
    if seq == EntrySeq(0) || (last == EntrySeq(0) && nodes.len() >= NODES_COUNT_MAX) {
        return Err(LogError::NotALeaf);
    }
    if seq <= last {
        return Ok(false);
    }
    if seq.0 != last.0.saturating_add(1) {
        return Err(LogError::gap(node, last, seq));
    }
    nodes.insert(node, seq);
    Ok(true)
}

/// The tiles of the log as it is now: those in memory before those that are published.
struct Reach<'b> {
    book: &'b Book,
    edge: Tiles,
}

impl<'b> Reach<'b> {
    fn new(book: &'b Book) -> Self {
        let edge = book.author.tree().edge();
        Self { book, edge: edge.into_iter().map(|tile| (tile.tile, tile.hashes)).collect() }
    }

    fn leaf(&self, index: u64) -> Result<Hash, Unreadable> {
        let width = u64::from(TILE_WIDTH);
        let missing = || Unreadable::failed("tile/0", &"no such entry");
        let tile = Tile::within(0, index / width, self.book.size()).ok_or_else(missing)?;
        let place = usize::try_from(index % width).map_err(|_| missing())?;
        self.hashes(tile)?.get(place).copied().ok_or_else(missing)
    }
}

impl TileReader for Reach<'_> {
    /// Also of an earlier, smaller log: a tile that was partial then is the beginning of one now.
    fn hashes(&self, tile: Tile) -> Result<Vec<Hash>, Unreadable> {
        let place = |it: Tile| (it.level(), it.index());
        let grown = self.edge.iter().find(|(it, _)| place(**it) == place(tile));
        let held = grown.map(|(_, hashes)| hashes).or_else(|| self.book.tiles.get(&tile.filled()));
        match held.and_then(|hashes| hashes.get(..usize::from(tile.width()))) {
            Some(hashes) => Ok(hashes.to_vec()),
            None => PublicFolder(&self.book.public).hashes(tile),
        }
    }
}

/// The public folder as `tlog` reads it.
pub(super) struct PublicFolder<'p>(pub(super) &'p Path);

impl Directory for PublicFolder<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        match fs::read(self.0.join(path)) {
            Ok(octets) => Ok(Some(octets)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Unreadable::failed(path, &error)),
        }
    }
}
