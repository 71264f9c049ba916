//! baresip as a softphone on either side: people who hear each other, and hear nothing of each
//! other before they may.

use std::{sync::LazyLock, time::Duration};

use model::{
    Codec,
    fact::{EndReason, OffReason, RecordingState},
};
use store::{CallRow, Outcome, RecordingRow};

use crate::{
    baresip::{Heard, Phone, Settings},
    county::{self, PASSWORD, PROTECTED, USER},
    node::{Node, Remains},
    place,
    process::{CALL, SOON},
    recording::{assert_no_audio_in_clear, recordings},
    sound::{RATE, is_audible, is_tone, loudness},
    together::Together,
    with_baresip_tls::encrypted,
};

#[test]
fn people_hear_each_other_once_accepted_in_mu_law_with_baresip() {
    assert_talked(&SCENES.take("mu-law"));
}

#[test]
fn people_hear_each_other_once_accepted_in_a_law_with_baresip() {
    assert_talked(&SCENES.take("A-law"));
}

#[test]
fn what_is_recorded_is_what_was_said_with_baresip() {
    let scene = SCENES.take("recorded");
    let found = recordings(&scene.node.data());
    let [recording] = found.as_slice() else { panic!("{} recordings", found.len()) };
    assert_eq!(recording.extension(), "rec");
    let [row] = scene.node.calls();
    let whole = usize::try_from(talked(&row).as_secs()).unwrap();
    assert!(recording.codecs().iter().all(|codecs| *codecs == (Codec::Pcma, Codec::Pcmu)));
    let (station, called) = (recording.station(), recording.called());
    assert!(station.len() >= whole && station.len() <= whole + 2, "{} of {whole} s", station.len());
    // The first second may begin before the first packet.
    for second in 1..whole {
        assert!(is_said(&station[second], STATION_TONE), "station, second {second}");
        assert!(is_said(&called[second], CALLED_TONE), "called, second {second}");
    }
    // As loud as the other one heard it, though the law was changed on the way.
    for (said, heard) in [(&station, &scene.called), (&called, &scene.station)] {
        let heard = heard.samples.chunks_exact(RATE).rev().nth(1).unwrap();
        let ratio = loudness(&said[whole / 2]) / loudness(heard);
        assert!((0.9..1.1).contains(&ratio), "said and heard differ by {ratio}");
    }
    assert_no_audio_in_clear(&scene.node.data(), &found);
}

#[test]
fn counsel_hears_so_and_is_not_recorded_with_baresip() {
    let scene = SCENES.take("protected");
    assert_heard_each_other(&scene);
    let [row] = scene.node.calls();
    assert_eq!(row.recording, RecordingRow::Off(OffReason::Protected));
    assert_eq!((scene.node.steps("notice_protected"), scene.node.steps("notice_recorded")), (2, 0));
    assert!(recordings(&scene.node.data()).is_empty());
}

#[test]
fn a_wrong_password_gets_no_call_with_baresip() {
    let scene = SCENES.take("wrong password");
    let [] = scene.node.calls();
    assert_eq!(scene.node.steps("step "), 0);
    // It may neither sign in nor call.
    for refused in ["reg: ", "session closed: "] {
        let said = scene.station.finished.out.lines().find(|line| line.contains(refused));
        assert!(said.unwrap().contains("403 Forbidden"), "{said:?}");
    }
    assert!(scene.station.samples.is_empty() && scene.called.samples.is_empty());
}

/// What is left of a scene.
pub(crate) struct Scene {
    pub(crate) node: Remains,
    pub(crate) station: Heard,
    pub(crate) called: Heard,
}

/// All scenes, played at once when a test first asks for one.
pub(crate) static SCENES: LazyLock<Together<Scene>> = LazyLock::new(|| {
    Together::play(&[
        ("mu-law", || talk([Codec::Pcmu, Codec::Pcmu], &county::number(0))),
        ("A-law", || talk([Codec::Pcma, Codec::Pcma], &county::number(1))),
        ("recorded", || talk([Codec::Pcma, Codec::Pcmu], &county::number(2))),
        ("protected", || talk([Codec::Pcmu, Codec::Pcma], PROTECTED)),
        ("wrong password", wrong_password),
        ("encrypted", encrypted),
    ])
});

