//! What a simulation found, each in its smallest form.

use call::{Answer, Finished, Question};
use desk::{Chronicle, Desk, Done, Each, Footing, Hands, Recordings, Sink, Space, Turn};
use evidence::{Statement, Unrecorded};
use journal::{
    Appended, Draft, EntrySeq, Forgotten, GivenAway, Haste, JournalError, Recovery, Seq, ShareOut,
    TakenOver,
};
use model::{
    AgencyId, CallId, Language, Private, RecordingId, StationId, Timestamp,
    fact::{ConsentEvidence, EndReason, Epoch, Fact, KeyPath, OffReason, RecordingEnd},
    speech::ContentHash,
};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};
use store::RecordingRow;
use switch::{Office, Reply};
use vault::VaultError;

use crate::{
    conversation::Conversation,
    county::{County, MARCUS, Node},
    entries::statements,
};

fn evidence(node: &Node) -> ConsentEvidence {
    ConsentEvidence {
        pack: ContentHash([1; 32]),
        prompts: Vec::new(),
        language: Language::En,
        played_called: ContentHash([2; 32]),
        played_station: ContentHash([3; 32]),
        notice_ended: node.now(),
        key_onset: node.now(),
        key: '1',
        path: KeyPath::TelephoneEvent,
    }
}

fn over(at: model::Timestamp, reason: EndReason, talked: Duration) -> Finished {
    Finished { at, reason: Some(reason), talked, decision_key: None, off: None }
}

/// It may last three times as long as any other call of the jail.
#[test]
fn a_long_call_through_a_relay_service_is_no_late_end() {
    let county = County::new();
    let node = county.open();
    let Answer::Admitted(admission) = node.admit(node.call(1), MARCUS, "711") else {
        panic!("refused");
    };
    let talked = admission.talk_max - Duration::from_secs(1);
    node.pass(talked);
    node.desk.finished(node.call(1), over(node.now(), EndReason::CalledHungUp, talked));
    node.end();
    assert_eq!(county.audit().violations, []);
}

/// Somebody rings for a minute, and the registry changes meanwhile.
#[test]
fn a_recording_begins_with_the_epoch_of_the_moment_of_the_key() {
    let county = County::new();
    let node = county.open();
    let mut conversation = Conversation::dial(&node, 1, MARCUS, "2025550101");
    county.protect_one_more(&node);
    node.wait_for("the epoch was entered", |_| {
        statements(&county)
            .iter()
            .any(|it| matches!(it, Statement::RegistryEpoch { epoch: Epoch(2), .. }))
    });
    node.pass(Duration::from_secs(61));
    let registry = node.desk.registry_view();
    conversation.answer();
    node.pass(Duration::from_secs(21));
    node.wait_until("the registry is fresh", |node| registry().confirmed() == node.now());
    conversation.accept();
    assert_eq!(conversation.bridged, Some(Ok(())));
    drop(conversation);
    node.end();
    let started = statements(&county).into_iter().find_map(|it| match it {
        Statement::RecordingStarted { epoch, .. } => Some(epoch),
        _ => None,
    });
    assert_eq!(started, Some(Epoch(2)));
}

#[test]
fn no_recording_is_entered_of_who_was_protected_while_it_rang() {
    let county = County::new();
    let node = county.open();
    let mut conversation = Conversation::dial(&node, 1, MARCUS, "2025550160");
    county.protect_one_more(&node);
    conversation.answer();
    conversation.accept();
    assert_eq!(conversation.bridged, Some(Err(OffReason::Protected)));
    drop(conversation);
    node.end();
    let started = |it: &Statement| matches!(it, Statement::RecordingStarted { .. });
    assert!(!statements(&county).iter().any(started));
}

/// The vault refused in the moment in which the call broke: no second was talked.
#[test]
fn a_call_of_no_length_that_was_to_be_recorded_is_ended_once() {
    let county = County::new();
    let node = county.open();
    let call = node.call(1);
    let Answer::Admitted(admission) = node.admit(call, MARCUS, "2025550101") else {
        panic!("refused");
    };
    let (evidence, recording) = (evidence(&node), admission.may_record);
    let answer = node.ask(call, MARCUS, Question::Commit { evidence, recording });
    assert!(matches!(answer, Answer::Committed { recording: Ok(_) }), "{answer:?}");
    node.desk.not_recorded(call, OffReason::Protected);
    node.desk.broken(call, node.now());
    node.end();
    county.open().end();
    let unrecorded = |it: &&Statement| matches!(it, Statement::NotRecorded { .. });
    assert_eq!(statements(&county).iter().filter(unrecorded).count(), 1);
    assert_eq!(county.audit().violations, []);
}

