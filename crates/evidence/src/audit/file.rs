//! I5: the files that are stored, and the entries about them.

use super::{Index, Node, Object, Place, Violation, call::Calls};
use alloc::collections::{BTreeMap, BTreeSet};
use model::RecordingId;

/// All recordings that were closed.
#[derive(Debug, Default)]
pub(super) struct Files {
    ended: BTreeMap<[u8; 32], Ended>,
    recordings: BTreeMap<RecordingId, [u8; 32]>,
}

#[derive(Debug)]
struct Ended {
    index: Index,
    erased: Option<Index>,
    stored: bool,
}

type Found<'a> = &'a mut dyn FnMut(Violation);

impl Files {
    /// A recording was closed.
    pub(super) fn ended(
        &mut self,
        at: Place,
        recording: RecordingId,
        sha256: [u8; 32],
        found: Found<'_>,
    ) {
        let index = at.index;
        if let Some(first) = self.ended.get(&sha256) {
            found(Violation::SameFile { index, first: first.index });
            return;
        }
        self.ended.insert(sha256, Ended { index, erased: None, stored: false });
        self.recordings.insert(recording, sha256);
    }

    /// A recording was erased.
    pub(super) fn erased(
        &mut self,
        at: Place,
        recording: RecordingId,
        sha256: [u8; 32],
        found: Found<'_>,
    ) {
        let known = self.recordings.get(&recording) == Some(&sha256);
        match self.ended.get_mut(&sha256).filter(|_| known) {
            Some(ended) => ended.erased = Some(at.index),
            None => found(Violation::EraseOfNothing { index: at.index }),
        }
    }

    /// Compares with what is stored.
    pub(super) fn finish(
        &mut self,
        calls: &Calls,
        nodes: &BTreeMap<u32, Node>,
        objects: impl IntoIterator<Item = Object>,
        found: Found<'_>,
    ) {
        let mut seen = BTreeSet::new();
        for object in objects {
            let recording = object.recording;
            let first = seen.insert(recording);
            let ended = object.sha256.and_then(|sha256| self.ended.get_mut(&sha256));
            match (object.sha256, ended) {
                (Some(_), Some(ended)) if first && !ended.stored => {
                    ended.stored = true;
                    if let Some(index) = ended.erased {
                        found(Violation::ErasedFile { index });
                    }
                }
                (None, _) if first && calls.may_be_unfinished(recording) => {}
                // Closed by a node that died before it said so.
                (Some(_), None) if first && calls.may_be_unsaid(recording, nodes) => {}
                _ => found(self.stray(recording)),
            }
        }
        for ended in self.ended.values().filter(|it| !it.stored && it.erased.is_none()) {
            found(Violation::MissingFile { index: ended.index });
        }
    }

    fn stray(&mut self, recording: RecordingId) -> Violation {
        let told = self.recordings.get(&recording).and_then(|sha256| self.ended.get_mut(sha256));
        match told.filter(|told| !told.stored) {
            Some(told) => {
                told.stored = true;
                Violation::OtherFile { index: told.index, recording: recording.0 }
            }
            None => Violation::ExtraFile { recording: recording.0 },
        }
    }
}
