//! A small journal of many segments, for those who give them away or forget them.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "each test uses a part"
)]

use crate::sample::{append, files, seal_key};
use journal::{EntrySeq, Journal, Options, Seq, TakenOver};
use model::Timestamp;
use std::path::Path;

/// About three appends to a segment.
pub(crate) const SMALL: Options = Options { node: 1, segment_octets_max: 2_000 };
pub(crate) const NOW: Timestamp = Timestamp::from_micros(9_000_000);
pub(crate) const ALL: TakenOver = TakenOver { facts: Seq(u64::MAX), entries: EntrySeq(u64::MAX) };

pub(crate) fn open(dir: &Path) -> Journal {
    Journal::open(dir, &seal_key(), SMALL, |_, _| {}).unwrap().0
}

/// Facts 1 to 20, which happened a millisecond one after the other, with two entries each.
pub(crate) fn written(dir: &Path) -> Journal {
    let journal = open(dir);
    for n in 1..=20 {
        append(&journal, n);
    }
    assert!(files(dir).len() > 5);
    journal
}

/// Number of the fact that each segment begins with.
pub(crate) fn firsts(dir: &Path) -> Vec<u64> {
    let name = |path: &std::path::PathBuf| path.file_stem().unwrap().to_str().unwrap().parse();
    files(dir).iter().map(|path| name(path).unwrap()).collect()
}

pub(crate) fn at(n: u64) -> Timestamp {
    Timestamp::from_micros(i64::try_from(n * 1_000).unwrap())
}

pub(crate) fn holds(octets: &[u8], wanted: &[u8]) -> bool {
    octets.windows(wanted.len()).any(|window| window == wanted)
}
