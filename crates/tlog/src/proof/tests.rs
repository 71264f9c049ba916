use super::*;
use crate::testing::{Folder, REFERENCE_ENTRIES, defined_root, hex, leaf, other_log};
use ct_merkle::{RootHash, mem_backed_tree::MemoryBackedTree};
use proptest::{collection::vec, prelude::*};
use sha2::Sha256;
use std::vec;

/// A tree of a few hundred entries, and its root at every size.
struct Forest {
    folder: Folder,
    roots: Vec<Hash>,
}

impl Forest {
    fn of(size: u64) -> Self {
        let leaves: Vec<_> = (0..size).map(leaf).collect();
        let roots = (0..=leaves.len()).map(|count| defined_root(&leaves[..count])).collect();
        let mut folder = Folder::of(0);
        (1..=size).for_each(|size| folder.grow(size));
        Self { folder, roots }
    }

    fn at(&self, size: u64) -> (u64, Hash) {
        (size, self.roots[place(size)])
    }

    fn include(&self, index: u64, size: u64) -> Inclusion {
        Inclusion::prove(index, size, &self.folder).unwrap()
    }

    fn connect(&self, older: u64, newer: u64) -> Consistency {
        Consistency::prove(older, newer, &self.folder).unwrap()
    }
}

fn place(number: u64) -> usize {
    usize::try_from(number).unwrap()
}

fn shorten(path: &mut Vec<Hash>) {
    path.pop();
}

fn lengthen(path: &mut Vec<Hash>) {
    path.push(path[0]);
}

/// `PATH(m, D[n])` of RFC 6962 section 2.1.1, word for word.
fn defined_path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return vec![];
    }
    let middle = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(middle);
    let (mut path, other) = if index < middle {
        (defined_path(index, left), right)
    } else {
        (defined_path(index - middle, right), left)
    };
    path.push(defined_root(other));
    path
}

/// `SUBPROOF(m, D[n], b)` of RFC 6962 section 2.1.2, word for word.
fn defined_subproof(older: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if older == leaves.len() {
        return if whole { vec![] } else { vec![defined_root(leaves)] };
    }
    let middle = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(middle);
    let (mut path, other) = if older <= middle {
        (defined_subproof(older, left, whole), right)
    } else {
        (defined_subproof(older - middle, right, false), left)
    };
    path.push(defined_root(other));
    path
}

#[test]
fn proofs_over_the_reference_entries_are_the_reference_proofs() {
    let mut tree = crate::Tree::new();
    for entry in REFERENCE_ENTRIES {
        tree.append(Hash::leaf(entry));
    }
    let [edge] = tree.edge().try_into().unwrap();
    let prefix = |size: usize| Edge(edge.hashes[..size].to_vec());
    let a = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
    let b = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
    let c = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";
    let d = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
    let e = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
    let f = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7";
    let g = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125";
    let h = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
    let i = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";
    let inclusions: [(u64, usize, &[&str]); 5] =
        [(0, 1, &[]), (0, 8, &[a, b, c]), (5, 8, &[d, e, f]), (2, 3, &[g]), (1, 5, &[h, b, d])];
    for (index, size, path) in inclusions {
        let proof = Inclusion::prove(index, size as u64, &prefix(size)).unwrap();
        let path: Vec<_> = path.iter().map(|text| hex(text)).collect();
        assert_eq!(proof.path(), path, "{index} of {size}");
    }
    let consistencies: [(u64, usize, &[&str]); 4] =
        [(1, 1, &[]), (1, 8, &[a, b, c]), (6, 8, &[i, e, f]), (2, 5, &[b, d])];
    for (older, newer, path) in consistencies {
        let proof = Consistency::prove(older, newer as u64, &prefix(newer)).unwrap();
        let path: Vec<_> = path.iter().map(|text| hex(text)).collect();
        assert_eq!(proof.path(), path, "{older} to {newer}");
    }
}

/// One partial tile.
struct Edge(Vec<Hash>);

impl TileReader for Edge {
    fn hashes(&self, tile: Tile) -> Result<Vec<Hash>, Unreadable> {
        let whole = tile.level() == 0 && usize::from(tile.width()) == self.0.len();
        if whole { Ok(self.0.clone()) } else { Err(Unreadable::Missing { path: tile.path() }) }
    }
}

