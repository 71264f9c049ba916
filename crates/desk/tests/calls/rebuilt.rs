//! The store is a projection: made anew from the journal, it says the same.

use model::{Money, Side, fact::EndReason};

use crate::{
    conversation::Conversation,
    county::{County, MARCUS, ROSA, TYRONE, column_keys},
};

#[test]
fn a_store_made_anew_from_the_journal_says_the_same() {
    let county = County::new();
    let node = county.open();
    let mut recorded = Conversation::dial(&node, 1, MARCUS, "2025550101");
    recorded.answer();
    recorded.press(Side::Called, "9");
    recorded.accept();
    recorded.talk(33);
    recorded.hang_up(Side::Called);
    recorded.wait_told();
    drop(recorded);
    let mut counsel = Conversation::dial(&node, 2, MARCUS, "2025550150");
    counsel.answer();
    counsel.accept();
    counsel.talk(20);
    counsel.hang_up(Side::Station);
    drop(counsel);
    let mut refused = Conversation::dial(&node, 3, ROSA, "2025550101");
    refused.answer();
    refused.press(Side::Called, "2");
    drop(refused);
    let mut denied = Conversation::dial(&node, 4, TYRONE, "2025550199");
    denied.stop(EndReason::NodeStopping);
    drop(denied);
    node.identify(TYRONE, "000000");
    // One call is cut by the end of this node and settled by the next one.
    node.admit(node.call(5), MARCUS, "2025550102");
    let image = county.image();
    drop(node);
    let kept = image.open().end();
    assert_eq!(kept.calls.len(), 5);
    assert_eq!(kept.money.settled, Money::from_micros(60_500 + 36_666));
    let languages = languages(&image);

    image.without("parlatory.db");
    image.apply();
    let node = image.open();
    assert!(node.recovered.facts_caught_up > 10);
    assert_eq!((node.recovered.calls, node.recovered.recordings), (0, 0));
    assert_eq!(node.desk.boot(), 3);
    assert_eq!(node.balance(MARCUS), Money::from_micros(10_000_000 - 60_500 - 36_666));
    assert_eq!(node.end(), kept);
    assert_eq!(self::languages(&image), languages);
}

fn languages(county: &County) -> usize {
    let store = store::Store::open(&county.data("parlatory.db"), &column_keys()).unwrap();
    store.configuration().unwrap().languages.len()
}
