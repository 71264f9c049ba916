//! Opening a share, or refusing to.

use crate::{
    Answer, Ask, BadAsk, KeyRing, Memory, Opened, SegmentAnswer, SegmentAsk,
    request::{Leave, Request},
};
use access::{Gate, NoReceipt, Object};
use model::Timestamp;
use serde::{Deserialize, Serialize};
use tlog::{Checkpoint, Consistency, Unproven};
use vault::{NotOpened, Resealed};

/// A keyholder: its keys, the log and witnesses it believes, and what it remembers.
#[derive(Debug)]
pub struct Holder {
    ring: KeyRing,
    gate: Gate,
    memory: Memory,
}

/// What somebody who wants to ask must know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// How many entries the log had when the keyholder last looked; 0 when it never did. A proof
    /// that the log only grew leads from here.
    pub seen: u64,
    /// Public keys, the current one first.
    pub keys: Vec<String>,
}

impl Holder {
    /// Puts one together.
    pub const fn new(ring: KeyRing, gate: Gate, memory: Memory) -> Self {
        Self { ring, gate, memory }
    }

    /// What somebody who wants to ask must know.
    pub fn state(&self) -> State {
        let current = self.ring.current().map(vault::KeyholderSecret::public);
        let others = self.ring.public().filter(|key| Some(*key) != current);
        // Another process may have seen more; what cannot be read opens nothing either.
        let newest = self.memory.newest().ok().flatten();
        State {
            seen: newest.as_ref().or(self.memory.seen()).map_or(0, Checkpoint::size),
            keys: current.into_iter().chain(others).map(|key| key.to_string()).collect(),
        }
    }

    /// What it remembers.
    pub const fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Opens the share that is asked for, and seals it to the recipient whom the entry names. The
    /// same request again is answered again, to the same recipient; nobody else is.
    ///
    /// # Errors
    /// Says what is missing. Then nothing was opened.
    pub fn open(&mut self, ask: &Ask, now: Timestamp) -> Result<Answer, Refused> {
        let broken = |fault: std::io::Error| Refused::Broken(fault.to_string());
        // From looking at what was seen until it is remembered: two histories that are shown to two
        // processes at once would both be believed.
        let _turn = self.memory.turn().map_err(broken)?;
        let allowed = allowed(&self.ring, &self.gate, self.memory.seen(), ask, now)?;
        // Nothing leaves before it is remembered.
        let remembered = self.memory.see(&allowed.checkpoint);
        let remembered = remembered.and_then(|()| self.memory.note(&allowed.opened));
        remembered.map_err(broken)?;
        Ok(Answer::of(&allowed.resealed))
    }
}

/// Requests to open segments of a journal.
impl Holder {
    /// Opens the shares of a segment's key that are asked for, and seals them to the key that the
    /// entry names, once the owner of this keyholder has said yes to this very entry. Until then
    /// the request is kept for them to look at ([`crate::Request`]).
    ///
    /// # Errors
    /// Says what is missing. Then nothing was opened.
    pub fn open_segment(
        &mut self,
        ask: &SegmentAsk,
        now: Timestamp,
    ) -> Result<SegmentAnswer, Refused> {
        let broken = |fault: std::io::Error| Refused::Broken(fault.to_string());
        let _turn = self.memory.turn().map_err(broken)?;
        let asked = ask.read()?;
        let detail = asked.proof.opening.detail.clone();
        let receipt = self.gate.reopening(asked.proof, now)?;
        if receipt.reopening().recipient != asked.recipient {
            return Err(Refused::OtherRecipient);
        }
        let checkpoint = receipt.checkpoint();
        grew(self.memory.seen(), checkpoint, &asked.consistency)?;
        let keys = self.ring.of_segment(&asked.header)?;
        let each = keys.into_iter().map(|key| key.reseal_segment(&asked.header, &receipt));
        let resealed = each.collect::<Result<Vec<_>, _>>()?;
        let request = Request::of(&receipt, &detail);
        // Nothing leaves before it is remembered, and nothing is kept that was not proved.
        let remembered = self.memory.see(checkpoint);
        let leave = remembered.and_then(|()| request.leave(self.memory.folder()));
        match leave.map_err(broken)? {
            Leave::Given => {}
            Leave::Asked => return Err(Refused::Waits { entry: receipt.index() }),
        }
        self.memory.note_segment(&receipt, &asked.header, now).map_err(broken)?;
        Ok(SegmentAnswer::of(&resealed))
    }
}

