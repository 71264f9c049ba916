//! Facts: once, again, across a restart, beside readers.

use super::samples::{
    accepted, admitted, at, call, closed, denied, ended, filled, keys, number, talked,
};
use crate::{
    CallFilter, HeardCounts, MoneyTotals, NameWant, NameWish, Outcome, RecordingRow, Refused,
    Store, StoreError,
};
use model::{
    AgencyId, CallId, FacilityId, Language, Money, PersonId, StaffId, StationId,
    fact::{
        EndReason, Epoch, Fact, Heard, LegHeard, NameActed, NameByStaff, NameDid, NameRecorded,
        NumberClass, OffReason, RecordingState, Refusal, Rest,
    },
    plan::{Block, PrivateClaim},
};
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

fn admit(counter: u32, held_cents: Option<i32>) -> Fact {
    Fact::Admitted(Box::new(admitted(counter, held_cents)))
}

/// One of every fact: a whole recorded call, an unrecorded one, a refused one and what stands
/// alone.
fn story() -> Vec<(u64, Fact)> {
    let facts = vec![
        Fact::Boot { boot: 1, at: at(90), version: "0.1.0".into() },
        admit(1, Some(240)),
        Fact::Answered { call: call(1), at: at(105) },
        accepted(1, Ok(Epoch(1))),
        talked(1, 5),
        talked(1, 10),
        closed(1, RecordingState::Ended),
        ended(1, 12, Rest::Released),
        admit(2, None),
        accepted(2, Err(OffReason::Protected)),
        ended(2, 0, Rest::NoHold),
        denied(3),
        Fact::PinRefused { station: StationId(2), at: at(140) },
        Fact::PinRefused { station: StationId(99), at: at(141) },
        Fact::LanguageChosen {
            agency: AgencyId(1),
            number: number(42),
            language: Language::Es,
            at: at(142),
        },
        admit(4, Some(240)),
        ended(4, 0, Rest::Expired),
        admit(5, Some(120)),
        // On the first of two trunks, and on the second.
        Fact::Forwarded { call: call(5), at: at(150) },
        Fact::Forwarded { call: call(5), at: at(160) },
        Fact::NameRecorded(Box::new(NameRecorded {
            call: call(6),
            agency: AgencyId(1),
            person: PersonId(1),
            sha256: [7; 32],
            voice: [8; 32],
            octets: 9_000,
            at: at(170),
        })),
        Fact::NameHeard(acted(171)),
        Fact::NameApproved(acted(172)),
        Fact::NameHeard(acted(173)),
        Fact::NameByStaff(NameByStaff {
            acted: acted(174),
            did: NameDid::Removed,
            by: StaffId(3),
            act: 9,
        }),
    ];
    (1..).zip(facts).collect()
}

/// Something done with the one name that was recorded.
fn acted(ms: i64) -> NameActed {
    NameActed { agency: AgencyId(1), person: PersonId(1), sha256: [7; 32], at: at(ms) }
}

fn cents(cents: i32) -> Money {
    Money::from_cents(cents)
}

fn conserved(money: MoneyTotals) -> bool {
    let parts = [money.settled, money.released, money.expired, money.open];
    parts.iter().map(|part| part.micros()).sum::<i64>() == money.held.micros()
}

