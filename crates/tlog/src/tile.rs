//! Tiles: where the hashes of a tree stand (c2sp.org/tlog-tiles).

use crate::{
    Hash, decimal,
    limits::{TILE_HEIGHT, TILE_WIDTH},
};
use alloc::{
    format,
    string::{String, ToString as _},
    vec::Vec,
};

/// Which hashes of which level: `width` of them from `index * 256` on.
///
/// Hash `i` of level `l` is the root over the entries `i * 256^l .. (i + 1) * 256^l`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    level: u8,
    index: u64,
    /// 1 to 256.
    width: u16,
}

impl Tile {
    /// The tile number `index` of `level` as it stands in a tree of `size` entries: full, partial,
    /// or `None` when that tree has no hash of it.
    #[must_use]
    pub fn within(level: u8, index: u64, size: u64) -> Option<Self> {
        let hashes = hashes_count(level, size);
        let left = hashes.checked_sub(index.checked_mul(u64::from(TILE_WIDTH))?)?;
        let width = u16::try_from(left).map_or(TILE_WIDTH, |left| left.min(TILE_WIDTH));
        (width > 0).then_some(Self { level, index, width })
    }

    /// The rightmost tile of `level` in a tree of `size` entries if it is partial.
    #[must_use]
    pub fn partial(level: u8, size: u64) -> Option<Self> {
        let index = hashes_count(level, size) / u64::from(TILE_WIDTH);
        Self::within(level, index, size)
    }

    /// Its level: 0 holds the hashes of entries.
    #[must_use]
    pub const fn level(self) -> u8 {
        self.level
    }

    /// Its number within its level.
    #[must_use]
    pub const fn index(self) -> u64 {
        self.index
    }

    /// How many hashes it has, 1 to 256.
    #[must_use]
    pub const fn width(self) -> u16 {
        self.width
    }

    /// Whether it may yet grow.
    #[must_use]
    pub const fn is_partial(self) -> bool {
        self.width < TILE_WIDTH
    }

    /// The same tile with all its hashes. A log may have dropped the partial one once it has this.
    #[must_use]
    pub const fn filled(self) -> Self {
        Self { width: TILE_WIDTH, ..self }
    }

    /// Where it is kept, from the log's root: `tile/0/x001/x234/067.p/12`.
    #[must_use]
    pub fn path(self) -> String {
        format!("tile/{}/{}", self.level, self.number())
    }

    /// Where the entries of a tile of level 0 are kept.
    #[must_use]
    pub fn bundle_path(self) -> String {
        format!("tile/entries/{}", self.number())
    }

    /// Reads what [`Tile::path`] writes.
    ///
    /// # Errors
    /// When it is the path of no tile, or not in its one spelling.
    pub fn parse(path: &str) -> Result<Self, NotATile> {
        let read = || {
            let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
            let level = decimal::parse(level).filter(|level| *level <= LEVEL_MAX)?;
            let (number, width) = match rest.split_once(".p/") {
                Some((number, width)) => (number, decimal::parse(width)?),
                None => (rest, u64::from(TILE_WIDTH)),
            };
            let mut index: u64 = 0;
            for part in number.split('/') {
                let part: u64 = part.trim_start_matches('x').parse().ok()?;
                index = index.checked_mul(1000)?.checked_add(part)?;
            }
            let width = u16::try_from(width).ok().filter(|width| *width <= TILE_WIDTH)?;
            Some(Self { level: u8::try_from(level).ok()?, index, width })
        };
        // Whatever the reading let pass, the writing tells.
        read()
            .filter(|tile| tile.width > 0 && tile.path() == path)
            .ok_or_else(|| NotATile(path.to_string()))
    }

    fn number(self) -> String {
        let mut text = format!("{:03}", self.index % 1000);
        let mut rest = self.index / 1000;
        while rest > 0 {
            text = format!("x{:03}/{text}", rest % 1000);
            rest /= 1000;
        }
        if self.is_partial() {
            text = format!("{text}.p/{}", self.width);
        }
        text
    }
}

/// A path that names no tile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is the path of no tile")]
pub struct NotATile(pub String);

/// A tile and its hashes, to be kept at [`Tile::path`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TileHashes {
    /// Which tile.
    pub tile: Tile,
    /// As many hashes as it is wide.
    pub hashes: Vec<Hash>,
}

impl TileHashes {
    /// What stands in its file: the hashes, one after the other.
    #[must_use]
    pub fn octets(&self) -> Vec<u8> {
        self.hashes.iter().flat_map(|hash| hash.0).collect()
    }
}

/// How many hashes `level` has in a tree of `size` entries.
fn hashes_count(level: u8, size: u64) -> u64 {
    size.checked_shr(u32::from(level) * u32::from(TILE_HEIGHT)).unwrap_or(0)
}

const LEVEL_MAX: u64 = 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        for (level, index, width, path) in [
            (0, 0, 256, "tile/0/000"),
            (0, 5, 1, "tile/0/005.p/1"),
            (2, 999, 255, "tile/2/999.p/255"),
            (1, 1000, 256, "tile/1/x001/000"),
            (0, 1_234_067, 256, "tile/0/x001/x234/067"),
            (63, u64::MAX, 12, "tile/63/x018/x446/x744/x073/x709/x551/615.p/12"),
        ] {
            let tile = Tile { level, index, width };
            assert_eq!(tile.path(), path);
            assert_eq!(Tile::parse(path), Ok(tile));
        }
        assert_eq!(
            Tile { level: 0, index: 1_234_067, width: 8 }.bundle_path(),
            "tile/entries/x001/x234/067.p/8"
        );
    }

    #[test]
    fn other_spellings_are_refused() {
        for path in [
            "",
            "tile",
            "tile/0",
            "tile/0/",
            "tile/00/000",
            "tile/64/000",
            "tile/-1/000",
            "tile/0/00",
            "tile/0/0000",
            "tile/0/x000/005",
            "tile/0/001/234",
            "tile/0/x001",
            "tile/0/xx01/000",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p/",
            "tile/0/+00",
            "tile/0/000/",
            "/tile/0/000",
            "tile/0/../000",
            "tile/0/x999/x999/x999/x999/x999/x999/999",
            "tile/entries/000",
            "tile/8/0/000",
        ] {
            assert_eq!(Tile::parse(path), Err(NotATile(path.into())));
        }
    }

    /// The example of the specification: a tree of 70,000 entries.
    #[test]
    fn a_tree_has_the_tiles_of_the_specification() {
        let size = 70_000;
        assert_eq!(Tile::within(0, 272, size), Some(Tile { level: 0, index: 272, width: 256 }));
        assert_eq!(Tile::partial(0, size), Some(Tile { level: 0, index: 273, width: 112 }));
        assert_eq!(Tile::within(0, 274, size), None);
        assert_eq!(Tile::within(1, 0, size), Some(Tile { level: 1, index: 0, width: 256 }));
        assert_eq!(Tile::partial(1, size), Some(Tile { level: 1, index: 1, width: 17 }));
        assert_eq!(Tile::partial(2, size), Some(Tile { level: 2, index: 0, width: 1 }));
        assert_eq!(Tile::partial(3, size), None);
        assert_eq!(Tile::partial(0, 256), None);
        assert_eq!(Tile::partial(1, 256), Some(Tile { level: 1, index: 0, width: 1 }));
        assert_eq!(Tile::within(200, 0, u64::MAX), None);
        assert_eq!(Tile::within(0, u64::MAX, u64::MAX), None);
    }
}
