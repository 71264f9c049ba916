//! What a conversation costs.

use crate::LawfulRate;
use core::time::Duration;
use model::{Money, fact::RateFact};

/// The price of one call, fixed at its start. Made of a proof and of nothing else.
///
/// Only time is charged: whole seconds from acceptance on, never rounded up, and a part of a
/// micro-dollar is dropped. So the price is at most the rate times the time, and at most any cap
/// times the time.
#[derive(Debug, PartialEq, Eq)]
pub struct Quote {
    rate: LawfulRate,
}

impl Quote {
    /// The quote at this rate.
    pub const fn new(rate: LawfulRate) -> Self {
        Self { rate }
    }

    /// The price of a conversation of this length, counted from acceptance.
    pub fn price(&self, talked: Duration) -> Money {
        let rate = i128::from(self.per_minute().micros());
        let micros = i128::from(talked.as_secs()) * rate / SECONDS_PER_MINUTE;
        Money::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
    }

    /// The longest conversation, in whole seconds, whose price is within `available`. Without end
    /// where the rate is zero.
    pub fn affordable(&self, available: Money) -> Duration {
        let rate = i128::from(self.per_minute().micros());
        if rate == 0 {
            return Duration::from_secs(u64::MAX);
        }
        if available < Money::ZERO {
            return Duration::ZERO;
        }
        // price(s) <= a, where price(s) drops fractions, is s * rate < (a + 1) * 60.
        let seconds = ((i128::from(available.micros()) + 1) * SECONDS_PER_MINUTE - 1) / rate;
        Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX))
    }

    /// What a minute costs, the facility's part included.
    pub const fn per_minute(&self) -> Money {
        self.rate.rate().total_per_minute()
    }

    /// The proof behind it.
    pub const fn rate(&self) -> &LawfulRate {
        &self.rate
    }

    /// The rate as data, to be written down with the hold.
    pub const fn fact(&self) -> RateFact {
        self.rate.fact()
    }
}

const SECONDS_PER_MINUTE: i128 = 60;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CapTable, Day, Rate};
    use model::place::{FacilityKind, Site, State};
    use proptest::prelude::*;

    fn quote(micros_per_minute: i64) -> Quote {
        let rate = Rate { base_per_minute: Money::from_micros(micros_per_minute), ..Rate::FREE };
        let at = Day::parse("2026-11-22").unwrap().begins();
        let site = Site { kind: FacilityKind::Jail, adp: 10, state: State::new("WY").unwrap() };
        Quote::new(LawfulRate::prove(rate, site, at, &CapTable::builtin()).unwrap())
    }

    #[test]
    fn seconds_are_charged_and_nothing_is_rounded_up() {
        for (micros_per_minute, millis, micros) in [
            (70_000, 0, 0),
            (70_000, 999, 0),
            (70_000, 1_000, 1_166),
            (70_000, 1_999, 1_166),
            (70_000, 59_999, 68_833),
            (70_000, 60_000, 70_000),
            (70_000, 61_000, 71_166),
            (70_000, 900_000, 1_050_000),
            (59, 1_000, 0),
            (59, 60_000, 59),
            (0, 3_600_000, 0),
        ] {
            let price = quote(micros_per_minute).price(Duration::from_millis(millis));
            assert_eq!(price, Money::from_micros(micros), "{micros_per_minute} {millis}");
        }
        assert_eq!(quote(70_000).price(Duration::MAX), Money::from_micros(i64::MAX));
    }

    #[test]
    fn what_can_be_afforded() {
        for (micros_per_minute, available, seconds) in [
            (60, 59, 59),
            (60, 60, 60),
            (70_000, 0, 0),
            (70_000, 1_165, 0),
            (70_000, 1_166, 1),
            (70_000, 69_999, 59),
            (70_000, 70_000, 60),
            (70_000, 1_000_000, 857),
            (1, 0, 59),
            (70_000, -1, 0),
            (0, 0, u64::MAX),
            (0, -1, u64::MAX),
        ] {
            let affordable = quote(micros_per_minute).affordable(Money::from_micros(available));
            assert_eq!(affordable, Duration::from_secs(seconds), "{micros_per_minute} {available}");
        }
        let all = quote(1).affordable(Money::from_micros(i64::MAX));
        assert_eq!(all, Duration::from_secs(u64::MAX));
    }

    #[test]
    fn a_quote_keeps_its_proof() {
        let quote = quote(70_000);
        assert_eq!(quote.per_minute(), Money::from_cents(7));
        assert_eq!(quote.fact().base_per_minute, Money::from_cents(7));
        assert_eq!(quote.rate().fact(), quote.fact());
    }

    proptest! {
        /// Against a calculator that counts second by second, in sixtieths of a micro-dollar.
        #[test]
        fn price_and_time_agree_with_counting(micros in 0_i64..170_000, seconds in 0_u64..4_000) {
            let quote = quote(micros);
            let mut sixtieths = 0;
            for _ in 0..seconds {
                sixtieths += micros;
            }
            let price = quote.price(Duration::from_secs(seconds));
            prop_assert!(price.micros() * 60 <= sixtieths);
            prop_assert!((price.micros() + 1) * 60 > sixtieths);

            let affordable = quote.affordable(price).as_secs();
            prop_assert!(affordable >= seconds);
            if micros > 0 {
                prop_assert!(quote.price(Duration::from_secs(affordable)) <= price);
                prop_assert!(quote.price(Duration::from_secs(affordable + 1)) > price);
            }
        }
    }
}
