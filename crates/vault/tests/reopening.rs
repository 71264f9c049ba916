//! The key of a segment that was given away comes back by the shares of all holders, each opened
//! against the receipt of a request that stands in the log.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by it")]

#[path = "../../access/tests/log/mod.rs"]
mod log;

use access::{Gate, Reopening, ReopeningReceipt, Segment};
use log::{Log, MINUTE, NOW, leaf, log_key};
use model::{AgencyId, Private};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use tlog::Policy;
use vault::{
    KeyholderSecret, Keyholders, NotOpened, RecipientSecret, ResealedSegment, SegmentAbout,
    generate, open_segment, share_out,
};

const KEY: [u8; 32] = *b"the key of a closed segment.....";
const ABOUT: SegmentAbout =
    SegmentAbout { node: 1, first: 5, entry: 9, next: 77, next_entry: 100, at: NOW };

/// Three holders of a segment, who asks, and a log.
struct Scene {
    holders: [KeyholderSecret; 3],
    shares: Vec<u8>,
    recipient: RecipientSecret,
    log: Log,
}

impl Scene {
    fn new() -> Self {
        let [one, two, independent] = [(); 3].map(|()| generate().unwrap());
        let agencies = BTreeMap::from([(AgencyId(1), Some(one.1)), (AgencyId(2), None)]);
        let keyholders = Keyholders::new(two.1, agencies, independent.1).unwrap();
        Self {
            shares: share_out(&ABOUT, &KEY, &keyholders).unwrap(),
            holders: [one.0, two.0, independent.0],
            recipient: RecipientSecret::generate().unwrap(),
            log: Log::of(3),
        }
    }

    fn reopening(&self) -> Reopening {
        let shares = Sha256::digest(&self.shares).into();
        Reopening {
            node: 1,
            segments: vec![Segment { first: 5, last: 76, shares }],
            who: Private::new("Dana Example".to_owned()),
            reason: Private::new("the database is lost".to_owned()),
            recipient: self.recipient.public(),
            asked: NOW,
            expires: NOW.after(10 * MINUTE),
        }
    }

    fn receipt(&mut self, reopening: &Reopening) -> ReopeningReceipt {
        let opening = reopening.opening([5; 32]).unwrap();
        let index = self.log.append(leaf(&opening));
        let proof = self.log.prove(index, opening);
        Gate::new(log_key(), Policy::LOG_ALONE).reopening(proof, NOW).unwrap()
    }

    fn resealed(&self, receipt: &ReopeningReceipt) -> Vec<ResealedSegment> {
        let each = self.holders.iter().map(|it| it.reseal_segment(&self.shares, receipt));
        each.collect::<Result<_, _>>().unwrap()
    }
}

#[test]
fn all_holders_together_give_the_key_to_whom_the_entry_names_and_fewer_give_nothing() {
    let mut scene = Scene::new();
    let receipt = scene.receipt(&scene.reopening());
    let mut resealed = scene.resealed(&receipt);
    assert_eq!(resealed.iter().map(|it| it.number).collect::<Vec<_>>(), [0, 1, 2]);
    let open = |resealed: &[ResealedSegment]| {
        open_segment(&scene.shares, resealed, &scene.recipient, &receipt)
    };
    assert_eq!(*open(&resealed).unwrap(), KEY);
    resealed.reverse();
    assert_eq!(*open(&resealed).unwrap(), KEY, "in any order");
    for missing in 0..3 {
        let mut fewer = resealed.clone();
        let number = fewer.remove(missing).number;
        assert_eq!(open(&fewer).unwrap_err(), NotOpened::SegmentShare(number));
    }
    let mut swapped = resealed.clone();
    (swapped[0].number, swapped[1].number) = (swapped[1].number, swapped[0].number);
    assert!(matches!(open(&swapped), Err(NotOpened::SegmentShare(_))));
    let thief = RecipientSecret::generate().unwrap();
    let stolen = open_segment(&scene.shares, &resealed, &thief, &receipt);
    assert_eq!(stolen.unwrap_err(), NotOpened::OtherRecipient);
    // Nobody finds the key or a share of it in what is sent.
    let sent = resealed.iter().flat_map(|it| it.sealed).collect::<Vec<_>>();
    assert!(!sent.windows(8).any(|window| KEY.windows(8).any(|part| part == window)));
}

