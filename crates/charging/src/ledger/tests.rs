use super::*;
use crate::{CapTable, Day, LawfulRate, Rate};
use model::place::{FacilityKind, Site, State as UsState};
use proptest::prelude::*;
use std::{string::ToString, vec, vec::Vec};

const ALICE: AccountId = AccountId(1);
const BOB: AccountId = AccountId(2);
const NOW: Timestamp = Timestamp::from_micros(1_795_000_000_000_000);
const HOUR: Duration = Duration::from_secs(3600);

fn quote(micros_per_minute: i64) -> Quote {
    let rate = Rate { base_per_minute: Money::from_micros(micros_per_minute), ..Rate::FREE };
    let site = Site { kind: FacilityKind::Jail, adp: 10, state: UsState::new("WY").unwrap() };
    let at = Day::parse("2026-11-22").unwrap().begins();
    Quote::new(LawfulRate::prove(rate, site, at, &CapTable::builtin()).unwrap())
}

const fn micros(micros: i64) -> Money {
    Money::from_micros(micros)
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn ledger(deposited: i64) -> Ledger {
    let mut ledger = Ledger::new();
    ledger.open(ALICE, micros(deposited), Money::ZERO);
    ledger
}

fn totals(held: i64, settled: i64, released: i64, expired: i64, open: i64) -> Totals {
    Totals {
        held: micros(held),
        settled: micros(settled),
        released: micros(released),
        expired: micros(expired),
        open: micros(open),
    }
}

fn settlement(charged: i64, rest: i64, kind: Rest) -> Settlement {
    Settlement { charged: micros(charged), rest: micros(rest), kind }
}

#[test]
fn a_call_holds_settles_and_gives_back() {
    let (mut ledger, quote) = (ledger(5_000_000), quote(60_000));
    let hold = ledger.hold(HoldId(1), ALICE, &quote, seconds(900), NOW).unwrap();
    let expires = NOW.after(seconds(900)).after(limits::HOLD_MARGIN);
    let expected =
        Hold { account: ALICE, amount: micros(900_000), talk_max: seconds(900), expires };
    assert_eq!(hold, expected);
    assert_eq!(ledger.available(ALICE), Some(micros(4_100_000)));
    assert_eq!(ledger.balance(ALICE), Some(micros(5_000_000)));
    assert_eq!(ledger.totals(), totals(900_000, 0, 0, 0, 900_000));

    let talked = Duration::from_millis(125_999);
    let settled = ledger.settle(HoldId(1), &quote, talked, NOW.after(seconds(140)));
    assert_eq!(settled, settlement(125_000, 775_000, Rest::Released));
    assert_eq!(ledger.available(ALICE), Some(micros(4_875_000)));
    assert_eq!(ledger.balance(ALICE), Some(micros(4_875_000)));
    assert_eq!(ledger.totals(), totals(900_000, 125_000, 775_000, 0, 0));
}

#[test]
fn settling_again_changes_nothing() {
    let (mut ledger, quote) = (ledger(5_000_000), quote(60_000));
    ledger.hold(HoldId(1), ALICE, &quote, seconds(900), NOW).unwrap();
    let first = ledger.settle(HoldId(1), &quote, seconds(60), NOW);
    let totals = ledger.totals();
    assert_eq!(ledger.settle(HoldId(1), &quote, seconds(600), NOW.after(HOUR)), first);
    assert_eq!(ledger.release(HoldId(1), NOW), first);
    assert_eq!(ledger.totals(), totals);
    let taken = ledger.hold(HoldId(1), ALICE, &quote, seconds(900), NOW);
    assert_eq!(taken, Err(CannotHold::Taken));
    assert_eq!(ledger.available(ALICE), Some(micros(4_940_000)));
}

#[test]
fn a_charge_never_exceeds_its_hold() {
    let (mut ledger, cheap, dear) = (ledger(5_000_000), quote(60_000), quote(170_000));
    ledger.hold(HoldId(1), ALICE, &cheap, seconds(120), NOW).unwrap();
    assert_eq!(
        ledger.settle(HoldId(1), &dear, Duration::MAX, NOW),
        settlement(120_000, 0, Rest::Released)
    );
}

#[test]
fn a_hold_is_as_long_as_the_money() {
    let quote = quote(70_000);
    for (deposited, talk_max, held) in [
        (70_000, 60, 70_000),
        (71_165, 60, 70_000),
        (71_166, 61, 71_166),
        (1_000_000, 857, 999_833),
        (1_050_000, 900, 1_050_000),
        (9_000_000, 900, 1_050_000),
    ] {
        let mut ledger = ledger(deposited);
        let hold = ledger.hold(HoldId(1), ALICE, &quote, seconds(900), NOW).unwrap();
        assert_eq!((hold.talk_max, hold.amount), (seconds(talk_max), micros(held)));
    }
    for deposited in [0, 1, 69_999, -5] {
        let mut ledger = ledger(deposited);
        let refused = ledger.hold(HoldId(1), ALICE, &quote, seconds(900), NOW).unwrap_err();
        let available = micros(deposited.max(0));
        assert_eq!(refused, CannotHold::Insufficient { available });
        assert_eq!(ledger.totals(), Totals::default());
    }
    let unknown = ledger(1).hold(HoldId(1), BOB, &quote, seconds(900), NOW);
    assert_eq!(unknown, Err(CannotHold::UnknownAccount));
}

#[test]
fn only_whole_seconds_are_held() {
    let (mut ledger, quote) = (ledger(9_000_000), quote(60_000));
    let hold = ledger.hold(HoldId(1), ALICE, &quote, Duration::from_millis(90_999), NOW).unwrap();
    assert_eq!((hold.talk_max, hold.amount), (seconds(90), micros(90_000)));
    let nothing = ledger.hold(HoldId(2), ALICE, &quote, Duration::from_millis(999), NOW).unwrap();
    assert_eq!((nothing.talk_max, nothing.amount), (Duration::ZERO, Money::ZERO));
    let settled = ledger.settle(HoldId(2), &quote, HOUR, NOW);
    assert_eq!(settled, settlement(0, 0, Rest::NoHold));
}

#[test]
fn a_free_call_holds_nothing_and_needs_no_account() {
    let (mut ledger, free) = (Ledger::new(), quote(0));
    let hold = ledger.hold(HoldId(1), ALICE, &free, seconds(900), NOW).unwrap();
    assert_eq!((hold.amount, hold.talk_max), (Money::ZERO, seconds(900)));
    let endless = ledger.hold(HoldId(2), ALICE, &free, Duration::MAX, NOW).unwrap();
    assert_eq!(endless.expires.micros(), i64::MAX);
    let settled = ledger.settle(HoldId(1), &free, HOUR, NOW.after(HOUR));
    assert_eq!(settled, settlement(0, 0, Rest::NoHold));
    assert_eq!(ledger.totals(), Totals::default());
}

#[test]
fn an_overdue_hold_stays_held_until_it_is_ended() {
    let (mut ledger, quote) = (ledger(5_000_000), quote(60_000));
    let hold = ledger.hold(HoldId(7), ALICE, &quote, seconds(900), NOW).unwrap();
    ledger.hold(HoldId(8), ALICE, &quote, HOUR, NOW).unwrap();
    let just_before = Timestamp::from_micros(hold.expires.micros() - 1);
    assert_eq!(ledger.overdue(just_before).count(), 0);
    assert_eq!(ledger.overdue(hold.expires).collect::<Vec<_>>(), [HoldId(7)]);
    assert_eq!(ledger.available(ALICE), Some(micros(500_000)));

    let settled = ledger.settle(HoldId(7), &quote, seconds(60), hold.expires);
    assert_eq!(settled, settlement(60_000, 840_000, Rest::Expired));
    assert_eq!(ledger.overdue(hold.expires).count(), 0);
    assert_eq!(ledger.totals(), totals(4_500_000, 60_000, 0, 840_000, 3_600_000));
    let in_time = ledger.release(HoldId(8), just_before);
    assert_eq!(in_time, settlement(0, 3_600_000, Rest::Released));
    assert_eq!(ledger.totals(), totals(4_500_000, 60_000, 3_600_000, 840_000, 0));
}

#[test]
fn only_an_ended_hold_is_forgotten() {
    let (mut ledger, quote) = (ledger(5_000_000), quote(60_000));
    ledger.hold(HoldId(1), ALICE, &quote, seconds(900), NOW).unwrap();
    assert!(!ledger.forget(HoldId(1)));
    ledger.settle(HoldId(1), &quote, seconds(60), NOW);
    let totals = ledger.totals();
    assert!(ledger.forget(HoldId(1)));
    assert!(!ledger.forget(HoldId(1)));
    // Nothing is held any more, so nothing can be charged a second time.
    let again = ledger.settle(HoldId(1), &quote, seconds(60), NOW);
    assert_eq!(again, settlement(0, 0, Rest::NoHold));
    assert_eq!((ledger.totals(), ledger.available(ALICE)), (totals, Some(micros(4_940_000))));
}

#[test]
fn deposits_add_up_and_opening_again_takes_nothing_back() {
    let mut ledger = ledger(50_000_000);
    assert_eq!(ledger.deposit(BOB, micros(1)), Err(CannotDeposit::UnknownAccount));
    for nothing in [0, -1] {
        assert_eq!(ledger.deposit(ALICE, micros(nothing)), Err(CannotDeposit::NotAnAmount));
    }
    assert_eq!(ledger.deposit(ALICE, micros(i64::MAX)), Err(CannotDeposit::TooMuch));
    assert_eq!(ledger.available(ALICE), Some(micros(50_000_000)));
    ledger.deposit(ALICE, micros(1)).unwrap();
    assert_eq!(ledger.available(ALICE), Some(micros(50_000_001)));
    assert_eq!(ledger.available(BOB), None);
    assert_eq!(ledger.balance(BOB), None);

    let quote = quote(60_000);
    ledger.hold(HoldId(1), ALICE, &quote, seconds(60), NOW).unwrap();
    ledger.settle(HoldId(1), &quote, seconds(60), NOW);
    // A store that knows of neither the last deposit nor the last charge.
    ledger.open(ALICE, micros(50_000_000), Money::ZERO);
    assert_eq!(ledger.balance(ALICE), Some(micros(49_940_001)));
    // One that knows of both, and of another of each.
    ledger.open(ALICE, micros(60_000_001), micros(100_000));
    assert_eq!(ledger.balance(ALICE), Some(micros(59_900_001)));
}

#[test]
fn holds_are_restored_once() {
    let quote = quote(60_000);
    let fact = |amount| HoldFact {
        account: ALICE,
        amount: micros(amount),
        rate: quote.fact(),
        expires: NOW.after(HOUR),
    };
    let mut ledger = ledger(1_000_000);
    assert_eq!(ledger.restore_hold(HoldId(1), &fact(900_000)), Ok(()));
    assert_eq!(ledger.restore_hold(HoldId(1), &fact(900_000)), Ok(()));
    assert_eq!(ledger.available(ALICE), Some(micros(100_000)));
    assert_eq!(ledger.totals(), totals(900_000, 0, 0, 0, 900_000));

    let differs = Err(CannotRestore::Differs);
    assert_eq!(ledger.restore_hold(HoldId(1), &fact(800_000)), differs);
    let overdrawn = Err(CannotRestore::Overdrawn { available: micros(100_000) });
    assert_eq!(ledger.restore_hold(HoldId(2), &fact(100_001)), overdrawn);
    for nothing in [0, -1] {
        let refused = ledger.restore_hold(HoldId(2), &fact(nothing));
        assert_eq!(refused, Err(CannotRestore::NotAnAmount));
    }
    let of_bob = HoldFact { account: BOB, ..fact(1) };
    let unknown = Err(CannotRestore::UnknownAccount);
    assert_eq!(ledger.restore_hold(HoldId(2), &of_bob), unknown);
    assert_eq!(ledger.totals(), totals(900_000, 0, 0, 0, 900_000));

    // The node died in the call: charged to its last mark, at the rate proved again.
    let again = LawfulRate::prove_again(&fact(900_000).rate, &CapTable::builtin()).unwrap();
    let settled = ledger.settle(HoldId(1), &Quote::new(again), seconds(30), NOW);
    assert_eq!(settled, settlement(30_000, 870_000, Rest::Released));
    assert_eq!(ledger.restore_hold(HoldId(1), &fact(900_000)), differs);
    assert_eq!(ledger.restore_hold(HoldId(2), &fact(970_000)), Ok(()));
}

#[test]
fn ends_are_restored_once() {
    let quote = quote(60_000);
    let mut ledger = ledger(1_000_000);
    let unknown = ledger.restore_settlement(HoldId(1), micros(1), Rest::Released);
    assert_eq!(unknown, Err(CannotRestore::UnknownHold));
    ledger.hold(HoldId(1), ALICE, &quote, seconds(300), NOW).unwrap();
    for (charged, kind, reason) in [
        (-1, Rest::Released, CannotRestore::NotAnAmount),
        (1, Rest::NoHold, CannotRestore::NotAnAmount),
        (300_001, Rest::Released, CannotRestore::Overdrawn { available: micros(300_000) }),
    ] {
        let refused = ledger.restore_settlement(HoldId(1), micros(charged), kind);
        assert_eq!(refused, Err(reason));
    }
    let expected = settlement(100_000, 200_000, Rest::Expired);
    for _ in 0..2 {
        let restored = ledger.restore_settlement(HoldId(1), micros(100_000), Rest::Expired);
        assert_eq!(restored, Ok(expected));
    }
    for (charged, kind) in [(100_001, Rest::Expired), (100_000, Rest::Released)] {
        let refused = ledger.restore_settlement(HoldId(1), micros(charged), kind);
        assert_eq!(refused, Err(CannotRestore::Differs));
    }
    assert_eq!(ledger.settle(HoldId(1), &quote, HOUR, NOW), expected);
    assert_eq!(ledger.totals(), totals(300_000, 100_000, 0, 200_000, 0));
    assert_eq!(ledger.available(ALICE), Some(micros(900_000)));
}

#[test]
fn a_thousand_calls_at_once_never_overdraw_one_dollar() {
    let quote = quote(70_000);
    let mut ledger = ledger(1_000_000);
    let mut holds: Vec<Hold> = Vec::new();
    for id in 0..1_000 {
        // Lengths differ, so that every remainder of the dollar is tried.
        if let Ok(hold) = ledger.hold(HoldId(id), ALICE, &quote, seconds(60 + id % 7), NOW) {
            holds.push(hold);
        }
        assert!(ledger.available(ALICE).unwrap() >= Money::ZERO);
    }
    assert_eq!(holds.len(), 13);
    assert_eq!(ledger.totals().open.micros(), holds.iter().map(|h| h.amount.micros()).sum::<i64>());
    for id in (0..1_000).rev().chain(0..1_000) {
        ledger.settle(HoldId(id), &quote, HOUR, NOW);
    }
    let left = ledger.balance(ALICE).unwrap();
    assert!((Money::ZERO..micros(70_000)).contains(&left), "{left}");
    assert_eq!(ledger.totals().settled.micros() + left.micros(), 1_000_000);
}

#[test]
fn errors_say_what_to_do_and_no_amount() {
    let available = micros(123_456);
    let errors = vec![
        CannotHold::UnknownAccount.to_string(),
        CannotHold::Insufficient { available }.to_string(),
        CannotHold::Taken.to_string(),
        CannotDeposit::TooMuch.to_string(),
        CannotRestore::Overdrawn { available }.to_string(),
        CannotRestore::Differs.to_string(),
    ];
    for error in errors {
        assert!(!error.contains("0.12") && !error.ends_with('.'), "{error}");
    }
}

/// What may happen to a ledger.
#[derive(Clone, Copy, Debug)]
enum Step {
    Deposit(AccountId, i64),
    Hold(HoldId, AccountId, usize, u64),
    Settle(HoldId, u64),
    Release(HoldId),
    Wait(u64),
}

/// The same ledger without any state but the list of what happened: every question is answered by
/// reading the list from its beginning, and every second is charged one by one.
#[derive(Default)]
struct Naive {
    deposits: Vec<(AccountId, i64)>,
    /// Hold, account, micro-dollars per minute, amount, end.
    holds: Vec<(HoldId, AccountId, i64, i64, i64)>,
    /// Hold, charged, given back, whether late.
    ends: Vec<(HoldId, i64, i64, bool)>,
}

impl Naive {
    fn price(per_minute: i64, seconds: u64) -> i64 {
        (0..seconds).map(|_| per_minute).sum::<i64>().div_euclid(60)
    }

    fn available(&self, account: AccountId) -> i64 {
        let deposited: i64 =
            self.deposits.iter().filter(|(of, _)| *of == account).map(|(_, paid)| paid).sum();
        let holds = self.holds.iter().filter(|(_, of, ..)| *of == account);
        let gone: i64 = holds.map(|hold| self.end_of(hold.0).map_or(hold.3, |end| end.1)).sum();
        deposited - gone
    }

    fn end_of(&self, id: HoldId) -> Option<(HoldId, i64, i64, bool)> {
        self.ends.iter().copied().find(|end| end.0 == id)
    }

    fn hold(&mut self, id: HoldId, account: AccountId, rate: i64, talk: u64, now: i64) -> bool {
        let available = self.available(account);
        // Second by second, as long as the next one can be paid.
        let payable = |seconds: &u64| (i64::try_from(*seconds).unwrap() * rate) / 60 <= available;
        let affordable = (1..=talk.max(60)).take_while(payable).last();
        let Some(affordable) = affordable.filter(|seconds| *seconds >= 60) else { return false };
        let known = self.holds.iter().any(|hold| hold.0 == id);
        let talk = talk.min(affordable);
        let amount = Self::price(rate, talk);
        if known || amount == 0 {
            return amount == 0;
        }
        let end = now + (i64::try_from(talk).unwrap() + 900) * 1_000_000;
        self.holds.push((id, account, rate, amount, end));
        true
    }

    fn end(&mut self, id: HoldId, rate_of: Option<u64>, now: i64) {
        let hold = self.holds.iter().copied().find(|hold| hold.0 == id);
        if let (Some((_, _, rate, amount, end)), None) = (hold, self.end_of(id)) {
            let charged = rate_of.map_or(0, |talked| Self::price(rate, talked)).min(amount);
            self.ends.push((id, charged, amount - charged, now >= end));
        }
    }

    fn totals(&self) -> Totals {
        let rest =
            |late| self.ends.iter().filter(|end| end.3 == late).map(|end| end.2).sum::<i64>();
        let open: i64 = self.holds.iter().filter(|h| self.end_of(h.0).is_none()).map(|h| h.3).sum();
        let held = self.holds.iter().map(|hold| hold.3).sum();
        totals(held, self.ends.iter().map(|end| end.1).sum(), rest(false), rest(true), open)
    }
}

const RATES: [i64; 4] = [1, 59, 70_000, 170_000];

fn step() -> impl Strategy<Value = Step> {
    let hold = || (0_u64..12).prop_map(HoldId);
    let account = || (1_u32..=2).prop_map(AccountId);
    prop_oneof![
        (account(), 1_i64..400_000).prop_map(|(of, paid)| Step::Deposit(of, paid)),
        (hold(), account(), 0..RATES.len(), 0_u64..1_000)
            .prop_map(|(id, of, rate, talk)| Step::Hold(id, of, rate, talk)),
        (hold(), 0_u64..1_200).prop_map(|(id, talked)| Step::Settle(id, talked)),
        hold().prop_map(Step::Release),
        (0_u64..1_500).prop_map(Step::Wait),
    ]
}

proptest! {
    /// Against the naive ledger: money is conserved, nothing is overdrawn, holds end once.
    #[test]
    fn any_history_adds_up(steps in proptest::collection::vec(step(), 0..80)) {
        let quotes = RATES.map(quote);
        let mut naive = Naive::default();
        let mut ledger = Ledger::new();
        let mut rates = std::collections::BTreeMap::new();
        let mut ends = std::collections::BTreeMap::new();
        let mut now = NOW;
        for account in [ALICE, BOB] {
            ledger.open(account, Money::ZERO, Money::ZERO);
        }
        for step in steps {
            match step {
                Step::Deposit(account, paid) => {
                    ledger.deposit(account, micros(paid)).unwrap();
                    naive.deposits.push((account, paid));
                }
                Step::Hold(id, account, rate, talk) => {
                    let held = ledger.hold(id, account, &quotes[rate], seconds(talk), now);
                    let expected = naive.hold(id, account, RATES[rate], talk, now.micros());
                    prop_assert_eq!(held.is_ok(), expected);
                    if held.is_ok_and(|hold| hold.amount > Money::ZERO) {
                        rates.insert(id, rate);
                    }
                }
                Step::Settle(id, talked) => {
                    let quote = &quotes[rates.get(&id).copied().unwrap_or(0)];
                    let settled = ledger.settle(id, quote, seconds(talked), now);
                    naive.end(id, Some(talked), now.micros());
                    if settled.kind != Rest::NoHold {
                        prop_assert_eq!(*ends.entry(id).or_insert(settled), settled);
                    }
                }
                Step::Release(id) => {
                    let released = ledger.release(id, now);
                    naive.end(id, None, now.micros());
                    if released.kind != Rest::NoHold {
                        prop_assert_eq!(*ends.entry(id).or_insert(released), released);
                    }
                }
                Step::Wait(length) => now = now.after(seconds(length)),
            }
            for account in [ALICE, BOB] {
                let available = ledger.available(account).unwrap().micros();
                prop_assert_eq!(available, naive.available(account));
                prop_assert!(available >= 0);
            }
            let totals = ledger.totals();
            prop_assert_eq!(totals, naive.totals());
            let parts = [totals.settled, totals.released, totals.expired, totals.open];
            prop_assert_eq!(totals.held.micros(), parts.iter().map(|part| part.micros()).sum());
        }
    }

    /// A ledger built again from what was written down goes on as if nothing had happened.
    #[test]
    fn a_restored_ledger_is_the_same(
        holds in proptest::collection::vec((60_u64..600, 0_u64..700, any::<bool>()), 1..8)
    ) {
        let quote = quote(70_000);
        let mut before = ledger(2_000_000);
        let mut after = ledger(2_000_000);
        for (id, (talk, talked, ended)) in (0..).map(HoldId).zip(holds) {
            let Ok(hold) = before.hold(id, ALICE, &quote, seconds(talk), NOW) else { continue };
            let fact = HoldFact {
                account: ALICE,
                amount: hold.amount,
                rate: quote.fact(),
                expires: hold.expires,
            };
            after.restore_hold(id, &fact).unwrap();
            if ended {
                let end = before.settle(id, &quote, seconds(talked), NOW);
                let restored = after.restore_settlement(id, end.charged, end.kind);
                prop_assert_eq!(restored, Ok(end));
            }
        }
        prop_assert_eq!(before.totals(), after.totals());
        prop_assert_eq!(before.available(ALICE), after.available(ALICE));
        for id in (0..8).map(HoldId) {
            let settled = before.settle(id, &quote, seconds(100), NOW);
            prop_assert_eq!(settled, after.settle(id, &quote, seconds(100), NOW));
        }
        prop_assert_eq!(before.totals(), after.totals());
    }
}