#[test]
fn every_fact_becomes_rows() {
    let (_folder, store) = filled();
    store.project(&story()).unwrap();
    assert_eq!((store.projected().unwrap(), store.boots().unwrap()), (25, 1));
    let calls = store.calls(&CallFilter::default()).unwrap();
    assert_eq!(calls.iter().map(|row| row.record).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let first = &calls[0];
    assert_eq!(first.call, call(1));
    assert_eq!(first.number, Some(number(42)));
    assert_eq!((first.at, first.answered, first.accepted), (at(100), Some(at(105)), Some(at(111))));
    assert_eq!((first.consent_key, first.consent_language), (Some('1'), Some(Language::Es)));
    let over = Outcome::Ended {
        at: at(131),
        reason: EndReason::CalledHungUp,
        talked: Duration::from_micros(10_250_001),
        charged: cents(12),
        rest: Rest::Released,
        decision_key: Some('1'),
    };
    assert_eq!(first.outcome, over);
    let recorded = RecordingRow::Recorded {
        state: RecordingState::Ended,
        bytes: 160_000,
        frames: 10,
        sha256: [9; 32],
    };
    assert_eq!((first.recording, first.held), (recorded, Some(cents(240))));
    assert_eq!(calls[1].recording, RecordingRow::Off(OffReason::Protected));
    assert_eq!((calls[1].held, calls[1].class), (None, Some(NumberClass::Ordinary)));
    assert_eq!(calls[2].outcome, Outcome::Denied(Refusal::InsufficientFunds));
    assert_eq!((calls[2].recording, calls[2].number.is_none()), (RecordingRow::NoTalk, true));
    assert_eq!(calls[4].outcome, Outcome::Open { talked: Duration::ZERO });
    let forwarded: Vec<_> = calls.iter().map(|row| row.forwarded).collect();
    assert_eq!(forwarded, [None, None, None, None, Some(at(150))]);
    let money = store.money().unwrap();
    let expected = MoneyTotals {
        held: cents(600),
        settled: cents(12),
        released: cents(228),
        expired: cents(240),
        open: cents(120),
    };
    assert_eq!(money, expected);
    assert!(conserved(money));
    let accounts = store.configuration().unwrap().accounts;
    assert_eq!(accounts[0].settled, cents(12));
}

#[test]
fn facts_count_once_however_they_are_cut_into_batches() {
    let whole = filled();
    whole.1.project(&story()).unwrap();
    let everything = |store: &Store| {
        let rows = store.calls(&CallFilter::default()).unwrap();
        (rows, store.open_calls().unwrap(), store.money().unwrap(), store.configuration().unwrap())
    };
    for batch in 1..=story().len() {
        let (_folder, store) = filled();
        for part in story().chunks(batch) {
            store.project(part).unwrap();
            store.project(part).unwrap();
        }
        store.project(&story()).unwrap();
        assert_eq!(everything(&store), everything(&whole.1), "batches of {batch}");
    }
}

/// Facts about some calls in any order, also ones that cannot be.
fn jumble(seed: u64, count: u64) -> Vec<(u64, Fact)> {
    let mut dice = seed;
    let mut roll = |sides: u64| {
        // Knuth's numbers for a linear congruential generator; the high bits are good enough.
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % sides
    };
    let mut there = BTreeSet::new();
    let facts = (1..=count).map(|seq| {
        let of = u32::try_from(1 + roll(12)).unwrap();
        let fact = match roll(10) {
            // A mark is kept until the end of its batch, so it must not come before its call.
            5 if there.contains(&of) => talked(of, seq),
            0..3 | 5 => {
                there.insert(of);
                admit(of, Some(240).filter(|_| of.is_multiple_of(2)))
            }
            3 | 4 => Fact::Answered { call: call(of), at: at(200 + seq.cast_signed()) },
            6 => accepted(of, Ok(Epoch(1))),
            7 => denied(of),
            _ if of.is_multiple_of(2) => ended(of, 12, Rest::Released),
            _ => ended(of, 0, Rest::NoHold),
        };
        (seq, fact)
    });
    facts.collect()
}

#[test]
fn what_is_written_together_is_what_would_be_written_one_by_one() {
    for seed in 0..40 {
        let facts = jumble(seed, 60);
        let [(_f, together), (_g, apart)] = [filled(), filled()];
        together.project(&facts).unwrap();
        for fact in &facts {
            apart.project(std::slice::from_ref(fact)).unwrap();
        }
        let all = CallFilter::default();
        assert_eq!(together.calls(&all).unwrap(), apart.calls(&all).unwrap(), "{seed}");
        assert_eq!(together.money().unwrap(), apart.money().unwrap(), "{seed}");
        assert_eq!(together.open_calls().unwrap(), apart.open_calls().unwrap(), "{seed}");
    }
}

#[test]
fn a_batch_that_overlaps_gives_only_what_is_new() {
    let (_folder, store) = filled();
    let story = story();
    store.project(&story[..8]).unwrap();
    store.project(&story[4..12]).unwrap();
    assert_eq!(store.projected().unwrap(), 12);
    store.project(&[]).unwrap();
    store.project(&story[..3]).unwrap();
    assert_eq!(store.projected().unwrap(), 12);
    assert_eq!(store.money().unwrap().settled, cents(12));
}

#[test]
fn after_a_crash_the_open_calls_and_the_money_are_there() {
    let (folder, store) = filled();
    let mut hushed = admitted(2, None);
    hushed.may_record = Err(OffReason::FacilityOff);
    let facts = [
        admit(1, Some(240)),
        Fact::Admitted(Box::new(hushed.clone())),
        accepted(1, Ok(Epoch(1))),
        talked(1, 5),
        Fact::Answered { call: call(2), at: at(106) },
        accepted(2, Err(OffReason::FacilityOff)),
        admit(3, Some(120)),
    ];
    let facts: Vec<(u64, Fact)> = (1..).zip(facts).collect();
    store.project(&facts).unwrap();
    drop(store);
    let store = Store::open(&folder.path().join("cell.db"), &keys()).unwrap();
    assert_eq!(store.projected().unwrap(), 7);
    let open = store.open_calls().unwrap();
    assert_eq!(open.len(), 3);
    assert_eq!(open[0].admitted, admitted(1, Some(240)));
    assert_eq!((open[0].accepted, open[0].accepted_key), (Some(at(111)), Some('1')));
    assert_eq!(open[0].recording, Some(Ok(Epoch(1))));
    assert!(!open[0].recording_closed);
    assert_eq!((open[0].talked, open[0].talked_at), (Duration::from_secs(5), Some(at(116))));
    assert_eq!(open[1].admitted, hushed);
    assert_eq!(open[1].answered, Some(at(106)));
    assert_eq!(open[1].recording, Some(Err(OffReason::FacilityOff)));
    assert_eq!((open[2].accepted, open[2].recording), (None, None));
    assert_eq!(store.money().unwrap().open, cents(360));

    let end = [closed(1, RecordingState::Cut), ended(1, 1, Rest::Released)];
    let end: Vec<(u64, Fact)> = (8..).zip(end).collect();
    store.project(&end[..1]).unwrap();
    assert!(store.open_calls().unwrap()[0].recording_closed);
    store.project(&end).unwrap();
    assert_eq!(store.open_calls().unwrap().len(), 2);
    let money = store.money().unwrap();
    assert_eq!((money.open, money.settled, money.released), (cents(120), cents(1), cents(239)));
}

#[test]
fn a_process_that_died_while_it_wrote_leaves_nothing_of_the_batch() {
    let (_folder, store) = filled();
    store.0.run(async {
        let mut work = store.0.write().await.unwrap();
        sqlx::query("UPDATE cell SET projected_seq = 7, version = 7")
            .execute(&mut *work)
            .await
            .unwrap();
        drop(work);
    });
    assert_eq!((store.projected().unwrap(), store.version().unwrap()), (0, 1));
}

#[test]
fn an_end_that_is_said_twice_or_of_nobody_settles_nothing() {
    let (_folder, store) = filled();
    let facts = [
        admit(1, Some(240)),
        ended(1, 12, Rest::Released),
        ended(1, 24, Rest::Released),
        ended(9, 99, Rest::Released),
        talked(1, 60),
        denied(2),
        ended(2, 5, Rest::NoHold),
        admit(1, Some(500)),
        Fact::Answered { call: call(9), at: at(1) },
        closed(9, RecordingState::Cut),
    ];
    let facts: Vec<(u64, Fact)> = (1..).zip(facts).collect();
    store.project(&facts).unwrap();
    assert_eq!(store.projected().unwrap(), 10);
    let money = store.money().unwrap();
    assert_eq!((money.held, money.settled), (cents(240), cents(12)));
    assert!(conserved(money));
    assert_eq!(store.configuration().unwrap().accounts[0].settled, cents(12));
    assert!(store.open_calls().unwrap().is_empty());
}

/// A second admission would be a fault of ours; its hold must not stay open for ever.
#[test]
fn a_call_is_admitted_once() {
    let (_folder, store) = filled();
    let facts = [admit(1, None), ended(1, 0, Rest::NoHold), admit(1, Some(500)), admit(2, None)];
    let facts: Vec<(u64, Fact)> = (1..).zip(facts).collect();
    store.project(&facts).unwrap();
    assert_eq!(store.money().unwrap(), MoneyTotals::default());
    assert_eq!(store.open_calls().unwrap().len(), 1);
    let records: Vec<u64> =
        store.calls(&CallFilter::default()).unwrap().iter().map(|row| row.record).collect();
    assert_eq!(records, [1, 2]);
}

fn refused(counter: u32, reason: Refusal) -> Fact {
    let mut fact = denied(counter);
    if let Fact::Denied(denied) = &mut fact {
        denied.reason = reason;
        denied.number = Some(number(30));
    }
    fact
}

/// One telephone call is one call id, however many numbers are tried in it.
#[test]
fn numbers_that_were_refused_do_not_hide_the_call_that_follows() {
    let facts = [
        refused(1, Refusal::NumberNotAllowed),
        denied(1),
        refused(2, Refusal::NumberInvalid),
        admit(1, Some(240)),
        Fact::Answered { call: call(1), at: at(105) },
        accepted(1, Ok(Epoch(1))),
        talked(1, 10),
        refused(2, Refusal::NumberInvalid),
        closed(1, RecordingState::Ended),
        ended(1, 12, Rest::Released),
    ];
    let facts: Vec<(u64, Fact)> = (1..).zip(facts).collect();
    for batch in 1..=facts.len() {
        let (_folder, store) = filled();
        for part in facts[..8].chunks(batch) {
            store.project(part).unwrap();
            store.project(part).unwrap();
        }
        let open = store.open_calls().unwrap();
        assert_eq!(open.len(), 1);
        assert_eq!(open[0].admitted, admitted(1, Some(240)));
        assert_eq!((open[0].answered, open[0].accepted), (Some(at(105)), Some(at(111))));
        assert_eq!(open[0].talked, Duration::from_secs(10));
        assert_eq!(store.money().unwrap().open, cents(240));

        for part in facts.chunks(batch) {
            store.project(part).unwrap();
        }
        assert!(store.open_calls().unwrap().is_empty());
        let rows = store.calls(&CallFilter::default()).unwrap();
        let told: Vec<_> = rows.iter().map(|row| (row.record, row.call, row.outcome)).collect();
        let over = Outcome::Ended {
            at: at(131),
            reason: EndReason::CalledHungUp,
            talked: Duration::from_micros(10_250_001),
            charged: cents(12),
            rest: Rest::Released,
            decision_key: Some('1'),
        };
        let expected = [
            (1, call(1), Outcome::Denied(Refusal::NumberNotAllowed)),
            (2, call(1), Outcome::Denied(Refusal::InsufficientFunds)),
            (3, call(2), Outcome::Denied(Refusal::NumberInvalid)),
            (4, call(1), over),
            (5, call(2), Outcome::Denied(Refusal::NumberInvalid)),
        ];
        assert_eq!(told, expected, "batches of {batch}");
        assert_eq!(rows[0].number, Some(number(30)));
        for refused in [&rows[0], &rows[1], &rows[2], &rows[4]] {
            assert_eq!((refused.answered, refused.accepted, refused.held), (None, None, None));
            assert_eq!(refused.recording, RecordingRow::NoTalk);
        }
        assert!(matches!(rows[3].recording, RecordingRow::Recorded { frames: 10, .. }));
        let money = store.money().unwrap();
        assert_eq!((money.held, money.settled), (cents(240), cents(12)));
        assert!(conserved(money));
        assert_eq!(store.configuration().unwrap().accounts[0].settled, cents(12));
    }
}

#[test]
fn refusals_have_their_place_in_every_page() {
    let (_folder, store) = filled();
    let facts = [denied(1), denied(1), admit(1, None), denied(2), admit(3, None), denied(4)];
    let facts: Vec<(u64, Fact)> = (1..).zip(facts).collect();
    store.project(&facts).unwrap();
    for limit in 1..=7 {
        let (mut after, mut seen) = (0, Vec::new());
        loop {
            let filter = CallFilter { after, limit: Some(limit), ..CallFilter::default() };
            let page = store.calls(&filter).unwrap();
            let Some(last) = page.last() else { break };
            assert!(page.len() <= usize::try_from(limit).unwrap());
            after = last.record;
            seen.extend(page.iter().map(|row| (row.record, row.call)));
        }
        let calls = [call(1), call(1), call(1), call(2), call(3), call(4)];
        assert_eq!(seen, (1..).zip(calls).collect::<Vec<_>>(), "pages of {limit}");
    }
    let all = CallFilter::default();
    assert_eq!(store.calls(&CallFilter { agency: Some(AgencyId(2)), ..all }).unwrap(), []);
    assert_eq!(store.calls(&CallFilter { until: Some(at(100)), ..all }).unwrap(), []);
    assert_eq!(store.calls(&CallFilter { from: Some(at(100)), ..all }).unwrap().len(), 6);
}

#[test]
fn a_recording_is_unbooked_until_its_end_is_told_whatever_became_of_its_call() {
    let (_folder, store) = filled();
    let recording = |counter| (AgencyId(1), call(counter).recording());
    let facts = [
        admit(1, None),
        accepted(1, Ok(Epoch(1))),
        admit(2, None),
        accepted(2, Ok(Epoch(1))),
        ended(2, 0, Rest::NoHold),
        admit(3, None),
        accepted(3, Err(OffReason::FacilityOff)),
        ended(3, 0, Rest::NoHold),
        admit(4, None),
        denied(5),
        closed(2, RecordingState::Cut),
        ended(1, 0, Rest::NoHold),
        closed(1, RecordingState::Ended),
    ];
    let facts: Vec<(u64, Fact)> = (1..).zip(facts).collect();
    assert_eq!(store.unbooked_recordings().unwrap(), []);
    store.project(&facts[..10]).unwrap();
    assert_eq!(store.unbooked_recordings().unwrap(), [recording(1), recording(2)]);
    store.project(&facts[..12]).unwrap();
    assert_eq!(store.unbooked_recordings().unwrap(), [recording(1)]);
    store.project(&facts).unwrap();
    assert_eq!(store.unbooked_recordings().unwrap(), []);
}

/// The called party accepted and somebody hung up before the recording could begin.
#[test]
fn a_call_that_was_over_before_a_word_was_said_is_not_being_recorded() {
    let over = |talked| {
        let mut fact = ended(1, 0, Rest::NoHold);
        if let Fact::Ended(ended) = &mut fact {
            ended.talked = talked;
        }
        fact
    };
    let (silent, spoken) = (Duration::ZERO, Duration::from_micros(1));
    let cases = [
        (Ok(Epoch(1)), silent, RecordingRow::NoTalk),
        (Ok(Epoch(1)), spoken, RecordingRow::Open),
        (Err(OffReason::Disk), silent, RecordingRow::Off(OffReason::Disk)),
    ];
    for (started, talked, expected) in cases {
        let (_folder, store) = filled();
        let recording = || store.calls(&CallFilter::default()).unwrap()[0].recording;
        store.project(&[(1, admit(1, None)), (2, accepted(1, started))]).unwrap();
        if started.is_ok() {
            assert_eq!(recording(), RecordingRow::Open);
        }
        store.project(&[(3, over(talked))]).unwrap();
        assert_eq!(recording(), expected);
        // A file that is told of afterwards is a recording all the same.
        if started.is_ok() {
            store.project(&[(4, closed(1, RecordingState::Ended))]).unwrap();
            assert!(matches!(recording(), RecordingRow::Recorded { .. }));
        }
    }
}

#[test]
fn a_database_that_was_made_anew_does_not_take_calls_of_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("cell.db"), &keys()).unwrap();
    let story = story();
    let refused = StoreError::Refused(Refused::DatabaseMadeAnew);
    assert_eq!(store.project(&story), Err(refused.clone()));
    assert_eq!((store.projected().unwrap(), store.boots().unwrap()), (0, 0));
    // A node may start with nothing provisioned yet.
    store.project(&story[..1]).unwrap();
    assert_eq!((store.projected().unwrap(), store.boots().unwrap()), (1, 1));
    for fact in &story[1..] {
        assert_eq!(store.project(std::slice::from_ref(fact)), Err(refused.clone()));
    }
    assert_eq!(store.projected().unwrap(), 1);
    assert!(store.calls(&CallFilter::default()).unwrap().is_empty());
    assert!(refused.to_string().contains("restore the database from a backup"), "{refused}");
}

