//! SIPp as station and called party: what a third party's load generator sees of a node.

use std::{sync::LazyLock, time::Duration};

use model::{
    Codec,
    fact::{EndReason, OffReason, RecordingState, Rest},
};
use store::{CallRow, Outcome, RecordingRow};

use crate::{
    county::{self, HELD_MICROS, PEOPLE, PROTECTED},
    flood,
    node::{Node, Remains},
    open::End,
    place,
    process::{CALL, Finished, SOON},
    recording::{assert_no_audio_in_clear, recordings},
    sipp::{self, Caller, REFUSALS, TONE},
    sound::{is_audible, is_tone},
    staff::Member,
    together::Together,
};

#[test]
fn an_accepted_call_is_recorded_with_sipp() {
    let Scene { node, .. } = SCENES.take("accepted");
    let [row] = node.calls();
    assert_accepted(&row, EndReason::StationHungUp);
    assert_eq!(node.steps("talk, sealed as it is spoken"), 1);
    let money = node.store().money().unwrap();
    let charged = charged_micros(&row);
    assert_eq!((money.held.micros(), money.settled.micros()), (HELD_MICROS, charged));
    assert_eq!((money.released.micros(), money.open.micros()), (HELD_MICROS - charged, 0));
}

#[test]
fn a_recording_holds_both_voices_sealed_with_sipp() {
    let Scene { node, .. } = SCENES.take("recorded");
    let [row] = node.calls();
    let found = recordings(&node.data());
    assert_eq!(found.len(), 1);
    let [recording] = found.as_slice() else { panic!("one recording") };
    assert_eq!(recording.extension(), "rec");
    let RecordingRow::Recorded { state, frames, bytes, .. } = row.recording else {
        panic!("{:?}", row.recording)
    };
    let seconds = recording.opened.seconds.len();
    let talked = usize::try_from(talk_ms(&row).div_ceil(1_000)).unwrap();
    assert_eq!((state, frames as usize), (RecordingState::Ended, seconds));
    assert_eq!(bytes, recording.path.metadata().unwrap().len());
    assert!(matches!(recording.opened.end, End::Ended { .. }));
    assert!(seconds.abs_diff(talked) <= 1, "{seconds} s");
    // Both speak a tone for two of every two or three seconds.
    for (who, voice) in [("station", recording.station()), ("called", recording.called())] {
        let toned = |second: &&Vec<i16>| second.chunks_exact(800).any(|part| is_tone(part, TONE));
        let spoken = voice.iter().filter(toned).count();
        assert!(spoken * 2 >= seconds, "{who}: a tone in {spoken} of {seconds} seconds");
    }
    assert_no_audio_in_clear(&node.data(), &found);
}

#[test]
fn a_refused_call_costs_nothing_with_sipp() {
    let Scene { node, .. } = SCENES.take("refused");
    let [row] = node.calls();
    assert_not_talked(&node, &row, EndReason::RefusedByKey);
    let Outcome::Ended { decision_key, .. } = row.outcome else { panic!("{row:?}") };
    assert_eq!((decision_key, row.consent_key), (Some('2'), None));
}

#[test]
fn a_busy_line_is_told_and_recorded_as_busy_with_sipp() {
    let Scene { node, .. } = SCENES.take("busy");
    let [row] = node.calls();
    assert_not_talked(&node, &row, EndReason::Busy);
    assert_eq!((row.answered, node.steps("node <- called   answers")), (None, 0));
    // The person is told so before their phone is hung up.
    let told = node.finished.out.find("busy").expect("the prompt for a busy line");
    assert!(told < node.finished.out.find("station <- node    ends the leg").unwrap());
}

#[test]
fn what_the_carrier_and_its_network_say_is_told_and_recorded_with_sipp() {
    let Scene { node, called, .. } = SCENES.take("refusing");
    called.well();
    let rows: [CallRow; REFUSALS] = node.calls();
    let mut reasons: Vec<_> = rows.iter().map(ended).collect();
    reasons.sort_by_key(|reason| format!("{reason:?}"));
    // The cause of 480 says that there is no such number; those of the others say nothing.
    let expected =
        [EndReason::Declined, EndReason::Forwarded, EndReason::Unallocated, EndReason::Unallocated];
    assert_eq!(reasons, expected);
    assert!(rows.iter().all(|row| charged_micros(row) == 0));
    for (prompt, count) in [("unallocated", 2), ("declined", 1), ("forwarded", 1)] {
        assert_eq!(node.steps(&format!("(en) {prompt}")), count, "{prompt}");
    }
}

