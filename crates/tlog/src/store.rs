//! Where a log is kept, as seen from here: by somebody else, who answers with octets.

use crate::{Hash, Tile, limits::HASH_OCTETS};
use alloc::{
    string::{String, ToString as _},
    vec::Vec,
};

/// A log's files: a folder, a server, or a map in a test.
pub trait Directory {
    /// What is kept at `path`, counted from the log's root; `None` when nothing is.
    ///
    /// # Errors
    /// [`Unreadable::Failed`] when nobody can tell.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Unreadable>;
}

/// Answers with the hashes of tiles. Every [`Directory`] does.
///
/// They need not be true: whoever makes a proof of them checks it before using it.
pub trait TileReader {
    /// The hashes of `tile`, as many as it is wide.
    ///
    /// # Errors
    /// When there is no such tile, or not of this width.
    fn hashes(&self, tile: Tile) -> Result<Vec<Hash>, Unreadable>;
}

impl<D: Directory + ?Sized> TileReader for D {
    fn hashes(&self, tile: Tile) -> Result<Vec<Hash>, Unreadable> {
        let (held, path, octets) = read_wide(self, tile, Tile::path)?;
        let expected = usize::from(held.width()) * HASH_OCTETS;
        if octets.len() != expected {
            return Err(Unreadable::Length { path, octets: octets.len(), expected });
        }
        let (hashes, _) = octets.as_chunks::<HASH_OCTETS>();
        Ok(hashes.iter().take(usize::from(tile.width())).copied().map(Hash).collect())
    }
}

/// Reads what belongs to `tile`, or to the full tile where the log has dropped the partial one.
/// Returns which of the two it is, where it stands, and its octets.
pub(crate) fn read_wide<D: Directory + ?Sized>(
    directory: &D,
    tile: Tile,
    path_of: fn(Tile) -> String,
) -> Result<(Tile, String, Vec<u8>), Unreadable> {
    for held in [tile, tile.filled()] {
        let path = path_of(held);
        if let Some(octets) = directory.read(&path)? {
            return Ok((held, path, octets));
        }
    }
    Err(Unreadable::Missing { path: path_of(tile) })
}

/// Why a file of the log could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is not there.
    #[error("`{path}` is missing")]
    Missing {
        /// Where it should be.
        path: String,
    },
    /// It is too short or too long.
    #[error("`{path}` has {octets} octets, {expected} are expected")]
    Length {
        /// Where it is.
        path: String,
        /// How long it is.
        octets: usize,
        /// How long it should be.
        expected: usize,
    },
    /// It could not be read.
    #[error("`{path}` cannot be read: {why}")]
    Failed {
        /// Where it should be.
        path: String,
        /// What the disk or the server said.
        why: String,
    },
}

impl Unreadable {
    /// Says that `path` could not be read, and why.
    #[must_use]
    pub fn failed(path: &str, why: &dyn core::fmt::Display) -> Self {
        Self::Failed { path: path.to_string(), why: why.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;

    fn hashes(folder: &Folder, tile: Tile) -> Result<Vec<Hash>, Unreadable> {
        TileReader::hashes(folder, tile)
    }

    #[test]
    fn a_partial_tile_may_be_read_from_the_full_one() {
        let folder = Folder::of(256);
        let partial = Tile::partial(0, 7).unwrap();
        assert_eq!(folder.read(&partial.path()), Ok(None));
        let full = hashes(&folder, partial.filled()).unwrap();
        assert_eq!(hashes(&folder, partial).unwrap(), full[..7]);
    }

    #[test]
    fn a_tile_has_no_more_than_it_says() {
        let mut folder = Folder::of(3);
        folder.change("tile/0/000.p/3", |octets| octets.push(0));
        let error = hashes(&folder, Tile::partial(0, 3).unwrap()).unwrap_err();
        assert!(matches!(error, Unreadable::Length { octets: 97, expected: 96, .. }), "{error}");
    }

    #[test]
    fn what_is_missing_or_of_another_length_is_named() {
        let mut folder = Folder::of(3);
        let tile = Tile::partial(0, 3).unwrap();
        folder.change("tile/0/000.p/3", |octets| octets.truncate(95));
        assert_eq!(
            hashes(&folder, tile).unwrap_err().to_string(),
            "`tile/0/000.p/3` has 95 octets, 96 are expected"
        );
        folder.remove("tile/0/000.p/3");
        assert_eq!(hashes(&folder, tile).unwrap_err().to_string(), "`tile/0/000.p/3` is missing");
    }
}
