//! An alarm for the slow drip: somebody who looks at a little more than they used to, day by day.
//!
//! A cumulative sum of robust deviations from a baseline that lags, so that whoever speeds up does
//! not move it under themselves. Big single days are clipped: those, the caps catch
//! ([`crate::grant::Used::is_over`]). Whole numbers only, in thousandths, so that an alarm can be
//! recomputed to the digit.

use alloc::vec::Vec;

/// What one person saw on one day on which they saw anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    /// Days since 1970.
    pub day: u32,
    /// Rows.
    pub rows: u32,
}

/// The days on which the alarm goes off, for one person's active days in ascending order. After
/// an alarm the sum begins anew.
#[must_use]
pub fn alarms(days: &[Day]) -> Vec<u32> {
    let mut sum = 0;
    let mut alarms = Vec::new();
    for (at, today) in days.iter().enumerate() {
        let Some(deviation) = deviation(days.get(..at).unwrap_or_default(), *today) else {
            continue;
        };
        sum = (sum + deviation - SLACK).max(0);
        if sum >= THRESHOLD {
            alarms.push(today.day);
            sum = 0;
        }
    }
    alarms
}

/// How far `today` is from what was usual, in thousandths of a robust standard deviation; `None`
/// while too little is known.
fn deviation(before: &[Day], today: Day) -> Option<i64> {
    let newest = today.day.checked_sub(LAG_DAYS)?;
    let oldest = newest.saturating_sub(BASELINE_DAYS);
    let in_time = |day: &&Day| (oldest..=newest).contains(&day.day);
    let usual: Vec<i64> = before.iter().filter(in_time).map(|day| log2(day.rows)).collect();
    if usual.len() < BASELINE_COUNT_MIN {
        return None;
    }
    let middle = median(usual.clone())?;
    let spread = median(usual.iter().map(|value| (value - middle).abs()).collect())?;
    // 1.4826 makes of the median deviation what a standard deviation is of a normal one.
    let sigma = (spread * 14_826 / 10_000).max(SIGMA_MIN);
    Some(((log2(today.rows) - middle) * 1_000 / sigma).clamp(-CLIP, CLIP))
}

fn median(mut values: Vec<i64>) -> Option<i64> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

/// Thousandths of the binary logarithm of `rows` + 1.
fn log2(rows: u32) -> i64 {
    let value = u64::from(rows) + 1;
    let whole = value.ilog2();
    // The mantissa, from 1 to 2, in 2^-31.
    let mut mantissa = (value << 31) >> whole;
    let mut fraction: i64 = 0;
    for _ in 0..FRACTION_BITS {
        mantissa = (mantissa * mantissa) >> 31;
        let over = mantissa >= 1 << 32;
        fraction = (fraction << 1) | i64::from(over);
        if over {
            mantissa >>= 1;
        }
    }
    i64::from(whole) * 1_000 + ((fraction * 1_000) >> FRACTION_BITS)
}

/// Days that the baseline lags behind.
const LAG_DAYS: u32 = 14;
/// Days that the baseline spans.
const BASELINE_DAYS: u32 = 60;
/// Active days that a baseline has at least.
const BASELINE_COUNT_MIN: usize = 10;
/// What is deducted each day, in thousandths of a deviation.
const SLACK: i64 = 750;
/// The sum at which the alarm goes off, in thousandths of a deviation.
const THRESHOLD: i64 = 15_000;
/// The most that one day counts, in thousandths of a deviation.
const CLIP: i64 = 6_000;
/// The least deviation: a quarter of a doubling, so that a very regular person is not alarming.
const SIGMA_MIN: i64 = 250;
const FRACTION_BITS: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};

    /// A year of working days with some spread, `rows` of each given by `of`.
    fn year(of: impl Fn(u32, u32) -> u32) -> Vec<Day> {
        let mut state = 7_u32;
        let days = (20_000..20_365).filter(|day| day % 7 < 5);
        days.map(|day| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Day { day, rows: of(day, 20 + (state >> 24) / 4) }
        })
        .collect()
    }

    #[test]
    fn logarithms_are_true_to_the_thousandth() {
        for (rows, thousandths) in
            [(0, 0), (1, 1_000), (2, 1_584), (3, 2_000), (9, 3_321), (u32::MAX, 32_000)]
        {
            assert_eq!(log2(rows), thousandths, "{rows}");
        }
    }

    #[test]
    fn a_usual_year_raises_no_alarm() {
        assert_eq!(alarms(&year(|_, rows| rows)), vec![] as Vec<u32>);
        assert_eq!(alarms(&[]), vec![] as Vec<u32>);
    }

    #[test]
    fn five_times_the_usual_is_noticed_within_two_weeks() {
        let found = alarms(&year(|day, rows| if day >= 20_200 { rows * 5 } else { rows }));
        let first = *found.first().unwrap();
        assert!((20_200..20_214).contains(&first), "{found:?}");
    }

    #[test]
    fn one_big_day_is_left_to_the_cap() {
        let days = year(|day, rows| if day == 20_202 { 50_000 } else { rows });
        assert!(days.iter().any(|day| day.rows == 50_000));
        assert_eq!(alarms(&days), vec![] as Vec<u32>);
    }

    #[test]
    fn a_new_person_is_not_measured_before_there_is_a_baseline() {
        let days: Vec<_> = (0..20).map(|day| Day { day: 20_000 + day, rows: 1 << day }).collect();
        assert_eq!(alarms(&days), vec![] as Vec<u32>);
    }
}
