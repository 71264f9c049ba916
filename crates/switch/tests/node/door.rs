//! Calls that are refused before anybody hears a prompt.

use call::Finished;
use model::CallId;
use std::{
    net::UdpSocket,
    ops::RangeInclusive,
    sync::atomic::{AtomicU16, Ordering},
};

use crate::{
    office::{Habit, Told},
    phone::{LOOPBACK, PORTS, Phone},
    plain::Plain,
    world::{Counted, World},
};

#[test]
fn a_station_that_the_office_does_not_take_is_refused_with_403() {
    let world = World::new(&[Habit::Denies, Habit::Admits]);
    let phone = Phone::new();
    assert_eq!(phone.refused(world.node, 1), 403);
    assert_eq!(world.counted(), Counted { live: 0, taken: 0, turned_away: 1, faults: 0 });
    phone.call(world.node, 2);
}

#[test]
fn past_its_limit_a_node_refuses_with_503_until_there_is_room() {
    let world = World::with(&[Habit::Admits; 3], 1, PORTS);
    let (first, second) = (Phone::new(), Phone::new());
    let wire = first.call(world.node, 1);
    assert_eq!(second.refused(world.node, 2), 503);
    first.hang_up(wire);
    // It was never admitted, so there is nothing to settle.
    let Told::Finished(call, Finished { reason: None, .. }) = world.told() else { panic!() };
    assert_eq!(call, CallId::from_parts(1, 1));
    second.call(world.node, 3);
    let Counted { live, taken, turned_away, .. } = world.counted();
    assert_eq!((live, taken, turned_away), (1, 2, 1));
}

#[test]
fn one_telephone_cannot_take_the_room_of_all() {
    let world = World::new(&[Habit::Admits, Habit::Admits]);
    let phones = [Phone::new(), Phone::new(), Phone::new()];
    let wires: Vec<_> = phones.iter().map(|phone| phone.call(world.node, 1)).collect();
    assert_eq!(Phone::new().refused(world.node, 1), 486);
    // Another one still calls, and the first again when one of its calls is over.
    Phone::new().call(world.node, 2);
    phones[0].hang_up(wires[0]);
    let told = world.told();
    assert!(matches!(told, Told::Finished(..)), "{told:?}");
    phones[0].call(world.node, 1);
    let Counted { taken, turned_away, faults, .. } = world.counted();
    assert_eq!((taken, turned_away, faults), (5, 1, 0));
}

#[test]
fn without_an_audio_port_a_call_is_refused_with_503() {
    let world = World::with(&[Habit::Admits; 3], 8, one_pair());
    let (first, second) = (Phone::new(), Phone::new());
    let wire = first.call(world.node, 1);
    assert_eq!(second.refused(world.node, 2), 503);
    first.hang_up(wire);
    assert!(matches!(world.told(), Told::Finished(..)));
    // The port is free a moment after its call is over.
    assert!((0..1_000).any(|_| second.try_call(world.node, 3).is_ok()));
}

#[test]
fn a_station_whose_audio_we_do_not_understand_is_refused_with_488() {
    // The line knows already. One pair of ports: refusing must not cost it.
    let world = World::with(&[Habit::Admits; 2], 8, one_pair());
    let plain = Plain::new();
    assert_eq!(plain.invite(world.node, "1"), 488);
    Phone::new().call(world.node, 2);
}

/// A pair of ports that was free a moment ago. Where the search begins depends on the process, so
/// that two runs of these tests rarely want the same.
pub(crate) fn one_pair() -> RangeInclusive<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begin = u16::try_from(std::process::id() % PAIRS).unwrap();
    let free = |port: u16| UdpSocket::bind((LOOPBACK, port)).is_ok();
    loop {
        let pair = begin + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = PAIRS_FROM + pair % u16::try_from(PAIRS).unwrap() * 2;
        if free(port) && free(port + 1) {
            return port..=port + 1;
        }
    }
}

const PAIRS_FROM: u16 = 28_000;
const PAIRS: u32 = 500;
