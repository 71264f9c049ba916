//! Facts and folders that the journal's tests share.
#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod log;

use journal::{
    Appended, Draft, Entry, EntrySeq, Inspected, Journal, JournalError, LEAF_OCTETS, Parting,
    SealKey, Seq, inspect_given, replay, replay_entries,
};
use model::{AgencyId, CallId, E164, Language, Private, StationId, Timestamp, fact::Fact};
use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

/// The key of the journals in these tests.
pub(crate) fn seal_key() -> SealKey {
    SealKey::derive(&MASTER_KEY)
}

/// What it is derived from.
pub(crate) const MASTER_KEY: [u8; 32] = [0x4b; 32];

/// Octets of a segment before its first frame, as `docs/formats/journal.md` draws them.
pub(crate) const HEADER_OCTETS: usize = 132;
/// Octets of a frame before what is sealed.
pub(crate) const FRAME_HEADER_OCTETS: usize = 36;

/// A fact that is different for each `n`, of a kind and a length that vary with it.
pub(crate) fn fact(n: u64) -> Fact {
    let at = Timestamp::from_micros(i64::try_from(n % 100_000).unwrap() * 1_000);
    let call = CallId(n);
    match n % 4 {
        0 => Fact::Boot { boot: u32::try_from(n % 1_000).unwrap(), at, version: "1".repeat(20) },
        1 => Fact::Answered { call, at },
        2 => Fact::LanguageChosen {
            agency: AgencyId(1),
            number: Private::new(E164::new(12_025_550_100 + n % 100).unwrap()),
            language: Language::Es,
            at,
        },
        _ => Fact::PinRefused { station: StationId(u32::try_from(n % 1_000).unwrap()), at },
    }
}

/// Everything `replay` gives.
pub(crate) fn replayed(dir: &Path, after: u64) -> Result<Vec<(u64, Fact)>, JournalError> {
    let mut found = Vec::new();
    replay(dir, &seal_key(), Seq(after), |seq, fact| {
        found.push((seq.0, fact));
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// The segments of a journal, in order.
pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "journal"))
        .collect();
    files.sort();
    files
}

/// A draft that is different for each `n`, with a detail whose length varies with it.
pub(crate) fn draft(n: u64) -> Draft {
    let mut leaf = [u8::try_from(n % 251).unwrap(); LEAF_OCTETS];
    leaf[..16].copy_from_slice(&[1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    Draft {
        leaf,
        detail: vec![u8::try_from(n % 256).unwrap(); usize::try_from(n * 7 % 90).unwrap()],
    }
}

/// `draft(n)` as it is found again under the number `seq`.
pub(crate) fn numbered(n: u64, seq: u64) -> Draft {
    let mut draft = draft(n);
    draft.leaf[8..16].copy_from_slice(&seq.to_be_bytes());
    draft
}

/// Every entry after number `after`.
pub(crate) fn entries(dir: &Path, after: u64) -> Result<Vec<Entry>, JournalError> {
    let mut found = Vec::new();
    replay_entries(dir, &seal_key(), EntrySeq(after), |entry| {
        found.push(entry);
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// The entries of [`append`] with these numbers.
pub(crate) fn expected(range: std::ops::RangeInclusive<u64>) -> Vec<Entry> {
    range.map(|n| Entry { seq: EntrySeq(n), draft: numbered(n, n) }).collect()
}

/// Append `n` has one fact, number `n`, and the two entries `2n - 1` and `2n`.
pub(crate) fn append(journal: &Journal, n: u64) -> Appended {
    journal.append_entries_wait(vec![fact(n)], vec![draft(2 * n - 1), draft(2 * n)]).unwrap()
}

/// In the place of keyholders: which segment it is, and the key, changed so that it is not there.
pub(crate) fn shared(parting: &Parting, key: &[u8; 32]) -> Option<Vec<u8>> {
    let first = parting.first.0.to_le_bytes();
    Some(first.into_iter().chain(key.iter().map(|octet| octet ^ 0x5a)).collect())
}

/// The key that [`shared`] was given.
pub(crate) fn key_of(path: &Path) -> Option<[u8; 32]> {
    let octets = fs::read(path.with_extension("shares")).ok()?;
    let first: u64 = path.file_stem()?.to_str()?.parse().unwrap();
    (octets.len() == 40 && octets[..8] == first.to_le_bytes())
        .then(|| std::array::from_fn(|at| octets[8 + at] ^ 0x5a))
}

/// The facts of a segment, with its own key.
pub(crate) fn read_with(path: &Path, key: &[u8; 32]) -> (Inspected, Vec<(u64, Fact)>) {
    let mut facts = Vec::new();
    let octets = fs::read(path).unwrap();
    let inspected = inspect_given(&octets, key, |seq, fact| facts.push((seq.0, fact)));
    (inspected, facts)
}

/// Facts as [`replayed`] gives them.
pub(crate) fn numbered_facts(range: std::ops::Range<u64>) -> Vec<(u64, Fact)> {
    range.map(|n| (n, fact(n))).collect()
}
