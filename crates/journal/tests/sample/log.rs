//! Logs that the log's tests share.

use journal::{
    Draft, EntrySeq, LEAF_OCTETS,
    log::{Log, LogError, Options, Published, Recovered},
};
use model::Timestamp;
use std::{fs, io, path::Path};
use tlog::{Checkpoint, Directory, Fault, KeyKind, Policy, Signer, Unreadable, audit};

pub(crate) fn key() -> Signer {
    Signer::from_seed("county.example/log", KeyKind::Log, &[1; 32]).unwrap()
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + seconds * 1_000_000)
}

pub(crate) fn leaf(node: u8, seq: u64) -> [u8; LEAF_OCTETS] {
    let mut leaf = [u8::try_from(seq % 256).unwrap(); LEAF_OCTETS];
    leaf[..8].copy_from_slice(&[1, 0, 0, 0, 0, 0, 0, node]);
    leaf[8..16].copy_from_slice(&seq.to_be_bytes());
    leaf
}

/// Entry `seq` of `node`, with a detail whose length varies with it.
pub(crate) fn entry(node: u8, seq: u64) -> Draft {
    let detail = vec![node; usize::try_from(seq * 7 % 90).unwrap()];
    Draft { leaf: leaf(node, seq), detail }
}

pub(crate) fn entries(node: u8, range: std::ops::RangeInclusive<u64>) -> Vec<Draft> {
    range.map(|seq| entry(node, seq)).collect()
}

/// Segments of a few records each.
pub(crate) fn options(dir: &Path) -> Options {
    let options = Options::new(dir.join("log"), dir.join("log-private"));
    Options { segment_octets_max: 2_000, ..options }
}

pub(crate) fn open_log(dir: &Path) -> Result<(Log, Recovered), LogError> {
    Log::open(&options(dir), key(), at(0))
}

pub(crate) fn publish(log: &Log) -> Result<Option<Published>, LogError> {
    log.publish(at(0), |count, EntrySeq(next)| (next..next + count).map(|n| leaf(0, n)).collect())
}

pub(crate) struct Folder<'p>(pub(crate) &'p Path);

impl Directory for Folder<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        match fs::read(self.0.join(path)) {
            Ok(octets) => Ok(Some(octets)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Unreadable::failed(path, &error)),
        }
    }
}

/// The published checkpoint, and what an audit of all that is published says.
pub(crate) fn audited(
    dir: &Path,
    since: Option<&Checkpoint>,
) -> (Checkpoint, Result<Vec<Vec<u8>>, Fault>) {
    let folder = dir.join("log");
    let octets = fs::read(folder.join("checkpoint")).unwrap();
    let checkpoint = Checkpoint::read(&octets, key().verifier(), &Policy::LOG_ALONE).unwrap();
    let mut found = Vec::new();
    let done = audit(&Folder(&folder), &checkpoint, since, &mut |_, entry| {
        found.push(entry.to_vec());
    });
    (checkpoint, done.map(|_| found))
}
