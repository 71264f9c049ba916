//! Money in whole micro-dollars.

use core::fmt;
use serde::{Deserialize, Serialize};

/// An amount in micro-dollars (1 USD = 1,000,000). Integers only: a bill must replay to the digit.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Money(i64);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many micro-dollars.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// So many whole cents.
    pub const fn from_cents(cents: i32) -> Self {
        Self(cents as i64 * MICROS_PER_CENT)
    }

    /// The amount in micro-dollars.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The sum, or `None` when it does not fit.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The difference, or `None` when it does not fit.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }

    /// Reads an amount a person wrote in dollars, such as `0.07`, `12`, `$3.5`: at most six decimal
    /// places, no thousands separators.
    ///
    /// # Errors
    /// `None` when the text is anything else or the amount does not fit.
    pub fn parse_dollars(text: &str) -> Option<Self> {
        let text = text.trim();
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let text = text.strip_prefix('$').unwrap_or(text);
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || fraction.len() > 6 || !digits(whole) || !digits(fraction) {
            return None;
        }
        let mut micros = whole.parse::<i64>().ok()?.checked_mul(MICROS_PER_DOLLAR)?;
        let mut place = MICROS_PER_DOLLAR;
        for digit in fraction.bytes() {
            place /= 10;
            micros = micros.checked_add(i64::from(digit - b'0') * place)?;
        }
        Some(Self(if negative { -micros } else { micros }))
    }
}

impl fmt::Display for Money {
    /// Dollars with at least two and at most six decimal places: `$0.07`, `$1.0325`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let magnitude = self.0.unsigned_abs();
        let mut fraction = magnitude % MICROS_PER_DOLLAR.unsigned_abs();
        let mut width = 6;
        while width > 2 && fraction.is_multiple_of(10) {
            fraction /= 10;
            width -= 1;
        }
        write!(f, "{sign}${}.{fraction:0width$}", magnitude / MICROS_PER_DOLLAR.unsigned_abs())
    }
}

const MICROS_PER_CENT: i64 = 10_000;
const MICROS_PER_DOLLAR: i64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::ToString;

    #[test]
    fn dollars_read_and_print() {
        for (text, micros, printed) in [
            ("0.07", 70_000, "$0.07"),
            ("$3.5", 3_500_000, "$3.50"),
            ("12", 12_000_000, "$12.00"),
            ("-1.000001", -1_000_001, "-$1.000001"),
        ] {
            let money = Money::parse_dollars(text).unwrap();
            assert_eq!(money.micros(), micros, "{text}");
            assert_eq!(money.to_string(), printed);
        }
        for text in ["", ".", "1,000", "0.1234567", "abc", "1.2.3", "99999999999999999999"] {
            assert_eq!(Money::parse_dollars(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(micros in -1_000_000_000_000_i64..1_000_000_000_000) {
            let money = Money::from_micros(micros);
            prop_assert_eq!(Money::parse_dollars(&money.to_string()), Some(money));
        }
    }
}
