//! The octets of one fact of each kind, pinned: a journal of an older version must stay readable.
//!
//! When this test fails, the order of variants or fields in `model::fact` changed. Put it back and
//! append at the end; the octets here are never edited, only added to.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

use model::{
    AccountId, AgencyId, CallId, E164, FacilityId, Language, Money, PersonId, Private, PromptId,
    StationId, Timestamp, TrunkId, UnitId,
    fact::{
        Admitted, ConsentEvidence, Denied, EndReason, Ended, Epoch, Fact, Heard, HoldFact, KeyPath,
        LegHeard, NameActed, NameByStaff, NameDid, NameRecorded, NumberClass, OffReason, RateFact,
        RecordingEnd, RecordingState, Refusal, Rest,
    },
    place::{FacilityKind, Site, State},
    speech::ContentHash,
};
use std::{fmt::Write, time::Duration};

/// Position of a fact's variant. A new variant does not compile here until it has a number, and
/// then the test fails until it has its octets below.
fn position(fact: &Fact) -> usize {
    match fact {
        Fact::Boot { .. } => 0,
        Fact::Admitted(_) => 1,
        Fact::Denied(_) => 2,
        Fact::Answered { .. } => 3,
        Fact::Accepted { .. } => 4,
        Fact::Talked { .. } => 5,
        Fact::RecordingClosed { .. } => 6,
        Fact::Ended(_) => 7,
        Fact::LanguageChosen { .. } => 8,
        Fact::PinRefused { .. } => 9,
        Fact::Dialled { .. } => 10,
        Fact::NeverRecorded { .. } => 11,
        Fact::PrivateClaimed { .. } => 12,
        Fact::CallsBlocked { .. } => 13,
        Fact::Forwarded { .. } => 14,
        Fact::NameRecorded(_) => 15,
        Fact::NameHeard(_) => 16,
        Fact::NameApproved(_) => 17,
        Fact::NameRemoved { .. } => 18,
        Fact::Heard(_) => 19,
        Fact::NameByStaff(_) => 20,
    }
}

const AT: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
const CALL: CallId = CallId::from_parts(2, 3);

fn heard() -> Fact {
    let station = LegHeard {
        received: 1_500,
        lost: 3,
        jitter: Duration::from_micros(1_250),
        sent: 1_502,
        lost_there: 1,
        jitter_there: Duration::from_micros(500),
    };
    let called = LegHeard { received: 7, ..LegHeard::default() };
    Fact::Heard(Box::new(Heard { call: CALL, at: AT, station, called }))
}

fn name_recorded() -> Fact {
    Fact::NameRecorded(Box::new(NameRecorded {
        call: CALL,
        agency: AgencyId(1),
        person: PersonId(5),
        sha256: [0xab; 32],
        voice: [0xcd; 32],
        octets: 9_000,
        at: AT,
    }))
}

fn name_acted() -> NameActed {
    NameActed { agency: AgencyId(1), person: PersonId(5), sha256: [0xab; 32], at: AT }
}

fn name_by_staff() -> Fact {
    let (did, by) = (NameDid::Approved, model::StaffId(300));
    Fact::NameByStaff(NameByStaff { acted: name_acted(), did, by, act: 4_000 })
}

fn admitted() -> Fact {
    let site = Site { kind: FacilityKind::Jail, adp: 420, state: State::new("CO").unwrap() };
    let rate = RateFact {
        base_per_minute: Money::from_micros(60_000),
        additive_per_minute: Money::from_micros(20_000),
        site,
        at: AT,
    };
    Fact::Admitted(Box::new(Admitted {
        call: CALL,
        at: AT,
        agency: AgencyId(1),
        facility: FacilityId(2),
        unit: UnitId(3),
        station: StationId(4),
        person: Some(PersonId(5)),
        number: Private::new(E164::new(12_025_550_142).unwrap()),
        class: NumberClass::Ordinary,
        epoch: Epoch(7),
        may_record: Err(OffReason::FacilityOff),
        hold: Some(HoldFact {
            account: AccountId(6),
            amount: Money::from_cents(120),
            rate,
            expires: AT.after(Duration::from_secs(3_600)),
        }),
    }))
}

fn denied() -> Fact {
    Fact::Denied(Box::new(Denied {
        call: CALL,
        at: AT,
        agency: AgencyId(1),
        facility: FacilityId(2),
        station: StationId(4),
        person: Some(PersonId(5)),
        number: None,
        reason: Refusal::InsufficientFunds,
    }))
}

fn private_claimed() -> Fact {
    let number = Private::new(E164::new(12_025_550_142).unwrap());
    Fact::PrivateClaimed { call: CALL, agency: AgencyId(1), number, at: AT }
}

fn calls_blocked() -> Fact {
    let number = Private::new(E164::new(12_025_550_142).unwrap());
    let facility = Some(FacilityId(2));
    Fact::CallsBlocked { call: CALL, agency: AgencyId(1), facility, number, at: AT }
}

fn accepted() -> Fact {
    let evidence = Box::new(ConsentEvidence {
        pack: ContentHash([1; 32]),
        prompts: vec![PromptId::CallFrom, PromptId::NoticeRecorded],
        language: Language::Es,
        played_called: ContentHash([2; 32]),
        played_station: ContentHash([3; 32]),
        notice_ended: AT,
        key_onset: AT.after(Duration::from_millis(700)),
        key: '1',
        path: KeyPath::TelephoneEvent,
    });
    Fact::Accepted { call: CALL, evidence, recording: Ok(Epoch(7)) }
}

