//! Reading a log without writing it: its entries with their sealed details, and where it stands.

use super::{
    LogError,
    record::{self, Body, Detail, HEADER_OCTETS},
    wal,
};
use crate::{EntrySeq, LEAF_OCTETS, leaf_head};
use std::{
    collections::BTreeMap,
    ops::{ControlFlow, Range},
    path::Path,
};

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Its place in the log, from 0.
    pub index: u64,
    /// What is entered, as it came: what is published may be masked, see [`super::Mask`].
    pub leaf: [u8; LEAF_OCTETS],
    /// What it commits to, sealed by whoever made it; empty for padding, and once it was erased.
    pub detail: Vec<u8>,
    /// Whether its detail was erased, with the salt: nobody can tell any more what it committed to.
    pub erased: bool,
}

/// Where a log stands by its own files, whoever writes it meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Entries of the log, all durable; those that are not published yet among them.
    pub size: u64,
    /// For every node the number of its last entry that the log has.
    pub nodes: BTreeMap<u32, EntrySeq>,
    /// The checkpoint over all of it as it was signed: a note, not verified here.
    pub checkpoint: Vec<u8>,
}

/// Looks where a log stands, or gives `None` when it has not begun.
///
/// `private` is the log's private folder. Only its last file is read, and nothing changed; an end
/// that is torn, or just being written, does not count.
///
/// # Errors
/// [`LogError::Damaged`], [`LogError::NewerFormat`], or a fault of the disk.
pub fn look(private: &Path) -> Result<Option<Standing>, LogError> {
    let Some((first, path)) = wal::list(private)?.pop() else { return Ok(None) };
    let octets = wal::read(&path, first)?;
    let (mut standing, mut at) = (Standing { size: first, ..Standing::default() }, HEADER_OCTETS);
    while let Some((record, end)) = record::record_at(&octets, at) {
        (standing.size, at) = (record.next(), end);
        standing.checkpoint = record.checkpoint;
        match record.body {
            Body::State(state) => standing.nodes = state.nodes,
            Body::Entries(entries) => {
                let heads = entries.iter().filter_map(|entry| leaf_head(&entry.leaf));
                standing.nodes.extend(heads);
            }
        }
    }
    match record::damage_at(&octets, at) {
        Some(what) => Err(LogError::Damaged { file: path, offset: at as u64, what }),
        None => Ok(Some(standing)),
    }
}

/// The segments of the log, in order: from which entry to before which one each reaches. The last
/// one, which is written on, reaches to [`u64::MAX`].
///
/// # Errors
/// A fault of the disk.
pub fn segments(private: &Path) -> Result<Vec<Range<u64>>, LogError> {
    let segments = wal::list(private)?;
    let firsts = segments.iter().map(|(first, _)| *first);
    let nexts = firsts.clone().skip(1).chain([u64::MAX]);
    Ok(firsts.zip(nexts).map(|(first, next)| first..next).collect())
}

/// Gives every entry from place `from` on to `each`, in order, until it breaks or there is no more.
///
/// `private` is the log's private folder. Files are only read; an end that a crash left torn counts
/// as the end. That the entries are those that were signed, only the published log and its verifier
/// tell.
///
/// # Errors
/// [`LogError::Damaged`] or [`LogError::SegmentMissing`] when something that once was durable is
/// not there, [`LogError::NewerFormat`], or a fault of the disk. Entries given before stay valid.
pub fn replay_log(
    private: &Path,
    from: u64,
    mut each: impl FnMut(LogEntry) -> ControlFlow<()>,
) -> Result<(), LogError> {
    let segments = wal::list(private)?;
    let start = segments.partition_point(|(first, _)| *first <= from).saturating_sub(1);
    let mut next = if start == 0 { 0 } else { segments.get(start).map_or(0, |(first, _)| *first) };
    for (index, (first, path)) in segments.iter().enumerate().skip(start) {
        if *first != next {
            return Err(LogError::SegmentMissing { missing: next, file: path.clone() });
        }
        let octets = wal::read(path, *first)?;
        let mut at = HEADER_OCTETS;
        let fault = |at, what| LogError::Damaged { file: path.clone(), offset: at as u64, what };
        while let Some((record, end)) = record::record_at(&octets, at) {
            if record.first != next {
                return Err(fault(at, "its entries are not the ones that come next"));
            }
            (at, next) = (end, record.next());
            let Body::Entries(entries) = record.body else { continue };
            for (entry, index) in entries.into_iter().zip(record.first..) {
                let (detail, erased) = match entry.detail {
                    Detail::Sealed(octets) => (octets, false),
                    Detail::Erased => (Vec::new(), true),
                };
                let entry = LogEntry { index, leaf: entry.leaf, detail, erased };
                if index >= from && each(entry).is_break() {
                    return Ok(());
                }
            }
        }
        if at < octets.len() {
            let is_last = index + 1 == segments.len();
            let torn = (!is_last).then_some("it ends in the middle of a record");
            if let Some(what) = record::damage_at(&octets, at).or(torn) {
                return Err(fault(at, what));
            }
        }
    }
    Ok(())
}
