//! Reading a whole log: every entry, every tile, up to the root that was signed.
//!
//! A sample of proofs of inclusion misses one changed octet; this does not.

use crate::{
    Checkpoint, Directory, Hash, NotABundle, Tile, TileHashes, TileReader, Tree, Unreadable,
    bundle, store,
};
use alloc::string::String;

/// Checks that the entries in `directory` give its tiles, and these the root of `checkpoint`; with
/// `since`, that the log of that earlier checkpoint is their beginning.
///
/// `each` is handed every entry with its number, in order, once it was found in its tile: to say
/// how far the audit is, or to look at what the entries say. That they are the ones that were
/// signed is known only when the audit ends well.
///
/// # Errors
/// The first thing that is not as it was signed.
pub fn audit<D: Directory + ?Sized>(
    directory: &D,
    checkpoint: &Checkpoint,
    since: Option<&Checkpoint>,
    each: &mut dyn FnMut(u64, &[u8]),
) -> Result<Audited, Fault> {
    let since = match since {
        Some(since) if since.origin() != checkpoint.origin() => return Err(Fault::OtherLog),
        Some(since) if since.size() > checkpoint.size() => {
            return Err(Fault::RolledBack { had: since.size(), has: checkpoint.size() });
        }
        other => other,
    };
    let mut walk = Walk { directory, since, tree: Tree::new(), audited: Audited::default() };
    walk.compare_roots()?;
    let mut index = 0;
    while let Some(tile) = Tile::within(0, index, checkpoint.size()) {
        walk.bundle(tile, each)?;
        index += 1;
    }
    for tile in walk.tree.edge() {
        walk.above(&tile)?;
    }
    if walk.tree.root() != checkpoint.root() {
        return Err(Fault::Root { size: checkpoint.size() });
    }
    Ok(walk.audited)
}

/// What an audit read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audited {
    /// Entries, all of the log.
    pub entries: u64,
    /// Octets of the entries.
    pub entry_octets: u64,
    /// Bundles they stand in.
    pub bundles: u64,
    /// Tiles of all levels.
    pub tiles: u64,
}

/// The first thing of a log that is not as it was signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A file is missing, or of another length.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A bundle cannot be read to its end.
    #[error("`{path}` is damaged from entry {entry} on: {why}")]
    Bundle {
        /// Where it is.
        path: String,
        /// First entry of the log that cannot be read.
        entry: u64,
        /// What about it is wrong.
        why: NotABundle,
    },
    /// A bundle has fewer or more entries than its tile has hashes.
    #[error("`{path}` has more or fewer entries than its tile, from entry {entry} on")]
    BundleLength {
        /// Where it is.
        path: String,
        /// First entry of the log that is missing or too much.
        entry: u64,
    },
    /// An entry is not the one its tile has the hash of: it, or the tile, was changed.
    #[error("entry {entry} in `{bundle}` does not match `{tile}`")]
    Entry {
        /// Its number in the log, from 0.
        entry: u64,
        /// Where it is.
        bundle: String,
        /// Where its hash is.
        tile: String,
    },
    /// A tile above does not follow from those below.
    #[error("`{path}` does not follow from the tiles below it")]
    Tile {
        /// Where it is.
        path: String,
    },
    /// Entries and tiles agree with each other, and not with what was signed.
    #[error("the {size} entries do not give the root of the checkpoint: the log was rewritten")]
    Root {
        /// How many entries there are.
        size: u64,
    },
    /// The log of the earlier checkpoint is not the beginning of this one.
    #[error(
        "the first {size} entries are not those of the earlier checkpoint: the log was rewritten"
    )]
    Since {
        /// How many entries it had then.
        size: u64,
    },
    /// The log has fewer entries than the earlier checkpoint.
    #[error("the log had {had} entries and has {has}: it was rolled back")]
    RolledBack {
        /// How many it had.
        had: u64,
        /// How many it has.
        has: u64,
    },
    /// The earlier checkpoint is another log's.
    #[error("the earlier checkpoint is of another log")]
    OtherLog,
}

struct Walk<'a, D: ?Sized> {
    directory: &'a D,
    since: Option<&'a Checkpoint>,
    /// Grows by every entry read, and says what the tiles must be.
    tree: Tree,
    audited: Audited,
}

impl<D: Directory + ?Sized> Walk<'_, D> {
    /// Reads one bundle beside its tile of level 0, and every tile it completes.
    fn bundle(&mut self, tile: Tile, each: &mut dyn FnMut(u64, &[u8])) -> Result<(), Fault> {
        let hashes = self.directory.hashes(tile)?;
        let (held, path, octets) = store::read_wide(self.directory, tile, Tile::bundle_path)?;
        self.audited.bundles += 1;
        self.audited.tiles += 1;
        let mut entries = bundle::entries(&octets);
        for hash in hashes {
            let number = self.tree.size();
            let entry = match entries.next() {
                Some(Ok(entry)) => entry,
                Some(Err(why)) => return Err(Fault::Bundle { path, entry: number, why }),
                None => return Err(Fault::BundleLength { path, entry: number }),
            };
            if Hash::leaf(entry) != hash {
                return Err(Fault::Entry { entry: number, bundle: path, tile: tile.path() });
            }
            self.audited.entries += 1;
            self.audited.entry_octets += entry.len() as u64;
            each(number, entry);
            let filled = self.tree.append(hash);
            self.compare_roots()?;
            for tile in filled {
                self.above(&tile)?;
            }
        }
        // A full bundle that stands in for a dropped partial one goes on beyond this checkpoint.
        if held.width() == tile.width() && entries.next().is_some() {
            return Err(Fault::BundleLength { path, entry: self.tree.size() });
        }
        Ok(())
    }

    /// Compares a tile that follows from the entries with the one kept. Those of level 0 were
    /// compared entry by entry.
    fn above(&mut self, expected: &TileHashes) -> Result<(), Fault> {
        if expected.tile.level() == 0 {
            return Ok(());
        }
        self.audited.tiles += 1;
        let kept = self.directory.hashes(expected.tile)?;
        if kept == expected.hashes {
            Ok(())
        } else {
            Err(Fault::Tile { path: expected.tile.path() })
        }
    }

    fn compare_roots(&self) -> Result<(), Fault> {
        match self.since.filter(|since| since.size() == self.tree.size()) {
            Some(since) if since.root() != self.tree.root() => {
                Err(Fault::Since { size: since.size() })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
