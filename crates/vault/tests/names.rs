//! Recorded names in files: sealed, in place only when they are entered, gone when removed.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

mod enrolment;

use call::NameClip;
use enrolment::{PERSON, enrolment};
use model::{AgencyId, PersonId};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fs};
use tempfile::TempDir;
use vault::{NameFile, NameShelf, VaultError, name_files};

const AGENCY: AgencyId = AgencyId(3);
const OF: (AgencyId, PersonId) = (AGENCY, PERSON);

fn clip(octet: u8) -> NameClip {
    enrolment().captured(vec![octet; 9_000]).unwrap()
}

fn shelf(folder: &TempDir) -> NameShelf {
    NameShelf::new(folder.path().join("names"), [4; 32])
}

fn files(folder: &TempDir) -> Vec<NameFile> {
    name_files(&folder.path().join("names")).unwrap()
}

#[test]
fn a_name_is_sealed_and_read_back_in_its_place_only() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = shelf(&folder);
    assert!(files(&folder).is_empty());
    let sealed = shelf.put(AGENCY, clip(0x31)).unwrap();
    assert_eq!(sealed.octets, 9_000);
    assert_eq!(sealed.voice, <[u8; 32]>::from(Sha256::digest([0x31; 9_000])));
    let file = files(&folder).remove(0);
    assert_eq!((file.sha256, file.placed), (sealed.sha256, false));
    assert_eq!(shelf.read(OF, sealed.sha256), None, "it is nobody's yet");
    shelf.place(OF).unwrap();
    assert_eq!(shelf.read(OF, sealed.sha256).unwrap().expose().as_ref(), [0x31; 9_000]);
    let file = files(&folder).remove(0);
    assert_eq!((file.sha256, file.placed), (sealed.sha256, true));
    // No run of what was said is in the file.
    let octets = fs::read(&file.path).unwrap();
    assert_eq!(octets.len(), 40 + 9_000 + 16);
    assert!(!octets.windows(8).any(|run| run == [0x31; 8]));
    // Another key, agency, person or hash opens nothing.
    let other = NameShelf::new(folder.path().join("names"), [5; 32]);
    assert_eq!(other.read(OF, sealed.sha256), None);
    assert_eq!(shelf.read(OF, [0; 32]), None);
    assert_eq!(shelf.read((AgencyId(4), PERSON), sealed.sha256), None);
    let stolen = folder.path().join("names/00000003/00000008.name");
    fs::copy(&file.path, stolen).unwrap();
    assert_eq!(shelf.read((AGENCY, PersonId(8)), sealed.sha256), None, "of another person");
}

#[test]
fn a_changed_or_cut_file_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = shelf(&folder);
    shelf.put(AGENCY, clip(0x31)).unwrap();
    shelf.place(OF).unwrap();
    let path = files(&folder).remove(0).path;
    let good = fs::read(&path).unwrap();
    let read = |octets: &[u8]| {
        fs::write(&path, octets).unwrap();
        // Also where somebody gave the hash of what they put there.
        shelf.read(OF, Sha256::digest(octets).into())
    };
    assert!(read(&good).is_some());
    for at in [0, 12, 16, 20, 30, 45, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert_eq!(read(&bad), None, "octet {at}");
    }
    for length in [0, 10, 39, 55, good.len() - 1] {
        assert_eq!(read(&good[..length]), None, "{length} octets");
    }
}

#[test]
fn a_person_has_one_name_until_it_is_destroyed() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = shelf(&folder);
    let first = shelf.put(AGENCY, clip(1)).unwrap();
    assert!(matches!(shelf.put(AGENCY, clip(2)), Err(VaultError::Exists { .. })));
    shelf.place(OF).unwrap();
    assert!(matches!(shelf.put(AGENCY, clip(2)), Err(VaultError::Exists { .. })));
    assert_eq!(shelf.read(OF, first.sha256).unwrap().expose()[0], 1);
    shelf.destroy(OF).unwrap();
    assert_eq!(files(&folder), []);
    shelf.destroy(OF).unwrap();
    let second = shelf.put(AGENCY, clip(2)).unwrap();
    assert_ne!(second.sha256, first.sha256);
}

#[test]
fn the_next_start_finishes_what_a_dead_node_left() {
    let entered = |sha256| BTreeMap::from([(OF, sha256)]);
    // Written, and its entry was never made: nobody's.
    let folder = tempfile::tempdir().unwrap();
    let shelf = shelf(&folder);
    shelf.put(AGENCY, clip(1)).unwrap();
    shelf.recover(&BTreeMap::new(), &[]).unwrap();
    assert_eq!(files(&folder), []);
    // Entered, and not yet in its place.
    let sealed = shelf.put(AGENCY, clip(1)).unwrap();
    shelf.recover(&entered(sealed.sha256), &[]).unwrap();
    assert!(shelf.read(OF, sealed.sha256).is_some());
    // Nothing is left to do, and what nobody entered is left for the audit.
    shelf.recover(&entered(sealed.sha256), &[]).unwrap();
    shelf.recover(&BTreeMap::new(), &[]).unwrap();
    assert!(shelf.read(OF, sealed.sha256).is_some());
    // Its removal was entered, and the file was still there.
    shelf.recover(&BTreeMap::new(), &[sealed.sha256]).unwrap();
    assert_eq!(files(&folder), []);
}
