//! What a person's keys mean.

use crate::{Home, limits, normalise::e164};
use alloc::{format, string::String};
use core::fmt;
use model::E164;

/// What somebody dialled. `Debug` never prints the digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialled {
    /// A telephone number. Whether it may be called is not said here.
    Number(E164),
    /// 911, or 112 as visitors know it (3GPP TS 22.101 section 10).
    Emergency,
    /// A short code for a service, such as 211 or 988, or a speed dial of one or two digits. What
    /// it stands for is provisioned.
    Service(ServiceCode),
    /// Nothing that can be called: incomplete, or with `*` or `#`, which carriers take for
    /// commands.
    Invalid,
}

impl Dialled {
    /// What these keys mean, dialled from `home`, without the `#` that ends them.
    pub fn from_keys(keys: &str, home: Home) -> Self {
        if keys.len() > limits::KEYS_COUNT_MAX || !keys.bytes().all(|key| key.is_ascii_digit()) {
            return Self::Invalid;
        }
        if EMERGENCY.contains(&keys) {
            return Self::Emergency;
        }
        match ServiceCode::from_keys(keys) {
            Some(code) => Self::Service(code),
            None => e164(false, keys, home).map_or(Self::Invalid, Self::Number),
        }
    }
}

/// A short code: N11 of the North American Numbering Plan except 911, 988, or a speed dial of one
/// or two digits. As many digits as were pressed: `7` and `07` are two codes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceCode {
    digits: u16,
    count: u8,
}

impl ServiceCode {
    /// Telecommunications relay service (47 CFR 64.603).
    pub const RELAY: Self = Self { digits: 711, count: 3 };
    /// Suicide and crisis lifeline (47 CFR 52.200).
    pub const CRISIS: Self = Self { digits: 988, count: 3 };

    /// The keys that are pressed for it.
    pub fn keys(self) -> String {
        format!("{:0width$}", self.digits, width = usize::from(self.count))
    }

    /// Whether it is a speed dial, which the facility makes up, and no code of the numbering plan.
    pub const fn is_speed_dial(self) -> bool {
        self.count < NUMBERING_PLAN_DIGITS
    }

    fn from_keys(keys: &str) -> Option<Self> {
        let count = u8::try_from(keys.len()).ok()?;
        let is_code = matches!(keys.as_bytes(), b"988" | [b'2'..=b'8', b'1', b'1'] | [_] | [_, _]);
        let digits = keys.parse().ok().filter(|_| is_code)?;
        Some(Self { digits, count })
    }
}

impl fmt::Debug for ServiceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[private]")
    }
}

/// Digits of a code of the numbering plan.
const NUMBERING_PLAN_DIGITS: u8 = 3;

const EMERGENCY: [&str; 2] = ["911", "112"];

#[cfg(test)]
mod tests {
    use super::*;

    fn dial(keys: &str) -> Dialled {
        Dialled::from_keys(keys, Home::NorthAmerica)
    }

    #[test]
    fn numbers_are_dialled_with_every_prefix() {
        for (keys, digits) in [
            ("2025550142", 12_025_550_142),
            ("12025550142", 12_025_550_142),
            ("01112025550142", 12_025_550_142),
            ("011442079460958", 442_079_460_958),
            ("00442079460958", 442_079_460_958),
            ("011491234567890123", 491_234_567_890_123),
        ] {
            assert_eq!(dial(keys), Dialled::Number(E164::new(digits).unwrap()), "{keys}");
        }
    }

    #[test]
    fn short_codes_are_not_numbers() {
        assert_eq!(dial("911"), Dialled::Emergency);
        assert_eq!(dial("112"), Dialled::Emergency);
        for code in [211, 311, 411, 511, 611, 711, 811, 988] {
            let Dialled::Service(read) = dial(&format!("{code}")) else { panic!("{code}") };
            assert_eq!((read.keys(), read.is_speed_dial()), (format!("{code}"), false));
        }
        for keys in ["0", "7", "07", "00", "11", "99"] {
            let Dialled::Service(read) = dial(keys) else { panic!("{keys}") };
            assert_eq!((read.keys().as_str(), read.is_speed_dial()), (keys, true));
        }
        assert_ne!(dial("7"), dial("07"));
        assert_eq!(dial("711"), Dialled::Service(ServiceCode::RELAY));
        assert_eq!(dial("988"), Dialled::Service(ServiceCode::CRISIS));
    }

    #[test]
    fn everything_else_is_invalid() {
        for keys in [
            "",
            "111",
            "011",
            "987",
            "1911",
            "9112",
            "5550142",
            "202555014",
            "20255501423",
            "9115550142",
            "1025550142",
            "2021550142",
            "*672025550142",
            "2025550142#",
            "2025550142*3",
            "+12025550142",
            "x",
            "02025550142",
            "0114912345678901234",
            "٢٠٢٥٥٥٠١٤٢",
        ] {
            assert_eq!(dial(keys), Dialled::Invalid, "{keys}");
        }
    }

    #[test]
    fn debug_prints_no_digits() {
        for keys in ["2025550142", "988", "911"] {
            let printed = format!("{:?}", dial(keys));
            assert!(!printed.contains(|c: char| c.is_ascii_digit()), "{printed}");
        }
    }
}
