//! Money is held before a call, settled once after it, and never spent twice.

use call::{Answer, Finished};
use model::{
    Money, Side,
    fact::{EndReason, Refusal, Rest},
};
use std::{sync::Barrier, time::Duration};
use store::Outcome;
use switch::Office;

use crate::{
    conversation::Conversation,
    county::{County, MARCUS, Node, ROSA},
};

fn micros(micros: i64) -> Money {
    Money::from_micros(micros)
}

fn finished(node: &Node, talked: Duration) -> Finished {
    let reason = Some(EndReason::CalledHungUp);
    Finished { at: node.now(), reason, talked, decision_key: Some('1'), off: None }
}

#[test]
fn a_call_holds_what_it_can_cost_and_settles_what_it_cost() {
    let county = County::new();
    let node = county.open();
    let mut conversation = Conversation::dial(&node, 1, MARCUS, "2025550101");
    // Twenty minutes at 0.11.
    assert_eq!(node.balance(MARCUS), micros(7_800_000));
    conversation.answer();
    conversation.accept();
    conversation.talk(61);
    conversation.hang_up(Side::Station);
    conversation.wait_told();
    drop(conversation);
    // 61 seconds, fractions of a micro-dollar dropped.
    assert_eq!(node.balance(MARCUS), micros(10_000_000 - 111_833));
    let kept = node.end();
    assert_eq!(kept.calls.len(), 1);
    let Outcome::Ended { reason, talked, charged, rest, decision_key, .. } = kept.calls[0].outcome
    else {
        panic!("{:?}", kept.calls);
    };
    assert_eq!((reason, talked.as_secs()), (EndReason::StationHungUp, 61));
    assert_eq!((charged, rest, decision_key), (micros(111_833), Rest::Released, Some('1')));
    assert_eq!((kept.money.held, kept.money.open), (micros(2_200_000), Money::ZERO));
}

#[test]
fn whatever_ends_a_call_again_changes_nothing() {
    let county = County::new();
    let node = county.open();
    let call = node.call(1);
    assert!(matches!(node.admit(call, MARCUS, "2025550101"), Answer::Admitted(_)));
    node.desk.finished(call, finished(&node, Duration::from_secs(60)));
    let after = node.balance(MARCUS);
    assert_eq!(after, micros(10_000_000 - 110_000));
    node.desk.finished(call, finished(&node, Duration::from_secs(600)));
    node.desk.broken(call, node.now());
    let late = call::CallEvent::Talked { talked: Duration::from_secs(900), at: node.now() };
    node.desk.tell(call, late);
    node.desk.finished(call, finished(&node, Duration::from_secs(900)));
    assert_eq!(node.balance(MARCUS), after);
    // A call that was never admitted has nothing to settle.
    node.desk.finished(node.call(2), finished(&node, Duration::from_secs(60)));
    node.desk.broken(node.call(3), node.now());
    let kept = node.end();
    assert_eq!(kept.calls.len(), 1);
    assert_eq!(kept.money.settled, micros(110_000));
}

#[test]
fn a_fault_charges_up_to_the_last_mark() {
    let county = County::new();
    let node = county.open();
    let mut conversation = Conversation::dial(&node, 1, MARCUS, "2025550101");
    conversation.answer();
    conversation.accept();
    conversation.talk(14);
    node.desk.broken(conversation.call, node.now());
    conversation.end_recording();
    conversation.wait_told();
    drop(conversation);
    // Ten seconds of fourteen.
    assert_eq!(node.balance(MARCUS), micros(10_000_000 - 18_333));
    let kept = node.end();
    assert!(matches!(
        kept.calls[0].outcome,
        Outcome::Ended { reason: EndReason::Fault, talked, .. } if talked.as_secs() == 10
    ));
}

#[test]
fn the_hold_bounds_the_charge_and_the_talk() {
    let county = County::new();
    let node = county.open();
    let mut conversation = Conversation::dial(&node, 1, ROSA, "2025550101");
    assert_eq!(node.balance(ROSA), micros(1_500), "81 seconds cost 0.1485");
    conversation.answer();
    conversation.accept();
    conversation.talk(90);
    assert_eq!(conversation.finished.as_ref().unwrap().reason, Some(EndReason::LimitReached));
    conversation.wait_told();
    drop(conversation);
    assert_eq!(node.balance(ROSA), micros(1_500));
    // Not enough for a minute.
    let answer = node.admit(node.call(2), ROSA, "2025550101");
    assert!(matches!(answer, Answer::Denied(Refusal::InsufficientFunds)), "{answer:?}");
    let kept = node.end();
    assert_eq!(kept.calls[1].outcome, Outcome::Denied(Refusal::InsufficientFunds));
    assert_eq!(kept.money.settled, micros(148_500));
}

#[test]
fn the_money_of_a_call_is_there_again_when_it_is_over() {
    let county = County::new();
    let node = county.open();
    let first = node.call(1);
    assert!(matches!(node.admit(first, ROSA, "2025550101"), Answer::Admitted(_)));
    assert_eq!(node.balance(ROSA), micros(1_500));
    node.desk.finished(first, finished(&node, Duration::ZERO));
    assert!(matches!(node.admit(node.call(3), ROSA, "2025550102"), Answer::Admitted(_)));
}

#[test]
fn calls_at_the_same_moment_cannot_overdraw_an_account() {
    let county = County::new();
    let node = county.open();
    let barrier = Barrier::new(8);
    let admitted: usize = std::thread::scope(|scope| {
        let calls: Vec<_> = (1..=8)
            .map(|counter| {
                let (node, barrier) = (&node, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    let answer = node.admit(node.call(counter), ROSA, "2025550101");
                    usize::from(matches!(answer, Answer::Admitted(_)))
                })
            })
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).sum()
    });
    assert_eq!(admitted, 1);
    assert_eq!(node.balance(ROSA), micros(1_500));
}

#[test]
fn a_free_call_needs_no_money_and_takes_none() {
    let county = County::new();
    let node = county.open();
    assert!(matches!(node.admit(node.call(1), ROSA, "2025550101"), Answer::Admitted(_)));
    node.desk.finished(node.call(1), finished(&node, Duration::from_secs(81)));
    let mut conversation = Conversation::dial(&node, 2, ROSA, "2025550140");
    conversation.answer();
    conversation.accept();
    assert_eq!(conversation.bridged, Some(Ok(())), "free calls are recorded like others");
    conversation.talk(30);
    conversation.hang_up(Side::Called);
    conversation.wait_told();
    drop(conversation);
    assert_eq!(node.balance(ROSA), micros(1_500));
    let kept = node.end();
    let free = &kept.calls[1];
    assert_eq!(free.held, None);
    assert!(matches!(
        free.outcome,
        Outcome::Ended { charged: Money::ZERO, rest: Rest::NoHold, .. }
    ));
}

#[test]
fn a_call_that_outlives_its_hold_gives_the_rest_back_as_expired() {
    let county = County::new();
    let node = county.open();
    let call = node.call(1);
    assert!(matches!(node.admit(call, MARCUS, "2025550101"), Answer::Admitted(_)));
    county.pass(Duration::from_secs(3 * 3_600));
    node.desk.finished(call, finished(&node, Duration::from_secs(60)));
    assert_eq!(node.balance(MARCUS), micros(10_000_000 - 110_000));
    let kept = node.end();
    assert_eq!(kept.money.expired, micros(2_200_000 - 110_000));
    assert_eq!(kept.money.released, Money::ZERO);
}
