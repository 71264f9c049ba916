use super::*;
use crate::testing::{Folder, entry, other_log};
use proptest::prelude::*;
use std::{string::ToString as _, vec::Vec};

fn check(folder: &Folder, checkpoint: &Checkpoint) -> Result<Audited, Fault> {
    audit(folder, checkpoint, None, &mut |_, _| {})
}

/// What an audit of a log of `size` entries says after `change`.
fn after(size: u64, change: impl FnOnce(&mut Folder)) -> Fault {
    let mut folder = Folder::of(size);
    let checkpoint = folder.checkpoint();
    change(&mut folder);
    check(&folder, &checkpoint).unwrap_err()
}

#[test]
fn a_whole_log_is_read() {
    for (size, bundles, tiles) in
        [(0, 0, 0), (1, 1, 1), (255, 1, 1), (256, 1, 2), (257, 2, 3), (66_000, 258, 258 + 2 + 1)]
    {
        let folder = Folder::of(size);
        let mut next = 0;
        let audited = audit(&folder, &folder.checkpoint(), None, &mut |index, octets| {
            assert_eq!((index, octets), (next, entry(index).as_slice()));
            next += 1;
        });
        let audited = audited.unwrap();
        assert_eq!((audited.entries, audited.bundles, audited.tiles), (size, bundles, tiles));
        assert_eq!(next, size);
    }
}

#[test]
fn full_files_stand_in_for_dropped_partial_ones() {
    let mut folder = Folder::of(300);
    let older = folder.checkpoint();
    folder.grow(600);
    assert!(!folder.paths().contains(&"tile/0/001.p/44".into()));
    assert_eq!(check(&folder, &older).unwrap().entries, 300);
    assert_eq!(check(&folder, &folder.checkpoint()).unwrap().entries, 600);
}

#[test]
fn the_first_bad_entry_is_named() {
    let fault = after(70_000, |folder| {
        folder.change("tile/entries/005", |octets| octets[2] ^= 1);
        folder.change("tile/entries/007", |octets| octets[2] ^= 1);
    });
    assert_eq!(fault.to_string(), "entry 1280 in `tile/entries/005` does not match `tile/0/005`");
}

#[test]
fn a_dropped_entry_is_named() {
    // Each entry of the second bundle has ten octets with its length.
    let fault = after(600, |folder| {
        folder.change("tile/entries/001", |octets| drop(octets.drain(40..51)));
    });
    assert!(matches!(fault, Fault::Entry { .. } | Fault::Bundle { .. }), "{fault}");
    let length = 2 + entry(300).len();
    let fault = after(600, |folder| {
        folder.change("tile/entries/001", |octets| drop(octets.drain(4 * length..5 * length)));
    });
    assert!(matches!(fault, Fault::Entry { entry: 260, .. }), "{fault}");
    // The last one leaves a gap at the end.
    let fault = after(512, |folder| {
        folder.change("tile/entries/001", |octets| octets.truncate(octets.len() - length));
    });
    assert_eq!(fault, Fault::BundleLength { path: "tile/entries/001".into(), entry: 511 });
}

#[test]
fn a_reordered_pair_is_named() {
    let length = 2 + entry(300).len();
    let fault = after(600, |folder| {
        folder.change("tile/entries/001", |octets| {
            octets[4 * length..6 * length].rotate_left(length)
        });
    });
    assert!(matches!(fault, Fault::Entry { entry: 260, .. }), "{fault}");
    // Also when their hashes are swapped along.
    let fault = after(600, |folder| {
        folder.change("tile/entries/001", |octets| {
            octets[4 * length..6 * length].rotate_left(length)
        });
        folder.change("tile/0/001", |octets| octets[4 * 32..6 * 32].rotate_left(32));
    });
    assert_eq!(fault.to_string(), "`tile/1/000.p/2` does not follow from the tiles below it");
}

