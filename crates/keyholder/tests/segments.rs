//! A keyholder opens its share of a segment of a journal once it is proved and its owner said yes;
//! at hand, and over the network.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by it")]

#[path = "../../vault/tests/consent/mod.rs"]
mod consent;
#[path = "../../access/tests/log/mod.rs"]
mod log;
#[path = "../../vault/tests/open/mod.rs"]
mod open;
mod scene;
#[path = "../../vault/tests/world/mod.rs"]
mod world;

use access::{Gate, NoReceipt, Opening, Proof, Reopening, ReopeningReceipt, Segment, Unreadable};
use keyholder::{
    BadAsk, Holder, KeyRing, NotAnswered, Refused, Request, SegmentAnswer, SegmentAsk,
};
use log::{Log, MINUTE, NOW, cosigned, leaf, log_key, quorum};
use model::{AgencyId, Private};
use scene::{Scene, certificates, remote, serve_with};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, fs};
use tlog::{Consistency, Policy, Unverified};
use vault::{
    KeyholderSecret, Keyholders, NotOpened, RecipientSecret, ResealedSegment, SegmentAbout,
    generate, open_segment, share_out,
};

const KEY: [u8; 32] = *b"the key of a closed segment.....";

/// A segment of which the scene's keyholder and another one have shares.
struct Segments {
    scene: Scene,
    other: KeyholderSecret,
    shares: Vec<u8>,
}

impl Segments {
    fn new() -> Self {
        let scene = Scene::new();
        let ring = KeyRing::load(&scene.path().join("keys")).unwrap();
        let mine = ring.current().unwrap().public();
        let (other, common) = generate().unwrap();
        let agencies = BTreeMap::from([(AgencyId(1), None)]);
        let keyholders = Keyholders::new(common, agencies, mine).unwrap();
        let about =
            SegmentAbout { node: 1, first: 5, entry: 9, next: 77, next_entry: 100, at: NOW };
        Self { scene, other, shares: share_out(&about, &KEY, &keyholders).unwrap() }
    }

    fn reopening(&self) -> Reopening {
        let shares = Sha256::digest(&self.shares).into();
        Reopening {
            node: 1,
            segments: vec![Segment { first: 5, last: 76, shares }],
            who: Private::new("Dana Example".to_owned()),
            reason: Private::new("the database is lost".to_owned()),
            recipient: self.scene.recipient.public(),
            asked: NOW,
            expires: NOW.after(10 * MINUTE),
        }
    }

    /// Enters a request, and proves it.
    fn entered(&mut self, reopening: &Reopening) -> Proof {
        let opening = reopening.opening([5; 32]).unwrap();
        let index = self.scene.log.append(leaf(&opening));
        self.scene.log.prove(index, opening)
    }

    fn ask(&self, proof: &Proof, seen: u64) -> SegmentAsk {
        let log = &self.scene.log;
        let way = if seen == 0 { Consistency::new(vec![]) } else { log.consistency(seen) };
        SegmentAsk::new(proof, &way, &self.shares, self.scene.recipient.public())
    }

    fn receipt(&self, proof: &Proof) -> ReopeningReceipt {
        let gate = Gate::new(log_key(), Policy::LOG_ALONE);
        gate.reopening(proof.clone(), NOW).unwrap()
    }

    /// The key, of what the scene's keyholder answered and the other one's share.
    fn key(&self, proof: &Proof, answer: &SegmentAnswer) -> Result<[u8; 32], NotOpened> {
        let receipt = self.receipt(proof);
        let mut resealed: Vec<ResealedSegment> = answer.resealed().unwrap();
        resealed.push(self.other.reseal_segment(&self.shares, &receipt)?);
        let key = open_segment(&self.shares, &resealed, &self.scene.recipient, &receipt)?;
        Ok(*key)
    }

    fn ledger(&self) -> String {
        fs::read_to_string(self.scene.path().join("opened")).unwrap()
    }
}

