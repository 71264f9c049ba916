//! What is asked of a keyholder and what it answers, as JSON: octets are in base64, the proof is a
//! file after c2sp.org/tlog-proof.

use access::{LEAF_OCTETS, Opening, Proof, Recipient};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use tlog::{Consistency, Hash, NotAProofFile, ProofFile};
use vault::{Resealed, ResealedSegment, Share};

/// A request to open a share.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The entry of the disclosure.
    leaf: String,
    /// The salt of its commitment.
    salt: String,
    /// What it says.
    detail: String,
    /// Its place in the log, with the checkpoint.
    proof: String,
    /// That the log only grew since the keyholder last looked.
    consistency: Vec<String>,
    /// The recording's header.
    header: String,
    /// Who asks: the key that the share is to be sealed to.
    recipient: String,
}

/// A request that was read.
pub(crate) struct Read {
    pub(crate) proof: Proof,
    pub(crate) consistency: Consistency,
    pub(crate) header: Vec<u8>,
    pub(crate) recipient: Recipient,
}

impl Ask {
    /// Asks for the share of the recording with `header` for `recipient`. `consistency` leads from
    /// the size that the keyholder has seen ([`crate::State`]) to the proof's checkpoint.
    pub fn new(
        proof: &Proof,
        consistency: &Consistency,
        header: &[u8],
        recipient: Recipient,
    ) -> Self {
        let file = ProofFile::of(proof.inclusion.clone(), proof.checkpoint.clone());
        Self {
            leaf: STANDARD.encode(proof.leaf),
            salt: STANDARD.encode(proof.opening.salt),
            detail: STANDARD.encode(&proof.opening.detail),
            proof: file.to_string(),
            consistency: consistency.path().iter().map(Hash::to_string).collect(),
            header: STANDARD.encode(header),
            recipient: STANDARD.encode(recipient.0),
        }
    }

    pub(crate) fn read(&self) -> Result<Read, BadAsk> {
        let file = ProofFile::parse(self.proof.as_bytes())?;
        let hashes = self.consistency.iter().map(|hash| Hash::parse(hash));
        let consistency = hashes.collect::<Option<Vec<_>>>().ok_or(BadAsk::Field("consistency"))?;
        let leaf: [u8; LEAF_OCTETS] = fixed("leaf", &self.leaf)?;
        let salt = fixed("salt", &self.salt)?;
        let detail = octets("detail", &self.detail)?;
        Ok(Read {
            proof: Proof {
                leaf,
                opening: Opening { salt, detail },
                inclusion: file.inclusion().clone(),
                checkpoint: file.checkpoint().clone(),
            },
            consistency: Consistency::new(consistency),
            header: octets(HEADER, &self.header)?,
            recipient: Recipient(fixed("recipient", &self.recipient)?),
        })
    }
}

impl std::fmt::Debug for Ask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ask([private])")
    }
}

/// A request to open the shares of a segment's key: of a journal, where it was given away.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentAsk {
    /// The entry of the request.
    leaf: String,
    /// The salt of its commitment.
    salt: String,
    /// What it says.
    detail: String,
    /// Its place in the log, with the checkpoint.
    proof: String,
    /// That the log only grew since the keyholder last looked.
    consistency: Vec<String>,
    /// The file with the shares of the segment's key.
    shares: String,
    /// Who asks: the key that the share is to be sealed to.
    recipient: String,
}

impl SegmentAsk {
    /// Asks for the shares in the file `shares` for `recipient`. `consistency` leads from the size
    /// that the keyholder has seen ([`crate::State`]) to the proof's checkpoint.
    pub fn new(
        proof: &Proof,
        consistency: &Consistency,
        shares: &[u8],
        recipient: Recipient,
    ) -> Self {
        let Ask { leaf, salt, detail, proof, consistency, header, recipient } =
            Ask::new(proof, consistency, shares, recipient);
        Self { leaf, salt, detail, proof, consistency, shares: header, recipient }
    }

    /// As [`Ask::read`], with the file of shares in the header's place.
    pub(crate) fn read(&self) -> Result<Read, BadAsk> {
        let Self { leaf, salt, detail, proof, consistency, shares, recipient } = self.clone();
        let ask = Ask { leaf, salt, detail, proof, consistency, header: shares, recipient };
        ask.read().map_err(|bad| match bad {
            BadAsk::Field(HEADER) => BadAsk::Field("shares"),
            BadAsk::Shape | BadAsk::Field(_) | BadAsk::Proof(_) => bad,
        })
    }
}

impl std::fmt::Debug for SegmentAsk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SegmentAsk([private])")
    }
}

/// All shares of a segment's key that one keyholder has, sealed again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentAnswer {
    /// At least one: a keyholder whose key was changed meanwhile can have several.
    shares: Vec<NumberedShare>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NumberedShare {
    /// Its place in the file.
    number: u32,
    encapsulated: String,
    sealed: String,
}

impl SegmentAnswer {
    pub(crate) fn of(resealed: &[ResealedSegment]) -> Self {
        let shares = resealed.iter().map(|it| NumberedShare {
            number: it.number,
            encapsulated: STANDARD.encode(it.encapsulated),
            sealed: STANDARD.encode(it.sealed),
        });
        Self { shares: shares.collect() }
    }

    /// The shares, as [`vault::open_segment`] wants them.
    ///
    /// # Errors
    /// When a field is none.
    pub fn resealed(&self) -> Result<Vec<ResealedSegment>, BadAsk> {
        let each = self.shares.iter().map(|it| {
            let encapsulated = fixed("encapsulated", &it.encapsulated)?;
            let sealed = fixed("sealed", &it.sealed)?;
            Ok(ResealedSegment { number: it.number, encapsulated, sealed })
        });
        each.collect()
    }
}

/// A share, sealed again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// `a` or `b`.
    share: String,
    encapsulated: String,
    sealed: String,
}

impl Answer {
    pub(crate) fn of(resealed: &Resealed) -> Self {
        let share = match resealed.share {
            Share::A => SHARE_A,
            Share::B => SHARE_B,
        };
        Self {
            share: share.to_owned(),
            encapsulated: STANDARD.encode(resealed.encapsulated),
            sealed: STANDARD.encode(resealed.sealed),
        }
    }

    /// The share, as [`vault::open`] wants it.
    ///
    /// # Errors
    /// When a field is none.
    pub fn resealed(&self) -> Result<Resealed, BadAsk> {
        let share = match self.share.as_str() {
            SHARE_A => Share::A,
            SHARE_B => Share::B,
            _ => return Err(BadAsk::Field("share")),
        };
        let encapsulated = fixed("encapsulated", &self.encapsulated)?;
        Ok(Resealed { share, encapsulated, sealed: fixed("sealed", &self.sealed)? })
    }
}

/// Why a request or an answer cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAsk {
    /// It is not of the shape it must have.
    #[error("this is no request to a keyholder: see `docs/formats/keyholder.md`")]
    Shape,
    /// A field is not what it must be.
    #[error("the field `{0}` cannot be read")]
    Field(&'static str),
    /// The proof is no proof file.
    #[error("the field `proof` cannot be read: {0}")]
    Proof(#[from] NotAProofFile),
}

fn octets(field: &'static str, text: &str) -> Result<Vec<u8>, BadAsk> {
    STANDARD.decode(text).map_err(|_| BadAsk::Field(field))
}

fn fixed<const N: usize>(field: &'static str, text: &str) -> Result<[u8; N], BadAsk> {
    octets(field, text)?.try_into().map_err(|_| BadAsk::Field(field))
}

const HEADER: &str = "header";
const SHARE_A: &str = "a";
const SHARE_B: &str = "b";
