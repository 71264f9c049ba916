//! Money is held and taken at the price of a quote, never at an amount that somebody names.

use charging::{Ledger, Rate};
use model::{AccountId, HoldId, Money, Timestamp, plan::Facility};
use std::time::Duration;

fn held(ledger: &mut Ledger, facility: &Facility, now: Timestamp) {
    let rate = Rate {
        base_per_minute: facility.base_per_minute,
        additive_per_minute: facility.additive_per_minute,
    };
    let talk = Duration::from_secs(60);
    let _ = ledger.hold(HoldId(1), AccountId(1), &rate, talk, now);
    let _ = ledger.settle(HoldId(1), Money::from_cents(100), talk, now);
}

fn main() {
    let _ = held;
}
