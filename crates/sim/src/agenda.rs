//! What is going to happen, in order of time and then of insertion.

use call::{Enrolment, Input, TrunkFailure};
use model::{Key, PlayId, Side, Timestamp, fact::KeyPath};
use std::{cmp::Ordering, collections::BinaryHeap};

/// Something that is going to happen. `slot` is a call's place in the world's list.
#[derive(Debug)]
pub(crate) enum Event {
    /// Somebody lifts the receiver of a station.
    Lift { station: usize },
    /// A phone presses a key, which the node handles so many microseconds later.
    Press { slot: usize, side: Side, key: Key, delay_us: u64 },
    /// The node's media, or its line, gets the key.
    KeyArrives { slot: usize, side: Side, key: Key, onset: Timestamp, path: KeyPath },
    /// The node handles the key. Of a key that came as SIP INFO no better onset is known than that.
    Key { slot: usize, side: Side, key: Key, onset: Option<Timestamp>, path: KeyPath },
    /// A phone hangs up.
    HangUp { slot: usize, side: Side },
    /// A phone stops sending audio.
    Silence { slot: usize, side: Side },
    /// A phone sends audio again.
    Sound { slot: usize, side: Side },
    /// The carrier moves the called leg to another phone.
    Moves { slot: usize },
    /// The last sample of a script is over.
    PlayOver { slot: usize, side: Side, play: PlayId },
    /// Media looks whether a leg has been silent for too long.
    LostCheck { slot: usize, side: Side },
    /// The called party's phone rings.
    Rings { slot: usize },
    /// The called party's phone is answered.
    Answers { slot: usize },
    /// The trunk gives up.
    Fails { slot: usize, failure: TrunkFailure },
    /// The node handles an input.
    Input { slot: usize, input: Input },
    /// A machine wanted to be woken at this time.
    Wake { slot: usize },
    /// The journal's thread is done with a group. Of another boot it means nothing.
    Group { boot: u32 },
    /// The desk reads the registry again, and from then on `every` so often.
    Reload { boot: u32, every: bool },
    /// Money is paid in.
    Deposit { person: usize },
    /// The registry's source changes.
    Registry,
    /// The disk has no space left, or has some again.
    DiskFull(bool),
    /// So many thousandths of the disk are free.
    Room(u64),
    /// Staff take back what a called party chose.
    Relent,
    /// Staff look at a recorded name.
    Look,
    /// The person has said their name, or nothing.
    NameSaid { slot: usize, enrolment: Enrolment },
    /// The desk does what people and staff want done with names.
    Names { boot: u32 },
    /// The node is killed.
    Kill,
    /// The node is asked to stop.
    Stop,
    /// The time it was given to stop is over.
    StopDeadline { boot: u32 },
    /// The node starts.
    Start,
}

/// The queue of events.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    heap: BinaryHeap<Entry>,
    sequence: u64,
}

impl Agenda {
    pub(crate) fn add(&mut self, at: Timestamp, event: Event) {
        self.sequence += 1;
        self.heap.push(Entry { at, sequence: self.sequence, event });
    }

    pub(crate) fn next(&mut self) -> Option<(Timestamp, Event)> {
        self.heap.pop().map(|entry| (entry.at, entry.event))
    }
}

#[derive(Debug)]
struct Entry {
    at: Timestamp,
    sequence: u64,
    event: Event,
}

impl Ord for Entry {
    /// The earliest is the greatest, because the heap gives the greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.sequence).cmp(&(self.at, self.sequence))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_comes_first_and_equals_in_order_of_insertion() {
        let mut agenda = Agenda::default();
        for (at, slot) in [(5, 0), (3, 1), (5, 2), (3, 3)] {
            agenda.add(Timestamp::from_micros(at), Event::Wake { slot });
        }
        let order: Vec<_> = std::iter::from_fn(|| agenda.next())
            .map(|(at, event)| (at.micros(), format!("{event:?}")))
            .collect();
        let slots = [(3, 1), (3, 3), (5, 0), (5, 2)];
        let expected = slots.map(|(at, slot)| (at, format!("Wake {{ slot: {slot} }}")));
        assert_eq!(order, expected);
    }
}