/// The called party puts the call on hold, takes it again with A-law, and hangs up.
#[test]
fn a_call_that_is_held_and_goes_on_in_another_codec_is_recorded_throughout_with_sipp() {
    let Scene { node, called, .. } = SCENES.take("held");
    called.well();
    let [row] = node.calls();
    assert_accepted(&row, EndReason::CalledHungUp);
    let found = recordings(&node.data());
    let [recording] = found.as_slice() else { panic!("{} recordings", found.len()) };
    let codecs: Vec<Codec> = recording.codecs().into_iter().map(|(_, called)| called).collect();
    let seconds = codecs.len();
    let toned = |second: &Vec<i16>| second.chunks_exact(800).any(|part| is_tone(part, TONE));
    let (station, spoken) = (recording.station(), recording.called());
    let tones: Vec<bool> = spoken.iter().map(toned).collect();
    // At first µ-law, then silence while they hold, then A-law: both are heard as what they are.
    let after = codecs.iter().position(|codec| *codec == Codec::Pcma).expect("A-law, in the end");
    assert!(codecs[..after].iter().all(|codec| *codec == Codec::Pcmu), "{codecs:?}");
    assert!(tones[..after].contains(&true) && tones[after..].contains(&true), "{tones:?}");
    let silent = spoken[..after].iter().rev().take_while(|second| !is_audible(second)).count();
    assert!((2..=6).contains(&silent), "{silent} seconds of hold: {tones:?}");
    // The person goes on talking, and is recorded meanwhile, as the notice said.
    let held = &station[after - silent..after];
    assert!(held.iter().any(toned), "the person is not in the recording of the hold");
    let talked = usize::try_from(talk_ms(&row).div_ceil(1_000)).unwrap();
    assert!(seconds.abs_diff(talked) <= 1, "{seconds} s of {talked}");
}

#[test]
fn a_key_that_sounds_in_the_audio_accepts_with_sipp() {
    let Scene { node, called, .. } = SCENES.take("inband");
    called.well();
    let [row] = node.calls();
    assert_accepted(&row, EndReason::StationHungUp);
    assert_eq!(recordings(&node.data()).len(), 1);
}

#[test]
fn a_caller_who_hangs_up_cancels_the_ringing_with_sipp() {
    // The scenario of the called party succeeds only when CANCEL came and its 487 was acknowledged.
    let Scene { node, called, .. } = SCENES.take("rings");
    called.well();
    let [row] = node.calls();
    assert_not_talked(&node, &row, EndReason::StationHungUp);
    assert_eq!(node.steps("node <- called   rings"), 1);
}

#[test]
fn a_protected_number_is_never_recorded_with_sipp() {
    let Scene { node, .. } = SCENES.take("protected");
    let [row] = node.calls();
    assert_eq!(row.recording, RecordingRow::Off(OffReason::Protected));
    assert_eq!((row.consent_key, ended(&row)), (Some('1'), EndReason::StationHungUp));
    assert_eq!(charged_micros(&row), county::price_micros(talk_ms(&row)));
    assert_eq!(node.steps("talk, with no recorder attached"), 1);
    assert_eq!((node.steps("notice_protected"), node.steps("notice_recorded")), (2, 0));
    assert!(recordings(&node.data()).is_empty());
}

#[test]
fn ten_people_talk_at_once_with_sipp() {
    let Scene { node, station, called } = SCENES.take("ten");
    station.well();
    called.well();
    let rows: [CallRow; PEOPLE] = node.calls();
    for row in &rows {
        assert_accepted(row, EndReason::StationHungUp);
    }
    let found = recordings(&node.data());
    assert_eq!(found.len(), PEOPLE);
    let people: std::collections::BTreeSet<_> = rows.iter().map(|row| row.person).collect();
    let stations: std::collections::BTreeSet<_> = rows.iter().map(|row| row.station).collect();
    assert_eq!((people.len(), stations.len()), (PEOPLE, PEOPLE));
    let money = node.store().money().unwrap();
    let charged: i64 = rows.iter().map(charged_micros).sum();
    assert_eq!(money.held.micros(), HELD_MICROS * i64::try_from(PEOPLE).unwrap());
    assert_eq!(money.settled.micros(), charged);
    assert_eq!(money.released.micros(), money.held.micros() - charged);
}

