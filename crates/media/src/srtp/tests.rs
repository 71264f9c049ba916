use super::*;
use crate::rtp::Header;
use model::SrtpSuite;
use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

fn key(suite: SrtpSuite, seed: u8) -> SrtpKey {
    let octets: Vec<u8> = (0..44).map(|at| seed.wrapping_mul(37).wrapping_add(at)).collect();
    SrtpKey::new(suite, &octets[..suite.octets()]).unwrap()
}

/// Two ends that know each other's keys.
fn ends(suite: SrtpSuite) -> (Secured, Secured) {
    let (one, two) = (key(suite, 1), key(suite, 2));
    (
        Secured::new(SrtpKeys { send: one.clone(), receive: two.clone() }),
        Secured::new(SrtpKeys { send: two, receive: one }),
    )
}

fn packet(sequence: u16, ssrc: u32) -> Vec<u8> {
    let mut head = [0; HEADER_OCTETS];
    Header { marker: false, payload_type: 0, sequence, timestamp: 160, ssrc }.write(&mut head);
    [&head[..], &[sequence.to_be_bytes()[1]; 160]].concat()
}

fn report() -> Vec<u8> {
    [&[0x80, 201, 0, 1], &[0, 0, 0, 9][..]].concat()
}

fn sealed(end: &mut Secured, plain: &[u8]) -> Option<Vec<u8>> {
    let mut room = plain.to_vec();
    room.resize(plain.len() + SEALED_EXTRA_OCTETS, 0);
    let length = end.seal().rtp(&mut room, plain.len())?;
    room.truncate(length);
    Some(room)
}

fn sealed_rtcp(end: &mut Secured, plain: &[u8]) -> Vec<u8> {
    let mut room = plain.to_vec();
    room.resize(plain.len() + SEALED_EXTRA_OCTETS, 0);
    let length = end.seal().rtcp(&mut room, plain.len()).unwrap();
    room.truncate(length);
    room
}

fn opened(end: &mut Secured, datagram: &[u8]) -> Option<Vec<u8>> {
    let mut datagram = datagram.to_vec();
    let length = end.open().rtp(&mut datagram)?;
    datagram.truncate(length);
    Some(datagram)
}

fn opened_rtcp(end: &mut Secured, datagram: &[u8]) -> Option<Vec<u8>> {
    let mut datagram = datagram.to_vec();
    let length = end.open().rtcp(&mut datagram)?;
    datagram.truncate(length);
    Some(datagram)
}

#[test]
fn each_packet_is_heard_once_whole_and_by_its_owner() {
    for suite in SrtpSuite::ALL {
        let (mut one, mut two) = ends(suite);
        let plain = packet(65_534, 7);
        let datagram = sealed(&mut one, &plain).unwrap();
        assert!(!datagram.windows(8).any(|octets| octets == [254; 8]), "{suite:?} in clear");
        assert_eq!(opened(&mut one, &datagram), None, "{suite:?}: by the other key only");
        for at in [0, 1, 3, 11, 12, 100, datagram.len() - 1] {
            let mut wrong = datagram.clone();
            wrong[at] ^= 1;
            assert_eq!(opened(&mut two, &wrong), None, "{suite:?}: octet {at} was changed");
        }
        for length in 0..datagram.len() {
            assert_eq!(opened(&mut two, &datagram[..length]), None, "{suite:?} cut to {length}");
        }
        assert_eq!(opened(&mut two, &datagram).as_ref(), Some(&plain), "{suite:?}");
        assert_eq!(opened(&mut two, &datagram), None, "{suite:?}: replayed");
    }
}

#[test]
fn order_and_loss_across_the_wrap_do_no_harm() {
    for suite in SrtpSuite::ALL {
        let (mut one, mut two) = ends(suite);
        let numbers = [65_533, 65_535, 65_534, 2, 0, 1, 90, 60];
        let datagrams: Vec<_> =
            numbers.iter().map(|number| sealed(&mut one, &packet(*number, 7)).unwrap()).collect();
        for (number, datagram) in numbers.iter().zip(&datagrams) {
            assert_eq!(opened(&mut two, datagram), Some(packet(*number, 7)), "{suite:?} {number}");
        }
        for datagram in &datagrams {
            assert_eq!(opened(&mut two, datagram), None, "{suite:?}: replayed");
        }
    }
}

#[test]
fn a_sequence_number_is_sealed_once() {
    for suite in SrtpSuite::ALL {
        let (mut one, _) = ends(suite);
        assert!(sealed(&mut one, &packet(5, 7)).is_some());
        let mut other = packet(5, 7);
        other[40] ^= 1;
        assert_eq!(sealed(&mut one, &other), None, "{suite:?}: its key stream was used");
    }
}

#[test]
fn forged_streams_leave_no_trace_and_true_ones_have_a_limit() {
    let suite = SrtpSuite::AesCm128HmacSha1_80;
    let (_, mut two) = ends(suite);
    for ssrc in 0..1_000 {
        let mut forged = packet(1, ssrc);
        forged.extend([0; 10]);
        assert_eq!(opened(&mut two, &forged), None);
    }
    assert!(two.open().streams.is_empty());
    let mut heard = 0;
    for ssrc in 0..20 {
        // Another end with the same key: a telephone that began its stream anew.
        let (mut one, _) = ends(suite);
        heard +=
            usize::from(opened(&mut two, &sealed(&mut one, &packet(1, ssrc)).unwrap()).is_some());
    }
    assert_eq!(heard, SRTP_STREAMS_MAX);
}

