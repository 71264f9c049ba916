//! What seeds have found, each in its smallest form.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene fails")]

use charging::{CannotRestore, CapTable, Day, LawfulRate, Ledger, Quote, Rate};
use core::time::Duration;
use model::{
    AccountId, CallId, HoldId, Money, Timestamp,
    fact::{HoldFact, Rest},
    place::{FacilityKind, Site, State},
};

const ACCOUNT: AccountId = AccountId(1);

fn noon() -> Timestamp {
    Day::parse("2026-07-01").unwrap().begins()
}

fn quote(per_minute: i64) -> Quote {
    let site = Site { kind: FacilityKind::Jail, adp: 200, state: State::new("WY").unwrap() };
    let rate = Rate { base_per_minute: Money::from_micros(per_minute), ..Rate::FREE };
    Quote::new(LawfulRate::prove(rate, site, noon(), &CapTable::builtin()).unwrap())
}

fn hold(ledger: &mut Ledger, id: HoldId, quote: &Quote, seconds: u64) -> HoldFact {
    let talk_max = Duration::from_secs(seconds);
    let held = ledger.hold(id, ACCOUNT, quote, talk_max, noon()).unwrap();
    HoldFact {
        account: held.account,
        amount: held.amount,
        rate: quote.fact(),
        expires: held.expires,
    }
}

fn ledger(deposited: i64) -> Ledger {
    let mut ledger = Ledger::new();
    ledger.open(ACCOUNT, Money::from_micros(deposited), Money::ZERO);
    ledger
}

/// A facility whose rate is zero has calls that hold nothing. Whoever writes a hold of nothing down
/// cannot restore it, and the call's end says that there was none: so there must be no `HoldFact`.
#[test]
fn a_rate_of_nothing_leaves_no_hold_to_write_down() {
    let id = CallId::from_parts(1, 1).hold();
    let (mut before, free) = (ledger(0), quote(0));
    let fact = hold(&mut before, id, &free, 300);
    assert_eq!(fact.amount, Money::ZERO);
    let ended = before.settle(id, &free, Duration::from_secs(60), noon());
    assert_eq!((ended.charged, ended.kind), (Money::ZERO, Rest::NoHold));
    assert_eq!(ledger(0).restore_hold(id, &fact), Err(CannotRestore::NotAnAmount));
}

/// The end of one call is lost on a full disk, and the money it gave back pays for another call. In
/// the order of the journal the first hold is still open, so the second does not fit, although both
/// together were never charged more than there was. Whoever restores holds one by one must settle
/// what never ended first, as `desk` does.
#[test]
fn after_a_lost_end_holds_do_not_fit_in_the_order_of_the_journal() {
    let (one, other) = (CallId::from_parts(1, 1).hold(), CallId::from_parts(1, 2).hold());
    let (mut before, seven_cents) = (ledger(350_000), quote(70_000));
    let first = hold(&mut before, one, &seven_cents, 240);
    before.settle(one, &seven_cents, Duration::from_secs(60), noon());
    let second = hold(&mut before, other, &seven_cents, 240);

    let mut after = ledger(350_000);
    after.restore_hold(one, &first).unwrap();
    let available = Money::from_micros(70_000);
    assert_eq!(after.restore_hold(other, &second), Err(CannotRestore::Overdrawn { available }));
    after.restore_settlement(one, Money::from_micros(70_000), Rest::Released).unwrap();
    after.restore_hold(other, &second).unwrap();
}
