//! I3, I6 and I7: the epochs of the registry.

use super::{Index, Node, Place, Violation};
use crate::limits::{EPOCH_GRACE, QUARANTINE_WITHIN};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use model::{RecordingId, Timestamp, fact::Epoch};

/// All epochs that were entered.
#[derive(Debug, Default)]
pub(super) struct Epochs {
    epochs: BTreeMap<Epoch, Known>,
    /// Removals by the epoch that is to follow, with the first of them.
    removals: BTreeMap<Epoch, (u64, Index)>,
}

/// An epoch as its entry states it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stated {
    pub(super) index: Index,
    pub(super) at: Timestamp,
    pub(super) root: [u8; 32],
    pub(super) count: u64,
    pub(super) late: u64,
}

#[derive(Debug)]
struct Known {
    stated: Stated,
    quarantined: BTreeSet<RecordingId>,
    in_time: u64,
}

type Found<'a> = &'a mut dyn FnMut(Violation);

impl Epochs {
    /// A number is not in `epoch` any more. A node that was not told that this is durable says it
    /// again, also of an epoch that is in use by then, in which it is neither more nor less.
    pub(super) fn removal(&mut self, epoch: Epoch, index: Index) {
        if self.epochs.contains_key(&epoch) {
            return;
        }
        self.removals.entry(epoch).or_insert((0, index)).0 += 1;
    }

    /// An epoch is in use.
    pub(super) fn begin(&mut self, epoch: Epoch, new: Stated, removed: u32, found: Found<'_>) {
        let index = new.index;
        let newest = self.epochs.last_key_value();
        if let Some((newest, _)) = newest.filter(|(newest, _)| **newest > epoch) {
            found(Violation::EpochSetBack { index, epoch: epoch.0, newest: newest.0 });
        }
        if let Some(first) = self.epochs.get(&epoch).map(|known| known.stated) {
            // Every start of every node says again which epoch it uses.
            if (first.root, first.count) != (new.root, new.count) {
                let first = first.index;
                found(Violation::EpochChanged { index, first, epoch: epoch.0 });
            }
            return;
        }
        if let Some((_, last)) = newest {
            let explained = self.removals.remove(&epoch).map_or(0, |(count, _)| count);
            let gone = last.stated.count.saturating_sub(new.count).max(removed.into());
            if gone > explained {
                let missing = gone - explained;
                found(Violation::RemovedSilently { index, epoch: epoch.0, missing });
            }
        }
        let known = Known { stated: new, quarantined: BTreeSet::new(), in_time: 0 };
        self.epochs.insert(epoch, known);
    }

    /// A recording was quarantined because of `epoch`.
    pub(super) fn quarantined(&mut self, epoch: Epoch, recording: RecordingId, at: Timestamp) {
        if let Some(known) = self.epochs.get_mut(&epoch)
            && known.quarantined.insert(recording)
            && at.since(known.stated.at) <= QUARANTINE_WITHIN
        {
            known.in_time += 1;
        }
    }

    /// I3, of an admission. A full disk may not have taken the entry of its epoch: then nothing is
    /// recorded, and whoever that epoch protects is protected.
    pub(super) fn admits(
        &self,
        at: Place,
        (asked, may_record): (Epoch, bool),
        time: Timestamp,
        found: Found<'_>,
    ) {
        if may_record || self.epochs.contains_key(&asked) {
            self.check(at, asked, time, found);
        }
    }

    /// I3: `asked` is known, and no newer one was in use for longer than the grace. Without any
    /// registry, which is epoch 0, nothing may be recorded anyway.
    pub(super) fn check(&self, at: Place, asked: Epoch, time: Timestamp, found: Found<'_>) {
        let index = at.index;
        let newest =
            self.epochs.iter().rev().find(|(_, known)| known.stated.at.after(EPOCH_GRACE) <= time);
        match newest {
            Some((newest, _)) if *newest > asked => {
                let (asked, newest) = (asked.0, newest.0);
                found(Violation::StaleEpoch { index, asked, newest });
            }
            _ if asked != Epoch(0) && !self.epochs.contains_key(&asked) => {
                found(Violation::UnknownEpoch { index, asked: asked.0 });
            }
            _ => {}
        }
    }

    /// Judges quarantines and removals that have had their time.
    pub(super) fn finish(&self, nodes: &BTreeMap<u32, Node>, found: Found<'_>) {
        let last = nodes.values().map(|node| node.last).max().unwrap_or_default();
        for known in self.epochs.values() {
            let over = last.since(known.stated.at) > QUARANTINE_WITHIN;
            if known.in_time < known.stated.late && over {
                let (index, late) = (known.stated.index, known.stated.late);
                let missing = late - known.in_time;
                found(Violation::NotQuarantined { index, late, missing });
            }
        }
        let stray: Vec<_> = self.removals.values().map(|(_, first)| *first).collect();
        for index in stray {
            found(Violation::StrayRemoval { index });
        }
    }
}