/// What may leave, once it is remembered.
pub(crate) struct Allowed {
    pub(crate) resealed: Resealed,
    opened: Opened,
    checkpoint: Checkpoint,
}

/// Everything that a keyholder checks before it opens a share; `seen` is what it saw of the log.
///
/// # Errors
/// As [`Holder::open`].
pub(crate) fn allowed(
    ring: &KeyRing,
    gate: &Gate,
    seen: Option<&Checkpoint>,
    ask: &Ask,
    now: Timestamp,
) -> Result<Allowed, Refused> {
    let ask = ask.read()?;
    let receipt = gate.receipt(ask.proof, now)?;
    if receipt.intent().recipient != ask.recipient {
        return Err(Refused::OtherRecipient);
    }
    grew(seen, receipt.checkpoint(), &ask.consistency)?;
    let key = ring.of(&ask.header)?;
    let Object::Recording { agency, recording, .. } = receipt.intent().object else {
        return Err(NotOpened::OtherRecording.into());
    };
    let (index, recipient) = (receipt.index(), receipt.intent().recipient);
    let checkpoint = receipt.checkpoint().clone();
    let resealed = key.reseal(&ask.header, receipt)?;
    let opened = Opened { index, agency, recording, recipient, at: now };
    Ok(Allowed { resealed, opened, checkpoint })
}

/// Makes sure that the log of a receipt is the one that was seen before, and not an older state
/// of it.
fn grew(
    seen: Option<&Checkpoint>,
    now: &Checkpoint,
    consistency: &Consistency,
) -> Result<(), Refused> {
    let Some(seen) = seen else { return Ok(()) };
    if now.size() < seen.size() {
        return Err(Refused::Stale { seen: seen.size(), shown: now.size() });
    }
    // The same request again brings the way from what was seen before it.
    if (now.size(), now.root()) == (seen.size(), seen.root()) {
        return Ok(());
    }
    consistency.verify(seen, now).map_err(Refused::Forked)
}

/// Why a keyholder opens nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The request cannot be read.
    #[error(transparent)]
    BadAsk(#[from] BadAsk),
    /// The disclosure is not proved to be in the log.
    #[error(transparent)]
    NoReceipt(#[from] NoReceipt),
    /// Who asks is not whom the entry names.
    #[error("the entry in the log names another recipient's key than the one that asks")]
    OtherRecipient,
    /// The checkpoint is older than one that was seen.
    #[error(
        "the checkpoint is stale: the log had {seen} entries when this keyholder last looked, and \
         this one shows {shown}; prove the entry under a newer one"
    )]
    Stale {
        /// How many entries it had then.
        seen: u64,
        /// How many it is shown with.
        shown: u64,
    },
    /// The log is not the one that was seen before.
    #[error("the log did not just grow since this keyholder last looked: {0}")]
    Forked(Unproven),
    /// The recording is not the entry's, or not sealed to this keyholder.
    #[error(transparent)]
    NotOpened(#[from] NotOpened),
    /// The keyholder's owner has not said yes.
    #[error(
        "the owner of this keyholder has not allowed it yet: they look at the request of entry \
         {entry} with `parlatory-keyholder asked --folder F` and say yes with \
         `parlatory-keyholder allow --folder F {entry}`; then ask again"
    )]
    Waits {
        /// Place of the entry in the log, from 0.
        entry: u64,
    },
    /// The disk reported a fault, so nothing can be remembered.
    #[error("cannot remember what is opened, so nothing is: {0}")]
    Broken(String),
}
