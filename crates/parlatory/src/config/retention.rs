//! Settings of erasing: when a node does it, and how long it leaves what must not be there.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use disclosure::keeping::QUARANTINE_MAX;
use model::Timestamp;
use serde::Deserialize;

/// When what is due is erased.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Retention {
    /// At what time of the day, in UTC, as `09:00`.
    erase_at: String,
    /// After how many hours recordings are gone whose number was protected afterwards.
    quarantine_hours: u64,
}

impl Default for Retention {
    fn default() -> Self {
        let quarantine_hours = QUARANTINE_MAX.as_secs() / 3_600;
        Self { erase_at: ERASE_AT.to_owned(), quarantine_hours }
    }
}

impl Retention {
    /// # Errors
    /// When the time is none, or quarantined recordings would be left for longer than they may.
    pub(super) fn check(&self) -> Result<()> {
        self.minute()?;
        ensure!(
            self.quarantine() <= QUARANTINE_MAX,
            "`retention.quarantine_hours` is at most {}",
            QUARANTINE_MAX.as_secs() / 3_600
        );
        Ok(())
    }

    /// How long recordings are left whose number was protected afterwards.
    pub(crate) const fn quarantine(&self) -> Duration {
        Duration::from_secs(self.quarantine_hours.saturating_mul(3_600))
    }

    /// The next time after `now` at which everything that is due is erased.
    ///
    /// # Errors
    /// When the settings name no time of the day.
    pub(crate) fn next(&self, now: Timestamp) -> Result<Timestamp> {
        let at = self.minute()? * MINUTE_MICROS;
        let passed = (now.micros() - at).rem_euclid(DAY_MICROS);
        Ok(Timestamp::from_micros(now.micros() - passed + DAY_MICROS))
    }

    /// Minutes since midnight.
    fn minute(&self) -> Result<i64> {
        let read = self.erase_at.split_once(':').and_then(|(hours, minutes)| {
            let two = |text: &str| {
                let fits = text.len() == 2 && text.bytes().all(|digit| digit.is_ascii_digit());
                fits.then(|| text.parse::<i64>().ok()).flatten()
            };
            Some((two(hours).filter(|it| *it < 24)?, two(minutes).filter(|it| *it < 60)?))
        });
        let (hours, minutes) = read.with_context(|| {
            format!("`retention.erase_at` = `{}` is no time of the day as `09:00`", self.erase_at)
        })?;
        Ok(hours * 60 + minutes)
    }
}

/// Night in all of the United States.
const ERASE_AT: &str = "09:00";

const MINUTE_MICROS: i64 = 60 * 1_000_000;
const DAY_MICROS: i64 = 24 * 60 * MINUTE_MICROS;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
    }

    #[test]
    fn the_next_time_is_always_later_and_never_by_more_than_a_day() {
        let settings = Retention::default();
        for (now, next) in [
            ("2026-11-27T08:59:59Z", "2026-11-27T09:00:00Z"),
            ("2026-11-27T09:00:00Z", "2026-11-28T09:00:00Z"),
            ("2026-11-27T23:30:00Z", "2026-11-28T09:00:00Z"),
            ("1969-12-31T23:30:00Z", "1970-01-01T09:00:00Z"),
        ] {
            assert_eq!(settings.next(at(now)).unwrap(), at(next), "{now}");
        }
    }

    #[test]
    fn what_is_no_time_of_the_day_and_what_is_too_long_is_refused() {
        let set = |erase_at: &str, quarantine_hours| {
            Retention { erase_at: erase_at.to_owned(), quarantine_hours }.check()
        };
        assert!(set("00:00", 0).is_ok() && set("23:59", 72).is_ok());
        for wrong in ["9:00", "24:00", "09:60", "09", "-1:00", "0900", ""] {
            assert!(set(wrong, 72).is_err(), "{wrong}");
        }
        assert!(set("09:00", 73).unwrap_err().to_string().contains("at most 72"));
    }
}
