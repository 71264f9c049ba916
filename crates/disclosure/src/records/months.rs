//! Months by an agency's calendar.

use access::{Month, limits::MONTHS_COUNT_MAX};
use jiff::{civil::date, tz::TimeZone};
use model::Timestamp;
use std::ops::Range;

/// The months from one to another, both included, each with when it begins and ends in `zone`.
/// `None` when there are none, too many, or one is none.
pub(super) fn between(
    from: Month,
    to: Month,
    zone: &str,
) -> Option<Vec<(Month, Range<Timestamp>)>> {
    let zone = TimeZone::get(zone).ok()?;
    let mut months = Vec::new();
    let mut month = from;
    while month <= to {
        if months.len() == MONTHS_COUNT_MAX {
            return None;
        }
        months.push((month, begin(month, &zone)?..begin(next(month)?, &zone)?));
        month = next(month)?;
    }
    (!months.is_empty()).then_some(months)
}

fn begin(month: Month, zone: &TimeZone) -> Option<Timestamp> {
    let year = i16::try_from(month.year).ok().filter(|year| (1..=9_998).contains(year))?;
    let number = i8::try_from(month.month).ok().filter(|month| (1..=12).contains(month))?;
    let begin = date(year, number, 1).to_zoned(zone.clone()).ok()?;
    Some(Timestamp::from_micros(begin.timestamp().as_microsecond()))
}

fn next(month: Month) -> Option<Month> {
    match month.month {
        1..12 => Some(Month { month: month.month + 1, ..month }),
        12 => Some(Month { year: month.year.checked_add(1)?, month: 1 }),
        0 | 13.. => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_begin_at_the_agencys_midnight() {
        let month = |year, month| Month { year, month };
        let found = between(month(2026, 12), month(2027, 1), "America/Denver").unwrap();
        let [(first, times), (second, after)] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((*first, *second), (month(2026, 12), month(2027, 1)));
        // 2026-12-01T07:00:00Z and 2027-01-01T07:00:00Z.
        assert_eq!(times.start, Timestamp::from_micros(1_796_108_400_000_000));
        assert_eq!(times.end, Timestamp::from_micros(1_798_786_800_000_000));
        assert_eq!(after.start, times.end);
        assert_eq!(between(month(2026, 2), month(2026, 1), "UTC"), None);
        assert_eq!(between(month(2026, 13), month(2027, 1), "UTC"), None);
        assert_eq!(between(month(2000, 1), month(2026, 1), "UTC"), None);
        assert_eq!(between(month(2026, 1), month(2026, 1), "Nowhere/Here"), None);
    }
}