#[test]
fn a_flood_disturbs_no_call_and_no_stranger_is_heard_with_sipp() {
    let Scene { node, station, called } = SCENES.take("flooded");
    station.well();
    called.well();
    // What was flooded in got no further than the menu: one call was admitted.
    let [row] = node.calls();
    assert_accepted(&row, EndReason::StationHungUp);
    let found = recordings(&node.data());
    let [recording] = found.as_slice() else { panic!("{} recordings", found.len()) };
    let seconds = recording.opened.seconds.len();
    for voice in [recording.station(), recording.called()] {
        let has = |pitch: f64| {
            let toned = |second: &&Vec<i16>| second.chunks_exact(800).any(|s| is_tone(s, pitch));
            voice.iter().filter(toned).count()
        };
        // The tone of the telephones is there as without a flood, and the flood's is not.
        assert!(has(TONE) * 2 >= seconds, "a tone in {} of {seconds} seconds", has(TONE));
        assert_eq!(has(flood::TONE), 0, "somebody else was heard");
    }
}

#[test]
fn a_node_that_stops_lets_the_call_finish_and_takes_no_other_with_sipp() {
    let Scene { node, station, called } = SCENES.take("stops");
    station.well();
    called.well();
    node.finished.clone().well();
    let [row] = node.calls();
    assert_accepted(&row, EndReason::StationHungUp);
    assert_eq!(node.steps("calls, and is answered"), 1);
}

#[test]
fn a_node_that_stops_ends_a_call_at_the_limit_with_sipp() {
    let Scene { node, station, called } = SCENES.take("stops at the limit");
    station.well();
    called.well();
    node.finished.clone().well();
    let [row] = node.calls();
    assert_accepted(&row, EndReason::NodeStopping);
}

#[test]
fn a_second_signal_ends_calls_at_once_with_sipp() {
    let Scene { node, station, called } = SCENES.take("stops at once");
    // Both phones were hung up on in order.
    station.well();
    called.well();
    node.finished.clone().well();
    let [row] = node.calls();
    assert_accepted(&row, EndReason::NodeStopping);
    assert_eq!(recordings(&node.data()).len(), 1);
}

#[test]
fn staff_end_the_calls_that_they_name_with_sipp() {
    let Scene { node, station, called } = SCENES.take("cut");
    // Both phones were hung up on in order.
    station.well();
    called.well();
    let [row] = node.calls();
    assert_accepted(&row, EndReason::CutByStaff);
    assert_eq!(recordings(&node.data()).len(), 1);
    assert_eq!(node.steps("cut_by_staff"), 2, "both are told");
}

#[test]
fn an_unknown_phone_gets_no_call_with_sipp() {
    let Scene { node, station, .. } = SCENES.take("unknown");
    // SIPp fails: its INVITE was answered with something else than 200.
    assert_ne!(station.status.code(), Some(0));
    let [] = node.calls();
    assert_eq!(node.steps("step "), 0);
}

/// What is left of a scene.
struct Scene {
    node: Remains,
    station: Finished,
    called: Finished,
}

/// All scenes, played at once when a test first asks for one.
static SCENES: LazyLock<Together<Scene>> = LazyLock::new(|| {
    Together::play(&[
        ("accepted", || talk(&county::number(3))),
        ("recorded", || talk(&county::number(4))),
        ("protected", || talk(PROTECTED)),
        ("refused", refused),
        ("busy", || unreached("busy.xml", PATIENT)),
        ("rings", || unreached("rings.xml", IMPATIENT)),
        ("refusing", refusing),
        ("held", || talk_with("holds.xml", FOREVER)),
        ("inband", || talk_with("inband.xml", TALKS)),
        ("ten", ten),
        ("flooded", flooded),
        ("stops", stops),
        ("stops at the limit", stops_at_the_limit),
        ("stops at once", stops_at_once),
        ("cut", cut),
        ("unknown", unknown),
    ])
});

/// One person calls a number, is accepted, and hangs up after some seconds.
fn talk(number: &str) -> Scene {
    let (folder, trunk) = (sipp::folder(), place::ports(2));
    let node = Node::start(trunk);
    let called = sipp::called(folder.path(), trunk, 1, "1");
    let caller = Caller { person: 0, turns: TALKS };
    let calls = [(caller, number.to_owned())];
    let station = sipp::stations_calling(folder.path(), &node, &calls).wait_end(CALL).well();
    let called = called.wait_end(SOON).well();
    Scene { node: node.stop(), station, called }
}

fn refused() -> Scene {
    let (folder, trunk) = (sipp::folder(), place::ports(2));
    let node = Node::start(trunk);
    let called = sipp::called(folder.path(), trunk, 1, "2");
    let caller = Caller { person: 1, turns: PATIENT };
    let station = sipp::stations(folder.path(), &node, &[caller]).wait_end(CALL).well();
    let called = called.wait_end(SOON).well();
    Scene { node: node.stop(), station, called }
}

