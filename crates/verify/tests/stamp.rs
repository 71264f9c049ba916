//! Time stamps against OpenSSL, which answers as an authority and checks what we took from it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

use sha2::{Digest as _, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use verify::stamp::{NotAStamp, answered, authorities, check, request};

/// An authority in a folder: its certificate, that of whoever issued it, and a count.
struct Authority(tempfile::TempDir);

impl Authority {
    fn new(usage: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings =
            SETTINGS.replace("{dir}", folder.path().to_str().unwrap()).replace("{usage}", usage);
        fs::write(folder.path().join("tsa.cnf"), settings).unwrap();
        fs::write(folder.path().join("serial"), "01\n").unwrap();
        let authority = Self(folder);
        for arguments in [
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem \
             -subj /CN=Stamps -days 30 -config tsa.cnf -extensions ca",
            "req -new -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.csr -subj /CN=Stamper \
             -config tsa.cnf",
            "x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out tsa.pem -days 30 \
             -extfile tsa.cnf -extensions tsa",
        ] {
            authority.openssl(arguments).unwrap();
        }
        authority
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn openssl(&self, arguments: &str) -> Result<String, String> {
        let mut command = Command::new("openssl");
        command.current_dir(self.0.path()).args(arguments.split_whitespace());
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        if output.status.success() { Ok(said) } else { Err(said) }
    }

    /// What it answers to a request.
    fn answer(&self, request: &[u8], more: &str) -> Vec<u8> {
        fs::write(self.path("query"), request).unwrap();
        let reply = "ts -reply -config tsa.cnf -section tsa_config -queryfile query -out answer";
        self.openssl(&format!("{reply} {more}")).unwrap();
        fs::read(self.path("answer")).unwrap()
    }

    fn believed(&self) -> Vec<Vec<u8>> {
        authorities(&self.path("ca.pem")).unwrap()
    }
}

fn hash(text: &[u8]) -> [u8; 32] {
    Sha256::digest(text).into()
}

#[test]
fn a_stamp_is_accepted_by_us_and_by_openssl_with_openssl() {
    let authority = Authority::new("timeStamping");
    let hash = hash(b"a manifest");
    let asked = request(&hash, 0x8000_0000_0000_0001).unwrap();
    let seen = {
        fs::write(authority.path("query"), &asked).unwrap();
        authority.openssl("ts -query -in query -text").unwrap()
    };
    assert!(seen.contains("sha256") && seen.contains("Certificate required: yes"), "{seen}");
    for more in ["", "-chain ca.pem"] {
        let answer = authority.answer(&asked, more);
        let nonce = 0x8000_0000_0000_0001;
        let (token, stamped) = answered(&answer, (&hash, nonce), &authority.believed()).unwrap();
        assert_eq!(check(&token, &hash, &authority.believed()).unwrap(), stamped);
        fs::write(authority.path("token"), &token).unwrap();
        let text = authority.openssl("ts -reply -in token -token_in -text").unwrap();
        let at = jiff::Timestamp::from_microsecond(stamped.at.micros()).unwrap();
        assert!(text.contains(&at.strftime("%H:%M:%S").to_string()), "{text}");
        let digest: String = hash.iter().map(|octet| format!("{octet:02x}")).collect();
        let verify = "ts -verify -in token -token_in -CAfile ca.pem -digest";
        assert!(authority.openssl(&format!("{verify} {digest}")).unwrap().contains("OK"));
    }
}

#[test]
fn other_stamps_authorities_and_answers_are_refused_with_openssl() {
    let authority = Authority::new("timeStamping");
    let (ours, other) = (hash(b"a manifest"), hash(b"another"));
    let answer = authority.answer(&request(&ours, 7).unwrap(), "");
    let believed = authority.believed();
    let refused = |hash, nonce, believed: &[Vec<u8>]| {
        answered(&answer, (hash, nonce), believed).map(drop).unwrap_err()
    };
    assert_eq!(refused(&ours, 8, &believed), NotAStamp::Nonce);
    assert_eq!(refused(&other, 7, &believed), NotAStamp::OtherContent);
    assert!(matches!(refused(&ours, 7, &[]), NotAStamp::Authority(_)));
    let stranger = Authority::new("timeStamping");
    assert!(matches!(refused(&ours, 7, &stranger.believed()), NotAStamp::Authority(_)));
    // A certificate of the same authority that is for something else: OpenSSL stamps with none.
    let web = Authority::new("serverAuth");
    fs::write(web.path("query"), request(&ours, 7).unwrap()).unwrap();
    let reply = "ts -reply -config tsa.cnf -section tsa_config -queryfile query -out answer";
    assert!(web.openssl(reply).is_err());
    // Refused by the authority, which takes no such policy.
    let asked = "ts -query -digest 00 -sha256 -tspolicy 1.2.3.9 -out query";
    let digest: String = ours.iter().map(|octet| format!("{octet:02x}")).collect();
    authority.openssl(&asked.replace(" 00 ", &format!(" {digest} "))).unwrap();
    authority.openssl(reply).unwrap();
    let denied = fs::read(authority.path("answer")).unwrap();
    let denied = answered(&denied, (&ours, 7), &believed).map(drop).unwrap_err();
    assert_eq!(denied, NotAStamp::Refused(2));
}

/// Whatever octet is changed: there is no stamp then, or it says the same.
#[test]
fn no_changed_octet_makes_another_stamp_with_openssl() {
    let authority = Authority::new("timeStamping");
    let (hash, believed) = (hash(b"a manifest"), authority.believed());
    let answer = authority.answer(&request(&hash, 7).unwrap(), "");
    let (token, stamped) = answered(&answer, (&hash, 7), &believed).unwrap();
    let mut accepted = 0;
    for at in 0..token.len() {
        let mut changed = token.clone();
        changed[at] ^= 1;
        if let Ok(found) = check(&changed, &hash, &believed) {
            assert_eq!(found, stamped);
            accepted += 1;
        }
    }
    // What nobody signs: versions, the signer's name beside the hash of their certificate, and a
    // copy of the authority's certificate, which is pinned and not read here.
    assert!(accepted * 2 < token.len(), "{accepted} of {}", token.len());
    for length in 0..token.len() {
        assert!(check(&token[..length], &hash, &believed).is_err());
    }
    assert!(check(&[token.as_slice(), &[0]].concat(), &hash, &believed).is_err());
}

#[test]
fn what_is_no_certificate_is_not_pinned() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let none = |path: &Path| authorities(path).map(drop).unwrap_err();
    assert_eq!(none(&path), NotAStamp::Certificate);
    for text in
        ["", "no certificate", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"]
    {
        fs::write(&path, text).unwrap();
        assert_eq!(none(&path), NotAStamp::Certificate, "{text}");
    }
}

const SETTINGS: &str = "
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[tsa]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = critical,{usage}
[tsa_config]
dir = {dir}
serial = $dir/serial
crypto_device = builtin
signer_cert = $dir/tsa.pem
certs = $dir/ca.pem
signer_key = $dir/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
";
