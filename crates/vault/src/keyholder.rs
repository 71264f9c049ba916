//! Keys of those who can open a recording together: the agency and an independent party.
//!
//! Sealing needs their public halves only. A private half opens its share for one recipient,
//! against the receipt of a disclosure (`open.rs`), and is on a node only where somebody put it.

use crate::{VaultError, seal};
use hpke::{Deserializable, Kem as _, Serializable};
use model::AgencyId;
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fmt, str::FromStr};
use zeroize::Zeroizing;

/// A keyholder's public key (X25519). As text: `parlatory-keyholder:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyholderKey([u8; KEY_OCTETS]);

impl KeyholderKey {
    /// Which key it is, without being the key: the first 8 octets of the SHA-256 of its 32 octets.
    pub fn id(&self) -> KeyId {
        let digest = Sha256::digest(self.0);
        KeyId(digest.first_chunk().copied().unwrap_or_default())
    }

    /// The one spelling of the point that all spellings of this key stand for (RFC 7748 section 5):
    /// the highest bit means nothing, and the number counts modulo 2^255 - 19.
    fn canonical(&self) -> [u8; KEY_OCTETS] {
        let mut octets = self.0;
        let [first, middle @ .., last] = &mut octets;
        *last &= 0x7f;
        if *last == 0x7f && middle.iter().all(|octet| *octet == 0xff) && *first >= P_FIRST {
            (*first, *last) = (*first - P_FIRST, 0);
            middle.fill(0);
        }
        octets
    }

    /// The key as the sealing library wants it.
    pub(crate) fn public(&self) -> Result<seal::PublicKey, VaultError> {
        seal::PublicKey::from_bytes(&self.0)
            .map_err(|_| VaultError::CannotSeal(self.id().to_string()))
    }
}

impl FromStr for KeyholderKey {
    type Err = NotAKey;

    /// Reads the text form; space around it is ignored.
    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let text = text.trim();
        if text.starts_with(SECRET_PREFIX) {
            return Err(NotAKey::Secret);
        }
        let digits = text.strip_prefix(PUBLIC_PREFIX).ok_or(NotAKey::Prefix)?;
        if digits.len() != 2 * KEY_OCTETS {
            return Err(NotAKey::Length { digits: digits.chars().count() });
        }
        let mut octets = [0; KEY_OCTETS];
        read_digits(digits, &mut octets).ok_or(NotAKey::Digit)?;
        let key = Self(octets);
        // Some points give the same shared secret to everybody (RFC 7748 section 6.1).
        match seal::seal_share(seal::Share::A, &[0; 32], &key, &[]) {
            Ok(_) | Err(VaultError::NoRandomness) => Ok(key),
            Err(_) => Err(NotAKey::Weak),
        }
    }
}

impl fmt::Display for KeyholderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PUBLIC_PREFIX)?;
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for KeyholderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Short name of a keyholder's key, as in a recording's header. Prints 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is no keyholder's public key. The text itself is not repeated: it may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAKey {
    /// It does not begin as one.
    #[error("a keyholder's public key begins with `parlatory-keyholder:`")]
    Prefix,
    /// It is the private half.
    #[error(
        "this is a keyholder's private key: give it back to its holder and put the public one here"
    )]
    Secret,
    /// It has the wrong length.
    #[error("a keyholder's public key has 64 hexadecimal digits, and this has {digits}")]
    Length {
        /// How many it has.
        digits: usize,
    },
    /// It has something that is no hexadecimal digit.
    #[error("a keyholder's public key has only the digits 0 to 9 and a to f")]
    Digit,
    /// Anybody could open what is sealed to it.
    #[error("this keyholder's public key protects nothing: make another pair")]
    Weak,
}

/// A keyholder's private key. It is wiped from memory when dropped; what it does, it does in
/// [`KeyholderSecret::reseal`], against a receipt.
pub struct KeyholderSecret(pub(crate) Secret);

