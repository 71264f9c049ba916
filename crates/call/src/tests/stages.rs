//! A call broken at every stage, in every way.

use expect_test::expect;
use model::{
    Side::{Called, Station},
    fact::{EndReason, OffReason},
};
use std::{format, string::String};

use super::ladder::{Ladder, admission, describe_end, unrecorded};
use crate::{Answer, Input};

/// A name and the way there.
type Stage = (&'static str, fn(&mut Ladder));

const STAGES: &[Stage] = &[
    ("entering the PIN", |_| {}),
    ("looking up the PIN", |l| {
        l.keys(Station, "4711#");
    }),
    ("entering the number", |l| {
        l.reach_number();
    }),
    ("looking up the balance", |l| {
        l.reach_number().keys(Station, "*");
    }),
    ("telling the price", |l| {
        l.reach_admit().answer(Answer::Admitted(admission()));
    }),
    ("ringing", |l| {
        l.reach_ringing(admission());
    }),
    ("notice", |l| {
        l.reach_notice(admission());
    }),
    ("notice heard by the person", |l| {
        l.reach_notice(admission()).heard(Station);
    }),
    ("deciding", |l| {
        l.reach_deciding(admission());
    }),
    ("confirming that no more calls are wanted", |l| {
        l.reach_deciding(admission()).keys(Called, "7");
    }),
    ("blocking", |l| {
        l.reach_deciding(admission()).keys(Called, "70");
    }),
    ("deciding about a private call", |l| {
        l.reach_deciding(admission()).keys(Called, "3").notice_heard();
    }),
    ("committing", |l| {
        l.reach_commit(admission());
    }),
    ("talking", |l| {
        l.reach_talk(admission()).after(3_000);
    }),
    ("talking to a protected number", |l| {
        l.reach_talk(unrecorded(OffReason::Protected)).after(3_000);
    }),
    ("saying goodbye", |l| {
        l.reach_deciding(admission()).keys(Called, "2");
    }),
];

/// Breaks a call at every stage and returns how each ended.
fn broken(breaks: impl Fn(&mut Ladder)) -> String {
    let mut text = String::new();
    for (name, go) in STAGES {
        let mut ladder = Ladder::new();
        go(&mut ladder);
        breaks(&mut ladder);
        ladder.run_out();
        let end = ladder.finished.as_ref().map(describe_end).unwrap();
        text.push_str(&format!("{name}: {}\n", end.trim_start_matches("finished: ")));
    }
    text
}

#[test]
fn station_hangs_up_at_every_stage() {
    expect![[r#"
        entering the PIN: nothing to settle, talked 0ns
        looking up the PIN: nothing to settle, talked 0ns
        entering the number: nothing to settle, talked 0ns
        looking up the balance: nothing to settle, talked 0ns
        telling the price: StationHungUp, talked 0ns
        ringing: StationHungUp, talked 0ns
        notice: StationHungUp, talked 0ns
        notice heard by the person: StationHungUp, talked 0ns
        deciding: StationHungUp, talked 0ns
        confirming that no more calls are wanted: StationHungUp, talked 0ns
        blocking: StationHungUp, talked 0ns, key 7
        deciding about a private call: StationHungUp, talked 0ns
        committing: StationHungUp, talked 0ns, key 1
        talking: StationHungUp, talked 3s, key 1
        talking to a protected number: StationHungUp, talked 3s, key 1, off: Protected
        saying goodbye: RefusedByKey, talked 0ns, key 2
    "#]]
    .assert_eq(&broken(|ladder| {
        ladder.input(Input::HungUp(Station));
    }));
}

#[test]
fn called_party_hangs_up_at_every_stage() {
    expect![[r#"
        entering the PIN: nothing to settle, talked 0ns
        looking up the PIN: nothing to settle, talked 0ns
        entering the number: nothing to settle, talked 0ns
        looking up the balance: nothing to settle, talked 0ns
        telling the price: NoAnswer, talked 0ns
        ringing: TrunkFailed, talked 0ns
        notice: NoticeCutShort, talked 0ns
        notice heard by the person: NoticeCutShort, talked 0ns
        deciding: NotAccepted, talked 0ns
        confirming that no more calls are wanted: NotAccepted, talked 0ns
        blocking: BlockedByKey, talked 0ns, key 7
        deciding about a private call: NotAccepted, talked 0ns
        committing: CalledHungUp, talked 0ns, key 1
        talking: CalledHungUp, talked 3s, key 1
        talking to a protected number: CalledHungUp, talked 3s, key 1, off: Protected
        saying goodbye: RefusedByKey, talked 0ns, key 2
    "#]]
    .assert_eq(&broken(|ladder| {
        ladder.input(Input::HungUp(Called));
    }));
}

#[test]
fn station_falls_silent_at_every_stage() {
    expect![[r#"
        entering the PIN: nothing to settle, talked 0ns
        looking up the PIN: nothing to settle, talked 0ns
        entering the number: nothing to settle, talked 0ns
        looking up the balance: nothing to settle, talked 0ns
        telling the price: MediaLost, talked 0ns
        ringing: MediaLost, talked 0ns
        notice: MediaLost, talked 0ns
        notice heard by the person: MediaLost, talked 0ns
        deciding: MediaLost, talked 0ns
        confirming that no more calls are wanted: MediaLost, talked 0ns
        blocking: MediaLost, talked 0ns, key 7
        deciding about a private call: MediaLost, talked 0ns
        committing: MediaLost, talked 0ns, key 1
        talking: MediaLost, talked 3s, key 1
        talking to a protected number: MediaLost, talked 3s, key 1, off: Protected
        saying goodbye: RefusedByKey, talked 0ns, key 2
    "#]]
    .assert_eq(&broken(|ladder| {
        let last = ladder.now;
        ladder.after(1_000).input(Input::MediaLost { side: Station, last });
    }));
}

#[test]
fn called_party_falls_silent_at_every_stage() {
    expect![[r#"
        entering the PIN: nothing to settle, talked 0ns
        looking up the PIN: nothing to settle, talked 0ns
        entering the number: nothing to settle, talked 0ns
        looking up the balance: nothing to settle, talked 0ns
        telling the price: NoAnswer, talked 0ns
        ringing: NoAnswer, talked 0ns
        notice: NoticeCutShort, talked 0ns
        notice heard by the person: NoticeCutShort, talked 0ns
        deciding: NotAccepted, talked 0ns
        confirming that no more calls are wanted: NotAccepted, talked 0ns
        blocking: BlockedByKey, talked 0ns, key 7
        deciding about a private call: NotAccepted, talked 0ns
        committing: MediaLost, talked 0ns, key 1
        talking: MediaLost, talked 3s, key 1
        talking to a protected number: MediaLost, talked 3s, key 1, off: Protected
        saying goodbye: RefusedByKey, talked 0ns, key 2
    "#]]
    .assert_eq(&broken(|ladder| {
        let last = ladder.now;
        ladder.after(1_000).input(Input::MediaLost { side: Called, last });
    }));
}

#[test]
fn personal_data_is_not_printed_at_any_stage() {
    for (name, go) in STAGES {
        let mut ladder = Ladder::new();
        go(&mut ladder);
        let printed = format!("{:?}", ladder.machine);
        for private in ["Marcus", "Cedar", "4711", "5550142"] {
            assert!(!printed.contains(private), "`{private}` while {name}");
        }
    }
}

#[test]
fn node_stops_at_every_stage() {
    expect![[r#"
        entering the PIN: nothing to settle, talked 0ns
        looking up the PIN: nothing to settle, talked 0ns
        entering the number: nothing to settle, talked 0ns
        looking up the balance: nothing to settle, talked 0ns
        telling the price: NodeStopping, talked 0ns
        ringing: NodeStopping, talked 0ns
        notice: NodeStopping, talked 0ns
        notice heard by the person: NodeStopping, talked 0ns
        deciding: NodeStopping, talked 0ns
        confirming that no more calls are wanted: NodeStopping, talked 0ns
        blocking: NodeStopping, talked 0ns, key 7
        deciding about a private call: NodeStopping, talked 0ns
        committing: NodeStopping, talked 0ns, key 1
        talking: NodeStopping, talked 3s, key 1
        talking to a protected number: NodeStopping, talked 3s, key 1, off: Protected
        saying goodbye: RefusedByKey, talked 0ns, key 2
    "#]]
    .assert_eq(&broken(|ladder| {
        ladder.input(Input::Stop(EndReason::NodeStopping));
        assert!(ladder.finished.is_some());
    }));
}

#[test]
fn everybody_falls_asleep_at_every_stage() {
    expect![[r#"
        entering the PIN: nothing to settle, talked 0ns
        looking up the PIN: nothing to settle, talked 0ns
        entering the number: nothing to settle, talked 0ns
        looking up the balance: nothing to settle, talked 0ns
        telling the price: NoAnswer, talked 0ns
        ringing: NoAnswer, talked 0ns
        notice: NoticeCutShort, talked 0ns
        notice heard by the person: NoticeCutShort, talked 0ns
        deciding: NotAccepted, talked 0ns
        confirming that no more calls are wanted: NotAccepted, talked 0ns
        blocking: BlockedByKey, talked 0ns, key 7
        deciding about a private call: NotAccepted, talked 0ns
        committing: LimitReached, talked 900s, key 1, off: LogUnavailable
        talking: LimitReached, talked 900s, key 1
        talking to a protected number: LimitReached, talked 900s, key 1, off: Protected
        saying goodbye: RefusedByKey, talked 0ns, key 2
    "#]]
    .assert_eq(&broken(|_| {}));
}
