//! Segments of a journal are opened for a request that stands in the log, and for no other entry.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by it"
)]

mod log;

use access::{
    Gate, NoReceipt, NotAReopening, Opening, Proof, Recipient, Reopening, Segment, Unreadable,
    limits::{CLOCKS_APART_MAX, NOTE_CHARS_MAX, REOPENING_VALID_MAX, SEGMENTS_COUNT_MAX},
};
use log::{Log, NOW, cosigned, intent, leaf, log_key, opening, quorum};
use model::{Private, Timestamp};
use std::time::Duration;
use tlog::{Policy, Unverified};

fn gate() -> Gate {
    Gate::new(log_key(), Policy::LOG_ALONE)
}

fn words(text: &str) -> Private<String> {
    Private::new(text.to_owned())
}

fn segment(first: u64, last: u64) -> Segment {
    Segment { first, last, shares: [first as u8; 32] }
}

fn reopening() -> Reopening {
    Reopening {
        node: 1,
        segments: vec![segment(1, 40), segment(41, 90), segment(120, 120)],
        who: words("Dana Example, uid 1000"),
        reason: words("the disk with the database died on Monday"),
        recipient: Recipient([8; 32]),
        asked: NOW,
        expires: NOW.after(REOPENING_VALID_MAX),
    }
}

fn proof(log: &mut Log, opening: Opening) -> Proof {
    let index = log.append(leaf(&opening));
    log.prove(index, opening)
}

#[test]
fn what_stands_in_the_log_has_a_receipt_and_a_disclosure_is_none() {
    let mut log = Log::of(20);
    let asked = reopening().opening([3; 32]).unwrap();
    let proof = proof(&mut log, asked);
    let receipt = gate().reopening(proof.clone(), NOW).unwrap();
    assert_eq!((receipt.reopening(), receipt.index()), (&reopening(), 20));
    assert_eq!((receipt.checkpoint().size(), receipt.reopening().facts()), (21, (1, 120)));
    // Neither passes for the other.
    let no_disclosure = NoReceipt::Unreadable(Unreadable::Version);
    assert_eq!(gate().receipt(proof, NOW).unwrap_err(), no_disclosure);
    let disclosed = log.proof(intent());
    let other = NoReceipt::Unreadable(Unreadable::NoReopening);
    assert_eq!(gate().reopening(disclosed, NOW).unwrap_err(), other);
}

#[test]
fn what_is_not_entered_or_seen_by_too_few_or_says_something_else_has_none() {
    let mut log = Log::of(5);
    let asked = reopening().opening([3; 32]).unwrap();
    let proof = proof(&mut log, asked.clone());
    let wider = Reopening { segments: vec![segment(1, 500)], ..reopening() };
    let opening = wider.opening([3; 32]).unwrap();
    let lied = gate().reopening(Proof { opening: opening.clone(), ..proof.clone() }, NOW);
    assert_eq!(lied.unwrap_err(), NoReceipt::OtherEntry);
    let absent = Proof { leaf: leaf(&opening), opening, ..proof.clone() };
    assert!(matches!(gate().reopening(absent, NOW), Err(NoReceipt::Unproven(_))));
    let witnessed = Gate::new(log_key(), quorum());
    let few = Unverified::Quorum { seen: 0, needed: 2 };
    let refused = witnessed.reopening(proof.clone(), NOW).unwrap_err();
    assert_eq!(refused, NoReceipt::Unverified(few));
    let checkpoint = cosigned(&proof.checkpoint, &[1, 3]);
    assert!(witnessed.reopening(Proof { checkpoint, ..proof }, NOW).is_ok());
}

#[test]
fn a_request_is_carried_out_in_its_time_only() {
    let mut log = Log::of(5);
    let asked = reopening().opening([3; 32]).unwrap();
    let proof = proof(&mut log, asked);
    let at = |now: Timestamp| gate().reopening(proof.clone(), now).err();
    let apart = i64::try_from(CLOCKS_APART_MAX.as_micros()).unwrap();
    assert_eq!(at(Timestamp::from_micros(NOW.micros() - apart)), None);
    let early = Timestamp::from_micros(NOW.micros() - apart - 1);
    assert_eq!(at(early), Some(NoReceipt::NotYet));
    let over = NOW.after(REOPENING_VALID_MAX);
    assert_eq!(at(Timestamp::from_micros(over.micros() - 1)), None);
    assert_eq!(at(over), Some(NoReceipt::ReopeningExpired));
}

