//! A receipt is given for what stands in the log, and for nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by it"
)]

mod log;

use access::{
    Audience, Demand, Gate, Intent, Leave, Line, Month, NoReceipt, NotAnIntent, NotReleased,
    Object, Opening, Query, Recipient, Undisclosed, Unreadable, Verb,
    limits::{
        APPROVERS_COUNT_MAX, CASE_OCTETS_MAX, CLOCKS_APART_MAX, MONTHS_COUNT_MAX, NOTE_CHARS_MAX,
        QUERY_WORD_OCTETS_MAX, RECORDS_COUNT_MAX, VALID_MAX,
    },
};
use log::{HEAD, Log, MINUTE, NOW, cosigned, intent, key, leaf, log_key, opening, quorum};
use model::{AgencyId, CallId, E164, GrantId, Private, StaffId, Timestamp};
use std::time::Duration;
use tlog::{Inclusion, Policy, Unproven, Unsigned, Unverified};

fn gate() -> Gate {
    Gate::new(log_key(), Policy::LOG_ALONE)
}

#[test]
fn what_stands_in_the_log_has_a_receipt() {
    let mut log = Log::of(20);
    let proof = log.proof(intent());
    let receipt = gate().receipt(proof, NOW).unwrap();
    assert_eq!((receipt.intent(), receipt.index()), (&intent(), 20));
    assert_eq!(receipt.checkpoint().size(), 21);
}

#[test]
fn an_entry_of_another_log_or_with_a_forged_checkpoint_has_none() {
    let mut log = Log::of(20);
    let proof = log.proof(intent());
    // Another key of the same name.
    let other = Gate::new(key(2).verifier().clone(), Policy::LOG_ALONE);
    assert!(matches!(
        other.receipt(proof.clone(), NOW),
        Err(NoReceipt::Unverified(Unverified::Unsigned(Unsigned::Missing(_))))
    ));
    // The true signature under another text.
    let text = proof.checkpoint.to_string();
    let (head, signatures) = text.split_once("\n\n").unwrap();
    let forged = format!("{}\n\n{signatures}", head.replace("\n21\n", "\n22\n"));
    let forged = tlog::Note::parse(forged.as_bytes()).unwrap();
    assert!(matches!(
        gate().receipt(access::Proof { checkpoint: forged, ..proof }, NOW),
        Err(NoReceipt::Unverified(Unverified::Unsigned(Unsigned::False(_))))
    ));
}

#[test]
fn an_entry_that_is_not_in_the_log_has_none() {
    let mut log = Log::of(20);
    let proof = log.proof(intent());
    let absent = opening(&intent(), 77);
    let invented = access::Proof { leaf: leaf(&absent), opening: absent, ..proof.clone() };
    assert_eq!(gate().receipt(invented, NOW).unwrap_err(), NoReceipt::Unproven(Unproven::Root));
    let path = proof.inclusion.path().to_vec();
    let moved = access::Proof { inclusion: Inclusion::new(21, path), ..proof };
    assert!(matches!(gate().receipt(moved, NOW), Err(NoReceipt::Unproven(_))));
}

#[test]
fn an_opening_that_says_something_else_has_none() {
    let mut log = Log::of(3);
    let proof = log.proof(intent());
    let wider = Intent { verb: Verb::Export, ..intent() };
    let wider = opening(&wider, proof.opening.salt[0]);
    let lied = access::Proof { opening: wider, ..proof.clone() };
    assert_eq!(gate().receipt(lied, NOW).unwrap_err(), NoReceipt::OtherEntry);
    // An entry of another kind is no disclosure, whatever is committed there.
    let mut other = leaf(&proof.opening);
    other[0] = 2;
    let index = log.append(other);
    let proof = log.prove(index, proof.opening);
    assert_eq!(gate().receipt(proof, NOW).unwrap_err(), NoReceipt::OtherEntry);
}

