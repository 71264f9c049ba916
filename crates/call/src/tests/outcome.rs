//! Commit, conversation, end.

use core::time::Duration;
use expect_test::{Expect, expect};
use model::{
    Language,
    Side::{Called, Station},
    Timestamp,
    fact::{EndReason, Epoch, NumberClass, OffReason},
};
use std::string::String;

use super::ladder::{Ladder, admission, describe_end, unrecorded};
use crate::{Admission, Answer, Choices, Input};

fn check(ladder: &mut Ladder, expected: &Expect) {
    expected.assert_eq(&ladder.text());
}

fn talking_for(seconds: u64) -> Admission {
    Admission { talk_max: Duration::from_secs(seconds), ..admission() }
}

#[test]
fn a_recording_needs_a_durable_start_in_the_same_epoch() {
    let mut text = String::new();
    for recording in [
        Ok(Epoch(3)),
        Ok(Epoch(2)),
        Ok(Epoch(4)),
        Err(OffReason::LogUnavailable),
        Err(OffReason::Disk),
        Err(OffReason::Protected),
    ] {
        let mut ladder = Ladder::new();
        ladder.reach_commit(admission()).skip().answer(Answer::Committed { recording });
        text.push_str(&ladder.text());
    }
    expect![[r#"
        26.920  office: durable, epoch 3
                    no tone
                    bridge, recorded (epoch 3)
                    event: talk
        26.920  office: durable, epoch 2
                    no tone
                    bridge, off: RegistryUnusable
                    event: talk
        26.920  office: durable, epoch 4
                    no tone
                    bridge, off: RegistryUnusable
                    event: talk
        26.920  office: durable, but LogUnavailable
                    no tone
                    bridge, off: LogUnavailable
                    event: talk
        26.920  office: durable, but Disk
                    no tone
                    bridge, off: Disk
                    event: talk
        26.920  office: durable, but Protected
                    no tone
                    bridge, off: Protected
                    event: talk
    "#]]
    .assert_eq(&text);
}

#[test]
fn commit_time_out_talks_unrecorded() {
    let mut text = String::new();
    for admission in [admission(), unrecorded(OffReason::Protected)] {
        let mut ladder = Ladder::new();
        ladder.reach_commit(admission).skip().keys(Called, "2").timeout();
        // The late answer starts no recording.
        ladder.answer(Answer::Committed { recording: Ok(Epoch(3)) });
        ladder.after(1_000).input(Input::HungUp(Called));
        assert!(ladder.consent.is_none());
        text.push_str(&ladder.text());
    }
    expect![[r#"
        26.920  called presses 2
        29.920  time-out
                    no tone
                    bridge, off: LogUnavailable
                    event: talk
        29.920  office: durable, epoch 3
        30.920  called hangs up
                    unbridge
                    hang up station (Normal)
                    finished: CalledHungUp, talked 1s, key 1, off: LogUnavailable
        26.920  called presses 2
        29.920  time-out
                    no tone
                    bridge, off: Protected
                    event: talk
        29.920  office: durable, epoch 3
        30.920  called hangs up
                    unbridge
                    hang up station (Normal)
                    finished: CalledHungUp, talked 1s, key 1, off: Protected
    "#]]
    .assert_eq(&text);
}

#[test]
fn one_minute_warning_and_limit() {
    let mut ladder = Ladder::new();
    let spanish = Admission { called_language: Language::Es, ..talking_for(90) };
    ladder.reach_talk(spanish).skip();
    ladder.timeout().keys(Called, "2").keys(Station, "#");
    ladder.timeouts_until("talked 25s").skip().timeout().timeout();
    check(
        &mut ladder,
        &expect![[r#"
            56.930  time-out
                        event: talked 30s
                        station hears en: one_minute_left
                        called hears es: one_minute_left
            61.930  time-out
                        event: talked 35s
        "#]],
    );
    ladder.timeouts_until("talked 85s").skip();
    ladder.timeout().after(2_000).heard(Called).after(100).heard(Station);
    check(
        &mut ladder,
        &expect![[r#"
            116.930 time-out
                        unbridge
                        station hears en: time_is_up
                        called hears es: time_is_up
            118.930 called heard it all
                        hang up called (Normal)
            119.030 station heard it all
                        hang up station (Normal)
                        finished: LimitReached, talked 90s, key 1
        "#]],
    );
}

#[test]
fn short_conversations_are_not_warned() {
    let warned = |seconds: u64| {
        let mut ladder = Ladder::new();
        ladder.reach_talk(talking_for(seconds)).run_out();
        (ladder.text().contains("one_minute_left"), ladder.finished.unwrap().talked.as_secs())
    };
    assert_eq!(warned(89), (false, 89));
    assert_eq!(warned(90), (true, 90));
    assert_eq!(warned(0), (false, 0));
}

#[test]
fn a_relay_call_is_neither_warned_nor_reminded() {
    let heard = |class| {
        let mut ladder = Ladder::new();
        let talk_max = Duration::from_secs(600);
        let unrecorded = unrecorded(OffReason::Relay);
        let reminder_every = Some(Duration::from_secs(200));
        let choices = Choices { reminder_every, ..unrecorded.choices };
        ladder.reach_talk(Admission { class, talk_max, choices, ..unrecorded }).run_out();
        let text = ladder.text();
        let count = |prompt| text.matches(prompt).count();
        (count("one_minute_left"), count("reminder"), ladder.finished.unwrap().talked)
    };
    let all = Duration::from_secs(600);
    assert_eq!(heard(NumberClass::Relay), (0, 0, all));
    assert_eq!(heard(NumberClass::Ordinary), (2, 4, all));
}

#[test]
fn a_late_time_out_charges_no_more_than_was_admitted() {
    let mut ladder = Ladder::new();
    ladder.reach_talk(talking_for(90)).skip().after(95_000).input(Input::Timeout);
    ladder.after(15_000).input(Input::Timeout);
    check(
        &mut ladder,
        &expect![[r#"
            121.930 input
                        unbridge
                        station hears en: time_is_up
                        called hears en: time_is_up
            136.930 input
                        hang up station (Normal)
                        hang up called (Normal)
                        finished: LimitReached, talked 90s, key 1
        "#]],
    );
    // Nor does a hang-up that is told late.
    let mut ladder = Ladder::new();
    ladder.reach_talk(talking_for(90)).after(95_000).input(Input::HungUp(Station));
    assert_eq!(ladder.finished.unwrap().talked, Duration::from_secs(90));
}

#[test]
fn media_lost_is_charged_to_the_last_packet() {
    for side in [Station, Called] {
        for (last_ms, talked_ms) in [(20_000, 20_000), (31_000, 30_000), (-1, 0)] {
            let mut ladder = Ladder::new();
            ladder.reach_talk(admission());
            let last = Timestamp::from_micros(ladder.now.micros() + last_ms * 1_000);
            ladder.after(30_000).input(Input::MediaLost { side, last });
            let finished = ladder.finished.take().unwrap();
            assert_eq!(finished.reason, Some(EndReason::MediaLost));
            assert_eq!(finished.talked, Duration::from_millis(talked_ms));
        }
    }
}

#[test]
fn a_stop_ends_at_once_and_says_on_the_wire_whose_fault_it_is() {
    let mut text = String::new();
    for reason in [
        EndReason::NodeStopping,
        EndReason::NodeDied,
        EndReason::Fault,
        EndReason::LimitReached,
        EndReason::StationHungUp,
    ] {
        let mut ladder = Ladder::new();
        ladder.reach_talk(admission()).after(4_000).skip().input(Input::Stop(reason));
        text.push_str(&ladder.text());
    }
    expect![[r#"
        30.930  stop: NodeStopping
                    unbridge
                    hang up station (Fault)
                    hang up called (Fault)
                    finished: NodeStopping, talked 4s, key 1
        30.930  stop: NodeDied
                    unbridge
                    hang up station (Fault)
                    hang up called (Fault)
                    finished: NodeDied, talked 4s, key 1
        30.930  stop: Fault
                    unbridge
                    hang up station (Fault)
                    hang up called (Fault)
                    finished: Fault, talked 4s, key 1
        30.930  stop: LimitReached
                    unbridge
                    hang up station (Normal)
                    hang up called (Normal)
                    finished: LimitReached, talked 4s, key 1
        30.930  stop: StationHungUp
                    unbridge
                    hang up station (Normal)
                    hang up called (Normal)
                    finished: StationHungUp, talked 4s, key 1
    "#]]
    .assert_eq(&text);
}

#[test]
fn a_stop_ends_a_farewell_and_keeps_its_reason() {
    let mut ladder = Ladder::new();
    ladder.reach_deciding(admission()).keys(Called, "2").skip();
    ladder.input(Input::Stop(EndReason::NodeStopping));
    check(
        &mut ladder,
        &expect![[r#"
              26.020  stop: NodeStopping
                          hang up station (Fault)
                          hang up called (Fault)
                          finished: RefusedByKey, talked 0ns, key 2
        "#]],
    );
}

#[test]
fn a_farewell_that_does_not_end_is_cut() {
    let mut ladder = Ladder::new();
    ladder.reach_deciding(admission()).keys(Called, "2").skip().timeout();
    check(
        &mut ladder,
        &expect![[r#"
              41.020  time-out
                          hang up station (Normal)
                          hang up called (Normal)
                          finished: RefusedByKey, talked 0ns, key 2
        "#]],
    );
}

#[test]
fn each_leg_is_hung_up_by_the_end_of_its_own_farewell() {
    let mut ladder = Ladder::new();
    ladder.reach_deciding(admission());
    let [station, called] = [Station, Called].map(|side| ladder.whole(side));
    ladder.keys(Called, "2").skip();
    // The notice's plays, told again, are not the farewell.
    ladder.input(station).input(called);
    ladder.cut(Station);
    let last = ladder.now;
    ladder.input(Input::MediaLost { side: Called, last });
    check(
        &mut ladder,
        &expect![[r#"
              26.020  input
              26.020  input
              26.020  station heard it in part
                          hang up station (Normal)
              26.020  called is silent
                          hang up called (Normal)
                          finished: RefusedByKey, talked 0ns, key 2
        "#]],
    );
}

#[test]
fn nothing_comes_after_the_end() {
    let mut ladder = Ladder::new();
    ladder.reach_talk(admission()).input(Input::HungUp(Station));
    assert_eq!(ladder.machine.poll_timeout(), None);
    expect!["finished: StationHungUp, talked 0ns, key 1"]
        .assert_eq(&describe_end(ladder.finished.as_ref().unwrap()));
    ladder.skip().input(Input::Timeout).input(Input::Stop(EndReason::Fault));
    ladder.input(Input::HungUp(Called)).answer(Answer::PinUnknown);
    assert!(!ladder.text().contains("            "));
}
