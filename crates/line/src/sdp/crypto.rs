//! Keys of audio in session descriptions (SDES, RFC 4568).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core::fmt::Write;
use model::{SrtpKey, SrtpKeys, SrtpSuite};
use zeroize::Zeroizing;

/// One `a=crypto` line: a key, and the number by which the answer speaks of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Crypto {
    pub(crate) tag: u32,
    pub(crate) key: SrtpKey,
}

impl Crypto {
    /// `1 AES_CM_128_HMAC_SHA1_80 inline:...|2^31`; `None` when it asks for anything that is not
    /// understood, or for less than all packets encrypted and authenticated: then the line does not
    /// count (RFC 4568 section 6.3 and 7.1.2).
    pub(super) fn read(value: &str) -> Option<Self> {
        let mut words = value.trim().split(' ').filter(|word| !word.is_empty());
        let (tag, suite, inline) = (words.next()?, words.next()?, words.next()?);
        if words.next().is_some() || tag.len() > TAG_DIGITS_MAX || inline.contains(';') {
            return None;
        }
        let suite = SrtpSuite::from_name(suite)?;
        let mut parts = inline.strip_prefix("inline:")?.split('|');
        let encoded = parts.next()?;
        // A lifetime may follow, which no call reaches; an index of several keys may not.
        let lifetime = parts.next();
        if lifetime.is_some_and(|lifetime| lifetime.contains(':')) || parts.next().is_some() {
            return None;
        }
        let octets = Zeroizing::new(STANDARD.decode(encoded).ok()?);
        Some(Self { tag: tag.parse().ok()?, key: SrtpKey::new(suite, &octets)? })
    }

    /// A fresh key; `None` when the system gives no randomness.
    pub(crate) fn fresh(tag: u32, suite: SrtpSuite) -> Option<Self> {
        let mut octets = Zeroizing::new(vec![0; suite.octets()]);
        getrandom::fill(&mut octets).ok()?;
        Some(Self { tag, key: SrtpKey::new(suite, &octets)? })
    }

    /// A fresh key for every suite, the preferred one first: our offer.
    pub(crate) fn offer() -> Option<Vec<Self>> {
        (1..).zip(SrtpSuite::ALL).map(|(tag, suite)| Self::fresh(tag, suite)).collect()
    }

    pub(super) fn write(&self, text: &mut String) {
        let Self { tag, key } = self;
        let encoded = Zeroizing::new(STANDARD.encode(key.expose()));
        let _ = write!(text, "a=crypto:{tag} {} inline:{}\r\n", key.suite().name(), *encoded);
    }
}

/// Our answer to what the other end offers: a fresh key for the first of its suites that we know,
/// or the one we had, where it still fits.
pub(crate) fn accept(offered: &[Crypto], ours: Option<&SrtpKey>) -> Option<(Crypto, SrtpKeys)> {
    let first = offered.first()?;
    let suite = first.key.suite();
    let answer = match ours.filter(|key| key.suite() == suite) {
        Some(key) => Crypto { tag: first.tag, key: key.clone() },
        None => Crypto::fresh(first.tag, suite)?,
    };
    let keys = SrtpKeys { send: answer.key.clone(), receive: first.key.clone() };
    Some((answer, keys))
}

/// What both ends use after the other end chose from our offer.
pub(crate) fn chosen(ours: &[Crypto], answered: &[Crypto]) -> Option<SrtpKeys> {
    let [theirs] = answered else { return None };
    let own =
        ours.iter().find(|own| own.tag == theirs.tag && own.key.suite() == theirs.key.suite())?;
    Some(SrtpKeys { send: own.key.clone(), receive: theirs.key.clone() })
}

/// RFC 4568 section 9.1.
const TAG_DIGITS_MAX: usize = 9;

#[cfg(test)]
mod tests {
    use super::*;

    /// The key and salt of the example of RFC 4568 section 10.1, and one for 256 bits.
    const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

    #[test]
    fn keys_are_read_as_they_are_written() {
        let line = format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20");
        let read = Crypto::read(&line).unwrap();
        assert_eq!((read.tag, read.key.suite()), (1, SrtpSuite::AesCm128HmacSha1_80));
        let mut text = String::new();
        read.write(&mut text);
        assert_eq!(text, format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n"));
        assert!(!format!("{read:?}").contains(KEY));
        for suite in SrtpSuite::ALL {
            let fresh = Crypto::fresh(7, suite).unwrap();
            let mut text = String::new();
            fresh.write(&mut text);
            let value = text.trim_end().strip_prefix("a=crypto:").unwrap();
            assert_eq!(Crypto::read(value), Some(fresh));
        }
    }

    #[test]
    fn a_line_with_anything_unknown_does_not_count() {
        for wrong in [
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNENCRYPTED_SRTP"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|1:4"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY};inline:{KEY}"),
            format!("1 AES_CM_128_HMAC_SHA1_32 inline:{KEY}"),
            format!("1 AEAD_AES_256_GCM inline:{KEY}"),
            format!("x AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
            "1 AES_CM_128_HMAC_SHA1_80 inline:short".to_owned(),
            "1 AES_CM_128_HMAC_SHA1_80".to_owned(),
        ] {
            assert_eq!(Crypto::read(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn both_ends_come_to_the_same_keys() {
        let offer = Crypto::offer().unwrap();
        let (answer, theirs) = accept(&offer[1..], None).unwrap();
        assert_eq!(answer.tag, 2);
        let ours = chosen(&offer, std::slice::from_ref(&answer)).unwrap();
        assert_eq!((&ours.send, &ours.receive), (&theirs.receive, &theirs.send));
        // Offered again, our key stays; with another suite it is another one.
        let (again, _) = accept(&offer[1..], Some(&answer.key)).unwrap();
        assert_eq!(again, answer);
        assert_ne!(accept(&offer, Some(&answer.key)).unwrap().0.key, answer.key);
        // An answer that chose nothing of ours, or several, is none.
        let foreign = Crypto::fresh(9, answer.key.suite()).unwrap();
        assert_eq!(chosen(&offer, &[foreign]), None);
        let other = Crypto::fresh(2, SrtpSuite::AesCm128HmacSha1_80).unwrap();
        assert_eq!(chosen(&offer, &[other]), None);
        assert_eq!(chosen(&offer, &offer), None);
        assert_eq!(chosen(&offer, &[]), None);
    }
}
