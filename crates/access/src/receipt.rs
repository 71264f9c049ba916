//! The proof that a disclosure stands in the log, and the only place where one is made.
//!
//! A [`Receipt`] needs, all at once: a checkpoint that the log signed and as many witnesses saw as
//! this gate wants, a proof that the entry is under it, an opening that the entry commits to, and
//! a time at which the disclosure is still to be carried out.

use crate::{
    Intent, Reopening,
    entry::{LEAF_OCTETS, Opening, Unreadable},
    limits::CLOCKS_APART_MAX,
};
use model::Timestamp;
use tlog::{Checkpoint, Hash, Inclusion, Note, Policy, Unproven, Unverified, Verifier};

/// Proof that who, what and why stand in the log. Only this module makes one; it cannot be cloned,
/// defaulted or read from anywhere. Who holds one may carry out this one disclosure, once.
#[derive(Debug)]
pub struct Receipt {
    intent: Intent,
    index: u64,
    checkpoint: Checkpoint,
}

impl Receipt {
    /// What the entry says.
    #[must_use]
    pub const fn intent(&self) -> &Intent {
        &self.intent
    }

    /// Place of the entry in the log, from 0.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The checkpoint it was proved under.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }
}

/// Proof that it stands in the log which segments of a journal are opened for whose key, by whom
/// and why. Only this module makes one; it cannot be cloned, defaulted or read from anywhere. It is
/// good for the segments that it names.
#[derive(Debug)]
pub struct ReopeningReceipt {
    reopening: Reopening,
    index: u64,
    checkpoint: Checkpoint,
}

impl ReopeningReceipt {
    /// What the entry says.
    #[must_use]
    pub const fn reopening(&self) -> &Reopening {
        &self.reopening
    }

    /// Place of the entry in the log, from 0.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The checkpoint it was proved under.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }
}

/// Everything that shows a disclosure to be in the log. It proves nothing until a [`Gate`] looked.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The entry.
    pub leaf: [u8; LEAF_OCTETS],
    /// What it says.
    pub opening: Opening,
    /// The way from the entry to the root.
    pub inclusion: Inclusion,
    /// The checkpoint with that root.
    pub checkpoint: Note,
}

/// Which log is believed, and which witnesses must have seen it. Whoever discloses has one, from
/// their own configuration.
#[derive(Clone, Debug)]
pub struct Gate {
    log: Verifier,
    witnesses: Policy,
}

impl Gate {
    /// Believes the log of this key, when so many of these witnesses have seen it.
    #[must_use]
    pub const fn new(log: Verifier, witnesses: Policy) -> Self {
        Self { log, witnesses }
    }

    /// Whether a checkpoint is to be relied on here: of this log, and seen by enough witnesses.
    ///
    /// # Errors
    /// Says what is missing.
    pub fn believes(&self, checkpoint: Note) -> Result<(), Unverified> {
        Checkpoint::verified(checkpoint, &self.log, &self.witnesses).map(drop)
    }

    /// Makes the receipt of a disclosure that stands in the log.
    ///
    /// # Errors
    /// Says what is missing. Then nothing is disclosed.
    pub fn receipt(&self, proof: Proof, now: Timestamp) -> Result<Receipt, NoReceipt> {
        let receipt = self.stands(proof)?;
        if now.after(CLOCKS_APART_MAX) < receipt.intent.asked {
            return Err(NoReceipt::NotYet);
        }
        if now >= receipt.intent.expires {
            return Err(NoReceipt::Expired);
        }
        Ok(receipt)
    }

    /// What a disclosure that stands in the log said, for whoever checks it afterwards, however
    /// long ago it was. Nothing opens with that.
    ///
    /// # Errors
    /// As [`Gate::receipt`], but for its time.
    pub fn said(&self, proof: Proof) -> Result<Intent, NoReceipt> {
        Ok(self.stands(proof)?.intent)
    }

    /// Makes the receipt of a request to open segments that stands in the log.
    ///
    /// # Errors
    /// Says what is missing. Then nothing is opened.
    pub fn reopening(&self, proof: Proof, now: Timestamp) -> Result<ReopeningReceipt, NoReceipt> {
        let (opening, index, checkpoint) = self.entered(proof)?;
        let reopening = opening.reopening()?;
        if now.after(CLOCKS_APART_MAX) < reopening.asked {
            return Err(NoReceipt::NotYet);
        }
        if now >= reopening.expires {
            return Err(NoReceipt::ReopeningExpired);
        }
        Ok(ReopeningReceipt { reopening, index, checkpoint })
    }

    fn stands(&self, proof: Proof) -> Result<Receipt, NoReceipt> {
        let (opening, index, checkpoint) = self.entered(proof)?;
        Ok(Receipt { intent: opening.read()?, index, checkpoint })
    }

    /// What an entry that stands in the log commits to, and where it stands.
    fn entered(&self, proof: Proof) -> Result<(Opening, u64, Checkpoint), NoReceipt> {
        let checkpoint = Checkpoint::verified(proof.checkpoint, &self.log, &self.witnesses)?;
        let included = proof.inclusion.verify(Hash::leaf(&proof.leaf), &checkpoint)?;
        if !proof.opening.opens(&proof.leaf) {
            return Err(NoReceipt::OtherEntry);
        }
        Ok((proof.opening, included.index(), checkpoint))
    }
}

/// Why there is no receipt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoReceipt {
    /// The checkpoint is not to be relied on: forged, of another log, or seen by too few.
    #[error(transparent)]
    Unverified(#[from] Unverified),
    /// The entry is not in the log of that checkpoint.
    #[error("the log does not have this entry: {0}")]
    Unproven(#[from] Unproven),
    /// The entry says something else than what was shown, or is no disclosure.
    #[error("the entry is not that of this disclosure")]
    OtherEntry,
    /// What it says cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// It was asked for in the future.
    #[error("the disclosure was asked for later than now: set the clocks right")]
    NotYet,
    /// It is over.
    #[error("the disclosure is not valid any more: ask for it again")]
    Expired,
    /// The request to open segments is over.
    #[error("the request to open segments is not valid any more: withdraw it, and ask anew")]
    ReopeningExpired,
}
