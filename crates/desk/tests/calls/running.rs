//! What is provisioned while a node runs takes effect in it, and what a call learns is remembered.

use call::Answer;
use model::{
    Language, Money, Side,
    fact::{NumberClass, OffReason, Refusal},
};
use std::time::Duration;
use store::RecordingRow;
use switch::Office;

use crate::{
    conversation::Conversation,
    county::{Caller, County, MARCUS, ROSA},
};

#[test]
fn a_deposit_can_be_spent_at_once_and_is_booked_once() {
    let county = County::new();
    let node = county.open();
    assert!(matches!(node.admit(node.call(1), ROSA, "2025550101"), Answer::Admitted(_)));
    county.put("deposits.csv", "person,amount,reference\nCC-1002,5.00,kiosk-1\n");
    county.apply();
    let more = Money::from_micros(5_001_500);
    node.wait_until("the deposit", |node| node.balance(ROSA) == more);
    // The same file again, and another change: nothing is booked twice.
    county.apply();
    county.protect_one_more(&node);
    assert_eq!(node.balance(ROSA), more);
    node.desk.broken(node.call(1), node.now());
    let whole = Money::from_micros(5_150_000);
    assert_eq!(node.balance(ROSA), whole);
    node.end();
    assert_eq!(county.open().balance(ROSA), whole);
}

#[test]
fn a_new_person_can_call_and_pay() {
    let county = County::new();
    let node = county.open();
    county.put(
        "people.csv",
        "facility,id,name,pin,opening_balance\ncedar/jail,CC-1009,Grace Whitfield,607342,2.00\n",
    );
    county.put("contacts.csv", "person,number\n");
    county.protect_one_more(&node);
    let grace = Caller { pin: "607342", ..MARCUS };
    assert_eq!(node.balance(grace), Money::from_cents(200));
    assert!(matches!(node.admit(node.call(1), grace, "2025550101"), Answer::Admitted(_)));
}

#[test]
fn a_number_that_is_protected_while_the_node_runs_is_not_recorded_from_then_on() {
    let county = County::new();
    let node = county.open();
    let mut before = Conversation::dial(&node, 1, MARCUS, "2025550160");
    before.answer();
    county.protect_one_more(&node);
    // The notice said "recorded" and the called party accepts; the vault asks the registry again.
    before.accept();
    assert_eq!(before.bridged, Some(Err(OffReason::Protected)));
    before.talk(7);
    before.hang_up(Side::Called);
    drop(before);
    let Answer::Admitted(admission) = node.admit(node.call(2), MARCUS, "2025550160") else {
        panic!("counsel can be called");
    };
    assert_eq!(admission.class, NumberClass::Protected);
    assert_eq!(admission.may_record, Err(OffReason::Protected));
    node.desk.broken(node.call(2), node.now());
    assert_eq!(county.recordings(), [""; 0], "not a single file");
    let kept = node.end();
    assert_eq!(kept.calls[0].recording, RecordingRow::Off(OffReason::Protected));
}

#[test]
fn an_unchanged_registry_is_confirmed_again_and_again() {
    let county = County::new();
    let node = county.open();
    let registry = node.desk.registry_view();
    for _ in 0..3 {
        county.pass(Duration::from_secs(61));
        let now = county.now();
        node.wait_until("the registry was confirmed", |_| registry().confirmed() == now);
        assert!(registry().usable(now).is_ok());
    }
}

#[test]
fn a_recording_that_runs_when_its_number_is_protected_goes_on_as_announced() {
    let county = County::new();
    let node = county.open();
    let mut conversation = Conversation::dial(&node, 1, MARCUS, "2025550160");
    conversation.answer();
    conversation.accept();
    conversation.talk(3);
    county.protect_one_more(&node);
    conversation.talk(3);
    conversation.hang_up(Side::Called);
    conversation.wait_told();
    drop(conversation);
    let kept = node.end();
    assert!(matches!(kept.calls[0].recording, RecordingRow::Recorded { frames: 6, .. }));
}

#[test]
fn a_number_that_is_blocked_while_the_node_runs_is_refused() {
    let county = County::new();
    let node = county.open();
    county.put("numbers.csv", "scope,number,rule\ncedar/jail,2025550170,blocked\n");
    county.protect_one_more(&node);
    let answer = node.admit(node.call(1), MARCUS, "2025550170");
    assert!(matches!(answer, Answer::Denied(Refusal::NumberNotAllowed)), "{answer:?}");
}

#[test]
fn a_called_party_is_spoken_to_in_the_language_they_chose_before() {
    let county = County::new();
    let node = county.open();
    let mut conversation = Conversation::dial(&node, 1, MARCUS, "2025550101");
    conversation.answer();
    conversation.press(Side::Called, "9");
    conversation.hang_up(Side::Called);
    drop(conversation);
    assert_eq!(node.language(node.call(2), MARCUS, "2025550101"), Language::Es);
    assert_eq!(node.language(node.call(3), MARCUS, "2025550102"), Language::En);
    // It is the number that has the language, not the person who calls.
    assert_eq!(node.language(node.call(4), ROSA, "2025550101"), Language::Es);
    for counter in 2..=4 {
        node.desk.broken(node.call(counter), node.now());
    }
    node.end();
    let node = county.open();
    assert_eq!(node.language(node.call(1), MARCUS, "2025550101"), Language::Es);
    node.desk.broken(node.call(1), node.now());
    let mut conversation = Conversation::dial(&node, 2, MARCUS, "2025550101");
    conversation.answer();
    conversation.press(Side::Called, "9");
    conversation.hang_up(Side::Called);
    drop(conversation);
    node.end();
    let node = county.open();
    assert_eq!(node.language(node.call(1), MARCUS, "2025550101"), Language::En);
}
