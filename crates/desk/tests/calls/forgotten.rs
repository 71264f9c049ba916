//! What was forgotten of the journal, or its key given away: missed by nobody.

use std::{fs, ops::ControlFlow};

use desk::Broken;
use journal::{EntrySeq, JournalError, Seq};
use model::{
    Side, Timestamp,
    fact::{EndReason, Fact},
};

use crate::{
    conversation::Conversation,
    county::{County, MARCUS, ROSA, TYRONE, journal_key},
};

const CALLED: &str = "2025550101";
const ALL_CARRIED: EntrySeq = EntrySeq(u64::MAX);

/// A county whose journal has many segments, with calls of all kinds behind it.
fn county() -> County {
    let mut county = County::new();
    county.segment_octets = 1;
    let node = county.open();
    let mut recorded = Conversation::dial(&node, 1, MARCUS, CALLED);
    recorded.answer();
    recorded.accept();
    recorded.talk(33);
    recorded.hang_up(Side::Called);
    recorded.wait_told();
    drop(recorded);
    let mut denied = Conversation::dial(&node, 2, TYRONE, "2025550199");
    denied.stop(EndReason::NodeStopping);
    drop(denied);
    // One that the next start settles.
    node.admit(node.call(3), ROSA, "2025550102");
    node.desk.flush().unwrap();
    drop(node);
    county
}

/// Numbers of the facts in the journal that say whom somebody called.
fn admissions(county: &County, after: u64) -> Vec<u64> {
    let mut found = Vec::new();
    journal::replay(&county.data("journal"), &journal_key(), Seq(after), |seq, fact| {
        if matches!(fact, Fact::Admitted(_) | Fact::Denied(_)) {
            found.push(seq.0);
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    found
}

#[test]
fn a_forgotten_journal_is_missed_by_no_start_no_balance_and_no_audit() {
    let county = county();
    let before = admissions(&county, 0);
    assert_eq!(before.len(), 3);
    let image = county.image();
    let kept = image.open().end();
    let audited = image.audit();

    let node = county.open();
    // Young, or not in the log yet: nothing goes.
    let start = Timestamp::from_micros(0);
    assert_eq!(node.desk.forget_journal(start, ALL_CARRIED).unwrap().segments, 0);
    let later = node.now().after(std::time::Duration::from_secs(1));
    assert_eq!(node.desk.forget_journal(later, EntrySeq(0)).unwrap().segments, 0);
    assert_eq!(admissions(&county, 0), before);

    let told = node.desk.forget_journal(later, ALL_CARRIED).unwrap();
    assert!(told.last.0 > before[2], "{told:?}");
    assert!(admissions(&county, told.last.0).is_empty());
    let balances = [MARCUS, ROSA].map(|it| node.balance(it));
    assert_eq!(node.end(), kept);

    let node = county.open();
    assert_eq!((node.recovered.facts_caught_up, node.recovered.calls), (0, 0));
    assert_eq!([MARCUS, ROSA].map(|it| node.balance(it)), balances);
    let mut again = Conversation::dial(&node, 1, MARCUS, CALLED);
    again.answer();
    again.accept();
    again.talk(5);
    again.hang_up(Side::Called);
    again.wait_told();
    drop(again);
    assert_eq!(node.end().calls.len(), kept.calls.len() + 1);
    assert_eq!(audited.violations_count, 0);
}

/// Made anew, the store would have to know what nobody knows any more.
#[test]
fn a_store_that_lacks_what_was_forgotten_stops_the_start() {
    let county = county();
    let young = county.image();
    let node = county.open();
    let later = node.now().after(std::time::Duration::from_secs(1));
    let told = node.desk.forget_journal(later, ALL_CARRIED).unwrap();
    assert!(told.segments > 3);
    drop(node);
    county.without("parlatory.db");
    county.apply();
    let segments = || {
        let mut found: Vec<_> = fs::read_dir(county.data("journal"))
            .unwrap()
            .map(|it| it.unwrap())
            .map(|it| (it.file_name(), it.metadata().unwrap().len()))
            .collect();
        found.sort();
        found
    };
    let found = segments();
    let Err(error) = county.try_open() else { panic!("it started") };
    assert!(matches!(error, Broken::Journal(JournalError::Forgotten { .. })), "{error}");
    assert!(error.to_string().contains("restore that from a newer backup"), "{error}");
    assert_eq!(segments(), found);
    // With the database of before everything is there again.
    drop(young.open());
    let county = county.with("parlatory.db", &young);
    drop(county.open());
}

/// In the place of keyholders, who keep the keys elsewhere.
fn elsewhere(parting: &journal::Parting, _: &[u8; 32]) -> Option<Vec<u8>> {
    Some(parting.first.0.to_le_bytes().into())
}

#[test]
fn keys_that_were_given_away_are_missed_by_no_start_no_balance_and_no_audit() {
    let county = county();
    let image = county.image();
    let kept = image.open().end();

    let node = county.open();
    let later = node.now().after(std::time::Duration::from_secs(1));
    let give = |carried| node.desk.give_journal_away(later, carried, &elsewhere).unwrap();
    assert_eq!(give(EntrySeq(0)).segments, 0);
    let given = give(ALL_CARRIED);
    assert!(given.now > 3, "{given:?}");
    let away = journal::sealed_away(&county.data("journal"), &journal_key()).unwrap();
    assert_eq!(away.given.len() as u64, given.segments);
    assert!(admissions(&county, away.last().0).is_empty());
    let balances = [MARCUS, ROSA].map(|it| node.balance(it));
    assert_eq!(node.end(), kept);

    let node = county.open();
    assert_eq!((node.recovered.facts_caught_up, node.recovered.calls), (0, 0));
    assert_eq!([MARCUS, ROSA].map(|it| node.balance(it)), balances);
    let mut again = Conversation::dial(&node, 1, MARCUS, CALLED);
    again.answer();
    again.accept();
    again.hang_up(Side::Called);
    again.wait_told();
    drop(again);
    assert_eq!(node.end().calls.len(), kept.calls.len() + 1);

    // A database that was made anew lacks what nobody here can read.
    county.without("parlatory.db");
    county.apply();
    let Err(error) = county.try_open() else { panic!("it started") };
    let Broken::Journal(JournalError::GivenAway { file, last }) = &error else { panic!("{error}") };
    assert_eq!((file, *last), (&away.given[0].file, away.given[0].last.0));
}