#[test]
fn every_entry_of_every_small_tree_is_proven_as_defined() {
    let forest = Forest::of(70);
    let leaves: Vec<_> = (0..70).map(leaf).collect();
    for size in 1..=70 {
        for index in 0..size {
            let proof = forest.include(index, size);
            assert_eq!(proof.path(), defined_path(place(index), &leaves[..place(size)]));
            assert_eq!(proof.check(leaf(index), size, forest.at(size).1), Ok(()));
        }
    }
}

#[test]
fn consistency_is_proven_as_defined() {
    let forest = Forest::of(70);
    let leaves: Vec<_> = (0..70).map(leaf).collect();
    for newer in 1..=70 {
        for older in 1..newer {
            let path = defined_subproof(place(older), &leaves[..place(newer)], true);
            assert_eq!(forest.connect(older, newer).path(), path, "{older} to {newer}");
        }
    }
}

#[test]
fn all_sizes_up_to_300_are_consistent_with_each_other_and_with_no_other_root() {
    let forest = Forest::of(300);
    for newer in 0..=300 {
        for older in 0..=newer {
            let proof = forest.connect(older, newer);
            let (old, new) = (forest.at(older), forest.at(newer));
            assert_eq!(proof.check(old, new), Ok(()), "{older} to {newer}");
            let other = Hash::leaf(b"another tree");
            assert!(proof.check((older, other), new).is_err(), "{older} to {newer}");
            if older > 0 {
                assert!(proof.check(old, (newer, other)).is_err(), "{older} to {newer}");
            }
        }
    }
}

#[test]
fn a_log_that_shrank_is_said_to_have_been_rolled_back() {
    let forest = Forest::of(9);
    let error = forest.connect(4, 9).check(forest.at(9), forest.at(4)).unwrap_err();
    assert_eq!(error, Unproven::Shrank { older: 9, newer: 4 });
    let [older, newer] = [9, 4].map(|size| Folder::of(size).checkpoint());
    assert_eq!(Consistency::new(vec![]).verify(&older, &newer), Err(error));
}

#[test]
fn what_is_not_in_the_log_is_not_proven() {
    let folder = Folder::of(5);
    assert!(matches!(
        Inclusion::prove(5, 5, &folder),
        Err(CannotProve::OutOfRange { index: 5, size: 5 })
    ));
    assert!(matches!(Inclusion::prove(0, 0, &folder), Err(CannotProve::OutOfRange { .. })));
    assert!(matches!(Consistency::prove(6, 5, &folder), Err(CannotProve::OutOfRange { .. })));
    assert!(matches!(Inclusion::prove(0, 300, &folder), Err(CannotProve::Unreadable(_))));
    let checkpoint = folder.checkpoint();
    let proof = Inclusion::prove(3, 5, &folder).unwrap();
    let included = proof.verify(leaf(3), &checkpoint).unwrap();
    assert_eq!((included.leaf(), included.index(), included.size()), (leaf(3), 3, 5));
    assert_eq!(proof.verify(leaf(2), &checkpoint), Err(Unproven::Root));
    let beyond = Inclusion::new(5, proof.path().to_vec());
    assert!(matches!(beyond.verify(leaf(3), &checkpoint), Err(Unproven::OutOfRange { .. })));
}

/// A node above the entries is not passed off as one of them.
#[test]
fn a_proof_begins_at_an_entry() {
    let forest = Forest::of(8);
    let path = forest.include(0, 8).path().to_vec();
    let above = Hash::node(leaf(0), leaf(1));
    let cut = Inclusion::new(0, path[1..].to_vec());
    assert_eq!(cut.check(above, 8, forest.at(8).1), Err(Unproven::Length));
}

#[test]
fn two_logs_are_not_one_that_grew() {
    let folder = Folder::of(5);
    let proof = Consistency::prove(5, 5, &folder).unwrap();
    let other = other_log(folder.checkpoint().root(), 5);
    assert_eq!(proof.verify(&folder.checkpoint(), &folder.checkpoint()), Ok(()));
    assert_eq!(proof.verify(&other, &folder.checkpoint()), Err(Unproven::OtherLog));
}

