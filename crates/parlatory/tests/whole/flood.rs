//! Everything that can come to a node's ports besides calls, in large numbers.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

use crate::{memory::kibibytes, node::Node};

/// Sends some twenty thousand datagrams to the node while somebody talks: requests without end,
/// broken and random ones, calls of a telephone that never acknowledges, and a tone to every audio
/// port. Fails when the node keeps much of it, or does not say what it must.
pub(crate) fn flood(node: &Node) {
    let before = kibibytes(node.id(), "RssAnon:");
    // A telephone of the county, by its address; and somebody whom nobody knows.
    let (phone, stranger) = (socket("127.0.0.1:0"), socket("127.0.0.2:0"));
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut answers = BTreeMap::new();
    for round in 0..ROUNDS {
        for index in 0..DATAGRAMS_IN_A_ROUND {
            let number = round * DATAGRAMS_IN_A_ROUND + index;
            let broken = index % 4 == 3;
            let (from, mut datagram) = match index % 8 {
                0 | 1 => (&phone, request("INVITE", "line-9", number)),
                2 => (&stranger, request("INVITE", "line-99", number)),
                4 => (&stranger, request("OPTIONS", "line-99", number)),
                5 => (&stranger, request("REGISTER", "line-99", number)),
                6 => (&stranger, request("NEWMETHOD", "line-99", number)),
                _ => (&stranger, request("INVITE", "line-9", number)),
            };
            if broken {
                random.damage(&mut datagram);
            }
            send(from, &datagram, node.sip);
        }
        speak(&stranger, node, round);
        node.hears_talk_for(Duration::from_millis(20));
        for from in [&phone, &stranger] {
            read(from, &mut answers);
        }
    }
    let grown = kibibytes(node.id(), "RssAnon:").saturating_sub(before);
    assert!(grown < GROWN_MAX_KIB, "{grown} KiB more than before the flood");
    // One telephone gets no further call, strangers are asked who they are, and nobody more than
    // a part of the time.
    for status in ["401", "486", "501", "503"] {
        assert!(answers.contains_key(status), "no {status}: {answers:?}");
    }
    let answered: u32 = answers.values().sum();
    assert!(answered < ROUNDS * DATAGRAMS_IN_A_ROUND, "as if it were no flood: {answers:?}");
}

/// Pitch of the tone of the flood, in Hz: other than that of the telephones.
pub(crate) const TONE: f64 = 1_000.0;

fn socket(address: &str) -> UdpSocket {
    let socket = UdpSocket::bind(address).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

/// What does not fit into the kernel's buffer is lost, as on any network.
fn send(from: &UdpSocket, datagram: &[u8], to: SocketAddr) {
    let _ = from.send_to(datagram, to);
}

fn request(method: &str, user: &str, number: u32) -> Vec<u8> {
    let text = format!(
        "{method} sip:menu@127.0.0.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKf{number}\r\nMax-Forwards: 70\r\n\
         From: <sip:{user}@127.0.0.1>;tag=f{number}\r\nTo: <sip:menu@127.0.0.1>\r\n\
         Call-ID: flood-{number}\r\nCSeq: 1 {method}\r\nContact: <sip:{user}@127.0.0.1:9>\r\n\
         Content-Length: 0\r\n\r\n"
    );
    text.into_bytes()
}

/// A packet of a tone to each audio port of the node.
fn speak(from: &UdpSocket, node: &Node, round: u32) {
    for packet in 0..2 {
        let sequence = u16::try_from(round * 2 + packet).unwrap();
        let mut datagram = vec![0x80, 0];
        datagram.extend_from_slice(&sequence.to_be_bytes());
        datagram.extend_from_slice(&(u32::from(sequence) * 160).to_be_bytes());
        datagram.extend_from_slice(&[9, 9, 9, 9]);
        datagram.extend(MILLIWATT.iter().cycle().take(160));
        for port in node.audio_ports() {
            send(from, &datagram, SocketAddr::new(node.sip.ip(), port));
        }
    }
}

/// Counts the answers that came, by status.
fn read(from: &UdpSocket, answers: &mut BTreeMap<String, u32>) {
    let mut buffer = [0; 4_096];
    while let Ok(length) = from.recv(&mut buffer) {
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let Some(rest) = text.strip_prefix("SIP/2.0 ") else { continue };
        if rest.starts_with("503") {
            assert!(text.contains("Retry-After: "), "{text}");
        }
        *answers.entry(rest[..3].to_owned()).or_default() += 1;
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 8).unwrap() % limit
    }

    /// Changes some octets, and now and then all of them, or cuts the end off.
    fn damage(&mut self, datagram: &mut Vec<u8>) {
        let all = self.below(5) == 0;
        for octet in datagram.iter_mut() {
            if all || self.below(40) == 0 {
                *octet = self.next().to_le_bytes()[0];
            }
        }
        if self.below(4) == 0 {
            datagram.truncate(self.below(datagram.len()));
        }
    }
}

/// A full period of 1 kHz at 0 dBm0 in µ-law (ITU-T G.711 table 5).
const MILLIWATT: [u8; 8] = [0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e];
const ROUNDS: u32 = 64;
const DATAGRAMS_IN_A_ROUND: u32 = 320;
/// INVITEs that are never acknowledged may cost 24 kB each for 32 seconds, 1,024 of them.
const GROWN_MAX_KIB: u64 = 64 * 1_024;
