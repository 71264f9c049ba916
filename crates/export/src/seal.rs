//! Closing a package so that nobody but its recipient opens it.

use crate::{Package, limits::PASSPHRASE_LETTERS_COUNT};
use std::io::Write as _;
use zip::{AesMode, CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

/// A passphrase that was drawn for one package. It travels another way than the package: told to
/// a recipient without a key, or sealed to the key of one who has one.
pub struct Passphrase(String);

impl Passphrase {
    /// Draws one, such as `k7mq-2xvd-…`: 24 letters and digits of 32 that nobody confuses when
    /// they are dictated, which is 120 bits.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn draw() -> Result<Self, NotSealed> {
        let mut octets = [0; PASSPHRASE_LETTERS_COUNT];
        getrandom::fill(&mut octets).map_err(|_| NotSealed::Randomness)?;
        let letters: Vec<char> = octets.iter().filter_map(|octet| letter(*octet)).collect();
        let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
        Ok(Self(groups.join("-")))
    }

    /// To be told to the recipient, or sealed to their key.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Seals a package with a passphrase, as a ZIP archive with AES-256 (WinZip AE-2) that holds
/// `package.zip`, the time stamp of its manifest where there is one, and nothing else: 7-Zip and
/// most programs of offices open it. Its weak key derivation does not matter, because nobody chose
/// the passphrase.
///
/// # Errors
/// When the archive cannot be written.
pub fn seal(
    package: &Package,
    stamp: Option<&[u8]>,
    passphrase: &Passphrase,
) -> Result<Vec<u8>, NotSealed> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::DEFAULT)
        .unix_permissions(0o600)
        .with_aes_encryption(AesMode::Aes256, passphrase.expose());
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.start_file(INNER, options)?;
    writer.write_all(package.octets())?;
    if let Some(stamp) = stamp {
        writer.start_file(STAMP, options)?;
        writer.write_all(stamp)?;
    }
    Ok(writer.finish()?.into_inner())
}

/// One of 32: five bits of an octet, so that all are equally likely.
fn letter(octet: u8) -> Option<char> {
    LETTERS.chars().nth(usize::from(octet & 31))
}

/// Why a package is not sealed. Then it does not leave.
#[derive(Debug, thiserror::Error)]
pub enum NotSealed {
    /// The system has no randomness.
    #[error("the system gives no randomness")]
    Randomness,
    /// It cannot be written.
    #[error("the sealed package cannot be written: {0}")]
    Write(#[from] std::io::Error),
    /// The archive cannot be written.
    #[error("the sealed archive cannot be written: {0}")]
    Archive(#[from] zip::result::ZipError),
}

/// The package in a sealed archive, so that neither names nor sizes of what is disclosed show.
const INNER: &str = "package.zip";
/// The time stamp beside it, which is not the same twice: the package is.
const STAMP: &str = "manifest.tsr";
/// The digits of Crockford's base 32: no `i`, `l`, `o` and `u`.
const LETTERS: &str = "0123456789abcdefghjkmnpqrstvwxyz";

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_passphrase_has_120_bits_that_can_be_dictated() {
        let drawn: BTreeSet<String> =
            (0..100).map(|_| Passphrase::draw().unwrap().expose().to_owned()).collect();
        assert_eq!(drawn.len(), 100);
        for passphrase in drawn {
            assert_eq!(passphrase.split('-').map(str::len).collect::<Vec<_>>(), [4; 6]);
            assert!(!passphrase.contains(['i', 'l', 'o', 'u']));
        }
        let letters: BTreeSet<char> = (0..=255).filter_map(letter).collect();
        assert_eq!(letters.len(), 32);
    }
}