#[test]
fn what_cannot_be_read_or_could_not_be_entered_has_none() {
    let mut log = Log::of(3);
    let honest = opening(&intent(), 1).detail;
    let mut later = honest.clone();
    later[12] = b'3';
    let own = Intent {
        leave: Leave::Grant { grant: GrantId(5), approvers: vec![intent().staff] },
        ..intent()
    };
    let own = [HEAD, &postcard::to_allocvec(&own).unwrap()].concat();
    // The same number, spelled with an octet more.
    let mut spelled = honest.clone();
    assert_eq!(spelled[HEAD.len()], 11, "the staff member's number comes first");
    spelled.splice(HEAD.len()..=HEAD.len(), [0x8b, 0x00]);
    for (detail, why) in [
        (Vec::new(), Unreadable::Version),
        (later, Unreadable::Version),
        (honest[..honest.len() - 1].to_vec(), Unreadable::Octets),
        ([honest.as_slice(), &[0]].concat(), Unreadable::Octets),
        (spelled, Unreadable::Octets),
        (own, Unreadable::Bounds(NotAnIntent::OwnApproval)),
    ] {
        let opening = Opening { salt: [1; 32], detail };
        let index = log.append(leaf(&opening));
        let refused = gate().receipt(log.prove(index, opening), NOW).unwrap_err();
        assert_eq!(refused, NoReceipt::Unreadable(why));
    }
}

#[test]
fn too_few_witnesses_are_no_quorum() {
    let mut log = Log::of(5);
    let proof = log.proof(intent());
    let gate = Gate::new(log_key(), quorum());
    for (witnesses, seen) in [(&[][..], 0), (&[2][..], 1)] {
        let checkpoint = cosigned(&proof.checkpoint, witnesses);
        let refused = gate.receipt(access::Proof { checkpoint, ..proof.clone() }, NOW);
        let quorum = Unverified::Quorum { seen, needed: 2 };
        assert_eq!(refused.unwrap_err(), NoReceipt::Unverified(quorum));
    }
    let checkpoint = cosigned(&proof.checkpoint, &[1, 3]);
    assert!(gate.receipt(access::Proof { checkpoint, ..proof }, NOW).is_ok());
}

#[test]
fn a_disclosure_is_carried_out_in_its_time_only() {
    let mut log = Log::of(5);
    let proof = log.proof(intent());
    let at = |now: Timestamp| gate().receipt(proof.clone(), now).err();
    let before = |time: Timestamp, by: Duration| {
        Timestamp::from_micros(time.micros() - i64::try_from(by.as_micros()).unwrap())
    };
    let tick = Duration::from_micros(1);
    assert_eq!(at(before(NOW, CLOCKS_APART_MAX)), None);
    assert_eq!(at(before(NOW, CLOCKS_APART_MAX + tick)), Some(NoReceipt::NotYet));
    let expires = NOW.after(10 * MINUTE);
    assert_eq!(at(before(expires, tick)), None);
    assert_eq!(at(expires), Some(NoReceipt::Expired));
}

#[test]
fn data_are_released_for_their_own_entry_only() {
    let mut log = Log::of(5);
    let receipt = |log: &mut Log, intent| gate().receipt(log.proof(intent), NOW).unwrap();
    let records = |records: &[u64]| Object::Records {
        agency: AgencyId(3),
        records: records.iter().copied().map(CallId).collect(),
    };
    let search = |object| Intent { verb: Verb::Search, object, ..intent() };
    let rows = || Undisclosed::new(records(&[1, 2]), ["row 1", "row 2"]);
    assert_eq!(format!("{:?}", rows()), "[undisclosed]");
    assert_eq!(rows().object(), &records(&[1, 2]));
    let entered = receipt(&mut log, search(records(&[1, 2])));
    assert_eq!(rows().release(entered), Ok(["row 1", "row 2"]));
    for other in [records(&[1]), records(&[1, 2, 3]), intent().object] {
        let entered = receipt(&mut log, search(other));
        assert_eq!(rows().release(entered), Err(NotReleased::OtherObject));
    }
    for verb in [Verb::Hold, Verb::Approve] {
        let entered = receipt(&mut log, Intent { verb, ..search(records(&[1, 2])) });
        assert_eq!(rows().release(entered), Err(NotReleased::ShowsNothing));
    }
}

