//! Wrong PINs lock a telephone, not a person.

use call::Answer;
use std::time::Duration;

use crate::county::{County, MARCUS, Node, ROSA};

fn wrong(node: &Node) -> bool {
    match node.identify(MARCUS, "000000") {
        Answer::PinUnknown => false,
        Answer::PinLocked => true,
        other => panic!("{other:?}"),
    }
}

fn right(node: &Node) -> bool {
    matches!(node.identify(MARCUS, MARCUS.pin), Answer::Person(_))
}

#[test]
fn the_ninth_wrong_pin_locks_the_station_for_five_minutes() {
    let county = County::new();
    let node = county.open();
    for attempt in 1..=8 {
        assert!(!wrong(&node), "{attempt}");
    }
    assert!(wrong(&node), "the ninth");
    assert!(!right(&node), "a locked station knows nobody");
    assert!(matches!(node.identify(ROSA, ROSA.pin), Answer::Person(_)), "others are not locked");
    county.pass(Duration::from_millis(299_999));
    assert!(!right(&node) && wrong(&node), "it is locked to the end");
    // A node that starts again knows what was entered before.
    node.desk.flush().unwrap();
    node.end();
    let node = county.open();
    assert!(!right(&node), "a restart is no way around it");
    county.pass(Duration::from_millis(1));
    for attempt in 1..=8 {
        assert!(!wrong(&node), "{attempt}");
    }
    // Whoever guesses would enter their own from time to time.
    assert!(right(&node), "it is not locked yet");
    assert!(wrong(&node), "a right PIN does not wipe the count");
}

#[test]
fn wrong_pins_that_are_far_apart_do_not_add_up() {
    let county = County::new();
    let node = county.open();
    for _ in 0..30 {
        assert!(!wrong(&node));
        county.pass(Duration::from_secs(300));
    }
}

#[test]
fn a_pin_is_known_at_its_facility_only() {
    let county = County::new();
    let node = county.open();
    let elsewhere = crate::county::TYRONE;
    assert!(matches!(node.identify(elsewhere, MARCUS.pin), Answer::PinUnknown));
    assert!(matches!(node.identify(elsewhere, elsewhere.pin), Answer::Person(_)));
}