#[test]
fn calls_come_in_pages_and_by_agency_and_time() {
    let (_folder, store) = filled();
    let mut facts = Vec::new();
    for counter in 1..=5_u32 {
        let mut call = admitted(counter, None);
        call.at = at(i64::from(counter));
        call.agency = AgencyId(1 + counter % 2);
        facts.push((u64::from(counter), Fact::Admitted(Box::new(call))));
    }
    store.project(&facts).unwrap();
    let records = |filter: CallFilter| -> Vec<u64> {
        store.calls(&filter).unwrap().iter().map(|row| row.record).collect()
    };
    let all = CallFilter::default();
    assert_eq!(records(all), [1, 2, 3, 4, 5]);
    assert_eq!(records(CallFilter { after: 2, limit: Some(2), ..all }), [3, 4]);
    assert_eq!(records(CallFilter { agency: Some(AgencyId(1)), ..all }), [2, 4]);
    let span = CallFilter { from: Some(at(2)), until: Some(at(4)), ..all };
    assert_eq!(records(span), [2, 3]);
}

#[test]
fn readers_see_whole_batches_while_facts_are_projected() {
    let (_folder, store) = filled();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = store.clone();
        let done = &done;
        let reading = scope.spawn(move || {
            let mut looks = 0_u32;
            while !done.load(Ordering::Acquire) {
                assert!(conserved(reader.money().unwrap()));
                assert!(reader.open_calls().unwrap().is_empty(), "a batch ends what it began");
                looks += 1;
            }
            looks
        });
        for counter in 1..=100 {
            let first = u64::from(counter) * 2;
            let batch = [
                (first, admit(counter, Some(240))),
                (first + 1, ended(counter, 1, Rest::Released)),
            ];
            store.project(&batch).unwrap();
        }
        done.store(true, Ordering::Release);
        reading.join().unwrap();
    });
    assert_eq!(store.money().unwrap().settled, cents(100));
}