#[test]
fn keys_that_stay_go_on_and_keys_that_change_begin() {
    let suite = SrtpSuite::AeadAes256Gcm;
    let (mut one, mut two) = ends(suite);
    let first = sealed(&mut one, &packet(5, 7)).unwrap();
    assert!(opened(&mut two, &first).is_some());
    two.rekey(SrtpKeys { send: key(suite, 2), receive: key(suite, 1) });
    assert_eq!(opened(&mut two, &first), None, "the window is kept");
    one.rekey(SrtpKeys { send: key(suite, 1), receive: key(suite, 2) });
    assert_eq!(sealed(&mut one, &packet(5, 7)), None, "and so is the sender's");
    one.rekey(SrtpKeys { send: key(suite, 3), receive: key(suite, 2) });
    let second = sealed(&mut one, &packet(5, 7)).unwrap();
    assert_eq!(opened(&mut two, &second), None);
    two.rekey(SrtpKeys { send: key(suite, 2), receive: key(suite, 3) });
    assert_eq!(opened(&mut two, &second), Some(packet(5, 7)));
}

#[test]
fn reports_are_sealed_too() {
    for suite in SrtpSuite::ALL {
        let (mut one, mut two) = ends(suite);
        let datagram = sealed_rtcp(&mut one, &report());
        for at in 0..datagram.len() {
            let mut wrong = datagram.clone();
            wrong[at] ^= 1;
            assert_eq!(opened_rtcp(&mut two, &wrong), None, "{suite:?}: octet {at} was changed");
            assert_eq!(opened_rtcp(&mut two, &datagram[..at]), None, "{suite:?} cut to {at}");
        }
        assert_eq!(opened_rtcp(&mut two, &datagram), Some(report()), "{suite:?}");
        assert_eq!(opened_rtcp(&mut two, &datagram), None, "{suite:?}: replayed");
        let next = sealed_rtcp(&mut one, &report());
        assert_eq!(opened_rtcp(&mut two, &next), Some(report()), "{suite:?}");
    }
}

/// libsrtp, in a process of its own.
struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    /// Compiles and starts it: it seals with `key` and opens with the same.
    fn start(folder: &std::path::Path, key: &SrtpKey) -> Self {
        let program = folder.join("peer");
        if !program.exists() {
            let source = folder.join("peer.c");
            std::fs::write(&source, include_str!("peer.c")).unwrap();
            let built = Command::new("cc")
                .arg(&source)
                .arg("-o")
                .arg(&program)
                .arg("-lsrtp2")
                .status()
                .unwrap();
            assert!(built.success(), "cannot compile: apt-get install libsrtp2-dev");
        }
        let mut child = Command::new(program)
            .args([key.suite().name(), &hex(key.expose())])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output }
    }

    fn ask(&mut self, what: &str, packet: &[u8]) -> Option<Vec<u8>> {
        writeln!(self.input, "{what} {}", hex(packet)).unwrap();
        let mut line = String::new();
        assert!(self.output.read_line(&mut line).unwrap() > 0, "libsrtp ended");
        let digits: Vec<u32> = line.trim().chars().filter_map(|digit| digit.to_digit(16)).collect();
        let octets = digits.chunks(2).map(|two| u8::try_from(two[0] * 16 + two[1]).unwrap());
        (line.trim() != "no").then(|| octets.collect())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        write!(text, "{octet:02x}").unwrap();
        text
    })
}

#[test]
fn what_we_seal_is_opened_and_what_we_open_was_sealed_with_libsrtp() {
    let folder = tempfile::tempdir().unwrap();
    for suite in SrtpSuite::ALL {
        let (mut one, mut two) = ends(suite);
        let mut there = Peer::start(folder.path(), &key(suite, 1));
        for number in (65_530..=65_535).chain(0..10) {
            let plain = packet(number, 7);
            let datagram = sealed(&mut one, &plain).unwrap();
            assert_eq!(there.ask("open rtp", &datagram), Some(plain.clone()), "{suite:?} {number}");
            assert_eq!(there.ask("open rtp", &datagram), None, "{suite:?} {number}: replayed");
            let theirs = there.ask("seal rtp", &packet(number, 8)).unwrap();
            assert_eq!(opened(&mut two, &theirs), Some(packet(number, 8)), "{suite:?} {number}");
            let datagram = sealed_rtcp(&mut one, &report());
            assert_eq!(there.ask("open rtcp", &datagram), Some(report()), "{suite:?} {number}");
            let theirs = there.ask("seal rtcp", &report()).unwrap();
            assert_eq!(opened_rtcp(&mut two, &theirs), Some(report()), "{suite:?} {number}");
        }
        // A header with contributing sources and an extension stays in clear.
        let mut long = packet(10, 8);
        long[0] = 0x91;
        long.splice(12..12, [1, 1, 1, 1, 0xbe, 0xde, 0, 1, 9, 9, 9, 9]);
        let theirs = there.ask("seal rtp", &long).unwrap();
        assert_eq!(theirs[..24], long[..24]);
        assert_eq!(opened(&mut two, &theirs), Some(long), "{suite:?}");
    }
}
