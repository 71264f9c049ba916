//! Keys of a telephone.

use core::fmt;
use serde::{Deserialize, Serialize};

/// A key of a telephone: `0` to `9`, `*`, `#`, or `A` to `D` (RFC 4733 section 3.2, events 0 to
/// 15). `Debug` prints `[private]`: keys spell PINs and numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(u8);

impl Key {
    /// The key `*`.
    pub const STAR: Self = Self(b'*');
    /// The key `#`.
    pub const POUND: Self = Self(b'#');

    /// The key with this label.
    ///
    /// # Errors
    /// `None` when no telephone has such a key.
    pub const fn from_char(label: char) -> Option<Self> {
        match label {
            '0'..='9' | '*' | '#' | 'A'..='D' => Some(Self(label as u8)),
            'a'..='d' => Some(Self(label.to_ascii_uppercase() as u8)),
            _ => None,
        }
    }

    /// The key of a telephone-event code, 0 to 15 (RFC 4733 section 3.2).
    pub const fn from_event(code: u8) -> Option<Self> {
        match code {
            0..=9 => Some(Self(b'0' + code)),
            10 => Some(Self::STAR),
            11 => Some(Self::POUND),
            12..=15 => Some(Self(b'A' + code - 12)),
            _ => None,
        }
    }

    /// The telephone-event code, 0 to 15.
    pub const fn event(self) -> u8 {
        match self.0 {
            b'*' => 10,
            b'#' => 11,
            b'A'..=b'D' => self.0 - b'A' + 12,
            digit => digit - b'0',
        }
    }

    /// The label, as printed on the key.
    pub const fn label(self) -> char {
        self.0 as char
    }

    /// The value of a digit key.
    pub const fn digit(self) -> Option<u8> {
        if self.0.is_ascii_digit() { Some(self.0 - b'0') } else { None }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[private]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_and_labels_agree() {
        for code in 0..16 {
            let key = Key::from_event(code).unwrap();
            assert_eq!(key.event(), code);
            assert_eq!(Key::from_char(key.label()), Some(key));
        }
        assert_eq!(Key::from_event(16), None);
        assert_eq!(Key::from_char('x'), None);
    }
}
