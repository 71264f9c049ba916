//! Nodes that died at every stage of a call. What is on disk at that moment is copied, and another
//! node opens the copy: one record, the money conserved, the recording kept, and nothing done twice
//! however often the recovery itself is cut and repeated.

use call::Question;
use desk::Broken;
use model::{
    Money, Private, Side,
    fact::{EndReason, OffReason, RecordingState, Rest},
};
use std::time::Duration;
use store::{CallFilter, Outcome, RecordingRow};
use switch::Office;

use crate::{
    conversation::Conversation,
    county::{County, HELP, Kept, MARCUS, Node, ROSA, TYRONE, column_keys, journal_key},
};

/// What a node leaves behind at each stage of one recorded call.
struct Images {
    before: County,
    admitted: County,
    answered: County,
    accepted: County,
    /// Twelve seconds of talk, marked at five and ten.
    talking: County,
    /// The recording is closed and booked, the call is not over.
    closed: County,
    /// All is over and booked.
    over: County,
}

impl Images {
    fn take() -> Self {
        let county = County::new();
        let node = county.open();
        node.wait_for("the start", |store| store.boots().unwrap() == 1);
        let before = county.image();
        let mut conversation = Conversation::dial(&node, 1, MARCUS, "2025550101");
        wait_open(&node, "the admission", |_| true);
        let admitted = county.image();
        conversation.answer();
        wait_open(&node, "the answer", |open| open.answered.is_some());
        let answered = county.image();
        conversation.accept();
        wait_open(&node, "the acceptance", |open| matches!(open.recording, Some(Ok(_))));
        let accepted = county.image();
        conversation.talk(12);
        wait_open(&node, "two marks", |open| open.talked.as_secs() == 10);
        let talking = county.image();
        conversation.end_recording();
        conversation.wait_told();
        wait_open(&node, "the closed recording", |open| open.recording_closed);
        let closed = county.image();
        conversation.hang_up(Side::Called);
        node.wait_for("the end", |store| store.open_calls().unwrap().is_empty());
        let over = county.image();
        drop(conversation);
        node.end();
        Self { before, admitted, answered, accepted, talking, closed, over }
    }
}

fn wait_open(node: &Node, what: &str, there: impl Fn(&store::OpenCall) -> bool) {
    node.wait_for(what, |store| store.open_calls().unwrap().iter().any(&there));
}

/// What is expected of a call whose node died: what is charged, and the frames of its recording.
struct Expected {
    charged: i64,
    frames: Option<(RecordingState, u32)>,
}

const NOTHING: Expected = Expected { charged: 0, frames: None };

/// Opens what a node left behind, checks what became of the call, and then dies and starts again in
/// every way that recovery can be cut.
fn assert_recovered(image: &County, expected: &Expected) {
    let before = image.image();
    let image = &image.image();
    assert_eq!(image.audit().violations, [], "as it died");
    let node = image.open();
    assert_eq!((node.recovered.calls, node.recovered.charged), (1, micros(expected.charged)));
    let cut = matches!(expected.frames, Some((RecordingState::Cut, _)));
    assert_eq!(node.recovered.recordings, u64::from(cut));
    assert_eq!(node.balance(MARCUS), micros(10_000_000 - expected.charged));
    let kept = node.kept();
    assert_one_call(&kept, expected);
    let after = image.image();
    node.end();
    let report = image.audit();
    assert_eq!((report.violations, report.open), (vec![], 0), "as it was settled");

    // It starts again: nothing is left to do.
    assert_nothing_more(image, &kept);
    // The store lost what recovery wrote into it.
    assert_nothing_more(&after.image().with("parlatory.db", &before), &kept);
    // Recovery had moved the recordings and died before it wrote anything down.
    let moved = before.image().with("recordings", &after);
    let node = moved.open();
    assert_eq!((node.recovered.calls, node.recovered.charged), (1, micros(expected.charged)));
    let again = node.end();
    assert_eq!(moved.audit().violations, []);
    assert_eq!(again, kept);
    assert_nothing_more(&moved, &kept);
}

fn assert_one_call(kept: &Kept, expected: &Expected) {
    let [row] = &kept.calls[..] else { panic!("one record: {kept:?}") };
    let Outcome::Ended { reason, charged, rest, .. } = row.outcome else { panic!("{row:?}") };
    assert_eq!(
        (reason, charged, rest),
        (EndReason::NodeDied, micros(expected.charged), Rest::Released)
    );
    assert_eq!(kept.money.open, Money::ZERO);
    assert_eq!(kept.money.settled, micros(expected.charged));
    assert_recording(row.recording, expected.frames);
}

fn assert_recording(row: RecordingRow, frames: Option<(RecordingState, u32)>) {
    match (row, frames) {
        (RecordingRow::Recorded { state, frames, .. }, Some(wanted)) => {
            assert_eq!((state, frames), wanted);
        }
        (RecordingRow::NoTalk, None) => {}
        (other, _) => panic!("{other:?}"),
    }
}

