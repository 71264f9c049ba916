//! Signed caller identity: PASSporT (RFC 8225) with the `shaken` extension (RFC 8588), carried in
//! the Identity header (RFC 8224). 47 CFR 64.6301 wants calls signed where they enter an IP
//! network.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use core::fmt::Write;
use model::{E164, Timestamp};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use rsipstack::sip::Header;
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

/// How sure the signer is that the caller may use the number it shows (RFC 8588 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Attest {
    /// Full: the number is the facility's own, and the call comes from there.
    A,
    /// Partial: the call comes from a known facility, but the number was not given to it by the
    /// signer.
    B,
    /// Gateway: nothing is known of the caller.
    C,
}

/// With what calls are signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityConfig {
    /// File with the private key of the certificate: P-256, PKCS #8, in PEM.
    pub key: PathBuf,
    /// Where others fetch the certificate: an https URL.
    pub certificate_url: String,
}

/// Why calls cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The key does not read.
    #[error(
        "`{}` does not read as a P-256 key in pkcs8 pem ({reason}): \
         `openssl pkcs8 -topk8 -nodes -in OLD -out NEW` makes one of an older form",
        .path.display()
    )]
    Key {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        reason: String,
    },
    /// No URL that others can fetch the certificate from.
    #[error("`{url}` is no place to fetch a certificate from: give an https url in plain ascii")]
    Url {
        /// What was given.
        url: String,
    },
}

impl IdentityConfig {
    /// Reads the key and sees whether it can sign.
    ///
    /// # Errors
    /// [`IdentityError`] says what is wrong.
    pub fn check(&self) -> Result<(), IdentityError> {
        Signer::new(self).map(drop)
    }
}

/// Signs calls.
pub(crate) struct Signer {
    pair: EcdsaKeyPair,
    url: String,
    random: SystemRandom,
}

/// What is claimed of a call.
pub(crate) struct Claim {
    pub(crate) attest: Attest,
    pub(crate) from: E164,
    pub(crate) to: E164,
    pub(crate) at: Timestamp,
}

impl Signer {
    /// # Errors
    /// When the key does not read or the URL is none.
    pub(crate) fn new(config: &IdentityConfig) -> Result<Self, IdentityError> {
        let IdentityConfig { key: path, certificate_url: url } = config;
        let plain = url.bytes().all(|b| b.is_ascii_graphic() && !b"\"\\<>;".contains(&b));
        if !plain || !url.starts_with("https://") {
            return Err(IdentityError::Url { url: url.clone() });
        }
        let wrong = |reason: String| IdentityError::Key { path: path.clone(), reason };
        let key = PrivateKeyDer::from_pem_file(path).map_err(|error| wrong(error.to_string()))?;
        let PrivateKeyDer::Pkcs8(key) = key else {
            return Err(wrong("it is of another form".to_owned()));
        };
        let random = SystemRandom::new();
        let der = key.secret_pkcs8_der();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &random)
            .map_err(|rejected| wrong(rejected.to_string()))?;
        Ok(Self { pair, url: url.clone(), random })
    }

    /// The Date and Identity headers of a call (RFC 8224 section 4); `None` when the system gives
    /// no randomness or the time is none of this world.
    pub(crate) fn sign(&self, claim: &Claim) -> Option<[Header; 2]> {
        let url = &self.url;
        let header = format!(
            "{{\"alg\":\"ES256\",\"ppt\":\"shaken\",\"typ\":\"passport\",\"x5u\":\"{url}\"}}"
        );
        let attest = match claim.attest {
            Attest::A => 'A',
            Attest::B => 'B',
            Attest::C => 'C',
        };
        let (from, to) = (claim.from.digits(), claim.to.digits());
        let (at, origin) = (claim.at.micros() / 1_000_000, self.origin(claim.from));
        let payload = format!(
            "{{\"attest\":\"{attest}\",\"dest\":{{\"tn\":[\"{to}\"]}},\"iat\":{at},\
             \"orig\":{{\"tn\":\"{from}\"}},\"origid\":\"{origin}\"}}"
        );
        let mut token = URL_SAFE_NO_PAD.encode(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let signature = self.pair.sign(&self.random, token.as_bytes()).ok()?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.as_ref(), &mut token);
        let date = jiff::Timestamp::from_microsecond(claim.at.micros()).ok()?;
        let date = PRINTER.timestamp_to_rfc9110_string(&date).ok()?;
        let identity = format!("{token};info=<{url}>;alg=ES256;ppt=shaken");
        Some([Header::Date(date.into()), Header::Identity(identity.into())])
    }

    /// The same identifier for all calls of a facility, so that a call can be traced back to it
    /// (RFC 8588 section 5), and to nobody within it.
    fn origin(&self, from: E164) -> String {
        let hash: [u8; 32] = Sha256::new()
            .chain_update(&self.url)
            .chain_update(from.digits().to_be_bytes())
            .finalize()
            .into();
        let mut text = String::with_capacity(36);
        for (index, octet) in hash.iter().take(16).enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            // Version 8 and variant 1 of RFC 9562: made by a rule of our own.
            let octet = match index {
                6 => octet & 0x0f | 0x80,
                8 => octet & 0x3f | 0x80,
                _ => *octet,
            };
            let _ = write!(text, "{octet:02x}");
        }
        text
    }
}

static PRINTER: jiff::fmt::rfc2822::DateTimePrinter = jiff::fmt::rfc2822::DateTimePrinter::new();

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    const URL: &str = "https://certificates.example/county.pem";

    fn openssl(folder: &Path, arguments: &str) -> bool {
        let mut command = Command::new("openssl");
        let done = command.args(arguments.split(' ')).current_dir(folder).output().unwrap();
        done.status.success()
    }

    fn signer(folder: &Path) -> Signer {
        assert!(openssl(
            folder,
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out k.pem"
        ));
        assert!(openssl(folder, "pkey -in k.pem -pubout -out public.pem"));
        let config = IdentityConfig { key: folder.join("k.pem"), certificate_url: URL.to_owned() };
        Signer::new(&config).unwrap()
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
        let [Header::Date(date), Header::Identity(identity)] = signer.sign(&claim()).unwrap()
        else {
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
        let header = format!(
            "{{\"alg\":\"ES256\",\"ppt\":\"shaken\",\"typ\":\"passport\",\"x5u\":\"{URL}\"}}"
        );
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
        let path = folder.path().join("k.pem");
        let config = |url: &str| IdentityConfig { key: path.clone(), certificate_url: url.into() };
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
}
