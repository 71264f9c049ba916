//! A desk whose journal takes nothing more: no new call, no recording, no money lost.

use call::Answer;
use model::{
    Money, Side,
    fact::{EndReason, OffReason, Refusal},
};
use store::{Outcome, RecordingRow};
use switch::Office;

use crate::{
    conversation::Conversation,
    county::{County, MARCUS},
};

#[test]
fn closing_leaves_everything_on_disk_and_in_the_store() {
    let county = County::new();
    let node = county.open();
    for counter in 1..=200 {
        let call = node.call(counter);
        assert!(matches!(node.admit(call, MARCUS, "2025550140"), Answer::Admitted(_)));
        node.desk.broken(call, node.now());
    }
    node.desk.close();
    let kept = node.kept();
    assert_eq!(kept.calls.len(), 200);
    let open = kept.calls.iter().filter(|row| matches!(row.outcome, Outcome::Open { .. }));
    assert_eq!(open.count(), 0);
    drop(node);
    let node = county.open();
    assert_eq!((node.recovered.calls, node.recovered.facts_caught_up), (0, 0));
}

#[test]
fn without_a_journal_no_call_is_admitted_and_no_money_held() {
    let county = County::new();
    let node = county.open();
    node.desk.close();
    for dialled in ["2025550101", "2025550140", "2025550150"] {
        let answer = node.admit(node.call(1), MARCUS, dialled);
        assert!(matches!(answer, Answer::Denied(Refusal::Unavailable)), "{dialled}: {answer:?}");
    }
    assert_eq!(node.balance(MARCUS), Money::from_cents(1_000));
    assert_eq!(node.end().calls, []);
}

#[test]
fn without_a_journal_nothing_is_recorded_and_the_talk_goes_on() {
    let county = County::new();
    let node = county.open();
    let mut conversation = Conversation::dial(&node, 1, MARCUS, "2025550101");
    conversation.answer();
    node.desk.close();
    conversation.accept();
    assert_eq!(conversation.bridged, Some(Err(OffReason::LogUnavailable)));
    conversation.talk(60);
    conversation.hang_up(Side::Called);
    drop(conversation);
    assert_eq!(node.balance(MARCUS), Money::from_micros(10_000_000 - 110_000));
    assert_eq!(county.recordings(), [""; 0]);
    node.end();
    // Nobody can know that they talked: the journal has the admission and nothing after it.
    let node = county.open();
    assert_eq!((node.recovered.calls, node.recovered.charged), (1, Money::ZERO));
    assert_eq!(node.balance(MARCUS), Money::from_cents(1_000));
    let kept = node.end();
    assert_eq!(kept.calls[0].recording, RecordingRow::NoTalk);
    assert!(matches!(
        kept.calls[0].outcome,
        Outcome::Ended { reason: EndReason::NodeDied, charged: Money::ZERO, .. }
    ));
}
