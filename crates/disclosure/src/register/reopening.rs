//! Segments of the journal whose keys were given away: that they are to be opened is entered, then
//! every keyholder of theirs is asked.

use super::{Keyholder, NotEntered, NotHeard, Register, random};
use crate::Holders;
use access::{LEAF_OCTETS, Opening, Proof, Reopening, ReopeningReceipt, Unreadable};
use evidence::Statement;
use keyholder::SegmentAsk;
use model::{AgencyId, Timestamp};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use vault::{KeyId, NotOpened, ResealedSegment, segment_holders};

/// A request to open segments that stands in the log, durably.
#[derive(Clone, Debug)]
pub struct Requested {
    reopening: Reopening,
    index: u64,
    leaf: [u8; LEAF_OCTETS],
    opening: Opening,
}

impl Requested {
    /// The request whose entry stands at `index`, as it was kept. Nothing is believed of it: who
    /// opens has it proved.
    ///
    /// # Errors
    /// When what the entry says cannot be read.
    pub fn kept(index: u64, leaf: [u8; LEAF_OCTETS], opening: Opening) -> Result<Self, Unreadable> {
        Ok(Self { reopening: opening.reopening()?, index, leaf, opening })
    }

    /// What is asked for.
    pub const fn reopening(&self) -> &Reopening {
        &self.reopening
    }

    /// Place of its entry in the log, from 0.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Its entry.
    pub const fn leaf(&self) -> &[u8; LEAF_OCTETS] {
        &self.leaf
    }

    /// What the entry says, with its salt.
    pub const fn opening(&self) -> &Opening {
        &self.opening
    }
}

/// What the keyholders of one segment answered.
#[derive(Debug, Default)]
pub struct SegmentShares {
    /// What was opened.
    pub shares: Vec<ResealedSegment>,
    /// Whose share is missing, and why.
    pub missing: Vec<(KeyId, NotHeard)>,
}

impl Register {
    /// Enters that segments are to be opened; durable when it returns. The detail is sealed for the
    /// node's own agency keyholder and the independent one.
    ///
    /// # Errors
    /// When it cannot be entered; then nothing is asked.
    pub fn request_segments(
        &self,
        reopening: &Reopening,
        now: Timestamp,
    ) -> Result<Requested, NotEntered> {
        let random = random()?;
        let opening = reopening.opening(random.salt())?;
        let (first, last) = reopening.facts();
        let what = Statement::SegmentsOpened {
            segments: reopening.segments.len() as u64,
            first,
            last,
            recipient: Sha256::digest(reopening.recipient.0).into(),
        };
        let draft = self.draft(what, &opening.detail, CELL, &random, now)?;
        let (index, own) = self.append(vec![draft])?;
        let leaf = *own.last().ok_or(NotEntered::Lost)?;
        Ok(Requested { reopening: reopening.clone(), index, leaf, opening })
    }

    /// Asks every keyholder who has a share of a segment's key, but for those in `but`: `shares` is
    /// the file beside the segment. Safe to try again.
    ///
    /// # Errors
    /// [`NotOpened::NoShares`] where it is no such file; who does not answer is in what it gives.
    pub fn ask_for_segment(
        &self,
        requested: &Requested,
        shares: &[u8],
        holders: &Holders,
        but: &BTreeSet<KeyId>,
        now: Timestamp,
    ) -> Result<SegmentShares, NotHeard> {
        let named = segment_holders(shares).ok_or(NotOpened::NoShares)?;
        let mut asked = SegmentShares::default();
        for (number, key) in (0..).zip(named) {
            // Who has several shares gives all of them at once.
            let there = asked.shares.iter().any(|it| it.number == number);
            if there || but.contains(&key) {
                continue;
            }
            let answer = holders.with(key, |holder| self.share_of(requested, shares, holder, now));
            match answer {
                Ok(found) if found.iter().any(|it| it.number == number) => {
                    asked.shares.extend(found);
                }
                Ok(_) => asked.missing.push((key, NotOpened::NoSegmentShare.into())),
                Err(why) => asked.missing.push((key, why)),
            }
        }
        Ok(asked)
    }

    /// The receipt of a request, for who puts shares together.
    ///
    /// # Errors
    /// What is missing; then nothing is opened.
    pub fn segments_receipt(
        &self,
        requested: &Requested,
        now: Timestamp,
    ) -> Result<ReopeningReceipt, NotHeard> {
        let (proof, _) = self.proof_of(requested, 0, now)?;
        Ok(self.config.gate.reopening(proof, now)?)
    }

    fn share_of(
        &self,
        requested: &Requested,
        shares: &[u8],
        holder: &mut dyn Keyholder,
        now: Timestamp,
    ) -> Result<Vec<ResealedSegment>, NotHeard> {
        let seen = holder.state()?.seen;
        let (proof, way) = self.proof_of(requested, seen, now)?;
        let ask = SegmentAsk::new(&proof, &way, shares, requested.reopening.recipient);
        holder.open_segment(&ask, now)?.resealed().map_err(NotHeard::Answer)
    }

    fn proof_of(
        &self,
        requested: &Requested,
        seen: u64,
        now: Timestamp,
    ) -> Result<(Proof, tlog::Consistency), NotHeard> {
        let (inclusion, checkpoint, way) = self.proved_to(requested.index, seen, now)?;
        let (leaf, opening) = (requested.leaf, requested.opening.clone());
        Ok((Proof { leaf, opening, inclusion, checkpoint }, way))
    }
}

/// Whose detail is sealed for: an agency that nobody has, so for the cell as a whole.
const CELL: AgencyId = AgencyId(0);