/// A start that finds nothing to settle and leaves the records as they were.
fn assert_nothing_more(image: &County, kept: &Kept) {
    let node = image.open();
    assert_eq!((node.recovered.calls, node.recovered.recordings), (0, 0));
    assert_eq!(node.end(), *kept);
}

fn micros(micros: i64) -> Money {
    Money::from_micros(micros)
}

#[test]
fn a_node_that_died_settles_its_call_when_it_starts_again() {
    let images = Images::take();
    let cut = |frames| Some((RecordingState::Cut, frames));
    assert_recovered(&images.admitted, &NOTHING);
    assert_recovered(&images.answered, &NOTHING);
    assert_recovered(&images.accepted, &Expected { charged: 0, frames: cut(0) });
    // Ten of twelve seconds are charged: the last mark. Twelve are kept.
    assert_recovered(&images.talking, &Expected { charged: 18_333, frames: cut(12) });
    let whole = Some((RecordingState::Ended, 12));
    assert_recovered(&images.closed, &Expected { charged: 18_333, frames: whole });
    // The vault had closed the file and the node died before it was written down.
    let unbooked = images.talking.image().with("recordings", &images.closed);
    assert_recovered(&unbooked, &Expected { charged: 18_333, frames: whole });
}

#[test]
fn a_store_that_lags_behind_the_journal_is_brought_up_to_it_first() {
    let images = Images::take();
    for lagging in [&images.before, &images.admitted, &images.accepted] {
        let image = images.talking.image().with("parlatory.db", lagging);
        let expected = Expected { charged: 18_333, frames: Some((RecordingState::Cut, 12)) };
        let node = image.image().open();
        assert!(node.recovered.facts_caught_up > 0);
        drop(node);
        assert_recovered(&image, &expected);
    }
    // All was over, and the store had not heard of it.
    let kept = images.over.open().end();
    for lagging in [&images.before, &images.admitted, &images.talking, &images.closed] {
        let image = images.over.image().with("parlatory.db", lagging);
        let node = image.open();
        assert_eq!((node.recovered.calls, node.recovered.recordings), (0, 0));
        assert!(node.recovered.facts_caught_up > 0);
        // Twelve seconds at 0.11.
        assert_eq!(node.balance(MARCUS), micros(10_000_000 - 22_000));
        assert_eq!(node.end(), kept);
    }
}

/// The end of the call was written down, and the node died before the recording's was.
#[test]
fn a_recording_of_a_call_that_is_over_is_booked_too() {
    let county = County::new();
    let node = county.open();
    let mut conversation = Conversation::dial(&node, 1, MARCUS, "2025550101");
    conversation.answer();
    conversation.accept();
    conversation.talk(3);
    node.desk.finished(conversation.call, conversation.as_if_over());
    node.wait_for("the end", |store| store.open_calls().unwrap().is_empty());
    let open = county.image();
    conversation.end_recording();
    conversation.wait_told();
    node.wait_for("the recording", |store| {
        let calls = store.calls(&CallFilter::default()).unwrap();
        matches!(calls[0].recording, RecordingRow::Recorded { .. })
    });
    let booked = county.image();
    drop(conversation);
    node.end();

    // Closed by the vault, and the journal does not know.
    let unbooked = open.image().with("recordings", &booked);
    for (image, state) in [(open.image(), RecordingState::Cut), (unbooked, RecordingState::Ended)] {
        let before = image.image();
        let node = image.open();
        assert_eq!(node.recovered.calls, 0);
        let kept = node.kept();
        assert_recording(kept.calls[0].recording, Some((state, 3)));
        let after = image.image();
        node.end();
        assert_nothing_more(&image, &kept);
        assert_nothing_more(&after.with("parlatory.db", &before), &kept);
        let moved = before.with("recordings", &image);
        let node = moved.open();
        assert_eq!(node.recovered.calls, 0);
        assert_eq!(node.end(), kept);
    }
}

/// The vault refused because the number was protected meanwhile, and only the dead node knew.
#[test]
fn a_call_that_was_accepted_and_never_recorded_does_not_look_recorded() {
    let county = County::new();
    let node = county.open();
    let mut counsel = Conversation::dial(&node, 1, MARCUS, "2025550160");
    counsel.answer();
    county.protect_one_more(&node);
    counsel.accept();
    assert_eq!(counsel.bridged, Some(Err(OffReason::Protected)));
    counsel.talk(7);
    wait_open(&node, "a mark", |open| open.talked.as_secs() == 5);
    let image = county.image();
    drop(counsel);
    let node = image.open();
    assert_eq!((node.recovered.calls, node.recovered.recordings), (1, 0));
    let kept = node.end();
    assert_eq!(kept.calls[0].recording, RecordingRow::Off(OffReason::Protected));
    assert_nothing_more(&image, &kept);
    assert_eq!(image.recordings(), [""; 0]);

    // A file that is gone is no recording either.
    let image = Images::take().talking;
    image.without("recordings");
    let kept = image.open().end();
    assert_eq!(kept.calls[0].recording, RecordingRow::Off(OffReason::Disk));
    assert_nothing_more(&image, &kept);
}

