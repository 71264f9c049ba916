//! Entries as a node makes them: of four calls, two are recorded, one is to counsel, and one nobody
//! takes.

use evidence::{
    AuditKey, Auditor, Closed, CounselSecret, Entry, Mark, Note, Object, Random, Report, Said,
    Standing, Statement, Unrecorded, counsel, leaf, limits::RANDOM_OCTETS,
};
use journal::{Draft, LEAF_OCTETS};
use model::{
    CallId, Timestamp, TrunkId,
    fact::{Epoch, NumberClass, OffReason, RecordingState},
};
use std::{collections::VecDeque, time::Duration};

/// One node's calls, one after the other.
pub(crate) struct Calls {
    secret: CounselSecret,
    /// Of octets that do not repeat (xorshift).
    state: u64,
    at: i64,
    calls: u32,
    seq: u64,
    waiting: VecDeque<(Said, bool)>,
    objects: Vec<Object>,
}

impl Calls {
    /// A node that has just started.
    pub(crate) fn new() -> Self {
        let mut calls = Self {
            secret: CounselSecret::new([3; 32]),
            state: 0x9e37_79b9_7f4a_7c15,
            at: BEGIN_MICROS,
            calls: 0,
            seq: 0,
            waiting: VecDeque::new(),
            objects: Vec::new(),
        };
        calls.say(Statement::Boot { build: [1; 32] }, false);
        calls.say(
            Statement::RegistryEpoch { epoch: EPOCH, count: 1, removed: 0, late: 0, root: [2; 32] },
            false,
        );
        calls
    }

    /// The next `count` entries, numbered, each with a sealed detail of the length of `detail`.
    pub(crate) fn batch(&mut self, count: u64, detail: &[u8]) -> Vec<Draft> {
        (0..count).map(|_| self.next(detail)).collect()
    }

    /// Entries of the log itself, as they fill it up.
    pub(crate) fn padding(state: &mut u64, count: u64) -> Vec<[u8; LEAF_OCTETS]> {
        let at = Timestamp::from_micros(BEGIN_MICROS);
        let said = Said { at, boot: 0, what: Statement::Padding };
        let entry = Entry { node: 0, interval: at, said: &said, detail: &[], mark: None };
        (0..count).map(|_| leaf::write(&entry, &key(), &random(state))).collect()
    }

    /// Reads all of the log with `read` into an auditor, who then judges it by the recordings that
    /// these calls left.
    pub(crate) fn audit(self, read: impl FnOnce(&mut dyn FnMut(u64, &[u8]))) -> Report {
        let mut auditor = Auditor::new(key());
        read(&mut |index, leaf| auditor.read(index, &Self::masked(leaf.try_into().unwrap())));
        auditor.finish(self.objects)
    }

    /// An entry as it is published, and the other way round.
    pub(crate) fn masked(leaf: &[u8; LEAF_OCTETS]) -> [u8; LEAF_OCTETS] {
        leaf::masked(leaf, &key())
    }

    fn next(&mut self, detail: &[u8]) -> Draft {
        while self.waiting.is_empty() {
            self.call();
        }
        let (said, marked) = self.waiting.pop_front().unwrap();
        let note = Note { start: said.at, talked: Duration::ZERO };
        let counter = counsel::counter(BOOT, self.calls);
        let mark = marked.then_some(Mark { secret: &self.secret, counter, note });
        let minute = said.at.micros() - said.at.micros().rem_euclid(60_000_000);
        let interval = Timestamp::from_micros(minute);
        let entry = Entry { node: NODE, interval, said: &said, detail, mark };
        let mut leaf = leaf::write(&entry, &key(), &random(&mut self.state));
        self.seq += 1;
        leaf[8..16].copy_from_slice(&self.seq.to_be_bytes());
        Draft { leaf, detail: detail.to_vec() }
    }

    fn call(&mut self) {
        self.calls += 1;
        let call = CallId(u64::from(self.calls));
        let (class, may_record, marked) = match self.calls % 4 {
            0 => (NumberClass::Protected, Err(OffReason::Protected), true),
            _ => (NumberClass::Ordinary, Ok(()), false),
        };
        let standing = Standing { class, may_record };
        let over_within = Duration::from_secs(3_600);
        let admission = Statement::Admission { call, epoch: EPOCH, standing, over_within };
        self.say(admission, marked);
        self.say(Statement::Dialled { call, trunk: TrunkId(0) }, false);
        let (why, talked) = match self.calls % 4 {
            0 => {
                self.say(Statement::Consent { call }, false);
                (Unrecorded::Off(OffReason::Protected), Duration::from_secs(600))
            }
            1 => (Unrecorded::NobodyTalked, Duration::ZERO),
            _ => return self.recorded(call),
        };
        self.say(Statement::NotRecorded { call, why, talked }, marked);
    }

    fn recorded(&mut self, call: CallId) {
        let mut sha256 = [9; 32];
        sha256[..8].copy_from_slice(&call.0.to_be_bytes());
        let closed =
            Closed { state: RecordingState::Ended, bytes: 9_600_000, seconds: 600, sha256 };
        self.say(Statement::Consent { call }, false);
        self.say(Statement::RecordingStarted { call, epoch: EPOCH }, false);
        self.say(Statement::RecordingEnded { call, closed }, false);
        self.objects.push(Object { recording: call.recording(), sha256: Some(sha256) });
    }

    fn say(&mut self, what: Statement, marked: bool) {
        self.at += 25_000;
        let at = Timestamp::from_micros(self.at);
        self.waiting.push_back((Said { at, boot: BOOT, what }, marked));
    }
}

fn key() -> AuditKey {
    AuditKey::new([5; 32])
}

fn random(state: &mut u64) -> Random {
    let mut octets = [0; RANDOM_OCTETS];
    for eight in octets.chunks_mut(8) {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        for (octet, fresh) in eight.iter_mut().zip(state.to_le_bytes()) {
            *octet = fresh;
        }
    }
    Random(octets)
}

/// In September 2026.
const BEGIN_MICROS: i64 = 1_790_000_000_000_000;
const NODE: u32 = 1;
const BOOT: u32 = 1;
const EPOCH: Epoch = Epoch(1);