#[test]
fn what_could_not_be_entered_cannot_be_read_either() {
    let long = "x".repeat(NOTE_CHARS_MAX + 1);
    let many: Vec<_> = (1..).map(|n| segment(n, n)).take(SEGMENTS_COUNT_MAX + 1).collect();
    let late = NOW.after(REOPENING_VALID_MAX + Duration::from_micros(1));
    let wrong = [
        (Reopening { who: words(" "), ..reopening() }, NotAReopening::Words),
        (Reopening { reason: words(""), ..reopening() }, NotAReopening::Words),
        (Reopening { reason: words("two\nlines"), ..reopening() }, NotAReopening::Words),
        (Reopening { reason: words(&long), ..reopening() }, NotAReopening::Words),
        (Reopening { segments: vec![], ..reopening() }, NotAReopening::Segments),
        (Reopening { segments: many.clone(), ..reopening() }, NotAReopening::Segments),
        (Reopening { segments: vec![segment(0, 4)], ..reopening() }, NotAReopening::Segments),
        (Reopening { segments: vec![segment(4, 3)], ..reopening() }, NotAReopening::Segments),
        (
            Reopening { segments: vec![segment(1, 4), segment(4, 9)], ..reopening() },
            NotAReopening::Segments,
        ),
        (Reopening { expires: NOW, ..reopening() }, NotAReopening::Expiry),
        (Reopening { expires: late, ..reopening() }, NotAReopening::Expiry),
    ];
    for (reopening, why) in wrong {
        assert_eq!(reopening.check(), Err(why));
        assert_eq!(reopening.opening([1; 32]), Err(why));
        let octets = postcard::to_allocvec(&reopening).unwrap();
        let detail = [b"segments opened v1\0", octets.as_slice()].concat();
        let read = Opening { salt: [1; 32], detail }.reopening();
        assert_eq!(read, Err(Unreadable::Segments(why)));
    }
    let most = Reopening {
        segments: many[1..].to_vec(),
        who: words(&"\u{1f98a}".repeat(NOTE_CHARS_MAX)),
        reason: words(&"\u{1f98a}".repeat(NOTE_CHARS_MAX)),
        ..reopening()
    };
    assert_eq!(most.opening([1; 32]).unwrap().reopening(), Ok(most));
}

#[test]
fn one_spelling_alone_is_read_and_the_octets_are_pinned() {
    let honest = reopening().opening([1; 32]).unwrap().detail;
    let more = [honest.as_slice(), &[0]].concat();
    let mut later = honest.clone();
    later[17] = b'2';
    let mut spelled = honest.clone();
    assert_eq!(spelled[19], 1, "the node's number comes first");
    spelled.splice(19..=19, [0x81, 0x00]);
    for (detail, why) in [
        (more, Unreadable::Octets),
        (honest[..honest.len() - 1].to_vec(), Unreadable::Octets),
        (later, Unreadable::NoReopening),
        (spelled, Unreadable::Octets),
        (opening(&intent(), 1).detail, Unreadable::NoReopening),
    ] {
        assert_eq!(Opening { salt: [1; 32], detail }.reopening(), Err(why));
    }
    let hex: String = honest.iter().map(|octet| format!("{octet:02x}")).collect();
    assert_eq!(hex, PINNED);
}

const PINNED: &str = concat!(
    "7365676d656e7473206f70656e656420763100010301280101010101010101010101010101010101",
    "010101010101010101010101010101295a2929292929292929292929292929292929292929292929",
    "29292929292929292978787878787878787878787878787878787878787878787878787878787878",
    "7878781644616e61204578616d706c652c20756964203130303029746865206469736b2077697468",
    "207468652064617461626173652064696564206f6e204d6f6e646179080808080808080808080808",
    "080808080808080808080808080808080808080880d0b8a087cdb00680d0d5aea1f0b006",
);