#[test]
fn a_hold_that_ran_out_while_the_node_was_away_is_given_back_as_expired() {
    let talking = Images::take().talking;
    // Twelve seconds into the longest talk, with the margin for what comes before it, and the
    // moment before the accepting key.
    let left = Duration::from_secs(1_200 - 12 + 900) - Duration::from_millis(100);
    for (away, rest) in [(left - Duration::from_micros(1), Rest::Released), (left, Rest::Expired)] {
        let image = talking.image();
        image.pass(away);
        let kept = image.open().end();
        assert_eq!(kept.money.settled, micros(18_333));
        let back = if rest == Rest::Expired { kept.money.expired } else { kept.money.released };
        assert_eq!(back, micros(2_200_000 - 18_333));
        assert!(
            matches!(kept.calls[0].outcome, Outcome::Ended { rest: ended, .. } if ended == rest)
        );
    }
}

#[test]
fn many_calls_that_were_cut_are_all_settled() {
    let county = County::new();
    let node = county.open();
    let contacts = [(MARCUS, "2025550101"), (ROSA, "2025550101"), (TYRONE, "2025550120")];
    for (counter, (caller, dialled)) in (1..).zip(contacts) {
        node.admit(node.call(counter), caller, dialled);
    }
    for counter in 4..=20 {
        let dialled = Private::new("2025550140".to_owned());
        node.ask(node.call(counter), HELP, Question::Admit { person: None, dialled });
    }
    let image = county.image();
    let node = image.open();
    assert_eq!((node.recovered.calls, node.recovered.charged), (20, Money::ZERO));
    assert_eq!(node.balance(MARCUS), micros(10_000_000));
    // Calls of this start do not get the numbers of calls of the last one.
    assert!(node.call(1) > county_call(20));
    let kept = node.end();
    assert_eq!(kept.calls.len(), 20);
    assert_eq!(kept.money.held, kept.money.released);
}

fn county_call(counter: u32) -> model::CallId {
    model::CallId::from_parts(1, counter)
}

/// The rate of a call is proved again from what was written down; a rate that is not lawful charges
/// nothing, however it got into the journal.
#[test]
fn an_admission_whose_rate_is_not_lawful_is_not_charged() {
    let image = Images::take().talking;
    // The same facts, as a node without the law would have written them.
    rewrite(&image, |admitted| {
        if let Some(hold) = &mut admitted.hold {
            hold.rate.base_per_minute = Money::from_cents(50);
        }
    });
    let node = image.open();
    assert_eq!((node.recovered.calls, node.recovered.charged), (1, Money::ZERO));
    assert_eq!(node.balance(MARCUS), micros(10_000_000));
    assert_eq!(node.end().money.settled, Money::ZERO);
}

/// Writes the image's journal anew, with its admissions changed, and takes the store back to before
/// them.
fn rewrite(image: &County, change: impl Fn(&mut model::fact::Admitted)) {
    use model::fact::Fact;
    let folder = image.data("journal");
    let mut facts = Vec::new();
    journal::replay(&folder, &journal_key(), journal::Seq(0), |_, fact| {
        facts.push(match fact {
            Fact::Admitted(mut admitted) => {
                change(&mut admitted);
                Fact::Admitted(admitted)
            }
            other => other,
        });
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    image.without("journal");
    let (journal, _) =
        journal::Journal::open(&folder, &journal_key(), journal::Options::default(), |_, _| {})
            .unwrap();
    journal.append_wait(facts).unwrap();
    journal.close();
    image.without("parlatory.db");
    image.apply();
}

#[test]
fn a_journal_that_was_set_back_or_lost_stops_the_start() {
    let images = Images::take();
    let set_back = images.talking.image().with("journal", &images.admitted);
    let lost = images.talking.image();
    lost.without("journal");
    for (image, what) in [(set_back, "set back"), (lost, "lost")] {
        let rows = |image: &County| {
            let store = store::Store::open(&image.data("parlatory.db"), &column_keys()).unwrap();
            (store.projected().unwrap(), store.open_calls().unwrap())
        };
        let before = rows(&image);
        let Err(error) = image.try_open() else { panic!("{what}: it starts") };
        let Broken::JournalLost { journal, store } = error else { panic!("{what}: {error}") };
        assert!(journal < store && store == before.0, "{what}");
        assert!(error.to_string().contains("restore it"), "{error}");
        assert_eq!(rows(&image), before, "{what}: nothing is changed");
    }
}