/// One person calls somebody who is not reached, and is as patient as that.
fn unreached(scenario: &str, turns: usize) -> Scene {
    let (folder, trunk) = (sipp::folder(), place::ports(2));
    let node = Node::start(trunk);
    let called = sipp::called_playing(folder.path(), trunk, scenario);
    let caller = Caller { person: 2, turns };
    let station = sipp::stations(folder.path(), &node, &[caller]).wait_end(CALL).well();
    let called = called.wait_end(SOON);
    Scene { node: node.stop(), station, called }
}

/// Four people call numbers that the carrier does not connect.
fn refusing() -> Scene {
    let (folder, trunk) = (sipp::folder(), place::ports(2));
    let node = Node::start(trunk);
    let called = sipp::refusing(folder.path(), trunk);
    let callers: Vec<_> = (0..REFUSALS).map(|person| Caller { person, turns: PATIENT }).collect();
    let station = sipp::stations(folder.path(), &node, &callers).wait_end(CALL).well();
    let called = called.wait_end(SOON);
    Scene { node: node.stop(), station, called }
}

/// One person talks to a called party that plays another scenario.
fn talk_with(scenario: &str, turns: usize) -> Scene {
    let (folder, trunk) = (sipp::folder(), place::ports(2));
    let node = Node::start(trunk);
    let called = sipp::called_playing(folder.path(), trunk, scenario);
    let caller = Caller { person: 3, turns };
    let station = sipp::stations(folder.path(), &node, &[caller]).wait_end(CALL).well();
    let called = called.wait_end(SOON);
    Scene { node: node.stop(), station, called }
}

fn ten() -> Scene {
    let (folder, trunk) = (sipp::folder(), place::ports(2));
    let node = Node::start(trunk);
    let called = sipp::called(folder.path(), trunk, PEOPLE, "1");
    let callers: Vec<_> =
        (0..PEOPLE).map(|person| Caller { person, turns: TALKS + person / 3 }).collect();
    let station = sipp::stations(folder.path(), &node, &callers).wait_end(CALL);
    let called = called.wait_end(SOON);
    Scene { node: node.stop(), station, called }
}

/// Two people talk while everything else that can come comes.
fn flooded() -> Scene {
    let (folder, trunk) = (sipp::folder(), place::ports(2));
    let node = Node::start(trunk);
    let called = sipp::called(folder.path(), trunk, 1, "1");
    let caller = Caller { person: 4, turns: TALKS + 3 };
    let station = sipp::stations(folder.path(), &node, &[caller]);
    node.wait_step("talk, sealed", CALL);
    flood::flood(&node);
    let (station, called) = (station.wait_end(CALL), called.wait_end(SOON));
    Scene { node: node.stop(), station, called }
}

/// The node is asked to stop while people talk; somebody else then tries to call.
fn stops() -> Scene {
    let (folder, trunk) = (sipp::folder(), place::ports(2));
    let node = Node::start(trunk);
    let called = sipp::called(folder.path(), trunk, 1, "1");
    let caller = Caller { person: 5, turns: TALKS + 2 };
    let station = sipp::stations(folder.path(), &node, &[caller]);
    node.wait_step("talk, sealed", CALL);
    node.ask_to_stop();
    let late = Caller { person: 6, turns: TALKS };
    let late = sipp::stations(folder.path(), &node, &[late]).wait_end(SOON).badly();
    assert!(late.err.contains("503"), "{}", late.err);
    let (station, called) = (station.wait_end(CALL), called.wait_end(SOON));
    Scene { node: node.wait_end(SOON), station, called }
}

/// The node is asked to stop while two talk who do not want to end.
fn stops_at_the_limit() -> Scene {
    let (folder, trunk) = (sipp::folder(), place::ports(2));
    let node = Node::start_with(trunk, "drain_seconds = 1800", "drain_seconds = 3");
    let called = sipp::called(folder.path(), trunk, 1, "1");
    let caller = Caller { person: 9, turns: FOREVER };
    let station = sipp::stations(folder.path(), &node, &[caller]);
    node.wait_step("talk, sealed", CALL);
    node.ask_to_stop();
    let node = node.wait_end(SOON);
    Scene { node, station: station.wait_end(SOON), called: called.wait_end(SOON) }
}