/// One fact of each kind, in order, with its octets.
fn golden() -> [(Fact, &'static str); 21] {
    let recording =
        RecordingEnd { state: RecordingState::Cut, bytes: 16_000, frames: 1, sha256: [4; 32] };
    let ended = Ended {
        call: CALL,
        at: AT,
        reason: EndReason::CalledHungUp,
        talked: Duration::new(61, 500),
        charged: Money::from_micros(81_333),
        rest: Rest::Released,
        decision_key: Some('1'),
        off: None,
    };
    [
        (Fact::Boot { boot: 2, at: AT, version: "0.1.0".to_owned() }, BOOT),
        (admitted(), ADMITTED),
        (denied(), DENIED),
        (Fact::Answered { call: CALL, at: AT }, ANSWERED),
        (accepted(), ACCEPTED),
        (Fact::Talked { call: CALL, talked: Duration::new(5, 0), at: AT }, TALKED),
        (Fact::RecordingClosed { call: CALL, recording, at: AT }, RECORDING_CLOSED),
        (Fact::Ended(Box::new(ended)), ENDED),
        (
            Fact::LanguageChosen {
                agency: AgencyId(1),
                number: Private::new(E164::new(12_025_550_142).unwrap()),
                language: Language::Es,
                at: AT,
            },
            LANGUAGE_CHOSEN,
        ),
        (Fact::PinRefused { station: StationId(4), at: AT }, PIN_REFUSED),
        (Fact::Dialled { call: CALL, trunk: TrunkId(300), at: AT }, DIALLED),
        (Fact::NeverRecorded { call: CALL, reason: OffReason::Disk, at: AT }, NEVER_RECORDED),
        (private_claimed(), PRIVATE_CLAIMED),
        (calls_blocked(), CALLS_BLOCKED),
        (Fact::Forwarded { call: CALL, at: AT }, FORWARDED),
        (name_recorded(), NAME_RECORDED),
        (Fact::NameHeard(name_acted()), NAME_HEARD),
        (Fact::NameApproved(name_acted()), NAME_APPROVED),
        (Fact::NameRemoved { acted: name_acted(), call: Some(CALL) }, NAME_REMOVED),
        (heard(), HEARD),
        (name_by_staff(), NAME_BY_STAFF),
    ]
}

#[test]
fn facts_keep_their_octets() {
    for (index, (fact, expected)) in golden().into_iter().enumerate() {
        assert_eq!(position(&fact), index);
        let octets = postcard::to_allocvec(&fact).unwrap();
        let hex = octets.iter().fold(String::new(), |mut hex, octet| {
            write!(hex, "{octet:02x}").unwrap();
            hex
        });
        assert_eq!(hex, expected, "{fact:?}");
        assert_eq!(postcard::from_bytes::<Fact>(&octets).unwrap(), fact);
    }
}

const BOOT: &str = "00028080f2818389850605302e312e30";
const ADMITTED: &str = "\
    0183808080208080f281838985060102030405beaa9de62c00070101010680be9201c0a907c0b802\
    01a403434f8080f2818389850680908feb9d898506";
const DENIED: &str = "0283808080208080f28183898506010204050003";
const ANSWERED: &str = "0383808080208080f28183898506";
const ACCEPTED: &str = "\
    04838080802001010101010101010101010101010101010101010101010101010101010101010216\
    1a010202020202020202020202020202020202020202020202020202020202020202030303030303\
    03030303030303030303030303030303030303030303030303038080f28183898506c0b9c7828389\
    85060131000007";
const TALKED: &str = "05838080802005008080f28183898506";
const RECORDING_CLOSED: &str = "\
    06838080802001807d01040404040404040404040404040404040404040404040404040404040404\
    04048080f28183898506";
const ENDED: &str = "0783808080208080f28183898506013df403eaf6090101013100";
const LANGUAGE_CHOSEN: &str = "0801beaa9de62c018080f28183898506";
const PIN_REFUSED: &str = "09048080f28183898506";
const PRIVATE_CLAIMED: &str = "0c838080802001beaa9de62c8080f28183898506";
const CALLS_BLOCKED: &str = "0d8380808020010102beaa9de62c8080f28183898506";
const DIALLED: &str = "0a8380808020ac028080f28183898506";
const NEVER_RECORDED: &str = "0b8380808020048080f28183898506";
const FORWARDED: &str = "0e83808080208080f28183898506";
const NAME_RECORDED: &str = "\
    0f83808080200105abababababababababababababababababababababababababababababababab\
    cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcda8468080f28183898506";
const HEARD: &str = "1383808080208080f28183898506dc0b0300d0a54cde0b0100a0c21e0700000000000000";
const NAME_HEARD: &str = "\
    100105abababababababababababababababababababababababababababababababab8080f28183898506";
const NAME_APPROVED: &str = "\
    110105abababababababababababababababababababababababababababababababab8080f28183898506";
const NAME_BY_STAFF: &str = "\
    140105abababababababababababababababababababababababababababababababab8080f281838985060\
    1ac02a01f";
const NAME_REMOVED: &str = "\
    120105abababababababababababababababababababababababababababababababab8080f28183898506018380808020";
