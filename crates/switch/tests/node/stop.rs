//! A node that is asked to stop.

use call::Finished;
use model::{CallId, fact::EndReason};
use std::time::Duration;

use crate::{
    office::{Habit, Told},
    phone::{PATIENCE, Phone},
    world::World,
};

const LONG: Duration = Duration::from_secs(3_600);

fn call(counter: u32) -> CallId {
    CallId::from_parts(1, counter)
}

fn reason(told: &Told, of: CallId) -> Option<EndReason> {
    match told {
        Told::Finished(id, Finished { reason, .. }) if *id == of => *reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_node_without_calls_stops_at_once() {
    let mut world = World::new(&[]);
    world.begin_stop(LONG);
    world.join();
}

#[test]
fn whoever_wants_to_know_is_told_when_the_node_has_ended() {
    let mut world = World::new(&[Habit::Admits]);
    let phone = Phone::new();
    let wire = phone.call(world.node, 1);
    let ended = world.ended();
    world.begin_stop(LONG);
    assert!(ended.try_recv().is_err(), "a call is running");
    phone.hang_up(wire);
    ended.recv_timeout(PATIENCE).unwrap();
    // Also who asks late.
    world.ended().recv_timeout(PATIENCE).unwrap();
    world.join();
}

#[test]
fn a_node_that_stops_takes_no_new_call_and_waits_for_the_running_ones() {
    let mut world = World::new(&[Habit::Admits, Habit::Admits]);
    let (phone, carrier, late) = (Phone::new(), Phone::new(), Phone::new());
    world.connect_trunk(carrier.address());
    let station = phone.call(world.node, 1);
    world.begin_stop(LONG);
    // The running call is not disturbed.
    world.press_until_asked(&phone, call(1), "admit");
    let called = carrier.ring();
    assert_eq!(late.refused(world.node, 2), 503);
    phone.hang_up(station);
    carrier.wait_hung_up(called);
    assert_eq!(reason(&world.told_end(), call(1)), Some(EndReason::StationHungUp));
    world.join();
    world.assert_told_nothing_more();
}

#[test]
fn at_the_limit_the_running_calls_are_ended_and_settled() {
    let mut world = World::new(&[Habit::Admits, Habit::Admits]);
    let (admitted, carrier, at_menu) = (Phone::new(), Phone::new(), Phone::new());
    world.connect_trunk(carrier.address());
    let first = admitted.call(world.node, 1);
    let second = at_menu.call(world.node, 2);
    world.press_until_asked(&admitted, call(1), "admit");
    let called = carrier.ring();
    // Said again with a shorter limit, it holds sooner.
    world.begin_stop(LONG);
    world.begin_stop(Duration::ZERO);
    admitted.wait_hung_up(first);
    at_menu.wait_hung_up(second);
    carrier.wait_hung_up(called);
    world.join();
    let mut ends = [world.told_end(), world.told_end()];
    ends.sort_by_key(|told| match told {
        Told::Finished(call, _)
        | Told::Broken(call)
        | Told::Asked(call, _)
        | Told::Dialled(call, _)
        | Told::Forwarded(call)
        | Told::Name(call, ..) => *call,
    });
    assert_eq!(reason(&ends[0], call(1)), Some(EndReason::NodeStopping));
    assert_eq!(reason(&ends[1], call(2)), None, "nothing was admitted, so nothing is settled");
    world.assert_told_nothing_more();
}

#[test]
fn calls_that_staff_end_are_told_so_and_others_go_on() {
    let mut world = World::new(&[Habit::Admits, Habit::Admits]);
    let (phone, carrier, other) = (Phone::new(), Phone::new(), Phone::new());
    world.connect_trunk(carrier.address());
    let station = phone.call(world.node, 1);
    world.press_until_asked(&phone, call(1), "admit");
    let called = carrier.ring();
    let goes_on = other.call(world.node, 2);
    assert_eq!(world.end(vec![call(9), call(1)]), [call(1)]);
    assert_eq!(reason(&world.told_end(), call(1)), Some(EndReason::CutByStaff));
    phone.wait_hung_up(station);
    carrier.wait_hung_up(called);
    // It is over, and not ended again.
    other.hang_up(goes_on);
    world.begin_stop(LONG);
    assert_eq!(reason(&world.told_end(), call(2)), None);
    world.join();
    world.assert_told_nothing_more();
}
