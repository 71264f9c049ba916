//! Answers to a carrier's challenge (RFC 3261 section 22, RFC 8760).

use crate::digest::{field, hex, md5_hex};
use crate::trunk::TrunkAccount;
use rsipstack::sip::Header;
use sha2::{Digest, Sha256};

/// A challenge that we can answer.
#[derive(Clone, Debug)]
pub(crate) struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    /// Whether the other end wants our own nonce and a count as well.
    qop: bool,
    /// A proxy asks (407), not the server (401).
    proxy: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Algorithm {
    Md5,
    Sha256,
}

impl Challenge {
    /// The strongest challenge in a response that we can answer.
    pub(crate) fn of(headers: &[Header]) -> Option<Self> {
        let all = headers.iter().filter_map(|header| {
            #[expect(clippy::wildcard_enum_match_arm, reason = "the library has 60 headers")]
            match header {
                Header::WwwAuthenticate(value) => Self::read(value.value(), false),
                Header::ProxyAuthenticate(value) => Self::read(value.value(), true),
                _ => None,
            }
        });
        all.max_by_key(|challenge| challenge.algorithm)
    }

    fn read(value: &str, proxy: bool) -> Option<Self> {
        let (scheme, mut rest) = value.trim().split_at_checked(7)?;
        if !scheme.eq_ignore_ascii_case("digest ") {
            return None;
        }
        let (mut realm, mut nonce, mut opaque) = (None, None, None);
        let (mut algorithm, mut qop) = (Some(Algorithm::Md5), Some(false));
        while let Some((name, value, after)) = field(rest) {
            rest = after;
            match name.to_ascii_lowercase().as_str() {
                "realm" => realm = Some(value.to_owned()),
                "nonce" => nonce = Some(value.to_owned()),
                "opaque" => opaque = Some(value.to_owned()),
                "algorithm" => algorithm = Algorithm::read(value),
                "qop" => {
                    let auth = value.split(',').any(|q| q.trim().eq_ignore_ascii_case("auth"));
                    qop = auth.then_some(true);
                }
                _ => {}
            }
        }
        let (realm, nonce) = (realm?, nonce?);
        Some(Self { realm, nonce, opaque, algorithm: algorithm?, qop: qop?, proxy })
    }

    /// The header that answers it. `cnonce` is ours and never used twice with this nonce.
    pub(crate) fn answer(
        &self,
        account: &TrunkAccount,
        method: &str,
        uri: &str,
        cnonce: &str,
    ) -> Header {
        let Self { realm, nonce, opaque, algorithm, qop, proxy } = self;
        let user = &account.user;
        let ha1 = algorithm.hash(&[user, ":", realm, ":", account.password.expose()]);
        let ha2 = algorithm.hash(&[method, ":", uri]);
        let response = if *qop {
            algorithm.hash(&[&ha1, ":", nonce, ":", COUNT, ":", cnonce, ":auth:", &ha2])
        } else {
            algorithm.hash(&[&ha1, ":", nonce, ":", &ha2])
        };
        let name = algorithm.name();
        let mut value = format!(
            "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
             response=\"{response}\", algorithm={name}"
        );
        if let Some(opaque) = opaque {
            value.push_str(&format!(", opaque=\"{opaque}\""));
        }
        if *qop {
            value.push_str(&format!(", qop=auth, nc={COUNT}, cnonce=\"{cnonce}\""));
        }
        if *proxy {
            Header::ProxyAuthorization(value.into())
        } else {
            Header::Authorization(value.into())
        }
    }
}

impl Algorithm {
    fn read(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("MD5") {
            Some(Self::Md5)
        } else if name.eq_ignore_ascii_case("SHA-256") {
            Some(Self::Sha256)
        } else {
            None
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    fn hash(self, parts: &[&str]) -> String {
        match self {
            Self::Md5 => md5_hex(parts),
            Self::Sha256 => {
                let mut hash = Sha256::new();
                for part in parts {
                    hash.update(part);
                }
                let octets: [u8; 32] = hash.finalize().into();
                hex(&octets)
            }
        }
    }
}

/// Each answer is the first use of its nonce: a challenge is answered once.
const COUNT: &str = "00000001";

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;
    use model::Private;

    fn account() -> TrunkAccount {
        TrunkAccount {
            user: "Mufasa".into(),
            password: Private::new("Circle of Life".into()),
            register: false,
            expires: Duration::from_secs(600),
        }
    }

    /// The example of RFC 7616 section 3.9.1, for both algorithms.
    #[test]
    fn the_standards_own_example_comes_out() {
        let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        for (algorithm, expected) in [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let challenge = format!(
                "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", \
                 algorithm={algorithm}, nonce=\"{nonce}\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            );
            let challenge = Challenge::read(&challenge, false).unwrap();
            let answer = challenge.answer(&account(), "GET", "/dir/index.html", cnonce);
            let Header::Authorization(value) = answer else { panic!() };
            assert!(value.value().contains(expected), "{}", value.value());
        }
    }

    #[test]
    fn the_strongest_known_challenge_is_answered() {
        let of = |values: &[&str]| {
            let headers: Vec<Header> =
                values.iter().map(|v| Header::ProxyAuthenticate((*v).into())).collect();
            Challenge::of(&headers).map(|challenge| (challenge.algorithm, challenge.proxy))
        };
        let (md5, sha) = (
            "Digest realm=\"a\", nonce=\"n\"",
            "Digest realm=\"a\", nonce=\"n\", algorithm=SHA-256",
        );
        assert_eq!(of(&[md5, sha]), Some((Algorithm::Sha256, true)));
        assert_eq!(of(&[md5]), Some((Algorithm::Md5, true)));
        for unknown in [
            "Basic realm=\"a\"",
            "Digest realm=\"a\"",
            "Digest realm=\"a\", nonce=\"n\", algorithm=SHA-512",
            "Digest realm=\"a\", nonce=\"n\", qop=\"auth-int\"",
        ] {
            assert_eq!(of(&[unknown]), None, "{unknown}");
        }
    }
}
