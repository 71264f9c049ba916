//! Accounts and the money held for calls.
//!
//! One writer, in memory. What happened is in the journal and the store; after a restart the
//! ledger is built from them again (`open`, `restore_hold`, `restore_settlement`). Money only
//! moves: what was held is settled, released, expired or still open, to the micro-dollar.

use crate::{Quote, limits};
use alloc::collections::{BTreeMap, btree_map::Entry};
use core::time::Duration;
use model::{
    AccountId, HoldId, Money, Timestamp,
    fact::{HoldFact, Rest},
};
use thiserror::Error;

/// All accounts of a node and all holds on them.
#[derive(Debug, Default)]
pub struct Ledger {
    accounts: BTreeMap<AccountId, Account>,
    holds: BTreeMap<HoldId, State>,
    totals: Totals,
}

/// Money held for one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Whose money.
    pub account: AccountId,
    /// How much; zero for a free call.
    pub amount: Money,
    /// The longest conversation that it pays for, in whole seconds.
    pub talk_max: Duration,
    /// When it ends by itself.
    pub expires: Timestamp,
}

/// How a hold ended. `charged` and `rest` together are what was held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Taken from the account.
    pub charged: Money,
    /// Given back.
    pub rest: Money,
    /// How it was given back.
    pub kind: Rest,
}

/// Every micro-dollar ever held, by what became of it:
/// `held = settled + released + expired + open`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Ever held.
    pub held: Money,
    /// Charged.
    pub settled: Money,
    /// Given back in time.
    pub released: Money,
    /// Given back after the hold had run out.
    pub expired: Money,
    /// Held at this moment.
    pub open: Money,
}

impl Ledger {
    /// A ledger without accounts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an account known, with everything ever paid in and ever charged. Both only grow, so
    /// for an account that is known already the larger amounts stand: a store that lags behind the
    /// calls of this node takes nothing back and gives nothing twice.
    pub fn open(&mut self, id: AccountId, deposited: Money, settled: Money) {
        let account = self.accounts.entry(id).or_default();
        account.deposited = account.deposited.max(deposited);
        account.settled = account.settled.max(settled);
    }

    /// Adds money to an account. There is no fee and no least amount (47 CFR 64.6100).
    ///
    /// # Errors
    /// [`CannotDeposit`] leaves the account as it was.
    pub fn deposit(&mut self, id: AccountId, amount: Money) -> Result<(), CannotDeposit> {
        if amount <= Money::ZERO {
            return Err(CannotDeposit::NotAnAmount);
        }
        let account = self.accounts.get_mut(&id).ok_or(CannotDeposit::UnknownAccount)?;
        account.deposited = account.deposited.checked_add(amount).ok_or(CannotDeposit::TooMuch)?;
        Ok(())
    }

    /// What an account can still spend: paid in, less charged, less held. `None` for an account
    /// that was never opened.
    pub fn available(&self, id: AccountId) -> Option<Money> {
        self.accounts.get(&id).map(Account::available)
    }

    /// What belongs to the account's owner: paid in, less charged. `None` as for
    /// [`Ledger::available`].
    pub fn balance(&self, id: AccountId) -> Option<Money> {
        self.accounts.get(&id).map(Account::balance)
    }

    /// Holds the price of the longest conversation the quote, `talk_max` and the account allow, in
    /// whole seconds. A call that costs nothing holds nothing and needs no account.
    ///
    /// # Errors
    /// [`CannotHold`]; nothing is held then.
    pub fn hold(
        &mut self,
        id: HoldId,
        account: AccountId,
        quote: &Quote,
        talk_max: Duration,
        now: Timestamp,
    ) -> Result<Hold, CannotHold> {
        let free = quote.per_minute() == Money::ZERO;
        let affordable = if free {
            quote.affordable(Money::ZERO)
        } else {
            let available = self.available(account).ok_or(CannotHold::UnknownAccount)?;
            let affordable = quote.affordable(available);
            if affordable < limits::TALK_MIN {
                return Err(CannotHold::Insufficient { available });
            }
            affordable
        };
        let talk_max = Duration::from_secs(talk_max.as_secs()).min(affordable);
        let expires = now.after(talk_max.saturating_add(limits::HOLD_MARGIN));
        let hold = Hold { account, amount: quote.price(talk_max), talk_max, expires };
        if hold.amount == Money::ZERO {
            return Ok(hold);
        }
        match self.holds.entry(id) {
            Entry::Occupied(_) => return Err(CannotHold::Taken),
            Entry::Vacant(place) => place.insert(State::Open(Open::from(hold))),
        };
        self.keep(account, hold.amount);
        Ok(hold)
    }

