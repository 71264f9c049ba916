//! Certificates for a keyholder and for whoever asks it.
#![allow(dead_code, clippy::unwrap_used, reason = "each test uses a part")]

use std::{fs, path::Path};

/// Certificates of an authority, in a folder: one for a server, one for a client.
pub(crate) fn certificates(folder: &Path) {
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
