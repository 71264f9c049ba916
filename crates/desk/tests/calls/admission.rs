//! May this call be placed, may it be recorded, what does it cost? The table of answers, and what
//! the store has of them afterwards.

use call::{Admission, Answer, Choices, Connect, Price, Question};
use charging::CapTable;
use evidence::Statement;
use model::{
    Language, Money, Private, Side,
    fact::{Epoch, NumberClass, OffReason, Refusal, Rest},
};
use std::time::Duration;
use store::{CallRow, Outcome, RecordingRow};
use switch::Office;

use crate::{
    conversation::{Conversation, number},
    county::{ANNA, Caller, County, MARCUS, Node, ROSA, TYRONE},
    entries::statements,
};

/// What is expected of an admission: class, whether it may be recorded, price in micro-dollars per
/// minute or `None` for free, and the longest talk in seconds.
type Allowed = (NumberClass, Result<Epoch, OffReason>, Option<i64>, u64);

const ORDINARY: NumberClass = NumberClass::Ordinary;
const PROTECTED: NumberClass = NumberClass::Protected;
const FREE: NumberClass = NumberClass::Free;
const EPOCH: Epoch = Epoch(1);
/// 0.09 and 0.02.
const JAIL: Option<i64> = Some(110_000);
const ANNEX: Option<i64> = Some(60_000);
const FARM: Option<i64> = Some(60_000);

/// Who dials what, and what comes of it.
const TABLE: &[(&str, Caller, &str, Result<Allowed, Refusal>)] = &[
    ("anybody", MARCUS, "2025550101", Ok((ORDINARY, Ok(EPOCH), JAIL, 1_200))),
    ("with the one", MARCUS, "12025550101", Ok((ORDINARY, Ok(EPOCH), JAIL, 1_200))),
    ("as far as the money goes", ROSA, "2025550101", Ok((ORDINARY, Ok(EPOCH), JAIL, 81))),
    ("counsel", MARCUS, "2025550150", Ok((PROTECTED, Err(OffReason::Protected), JAIL, 1_200))),
    ("blocked by the agency", MARCUS, "2025550130", Err(Refusal::NumberNotAllowed)),
    ("blocked elsewhere", MARCUS, "2025550131", Ok((ORDINARY, Ok(EPOCH), JAIL, 1_200))),
    ("free, and recorded", MARCUS, "2025550140", Ok((FREE, Ok(EPOCH), None, 1_200))),
    ("emergency", MARCUS, "911", Err(Refusal::EmergencyNotHere)),
    ("directory assistance", MARCUS, "411", Err(Refusal::NumberNotAllowed)),
    ("too short", MARCUS, "2025550", Err(Refusal::NumberInvalid)),
    ("no number", MARCUS, "1", Err(Refusal::NumberInvalid)),
    (
        "own contact",
        TYRONE,
        "2025550120",
        Ok((ORDINARY, Err(OffReason::FacilityOff), ANNEX, 1_200)),
    ),
    ("somebody else's contact", TYRONE, "2025550121", Err(Refusal::NumberNotAllowed)),
    ("no contact", TYRONE, "2025550101", Err(Refusal::NumberNotAllowed)),
    (
        "counsel needs no list",
        TYRONE,
        "2025550150",
        Ok((PROTECTED, Err(OffReason::Protected), ANNEX, 1_200)),
    ),
    (
        "free needs no list",
        TYRONE,
        "2025550140",
        Ok((FREE, Err(OffReason::FacilityOff), None, 1_200)),
    ),
    (
        "protected and free",
        TYRONE,
        "2025550142",
        Ok((PROTECTED, Err(OffReason::Protected), None, 1_200)),
    ),
    (
        "allowed for all",
        TYRONE,
        "2025550141",
        Ok((ORDINARY, Err(OffReason::FacilityOff), ANNEX, 1_200)),
    ),
    ("contact, recorded", ANNA, "2025550121", Ok((ORDINARY, Ok(EPOCH), FARM, 300))),
    ("blocked by the facility", ANNA, "2025550131", Err(Refusal::NumberNotAllowed)),
    (
        "protected, free elsewhere",
        ANNA,
        "2025550142",
        Ok((PROTECTED, Err(OffReason::Protected), FARM, 300)),
    ),
];

#[test]
fn each_wish_gets_its_answer_and_its_record() {
    let county = County::new();
    let node = county.open();
    for (counter, (case, caller, dialled, expected)) in (1..).zip(TABLE) {
        let answer = node.admit(node.call(counter), *caller, dialled);
        assert_answer(case, &answer, dialled, *expected);
        // The money of one case is not missing in the next.
        node.desk.broken(node.call(counter), node.now());
    }
    let kept = node.end();
    assert_eq!(kept.calls.len(), TABLE.len());
    for (row, (case, _, dialled, expected)) in kept.calls.iter().zip(TABLE) {
        assert_row(case, row, dialled, *expected);
    }
    assert_eq!(kept.money.settled, Money::ZERO);
}

