//! What called parties choose by key: kept, counted, respected at the next attempt, over restarts,
//! until staff lift it.

use call::Answer;
use model::{
    Side,
    fact::{EndReason, OffReason, Refusal},
};
use std::time::Duration;
use store::RecordingRow;
use switch::Office;

use crate::{
    conversation::Conversation,
    county::{County, MARCUS, Node, ROSA},
};

const NUMBER: &str = "2025550101";

/// Places a call whose called party presses `keys` after the notice.
fn call<'a>(node: &'a Node, counter: u32, keys: &str) -> Conversation<'a> {
    let mut call = Conversation::dial(node, counter, MARCUS, NUMBER);
    call.answer();
    node.pass(Duration::from_millis(100));
    call.press(Side::Called, keys);
    call
}

fn may_claim(node: &Node, counter: u32) -> bool {
    let answer = node.admit(node.call(counter), MARCUS, NUMBER);
    node.desk.broken(node.call(counter), node.now());
    match answer {
        Answer::Admitted(admission) => admission.choices.private_claim,
        other => panic!("not admitted: {other:?}"),
    }
}

#[test]
fn a_private_call_leaves_no_recording_and_says_why() {
    let county = County::new();
    let node = county.open();
    let mut private = call(&node, 1, "3");
    private.accept();
    assert_eq!(private.bridged, Some(Err(OffReason::PrivateClaim)));
    private.talk(7);
    private.hang_up(Side::Called);
    drop(private);
    let kept = node.end();
    assert_eq!(kept.calls[0].recording, RecordingRow::Off(OffReason::PrivateClaim));
    assert_eq!(county.recordings(), [""; 0], "not a single file");
}

#[test]
fn private_calls_are_counted_over_restarts_until_staff_look_at_them() {
    let county = County::new();
    let mut node = county.open();
    for counter in 1..=3 {
        assert!(may_claim(&node, 10 + counter), "{counter}");
        // Whether they accept then or not.
        call(&node, counter, "3").hang_up(Side::Station);
        node.end();
        node = county.open();
    }
    assert!(!may_claim(&node, 20));
    // The key is a wrong one now, and the call is announced as recorded.
    let mut recorded = call(&node, 21, "3");
    recorded.accept();
    assert_eq!(recorded.bridged, Some(Ok(())));
    recorded.hang_up(Side::Called);
    recorded.wait_told();
    drop(recorded);
    node.pass(Duration::from_secs(1));
    county.put("lifted.csv", "scope,number,what,reference\ncedar,2025550101,claims,case-7\n");
    county.protect_one_more(&node);
    assert!(may_claim(&node, 30), "staff have looked at them");
}

#[test]
fn who_wants_no_more_calls_gets_none_over_restarts_until_staff_lift_it() {
    let county = County::new();
    let node = county.open();
    let mut blocked = call(&node, 1, "7");
    node.pass(Duration::from_millis(700));
    blocked.press(Side::Called, "0");
    let finished = blocked.finished.clone().unwrap();
    assert_eq!(
        (finished.reason, finished.decision_key),
        (Some(EndReason::BlockedByKey), Some('7'))
    );
    drop(blocked);
    let refused = |node: &Node, counter, caller| {
        let answer = node.admit(node.call(counter), caller, NUMBER);
        node.desk.broken(node.call(counter), node.now());
        matches!(answer, Answer::Denied(Refusal::NumberBlocked))
    };
    assert!(refused(&node, 2, MARCUS));
    assert!(refused(&node, 3, ROSA), "of the same facility, whoever calls");
    node.end();
    let node = county.open();
    assert!(refused(&node, 1, MARCUS), "also after a restart");
    // The file is applied again and again; what the party says after it stands.
    node.pass(Duration::from_secs(1));
    let lifted = "scope,number,what,reference\ncedar/jail,2025550101,block,letter-12\n";
    county.put("lifted.csv", lifted);
    county.protect_one_more(&node);
    assert!(!refused(&node, 2, MARCUS));
    node.pass(Duration::from_secs(1));
    let mut again = call(&node, 3, "7");
    node.pass(Duration::from_millis(700));
    again.press(Side::Called, "0");
    drop(again);
    county.apply();
    assert!(refused(&node, 4, MARCUS));
    node.end();
    assert!(refused(&county.open(), 1, MARCUS));
}

#[test]
fn a_number_of_ours_is_not_called() {
    let county = County::new();
    let node = county.open();
    let own = node.desk.store().configuration().unwrap().facilities[0].caller_id;
    let national = own.digits().to_string().split_off(1);
    let answer = node.admit(node.call(1), MARCUS, &national);
    assert!(matches!(answer, Answer::Denied(Refusal::OwnNumber)), "{answer:?}");
}