    /// Puts back a hold that was written down before a restart. Restoring the same one again
    /// changes nothing.
    ///
    /// # Errors
    /// [`CannotRestore`]: what was written down contradicts what the ledger knows.
    pub fn restore_hold(&mut self, id: HoldId, fact: &HoldFact) -> Result<(), CannotRestore> {
        let open = Open { account: fact.account, amount: fact.amount, expires: fact.expires };
        match self.holds.get(&id) {
            Some(State::Open(known)) if *known == open => return Ok(()),
            Some(State::Open(_) | State::Closed(_)) => return Err(CannotRestore::Differs),
            None => {}
        }
        let available = self.available(open.account).ok_or(CannotRestore::UnknownAccount)?;
        if open.amount <= Money::ZERO {
            return Err(CannotRestore::NotAnAmount);
        }
        if open.amount > available {
            return Err(CannotRestore::Overdrawn { available });
        }
        self.holds.insert(id, State::Open(open));
        self.keep(open.account, open.amount);
        Ok(())
    }

    /// Repeats an end that was written down before a restart, for a hold that was restored.
    /// Repeating the same end again changes nothing.
    ///
    /// # Errors
    /// [`CannotRestore`]: no such hold, another end, or a charge that the hold does not cover.
    pub fn restore_settlement(
        &mut self,
        id: HoldId,
        charged: Money,
        kind: Rest,
    ) -> Result<Settlement, CannotRestore> {
        match self.holds.get(&id).copied() {
            None => Err(CannotRestore::UnknownHold),
            Some(State::Closed(known)) if known.charged == charged && known.kind == kind => {
                Ok(known)
            }
            Some(State::Closed(_)) => Err(CannotRestore::Differs),
            Some(State::Open(open)) => {
                if charged < Money::ZERO || kind == Rest::NoHold {
                    return Err(CannotRestore::NotAnAmount);
                }
                if charged > open.amount {
                    return Err(CannotRestore::Overdrawn { available: open.amount });
                }
                Ok(self.close(id, open, charged, kind))
            }
        }
    }

    /// Ends a hold: charges the price of what was talked, at most what is held, and gives the rest
    /// back. Settling again changes nothing and returns the first settlement. Where nothing is held
    /// nothing is charged: a free call, an unknown hold, a forgotten one.
    pub fn settle(
        &mut self,
        id: HoldId,
        quote: &Quote,
        talked: Duration,
        now: Timestamp,
    ) -> Settlement {
        self.end(id, quote.price(talked), now)
    }

    /// Ends a hold of a call in which nobody talked. Otherwise as [`Ledger::settle`].
    pub fn release(&mut self, id: HoldId, now: Timestamp) -> Settlement {
        self.end(id, Money::ZERO, now)
    }

    /// Open holds that have run out: their calls are to be ended by whoever knows how long they
    /// lasted. Until then the money stays held, so that it cannot be spent twice.
    pub fn overdue(&self, now: Timestamp) -> impl Iterator<Item = HoldId> {
        self.holds.iter().filter_map(move |(id, state)| match state {
            State::Open(open) if open.expires <= now => Some(*id),
            State::Open(_) | State::Closed(_) => None,
        })
    }

    /// Drops the memory of an ended hold, once its end is durable. Returns whether there was one;
    /// an open hold is never dropped.
    pub fn forget(&mut self, id: HoldId) -> bool {
        let closed = matches!(self.holds.get(&id), Some(State::Closed(_)));
        closed && self.holds.remove(&id).is_some()
    }

    /// Where all money that was ever held is.
    pub const fn totals(&self) -> Totals {
        self.totals
    }