impl KeyholderSecret {
    /// Reads the text form; space around it is ignored.
    ///
    /// # Errors
    /// When it is none. The text is not repeated.
    pub fn parse(text: &str) -> Result<Self, NotASecret> {
        Secret::parse(text, SECRET_PREFIX).map(Self).ok_or(NotASecret(SECRET_PREFIX))
    }

    /// `parlatory-keyholder-secret:` and 64 hexadecimal digits.
    pub fn text(&self) -> Zeroizing<String> {
        self.0.text(SECRET_PREFIX)
    }

    /// The public half.
    pub fn public(&self) -> KeyholderKey {
        KeyholderKey(self.0.public())
    }
}

impl fmt::Debug for KeyholderSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[private]")
    }
}

/// The private key of somebody to whom data are disclosed. Its public half stands in the entry of
/// a disclosure, so that what keyholders open, nobody else can read. It is wiped from memory when
/// dropped.
pub struct RecipientSecret(pub(crate) Secret);

impl RecipientSecret {
    /// Makes one.
    ///
    /// # Errors
    /// [`VaultError::NoRandomness`].
    pub fn generate() -> Result<Self, VaultError> {
        Secret::generate().map(Self)
    }

    /// Reads the text form; space around it is ignored.
    ///
    /// # Errors
    /// When it is none. The text is not repeated.
    pub fn parse(text: &str) -> Result<Self, NotASecret> {
        Secret::parse(text, RECIPIENT_PREFIX).map(Self).ok_or(NotASecret(RECIPIENT_PREFIX))
    }

    /// `parlatory-recipient-secret:` and 64 hexadecimal digits.
    pub fn text(&self) -> Zeroizing<String> {
        self.0.text(RECIPIENT_PREFIX)
    }

    /// The public half.
    pub fn public(&self) -> access::Recipient {
        access::Recipient(self.0.public())
    }
}

impl fmt::Debug for RecipientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[private]")
    }
}

/// Why a text is no private key. The text is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a private key of this kind is `{0}` and 64 hexadecimal digits")]
pub struct NotASecret(&'static str);

/// 32 octets of a private key (X25519).
pub(crate) struct Secret(Zeroizing<[u8; KEY_OCTETS]>);

impl Secret {
    fn generate() -> Result<Self, VaultError> {
        let mut seed = Zeroizing::new([0; KEY_OCTETS]);
        getrandom::fill(seed.as_mut_slice()).map_err(|_| VaultError::NoRandomness)?;
        let (secret, _) = seal::Kem::derive_keypair(seed.as_slice());
        let mut octets = Zeroizing::new([0; KEY_OCTETS]);
        secret.write_exact(octets.as_mut_slice());
        Ok(Self(octets))
    }

    fn parse(text: &str, prefix: &str) -> Option<Self> {
        let digits = text.trim().strip_prefix(prefix)?;
        let mut octets = Zeroizing::new([0; KEY_OCTETS]);
        read_digits(digits, &mut octets)?;
        Some(Self(octets))
    }

    fn text(&self, prefix: &str) -> Zeroizing<String> {
        // With its final capacity from the start, so that growing leaves no copy behind.
        let mut text = String::with_capacity(prefix.len() + 2 * KEY_OCTETS);
        text.push_str(prefix);
        for octet in self.0.iter() {
            for digit in [octet >> 4, octet & 15] {
                text.push(char::from_digit(digit.into(), 16).unwrap_or_default());
            }
        }
        Zeroizing::new(text)
    }

    fn public(&self) -> [u8; KEY_OCTETS] {
        let mut octets = [0; KEY_OCTETS];
        seal::Kem::sk_to_pk(&self.private()).write_exact(&mut octets);
        octets
    }

    /// The key as the sealing library wants it.
    pub(crate) fn private(&self) -> seal::PrivateKey {
        match seal::PrivateKey::from_bytes(self.0.as_slice()) {
            Ok(key) => key,
            Err(_) => unreachable!("any 32 octets are a private key of X25519"),
        }
    }
}

/// Reads two hexadecimal digits an octet; `None` when there are more, fewer, or others.
fn read_digits(digits: &str, octets: &mut [u8; KEY_OCTETS]) -> Option<()> {
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return None };
    if pairs.len() != KEY_OCTETS {
        return None;
    }
    for (octet, pair) in octets.iter_mut().zip(pairs) {
        *octet = pair.iter().try_fold(0, |value, digit| {
            let digit = char::from(*digit).to_digit(16).and_then(|d| u8::try_from(d).ok())?;
            Some((value << 4) | digit)
        })?;
    }
    Some(())
}

