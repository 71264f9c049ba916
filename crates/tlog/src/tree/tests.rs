use super::*;
use crate::testing::{Folder, REFERENCE_ENTRIES, defined_root, hex, leaf};
use std::collections::BTreeMap;
use std::vec;

#[test]
fn the_reference_entries_give_the_reference_roots() {
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut tree = Tree::new();
    assert_eq!(tree.root(), hex(roots[0]));
    for (entry, root) in REFERENCE_ENTRIES.iter().zip(&roots[1..]) {
        tree.append(Hash::leaf(entry));
        assert_eq!(tree.root(), hex(root));
    }
}

#[test]
fn a_tree_that_grew_is_the_tree_from_scratch() {
    let leaves: Vec<_> = (0..600).map(leaf).collect();
    let mut tree = Tree::new();
    for (count, leaf) in (0..).zip(&leaves) {
        assert_eq!(tree.size(), count as u64);
        assert_eq!(tree.root(), defined_root(&leaves[..count]), "{count}");
        tree.append(*leaf);
    }
}

/// Across the borders of bundles and of tiles of level 1.
#[test]
fn a_tree_that_was_stored_goes_on_as_if_it_never_stopped() {
    let mut kept = BTreeMap::new();
    let mut tree = Tree::new();
    let stops = [0, 1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 66_000];
    for index in 0..=66_000 {
        if stops.contains(&index) {
            let edge: BTreeMap<_, _> =
                tree.edge().into_iter().map(|it| (it.tile, it.hashes)).collect();
            assert_eq!(Tree::load(index, &Tiles(&edge)).unwrap(), tree, "{index}");
        }
        for filled in tree.append(leaf(index)) {
            assert!(!filled.tile.is_partial());
            assert!(kept.insert(filled.tile, filled.hashes).is_none());
        }
    }
    // 257 full tiles of level 0 and one of level 1, each by its definition.
    assert_eq!(kept.len(), 258);
    for (tile, hashes) in kept {
        for (place, hash) in (tile.index() * 256..).zip(hashes) {
            let span = 256_u64.pow(tile.level().into());
            let leaves: Vec<_> = (place * span..(place + 1) * span).map(leaf).collect();
            assert_eq!(hash, defined_root(&leaves), "{}", tile.path());
        }
    }
}

#[test]
fn a_reader_that_answers_with_another_number_of_hashes_is_refused() {
    let folder = Folder::of(7);
    let short = BTreeMap::from([(Tile::partial(0, 7).unwrap(), vec![leaf(0); 6])]);
    assert!(Tree::load(7, &folder).is_ok());
    let error = Tree::load(7, &Tiles(&short)).unwrap_err();
    assert!(matches!(error, Unreadable::Length { octets: 192, expected: 224, .. }), "{error}");
    assert!(matches!(Tree::load(8, &folder), Err(Unreadable::Missing { .. })));
    assert!(matches!(Tree::load(u64::MAX, &folder), Err(Unreadable::Missing { .. })));
}

struct Tiles<'t>(&'t BTreeMap<Tile, Vec<Hash>>);

impl TileReader for Tiles<'_> {
    fn hashes(&self, tile: Tile) -> Result<Vec<Hash>, Unreadable> {
        self.0.get(&tile).cloned().ok_or_else(|| Unreadable::Missing { path: tile.path() })
    }
}
