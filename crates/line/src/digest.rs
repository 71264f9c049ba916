//! Digest authentication of stations (RFC 3261 section 22, RFC 7616 with MD5 and `qop=auth`).
//!
//! Nonces are not stored: each carries its time and number under a key of this line, so that
//! strangers cannot fill memory. Only the use count of a nonce that a right password used is kept.
//! An unknown user is treated in every step like a wrong password.

use crate::Directory;
use crate::limits::{NONCE_MAX, NONCES_MAX};
use core::fmt::Write;
use md5::{Digest, Md5};
use model::{StationId, Timestamp};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Makes challenges and checks answers to them.
pub(crate) struct Challenger {
    realm: String,
    key: [u8; 32],
    made: u32,
    /// The last use of each nonce, oldest first.
    used: BTreeMap<(i64, u32), Use>,
}

/// The use of a nonce with the highest count so far.
#[derive(Clone, Copy, Debug)]
struct Use {
    count: u32,
    print: [u8; 32],
}

/// What an answer to a challenge amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// This station, with the right password.
    Station(StationId),
    /// The nonce is not ours, too old, or was used with this count by another request: challenge
    /// again.
    Stale,
    /// Unknown user or wrong password.
    Wrong,
}

/// A request whose answer to a challenge is checked.
pub(crate) struct Asked<'a> {
    /// The method.
    pub(crate) method: &'a str,
    /// Value of the Authorization header.
    pub(crate) authorization: &'a str,
    /// Where it came from; a nonce is only good from there.
    pub(crate) source: IpAddr,
    /// When it came.
    pub(crate) now: Timestamp,
    /// Stands for all of the request: the same one again is no second use of its nonce.
    pub(crate) print: [u8; 32],
}

impl Challenger {
    pub(crate) fn new(realm: String, key: [u8; 32]) -> Self {
        Self { realm, key, made: 0, used: BTreeMap::new() }
    }

    /// The value of a WWW-Authenticate header with a fresh nonce.
    pub(crate) fn challenge(&mut self, now: Timestamp, source: IpAddr, stale: bool) -> String {
        self.made = self.made.wrapping_add(1);
        let nonce = self.nonce(now.micros(), self.made, source);
        let stale = if stale { ", stale=true" } else { "" };
        let realm = &self.realm;
        format!("Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm=MD5, qop=\"auth\"{stale}")
    }

    /// Checks an answer.
    pub(crate) fn verify(&mut self, asked: &Asked<'_>, directory: &dyn Directory) -> Verdict {
        let Some(answer) = Answer::read(asked.authorization) else { return Verdict::Wrong };
        if answer.realm != self.realm {
            return Verdict::Stale;
        }
        let Some((time, number)) = self.open(answer.nonce, asked.source) else {
            return Verdict::Stale;
        };
        let age = asked.now.since(Timestamp::from_micros(time));
        if age > NONCE_MAX {
            return Verdict::Stale;
        }
        let found = directory.digest(answer.username);
        // The hash is made for unknown users too, so that they take as long.
        let ha1 = found.as_ref().map_or([0; 16], |(_, ha1)| *ha1.expose());
        let right =
            same(answer.expected(&ha1, asked.method).as_bytes(), answer.response.as_bytes());
        let Some((station, _)) = found.filter(|_| right) else { return Verdict::Wrong };
        let this = Use { count: answer.count, print: asked.print };
        match self.used.get(&(time, number)) {
            Some(last) if last.count == this.count && last.print == this.print => {}
            Some(last) if this.count <= last.count => return Verdict::Stale,
            None if this.count == 0 => return Verdict::Stale,
            Some(_) | None => self.remember(time, number, this, asked.now),
        }
        Verdict::Station(station)
    }

    fn remember(&mut self, time: i64, number: u32, this: Use, now: Timestamp) {
        let expired = |(made, _): &(i64, u32)| now.since(Timestamp::from_micros(*made)) > NONCE_MAX;
        while let Some(oldest) = self.used.first_entry() {
            if !expired(oldest.key()) {
                break;
            }
            oldest.remove();
        }
        if self.used.len() >= NONCES_MAX {
            self.used.pop_first();
        }
        self.used.insert((time, number), this);
    }

    fn nonce(&self, time: i64, number: u32, source: IpAddr) -> String {
        let mut nonce = format!("{time:016x}{number:08x}");
        nonce.push_str(&self.seal(time, number, source));
        nonce
    }

    /// Reads back what `nonce` wrote, if it was us who wrote it, for this source.
    fn open(&self, nonce: &str, source: IpAddr) -> Option<(i64, u32)> {
        let time = i64::from_str_radix(nonce.get(..16)?, 16).ok()?;
        let number = u32::from_str_radix(nonce.get(16..24)?, 16).ok()?;
        let seal = self.seal(time, number, source);
        same(nonce.get(24..)?.as_bytes(), seal.as_bytes()).then_some((time, number))
    }