/// Makes a pair of keys for a keyholder.
///
/// # Errors
/// [`VaultError::NoRandomness`].
pub fn generate() -> Result<(KeyholderSecret, KeyholderKey), VaultError> {
    let secret = KeyholderSecret(Secret::generate()?);
    let public = secret.public();
    Ok((secret, public))
}

/// Who holds the keys: for each agency a holder of share a, and one independent holder of share b
/// for all. Nobody holds both: then one party alone could open a recording.
#[derive(Clone, Debug)]
pub struct Keyholders {
    common: KeyholderKey,
    agencies: BTreeMap<AgencyId, Option<KeyholderKey>>,
    independent: KeyholderKey,
}

impl Keyholders {
    /// `agencies` names every agency that may record, with its own holder of share a, or `None`
    /// where `common` holds it: the key that the node's own folder has. `independent` holds share
    /// b: a court, an auditor.
    ///
    /// # Errors
    /// [`SameKey`] when the independent keyholder's key is `common` or an agency's.
    pub fn new(
        common: KeyholderKey,
        agencies: BTreeMap<AgencyId, Option<KeyholderKey>>,
        independent: KeyholderKey,
    ) -> Result<Self, SameKey> {
        let is_same = |key: &KeyholderKey| key.canonical() == independent.canonical();
        if is_same(&common) {
            return Err(SameKey::Common);
        }
        let own = agencies.iter().find(|(_, own)| own.as_ref().is_some_and(is_same));
        if let Some((agency, _)) = own {
            return Err(SameKey::Agency(*agency));
        }
        Ok(Self { common, agencies, independent })
    }

    /// The holder of share a for `agency`; `None` for an agency that is not named.
    pub fn of(&self, agency: AgencyId) -> Option<&KeyholderKey> {
        self.agencies.get(&agency).map(|own| own.as_ref().unwrap_or(&self.common))
    }

    /// The holder of share a for agencies without one of their own.
    pub(crate) fn common(&self) -> &KeyholderKey {
        &self.common
    }

    /// The holders of all agencies, each once, and last the independent one; the common one where
    /// an agency has none of its own, or there is no agency yet.
    pub(crate) fn of_all(&self) -> Vec<&KeyholderKey> {
        let mut holders: Vec<&KeyholderKey> = Vec::new();
        let common = self.agencies.is_empty().then_some(&self.common);
        let named = self.agencies.values().map(|own| own.as_ref().unwrap_or(&self.common));
        for holder in named.chain(common) {
            if holders.iter().all(|known| known.canonical() != holder.canonical()) {
                holders.push(holder);
            }
        }
        holders.push(&self.independent);
        holders
    }

    /// The holder of share b.
    pub fn independent(&self) -> &KeyholderKey {
        &self.independent
    }
}

/// Both shares of a recording would be sealed to one key, so that its holder alone could open it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SameKey {
    /// The folder's own two are one.
    #[error(
        "the keyholders `agency` and `independent` have the same key, so one of them alone could \
         open recordings: give the independent keyholder a key of its own"
    )]
    Common,
    /// An agency named the independent keyholder's key as its own.
    #[error(
        "agency `{}` has the independent keyholder's key, so it alone could open recordings: give \
         it a key of its own",
        .0.0
    )]
    Agency(AgencyId),
}

