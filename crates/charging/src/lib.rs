//! What a call may cost, what it costs, and the money held for it.
//!
//! A rate becomes a [`LawfulRate`] only by passing every cap in force, a quote needs a lawful rate,
//! and a hold needs a quote: so nothing is charged above the law.
//! What it is not: it knows no calls, no database, no clock and no fees, for there are none. Money
//! that was paid in never expires; only holds do.
//! Start with [`tariff`], then [`ledger`]; the caps themselves are data, in `data/caps.csv`.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod cap;
pub mod day;
pub mod ledger;
pub mod limits;
pub mod quote;
pub mod tariff;

pub use cap::{Cap, CapId, CapTable, Component, NotACapTable};
pub use day::Day;
pub use ledger::{CannotDeposit, CannotHold, CannotRestore, Hold, Ledger, Settlement, Totals};
pub use quote::Quote;
pub use tariff::{LawfulRate, Rate, Unlawful};
