//! A log in memory with two witnesses, for the tests of whatever rests on a receipt.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::panic_in_result_fn,
    reason = "each test uses a part, and fails by it"
)]

use access::{
    Intent, LEAF_OCTETS, Leave, Object, Opening, Proof, Purpose, Recipient, Role, Scope, Verb,
};
use model::{AgencyId, GrantId, Private, RecordingId, StaffId, Timestamp};
use std::time::Duration;
use tlog::{
    Author, Checkpoint, Consistency, Hash, Inclusion, KeyKind, Note, Policy, Signer, Tile,
    TileReader, Unreadable, Verifier,
};

pub(crate) const ORIGIN: &str = "county.example/log";

/// At most 256 entries.
pub(crate) struct Log {
    author: Author,
    leaves: Vec<[u8; LEAF_OCTETS]>,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self::signed_by(key(1))
    }

    /// The log of somebody else.
    pub(crate) fn signed_by(signer: Signer) -> Self {
        Self { author: Author::begin(signer).unwrap(), leaves: Vec::new() }
    }

    /// With some entries of no meaning.
    pub(crate) fn of(size: u8) -> Self {
        let mut log = Self::new();
        for number in 0..size {
            log.append([number; LEAF_OCTETS]);
        }
        log
    }

    pub(crate) fn append(&mut self, leaf: [u8; LEAF_OCTETS]) -> u64 {
        self.author.append(&leaf).unwrap();
        self.leaves.push(leaf);
        self.leaves.len() as u64 - 1
    }

    /// Enters a disclosure.
    pub(crate) fn enter(&mut self, intent: Intent) -> (u64, Opening) {
        let opening = opening(&intent, self.leaves.len() as u8);
        (self.append(leaf(&opening)), opening)
    }

    /// Enters a disclosure and proves it under the log as it is then.
    pub(crate) fn proof(&mut self, intent: Intent) -> Proof {
        let (index, opening) = self.enter(intent);
        self.prove(index, opening)
    }

    pub(crate) fn prove(&self, index: u64, opening: Opening) -> Proof {
        let inclusion = Inclusion::prove(index, self.size(), self).unwrap();
        let leaf = self.leaves[index as usize];
        Proof { leaf, opening, inclusion, checkpoint: self.author.sign().unwrap() }
    }

    pub(crate) fn size(&self) -> u64 {
        self.author.tree().size()
    }

    pub(crate) fn checkpoint(&self) -> Note {
        self.author.sign().unwrap()
    }

    pub(crate) fn consistency(&self, older: u64) -> Consistency {
        Consistency::prove(older, self.size(), self).unwrap()
    }
}

impl TileReader for Log {
    fn hashes(&self, tile: Tile) -> Result<Vec<Hash>, Unreadable> {
        assert_eq!((tile.level(), tile.index()), (0, 0), "a test's log has at most 256 entries");
        Ok(self.leaves.iter().take(tile.width().into()).map(|leaf| Hash::leaf(leaf)).collect())
    }
}

/// How what a disclosure's entry of the first version says begins.
pub(crate) const HEAD: &[u8] = b"disclosure v1\0";

/// What opens the entry of whatever intent, whether or not somebody allowed it.
pub(crate) fn opening(intent: &Intent, salt: u8) -> Opening {
    let mut detail = [HEAD, &postcard::to_allocvec(intent).unwrap()].concat();
    if let Some(demand) = &intent.demand {
        detail[HEAD.len() - 2] = b'2';
        detail.extend(postcard::to_allocvec(demand).unwrap());
    }
    Opening { salt: [salt; 32], detail }
}

/// The entry of an opening.
pub(crate) fn leaf(opening: &Opening) -> [u8; LEAF_OCTETS] {
    let mut leaf = [0x5a; LEAF_OCTETS];
    leaf[..4].copy_from_slice(&[1, 0, 0, 0]);
    leaf[24..56].copy_from_slice(&opening.commitment());
    leaf
}

/// The log's key, or another one of the same name.
pub(crate) fn key(seed: u8) -> Signer {
    Signer::from_seed(ORIGIN, KeyKind::Log, &[seed; 32]).unwrap()
}

pub(crate) fn log_key() -> Verifier {
    key(1).verifier().clone()
}

pub(crate) fn witness(number: u8) -> Signer {
    let name = format!("witness{number}.example");
    Signer::from_seed(&name, KeyKind::Witness, &[100 + number; 32]).unwrap()
}

/// Two of three witnesses.
pub(crate) fn quorum() -> Policy {
    Policy::quorum(2, [1, 2, 3].map(|n| witness(n).verifier().clone()).to_vec()).unwrap()
}

/// The note with the cosignatures of these witnesses.
pub(crate) fn cosigned(note: &Note, witnesses: &[u8]) -> Note {
    cosigned_of(&log_key(), note, witnesses)
}

/// The same for a note of somebody else's log.
pub(crate) fn cosigned_of(log: &Verifier, note: &Note, witnesses: &[u8]) -> Note {
    let checkpoint = Checkpoint::verified(note.clone(), log, &Policy::LOG_ALONE).unwrap();
    let mut note = note.clone();
    for number in witnesses {
        let time_s = NOW.micros().unsigned_abs() / 1_000_000;
        note.add(checkpoint.cosign(&witness(*number), time_s).unwrap()).unwrap();
    }
    note
}

/// 2026-11-26T21:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_795_726_800_000_000);

pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// An investigator listens to recording 7 of their agency.
pub(crate) fn intent() -> Intent {
    Intent {
        staff: StaffId(11),
        role: Role::Investigator,
        employer: AgencyId(3),
        verb: Verb::Listen,
        purpose: Purpose::Investigation,
        case: Private::new("24-CR-0117".to_owned()),
        scope: Scope::OwnAgency,
        object: Object::Recording {
            agency: AgencyId(3),
            recording: RecordingId(7),
            header: [9; 32],
        },
        recipient: Recipient([8; 32]),
        leave: Leave::Grant { grant: GrantId(5), approvers: vec![StaffId(12)] },
        policies: [4; 32],
        asked: NOW,
        expires: NOW.after(10 * MINUTE),
        demand: None,
    }
}