    /// Keyed hash over inputs of fixed length, cut to half its length: no extension is possible.
    fn seal(&self, time: i64, number: u32, source: IpAddr) -> String {
        let address = match source {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        let mut hash = Sha256::new();
        hash.update(self.key);
        hash.update(time.to_be_bytes());
        hash.update(number.to_be_bytes());
        hash.update(address.octets());
        let seal: [u8; 32] = hash.finalize().into();
        hex(seal.first_chunk::<16>().unwrap_or(&[0; 16]))
    }
}

/// The parts of an Authorization header (RFC 7616 section 3.4).
struct Answer<'a> {
    username: &'a str,
    realm: &'a str,
    nonce: &'a str,
    uri: &'a str,
    response: &'a str,
    cnonce: &'a str,
    nc: &'a str,
    count: u32,
}

impl<'a> Answer<'a> {
    /// `None` when a part is missing, or is one that we did not offer.
    fn read(header: &'a str) -> Option<Self> {
        let parts = header.trim().split_at_checked(7)?;
        let (scheme, mut rest) = parts;
        if !scheme.eq_ignore_ascii_case("digest ") {
            return None;
        }
        let (mut username, mut realm, mut nonce, mut uri) = (None, None, None, None);
        let (mut response, mut cnonce, mut nc) = (None, None, None);
        let (mut qop, mut algorithm) = ("", "MD5");
        while let Some((name, value, after)) = field(rest) {
            rest = after;
            match name.to_ascii_lowercase().as_str() {
                "username" => username = Some(value),
                "realm" => realm = Some(value),
                "nonce" => nonce = Some(value),
                "uri" => uri = Some(value),
                "response" => response = Some(value),
                "cnonce" => cnonce = Some(value),
                "nc" => nc = Some(value),
                "qop" => qop = value,
                "algorithm" => algorithm = value,
                _ => {}
            }
        }
        if qop != "auth" || !algorithm.eq_ignore_ascii_case("MD5") {
            return None;
        }
        let nc = nc.filter(|nc| nc.len() == 8)?;
        Some(Self {
            username: username?,
            realm: realm?,
            nonce: nonce?,
            uri: uri?,
            response: response?,
            cnonce: cnonce?,
            nc,
            count: u32::from_str_radix(nc, 16).ok()?,
        })
    }

    fn expected(&self, ha1: &[u8; 16], method: &str) -> String {
        let ha2 = md5_hex(&[method, ":", self.uri]);
        let ha1 = hex(ha1);
        md5_hex(&[&ha1, ":", self.nonce, ":", self.nc, ":", self.cnonce, ":auth:", &ha2])
    }
}

/// One `name=value` or `name="value"`, and what follows its comma.
pub(crate) fn field(text: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = text.split_once('=')?;
    let rest = rest.trim_start();
    let (value, rest) = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?,
        None => rest.split_at_checked(rest.find(',').unwrap_or(rest.len()))?,
    };
    let rest = rest.trim_start();
    Some((name.trim(), value.trim(), rest.strip_prefix(',').unwrap_or(rest)))
}

/// The HA1 of a user: the MD5 of `user:realm:password` (RFC 7616 section 3.4.2).
pub fn ha1(user: &str, realm: &str, password: &str) -> model::Private<[u8; 16]> {
    let mut hash = Md5::new();
    hash.update(format!("{user}:{realm}:{password}"));
    model::Private::new(hash.finalize().into())
}

pub(crate) fn md5_hex(parts: &[&str]) -> String {
    let mut hash = Md5::new();
    for part in parts {
        hash.update(part);
    }
    let octets: [u8; 16] = hash.finalize().into();
    hex(&octets)
}

pub(crate) fn hex(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len() * 2);
    for octet in octets {
        let _ = write!(text, "{octet:02x}");
    }
    text
}