/// What called parties chose outlives the node, and a fact that is said again counts once.
#[test]
fn what_called_parties_chose_is_kept() {
    let (_folder, store) = filled();
    let claim = |counter, micros| Fact::PrivateClaimed {
        call: CallId::from_parts(1, counter),
        agency: AgencyId(1),
        number: number(42),
        at: at(micros),
    };
    let block = |facility, micros| Fact::CallsBlocked {
        call: CallId::from_parts(1, 3),
        agency: AgencyId(1),
        facility,
        number: number(42),
        at: at(micros),
    };
    let jail = Some(FacilityId(1));
    let facts = [
        claim(1, 10),
        claim(1, 10),
        claim(2, 20),
        block(jail, 40),
        block(jail, 30),
        block(None, 50),
    ];
    let facts: Vec<_> = (1..).zip(facts).collect();
    store.project(&facts).unwrap();
    let kept = store.configuration().unwrap();
    let at_of =
        |micros: i64| PrivateClaim { agency: AgencyId(1), number: number(42), at: at(micros) };
    assert_eq!(kept.claims, [at_of(10), at_of(20)]);
    let blocked = |facility, micros| Block {
        agency: AgencyId(1),
        facility,
        number: number(42),
        at: at(micros),
    };
    assert_eq!(kept.blocks, [blocked(None, 50), blocked(jail, 40)]);
}

