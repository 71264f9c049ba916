//! A log in memory, for the tests of this crate.

use crate::{
    Author, Checkpoint, Directory, Hash, KeyKind, Note, Policy, Signer, TileHashes, Unreadable,
    bundle,
};
use std::{collections::BTreeMap, format, string::String, vec::Vec};

pub(crate) const ORIGIN: &str = "county.example/log";

/// What entry `index` of every log here says.
pub(crate) fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

pub(crate) fn leaf(index: u64) -> Hash {
    Hash::leaf(&entry(index))
}

pub(crate) fn log_key() -> Signer {
    Signer::from_seed(ORIGIN, KeyKind::Log, &[1; 32]).unwrap()
}

pub(crate) fn witness_key(number: u8) -> Signer {
    let name = format!("witness{number}.example");
    Signer::from_seed(&name, KeyKind::Witness, &[100 + number; 32]).unwrap()
}

/// A log with all its files.
pub(crate) struct Folder {
    pub(crate) author: Author,
    files: BTreeMap<String, Vec<u8>>,
}

impl Folder {
    pub(crate) fn of(size: u64) -> Self {
        let mut folder = Self { author: Author::begin(log_key()).unwrap(), files: BTreeMap::new() };
        folder.grow(size);
        folder
    }

    /// Adds entries up to `size`, and drops the partial files that full ones replace.
    pub(crate) fn grow(&mut self, size: u64) {
        let first = self.author.tree().size() / 256 * 256;
        let mut open = Vec::new();
        for index in first..size {
            bundle::push(&mut open, &entry(index)).unwrap();
            if index >= self.author.tree().size() {
                for tile in self.author.append(&entry(index)).unwrap() {
                    self.keep(&tile, &mut open);
                }
            }
        }
        for tile in self.author.tree().edge() {
            self.keep(&tile, &mut open);
        }
        let full: Vec<_> =
            self.files.keys().filter(|path| !path.contains(".p/")).cloned().collect();
        let replaced = |path: &str| {
            path.split_once(".p/").is_some_and(|(it, _)| full.iter().any(|full| full == it))
        };
        self.files.retain(|path, _| !replaced(path));
    }

    fn keep(&mut self, tile: &TileHashes, open: &mut Vec<u8>) {
        self.files.insert(tile.tile.path(), tile.octets());
        if tile.tile.level() == 0 {
            self.files.insert(tile.tile.bundle_path(), core::mem::take(open));
        }
    }

    pub(crate) fn checkpoint(&self) -> Checkpoint {
        let note = self.author.sign().unwrap();
        Checkpoint::verified(note, log_key().verifier(), &Policy::LOG_ALONE).unwrap()
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.files.keys().cloned().collect()
    }

    pub(crate) fn octets(&self, path: &str) -> Vec<u8> {
        self.files[path].clone()
    }

    pub(crate) fn change(&mut self, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
        change(self.files.get_mut(path).unwrap());
    }

    pub(crate) fn remove(&mut self, path: &str) {
        self.files.remove(path).unwrap();
    }
}

impl Directory for Folder {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        Ok(self.files.get(path).cloned())
    }
}

/// A checkpoint of another log, with whatever root.
pub(crate) fn other_log(root: Hash, size: u64) -> Checkpoint {
    let key = Signer::from_seed("other.example/log", KeyKind::Log, &[2; 32]).unwrap();
    let note = Note::sign(&format!("other.example/log\n{size}\n{root}\n"), &key).unwrap();
    Checkpoint::verified(note, key.verifier(), &Policy::LOG_ALONE).unwrap()
}

/// Root over `leaves` by the definition of RFC 6962 section 2.1, word for word.
pub(crate) fn defined_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::EMPTY_TREE,
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            Hash::node(defined_root(left), defined_root(right))
        }
    }
}

/// The eight entries on which implementations of RFC 6962 compare themselves.
pub(crate) const REFERENCE_ENTRIES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];

/// A hash in hexadecimal digits.
pub(crate) fn hex(text: &str) -> Hash {
    let octet = |at: usize| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap();
    assert_eq!(text.len(), 64);
    Hash(core::array::from_fn(octet))
}