    fn end(&mut self, id: HoldId, price: Money, now: Timestamp) -> Settlement {
        match self.holds.get(&id).copied() {
            None => NOTHING_HELD,
            Some(State::Closed(settlement)) => settlement,
            Some(State::Open(open)) => {
                let kind = if now >= open.expires { Rest::Expired } else { Rest::Released };
                self.close(id, open, price.min(open.amount), kind)
            }
        }
    }

    fn keep(&mut self, id: AccountId, amount: Money) {
        if let Some(account) = self.accounts.get_mut(&id) {
            account.held = sum(account.held, amount);
        }
        self.totals.held = sum(self.totals.held, amount);
        self.totals.open = sum(self.totals.open, amount);
    }

    fn close(&mut self, id: HoldId, open: Open, charged: Money, kind: Rest) -> Settlement {
        let settlement = Settlement { charged, rest: difference(open.amount, charged), kind };
        if let Some(account) = self.accounts.get_mut(&open.account) {
            account.held = difference(account.held, open.amount);
            account.settled = sum(account.settled, charged);
        }
        let totals = &mut self.totals;
        totals.open = difference(totals.open, open.amount);
        totals.settled = sum(totals.settled, charged);
        match kind {
            Rest::Expired => totals.expired = sum(totals.expired, settlement.rest),
            Rest::Released | Rest::NoHold => {
                totals.released = sum(totals.released, settlement.rest);
            }
        }
        self.holds.insert(id, State::Closed(settlement));
        settlement
    }
}

/// Why a deposit was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CannotDeposit {
    /// No such account.
    #[error("this account is not known; open it first")]
    UnknownAccount,
    /// Nothing or less.
    #[error("a deposit must be more than nothing")]
    NotAnAmount,
    /// The account would hold more than can be counted.
    #[error("this deposit is too large to be counted; pay it in parts or check the amount")]
    TooMuch,
}

/// Why nothing can be held for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CannotHold {
    /// No such account.
    #[error("this account is not known; open it first")]
    UnknownAccount,
    /// Less than a minute can be paid.
    #[error("there is not enough money for one minute; add money to the account")]
    Insufficient {
        /// What can be spent.
        available: Money,
    },
    /// The call has a hold already, open or ended.
    #[error("this call has a hold already; a call is held for once")]
    Taken,
}

/// Why something that was written down cannot be put back. The journal and the store disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CannotRestore {
    /// No such account.
    #[error("a hold names an account that is not known; restore the accounts first")]
    UnknownAccount,
    /// The settlement of a hold that was not restored.
    #[error("a settlement names a hold that is not known; restore the holds first")]
    UnknownHold,
    /// Another hold or another end is known under the same number.
    #[error("a hold was restored in two different ways; check the journal")]
    Differs,
    /// A hold of nothing, or a negative charge.
    #[error("a hold was written down with an amount that cannot be held; check the journal")]
    NotAnAmount,
    /// More than the account, or the hold, has.
    #[error("a hold was written down that its money does not cover; check deposits and charges")]
    Overdrawn {
        /// What there is.
        available: Money,
    },
}

#[derive(Clone, Copy, Debug, Default)]
struct Account {
    deposited: Money,
    settled: Money,
    /// Sum of its open holds.
    held: Money,
}

impl Account {
    const fn balance(&self) -> Money {
        difference(self.deposited, self.settled)
    }

    const fn available(&self) -> Money {
        difference(self.balance(), self.held)
    }
}

#[derive(Clone, Copy, Debug)]
enum State {
    Open(Open),
    Closed(Settlement),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Open {
    account: AccountId,
    amount: Money,
    expires: Timestamp,
}

impl From<Hold> for Open {
    fn from(hold: Hold) -> Self {
        Self { account: hold.account, amount: hold.amount, expires: hold.expires }
    }
}

// An `i64` holds nine trillion dollars. Deposits that do not fit are refused, and every other
// amount is a part of a deposit; the sums saturate so that no input can end the node.
const fn sum(left: Money, right: Money) -> Money {
    Money::from_micros(left.micros().saturating_add(right.micros()))
}

const fn difference(left: Money, right: Money) -> Money {
    Money::from_micros(left.micros().saturating_sub(right.micros()))
}

const NOTHING_HELD: Settlement =
    Settlement { charged: Money::ZERO, rest: Money::ZERO, kind: Rest::NoHold };

#[cfg(test)]
mod tests;
