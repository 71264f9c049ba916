//! A carrier that sends calls on.

use crate::{
    office::{Habit, Told},
    phone::{PATIENCE, Phone},
    world::World,
};
use model::{CallId, TrunkId, fact::EndReason};
use std::net::{SocketAddr, UdpSocket};

/// The office hears of it once, nobody else is dialled, and the call goes on to its end.
#[test]
fn a_call_that_the_carrier_sends_on_is_told_of_once() {
    let world = World::new(&[Habit::Admits]);
    let phone = Phone::new();
    let carrier = UdpSocket::bind("127.0.0.1:0").unwrap();
    carrier.set_read_timeout(Some(PATIENCE)).unwrap();
    world.connect_trunk(carrier.local_addr().unwrap());
    let _station = phone.call(world.node, 1);
    let call = CallId::from_parts(1, 1);
    world.press_until_asked(&phone, call, "admit");
    let (invite, node) = request(&carrier, "INVITE");
    let diversion = "Diversion: <sip:+12025550142@carrier.example>;reason=unconditional\r\n";
    respond(&carrier, node, &invite, "181 Call Is Being Forwarded", "");
    respond(&carrier, node, &invite, "180 Ringing", diversion);
    respond(&carrier, node, &invite, "486 Busy Here", diversion);
    request(&carrier, "ACK");
    assert_eq!(world.told(), Told::Dialled(call, TrunkId(0)));
    assert_eq!(world.told(), Told::Forwarded(call));
    let Told::Finished(ended, finished) = world.told() else { panic!("not finished") };
    assert_eq!((ended, finished.reason), (call, Some(EndReason::Busy)));
}

/// The next request with this method, and who sent it.
fn request(carrier: &UdpSocket, method: &str) -> (String, SocketAddr) {
    let mut buffer = [0; 4_096];
    loop {
        let (length, node) = carrier.recv_from(&mut buffer).unwrap();
        let text = String::from_utf8(buffer[..length].to_vec()).unwrap();
        if text.starts_with(method) {
            return (text, node);
        }
    }
}

fn respond(carrier: &UdpSocket, node: SocketAddr, invite: &str, status: &str, more: &str) {
    let of = |name: &str| {
        invite.lines().find(|line| line.starts_with(&format!("{name}: "))).unwrap().trim_end()
    };
    let (via, from, to) = (of("Via"), of("From"), of("To"));
    let (call, cseq) = (of("Call-ID"), of("CSeq"));
    let here = carrier.local_addr().unwrap();
    let response = format!(
        "SIP/2.0 {status}\r\n{via}\r\n{from}\r\n{to};tag=t\r\n{call}\r\n{cseq}\r\n\
         Contact: <sip:{here}>\r\n{more}Content-Length: 0\r\n\r\n"
    );
    carrier.send_to(response.as_bytes(), node).unwrap();
}