#[test]
fn a_truncated_bundle_is_named_with_the_entry_it_breaks() {
    let fault = after(300, |folder| {
        folder.change("tile/entries/001.p/44", |octets| octets.truncate(octets.len() - 1));
    });
    assert_eq!(
        fault.to_string(),
        "`tile/entries/001.p/44` is damaged from entry 299 on: it ends inside its entry 43"
    );
    let fault = after(300, |folder| {
        folder.change("tile/entries/001.p/44", |octets| octets.extend(b"\0\0"));
    });
    assert_eq!(fault, Fault::BundleLength { path: "tile/entries/001.p/44".into(), entry: 300 });
}

#[test]
fn a_log_that_was_rewritten_as_a_whole_does_not_pass() {
    // Made by the same key, of as many entries, in itself without fault.
    let signed = Folder::of(300).checkpoint();
    let mut other = Folder::of(299);
    other.author.append(b"another entry").unwrap();
    let other_checkpoint = other.checkpoint();
    let mut folder = Folder::of(300);
    let tile = other.author.tree().edge().remove(0);
    folder.change("tile/0/001.p/44", |octets| *octets = tile.octets());
    folder.change("tile/entries/001.p/44", |octets| {
        octets.truncate(octets.len() - 2 - entry(299).len());
        bundle::push(octets, b"another entry").unwrap();
    });
    assert!(check(&folder, &other_checkpoint).is_ok());
    assert_eq!(check(&folder, &signed), Err(Fault::Root { size: 300 }));
}

#[test]
fn an_earlier_checkpoint_binds_the_later_log() {
    let mut folder = Folder::of(300);
    let earlier = folder.checkpoint();
    folder.grow(700);
    let later = folder.checkpoint();
    let since =
        |newer: &Checkpoint, older: &Checkpoint| audit(&folder, newer, Some(older), &mut |_, _| {});
    assert_eq!(since(&later, &earlier).unwrap().entries, 700);
    assert_eq!(since(&later, &later).unwrap().entries, 700);
    let rolled_back = since(&earlier, &later).unwrap_err();
    assert_eq!(rolled_back.to_string(), "the log had 700 entries and has 300: it was rolled back");
    // The same key signed another beginning.
    let mut other = Folder::of(299);
    other.author.append(b"another entry").unwrap();
    assert_eq!(since(&later, &other.checkpoint()), Err(Fault::Since { size: 300 }));
    assert!(since(&later, &Folder::of(0).checkpoint()).is_ok());
    let other = other_log(earlier.root(), 300);
    assert_eq!(since(&later, &other), Err(Fault::OtherLog));
}

#[test]
fn a_missing_file_is_named() {
    let paths = Folder::of(600).paths();
    assert_eq!(paths.len(), 7, "{paths:?}");
    for path in paths {
        let fault = after(600, |folder| folder.remove(&path));
        assert_eq!(fault, Fault::Unreadable(Unreadable::Missing { path }));
    }
}

#[test]
fn a_disk_that_fails_is_said_to() {
    struct Broken;
    impl Directory for Broken {
        fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Unreadable> {
            Err(Unreadable::failed(path, &"input/output error"))
        }
    }
    let fault = audit(&Broken, &Folder::of(5).checkpoint(), None, &mut |_, _| {}).unwrap_err();
    assert_eq!(fault.to_string(), "`tile/0/000.p/5` cannot be read: input/output error");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whichever octet of whichever file is changed, the audit sees it.
    #[test]
    fn no_changed_octet_passes(
        size in 1_u64..700,
        file in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        bit in 0_u32..8,
    ) {
        let mut folder = Folder::of(size);
        let checkpoint = folder.checkpoint();
        let paths = folder.paths();
        let path = file.get(&paths);
        let before = folder.octets(path);
        folder.change(path, |octets| {
            let at = at.index(octets.len());
            octets[at] ^= 1 << bit;
        });
        let fault = check(&folder, &checkpoint);
        prop_assert!(fault.is_err(), "{path}");
        // An entry that is named is the one, or one after a length that was changed.
        if let Err(Fault::Entry { bundle, .. }) = fault {
            let number = |path: &str| path.rsplit_once('/').map(|(_, number)| number.to_string());
            prop_assert_eq!(number(&bundle), number(path));
        }
        folder.change(path, |octets| *octets = before);
        prop_assert!(check(&folder, &checkpoint).is_ok());
    }
}