/// The called party accepts and is gone before the two are joined, whether the acceptance is on
/// disk by then or not: there is no recording whose end could be waited for.
#[test]
fn a_call_that_is_over_between_the_key_and_the_talk_is_ended_at_once_and_once() {
    for durable in [true, false] {
        let county = County::new();
        let node = county.open();
        let call = node.call(1);
        let Answer::Admitted(admission) = node.admit(call, MARCUS, "2025550101") else {
            panic!("refused");
        };
        let (evidence, recording) = (evidence(&node), admission.may_record);
        let (sender, answers) = mpsc::channel();
        let reply = Reply::new(move |answer| drop(sender.send(answer)));
        let commit = Question::Commit { evidence, recording };
        node.desk.ask(call, node.station(MARCUS), commit, reply);
        if durable {
            answers.recv().unwrap();
        }
        let gone = over(node.now(), EndReason::CalledHungUp, Duration::ZERO);
        node.desk.finished(call, Finished { decision_key: Some('1'), ..gone });
        let kept = node.end();
        let off = RecordingRow::Off(OffReason::NeverBegun);
        assert_eq!(kept.calls[0].recording, off, "{durable}");
        let unrecorded = |county: &County| -> Vec<Statement> {
            let ended = |it: &Statement| matches!(it, Statement::NotRecorded { .. });
            statements(county).into_iter().filter(ended).collect()
        };
        let why = Unrecorded::Off(OffReason::NeverBegun);
        let ended = [Statement::NotRecorded { call, why, talked: Duration::ZERO }];
        assert_eq!(unrecorded(&county), ended, "{durable}");
        assert_eq!(county.open().end().calls, kept.calls);
        assert_eq!(unrecorded(&county), ended, "{durable}, after another start");
        assert_eq!(county.audit().violations, []);
    }
}

/// A journal whose appends are answered when the test says so.
#[derive(Clone, Default)]
struct SlowDisk(Arc<Mutex<Vec<Waiting>>>);

/// What is to be written, and who waits for it.
type Waiting = (Vec<Fact>, Done);

impl SlowDisk {
    fn answer(&self, with: &Result<Appended, JournalError>) -> Vec<Fact> {
        let waiting = std::mem::take(&mut *self.0.lock().unwrap());
        let mut facts = Vec::new();
        for (some, done) in waiting {
            facts.extend(some);
            done(with.clone());
        }
        facts
    }
}

impl Chronicle for SlowDisk {
    fn append(&self, _: Haste, facts: Vec<Fact>, _: Vec<Draft>, done: Done) {
        self.0.lock().unwrap().push((facts, done));
    }

    fn append_wait(&self, _: Vec<Fact>, _: Vec<Draft>) -> Result<Appended, JournalError> {
        Ok(WELL)
    }

    fn replay(&self, _: Seq, _: Each<'_>) -> Result<(), JournalError> {
        Ok(())
    }

    fn forget_before(
        &self,
        _: Timestamp,
        _: TakenOver,
        _: Timestamp,
    ) -> Result<Forgotten, JournalError> {
        Ok(Forgotten::default())
    }

    fn give_away_before(
        &self,
        _: Timestamp,
        _: TakenOver,
        _: Timestamp,
        _: &ShareOut<'_>,
    ) -> Result<GivenAway, JournalError> {
        Ok(GivenAway::default())
    }

    fn close(&self) {}
}

/// There are no recordings.
struct Nothing;

impl Recordings for Nothing {
    fn recover(&self) -> Vec<(RecordingId, RecordingEnd)> {
        Vec::new()
    }

    fn end_of(&self, _: AgencyId, _: RecordingId) -> Result<Option<RecordingEnd>, VaultError> {
        Ok(None)
    }
}

const WELL: Appended = Appended { last: Seq(1), entry: EntrySeq(1), entries: 0 };

fn ask(desk: &Desk, call: CallId, station: StationId, dialled: &str) {
    let person = None;
    let dialled = Private::new(dialled.to_owned());
    desk.ask(call, station, Question::Admit { person, dialled }, Reply::new(|_| {}));
}

/// The machine waits five seconds for an admission. What was over by the time a full disk refused
/// it was opened again, for nobody, until the next start; and its end was written down.
#[test]
fn a_call_that_is_over_before_a_full_disk_refuses_it_is_no_call() {
    let county = County::new();
    let disk = SlowDisk::default();
    let footing = |_: Sink| Footing {
        chronicle: Box::new(disk.clone()),
        found: Recovery { last: Seq(0), entry: EntrySeq(0), torn: None },
        room: Box::new(|| Space::Ample),
        draw: Box::new(|| None),
        hands: Hands::Turns,
    };
    let opened = Desk::open_by_hand(county.config(), county.clock(), footing, |_| Ok(Nothing));
    let (desk, _, _) = opened.unwrap();
    // The telephone for help at the farm: free, so that a full disk does not stand in the way.
    let source = "192.0.2.31:5060".parse().unwrap();
    let station = line::Directory::station(&desk, source, "").unwrap();
    let full = Err(JournalError::DiskFull { file: PathBuf::new() });
    for (counter, with, expected) in [(1, full, 0), (2, Ok(WELL), 1)] {
        let call = CallId::from_parts(desk.boot(), counter);
        disk.answer(&Ok(WELL));
        ask(&desk, call, station, "988");
        desk.finished(call, over(county.now(), EndReason::Fault, Duration::ZERO));
        let ended = |facts: &[Fact]| facts.iter().filter(|it| matches!(it, Fact::Ended(_))).count();
        // Nothing is said of an end before its beginning is on disk.
        assert_eq!(ended(&disk.answer(&with)), 0, "call {counter}");
        desk.turn(Turn::Reload);
        assert_eq!(ended(&disk.answer(&Ok(WELL))), expected, "call {counter}");
        // Nor is there anything that waits to be said.
        desk.turn(Turn::Reload);
        assert!(disk.answer(&Ok(WELL)).is_empty(), "call {counter}");
    }
    // A call that is not over waits for room.
    let call = CallId::from_parts(desk.boot(), 3);
    ask(&desk, call, station, "988");
    let full = Err(JournalError::DiskFull { file: PathBuf::new() });
    disk.answer(&full);
    desk.turn(Turn::Reload);
    let said = disk.answer(&Ok(WELL));
    assert!(matches!(said.as_slice(), [Fact::Admitted(_)]), "{said:?}");
}
