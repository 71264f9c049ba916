//! Opening a segment of a journal whose key was given away, against the receipt of a request that
//! stands in the log.
//!
//! Every holder opens their share with [`KeyholderSecret::reseal_segment`] and seals it again to
//! the key that the entry names; who has that puts all of them together with [`open_segment`].

use crate::{
    KeyholderSecret, NotOpened, RecipientSecret,
    open::open_share,
    seal::{self, CannotSeal},
    segment::SharesFile,
};
use access::{ReopeningReceipt, Segment};
use hpke::Deserializable;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// A share of a segment's key, sealed again by its holder to who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResealedSegment {
    /// Its place in the file of shares, from 0.
    pub number: u32,
    /// `enc` of RFC 9180.
    pub encapsulated: [u8; 32],
    /// The share and its tag.
    pub sealed: [u8; 48],
}

impl KeyholderSecret {
    /// Opens the share of a segment's key that this keyholder has in `shares`, the octets of the
    /// file beside the segment, and seals it to the key that the entry names.
    ///
    /// # Errors
    /// When the entry does not name this segment, or no share is this keyholder's.
    pub fn reseal_segment(
        &self,
        shares: &[u8],
        receipt: &ReopeningReceipt,
    ) -> Result<ResealedSegment, NotOpened> {
        let file = SharesFile::parse(shares).ok_or(NotOpened::NoShares)?;
        let segment = named(&file, shares, receipt)?;
        let id = self.public().id();
        let mut each = (0..).zip(&file.shares);
        let (number, share) =
            each.find(|(_, share)| share.key_id == id.0).ok_or(NotOpened::NoSegmentShare)?;
        let parts = (&share.encapsulated, &share.sealed);
        let info = SharesFile::info(number);
        let clear = open_share(&self.0.private(), &info, parts, file.bound);
        let clear = clear.ok_or(NotOpened::SegmentShare(number))?;
        let recipient = seal::PublicKey::from_bytes(&receipt.reopening().recipient.0)
            .map_err(|_| NotOpened::Recipient)?;
        let bound = bound_again(&segment, receipt);
        let resealed = seal::seal_to(&recipient, &info_again(number), &clear, &bound);
        let (encapsulated, sealed) = resealed.map_err(|fault| match fault {
            CannotSeal::NoRandomness => NotOpened::NoRandomness,
            CannotSeal::Key => NotOpened::Recipient,
        })?;
        Ok(ResealedSegment { number, encapsulated, sealed })
    }
}

/// The key of a segment, from all shares in `shares`, which were sealed again to `secret`.
///
/// # Errors
/// When the entry does not name this segment or this recipient, or a share is missing or another.
pub fn open_segment(
    shares: &[u8],
    resealed: &[ResealedSegment],
    secret: &RecipientSecret,
    receipt: &ReopeningReceipt,
) -> Result<Zeroizing<[u8; 32]>, NotOpened> {
    if receipt.reopening().recipient != secret.public() {
        return Err(NotOpened::OtherRecipient);
    }
    let file = SharesFile::parse(shares).ok_or(NotOpened::NoShares)?;
    let bound = bound_again(&named(&file, shares, receipt)?, receipt);
    let private = secret.0.private();
    let mut key = Zeroizing::new([0; 32]);
    for (number, _) in (0..).zip(&file.shares) {
        let mut of_it = resealed.iter().filter(|it| it.number == number);
        let one = of_it.next().ok_or(NotOpened::SegmentShare(number))?;
        let parts = (&one.encapsulated, &one.sealed);
        let opened = open_share(&private, &info_again(number), parts, &bound);
        let opened = opened.ok_or(NotOpened::SegmentShare(number))?;
        key.iter_mut().zip(opened.iter()).for_each(|(key, share)| *key ^= share);
    }
    if file.commits_to(&key) { Ok(key) } else { Err(NotOpened::OtherSegmentKey) }
}

/// The segment of the entry that this file of shares is of.
fn named(
    file: &SharesFile<'_>,
    shares: &[u8],
    receipt: &ReopeningReceipt,
) -> Result<Segment, NotOpened> {
    let about = &file.about;
    let last = about.next.saturating_sub(1);
    let segment = Segment { first: about.first, last, shares: Sha256::digest(shares).into() };
    let reopening = receipt.reopening();
    let named = reopening.node == about.node && reopening.segments.contains(&segment);
    named.then_some(segment).ok_or(NotOpened::OtherSegment)
}

/// What a share that was sealed again is bound to: the segment, the log and the entry. So it is of
/// no use for another request.
fn bound_again(segment: &Segment, receipt: &ReopeningReceipt) -> [u8; 32] {
    let hash = Sha256::new().chain_update(segment.shares);
    let hash = hash.chain_update(receipt.index().to_be_bytes());
    hash.chain_update(receipt.checkpoint().origin()).finalize().into()
}

fn info_again(number: u32) -> Vec<u8> {
    [INFO_AGAIN, &number.to_le_bytes()].concat()
}

const INFO_AGAIN: &[u8] = b"parlatory journal segment v1 opened";
