//! The witnesses that must have seen the log before anything is disclosed, and asking them.

use crate::{Reach, register::NotEntered};
use access::Gate;
use journal::log::Log;
use model::Timestamp;
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tlog::{Inclusion, Note};
use witness::{Peer, collect_enough};

/// The witnesses of a log.
pub(crate) struct Circle {
    peers: Vec<Peer>,
    /// Whoever asks holds it, so that witnesses see the log grow in order; who waits meanwhile
    /// finds an answer there that covers their entry too.
    known: Mutex<Known>,
    /// Who answered when, for who watches.
    reach: Reach,
}

#[derive(Default)]
struct Known {
    /// What each has seen last, by name.
    seen: BTreeMap<String, u64>,
    /// Which did not answer in time, by name, and when that was.
    silent: BTreeMap<String, Timestamp>,
    /// The last checkpoint that enough of them vouched for.
    vouched: Option<Note>,
}

impl Circle {
    pub(crate) fn new(peers: Vec<Peer>, reach: Reach) -> Self {
        Self { peers, known: Mutex::default(), reach }
    }

    /// Proves that entry `index` is in the log, under a checkpoint that `gate` believes.
    pub(crate) fn prove(
        &self,
        log: &Log,
        gate: &Gate,
        index: u64,
        now: Timestamp,
    ) -> Result<(Inclusion, Note), NotEntered> {
        if self.peers.is_empty() {
            let proven = log.prove(index)?;
            return Ok((proven.inclusion, proven.checkpoint.note().clone()));
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let proven = log.prove(index)?;
        let checkpoint = &proven.checkpoint;
        let same = |note: &&Note| note.text() == checkpoint.note().text();
        if let Some(note) = known.vouched.as_ref().filter(same) {
            return Ok((proven.inclusion, note.clone()));
        }
        let prove = |old| {
            let grown = log.prove_growth(old, checkpoint.size());
            grown.map_err(|error| error.to_string())
        };
        let enough = |note: &Note| gate.believes(note.clone()).is_ok();
        let rests = |silent: &BTreeMap<String, Timestamp>, peer: &Peer| {
            silent.get(peer.key.name()).is_some_and(|at| now.since(*at) < REST)
        };
        let (late, prompt): (Vec<_>, Vec<_>) =
            self.peers.iter().cloned().partition(|peer| rests(&known.silent, peer));
        let mut note = checkpoint.note().clone();
        let mut failures = Vec::new();
        // Those that were silent just now are asked only when the others are not enough.
        for peers in [prompt, late] {
            if peers.is_empty() || enough(&note) {
                continue;
            }
            let so_far = note.clone();
            let with = |more: &Note| enough(&joined(&so_far, more));
            let collected = collect_enough(&peers, checkpoint, &prove, &mut known.seen, &with);
            note = joined(&so_far, &collected.note);
            for name in collected.vouched {
                self.reach.asked(&name, true, now);
                known.silent.remove(&name);
            }
            for (name, why) in collected.failed {
                self.reach.asked(&name, false, now);
                known.silent.insert(name.clone(), now);
                failures.push(format!("{name}: {why}"));
            }
        }
        gate.believes(note.clone())
            .map_err(|why| NotEntered::Witnesses { why, failures: failures.join("; ") })?;
        known.vouched = Some(note.clone());
        Ok((proven.inclusion, note))
    }
}

/// One note with the signatures of both.
fn joined(one: &Note, other: &Note) -> Note {
    let mut note = one.clone();
    for signature in other.signatures() {
        // What is there already, or is one too many, is left out.
        if !note.signatures().contains(signature) {
            let _ = note.add(signature.clone());
        }
    }
    note
}

/// How long a witness that did not answer is asked only when the others are not enough.
const REST: Duration = Duration::from_secs(1);
