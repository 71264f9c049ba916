//! Keys of encrypted audio (RFC 3711), as signalling agrees on them (RFC 4568).

use core::fmt;
use zeroize::Zeroize;

/// How audio is encrypted and authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SrtpSuite {
    /// AES-128 in counter mode, HMAC-SHA1 cut to 80 bits (RFC 3711, RFC 4568 section 6.2.1).
    AesCm128HmacSha1_80,
    /// AES-128-GCM with a whole tag (RFC 7714).
    AeadAes128Gcm,
    /// AES-256-GCM with a whole tag (RFC 7714).
    AeadAes256Gcm,
}

impl SrtpSuite {
    /// Every suite that is understood, the preferred one first.
    pub const ALL: [Self; 3] =
        [Self::AeadAes256Gcm, Self::AeadAes128Gcm, Self::AesCm128HmacSha1_80];

    /// The suite of this name in a session description (RFC 4568 section 6.2, RFC 7714 section
    /// 14.2); `None` when it is not understood.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.name() == name)
    }

    /// Its name in a session description.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Self::AeadAes256Gcm => "AEAD_AES_256_GCM",
        }
    }

    /// Octets of a master key.
    pub const fn key_octets(self) -> usize {
        match self {
            Self::AesCm128HmacSha1_80 | Self::AeadAes128Gcm => 16,
            Self::AeadAes256Gcm => 32,
        }
    }

    /// Octets of a master salt.
    pub const fn salt_octets(self) -> usize {
        match self {
            Self::AesCm128HmacSha1_80 => 14,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 12,
        }
    }

    /// Octets of a master key and the salt after it, as `inline:` holds them in base64.
    pub const fn octets(self) -> usize {
        self.key_octets() + self.salt_octets()
    }
}

/// The master key and salt of one direction. `Debug` prints `[private]`; the octets are wiped when
/// it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct SrtpKey {
    suite: SrtpSuite,
    octets: [u8; OCTETS_MAX],
}

impl SrtpKey {
    /// A master key with its salt after it.
    ///
    /// # Errors
    /// `None` when there are not exactly [`SrtpSuite::octets`].
    pub fn new(suite: SrtpSuite, octets: &[u8]) -> Option<Self> {
        let mut key = Self { suite, octets: [0; OCTETS_MAX] };
        if octets.len() != suite.octets() {
            return None;
        }
        key.octets.get_mut(..octets.len())?.copy_from_slice(octets);
        Some(key)
    }

    /// What it is used with.
    pub const fn suite(&self) -> SrtpSuite {
        self.suite
    }

    /// The master key, for the cipher.
    pub fn expose_key(&self) -> &[u8] {
        self.octets.get(..self.suite.key_octets()).unwrap_or_default()
    }

    /// The master salt, for the cipher.
    pub fn expose_salt(&self) -> &[u8] {
        self.octets.get(self.suite.key_octets()..self.suite.octets()).unwrap_or_default()
    }

    /// Key and salt, for the session description that carries them.
    pub fn expose(&self) -> &[u8] {
        self.octets.get(..self.suite.octets()).unwrap_or_default()
    }
}

impl fmt::Debug for SrtpKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[private]")
    }
}

impl Drop for SrtpKey {
    fn drop(&mut self) {
        self.octets.zeroize();
    }
}

/// The keys of one leg: each end encrypts with a key of its own (RFC 4568 section 6.1). Both have
/// the same suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SrtpKeys {
    /// What we encrypt with: the key in our session description.
    pub send: SrtpKey,
    /// What the other end encrypts with: the key in its session description.
    pub receive: SrtpKey,
}

/// Octets of the longest key and salt.
const OCTETS_MAX: usize = 44;

#[cfg(test)]
mod tests {
    use super::*;
    use std::{format, vec};

    #[test]
    fn keys_have_exactly_the_octets_of_their_suite() {
        for suite in SrtpSuite::ALL {
            assert_eq!(SrtpSuite::from_name(suite.name()), Some(suite));
            assert!(suite.octets() <= OCTETS_MAX);
            let octets = vec![7; suite.octets()];
            let key = SrtpKey::new(suite, &octets).unwrap();
            assert_eq!((key.expose_key().len(), key.expose_salt().len()), {
                (suite.key_octets(), suite.salt_octets())
            });
            assert_eq!(key.expose(), octets);
            assert!(SrtpKey::new(suite, &octets[1..]).is_none());
            assert!(SrtpKey::new(suite, &[octets.as_slice(), &[0]].concat()).is_none());
        }
        assert_eq!(SrtpSuite::from_name("AES_CM_128_HMAC_SHA1_32"), None);
    }

    #[test]
    fn debug_prints_no_key() {
        let key = SrtpKey::new(SrtpSuite::AeadAes128Gcm, &[42; 28]).unwrap();
        let keys = SrtpKeys { send: key.clone(), receive: key };
        assert_eq!(format!("{keys:?}"), "SrtpKeys { send: [private], receive: [private] }");
    }
}
