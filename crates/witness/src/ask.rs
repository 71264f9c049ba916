//! Asking witnesses to vouch for a checkpoint.

use crate::{
    Submission,
    limits::{ANSWER_MAX, ANSWER_OCTETS_MAX},
    submission,
};
use std::{collections::BTreeMap, thread};
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
    prove: &(dyn Fn(u64) -> Result<Consistency, String> + Sync),
    seen: &mut BTreeMap<String, u64>,
) -> Collected {
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(ANSWER_MAX))
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .new_agent();
    let answers: Vec<_> = thread::scope(|scope| {
        let asked: Vec<_> = peers
            .iter()
            .map(|peer| {
                let old = seen.get(peer.key.name()).copied().unwrap_or(0);
                let agent = &agent;
                (peer, scope.spawn(move || ask(agent, peer, checkpoint, prove, old)))
            })
            .collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|_| Err("the question failed in our own code".to_owned()))
        };
        asked.into_iter().map(|(peer, thread)| (peer, join(thread))).collect()
    });
    let mut note = checkpoint.note().clone();
    let (mut vouched, mut failed) = (Vec::new(), Vec::new());
    for (peer, answer) in answers {
        let name = peer.key.name().to_owned();
        let added = answer.and_then(|signature| note.add(signature).map_err(|e| e.to_string()));
        match added {
            Ok(()) => {
                seen.insert(name.clone(), checkpoint.size());
                vouched.push(name);
            }
            Err(why) => failed.push((name, why)),
        }
    }
    Collected { note, vouched, failed }
}

/// Asks one witness, at most twice.
fn ask(
    agent: &Agent,
    peer: &Peer,
    checkpoint: &Checkpoint,
    prove: &(dyn Fn(u64) -> Result<Consistency, String> + Sync),
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
    prove: &(dyn Fn(u64) -> Result<Consistency, String> + Sync),
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