#[test]
fn a_recorded_name_has_its_times_and_wishes_wait_until_they_are_done() {
    let (_folder, store) = filled();
    store.project(&story()).unwrap();
    let names = store.names().unwrap();
    let [name] = names.as_slice() else { panic!("{names:?}") };
    assert_eq!((name.person, name.call, name.octets), (PersonId(1), call(6), 9_000));
    assert_eq!((name.sha256, name.recorded), ([7; 32], at(170)));
    let times = (name.heard, name.approved, name.removed);
    assert_eq!(times, (Some(at(171)), Some(at(172)), Some(at(174))));
    let wish = |(want, act)| NameWish {
        agency: AgencyId(1),
        person: PersonId(1),
        sha256: [7; 32],
        want,
        by: StaffId(3),
        act,
    };
    // Who listens twice is entered twice.
    let all = [(NameWant::Approve, 4), (NameWant::Listen, 5), (NameWant::Listen, 6)].map(wish);
    for wish in all.iter().chain(&all) {
        store.wish_name(wish).unwrap();
    }
    assert_eq!(store.name_wishes().unwrap(), all);
    store.name_wish_done(&all[1]).unwrap();
    assert_eq!(store.name_wishes().unwrap(), [all[0], all[2]]);
}

#[test]
fn how_calls_were_heard_is_kept_once_and_counted_over_all() {
    let (_folder, store) = filled();
    let leg = LegHeard { received: 98, lost: 2, sent: 100, ..LegHeard::default() };
    let uneven = LegHeard { jitter_there: Duration::from_micros(60_001), ..leg };
    let heard = |counter, station, called| {
        Fact::Heard(Box::new(Heard { call: call(counter), at: at(900), station, called }))
    };
    let facts = [
        admit(1, None),
        ended(1, 0, Rest::NoHold),
        heard(1, leg, LegHeard { lost: 3, ..leg }),
        // Said again, and of nobody.
        heard(1, leg, leg),
        heard(9, leg, leg),
        admit(2, None),
        heard(2, uneven, LegHeard { lost_there: 3, ..leg }),
    ];
    store.project(&(1..).zip(facts).collect::<Vec<_>>()).unwrap();
    let counts = store.heard(at(0)).unwrap();
    assert_eq!(counts, HeardCounts { legs: 4, lossy: 2, uneven: 1 });
    assert_eq!(store.heard(at(1_000_000)).unwrap(), HeardCounts::default());
}
