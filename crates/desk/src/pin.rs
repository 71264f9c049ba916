//! PINs are looked up by a keyed hash, so that neither the database nor a backup of it holds one.

use hmac::{Hmac, KeyInit, Mac};
use model::Private;
use sha2::Sha256;

/// The key of the PIN hash, 32 octets, kept in the node's key folder. Whoever holds it can try all
/// PINs (a PIN of six digits has a million values): it protects a stolen database, not a stolen
/// node.
#[derive(Clone)]
pub struct PinKey([u8; PIN_KEY_OCTETS]);

impl PinKey {
    /// The key with these octets.
    pub const fn new(octets: [u8; PIN_KEY_OCTETS]) -> Self {
        Self(octets)
    }

    /// HMAC-SHA256 (RFC 2104) of a PIN within a facility, named by its key `agency/facility`: the
    /// same PIN at two facilities gives two hashes.
    pub fn hash(&self, facility: &str, pin: &str) -> Private<[u8; 32]> {
        // HMAC takes a key of any length, so this branch is never taken; an empty hash matches no
        // PIN.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return Private::new([0; 32]);
        };
        mac.update(b"parlatory pin v1\0");
        mac.update(facility.as_bytes());
        mac.update(&[0]);
        mac.update(pin.as_bytes());
        Private::new(mac.finalize().into_bytes().into())
    }
}

impl std::fmt::Debug for PinKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PinKey([private])")
    }
}

/// Octets of the key.
pub const PIN_KEY_OCTETS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_bound_to_its_facility_and_key() {
        let key = PinKey::new([7; 32]);
        let hash = key.hash("cedar/jail", "482913");
        assert_eq!(hash, key.hash("cedar/jail", "482913"));
        assert_ne!(hash, key.hash("cedar/annex", "482913"));
        assert_ne!(hash, key.hash("cedar/jail", "482914"));
        assert_ne!(hash, PinKey::new([8; 32]).hash("cedar/jail", "482913"));
        assert_ne!(key.hash("ab", "c"), key.hash("a", "bc"), "the parts are kept apart");
    }
}
