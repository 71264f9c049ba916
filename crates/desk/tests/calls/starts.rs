//! Telephones that say who calls, or what they dial.

use call::{Admission, Answer, CallEvent, Caller, Connect, Finished, Price, Question};
use model::{
    Money, Private,
    fact::{EndReason, NumberClass, OffReason, Refusal, Rest},
    plan::Dialling,
};
use std::time::Duration;
use store::{CallRow, Outcome, RecordingRow};
use switch::Office;

use crate::{
    conversation::number,
    county::{ANNA, CELL, County, HELP, MARCUS, Node, ROSA},
};

/// Lifts the telephone for help; the office puts it through.
fn call_for_help(node: &Node, counter: u32) -> Admission {
    let plan = node.desk.station(node.station(HELP)).unwrap();
    assert_eq!(plan.caller, Caller::Nobody);
    let Dialling::Hotline(hotline) = plan.dialling else { panic!("{:?}", plan.dialling) };
    let question = Question::Admit { person: None, dialled: hotline.dialled };
    match node.ask(node.call(counter), HELP, question) {
        Answer::Admitted(admission) => admission,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_hotline_goes_through_for_nobody_and_is_written_down() {
    let county = County::new();
    let node = county.open();
    let admission = call_for_help(&node, 1);
    assert_eq!(admission.number, number("2025550170"));
    assert_eq!((admission.price, admission.connect), (Price::Free, Connect::AtOnce));
    assert_eq!(admission.may_record, Err(OffReason::StationOff));
    let at = node.now();
    node.desk.tell(node.call(1), CallEvent::Answered { at });
    let finished = Finished {
        at,
        reason: Some(EndReason::CalledHungUp),
        talked: Duration::from_secs(7),
        decision_key: None,
        off: Some(OffReason::StationOff),
    };
    node.desk.finished(node.call(1), finished);
    let kept = node.end();
    let [row] = &kept.calls[..] else { panic!("{:?}", kept.calls) };
    assert_help(row, EndReason::CalledHungUp, Duration::from_secs(7));
    assert_eq!(row.recording, RecordingRow::Off(OffReason::StationOff));
}

#[test]
fn a_hotline_that_was_cut_by_a_death_ends_at_the_next_start() {
    let county = County::new();
    let node = county.open();
    call_for_help(&node, 1);
    node.desk.tell(node.call(1), CallEvent::Answered { at: node.now() });
    let dead = county.image();
    drop(node.end());
    let node = dead.open();
    assert_eq!((node.recovered.calls, node.recovered.charged), (1, Money::ZERO));
    assert_help(&node.kept().calls[0], EndReason::NodeDied, Duration::ZERO);
}

fn assert_help(row: &CallRow, why: EndReason, length: Duration) {
    assert_eq!((row.person, row.held), (None, None));
    assert_eq!(row.class, Some(NumberClass::Free));
    let Outcome::Ended { reason, talked, charged, rest, .. } = row.outcome else {
        panic!("{row:?}");
    };
    assert_eq!((reason, talked, charged, rest), (why, length, Money::ZERO, Rest::NoHold));
}

#[test]
fn nobody_calls_nothing_that_costs() {
    let county = County::new();
    let node = county.open();
    for (dialled, free) in [("2025550140", true), ("2025550121", false), ("2025550150", false)] {
        let dialled = Private::new(dialled.to_owned());
        let question = Question::Admit { person: None, dialled };
        let answer = node.ask(node.call(1), HELP, question);
        assert_eq!(matches!(answer, Answer::Admitted(_)), free, "{answer:?}");
        node.desk.broken(node.call(1), node.now());
    }
    let denied = node.end().calls.into_iter().filter(|row| row.person.is_none()).count();
    assert_eq!(denied, 3);
}

#[test]
fn a_telephone_of_somebodys_own_knows_them_until_they_leave() {
    let county = County::new();
    let node = county.open();
    let plan = node.desk.station(node.station(CELL)).unwrap();
    let Caller::Known(who) = plan.caller else { panic!("{:?}", plan.caller) };
    assert_eq!(who.person, node.person(ANNA));
    assert_eq!(plan.dialling, Dialling::EnBloc);
    let left = "facility,id,name,pin,removed\ncedar/farm,CC-3001,Anna Kowalski,,yes\n";
    county.put("people.csv", left);
    county.put("contacts.csv", "person,number\n");
    county.apply();
    let station = node.station(CELL);
    node.wait_until("the person has left", |node| {
        node.desk.station(station).unwrap().caller == Caller::AskPin
    });
    node.end();
}

#[test]
fn a_person_makes_one_call_at_a_time() {
    let county = County::new();
    let node = county.open();
    let admit = |counter, dialled| node.admit(node.call(counter), MARCUS, dialled);
    assert!(matches!(admit(1, "2025550101"), Answer::Admitted(_)));
    // Neither a free line nor another telephone is a way around it.
    for dialled in ["2025550102", "2025550140", "711"] {
        let answer = admit(2, dialled);
        assert!(matches!(answer, Answer::Denied(Refusal::AlreadyCalling)), "{answer:?}");
    }
    let rosa = node.admit(node.call(3), ROSA, "2025550101");
    assert!(matches!(rosa, Answer::Admitted(_)), "{rosa:?}");
    node.desk.broken(node.call(1), node.now());
    assert!(matches!(admit(4, "2025550101"), Answer::Admitted(_)), "the first one is over");
    node.end();
}
