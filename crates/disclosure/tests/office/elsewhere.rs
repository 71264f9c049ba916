//! A keyholder of the office on another machine, behind mutual TLS.

use crate::office::{NOW, Office, signer};
use access::Gate;
use disclosure::HolderAt;
use keyholder::{Holder, KeyRing, Memory, Remote, Server};
use model::Clock;
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    thread,
};

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

/// Certificates of the keyholder's own authority: for itself, and for the office.
fn certificates(folder: &Path) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    fs::create_dir_all(folder).unwrap();
    let own = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    fs::write(folder.join("ca.pem"), params.self_signed(&own).unwrap().pem()).unwrap();
    let issuer = Issuer::new(params, own);
    for name in ["keyholder.example", "desk.example"] {
        let pair = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&pair, &issuer).unwrap();
        fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
        fs::write(folder.join(format!("{name}.key")), pair.serialize_pem()).unwrap();
    }
}
