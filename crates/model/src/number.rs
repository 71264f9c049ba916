//! Telephone numbers in their one canonical form.

use core::fmt;
use serde::{Deserialize, Serialize};

/// An international telephone number as ITU-T E.164 section 6 counts it: country code first, no
/// `+`, 7 to 15 digits, never a leading zero. `registry::normalise` makes one from what people
/// write. `Debug` prints `[private]`, as for all personal data.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct E164(u64);

impl E164 {
    /// The number with these decimal digits, country code first.
    ///
    /// # Errors
    /// `None` when it has fewer than 7 or more than 15 digits.
    pub const fn new(digits: u64) -> Option<Self> {
        if digits >= DIGITS_MIN && digits < DIGITS_END { Some(Self(digits)) } else { None }
    }

    /// The digits as one integer, country code first.
    pub const fn digits(self) -> u64 {
        self.0
    }

    /// For the two places where the digits must leave: the wire and a person who may see them.
    /// Prints `+` and the digits.
    pub const fn display(self) -> DisplayE164 {
        DisplayE164(self.0)
    }
}

impl fmt::Debug for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[private]")
    }
}

impl TryFrom<u64> for E164 {
    type Error = &'static str;
    fn try_from(digits: u64) -> Result<Self, Self::Error> {
        Self::new(digits).ok_or("a telephone number has 7 to 15 digits")
    }
}

impl From<E164> for u64 {
    fn from(number: E164) -> Self {
        number.0
    }
}

/// Prints an [`E164`] with its digits: see [`E164::display`].
pub struct DisplayE164(u64);

impl fmt::Display for DisplayE164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

const DIGITS_MIN: u64 = 1_000_000;
const DIGITS_END: u64 = 1_000_000_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use std::{format, string::ToString};

    #[test]
    fn length_is_checked_and_debug_is_private() {
        assert!(E164::new(999_999).is_none());
        assert!(E164::new(1_000_000_000_000_000).is_none());
        let number = E164::new(12_025_550_142).unwrap();
        assert_eq!(number.display().to_string(), "+12025550142");
        assert_eq!(format!("{number:?}"), "[private]");
    }
}
