//! Asking witnesses to vouch for a checkpoint.

use crate::{
    Submission,
    limits::{ANSWER_MAX, ANSWER_OCTETS_MAX},
    submission,
};
use std::{collections::BTreeMap, sync::mpsc, thread};
use tlog::{Checkpoint, Consistency, Note, Signature, Verifier};
use ureq::Agent;

/// A witness as a log knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// What `/add-checkpoint` is added to, such as `http://127.0.0.1:7380`.
    pub url: String,
    /// The key by which it vouches.
    pub key: Verifier,
}

/// What the witnesses said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collected {
    /// The checkpoint with the signatures of all that vouched. Whether they are enough, a
    /// [`tlog::Policy`] tells.
    pub note: Note,
    /// Names of those that vouched.
    pub vouched: Vec<String>,
    /// Names of the others, each with the reason.
    pub failed: Vec<(String, String)>,
}

/// Asks all `peers` at once to vouch for `checkpoint`, and waits a few seconds for them.
///
/// `prove` proves that the log of the checkpoint grew from a smaller size. `seen` is what each is
/// thought to have seen last, by name; it is brought up to date, and may be empty at first: whoever
/// saw something else says so and is asked once more.
pub fn collect(
    peers: &[Peer],
    checkpoint: &Checkpoint,
    prove: &dyn Fn(u64) -> Result<Consistency, String>,
    seen: &mut BTreeMap<String, u64>,
) -> Collected {
    collect_enough(peers, checkpoint, prove, seen, &|_| false)
}

/// As [`collect`], but waits no longer once `enough` says so of the checkpoint with the signatures
/// so far: one witness that is down does not hold up a quorum of the others. Whoever was not waited
/// for is among those that failed, though it may vouch yet.
pub fn collect_enough(
    peers: &[Peer],
    checkpoint: &Checkpoint,
    prove: &dyn Fn(u64) -> Result<Consistency, String>,
    seen: &mut BTreeMap<String, u64>,
    enough: &dyn Fn(&Note) -> bool,
) -> Collected {
    let (sender, inbox) = mpsc::channel();
    let mut missing: BTreeMap<usize, &str> = BTreeMap::new();
    let (mut vouched, mut failed) = (Vec::new(), Vec::new());
    for (number, peer) in peers.iter().enumerate() {
        let old = seen.get(peer.key.name()).copied().unwrap_or(0);
        let asking = Asking {
            number,
            peer: peer.clone(),
            checkpoint: checkpoint.clone(),
            old,
            desk: sender.clone(),
        };
        // It borrows nothing, so that nobody waits for a thread that is not waited for.
        match thread::Builder::new().name("ask-witness".to_owned()).spawn(move || asking.run()) {
            Ok(_) => drop(missing.insert(number, peer.key.name())),
            Err(error) => failed.push((peer.key.name().to_owned(), error.to_string())),
        }
    }
    drop(sender);
    let mut note = checkpoint.note().clone();
    while !missing.is_empty() && !enough(&note) {
        match inbox.recv() {
            Ok(Message::Prove { old, reply }) => drop(reply.send(prove(old))),
            Ok(Message::Answer { number, answer }) => {
                let Some(name) = missing.remove(&number).map(str::to_owned) else { continue };
                let add = |signature| note.add(signature).map_err(|error| error.to_string());
                match answer.and_then(add) {
                    Ok(()) => {
                        seen.insert(name.clone(), checkpoint.size());
                        vouched.push(name);
                    }
                    Err(why) => failed.push((name, why)),
                }
            }
            Err(mpsc::RecvError) => break,
        }
    }
    let late = missing.values().map(|name| ((*name).to_owned(), "it was not waited for".into()));
    failed.extend(late);
    vouched.sort_unstable();
    failed.sort_unstable();
    Collected { note, vouched, failed }
}

/// One witness that is being asked, on a thread of its own.
struct Asking {
    number: usize,
    peer: Peer,
    checkpoint: Checkpoint,
    old: u64,
    desk: mpsc::Sender<Message>,
}

/// What a thread wants of whoever collects.
enum Message {
    Prove { old: u64, reply: mpsc::SyncSender<Result<Consistency, String>> },
    Answer { number: usize, answer: Result<Signature, String> },
}

impl Asking {
    fn run(self) {
        let agent: Agent = Agent::config_builder()
            .timeout_global(Some(ANSWER_MAX))
            .http_status_as_error(false)
            .max_redirects(0)
            .build()
            .new_agent();
        let prove = |old| {
            let (reply, answer) = mpsc::sync_channel(1);
            let over = || "the others were enough".to_owned();
            self.desk.send(Message::Prove { old, reply }).map_err(|_| over())?;
            answer.recv().map_err(|_| over())?
        };
        let answer = ask(&agent, &self.peer, &self.checkpoint, &prove, self.old);
        // Nobody may be waiting any more.
        drop(self.desk.send(Message::Answer { number: self.number, answer }));
    }
}

/// Asks one witness, at most twice.
fn ask(
    agent: &Agent,
    peer: &Peer,
    checkpoint: &Checkpoint,
    prove: &dyn Fn(u64) -> Result<Consistency, String>,
    old: u64,
) -> Result<Signature, String> {
    let size = checkpoint.size();
    match submit(agent, peer, checkpoint, prove, old.min(size))? {
        Said::Cosigned(signature) => return Ok(signature),
        // It may have vouched for this very one, with the answer lost on the way.
        Said::Saw(saw) if saw <= size => {
            if let Said::Cosigned(signature) = submit(agent, peer, checkpoint, prove, saw)? {
                return Ok(signature);
            }
        }
        Said::Saw(saw) => return Err(format!("it has seen {saw} entries, more than these {size}")),
    }
    Err("it has seen another log of this name".to_owned())
}

/// What a witness said that is no refusal.
enum Said {
    /// It vouches.
    Cosigned(Signature),
    /// It saw this size last.
    Saw(u64),
}

fn submit(
    agent: &Agent,
    peer: &Peer,
    checkpoint: &Checkpoint,
    prove: &dyn Fn(u64) -> Result<Consistency, String>,
    old: u64,
) -> Result<Said, String> {
    let proof = prove(old)?;
    let body = Submission { old, proof, checkpoint: checkpoint.note().clone() }.to_string();
    let url = format!("{}/add-checkpoint", peer.url.trim_end_matches('/'));
    let mut answer = agent.post(url).send(body.as_bytes()).map_err(|error| error.to_string())?;
    let status = answer.status().as_u16();
    let limited = answer.body_mut().with_config().limit(ANSWER_OCTETS_MAX);
    let text = limited.read_to_string().map_err(|error| error.to_string())?;
    match status {
        200 => cosignature(&text, peer, checkpoint).map(Said::Cosigned),
        409 => {
            let saw = text.strip_suffix('\n').and_then(submission::size);
            saw.map(Said::Saw).ok_or_else(|| "it answered 409 without a size".to_owned())
        }
        other => Err(format!("it answered {other}")),
    }
}

/// The signature of `peer` among the lines it sent; those of other keys are left out.
fn cosignature(text: &str, peer: &Peer, checkpoint: &Checkpoint) -> Result<Signature, String> {
    let mut why = "it sent no signature of its key".to_owned();
    for signature in text.lines().filter_map(Signature::parse) {
        let mut alone = checkpoint.note().clone();
        if alone.add(signature.clone()).is_err() {
            continue;
        }
        match alone.witnessed_s(&peer.key) {
            Ok(_) => return Ok(signature),
            Err(error) => why = error.to_string(),
        }
    }
    Err(why)
}