/// What `docs/formats/keyholder.md` says is all that somebody else needs to read an answer.
#[test]
fn an_answer_opens_as_it_is_written_down() {
    use hpke::{Deserializable as _, Kem as _, aead::AesGcm256, kdf::HkdfSha256};
    type Kem = hpke::kem::X25519HkdfSha256;
    let mut scene = Scene::new();
    let receipt = scene.receipt(&scene.reopening());
    let text = scene.recipient.text();
    let digits = text.rsplit(':').next().unwrap();
    let octets: Vec<u8> =
        (0..32).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap()).collect();
    let private = <Kem as hpke::Kem>::PrivateKey::from_bytes(&octets).unwrap();
    assert_eq!(Kem::sk_to_pk(&private), {
        let public = scene.recipient.public();
        <Kem as hpke::Kem>::PublicKey::from_bytes(&public.0).unwrap()
    });
    let mut bound = Sha256::digest(&scene.shares).to_vec();
    bound.extend(3_u64.to_be_bytes());
    bound.extend(log::ORIGIN.as_bytes());
    let bound = Sha256::digest(bound);
    let mut key = [0; 32];
    for one in scene.resealed(&receipt) {
        let mut info = b"parlatory journal segment v1 opened".to_vec();
        info.extend(one.number.to_le_bytes());
        let encapsulated = <Kem as hpke::Kem>::EncappedKey::from_bytes(&one.encapsulated).unwrap();
        let mode = hpke::OpModeR::Base;
        let share = hpke::single_shot_open::<AesGcm256, HkdfSha256, Kem>(
            &mode,
            &private,
            &encapsulated,
            &info,
            &one.sealed,
            &bound,
        );
        key.iter_mut().zip(share.unwrap()).for_each(|(octet, share)| *octet ^= share);
    }
    assert_eq!(key, KEY);
}

#[test]
fn what_was_opened_for_one_request_is_of_no_use_for_another() {
    let mut scene = Scene::new();
    let first = scene.receipt(&scene.reopening());
    let second = scene.receipt(&scene.reopening());
    let resealed = scene.resealed(&first);
    let replayed = open_segment(&scene.shares, &resealed, &scene.recipient, &second);
    assert_eq!(replayed.unwrap_err(), NotOpened::SegmentShare(0));
}

#[test]
fn another_segment_another_node_and_another_holder_are_refused() {
    let mut scene = Scene::new();
    let honest = scene.reopening();
    let named = honest.segments[0];
    for segment in [
        Segment { first: 6, ..named },
        Segment { last: 75, ..named },
        Segment { shares: [7; 32], ..named },
    ] {
        let receipt = scene.receipt(&Reopening { segments: vec![segment], ..honest.clone() });
        let refused = scene.holders[0].reseal_segment(&scene.shares, &receipt);
        assert_eq!(refused, Err(NotOpened::OtherSegment));
    }
    let other_node = scene.receipt(&Reopening { node: 2, ..honest.clone() });
    let refused = scene.holders[0].reseal_segment(&scene.shares, &other_node);
    assert_eq!(refused, Err(NotOpened::OtherSegment));
    let receipt = scene.receipt(&honest);
    let (stranger, _) = generate().unwrap();
    let refused = stranger.reseal_segment(&scene.shares, &receipt);
    assert_eq!(refused, Err(NotOpened::NoSegmentShare));
    // A file that was changed is another segment's, wherever it was.
    for at in [12, 20, 50, 60, 95, scene.shares.len() - 1] {
        let mut changed = scene.shares.clone();
        changed[at] ^= 1;
        let refused = scene.holders[0].reseal_segment(&changed, &receipt);
        assert_eq!(refused, Err(NotOpened::OtherSegment), "octet {at}");
    }
    for cut in [0, 91, scene.shares.len() - 1] {
        let refused = scene.holders[0].reseal_segment(&scene.shares[..cut], &receipt);
        assert_eq!(refused, Err(NotOpened::NoShares), "cut at {cut}");
    }
}

#[test]
fn shares_that_make_another_key_give_none() {
    let mut scene = Scene::new();
    // A holder changed the commitment of a file, and entered just that one.
    let mut other = scene.shares.clone();
    other[56] ^= 1;
    let shares = Sha256::digest(&other).into();
    let segments = vec![Segment { shares, ..scene.reopening().segments[0] }];
    let receipt = scene.receipt(&Reopening { segments, ..scene.reopening() });
    let refused = scene.holders[0].reseal_segment(&other, &receipt);
    // Each share is bound to the commitment.
    assert_eq!(refused, Err(NotOpened::SegmentShare(0)));
}