#[test]
fn what_is_out_of_bounds_is_not_entered() {
    let case = |case: &str| Intent { case: Private::new(case.to_owned()), ..intent() };
    let valid = |length| Intent { expires: NOW.after(length), ..intent() };
    let object = |object| Intent { object, ..intent() };
    let agency = AgencyId(3);
    let records = |numbers: &mut dyn Iterator<Item = u64>| {
        object(Object::Records { agency, records: numbers.map(CallId).collect() })
    };
    let months = |months: Vec<Month>| object(Object::Counts { agency, months });
    let month = |number: u16| Month { year: 2000 + number / 12, month: (number % 12 + 1) as u8 };
    let approved = |approvers: Vec<u32>| Intent {
        leave: Leave::Grant {
            grant: GrantId(5),
            approvers: approvers.into_iter().map(StaffId).collect(),
        },
        ..intent()
    };
    let most = RECORDS_COUNT_MAX as u64;
    let years = MONTHS_COUNT_MAX as u16;
    let many = APPROVERS_COUNT_MAX as u32;
    let tick = Duration::from_micros(1);
    for (intent, why) in [
        (case(""), NotAnIntent::Case),
        (case(" "), NotAnIntent::Case),
        (case("24\n25"), NotAnIntent::Case),
        (case(&"4".repeat(CASE_OCTETS_MAX + 1)), NotAnIntent::Case),
        (valid(Duration::ZERO), NotAnIntent::Expiry),
        (valid(VALID_MAX + tick), NotAnIntent::Expiry),
        (records(&mut (0..=most)), NotAnIntent::Object),
        (records(&mut [2, 1].into_iter()), NotAnIntent::Object),
        (records(&mut [1, 1].into_iter()), NotAnIntent::Object),
        (months((0..=years).map(month).collect()), NotAnIntent::Object),
        (months(vec![Month { year: 2026, month: 0 }]), NotAnIntent::Object),
        (months(vec![Month { year: 2026, month: 13 }]), NotAnIntent::Object),
        (months(vec![month(2), month(1)]), NotAnIntent::Object),
        (approved(vec![13, 12]), NotAnIntent::Approvers),
        (approved((20..=20 + many).collect()), NotAnIntent::Approvers),
        (approved(vec![10, 11]), NotAnIntent::OwnApproval),
    ] {
        assert_eq!(intent.check(), Err(why));
    }
    for intent in [
        case(&"4".repeat(CASE_OCTETS_MAX)),
        valid(VALID_MAX),
        records(&mut (u64::MAX - most..u64::MAX)),
        records(&mut std::iter::empty()),
        months((0..years).map(month).collect()),
        approved((20..20 + many).collect()),
        Intent { leave: Leave::BrokenGlass, ..intent() },
        object(Object::Ledger { agency }),
        object(held()),
    ] {
        let rows = intent.object.rows();
        let listed = match &intent.object {
            Object::Records { records, .. } => records.len(),
            Object::Counts { months, .. } => months.len(),
            Object::Recording { .. } => 1,
            Object::Ledger { .. } | Object::Held { .. } => 0,
        };
        assert_eq!((rows as usize, intent.object.agency()), (listed, agency));
        assert_eq!(intent.check(), Ok(()));
    }
}

fn held() -> Object {
    Object::Held {
        agency: AgencyId(3),
        person: true,
        number: false,
        from: Some(Timestamp::from_micros(1)),
        until: None,
        salt: [7; 32],
        what: [9; 32],
    }
}

#[test]
fn the_octets_of_what_is_held_are_pinned() {
    let octets = postcard::to_allocvec(&held()).unwrap();
    assert_eq!(octets, [&[4, 3, 1, 0, 1, 2, 0][..], &[7; 32], &[9; 32]].concat());
    assert_eq!(postcard::from_bytes::<Object>(&octets).unwrap(), held());
}

#[test]
fn what_an_entry_says_stays_readable() {
    let opening = opening(&intent(), 1);
    let detail = opening.detail.iter().map(|octet| format!("{octet:02x}"));
    assert_eq!(detail.collect::<String>(), GOLDEN_DETAIL);
    let commitment = opening.commitment().map(|octet| format!("{octet:02x}")).concat();
    assert_eq!(commitment, GOLDEN_COMMITMENT);
}

