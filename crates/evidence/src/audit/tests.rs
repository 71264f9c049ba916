use super::*;
use crate::{
    Closed, Entry, Random, Said, Standing, Unrecorded,
    limits::{EPOCH_GRACE, QUARANTINE_WITHIN, RANDOM_OCTETS},
};
use core::time::Duration;
use model::{
    CallId, TrunkId,
    fact::{Epoch, NumberClass, OffReason, RecordingState},
};
use std::vec;

mod names;
mod random;
mod seeded;

/// One entry to be written.
#[derive(Clone, Copy, Debug)]
struct Line {
    node: u32,
    boot: u32,
    /// Seconds since the log began.
    at: i64,
    what: Statement,
}

fn line(at: i64, what: Statement) -> Line {
    Line { node: 1, boot: 1, at, what }
}

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_790_000_000_000_000 + seconds * 1_000_000)
}

fn key() -> AuditKey {
    AuditKey::new([5; 32])
}

/// Writes the lines as a log does: each node counts its own.
fn write(lines: &[Line]) -> Vec<[u8; LEAF_OCTETS]> {
    let mut seqs: BTreeMap<u32, u64> = BTreeMap::new();
    let mut leaves = vec![];
    for (n, line) in (0_u64..).zip(lines) {
        let said = Said { at: time(line.at), boot: line.boot, what: line.what };
        let interval = time(line.at - line.at.rem_euclid(60));
        let mut random = [0; RANDOM_OCTETS];
        for (at, octet) in (0_u64..).zip(&mut random) {
            *octet = u8::try_from(((n + 1) * (at + 7) * 2_654_435_761) >> 16 & 0xff).unwrap();
        }
        let entry = Entry { node: line.node, interval, said: &said, detail: &[], mark: None };
        let mut leaf = leaf::write(&entry, &key(), &Random(random));
        let seq = seqs.entry(line.node).or_default();
        *seq += 1;
        leaf[8..16].copy_from_slice(&seq.to_be_bytes());
        leaves.push(leaf);
    }
    leaves
}

fn audit_leaves(leaves: &[[u8; LEAF_OCTETS]], objects: &[Object]) -> Report {
    let mut auditor = Auditor::new(key());
    for (index, leaf) in (0..).zip(leaves) {
        auditor.read(index, leaf);
    }
    auditor.finish(objects.iter().copied())
}

fn audit(lines: &[Line], objects: &[Object]) -> Report {
    audit_leaves(&write(lines), objects)
}

fn sha(call: u64) -> [u8; 32] {
    let mut sha = [0xee; 32];
    sha[..8].copy_from_slice(&call.to_be_bytes());
    sha
}

fn object(call: u64) -> Object {
    Object { recording: RecordingId(call), sha256: Some(sha(call)) }
}

fn epoch(epoch: u64, count: u64) -> Statement {
    let root = [u8::try_from(epoch).unwrap(); 32];
    Statement::RegistryEpoch { epoch: Epoch(epoch), count, removed: 0, late: 0, root }
}

fn admission(call: u64, epoch: u64, class: NumberClass) -> Statement {
    let recordable = matches!(class, NumberClass::Ordinary | NumberClass::Free);
    let may_record = if recordable { Ok(()) } else { Err(OffReason::Protected) };
    Statement::Admission {
        call: CallId(call),
        epoch: Epoch(epoch),
        standing: Standing { class, may_record },
        over_within: Duration::from_secs(1_000),
    }
}

fn consent(call: u64) -> Statement {
    Statement::Consent { call: CallId(call) }
}

fn started(call: u64, epoch: u64) -> Statement {
    Statement::RecordingStarted { call: CallId(call), epoch: Epoch(epoch) }
}

fn ended(call: u64) -> Statement {
    let closed =
        Closed { state: RecordingState::Ended, bytes: 9_000, seconds: 30, sha256: sha(call) };
    Statement::RecordingEnded { call: CallId(call), closed }
}

fn not_recorded(call: u64, why: Unrecorded) -> Statement {
    Statement::NotRecorded { call: CallId(call), why, talked: Duration::from_secs(30) }
}

fn boot(boot: u32, at: i64) -> Line {
    Line { node: 1, boot, at, what: Statement::Boot { build: [1; 32] } }
}