#[test]
fn nothing_opens_before_the_owner_said_yes_to_this_very_entry() {
    let mut all = Segments::new();
    let mut holder = all.scene.holder();
    let folder = all.scene.path().to_owned();
    assert_eq!(Request::all(&folder, NOW).unwrap(), []);
    let proof = all.entered(&all.reopening());
    let ask = all.ask(&proof, 0);
    let waits = Refused::Waits { entry: 10 };
    assert_eq!(holder.open_segment(&ask, NOW).unwrap_err(), waits);
    assert!(waits.to_string().contains("`parlatory-keyholder allow --folder F 10`"), "{waits}");
    assert_eq!((holder.state().seen, holder.memory().opened_count()), (11, 0));
    // The owner sees who asks for what, and why.
    let [(request, allowed)] = &Request::all(&folder, NOW).unwrap()[..] else { unreachable!() };
    assert_eq!((request.entry, request.node, allowed), (10, 1, &false));
    assert_eq!((request.segments, request.first, request.last), (1, 5, 76));
    assert_eq!(request.reason.expose(), "the database is lost");
    assert_eq!(request.recipient, format!("{:?}", all.scene.recipient.public()));
    // A yes to another entry, or to one that is over, is none.
    assert_eq!(Request::allow(&folder, 11, NOW).unwrap(), None);
    assert_eq!(Request::allow(&folder, 10, NOW.after(10 * MINUTE)).unwrap(), None);
    assert_eq!(holder.open_segment(&ask, NOW).unwrap_err(), waits);
    assert_eq!(Request::allow(&folder, 10, NOW).unwrap().as_ref(), Some(request));
    let answer = holder.open_segment(&ask, NOW).unwrap();
    assert_eq!(all.key(&proof, &answer), Ok(KEY));
    // Again the same, also after a restart; noted once.
    drop(holder);
    let mut again = all.scene.holder();
    let answer = again.open_segment(&ask, NOW.after(MINUTE)).unwrap();
    assert_eq!(all.key(&proof, &answer), Ok(KEY));
    assert_eq!(again.memory().opened_count(), 1);
    let recipient = all.scene.recipient.public();
    let line = format!("\n10 segment 1 5 {recipient:?} {}\n", NOW.micros());
    assert_eq!(all.ledger(), line);
    // The next request, for the same, waits anew.
    let next = all.entered(&all.reopening());
    let refused = again.open_segment(&all.ask(&next, 11), NOW).unwrap_err();
    assert_eq!(refused, Refused::Waits { entry: 11 });
    let allowed: Vec<_> = Request::all(&folder, NOW).unwrap().iter().map(|it| it.1).collect();
    assert_eq!(allowed, [true, false]);
    // And what is over is not shown any more, and not opened.
    assert_eq!(Request::all(&folder, NOW.after(10 * MINUTE)).unwrap(), []);
    let late = again.open_segment(&ask, NOW.after(10 * MINUTE)).unwrap_err();
    assert_eq!(late, Refused::NoReceipt(NoReceipt::ReopeningExpired));
}

#[test]
fn what_is_not_proved_is_refused_and_never_shown_to_the_owner() {
    let mut all = Segments::new();
    let mut holder = all.scene.holder();
    let proof = all.entered(&all.reopening());
    let refused =
        |holder: &mut Holder, ask: &SegmentAsk| holder.open_segment(ask, NOW).unwrap_err();
    // Another recipient than the entry's.
    let thief = RecipientSecret::generate().unwrap().public();
    let way = Consistency::new(vec![]);
    let stolen = SegmentAsk::new(&proof, &way, &all.shares, thief);
    assert_eq!(refused(&mut holder, &stolen), Refused::OtherRecipient);
    // Another segment.
    let mut other = all.shares.clone();
    other[20] ^= 1;
    let swapped = SegmentAsk::new(&proof, &way, &other, all.scene.recipient.public());
    let other_segment = Refused::NotOpened(NotOpened::OtherSegment);
    assert_eq!(refused(&mut holder, &swapped), other_segment);
    // One of which this keyholder has no share.
    let agencies = BTreeMap::from([(AgencyId(1), None)]);
    let strangers =
        Keyholders::new(generate().unwrap().1, agencies, generate().unwrap().1).unwrap();
    let about = SegmentAbout { node: 1, first: 5, entry: 9, next: 77, next_entry: 100, at: NOW };
    let shares = share_out(&about, &KEY, &strangers).unwrap();
    let none = SegmentAsk::new(&proof, &way, &shares, all.scene.recipient.public());
    let no_share = Refused::NotOpened(NotOpened::NoSegmentShare);
    assert_eq!(refused(&mut holder, &none), no_share);
    let none = SegmentAsk::new(&proof, &way, &all.shares[..90], all.scene.recipient.public());
    assert_eq!(refused(&mut holder, &none), Refused::NotOpened(NotOpened::NoShares));
    // No entry, and one of a disclosure.
    let opening = all.reopening().opening([6; 32]).unwrap();
    let absent = Proof { leaf: leaf(&opening), opening, ..proof.clone() };
    let unproven = refused(&mut holder, &all.ask(&absent, 0));
    assert!(matches!(unproven, Refused::NoReceipt(NoReceipt::Unproven(_))), "{unproven}");
    let disclosed = all.scene.log.proof(all.scene.intent());
    let another = Refused::NoReceipt(NoReceipt::Unreadable(Unreadable::NoReopening));
    assert_eq!(refused(&mut holder, &all.ask(&disclosed, 0)), another);
    // A checkpoint that too few witnesses saw.
    let mut wary = all.scene.holder_with(quorum());
    let few = Unverified::Quorum { seen: 0, needed: 2 };
    let unseen = Refused::NoReceipt(NoReceipt::Unverified(few));
    assert_eq!(refused(&mut wary, &all.ask(&proof, 0)), unseen);
    assert_eq!((holder.state().seen, Request::all(all.scene.path(), NOW).unwrap().len()), (0, 0));
    let checkpoint = cosigned(&proof.checkpoint, &[1, 2]);
    let seen = Proof { checkpoint, ..proof.clone() };
    assert_eq!(refused(&mut wary, &all.ask(&seen, 0)), Refused::Waits { entry: 10 });
    drop(wary);
    // A stale checkpoint, and another history of the same log.
    let mut holder = all.scene.holder();
    let older = proof;
    let newer = all.entered(&all.reopening());
    let waits = Refused::Waits { entry: 12 };
    assert_eq!(refused(&mut holder, &all.ask(&newer, 11)), waits);
    let stale = refused(&mut holder, &all.ask(&older, 0));
    assert_eq!(stale, Refused::Stale { seen: 13, shown: 11 });
    all.scene.log = Log::of(13);
    let forked = all.entered(&all.reopening());
    let fork = refused(&mut holder, &all.ask(&forked, 13));
    assert!(matches!(fork, Refused::Forked(_)), "{fork}");
    assert_eq!(holder.memory().opened_count(), 0);
}

