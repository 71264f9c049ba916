//! The proof without which nothing is charged.

use crate::{Cap, CapId, CapTable, Component};
use alloc::{string::String, vec::Vec};
use model::{Money, Timestamp, fact::RateFact, place::Site};
use thiserror::Error;

/// A price per minute of talk, in its two parts. Anybody may make one; to charge with it takes a
/// [`LawfulRate`]. There is no per-call part (47 CFR 64.6080), and no place to put one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    /// Per minute, without the facility's part.
    pub base_per_minute: Money,
    /// The facility's part per minute (47 CFR 64.6010), which is shown apart.
    pub additive_per_minute: Money,
}

impl Rate {
    /// Nothing per minute.
    pub const FREE: Self = Self { base_per_minute: Money::ZERO, additive_per_minute: Money::ZERO };

    /// Both parts together; the largest amount there is when they do not fit.
    pub const fn total_per_minute(self) -> Money {
        let (base, additive) = (self.base_per_minute.micros(), self.additive_per_minute.micros());
        Money::from_micros(base.saturating_add(additive))
    }

    const fn part(self, component: Component) -> Money {
        match component {
            Component::Base => self.base_per_minute,
            Component::Additive => self.additive_per_minute,
            Component::Total => self.total_per_minute(),
        }
    }
}

/// A rate that passed every cap in force for its site at its moment.
///
/// It is neither `Clone` nor `Copy` nor `Default`, and this crate does not depend on `serde`: one
/// proof makes one [`crate::Quote`], and what was written down is proved again
/// ([`LawfulRate::prove_again`]) before it charges.
#[derive(Debug, PartialEq, Eq)]
pub struct LawfulRate {
    rate: Rate,
    site: Site,
    at: Timestamp,
    caps: Vec<CapId>,
}

impl LawfulRate {
    /// Proves that calls of `site` that start at `at` may be charged at `rate`.
    ///
    /// # Errors
    /// [`Unlawful`]: a part is negative or above a cap, or nothing bounds it. No cap means that
    /// this table does not know the law of that time or place, not that there is none.
    pub fn prove(
        rate: Rate,
        site: Site,
        at: Timestamp,
        table: &CapTable,
    ) -> Result<Self, Unlawful> {
        if rate.base_per_minute < Money::ZERO || rate.additive_per_minute < Money::ZERO {
            return Err(Unlawful::Negative);
        }
        let caps: Vec<&Cap> = table.in_force(site, at).collect();
        // The total must be bounded by federal law: a state's cap comes on top of it.
        if !caps.iter().any(|cap| cap.component == Component::Total && cap.state.is_none()) {
            return Err(Unlawful::NoCap { component: Component::Total });
        }
        // The facility's part exists only where an order allows one.
        let additive = rate.additive_per_minute > Money::ZERO;
        if additive && !caps.iter().any(|cap| cap.component == Component::Additive) {
            return Err(Unlawful::NoCap { component: Component::Additive });
        }
        match caps.iter().find(|cap| rate.part(cap.component) > cap.per_minute_max) {
            Some(cap) => Err(Unlawful::above(rate, cap)),
            None => {
                Ok(Self { rate, site, at, caps: caps.iter().map(|cap| cap.id.clone()).collect() })
            }
        }
    }

    /// Proves a rate that was written down, against the caps of the moment it was proved for. A
    /// call keeps the rate of its start.
    ///
    /// # Errors
    /// As [`LawfulRate::prove`].
    pub fn prove_again(fact: &RateFact, table: &CapTable) -> Result<Self, Unlawful> {
        let rate = Rate {
            base_per_minute: fact.base_per_minute,
            additive_per_minute: fact.additive_per_minute,
        };
        Self::prove(rate, fact.site, fact.at, table)
    }

    /// The rate as data, to be written down.
    pub const fn fact(&self) -> RateFact {
        RateFact {
            base_per_minute: self.rate.base_per_minute,
            additive_per_minute: self.rate.additive_per_minute,
            site: self.site,
            at: self.at,
        }
    }

    /// The rate.
    pub const fn rate(&self) -> Rate {
        self.rate
    }

    /// The caps it passed, in the order of the table.
    pub fn caps(&self) -> &[CapId] {
        &self.caps
    }
}

/// Why a rate may not be charged.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unlawful {
    /// A part is less than nothing.
    #[error("a rate cannot be negative; write 0 for free calls")]
    Negative,
    /// Nothing bounds this part at that time and place.
    #[error("no cap on the {component} rate is known for this facility and date; set it to 0")]
    NoCap {
        /// The part.
        component: Component,
    },
    /// A part is above a cap.
    #[error(
        "the {component} rate of {per_minute} per minute is above {per_minute_max}, \
         the cap `{cap}` of {order} ({source_text}); lower it"
    )]
    AboveCap {
        /// The part.
        component: Component,
        /// What it would cost.
        per_minute: Money,
        /// The most it may cost.
        per_minute_max: Money,
        /// The cap.
        cap: CapId,
        /// The order that set it.
        order: String,
        /// Where it is written.
        source_text: String,
    },
}

impl Unlawful {
    fn above(rate: Rate, cap: &Cap) -> Self {
        Self::AboveCap {
            component: cap.component,
            per_minute: rate.part(cap.component),
            per_minute_max: cap.per_minute_max,
            cap: cap.id.clone(),
            order: cap.order.clone(),
            source_text: cap.source.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
