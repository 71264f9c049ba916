//! What the recipient of a package signs: that they have it, and since when.
//!
//! It is a signed note (c2sp.org/signed-note) of six lines. The key it is signed with stands in it,
//! so that whoever has the note can check it; whose key that is, the recipient tells the agency in
//! another way.

use alloc::{
    format,
    string::{String, ToString as _},
};
use model::Timestamp;
use tlog::{NotAKey, NotANote, Note, Signer, Unsigned, Verifier};

/// That a package was received. What it says it is, until [`Delivery::read`] has looked at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The name of the log that has the disclosure.
    pub log: String,
    /// Place of the disclosure in that log.
    pub entry: u64,
    /// SHA-256 of `package.zip`.
    pub package: [u8; 32],
    /// When it was received, to the second, by the recipient's clock.
    pub at: Timestamp,
}

impl Delivery {
    /// Signs it.
    ///
    /// # Errors
    /// When the key is a witness's, or the log's name cannot stand in a note.
    pub fn sign(&self, signer: &Signer) -> Result<Note, Unsigned> {
        Note::sign(&self.text(signer.verifier()), signer)
    }

    /// Reads what somebody signed, and gives the key with which they did.
    ///
    /// # Errors
    /// When it says something else than a receipt does, or is not signed with the key that it
    /// names.
    pub fn read(octets: &[u8]) -> Result<(Self, Verifier), NotADelivery> {
        let note = Note::parse(octets)?;
        let mut lines = note.text().lines();
        let mut field = |name: &str| {
            let line = lines.next().and_then(|line| line.strip_prefix(name));
            line.ok_or(NotADelivery::Text)
        };
        field(HEAD)?;
        let log = field("log ")?.to_string();
        let entry = number(field("entry ")?)?;
        let package = digits(field("package ")?).ok_or(NotADelivery::Text)?;
        let seconds = i64::try_from(number(field("time ")?)?).map_err(|_| NotADelivery::Text)?;
        let micros = seconds.checked_mul(MICROS_PER_SECOND).ok_or(NotADelivery::Text)?;
        let key = Verifier::parse(field("key ")?)?;
        let read = Self { log, entry, package, at: Timestamp::from_micros(micros) };
        // One spelling only, and nothing after it.
        if read.text(&key) != note.text() {
            return Err(NotADelivery::Text);
        }
        note.check(&key)?;
        Ok((read, key))
    }

    fn text(&self, key: &Verifier) -> String {
        let Self { log, entry, package, at } = self;
        let seconds = at.micros().div_euclid(MICROS_PER_SECOND);
        let package: String = package.iter().map(|octet| format!("{octet:02x}")).collect();
        format!("{HEAD}\nlog {log}\nentry {entry}\npackage {package}\ntime {seconds}\nkey {key}\n")
    }
}

/// Why something is no receipt of a package.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotADelivery {
    /// It is no signed note.
    #[error(transparent)]
    Note(#[from] NotANote),
    /// It says something else.
    #[error("this is no receipt of a package, or it was changed")]
    Text,
    /// The key that it names is none.
    #[error("the receipt names a key that is none: {0}")]
    Key(#[from] NotAKey),
    /// It is not signed with the key that it names.
    #[error("the receipt is not signed by its recipient: {0}")]
    Unsigned(#[from] Unsigned),
}

fn number(text: &str) -> Result<u64, NotADelivery> {
    text.parse().map_err(|_| NotADelivery::Text)
}

fn digits(text: &str) -> Option<[u8; 32]> {
    let mut octets = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (place, octet) in octets.iter_mut().enumerate() {
        let pair = text.get(2 * place..2 * place + 2)?;
        *octet = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(octets)
}

/// The first line.
const HEAD: &str = "parlatory delivery v1";
const MICROS_PER_SECOND: i64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use tlog::KeyKind;

    fn signer(seed: u8) -> Signer {
        Signer::from_seed("recipient", KeyKind::Log, &[seed; 32]).unwrap()
    }

    fn delivery() -> Delivery {
        Delivery {
            log: "county.example/log".to_string(),
            entry: 20,
            package: [0xab; 32],
            at: Timestamp::from_micros(1_795_726_800_000_000),
        }
    }

    #[test]
    fn what_is_signed_reads_back_and_stays_readable() {
        let note = delivery().sign(&signer(5)).unwrap().to_string();
        let (read, key) = Delivery::read(note.as_bytes()).unwrap();
        assert_eq!((read, &key), (delivery(), signer(5).verifier()));
        let text: Vec<&str> = note.lines().take(5).collect();
        let package = "ab".repeat(32);
        assert_eq!(
            text,
            [
                "parlatory delivery v1",
                "log county.example/log",
                "entry 20",
                &format!("package {package}"),
                "time 1795726800",
            ]
        );
    }

    #[test]
    fn what_was_changed_or_signed_by_another_is_none() {
        let note = delivery().sign(&signer(5)).unwrap().to_string();
        let (mine, other) = (signer(5).verifier().to_string(), signer(6).verifier().to_string());
        for (from, to) in [
            ("entry 20", "entry 21"),
            ("entry 20", "entry 020"),
            ("time 17", "time 18"),
            ("delivery v1", "delivery v2"),
            ("package ab", "package AB"),
            ("package ab", "package ac"),
            ("log county", "log cedar"),
            (mine.as_str(), other.as_str()),
            ("\n\n", "\nmore\n\n"),
        ] {
            assert!(note.contains(from), "{from}");
            let changed = note.replacen(from, to, 1);
            assert!(Delivery::read(changed.as_bytes()).is_err(), "{from} -> {to}");
        }
        // A signature of somebody else's under the same text.
        let text = delivery().text(signer(5).verifier());
        let stolen = Note::sign(&text, &signer(6)).unwrap().to_string();
        let refused = Delivery::read(stolen.as_bytes()).unwrap_err();
        assert!(matches!(refused, NotADelivery::Unsigned(_)), "{refused}");
    }
}