/// The node is asked twice.
fn stops_at_once() -> Scene {
    let (folder, trunk) = (sipp::folder(), place::ports(2));
    let node = Node::start(trunk);
    let called = sipp::called(folder.path(), trunk, 1, "1");
    let caller = Caller { person: 7, turns: FOREVER };
    let station = sipp::stations(folder.path(), &node, &[caller]);
    node.wait_step("talk, sealed", CALL);
    node.hears_talk_for(SOME_TALK);
    node.ask_to_stop();
    node.ask_to_stop();
    let node = node.wait_end(SOON);
    Scene { node, station: station.wait_end(SOON), called: called.wait_end(SOON) }
}

/// Staff end the call of somebody, and try to end nobody's.
fn cut() -> Scene {
    let (folder, trunk) = (sipp::folder(), place::ports(2));
    let node = Node::start(trunk);
    let called = sipp::called(folder.path(), trunk, 1, "1");
    let caller = Caller { person: 8, turns: FOREVER };
    let station = sipp::stations(folder.path(), &node, &[caller]);
    let sol = Member::supervisor(&node);
    node.wait_step("talk, sealed", CALL);
    node.hears_talk_for(SOME_TALK);
    let stop = |whom: &[&str]| {
        let why = ["--reason", "a threat in the unit"];
        sol.run(&[&["calls", "stop"][..], whom, &why].concat())
    };
    let status = sol.run(&["status"]).well().out;
    assert!(status.contains("     1  talk\n") && !status.contains("are recorded"), "{status}");
    let others = stop(&["--unit", "cedar/jail/a", "--person", "T-1"]).well();
    assert!(others.out.contains("0 calls ended"), "{}", others.out);
    assert!(stop(&[]).err.contains("--facility"), "something must be named");
    assert!(stop(&["--station", "cedar/jail/z"]).badly().err.contains("no such thing here"));
    let done = stop(&["--facility", "cedar/jail", "--person", "T-8"]).well();
    assert!(done.out.contains("1 calls ended"), "{}", done.out);
    let (station, called) = (station.wait_end(SOON), called.wait_end(SOON));
    Scene { node: node.stop(), station, called }
}

/// A phone that is none of the county's.
fn unknown() -> Scene {
    let (folder, trunk) = (sipp::folder(), place::ports(2));
    let node = Node::start(trunk);
    let scenario = folder.path().join("station.xml");
    let text = std::fs::read_to_string(&scenario).unwrap().replace("[field0]", "line-99");
    std::fs::write(&scenario, text).unwrap();
    let caller = Caller { person: 8, turns: TALKS };
    let station = sipp::stations(folder.path(), &node, &[caller]).wait_end(SOON);
    Scene { node: node.stop(), called: station.clone(), station }
}

#[track_caller]
fn assert_accepted(row: &CallRow, reason: EndReason) {
    assert_eq!((ended(row), row.consent_key), (reason, Some('1')));
    let recorded =
        matches!(row.recording, RecordingRow::Recorded { state: RecordingState::Ended, .. });
    assert!(recorded, "{:?}", row.recording);
    assert!(row.answered.unwrap() < row.accepted.unwrap());
    assert_eq!(charged_micros(row), county::price_micros(talk_ms(row)));
    assert!(charged_micros(row) > 0);
}

#[track_caller]
fn assert_not_talked(node: &Remains, row: &CallRow, reason: EndReason) {
    assert_eq!((ended(row), &row.recording), (reason, &RecordingRow::NoTalk));
    assert_eq!((talk_ms(row), charged_micros(row)), (0, 0));
    let money = node.store().money().unwrap();
    assert_eq!((money.held.micros(), money.released.micros()), (HELD_MICROS, HELD_MICROS));
    assert!(recordings(&node.data()).is_empty());
}

#[track_caller]
fn ended(row: &CallRow) -> EndReason {
    let Outcome::Ended { reason, rest, .. } = row.outcome else { panic!("{row:?}") };
    assert_eq!(rest, Rest::Released);
    reason
}

fn talk_ms(row: &CallRow) -> u64 {
    let Outcome::Ended { talked, .. } = row.outcome else { return 0 };
    u64::try_from(talked.as_millis()).unwrap()
}

fn charged_micros(row: &CallRow) -> i64 {
    let Outcome::Ended { charged, .. } = row.outcome else { return 0 };
    charged.micros()
}

/// Turns of two seconds: the price and the notice, up to three seconds until the key, and some
/// talk.
const TALKS: usize = 25;
/// Until they are told what became of the call.
const PATIENT: usize = 36;
/// Long enough for the phone to ring, not for the called party to be given up.
const IMPATIENT: usize = 5;
/// Until somebody else ends it.
const FOREVER: usize = 60;
/// Enough to be charged for.
const SOME_TALK: Duration = Duration::from_secs(3);
