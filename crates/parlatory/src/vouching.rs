//! Has witnesses vouch for what is published, so that an outsider who reads the log's folder finds
//! their signatures under its checkpoint, and need not take the log's word for it.
//!
//! A disclosure asks them for itself, for a log that is ahead of what is published; this is for
//! everybody else. Nothing waits for it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use access::Gate;
use anyhow::{Context, Result};
use disclosure::Reach;
use journal::log::Log;
use model::Clock;
use tlog::{Checkpoint, Note};
use witness::{Peer, collect};

/// The thread that asks.
pub(crate) struct Vouching {
    published: Option<Sender<Arc<Checkpoint>>>,
    thread: Option<JoinHandle<()>>,
}

impl Vouching {
    /// Asks `peers` for each checkpoint that is published, until as many vouch as `gate` wants;
    /// first for `last`, which was published by an earlier run. `reach` is told who answers.
    pub(crate) fn begin(
        log: Log,
        gate: Gate,
        peers: Vec<Peer>,
        last: Option<Checkpoint>,
        (reach, clock): (Reach, Clock),
    ) -> Result<Self> {
        let (published, inbox) = channel();
        let mut asking =
            Asking { log, gate, peers, seen: BTreeMap::new(), waits: None, reach, clock };
        let thread = std::thread::Builder::new()
            .name("vouch".to_owned())
            .spawn(move || {
                if let Some(last) = last {
                    asking.begin(Arc::new(last));
                }
                asking.run(&inbox);
            })
            .context("no thread to ask witnesses")?;
        Ok(Self { published: Some(published), thread: Some(thread) })
    }

    /// Something was published. Returns at once.
    pub(crate) fn published(&self, checkpoint: Arc<Checkpoint>) {
        if let Some(published) = &self.published {
            // Without its thread, the checkpoint goes without their signatures.
            let _ = published.send(checkpoint);
        }
    }

    /// Asks for what was published last, and waits some seconds for the answers.
    pub(crate) fn end(mut self) {
        drop(self.published.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Asking {
    log: Log,
    gate: Gate,
    peers: Vec<Peer>,
    /// What each has seen last, by name.
    seen: BTreeMap<String, u64>,
    /// What too few vouch for, and with whose signatures.
    waits: Option<(Arc<Checkpoint>, Note)>,
    /// Where it is noted which witness answered when.
    reach: Reach,
    clock: Clock,
}

impl Asking {
    fn run(&mut self, inbox: &Receiver<Arc<Checkpoint>>) {
        loop {
            let next = match self.waits {
                Some(_) => inbox.recv_timeout(AGAIN_AFTER),
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match next {
                // Whatever came meanwhile replaced it.
                Ok(checkpoint) => self.begin(inbox.try_iter().last().unwrap_or(checkpoint)),
                Err(RecvTimeoutError::Timeout) => self.ask(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
    }

    fn begin(&mut self, checkpoint: Arc<Checkpoint>) {
        let note = checkpoint.note().clone();
        self.waits = Some((checkpoint, note));
        self.ask();
    }

    /// Asks those whose signature is missing.
    fn ask(&mut self) {
        let Some((checkpoint, note)) = self.waits.take() else { return };
        let missing = |peer: &&Peer| note.witnessed_s(&peer.key).is_err();
        let peers: Vec<Peer> = self.peers.iter().filter(missing).cloned().collect();
        let log = &self.log;
        let prove = |old| {
            let grown = log.prove_growth(old, checkpoint.size());
            grown.map_err(|error| error.to_string())
        };
        let collected = collect(&peers, &checkpoint, &prove, &mut self.seen);
        for name in &collected.vouched {
            self.reach.asked(name, true, self.clock.now());
        }
        for (name, why) in &collected.failed {
            self.reach.asked(name, false, self.clock.now());
            tracing::warn!(name, why, "a witness does not vouch for what is published");
        }
        let mut joined = note;
        for signature in collected.note.signatures() {
            // What is there already, or is one too many, is left out.
            let _ = joined.add(signature.clone());
        }
        if !collected.vouched.is_empty() && self.log.cosigned(joined.clone()).is_err() {
            // Something else is published by now, and asked for after this.
            return;
        }
        let enough = self.gate.believes(joined.clone()).is_ok();
        if !enough || !collected.failed.is_empty() {
            self.waits = Some((checkpoint, joined));
        }
    }
}

/// After how long those are asked again who did not vouch.
const AGAIN_AFTER: Duration = Duration::from_secs(60);
