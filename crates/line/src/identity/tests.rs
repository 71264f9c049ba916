//! What is signed, and who believes it.

use super::*;
use core::time::Duration;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const URL: &str = "https://certificates.example/county.pem";

fn openssl(folder: &Path, arguments: &str) -> bool {
    let mut command = Command::new("openssl");
    let done = command.args(arguments.split(' ')).current_dir(folder).output().unwrap();
    done.status.success()
}

fn signer(folder: &Path) -> Signer {
    assert!(openssl(folder, "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out k.pem"));
    assert!(openssl(folder, "pkey -in k.pem -pubout -out public.pem"));
    assert!(openssl(folder, "req -x509 -key k.pem -subj /CN=county.example -days 90 -out c.pem"));
    Signer::new(&config(folder)).unwrap()
}

fn config(folder: &Path) -> IdentityConfig {
    IdentityConfig {
        key: folder.join("k.pem"),
        certificate: folder.join("c.pem"),
        certificate_url: URL.to_owned(),
    }
}

/// A key and the chain of its certificate, the authority's last, good through 2025.
fn certified(folder: &Path) -> Signer {
    let authority = KeyPair::generate().unwrap();
    let mut above = CertificateParams::new(Vec::new()).unwrap();
    above.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    above.not_before = date_time_ymd(2020, 1, 1);
    let root = above.self_signed(&authority).unwrap();
    let issuer = Issuer::from_params(&above, &authority);
    let own = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, "SHAKEN 709J");
    params.not_before = date_time_ymd(2025, 1, 1);
    params.not_after = date_time_ymd(2026, 1, 1);
    // One service provider code (RFC 8226 section 9).
    let codes = b"\x30\x08\xa0\x06\x16\x04709J".to_vec();
    let list = CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 26], codes);
    params.custom_extensions = vec![list];
    let certificate = params.signed_by(&own, &issuer).unwrap();
    fs::write(folder.join("k.pem"), own.serialize_pem()).unwrap();
    fs::write(folder.join("root.pem"), root.pem()).unwrap();
    fs::write(folder.join("c.pem"), certificate.pem() + &root.pem()).unwrap();
    Signer::new(&config(folder)).unwrap()
}

/// What other people's code says of a signed call.
fn outside(folder: &Path, identity: &str, date: &str) -> Output {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/identity/outside.py");
    let mut python = Command::new("/usr/bin/python3");
    python.arg(script).arg(folder.join("c.pem")).args([identity, date]).output().unwrap()
}

#[test]
fn a_signed_call_is_believed_under_its_certificate_by_others_with_pyjwt() {
    let folder = tempfile::tempdir().unwrap();
    let (date, identity) = identity(&certified(folder.path()));
    let believed = outside(folder.path(), &identity, &date);
    assert!(believed.status.success(), "{}", String::from_utf8_lossy(&believed.stderr));
    let says = String::from_utf8(believed.stdout).unwrap();
    assert_eq!(says.trim(), format!("{URL} A 12025550100 12025550142 1764190800"));
    // Under another certificate, with another number, or of another day it is not.
    let other = tempfile::tempdir().unwrap();
    let _ = certified(other.path());
    let refused = |folder: &Path, identity: &str, date: &str, why: &str| {
        let said = outside(folder, identity, date);
        let error = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(!said.status.success() && error.contains(why), "{error}");
    };
    refused(other.path(), &identity, &date, "InvalidSignatureError");
    let parts: Vec<&str> = identity.split('.').collect();
    let forged = read(parts[1]).replace("12025550100", "12025550101");
    let forged =
        format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(forged), parts[2..].join("."));
    refused(folder.path(), &forged, &date, "InvalidSignatureError");
    refused(folder.path(), &identity, &date.replace("26 Nov", "27 Nov"), "AssertionError");
}

#[test]
fn a_certificate_must_be_of_the_key_and_lead_to_its_authority() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let signer = certified(folder.path());
    let of = |year, month, day| {
        let midnight: jiff::Timestamp =
            format!("{year}-{month:02}-{day:02}T00:00:00Z").parse().unwrap();
        Timestamp::from_micros(midnight.as_microsecond())
    };
    assert_eq!(signer.term, Term { from: of(2025, 1, 1), to: of(2026, 1, 1) });
    let _ = certified(other.path());
    let said = |certificate: &Path| {
        let config =
            IdentityConfig { certificate: certificate.to_owned(), ..config(folder.path()) };
        config.check().map_err(|error| error.to_string())
    };
    let path = folder.path().join("c.pem");
    assert_eq!(said(&path), Ok(signer.term));
    assert!(said(&other.path().join("c.pem")).unwrap_err().contains("is not of the key"));
    assert!(said(&folder.path().join("k.pem")).unwrap_err().contains("no certificate"));
    assert!(said(&folder.path().join("none")).unwrap_err().contains("none` does not read"));
    // The signer's own alone will do; under another authority it does not.
    let text = fs::read_to_string(&path).unwrap();
    let (own, _) = text.split_once("-----END CERTIFICATE-----\n").unwrap();
    let own = format!("{own}-----END CERTIFICATE-----\n");
    fs::write(&path, &own).unwrap();
    assert_eq!(said(&path), Ok(signer.term));
    let foreign = fs::read_to_string(other.path().join("root.pem")).unwrap();
    fs::write(&path, own + &foreign).unwrap();
    assert!(said(&path).unwrap_err().contains("do not lead"));
}

