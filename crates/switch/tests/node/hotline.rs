//! A hotline on the wire: what each end hears, packet by packet.

use line::{Inbound, Line, LineEvent, Target, agree};
use model::{
    Codec, MediaDescription, Private, Timestamp,
    audio::Direction,
    fact::{EndReason, OffReason},
};
use std::{
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use crate::{
    office::{Habit, Told},
    phone::{LOOPBACK, Nobody, PATIENCE, clock, line},
    world::World,
};

/// A telephone that says one thing all the time and writes down every packet it gets.
struct Talker {
    line: Line,
    events: Receiver<LineEvent>,
    socket: UdpSocket,
    says: u8,
    over: Arc<AtomicBool>,
    heard: Arc<Mutex<Vec<Packet>>>,
    threads: Vec<JoinHandle<()>>,
}

/// Sequence number, timestamp, source, when it was read, first octet of the audio.
type Packet = (u16, u32, [u8; 4], Timestamp, u8);

impl Talker {
    fn new(says: u8) -> Self {
        let (sender, events) = channel();
        let line = line(Inbound::Anyone, Arc::new(Nobody), move |event| drop(sender.send(event)));
        let socket = UdpSocket::bind((LOOPBACK, 0)).unwrap();
        socket.set_read_timeout(Some(PACKET)).unwrap();
        let (over, heard) = (Arc::default(), Arc::default());
        Self { line, events, socket, says, over, heard, threads: Vec::new() }
    }

    fn local(&self) -> MediaDescription {
        let address = self.socket.local_addr().unwrap();
        MediaDescription {
            address,
            codecs: vec![Codec::Pcmu],
            telephone_event: None,
            packet_ms: 20,
            direction: Direction::SendRecv,
            rtcp_port: address.port(),
            rtcp_mux: true,
            signals_from: None,
        }
    }

    /// Speaks to this address and listens from here on.
    fn connect(&mut self, node: SocketAddr) {
        self.socket.connect(node).unwrap();
        let (socket, over) = (self.socket.try_clone().unwrap(), Arc::clone(&self.over));
        let says = self.says;
        self.threads.push(std::thread::spawn(move || {
            for count in 0_u16.. {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let mut packet = vec![0x80, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9, says];
                packet[2..4].copy_from_slice(&count.to_be_bytes());
                packet[4..8].copy_from_slice(&(u32::from(count) * 160).to_be_bytes());
                packet.extend([says; 160]);
                let _ = socket.send(&packet);
                std::thread::park_timeout(PACKET);
            }
        }));
        let (socket, over) = (self.socket.try_clone().unwrap(), Arc::clone(&self.over));
        let (heard, clock) = (Arc::clone(&self.heard), clock());
        self.threads.push(std::thread::spawn(move || {
            let mut octets = [0; 400];
            while !over.load(Ordering::Relaxed) {
                let Ok(count) = socket.recv(&mut octets) else { continue };
                // Audio alone; reports of RTCP come to the same port.
                if count > 12 && octets[1] & 0x7f == 0 {
                    let word = |at: usize| octets[at..at + 4].try_into().unwrap();
                    let sequence = u16::from_be_bytes([octets[2], octets[3]]);
                    let timestamp = u32::from_be_bytes(word(4));
                    let packet = (sequence, timestamp, word(8), clock.now(), octets[12]);
                    heard.lock().unwrap().push(packet);
                }
            }
        }));
    }

    /// Waits until it has heard this, and says how many packets it had heard by then.
    fn wait_heard(&self, what: &str, is: impl Fn(&Packet) -> bool, count: usize) {
        for _ in 0..PATIENCE.as_millis() / 5 {
            if self.heard.lock().unwrap().iter().filter(|packet| is(packet)).count() >= count {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
        panic!("never heard: {what}");
    }

    fn next(&self) -> LineEvent {
        self.events.recv_timeout(PATIENCE).unwrap()
    }

    /// Ends it, and gives what it heard.
    fn heard(mut self) -> Vec<Packet> {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
        self.line.stop();
        self.heard.lock().unwrap().clone()
    }
}

/// One stream without a hole: one source, every sequence number, every sample in its place. Where
/// the node itself could not run for more than three packets, its stream goes on at the time that
/// it is by then (RFC 3550 section 5.1): a jump that its clock does not make.
fn assert_unbroken(who: &str, heard: &[Packet]) {
    let Some((_, first, ..)) = heard.first() else { panic!("{who} heard nothing") };
    // How long after its place in the stream a packet was read; of many, the least is the truth.
    let late = |(_, at, _, read, _): &Packet| {
        read.micros() - i64::from(at.wrapping_sub(*first)) * MICROS_PER_SAMPLE
    };
    let least = |packets: &[Packet]| packets.iter().map(late).min().unwrap();
    for (place, pair) in heard.windows(2).enumerate() {
        let [(sequence, at, source, ..), (next, later, same, ..)] = pair else { continue };
        assert_eq!(*next, sequence.wrapping_add(1), "{who}: a packet is missing");
        assert_eq!(same, source, "{who}: another stream");
        let step = later.wrapping_sub(*at);
        if step != 160 {
            let (before, after) = heard.split_at(place + 1);
            assert!((161..160 * 1_000).contains(&step), "{who}: back by {step}");
            let apart = least(after) - least(before);
            assert!(
                apart > -PACKET_MICROS / 2,
                "{who}: a jump of {step}, {apart} µs from the clock"
            );
        }
    }
}

#[test]
fn a_jump_that_no_clock_made_is_noticed() {
    let packet = |(sequence, samples, read): (u16, u32, i64)| {
        (sequence, samples, [1; 4], Timestamp::from_micros(read), STATION)
    };
    // Read some milliseconds late; then the node stood still for 300 ms, and so did its stream.
    let stood = [(1, 0, 3_000), (2, 160, 21_000), (3, 2_720, 341_000), (4, 2_880, 362_000)];
    assert_unbroken("whoever", &stood.map(packet));
    // No time passed by the clock.
    let jumped = [(1, 0, 3_000), (2, 160, 21_000), (3, 2_720, 41_000), (4, 2_880, 62_000)];
    assert!(std::panic::catch_unwind(|| assert_unbroken("whoever", &jumped.map(packet))).is_err());
    let back = [(1, 160, 3_000), (2, 0, 21_000)];
    assert!(std::panic::catch_unwind(|| assert_unbroken("whoever", &back.map(packet))).is_err());
}

#[test]
fn a_hotline_hears_ringback_and_then_the_other_end_without_a_hole() {
    let mut world = World::new(&[Habit::Hotline]);
    let (mut station, mut called) = (Talker::new(STATION), Talker::new(CALLED));
    world.connect_trunk(called.line.local_address());
    let target = Target::Address { address: world.node, user: Private::new("anything".to_owned()) };
    let wire = station.line.dial(target, "1".to_owned(), station.local());
    let LineEvent::Answered { answer, .. } = station.next() else { panic!("not answered") };
    assert!(agree(&station.local(), &answer).is_some());
    station.connect(answer.address);
    let Told::Asked(call, "admit") = world.told() else { panic!("nobody is asked for a PIN") };
    assert!(matches!(world.told(), Told::Dialled(..)));

    // The called end speaks while it rings: early media, which nobody hears.
    let LineEvent::Incoming { wire: ringing, offer, .. } = called.next() else { panic!("no call") };
    called.line.ring(ringing);
    called.connect(offer.unwrap().address);
    station.wait_heard("ringback", |(.., octet)| *octet != SILENCE, 25);
    let early = station.heard.lock().unwrap().iter().any(|(.., octet)| *octet == CALLED);
    assert!(!early, "early media was passed on");

    called.line.answer(ringing, called.local());
    station.wait_heard("the called party", |(.., octet)| *octet == CALLED, 10);
    called.wait_heard("the person", |(.., octet)| *octet == STATION, 10);
    station.line.hang_up(wire);
    let Told::Finished(over, finished) = world.told() else { panic!("not finished") };
    assert_eq!(over, call);
    assert_eq!(finished.reason, Some(EndReason::StationHungUp));
    assert_eq!(finished.off, Some(OffReason::StationOff));
    assert!(finished.at > Timestamp::default() && !finished.talked.is_zero());
    assert_unbroken("station", &station.heard());
    assert_unbroken("called", &called.heard());
    // How it was heard is told when the node has closed both legs; it waits for that.
    world.wait_empty();
    let [heard] = world.heard()[..] else { panic!("{:?}", world.heard()) };
    assert_eq!((heard.call, heard.station.lost, heard.called.lost), (call, 0, 0));
    for leg in [heard.station, heard.called] {
        assert!(leg.received >= 10 && leg.sent >= 10, "{leg:?}");
    }
}

const STATION: u8 = 0x11;
const CALLED: u8 = 0x22;
/// µ-law.
const SILENCE: u8 = 0xff;
const PACKET: Duration = Duration::from_millis(20);
const PACKET_MICROS: i64 = 20_000;
const MICROS_PER_SAMPLE: i64 = 125;
