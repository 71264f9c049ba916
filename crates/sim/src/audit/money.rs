//! Where all money is, added up from facts.

use charging::Ledger;
use model::{
    AccountId, CallId, Money,
    fact::{Admitted, Ended, HoldFact, Rest},
};
use std::collections::BTreeMap;

/// The books of a county.
#[derive(Debug, Default)]
pub(super) struct Books {
    deposited: BTreeMap<AccountId, i128>,
    charged: BTreeMap<AccountId, i128>,
    open: BTreeMap<CallId, HoldFact>,
    /// In the order in which the holds ended.
    ends: Vec<(CallId, HoldFact, Money, Rest)>,
    boot: u32,
    /// Of the calls of this boot.
    sums: Sums,
    /// The ledger of this boot may know holds that are not on disk.
    failed: bool,
    /// An append failed in any boot.
    ever_failed: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    held: i128,
    settled: i128,
    released: i128,
    expired: i128,
}

impl Books {
    pub(super) fn begin_boot(&mut self, boot: u32) {
        (self.boot, self.sums, self.failed) = (boot, Sums::default(), false);
    }

    pub(super) fn append_failed(&mut self) {
        (self.failed, self.ever_failed) = (true, true);
    }

    pub(super) fn deposit(&mut self, account: AccountId, amount: Money) {
        *self.deposited.entry(account).or_default() += i128::from(amount.micros());
    }

    pub(super) fn admitted(&mut self, admitted: &Admitted) {
        let Some(hold) = &admitted.hold else { return };
        self.open.insert(admitted.call, hold.clone());
        if self.is_of_boot(admitted.call) {
            self.sums.held += i128::from(hold.amount.micros());
        }
    }

    pub(super) fn ended(&mut self, admitted: &Admitted, ended: &Ended) {
        let Some(hold) = self.open.remove(&ended.call) else { return };
        let charged = i128::from(ended.charged.micros());
        let rest = i128::from(hold.amount.micros()) - charged;
        *self.charged.entry(hold.account).or_default() += charged;
        if self.is_of_boot(admitted.call) {
            self.sums.settled += charged;
            match ended.rest {
                Rest::Expired => self.sums.expired += rest,
                Rest::Released | Rest::NoHold => self.sums.released += rest,
            }
        }
        self.ends.push((ended.call, hold, ended.charged, ended.rest));
    }

    /// Compares with what the ledger says of a boot that stopped in order: held, settled, released,
    /// expired, open.
    pub(super) fn compare(&self, said: [Money; 5]) -> Option<String> {
        let [held, settled, released, expired, open] = said.map(|money| i128::from(money.micros()));
        if held != settled + released + expired + open {
            return Some(format!("the ledger lost {} of {held}", held - settled - released));
        }
        let sums = Sums { held, settled, released, expired };
        let wrong = !self.failed && (open != 0 || sums != self.sums);
        wrong
            .then(|| format!("the ledger says {sums:?} and {open} open, the facts {:?}", self.sums))
    }

    /// What is wrong in the end. All holds must be closed, no account below nothing, and the real
    /// ledger must be able to restore everything.
    pub(super) fn close(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (call, hold) in &self.open {
            wrong.push(format!(
                "{} micro-dollars are held for ever ({call:?})",
                hold.amount.micros()
            ));
        }
        for (account, charged) in &self.charged {
            let deposited = self.deposited.get(account).copied().unwrap_or_default();
            if *charged > deposited {
                wrong.push(format!("account {} was charged {charged} of {deposited}", account.0));
            }
        }
        // An end that was lost gave back money that another call then held; in the order of the
        // journal both holds do not fit, although no account went below nothing.
        if !self.ever_failed {
            self.restore(&mut wrong);
        }
        wrong
    }

    /// The real ledger takes back everything.
    fn restore(&self, wrong: &mut Vec<String>) {
        let mut ledger = Ledger::new();
        for (account, deposited) in &self.deposited {
            let deposited = i64::try_from(*deposited).unwrap_or(i64::MAX);
            ledger.open(*account, Money::from_micros(deposited), Money::ZERO);
        }
        for (call, hold, charged, rest) in &self.ends {
            let id = call.hold();
            let held = ledger.restore_hold(id, hold);
            let ended = ledger.restore_settlement(id, *charged, *rest);
            if let Some(error) = held.err().or(ended.err()) {
                wrong.push(format!("the ledger cannot be restored: {error} ({call:?})"));
            }
        }
    }

    fn is_of_boot(&self, call: CallId) -> bool {
        call.0 >> 32 == u64::from(self.boot)
    }
}