/// Compares without telling by its time where the difference is.
fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).fold(0, |different, (a, b)| different | (a ^ b)) == 0
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use core::time::Duration;
    use model::Private;
    use proptest::prelude::*;
    use std::net::SocketAddr;

    struct One;

    impl Directory for One {
        fn station(&self, _: SocketAddr, _: &str) -> Option<StationId> {
            None
        }
        fn digest(&self, user: &str) -> Option<(StationId, Private<[u8; 16]>)> {
            (user == "s1").then(|| (StationId(1), ha1("s1", "jail", "secret")))
        }
        fn trunk(&self) -> Option<SocketAddr> {
            None
        }
    }

    /// What a telephone answers to `challenge`.
    pub(crate) fn answer(
        challenge: &str,
        user: &str,
        password: &str,
        method: &str,
        nc: u32,
    ) -> String {
        let mut rest = challenge.strip_prefix("Digest ").unwrap();
        let mut of = BTreeMap::new();
        while let Some((name, value, after)) = field(rest) {
            of.insert(name, value);
            rest = after;
        }
        let (realm, nonce) = (of["realm"], of["nonce"]);
        let ha1 = hex(ha1(user, realm, password).expose());
        let ha2 = md5_hex(&[method, ":sip:x"]);
        let nc = format!("{nc:08x}");
        let response = md5_hex(&[&ha1, ":", nonce, ":", &nc, ":c:auth:", &ha2]);
        format!(
            "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"sip:x\", \
             response=\"{response}\", algorithm=MD5, cnonce=\"c\", qop=auth, nc={nc}"
        )
    }

    const SOURCE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn verify(challenger: &mut Challenger, authorization: &str, seconds: u64) -> Verdict {
        verify_print(challenger, authorization, seconds, 0)
    }

    fn verify_print(
        challenger: &mut Challenger,
        authorization: &str,
        seconds: u64,
        print: u8,
    ) -> Verdict {
        let now = Timestamp::from_micros(0).after(Duration::from_secs(seconds));
        let print = [print; 32];
        let method = "REGISTER";
        challenger.verify(&Asked { method, authorization, source: SOURCE, now, print }, &One)
    }

    #[test]
    fn the_example_of_the_rfc_comes_out() {
        // RFC 2617 section 3.5, which RFC 7616 keeps for MD5.
        let header = "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", \
            nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", qop=auth, \
            nc=00000001, cnonce=\"0a4f113b\", response=\"6629fae49393a05397450978507c4ef1\", \
            opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
        let answer = Answer::read(header).unwrap();
        let ha1 = ha1("Mufasa", "testrealm@host.com", "Circle Of Life");
        assert_eq!(answer.expected(ha1.expose(), "GET"), answer.response);
    }

    #[test]
    fn only_the_right_password_in_time_and_once() {
        let mut challenger = Challenger::new("jail".into(), [7; 32]);
        let start = Timestamp::from_micros(0);
        let challenge = challenger.challenge(start, SOURCE, false);
        let right = answer(&challenge, "s1", "secret", "REGISTER", 1);
        let cases = [
            (answer(&challenge, "s1", "wrong", "REGISTER", 1), 0, Verdict::Wrong),
            (answer(&challenge, "nobody", "secret", "REGISTER", 1), 0, Verdict::Wrong),
            (answer(&challenge, "s1", "secret", "INVITE", 1), 0, Verdict::Wrong),
            (right.clone(), 301, Verdict::Stale),
            (right.replace("nonce=\"0", "nonce=\"1"), 0, Verdict::Stale),
            (right.replace("qop=auth, ", ""), 0, Verdict::Wrong),
            ("Basic czE6c2VjcmV0".to_owned(), 0, Verdict::Wrong),
            (right.clone(), 300, Verdict::Station(StationId(1))),
            (answer(&challenge, "s1", "secret", "REGISTER", 2), 0, Verdict::Station(StationId(1))),
            (right, 0, Verdict::Stale),
            (answer(&challenge, "s1", "secret", "REGISTER", 0), 0, Verdict::Stale),
        ];
        for (index, (header, seconds, verdict)) in cases.iter().enumerate() {
            assert_eq!(verify(&mut challenger, header, *seconds), *verdict, "case {index}");
        }
    }

    #[test]
    fn the_same_request_again_is_no_second_use_of_its_nonce_and_another_one_is() {
        let mut challenger = Challenger::new("jail".into(), [7; 32]);
        let challenge = challenger.challenge(Timestamp::from_micros(0), SOURCE, false);
        let one = Verdict::Station(StationId(1));
        let mut ask = |nc, print| {
            let header = answer(&challenge, "s1", "secret", "REGISTER", nc);
            verify_print(&mut challenger, &header, 0, print)
        };
        assert_eq!([ask(1, 1), ask(1, 1), ask(1, 2)], [one, one, Verdict::Stale]);
        assert_eq!([ask(2, 3), ask(1, 1), ask(2, 3)], [one, Verdict::Stale, one]);
    }

    #[test]
    fn a_nonce_is_good_only_where_it_was_sent() {
        let mut challenger = Challenger::new("jail".into(), [7; 32]);
        let now = Timestamp::from_micros(0);
        let challenge = challenger.challenge(now, "192.0.2.1".parse().unwrap(), false);
        let header = answer(&challenge, "s1", "secret", "REGISTER", 1);
        assert_eq!(verify(&mut challenger, &header, 0), Verdict::Stale);
    }

    proptest! {
        #[test]
        fn any_header_is_survived(header in "(Digest )?\\PC{0,80}") {
            let mut challenger = Challenger::new("jail".into(), [7; 32]);
            let verdict = verify(&mut challenger, &header, 0);
            prop_assert!(!matches!(verdict, Verdict::Station(_)));
        }
    }
}