fn assert_answer(case: &str, answer: &Answer, dialled: &str, expected: Result<Allowed, Refusal>) {
    match (answer, expected) {
        (Answer::Admitted(admission), Ok((class, may_record, price, talk_secs))) => {
            let price = match price {
                Some(micros) => Price::PerMinute(Money::from_micros(micros)),
                None => Price::Free,
            };
            let wanted = Admission {
                number: number(dialled.trim_start_matches('1')),
                class,
                may_record,
                price,
                talk_max: Duration::from_secs(talk_secs),
                called_language: Language::En,
                connect: Connect::Announced,
                choices: Choices { private_claim: true, ..Choices::default() },
                voice: None,
            };
            assert_eq!(*admission, wanted, "{case}");
        }
        (Answer::Denied(reason), Err(refusal)) => assert_eq!(*reason, refusal, "{case}"),
        (other, _) => panic!("{case}: {other:?}"),
    }
}

fn assert_row(case: &str, row: &CallRow, dialled: &str, expected: Result<Allowed, Refusal>) {
    match expected {
        Ok((class, _, price, talk_secs)) => {
            assert_eq!(row.class, Some(class), "{case}");
            assert_eq!(row.number, Some(number(dialled.trim_start_matches('1'))), "{case}");
            let held = price
                .map(|micros| Money::from_micros(micros * i64::try_from(talk_secs).unwrap() / 60));
            assert_eq!(row.held, held, "{case}");
            let rest = if price.is_some() { Rest::Released } else { Rest::NoHold };
            let Outcome::Ended { charged, rest: kept, .. } = row.outcome else {
                panic!("{case}: {row:?}");
            };
            assert_eq!((charged, kept), (Money::ZERO, rest), "{case}");
        }
        Err(refusal) => {
            assert_eq!(row.outcome, Outcome::Denied(refusal), "{case}");
            assert_eq!((row.class, row.held), (None, None), "{case}");
            let is_number = dialled.len() >= 10;
            assert_eq!(row.number.is_some(), is_number, "{case}");
        }
    }
    assert_eq!(row.recording, RecordingRow::NoTalk, "{case}");
}

/// What an ordinary call gets: at the jail, which places it unrecorded when the registry is down;
/// at the farm, which refuses; and what counsel gets there.
fn assert_registry_is_down(node: &Node, counter: u32, case: &str) {
    let unrecorded = Err(OffReason::RegistryUnusable);
    for (offset, (caller, dialled, expected)) in (0..).zip([
        (MARCUS, "2025550101", Ok((ORDINARY, unrecorded, JAIL, 1_200))),
        (MARCUS, "2025550140", Ok((FREE, unrecorded, None, 1_200))),
        (ANNA, "2025550121", Err(Refusal::RegistryUnavailable)),
        (TYRONE, "2025550120", Err(Refusal::RegistryUnavailable)),
    ]) {
        let call = node.call(counter + offset);
        assert_answer(case, &node.admit(call, caller, dialled), dialled, expected);
        node.desk.broken(call, node.now());
    }
}

#[test]
fn a_county_that_never_had_a_registry_records_nothing() {
    let county = County::new_without_registry();
    let node = county.open();
    assert_registry_is_down(&node, 1, "missing");
    let mut conversation = Conversation::dial(&node, 9, MARCUS, "2025550101");
    conversation.answer();
    conversation.accept();
    assert_eq!(conversation.bridged, Some(Err(OffReason::RegistryUnusable)));
    conversation.talk(5);
    conversation.hang_up(Side::Called);
    drop(conversation);
    let kept = node.end();
    let last = kept.calls.last().unwrap();
    assert_eq!(last.recording, RecordingRow::Off(OffReason::RegistryUnusable));
    assert_eq!(county.recordings(), [""; 0]);
}

#[test]
fn a_registry_that_lost_numbers_records_nothing_until_that_is_confirmed() {
    let county = County::new();
    county.put("protected.csv", "number,holder\n2025550150,Cedar County Public Defender\n");
    county.apply_with("replace_protected = true", |_| {});
    let node = county.open();
    assert_registry_is_down(&node, 1, "shrunken");
    node.end();
    county.apply_with("replace_protected = true\nprotected_count = 1", |_| {});
    let node = county.open();
    let answer = node.admit(node.call(9), ANNA, "2025550121");
    assert!(matches!(answer, Answer::Admitted(admission) if admission.may_record.is_ok()));
}

