//! Days on which rules begin and end.

use core::fmt;
use model::Timestamp;

/// A day of the calendar, as an order names it.
///
/// Orders of the Federal Communications Commission name days of Washington, and this crate knows
/// no time zones. So a first day begins at the earlier of Washington's two midnights (04:00 UTC, in
/// summer) and a last day ends at the later one (05:00 UTC the day after, in winter), all year. In
/// the hour between, the outgoing and the incoming caps both bind, and the stricter one decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day {
    year: i32,
    month: u8,
    day: u8,
}

impl Day {
    /// Reads `YYYY-MM-DD`, of the years 1970 to 9999.
    ///
    /// # Errors
    /// `None` for any other text and for days that do not exist.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let shape = bytes.len() == 10
            && bytes.iter().enumerate().all(|(at, byte)| match at {
                4 | 7 => *byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if !shape {
            return None;
        }
        let year: i32 = text.get(..4)?.parse().ok()?;
        let month: u8 = text.get(5..7)?.parse().ok()?;
        let day: u8 = text.get(8..)?.parse().ok()?;
        let exists = year >= 1970 && (1..=days_in_month(year, month)).contains(&day);
        exists.then_some(Self { year, month, day })
    }

    /// The first moment of this day as a first day in force.
    pub fn begins(self) -> Timestamp {
        Timestamp::from_micros(self.midnight_utc() + MIDNIGHT_EARLY_HOURS * MICROS_PER_HOUR)
    }

    /// The first moment after this day as a last day in force.
    pub fn ends(self) -> Timestamp {
        let next = self.midnight_utc() + 24 * MICROS_PER_HOUR;
        Timestamp::from_micros(next + MIDNIGHT_LATE_HOURS * MICROS_PER_HOUR)
    }

    /// Microseconds from 1970-01-01 to midnight UTC of this day.
    fn midnight_utc(self) -> i64 {
        let years = i64::from(self.year) - 1970;
        // Leap days of the whole years since 1970; 1969 // 4 - 1969 // 100 + 1969 // 400 = 477.
        let last = i64::from(self.year) - 1;
        let leap_days = last / 4 - last / 100 + last / 400 - 477;
        let months: i64 =
            (1..self.month).map(|month| i64::from(days_in_month(self.year, month))).sum();
        let days = years * 365 + leap_days + months + i64::from(self.day) - 1;
        days * 24 * MICROS_PER_HOUR
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

const fn days_in_month(year: i32, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 0,
    }
}

const MICROS_PER_HOUR: i64 = 3_600_000_000;
/// Midnight of Eastern daylight time (UTC-4).
const MIDNIGHT_EARLY_HOURS: i64 = 4;
/// Midnight of Eastern standard time (UTC-5).
const MIDNIGHT_LATE_HOURS: i64 = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn days_are_counted_as_the_calendar_counts_them() {
        for (text, unix_seconds) in [
            ("1970-01-01", 0),
            ("1970-12-31", 364 * 86_400),
            ("1971-01-01", 365 * 86_400),
            ("1972-02-29", 68_169_600),
            ("1972-03-01", 68_256_000),
            ("2000-02-29", 951_782_400),
            ("2001-01-01", 978_307_200),
            ("2021-10-26", 1_635_206_400),
            ("2026-04-06", 1_775_433_600),
            ("2100-03-01", 4_107_542_400),
            ("9999-12-31", 253_402_214_400),
        ] {
            let day = Day::parse(text).unwrap();
            assert_eq!(day.midnight_utc(), unix_seconds * 1_000_000, "{text}");
            assert_eq!(day.to_string(), text);
            assert_eq!(day.begins().micros(), (unix_seconds + 4 * 3600) * 1_000_000);
            assert_eq!(day.ends().micros(), (unix_seconds + 29 * 3600) * 1_000_000);
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut expected = 0;
        for year in 1970..2210 {
            for month in 1..=12 {
                for day in 1..=days_in_month(year, month) {
                    let day = Day { year, month, day };
                    assert_eq!(day.midnight_utc(), expected, "{day}");
                    expected += 86_400_000_000;
                }
            }
        }
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for text in [
            "",
            "2026-4-6",
            "2026-04-31",
            "2025-02-29",
            "2100-02-29",
            "2026-00-01",
            "2026-13-01",
            "2026-01-00",
            "2026-01-32",
            "1969-12-31",
            "20260406",
            "2026/04/06",
            "2026-04-06 ",
            "+026-04-06",
            "2026-04-0\u{661}",
            "2026-04-061",
        ] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
    }
}