#[test]
fn the_end_of_a_certificate_is_told_before_it_comes() {
    let day = |day: u64| Timestamp::default().after(Duration::from_secs(day * 86_400));
    let term = Term { from: day(100), to: day(465) };
    for (at, standing, says) in [
        (day(99), Standing::Early, "not valid yet"),
        (day(100), Standing::Good { days: 365 }, "is good for 365 days"),
        (day(435), Standing::Good { days: 30 }, "is good for 30 days"),
        (day(436), Standing::Ending { days: 29 }, "ends in 29 days: have it renewed"),
        (day(465), Standing::Ending { days: 0 }, "ends in 0 days"),
        (day(467), Standing::Over { days: 2 }, "ended 2 days ago"),
    ] {
        assert_eq!(term.standing(at), standing);
        assert!(standing.says().contains(says), "{}", standing.says());
    }
}

fn claim() -> Claim {
    Claim {
        attest: Attest::A,
        from: E164::new(12_025_550_100).unwrap(),
        to: E164::new(12_025_550_142).unwrap(),
        at: Timestamp::from_micros(1_764_190_800_500_000),
    }
}

fn identity(signer: &Signer) -> (String, String) {
    let [Header::Date(date), Header::Identity(identity)] = signer.sign(&claim()).unwrap() else {
        panic!()
    };
    (date.value().to_owned(), identity.value().to_owned())
}

fn read(part: &str) -> String {
    String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// What OpenSSL says of a token. A JWS holds the two numbers of the signature one after the
/// other (RFC 7518 section 3.4), OpenSSL wants them in DER.
fn verifies(folder: &Path, token: &str) -> bool {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let numbers = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let (mut body, halves) = (Vec::new(), numbers.split_at(32));
    for half in [halves.0, halves.1] {
        let mut number: Vec<u8> = half.iter().copied().skip_while(|o| *o == 0).collect();
        if number[0] & 0x80 != 0 {
            number.insert(0, 0);
        }
        body.extend([2, u8::try_from(number.len()).unwrap()]);
        body.extend(number);
    }
    let mut der = vec![0x30, u8::try_from(body.len()).unwrap()];
    der.extend(body);
    fs::write(folder.join("signed"), signed).unwrap();
    fs::write(folder.join("signature"), der).unwrap();
    openssl(folder, "dgst -sha256 -verify public.pem -signature signature signed")
}

#[test]
fn a_call_is_signed_so_that_others_can_verify_it_with_openssl() {
    let folder = tempfile::tempdir().unwrap();
    let signer = signer(folder.path());
    let (date, identity) = identity(&signer);
    assert_eq!(date, "Wed, 26 Nov 2025 21:00:00 GMT");
    let (token, rest) = identity.split_once(';').unwrap();
    assert_eq!(rest, format!("info=<{URL}>;alg=ES256;ppt=shaken"));
    let parts: Vec<&str> = token.split('.').collect();
    let header =
        format!("{{\"alg\":\"ES256\",\"ppt\":\"shaken\",\"typ\":\"passport\",\"x5u\":\"{URL}\"}}");
    assert_eq!(read(parts[0]), header);
    let payload = read(parts[1]);
    assert!(payload.starts_with(
        "{\"attest\":\"A\",\"dest\":{\"tn\":[\"12025550142\"]},\"iat\":1764190800,\
         \"orig\":{\"tn\":\"12025550100\"},\"origid\":\""
    ));
    assert!(verifies(folder.path(), token));
    // Another number, another key, or a changed signature are found out.
    let forged = payload.replace("12025550100", "12025550101");
    let forged = format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(forged), parts[2]);
    assert!(!verifies(folder.path(), &forged));
    let other = tempfile::tempdir().unwrap();
    let _ = self::signer(other.path());
    assert!(!verifies(other.path(), token));
}

#[test]
fn what_cannot_sign_is_named_with_openssl() {
    let folder = tempfile::tempdir().unwrap();
    let config =
        |url: &str| IdentityConfig { certificate_url: url.into(), ..config(folder.path()) };
    let said = |config: IdentityConfig| config.check().unwrap_err().to_string();
    assert!(said(config(URL)).contains("k.pem"));
    assert!(openssl(
        folder.path(),
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out k.pem"
    ));
    assert!(said(config(URL)).contains("P-256"));
    assert!(openssl(folder.path(), "ecparam -name prime256v1 -genkey -noout -out k.pem"));
    assert!(said(config(URL)).contains("openssl pkcs8 -topk8"));
    for url in ["http://a.example/c.pem", "https://a.example/\"x", "https://a.example/ x"] {
        assert!(said(config(url)).contains("no place to fetch"), "{url}");
    }
}

#[test]
fn a_certificate_that_is_not_in_force_signs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let signer = certified(folder.path());
    let tick = Duration::from_micros(1);
    let at = |at| signer.sign_in_force(&Claim { at, ..claim() }).is_some();
    let before = Timestamp::from_micros(signer.term.from.micros() - 1);
    assert!(at(signer.term.from) && at(claim().at) && at(signer.term.to));
    assert!(!at(before) && !at(signer.term.to.after(tick)));
}
