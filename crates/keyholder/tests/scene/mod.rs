//! A keyholder in a folder of its own, a log, and the header of a recording that is sealed to it;
//! at hand, and over HTTPS with mutual TLS.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "each test uses a part, and fails by it"
)]

mod certificates;

pub(crate) use certificates::certificates;

use crate::{
    log::{self, Log, NOW, log_key},
    world::World,
};
use access::{Gate, Intent, Proof};
use keyholder::{Ask, Holder, KeyRing, Memory, Remote, Server, client_tls, server_tls};
use model::{Clock, RecordingId};
use std::{fs, net::SocketAddr, path::Path, thread};
use tlog::{Consistency, Policy};
use vault::{HEADER_OCTETS, KeyholderKey, RecipientSecret};

/// A keyholder of share b in a folder of its own, a log, and a recording's header.
pub(crate) struct Scene {
    folder: tempfile::TempDir,
    pub(crate) log: Log,
    pub(crate) header: Vec<u8>,
    pub(crate) recipient: RecipientSecret,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ring = KeyRing::create(&folder.path().join("keys")).unwrap();
        let independent = ring.current().unwrap().public();
        let (_, agency) = vault::generate().unwrap();
        Self {
            header: header(agency, independent, RecordingId(7)),
            folder,
            log: Log::of(10),
            recipient: RecipientSecret::generate().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn holder_with(&self, policy: Policy) -> Holder {
        let ring = KeyRing::load(&self.path().join("keys")).unwrap();
        let memory = Memory::open(self.path(), &log_key()).unwrap();
        Holder::new(ring, Gate::new(log_key(), policy), memory)
    }

    /// The keyholder, as after a restart.
    pub(crate) fn holder(&self) -> Holder {
        self.holder_with(Policy::LOG_ALONE)
    }

    pub(crate) fn intent(&self) -> Intent {
        let object = vault::object(&self.header).unwrap();
        Intent { object, recipient: self.recipient.public(), ..log::intent() }
    }

    pub(crate) fn ask(&self, proof: &Proof, seen: u64) -> Ask {
        let way = if seen == 0 { Consistency::new(vec![]) } else { self.log.consistency(seen) };
        Ask::new(proof, &way, &self.header, self.recipient.public())
    }
}

/// The header of a recording, as a node seals it to these two.
pub(crate) fn header(
    agency: KeyholderKey,
    independent: KeyholderKey,
    recording: RecordingId,
) -> Vec<u8> {
    let mut world = World::new();
    world.keys = [agency, independent];
    let (file, _) = world.recorded(recording.0, 1);
    fs::read(file).unwrap()[..HEADER_OCTETS].to_vec()
}

/// Starts the keyholder on a port of its own.
pub(crate) fn serve(scene: &Scene, certificates: &Path) -> SocketAddr {
    serve_with(scene.holder(), certificates)
}

/// The same with a keyholder that wants something else.
pub(crate) fn serve_with(holder: Holder, certificates: &Path) -> SocketAddr {
    let file = |name: &str| certificates.join(name);
    let tls =
        server_tls(&file("keyholder.example.pem"), &file("keyholder.example.key"), &file("ca.pem"));
    let address = "127.0.0.1:0".parse().unwrap();
    let clock = Clock::new(|| NOW);
    let server = Server::listen(address, tls.unwrap(), holder, clock).unwrap();
    let address = server.address().unwrap();
    thread::spawn(move || server.run());
    address
}

pub(crate) fn remote(address: SocketAddr, name: &str, client: &Path, servers: &Path) -> Remote {
    let file = |name: &str| client.join(name);
    let tls =
        client_tls(&file("desk.example.pem"), &file("desk.example.key"), &servers.join("ca.pem"));
    Remote::at(address, name, tls.unwrap()).unwrap()
}
