//! A node that is late: what happened is as long ago as it was, and in the order in which it was.

use call::Finished;
use line::LineEvent;
use model::{CallId, Clock, Timestamp, fact::EndReason};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use crate::{
    office::{Habit, Scripted, Told},
    phone::{PATIENCE, PORTS, Phone},
    world::World,
};

/// A node on a clock that the test moves, with stations 1 and 2; the second can keep it waiting.
struct Late {
    world: World,
    clock: Arc<AtomicI64>,
    /// A dialog was hung up, and the node has it in its mailbox.
    hung_up: Receiver<()>,
    go_on: Sender<()>,
}

impl Late {
    fn new() -> Self {
        let micros = Arc::new(AtomicI64::new(START.micros()));
        let read = Arc::clone(&micros);
        let clock = Clock::new(move || Timestamp::from_micros(read.load(Ordering::SeqCst)));
        let (seen, hung_up) = channel();
        let arrived = move |event: &LineEvent| {
            if matches!(event, LineEvent::HungUp { .. }) {
                let _ = seen.send(());
            }
        };
        let (go_on, stall) = channel();
        let habits = vec![Habit::Admits, Habit::Stalls];
        let (stall, heard) = (Some(Mutex::new(stall)), Mutex::default());
        let office = |told| Scripted { habits, told, stall, heard };
        let world = World::on(clock, arrived, 8, PORTS, office);
        Self { world, clock: micros, hung_up, go_on }
    }

    fn pass(&self, time: Duration) {
        self.clock.fetch_add(i64::try_from(time.as_micros()).unwrap(), Ordering::SeqCst);
    }
}

#[test]
fn a_hang_up_counts_from_when_it_arrived_however_late_the_node_is() {
    let late = Late::new();
    let (phone, carrier, other) = (Phone::new(), Phone::new(), Phone::new());
    late.world.connect_trunk(carrier.address());
    let wire = phone.call(late.world.node, 1);
    late.world.press_until_asked(&phone, call(1), "admit");
    other.call(late.world.node, 2);
    late.world.press_until_asked(&other, call(2), "identify");
    // From here on the node does nothing until it may go on.
    late.pass(Duration::from_secs(3));
    phone.hang_up(wire);
    late.hung_up.recv_timeout(PATIENCE).unwrap();
    // Longer than any time-out: those come after the hang-up.
    late.pass(Duration::from_secs(600));
    late.go_on.send(()).unwrap();
    let told = late.world.told_end();
    let Told::Finished(ended, Finished { at, reason, .. }) = told else { panic!("{told:?}") };
    assert_eq!((ended, reason), (call(1), Some(EndReason::StationHungUp)));
    assert_eq!(at, START.after(Duration::from_secs(3)));
}

fn call(counter: u32) -> CallId {
    CallId::from_parts(1, counter)
}

const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