/// Tiles of three levels: 66,000 entries.
#[test]
fn proofs_reach_across_levels_of_tiles() {
    let folder = Folder::of(66_000);
    let checkpoint = folder.checkpoint();
    for index in [0, 255, 256, 65_535, 65_536, 65_791, 65_792, 65_999] {
        let proof = Inclusion::prove(index, 66_000, &folder).unwrap();
        assert!(proof.verify(leaf(index), &checkpoint).is_ok(), "{index}");
        assert!(proof.verify(leaf(index ^ 1), &checkpoint).is_err(), "{index}");
    }
    for size in [1, 255, 256, 257, 40_000, 65_536, 65_537, 65_999, 66_000] {
        let older = Folder::of(size).checkpoint();
        let proof = Consistency::prove(size, 66_000, &folder).unwrap();
        assert_eq!(proof.verify(&older, &checkpoint), Ok(()), "{size}");
    }
}

/// The proofs of an implementation of others, and ours to it.
#[test]
fn another_implementation_agrees() {
    let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    let forest = Forest::of(300);
    for index in 0..300 {
        theirs.push(crate::testing::entry(index));
    }
    let size = 300;
    assert_eq!(theirs.root().as_bytes().as_slice(), forest.at(size).1.0);
    let joined = |path: &[Hash]| path.iter().flat_map(|hash| hash.0).collect::<Vec<_>>();
    for index in 0..size {
        let proof = theirs.prove_inclusion(place(index));
        assert_eq!(proof.as_bytes(), joined(forest.include(index, size).path()), "{index}");
    }
    for older in 1..size {
        let proof = theirs.prove_consistency(place(size - older));
        let ours = forest.connect(older, size);
        assert_eq!(proof.as_bytes(), joined(ours.path()), "{older}");
        let root = |size| RootHash::<Sha256>::new(forest.at(size).1.0.into(), size);
        assert!(root(size).verify_consistency(&root(older), &proof).is_ok(), "{older}");
    }
}

proptest! {
    #[test]
    fn a_changed_proof_proves_nothing(
        (size, index) in (2_u64..600).prop_flat_map(|size| (Just(size), 0..size)),
        bit in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
    ) {
        let folder = Folder::of(size);
        let root = folder.checkpoint().root();
        let proof = Inclusion::prove(index, size, &folder).unwrap();
        prop_assert_eq!(proof.check(leaf(index), size, root), Ok(()));

        let neighbour = other.index(place(size)) as u64;
        if neighbour != index {
            prop_assert!(proof.check(leaf(neighbour), size, root).is_err());
            let moved = Inclusion::new(neighbour, proof.path().to_vec());
            prop_assert!(moved.check(leaf(index), size, root).is_err());
        }
        let mut path = proof.path().to_vec();
        let bit = bit.index(path.len() * 256);
        path[bit / 256].0[bit % 256 / 8] ^= 1 << (bit % 8);
        prop_assert!(Inclusion::new(index, path).check(leaf(index), size, root).is_err());

        for change in [shorten, lengthen] {
            let mut path = proof.path().to_vec();
            change(&mut path);
            prop_assert!(Inclusion::new(index, path).check(leaf(index), size, root).is_err());
        }
    }

    #[test]
    fn a_changed_consistency_proves_nothing(
        (newer, older) in (2_u64..600).prop_flat_map(|newer| (Just(newer), 1..newer)),
        bit in any::<prop::sample::Index>(),
    ) {
        let folder = Folder::of(newer);
        let new = (newer, folder.checkpoint().root());
        let old = (older, Folder::of(older).checkpoint().root());
        let proof = Consistency::prove(older, newer, &folder).unwrap();
        prop_assert_eq!(proof.check(old, new), Ok(()));

        let mut path = proof.path().to_vec();
        let bit = bit.index(path.len() * 256);
        path[bit / 256].0[bit % 256 / 8] ^= 1 << (bit % 8);
        prop_assert!(Consistency::new(path).check(old, new).is_err());
        for change in [shorten, lengthen] {
            let mut path = proof.path().to_vec();
            change(&mut path);
            prop_assert!(Consistency::new(path).check(old, new).is_err());
        }
        // Of another size, the proof may have the right hashes by chance of shape only.
        prop_assert!(proof.check((older + 1, old.1), new).is_err());
    }

    #[test]
    fn nonsense_is_refused_without_harm(
        index in any::<u64>(),
        (older, newer) in (any::<u64>(), any::<u64>()),
        path in vec(any::<[u8; 32]>().prop_map(Hash), 0..80),
    ) {
        let root = Hash::leaf(b"no such tree");
        prop_assert!(Inclusion::new(index, path.clone()).check(leaf(0), newer, root).is_err());
        prop_assert!(Consistency::new(path).check((older, root), (newer, root)).is_err());
    }
}