#[test]
fn a_rate_above_its_cap_places_no_call_whatever_the_database_says() {
    let county = County::new();
    county.apply_with("", |plan| {
        let jail = plan.facilities.iter_mut().find(|facility| facility.key == "cedar/jail");
        jail.unwrap().base_per_minute = Money::from_cents(50);
    });
    let node = county.open();
    let answer = node.admit(node.call(1), MARCUS, "2025550101");
    assert_answer("unlawful", &answer, "2025550101", Err(Refusal::NoLawfulRate));
    let free = node.admit(node.call(2), MARCUS, "2025550140");
    assert_answer("free", &free, "2025550140", Ok((FREE, Ok(EPOCH), None, 1_200)));
    assert_eq!(node.balance(MARCUS), Money::from_cents(1_000));
    let kept = node.end();
    assert_eq!(kept.calls[0].outcome, Outcome::Denied(Refusal::NoLawfulRate));
    assert_eq!(kept.calls[0].held, None);
}

/// The law of a state, or a contract, is stricter than what the FCC allows.
#[test]
fn a_cap_of_an_operators_own_places_no_dearer_call() {
    let own = "id,order,source,kind,adp_min,adp_max,state,component,amount,from,to,note\n\
               co/total,An act,A code,any,,,CO,total,0.10,2020-01-01,,\n";
    let mut county = County::new();
    for (caps, expected) in [
        (CapTable::builtin(), Ok((ORDINARY, Ok(EPOCH), JAIL, 1_200))),
        (CapTable::parse(own).unwrap(), Err(Refusal::NoLawfulRate)),
    ] {
        county.caps = caps;
        let node = county.open();
        let answer = node.admit(node.call(1), MARCUS, "2025550101");
        assert_answer("an own cap", &answer, "2025550101", expected);
        let annex = node.admit(node.call(2), TYRONE, "2025550141");
        let below = Ok((ORDINARY, Err(OffReason::FacilityOff), ANNEX, 1_200));
        assert_answer("below it", &annex, "2025550141", below);
        node.end();
    }
    let says = |it: Statement| if let Statement::Tariff { caps } = it { Some(caps) } else { None };
    let [before, after] = statements(&county).into_iter().filter_map(says).collect::<Vec<_>>()[..]
    else {
        panic!("two starts");
    };
    assert_ne!(before, after, "the log says which caps are in use");
}

/// One telephone call, three wishes: the refusals and the call that came of it are all kept.
#[test]
fn what_was_refused_first_does_not_hide_the_call_that_was_placed_then() {
    let county = County::new();
    let node = county.open();
    let mut conversation = Conversation::dial(&node, 1, MARCUS, "2025550130");
    assert_eq!(conversation.dialled, None);
    conversation.press(Side::Station, "911#");
    conversation.press(Side::Station, "2025550101#");
    conversation.answer();
    conversation.accept();
    conversation.talk(60);
    conversation.hang_up(Side::Called);
    conversation.wait_told();
    drop(conversation);
    let kept = node.end();
    let outcomes: Vec<_> = kept.calls.iter().map(|row| row.outcome).collect();
    let [Outcome::Denied(first), Outcome::Denied(second), Outcome::Ended { charged, .. }] =
        outcomes[..]
    else {
        panic!("{outcomes:?}");
    };
    assert_eq!((first, second), (Refusal::NumberNotAllowed, Refusal::EmergencyNotHere));
    assert_eq!(charged, Money::from_micros(110_000));
    assert_eq!(kept.money.settled, charged);
    assert_eq!(kept.money.open, Money::ZERO);
    assert!(matches!(kept.calls[2].recording, RecordingRow::Recorded { frames: 60, .. }));
}

#[test]
fn a_person_or_a_station_that_is_gone_gets_no_call() {
    let county = County::new();
    county.open().end();
    let node = county.open();
    let person = Some(node.person(MARCUS));
    let dialled = Private::new("2025550101".to_owned());
    county.put(
        "people.csv",
        "facility,id,name,pin,removed\ncedar/jail,CC-1001,Marcus Bell,482913,yes\n",
    );
    county.put("contacts.csv", "person,number\n");
    county.protect_one_more(&node);
    assert!(matches!(node.identify(MARCUS, MARCUS.pin), Answer::PinUnknown));
    let question = Question::Admit { person, dialled };
    let answer = node.ask(node.call(1), MARCUS, question);
    assert_answer("gone", &answer, "2025550101", Err(Refusal::Unavailable));
}