/// One person calls, is accepted, both talk, and the called party hangs up.
fn talk([station, called]: [Codec; 2], number: &str) -> Scene {
    let trunk = place::ports(2);
    let node = Node::start(trunk);
    let mut called = Phone::start(called_party(trunk, &format!("+1{number}"), called), &node);
    let mut station = Phone::start(telephone(PASSWORD, station), &node);
    station.dial("menu", &node);
    node.wait_step("enter_pin", SOON);
    station.press(&format!("{}#", county::pin(0)));
    node.wait_step("enter_number", SOON);
    station.press(&format!("{number}#"));
    node.wait_step("answers (which is not acceptance)", SOON);
    // The person's notice is the shorter one.
    node.wait_step("called leg: heard to its end", CALL);
    called.press("1");
    node.wait_step("== node ==", SOON);
    node.hears_talk_for(TALK);
    called.hang_up();
    node.wait_step("over and settled", SOON);
    let (station, called) = (station.quit(), called.quit());
    Scene { node: node.stop(), station, called }
}

/// The telephone has the wrong password; somebody waits to be called.
fn wrong_password() -> Scene {
    let trunk = place::ports(2);
    let node = Node::start(trunk);
    let number = format!("+1{}", county::number(3));
    let called = Phone::start(called_party(trunk, &number, Codec::Pcmu), &node);
    let mut station = Phone::start(telephone("a-wrong-password", Codec::Pcmu), &node);
    station.dial("menu", &node);
    station.wait_line("session closed");
    let (station, called) = (station.quit(), called.quit());
    Scene { node: node.stop(), station, called }
}

fn telephone(password: &str, codec: Codec) -> Settings<'_> {
    let (account, port) = ("accounts-station", place::ports(2));
    Settings { account, port, user: USER, password, codec, tone: STATION_TONE, secure: None }
}

fn called_party(trunk: u16, user: &str, codec: Codec) -> Settings<'_> {
    let account = "accounts-called";
    Settings { account, port: trunk, user, password: "", codec, tone: CALLED_TONE, secure: None }
}

#[track_caller]
fn assert_talked(scene: &Scene) {
    assert_heard_each_other(scene);
    let [row] = scene.node.calls();
    let recorded =
        matches!(row.recording, RecordingRow::Recorded { state: RecordingState::Ended, .. });
    assert!(recorded, "{:?}", row.recording);
    assert_eq!(recordings(&scene.node.data()).len(), 1);
}

/// Both heard the other's tone from the acceptance to the end, and nothing of it before.
#[track_caller]
fn assert_heard_each_other(scene: &Scene) {
    let [row] = scene.node.calls();
    let Outcome::Ended { reason, charged, .. } = row.outcome else { panic!("{row:?}") };
    assert_eq!((reason, row.consent_key), (EndReason::CalledHungUp, Some('1')));
    let talked = talked(&row);
    let talk_ms = u64::try_from(talked.as_millis()).unwrap();
    assert!(talked >= TALK, "{talked:?}");
    assert_eq!(charged.micros(), county::price_micros(talk_ms));
    let talk = usize::try_from(talk_ms).unwrap() * RATE / 1_000;
    for (who, heard, tone) in [
        ("station", &scene.station.samples, CALLED_TONE),
        ("called party", &scene.called.samples, STATION_TONE),
    ] {
        // A dump ends with the call: counted from there, it is known where the talk began.
        let begin = heard.len().checked_sub(talk).expect("heard longer than talked");
        let (before, during) = (&heard[..begin.saturating_sub(SLACK)], &heard[begin + SLACK..]);
        let early = before.chunks_exact(PART).position(|part| is_tone(part, tone.into()));
        assert_eq!(early, None, "the {who} heard the other one before the call was accepted");
        assert!(before.chunks_exact(PART).filter(|part| is_audible(part)).count() > 50, "{who}");
        let parts = during.chunks_exact(PART).count();
        let heard = during.chunks_exact(PART).filter(|part| is_tone(part, tone.into())).count();
        assert!(
            heard * 10 >= parts * 8,
            "the {who} heard the other one in {heard} of {parts} parts"
        );
    }
}

/// Whether a recorded second is the tone that was said.
fn is_said(second: &[i16], tone: u32) -> bool {
    let parts = second.chunks_exact(PART);
    let count = parts.len();
    parts.filter(|part| is_tone(part, tone.into())).count() + PARTS_MOVED_MAX >= count && count > 0
}

fn talked(row: &CallRow) -> Duration {
    let Outcome::Ended { talked, .. } = row.outcome else { panic!("{row:?}") };
    talked
}

/// How long people talk.
const TALK: Duration = Duration::from_secs(6);
/// Pitches, in Hz, of no prompt, ringing tone or key.
const STATION_TONE: u32 = 620;
const CALLED_TONE: u32 = 1_100;
/// Parts of a recorded second that may be no pure tone: once a second a direction may be moved by
/// 2.5 ms to stay in step with the other, which turns the tone over in the part where it happens.
const PARTS_MOVED_MAX: usize = 2;
/// Samples of a part that is looked at: 100 ms.
const PART: usize = RATE / 10;
/// Samples by which a softphone's dump may be off.
const SLACK: usize = RATE;
