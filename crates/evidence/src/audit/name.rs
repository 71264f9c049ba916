//! I8: the names that people recorded, and their files.

use super::{Index, StoredName, Violation};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

/// All recorded names, by the hash of their sealed files.
#[derive(Debug, Default)]
pub(super) struct Names {
    names: BTreeMap<[u8; 32], Name>,
    stored: Vec<StoredName>,
}

#[derive(Debug)]
struct Name {
    recorded: Index,
    heard: bool,
    removed: Option<Index>,
}

type Found<'a> = &'a mut dyn FnMut(Violation);

impl Names {
    /// A name was recorded, in a call that the entry `admitted` had allowed already, if any.
    pub(super) fn recorded(
        &mut self,
        index: Index,
        admitted: Option<Index>,
        sha256: [u8; 32],
        found: Found<'_>,
    ) {
        if let Some(first) = admitted {
            found(Violation::NameInCall { index, first });
        }
        if let Some(known) = self.names.get(&sha256) {
            found(Violation::NameTwice { index, first: known.recorded });
            return;
        }
        self.names.insert(sha256, Name { recorded: index, heard: false, removed: None });
    }

    /// Staff are about to listen to it.
    pub(super) fn heard(&mut self, index: Index, sha256: [u8; 32], found: Found<'_>) {
        if let Some(name) = self.there(index, sha256, found) {
            name.heard = true;
        }
    }

    /// Staff approved it.
    pub(super) fn approved(&mut self, index: Index, sha256: [u8; 32], found: Found<'_>) {
        if self.there(index, sha256, found).is_some_and(|name| !name.heard) {
            found(Violation::NameUnheard { index });
        }
    }

    /// It was removed.
    pub(super) fn removed(&mut self, index: Index, sha256: [u8; 32], found: Found<'_>) {
        if let Some(name) = self.there(index, sha256, found) {
            name.removed = Some(index);
        }
    }

    /// The files that are there.
    pub(super) fn stored(&mut self, files: impl IntoIterator<Item = StoredName>) {
        self.stored.extend(files);
    }

    /// Compares with what is stored.
    pub(super) fn finish(self, found: Found<'_>) {
        let mut there = BTreeSet::new();
        for StoredName { sha256, placed } in self.stored {
            let first = there.insert(sha256);
            match self.names.get(&sha256) {
                Some(Name { removed: Some(index), .. }) if first => {
                    found(Violation::RemovedName { index: *index });
                }
                Some(Name { removed: None, .. }) if first => {}
                // On its way into its place when its node died: the next start takes it away.
                None if !placed => {}
                Some(_) | None => found(Violation::ExtraName),
            }
        }
        let gone = |(sha256, name): &(&[u8; 32], &Name)| {
            name.removed.is_none() && !there.contains(*sha256)
        };
        for (_, name) in self.names.iter().filter(gone) {
            found(Violation::MissingName { index: name.recorded });
        }
    }

    /// The name with this file, unless there is none, or it was removed.
    fn there(&mut self, index: Index, sha256: [u8; 32], found: Found<'_>) -> Option<&mut Name> {
        let name = self.names.get_mut(&sha256).filter(|name| name.removed.is_none());
        if name.is_none() {
            found(Violation::NameOfNothing { index });
        }
        name
    }
}