/// For whom, and all that can be looked for.
fn demand() -> Demand {
    Demand {
        audience: Audience::Defence,
        key: Some(Recipient([6; 32])),
        query: Query {
            line: Line::Protected,
            person: Some(Private::new("P".to_owned())),
            number: Some(Private::new(E164::new(12_025_550_142).unwrap())),
            facility: Some("f".to_owned()),
            station: Some("s".to_owned()),
            from: Some(Timestamp::from_micros(1)),
            until: Some(Timestamp::from_micros(2)),
            outcome: Some("o".to_owned()),
            recorded: Some(true),
            after: Some((Timestamp::from_micros(3), 4)),
        },
        note: Some(Private::new("n".to_owned())),
    }
}

#[test]
fn for_whom_and_what_was_looked_for_stays_readable() {
    let octets = postcard::to_allocvec(&demand()).unwrap();
    let number = [1, 0xbe, 0xaa, 0x9d, 0xe6, 0x2c];
    let expected = [
        &[1, 1][..],
        &[6; 32],
        &[1, 1, 1, b'P'],
        &number,
        &[1, 1, b'f', 1, 1, b's', 1, 2, 1, 4, 1, 1, b'o', 1, 1, 1, 6, 4, 1, 1, b'n'],
    ]
    .concat();
    assert_eq!(octets, expected);
    // Both versions of an entry are read, and neither passes for the other.
    let mut log = Log::new();
    let told = Intent { demand: Some(demand()), ..intent() };
    let proof = log.proof(told.clone());
    assert!(proof.opening.detail.starts_with(b"disclosure v2\0"));
    assert_eq!(gate().said(proof), Ok(told.clone()));
    let proof = log.proof(intent());
    assert_eq!(gate().said(proof), Ok(intent()));
    let [first, second] = [opening(&intent(), 1).detail, opening(&told, 1).detail];
    let second_as_first = [HEAD, &second[HEAD.len()..]].concat();
    let first_as_second = [&second[..HEAD.len()], &first[HEAD.len()..]].concat();
    for detail in [second_as_first, first_as_second] {
        let opening = Opening { salt: [1; 32], detail };
        let index = log.append(leaf(&opening));
        let proof = log.prove(index, opening);
        assert_eq!(gate().said(proof), Err(NoReceipt::Unreadable(Unreadable::Octets)));
    }
}

#[test]
fn what_is_looked_for_is_on_one_line() {
    let asks = |demand| Intent { demand: Some(demand), ..intent() }.check();
    let query = |query| Demand { query, ..demand() };
    let person =
        |text: &str| Query { person: Some(Private::new(text.to_owned())), ..demand().query };
    let note = |text: String| Demand { note: Some(Private::new(text)), ..demand() };
    for fits in [
        query(person(&"x".repeat(QUERY_WORD_OCTETS_MAX))),
        note("\u{1f4de}".repeat(NOTE_CHARS_MAX)),
        Demand::of(Audience::Nobody, Line::Ordinary),
    ] {
        assert_eq!(asks(fits), Ok(()));
    }
    for bad in [
        query(person(&"x".repeat(QUERY_WORD_OCTETS_MAX + 1))),
        query(person("P\u{1b}[2J")),
        query(Query { outcome: Some("a\nb".to_owned()), ..demand().query }),
        note("x".repeat(NOTE_CHARS_MAX + 1)),
        note("two\nlines".to_owned()),
    ] {
        assert_eq!(asks(bad), Err(NotAnIntent::Demand));
    }
}

#[test]
fn nothing_of_an_entry_is_printed() {
    let printed = format!("{:?} {:?}", intent(), opening(&intent(), 1));
    assert!(printed.contains("[private]") && !printed.contains("0117"), "{printed}");
}

/// Entries outlive programs: these do not change.
const GOLDEN_DETAIL: &str = "\
    646973636c6f73757265207631000b000301000a32342d43522d3031313700000307090909090909\
    09090909090909090909090909090909090909090909090909090808080808080808080808080808\
    0808080808080808080808080808080808080005010c040404040404040404040404040404040404\
    040404040404040404040404040480d0b8a087cdb00680e8d2dc8bcdb006";
const GOLDEN_COMMITMENT: &str = "fb19a1c666ae0df38d777ec171dd6133d091158a823aea9b63e905a9dee2828b";
