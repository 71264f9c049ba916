//! Faults, ours and others', cost the call they are in and no other.

use call::Finished;
use model::{CallId, Language, Side, TrunkId, fact::EndReason};
use std::time::Duration;
use switch::StepKind;

use crate::{
    door::one_pair,
    office::{Habit, Told},
    phone::Phone,
    plain::Plain,
    world::{Counted, World},
};

fn call(counter: u32) -> CallId {
    CallId::from_parts(1, counter)
}

/// How the office was told that an admitted call ended.
fn reason(told: &Told) -> (CallId, Option<EndReason>) {
    match told {
        Told::Finished(call, Finished { reason, .. }) => (*call, *reason),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_panic_in_one_call_ends_that_call_and_no_other() {
    let world = World::new(&[Habit::Panics, Habit::Admits, Habit::Admits]);
    let (broken, whole) = (Phone::new(), Phone::new());
    let carrier = Phone::new();
    world.connect_trunk(carrier.address());
    let lost = broken.call(world.node, 1);
    let kept = whole.call(world.node, 2);
    world.press_until_asked(&broken, call(1), "identify");
    assert_eq!(world.told(), Told::Broken(call(1)));
    broken.wait_hung_up(lost);
    // The other one goes on, to the called party's phone.
    world.press_until_asked(&whole, call(2), "admit");
    assert_eq!(world.counted(), Counted { live: 1, taken: 2, turned_away: 0, faults: 1 });
    let ringing = carrier.ring();
    whole.hang_up(kept);
    carrier.wait_hung_up(ringing);
    assert_eq!(world.told(), Told::Dialled(call(2), TrunkId(0)));
    assert_eq!(reason(&world.told()), (call(2), Some(EndReason::StationHungUp)));
    // And there is room for more.
    broken.call(world.node, 3);
}

#[test]
fn a_panic_after_the_called_party_answered_ends_both_legs_with_an_apology() {
    let mut world = World::new(&[Habit::PanicsWhenAnswered, Habit::Admits]);
    let (phone, carrier, other) = (Phone::new(), Phone::new(), Phone::new());
    world.connect_trunk(carrier.address());
    let station = phone.call(world.node, 1);
    world.press_until_asked(&phone, call(1), "admit");
    let called = carrier.pick_up();
    // It is settled at once, not when the apology is over.
    assert_eq!(world.told_end(), Told::Broken(call(1)));
    let kept = other.call(world.node, 2);
    let mut heard = Vec::new();
    while heard.len() < 4 {
        heard.push(world.wait_step(call(1), |kind| match kind {
            StepKind::Plays { prompts, .. } => prompts == &["apology"],
            StepKind::Played { complete, .. } => *complete,
            _ => false,
        }));
    }
    let plays = |side| {
        let (language, prompts) = (Language::En, vec!["apology"]);
        StepKind::Plays { side, language, prompts }
    };
    let played = |side| StepKind::Played { side, complete: true };
    for side in [Side::Station, Side::Called] {
        assert!(heard.contains(&plays(side)), "{heard:?}");
        assert!(heard.contains(&played(side)), "{heard:?}");
    }
    phone.wait_hung_up(station);
    carrier.wait_hung_up(called);
    // The other call goes on.
    world.press_until_asked(&other, call(2), "admit");
    other.hang_up(kept);
    assert_eq!(reason(&world.told_end()), (call(2), Some(EndReason::StationHungUp)));
    assert_eq!(world.counted().faults, 1);
    world.wait_empty();
    world.assert_told_nothing_more();
}

#[test]
fn a_stop_does_not_wait_for_an_apology() {
    let mut world = World::new(&[Habit::PanicsWhenAnswered, Habit::PanicsWhenAnswered]);
    // Each with a carrier of its own: where the second call takes long to come about, the apology
    // of the first is over by then.
    let ends = [(1, Phone::new(), Phone::new()), (2, Phone::new(), Phone::new())];
    let legs = ends.each_ref().map(|(counter, phone, carrier)| {
        world.connect_trunk(carrier.address());
        let station = phone.call(world.node, *counter);
        world.press_until_asked(phone, call(*counter), "admit");
        let called = carrier.ring();
        carrier.answer(called);
        assert_eq!(world.told_end(), Told::Broken(call(*counter)));
        (station, called)
    });
    let [(_, phone, carrier), (_, other_phone, other_carrier)] = &ends;
    phone.hang_up(legs[0].0);
    carrier.hang_up(legs[0].1);
    assert_eq!(world.counted().faults, 2);
    world.begin_stop(Duration::ZERO);
    other_phone.wait_hung_up(legs[1].0);
    other_carrier.wait_hung_up(legs[1].1);
    world.join();
    world.assert_told_nothing_more();
}

#[test]
fn a_panic_before_a_call_is_taken_refuses_it_and_the_node_lives() {
    let world = World::new(&[Habit::PanicsAtTheDoor, Habit::Admits]);
    let phone = Phone::new();
    assert_eq!(phone.refused(world.node, 1), 500);
    assert_eq!(world.counted(), Counted { live: 0, taken: 0, turned_away: 1, faults: 1 });
    phone.call(world.node, 2);
}

#[test]
fn an_admission_that_is_never_answered_is_settled_all_the_same() {
    let world = World::new(&[Habit::Silent]);
    let phone = Phone::new();
    let wire = phone.call(world.node, 1);
    world.press_until_asked(&phone, call(1), "admit");
    assert_eq!(reason(&world.told_end()), (call(1), Some(EndReason::Fault)));
    phone.wait_hung_up(wire);
}

#[test]
fn a_trunk_that_answers_with_audio_nobody_offered_does_not_connect() {
    let mut world = World::new(&[Habit::Admits]);
    let (phone, carrier) = (Phone::new(), Plain::new());
    world.connect_trunk(carrier.address());
    let wire = phone.call(world.node, 1);
    world.press_until_asked(&phone, call(1), "admit");
    carrier.accept(&carrier.wait_for("INVITE"));
    // A 200 is acknowledged, and ended: the carrier must not bill a call that is not one.
    carrier.wait_for("ACK");
    carrier.accept(&carrier.wait_for("BYE"));
    assert_eq!(reason(&world.told_end()), (call(1), Some(EndReason::TrunkFailed)));
    phone.wait_hung_up(wire);
    assert_eq!(world.counted().faults, 0);
    world.wait_empty();
}

#[test]
fn without_a_trunk_or_a_port_for_the_called_party_the_call_does_not_connect() {
    for ports in [crate::phone::PORTS, one_pair()] {
        let world = World::with(&[Habit::Admits], 8, ports.clone());
        let (phone, carrier) = (Phone::new(), Phone::new());
        if ports != crate::phone::PORTS {
            world.connect_trunk(carrier.address());
        }
        let wire = phone.call(world.node, 1);
        world.press_until_asked(&phone, call(1), "admit");
        assert_eq!(reason(&world.told_end()), (call(1), Some(EndReason::TrunkFailed)));
        phone.wait_hung_up(wire);
    }
}