#[test]
fn a_yes_is_to_what_the_entry_says_and_to_nothing_that_stands_in_its_place() {
    let mut all = Segments::new();
    let mut holder = all.scene.holder();
    let proof = all.entered(&all.reopening());
    let ask = all.ask(&proof, 0);
    assert!(holder.open_segment(&ask, NOW).is_err());
    // Somebody wrote another yes, such as of an earlier log in this folder.
    let yes = all.scene.path().join("asked/10.allowed");
    fs::write(&yes, "0".repeat(64)).unwrap();
    assert_eq!(holder.open_segment(&ask, NOW).unwrap_err(), Refused::Waits { entry: 10 });
    let says: String =
        Sha256::digest(&proof.opening.detail).iter().map(|it| format!("{it:02x}")).collect();
    Request::allow(all.scene.path(), 10, NOW).unwrap().unwrap();
    assert_eq!(fs::read_to_string(&yes).unwrap(), says);
    assert!(holder.open_segment(&ask, NOW).is_ok());
}

#[test]
fn a_request_in_json_reads_as_it_was_written_and_bad_ones_say_what_is_bad() {
    let mut all = Segments::new();
    let proof = all.entered(&all.reopening());
    let text = serde_json::to_value(all.ask(&proof, 0)).unwrap();
    let fields = ["leaf", "salt", "detail", "proof", "consistency", "shares", "recipient"];
    assert_eq!(text.as_object().unwrap().len(), fields.len());
    let mut holder = all.scene.holder();
    for (field, bad) in [("shares", "?"), ("recipient", "AAAA"), ("leaf", "AAAA"), ("detail", "?")]
    {
        let mut changed = text.clone();
        changed[field] = bad.into();
        let ask: SegmentAsk = serde_json::from_value(changed).unwrap();
        let refused = holder.open_segment(&ask, NOW).unwrap_err();
        assert_eq!(refused, Refused::BadAsk(BadAsk::Field(field)));
    }
    let ask: SegmentAsk = serde_json::from_value(text).unwrap();
    assert_eq!(format!("{ask:?}"), "SegmentAsk([private])");
    assert_eq!(holder.open_segment(&ask, NOW).unwrap_err(), Refused::Waits { entry: 10 });
}

#[test]
fn a_keyholder_elsewhere_answers_the_same_over_mutual_tls() {
    let mut all = Segments::new();
    let tls = all.scene.path().join("tls");
    fs::create_dir(&tls).unwrap();
    certificates(&tls);
    let address = serve_with(all.scene.holder(), &tls);
    let remote = remote(address, "keyholder.example", &tls, &tls);
    let proof = all.entered(&all.reopening());
    let ask = all.ask(&proof, 0);
    let refused = remote.open_segment(&ask).unwrap_err();
    let NotAnswered::Refused(why) = &refused else { unreachable!("{refused}") };
    assert_eq!(*why, Refused::Waits { entry: 10 }.to_string());
    Request::allow(all.scene.path(), 10, NOW).unwrap().unwrap();
    let answer = remote.open_segment(&ask).unwrap();
    assert_eq!(all.key(&proof, &answer), Ok(KEY));
    let opening = Opening { salt: [1; 32], detail: b"segments opened v1\0".to_vec() };
    let empty = all.ask(&Proof { opening, ..proof }, 11);
    assert!(matches!(remote.open_segment(&empty), Err(NotAnswered::Refused(_))));
}
