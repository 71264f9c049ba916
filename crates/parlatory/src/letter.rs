//! The letter to a recipient with a key: what opens a package, sealed to them
//! (`docs/formats/export.md`).

use std::{fmt, path::PathBuf};

use access::Recipient;
use anyhow::{Context, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use vault::{Letter, RecipientSecret};
use zeroize::Zeroizing;

/// A letter as it lies beside its package.
pub(crate) struct LetterFile {
    /// SHA-256 of `package.zip`, which it opens and no other.
    pub(crate) package: [u8; 32],
    /// Whose key it is sealed to.
    pub(crate) key: Recipient,
    /// The passphrase, sealed.
    pub(crate) letter: Letter,
}

impl LetterFile {
    /// Reads one.
    pub(crate) fn read(text: &str) -> Result<Self> {
        let mut lines = text.lines();
        let mut field = |name: &str| {
            let line = lines.next().and_then(|line| line.strip_prefix(name));
            line.with_context(|| "this is no letter that came with a package".to_owned())
        };
        field(HEAD)?;
        let package = digits(field("package ")?)?;
        let key = Recipient(digits(field("key ")?)?);
        let octets = STANDARD.decode(field("passphrase ")?).context("the letter is damaged")?;
        let octets = octets.try_into().ok().context("the letter is damaged")?;
        let read = Self { package, key, letter: Letter(octets) };
        ensure!(read.to_string().trim_end() == text.trim_end(), "the letter is damaged");
        Ok(read)
    }

    /// The passphrase.
    pub(crate) fn open(&self, secret: &RecipientSecret) -> Result<Zeroizing<String>> {
        ensure!(
            secret.public() == self.key,
            "the letter is sealed to another key: its recipient has {:?}",
            self.key
        );
        self.letter.open(secret, &self.package).context("the letter is damaged")
    }

    /// Where it lies: beside its package.
    pub(crate) fn beside(package: &std::path::Path) -> PathBuf {
        let mut name = package.as_os_str().to_owned();
        name.push(".letter");
        name.into()
    }
}

impl fmt::Display for LetterFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}")?;
        writeln!(f, "package {}", hex(&self.package))?;
        writeln!(f, "key {:?}", self.key)?;
        writeln!(f, "passphrase {}", STANDARD.encode(self.letter.0))
    }
}

/// 32 octets from their 64 hexadecimal digits.
pub(crate) fn digits(text: &str) -> Result<[u8; 32]> {
    let mut octets = [0; 32];
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let fits = rest.is_empty() && pairs.len() == octets.len();
    let plain = text.bytes().all(|digit| digit.is_ascii_hexdigit());
    ensure!(fits && plain, "`{text}` is not 64 hexadecimal digits");
    for (octet, pair) in octets.iter_mut().zip(pairs) {
        *octet = u8::from_str_radix(str::from_utf8(pair)?, 16)?;
    }
    Ok(octets)
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

const HEAD: &str = "parlatory letter v1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_reads_back_and_opens_for_its_recipient_alone() {
        let (secret, other) =
            (RecipientSecret::generate().unwrap(), RecipientSecret::generate().unwrap());
        let (package, key) = ([7; 32], secret.public());
        let letter = Letter::seal(key, "k7mq-2xvd", &package).unwrap();
        let text = LetterFile { package, key, letter }.to_string();
        let read = LetterFile::read(&text).unwrap();
        assert_eq!(read.open(&secret).unwrap().as_str(), "k7mq-2xvd");
        let wrong = read.open(&other).unwrap_err().to_string();
        assert!(wrong.contains("another key"), "{wrong}");
        // Beside another package it is of no use, whatever it says.
        let moved = text.replace(&hex(&package), &hex(&[8; 32]));
        assert!(LetterFile::read(&moved).unwrap().open(&secret).is_err());
        for bad in ["", "parlatory letter v1\n", &text[..text.len() - 20], &format!("{text}more\n")]
        {
            assert!(LetterFile::read(bad).is_err(), "{bad}");
        }
    }
}
