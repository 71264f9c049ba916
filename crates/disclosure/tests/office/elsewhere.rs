//! A keyholder of the office on another machine, behind mutual TLS.

#[path = "../../../keyholder/tests/scene/certificates.rs"]
mod certificates;

use crate::office::{NOW, Office, signer};
use access::Gate;
use certificates::certificates;
use disclosure::HolderAt;
use keyholder::{Holder, KeyRing, Memory, Remote, Server};
use model::Clock;
use std::{net::SocketAddr, path::PathBuf, thread};

/// Starts keyholder 0 or 1 of the office, which believes what `gate` does; gives its address.
pub(crate) fn serve(office: &Office, number: u8, gate: Gate) -> SocketAddr {
    let tls = tls(office, number);
    certificates(&tls);
    let file = |name: &str| tls.join(name);
    let (certificate, key) = (file("keyholder.example.pem"), file("keyholder.example.key"));
    let tls = keyholder::server_tls(&certificate, &key, &file("ca.pem")).unwrap();
    let folder = office.disk.join(format!("holder{number}"));
    let ring = KeyRing::load(&folder.join("keys")).unwrap();
    let memory = Memory::open(&folder, signer().verifier()).unwrap();
    let holder = Holder::new(ring, gate, memory);
    let address = "127.0.0.1:0".parse().unwrap();
    let server = Server::listen(address, tls, holder, Clock::new(|| NOW)).unwrap();
    let address = server.address().unwrap();
    thread::spawn(move || server.run());
    address
}

/// The keyholder that was started, as the office asks it at `address`.
pub(crate) fn at(office: &Office, number: u8, address: SocketAddr) -> HolderAt {
    let tls = tls(office, number);
    let file = |name: &str| tls.join(name);
    let (certificate, key) = (file("desk.example.pem"), file("desk.example.key"));
    let tls = keyholder::client_tls(&certificate, &key, &file("ca.pem")).unwrap();
    HolderAt::There(Remote::at(address, "keyholder.example", tls).unwrap())
}

fn tls(office: &Office, number: u8) -> PathBuf {
    office.world.root().join(format!("tls{number}"))
}
