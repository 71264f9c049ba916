//! The passphrase of a package, sealed to the key of the recipient (`docs/formats/export.md`).

use crate::{
    RecipientSecret, VaultError,
    open::open_share,
    seal::{self, CannotSeal},
};
use access::Recipient;
use hpke::Deserializable as _;
use zeroize::Zeroizing;

/// Octets that a letter carries; a shorter text is filled with spaces.
pub const LETTER_OCTETS: usize = 32;

/// A few octets for one reader: HPKE as for a share of a recording (RFC 9180, DHKEM(X25519,
/// HKDF-SHA256), AES-256-GCM), `enc` and then the sealed octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Letter(pub [u8; 80]);

impl Letter {
    /// Seals a text of at most [`LETTER_OCTETS`] octets to `recipient`. `package` is the SHA-256 of
    /// the package that the text opens; the letter is of no use beside another one.
    ///
    /// # Errors
    /// [`VaultError::CannotSeal`] when it is longer or the key is none;
    /// [`VaultError::NoRandomness`].
    pub fn seal(recipient: Recipient, text: &str, package: &[u8; 32]) -> Result<Self, VaultError> {
        let fault = || VaultError::CannotSeal("the recipient".to_owned());
        let mut clear = Zeroizing::new([b' '; LETTER_OCTETS]);
        let place = clear.get_mut(..text.len()).ok_or_else(fault)?;
        place.copy_from_slice(text.as_bytes());
        let public = seal::PublicKey::from_bytes(&recipient.0).map_err(|_| fault())?;
        let (encapsulated, sealed) =
            seal::seal_to(&public, INFO, &clear, package).map_err(|why| match why {
                CannotSeal::NoRandomness => VaultError::NoRandomness,
                CannotSeal::Key => fault(),
            })?;
        let mut octets = [0; 80];
        let (first, second) = octets.split_at_mut(encapsulated.len());
        first.copy_from_slice(&encapsulated);
        second.copy_from_slice(&sealed);
        Ok(Self(octets))
    }

    /// Opens it; `None` when it is for somebody else, of another package, or damaged.
    #[must_use]
    pub fn open(&self, secret: &RecipientSecret, package: &[u8; 32]) -> Option<Zeroizing<String>> {
        let (encapsulated, sealed) = self.0.split_first_chunk::<32>()?;
        let sealed = sealed.first_chunk::<48>()?;
        let clear = open_share(&secret.0.private(), INFO, (encapsulated, sealed), package)?;
        let text = str::from_utf8(clear.as_slice()).ok()?;
        Some(Zeroizing::new(text.trim_end_matches(' ').to_owned()))
    }
}

const INFO: &[u8] = b"parlatory export v1 passphrase";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_by_its_recipient_beside_its_package() {
        let (secret, other) =
            (RecipientSecret::generate().unwrap(), RecipientSecret::generate().unwrap());
        let text = "k7mq-2xvd-k7mq-2xvd-k7mq-2xvd";
        let letter = Letter::seal(secret.public(), text, &[1; 32]).unwrap();
        assert_eq!(letter.open(&secret, &[1; 32]).unwrap().as_str(), text);
        assert!(letter.open(&other, &[1; 32]).is_none());
        assert!(letter.open(&secret, &[2; 32]).is_none());
        let mut damaged = letter;
        damaged.0[79] ^= 1;
        assert!(damaged.open(&secret, &[1; 32]).is_none());
        assert!(Letter::seal(secret.public(), &"x".repeat(33), &[1; 32]).is_err());
    }
}