const KEY_OCTETS: usize = 32;
/// Lowest octet of 2^255 - 19; those above it are ff, the highest 7f.
const P_FIRST: u8 = 0xed;
const PUBLIC_PREFIX: &str = "parlatory-keyholder:";
const SECRET_PREFIX: &str = "parlatory-keyholder-secret:";
const RECIPIENT_PREFIX: &str = "parlatory-recipient-secret:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_from_its_text_and_its_id_is_pinned() {
        let (secret, key) = generate().unwrap();
        assert_eq!(key.to_string().parse(), Ok(key));
        assert_eq!(
            format!(" {key}\n")
                .to_uppercase()
                .replace("PARLATORY-KEYHOLDER", "parlatory-keyholder")
                .parse(),
            Ok(key)
        );
        assert_eq!(secret.text().len(), SECRET_PREFIX.len() + 64);
        assert_eq!(format!("{secret:?}"), "[private]");
        // The key of RFC 7748 section 6.1, Alice.
        let text =
            "parlatory-keyholder:8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
        assert_eq!(text.parse::<KeyholderKey>().unwrap().id().to_string(), ALICE_ID);
        let (_, other) = generate().unwrap();
        assert_ne!(key, other);
    }

    #[test]
    fn what_is_no_key_says_why_and_repeats_nothing() {
        let (secret, key) = generate().unwrap();
        let text = key.to_string();
        for (text, fault) in [
            ("", NotAKey::Prefix),
            ("8520f0", NotAKey::Prefix),
            (secret.text().as_str(), NotAKey::Secret),
            (&text[..text.len() - 1], NotAKey::Length { digits: 63 }),
            (&format!("{text}0"), NotAKey::Length { digits: 65 }),
            (&format!("{}g", &text[..text.len() - 1]), NotAKey::Digit),
            (&format!("{PUBLIC_PREFIX}{}", "é".repeat(32)), NotAKey::Digit),
            (&format!("{PUBLIC_PREFIX}{}", "00".repeat(32)), NotAKey::Weak),
        ] {
            assert_eq!(text.parse::<KeyholderKey>(), Err(fault), "{text}");
            assert!(!fault.to_string().contains(secret.text().as_str()));
        }
    }

    #[test]
    fn an_agency_has_its_own_holder_or_the_common_one_and_an_unnamed_one_has_none() {
        let [common, own, independent] = [(); 3].map(|()| generate().unwrap().1);
        let agencies = BTreeMap::from([(AgencyId(1), None), (AgencyId(2), Some(own))]);
        let keyholders = Keyholders::new(common, agencies, independent).unwrap();
        assert_eq!(keyholders.of(AgencyId(1)), Some(&common));
        assert_eq!(keyholders.of(AgencyId(2)), Some(&own));
        assert_eq!(keyholders.of(AgencyId(3)), None);
        assert_eq!(*keyholders.independent(), independent);
    }

    #[test]
    fn nobody_holds_both_shares_however_the_key_is_written() {
        let [common, own, independent] = [(); 3].map(|()| generate().unwrap().1);
        let of = |common, own| {
            let agencies = BTreeMap::from([(AgencyId(1), None), (AgencyId(2), Some(own))]);
            Keyholders::new(common, agencies, independent).err()
        };
        assert_eq!(of(common, own), None);
        assert_eq!(of(independent, own), Some(SameKey::Common));
        assert_eq!(of(common, independent), Some(SameKey::Agency(AgencyId(2))));
        // An agency may have the common key: that is nobody else's.
        assert_eq!(of(common, common), None);
        let mut spelled = independent;
        spelled.0[31] ^= 0x80;
        assert_ne!(spelled, independent);
        assert_eq!(of(spelled, own), Some(SameKey::Common));
        // 9, the base point, and 9 + 2^255 - 19.
        let mut nine = [0; KEY_OCTETS];
        nine[0] = 9;
        let mut over = [0xff; KEY_OCTETS];
        (over[0], over[31]) = (0xed + 9, 0x7f);
        let agencies = BTreeMap::new();
        let same = Keyholders::new(KeyholderKey(over), agencies, KeyholderKey(nine)).err();
        assert_eq!(same, Some(SameKey::Common));
    }

    const ALICE_ID: &str = "300c9c9603b92a4b";
}
