//! Stations that say who calls, or what they dial, or both.

use expect_test::{Expect, expect};
use model::{Language, Private, Side, Side::Station, fact::OffReason, fact::Refusal};
use std::string::ToString;

use super::ladder::{Ladder, admission, person, setup, unrecorded};
use crate::{Admission, Answer, Caller, Connect, Identified, Input, Price, Setup, Start};

fn check(ladder: &mut Ladder, expected: &Expect) {
    expected.assert_eq(&ladder.text());
}

fn starting(caller: Caller, dialled: Option<&str>) -> Ladder {
    let dialled = dialled.map(|keys| Private::new(keys.to_string()));
    Ladder::with(Setup { start: Start { caller, dialled, help: false }, ..setup() })
}

/// A line that costs nothing, keeps nothing and is put through at once.
fn at_once() -> Admission {
    let connect = Connect::AtOnce;
    Admission { price: Price::Free, connect, ..unrecorded(OffReason::StationOff) }
}

#[test]
fn a_hotline_of_nobody_rings_and_talks_at_once() {
    let mut ladder = starting(Caller::Nobody, Some("2025550150"));
    ladder.after(2).answer(Answer::Admitted(at_once())).after(500).input(Input::Ringing);
    // Keys mean nothing: there is nothing to choose and nothing to accept.
    ladder.keys(Station, "1*#").after(2_000).input(Input::CalledAnswered);
    ladder.keys(Side::Called, "2").after(3_000).input(Input::HungUp(Side::Called));
    check(
        &mut ladder,
        &expect![[r#"
            0.000   start
                        ask: may nobody call 2025550150
            0.002   office: admitted
                        dial +12025550142
                        ringback
            0.502   ringing
            0.502   station presses 1*#
            2.802   called party answers
                        event: answered
                        no tone
                        bridge, off: StationOff
                        event: talk
            2.802   called presses 2
            5.902   called hangs up
                        unbridge
                        hang up station (Normal)
                        finished: CalledHungUp, talked 3.1s, off: StationOff
        "#]],
    );
}

#[test]
fn at_once_is_for_what_is_free_and_unrecorded_only() {
    let mut text = std::string::String::new();
    let recorded = Admission { may_record: admission().may_record, ..at_once() };
    let charged = Admission { price: admission().price, ..at_once() };
    let announced = Admission { connect: Connect::Announced, ..at_once() };
    for admission in [recorded, charged, announced] {
        let mut ladder = starting(Caller::Nobody, Some("2025550150"));
        ladder.answer(Answer::Admitted(admission)).after(500).heard(Station).skip();
        ladder.after(2_000).input(Input::CalledAnswered);
        text.push_str(&ladder.text());
    }
    expect![[r#"
        2.500   called party answers
                    event: answered
                    comfort tone
                    event: notice en
                    called hears en: call_from, in_custody_at, "Cedar County Jail", no_charge_to_you,
                        call_is_free, notice_recorded, choose_accept_refuse, choose_private,
                        choose_price_block, es choose_language
                    station hears en: waiting_for_acceptance, call_from, in_custody_at,
                        "Cedar County Jail", call_is_free, notice_recorded
        2.500   called party answers
                    event: answered
                    comfort tone
                    event: notice en
                    called hears en: call_from, in_custody_at, "Cedar County Jail", no_charge_to_you,
                        caller_pays, $0.07, per_minute, notice_not_recorded,
                        choose_accept_refuse, choose_price_block, es choose_language
                    station hears en: waiting_for_acceptance, call_from, in_custody_at,
                        "Cedar County Jail", caller_pays, $0.07, per_minute,
                        notice_not_recorded
        2.500   called party answers
                    event: answered
                    comfort tone
                    event: notice en
                    called hears en: call_from, in_custody_at, "Cedar County Jail", no_charge_to_you,
                        call_is_free, notice_not_recorded, choose_accept_refuse,
                        choose_price_block, es choose_language
                    station hears en: waiting_for_acceptance, call_from, in_custody_at,
                        "Cedar County Jail", call_is_free, notice_not_recorded
    "#]].assert_eq(&text);
}

#[test]
fn a_hotline_that_may_not_be_called_says_so_and_ends() {
    let mut ladder = starting(Caller::Nobody, Some("2025550150"));
    ladder.answer(Answer::Denied(Refusal::NumberNotAllowed)).after(3_000).heard(Station);
    check(
        &mut ladder,
        &expect![[r#"
        0.000   start
                    ask: may nobody call 2025550150
        0.000   office: denied: NumberNotAllowed
                    station hears en: number_not_allowed, goodbye
        3.000   station heard it all
                    hang up station (Normal)
                    finished: nothing to settle, talked 0ns
    "#]],
    );
}

#[test]
fn a_number_dialled_en_bloc_waits_for_the_pin_alone() {
    let mut ladder = starting(Caller::AskPin, Some("2025550142"));
    // What is typed behind the PIN is for a prompt that never comes.
    ladder.after(900).keys(Station, "482913#2025550143#").answer(Answer::Person(person()));
    ladder.after(20).answer(Answer::Admitted(admission())).after(4_000).heard(Station);
    check(
        &mut ladder,
        &expect![[r#"
            0.000   start
                        station hears en: welcome, es welcome, enter_pin
            0.900   station presses 482913#2025550143#
                        station: hush
                        ask: whose PIN is 482913
            2.700   office: person known
                        ask: may 7 call 2025550142
            2.720   office: admitted
                        station hears en: call_costs, $0.07, per_minute, please_hold
            6.720   station heard it all
                        dial +12025550142
                        ringback
        "#]],
    );
}

#[test]
fn a_number_dialled_en_bloc_is_refused_once() {
    let mut ladder = starting(Caller::AskPin, Some("911"));
    ladder.after(900).keys(Station, "482913#").answer(Answer::Person(person())).skip();
    ladder.after(20).answer(Answer::Denied(Refusal::EmergencyNotHere)).after(4_000).heard(Station);
    check(
        &mut ladder,
        &expect![[r#"
        1.620   office: denied: EmergencyNotHere
                    station hears en: emergency_not_here, goodbye
        5.620   station heard it all
                    hang up station (Normal)
                    finished: nothing to settle, talked 0ns
    "#]],
    );
}

#[test]
fn a_station_of_somebodys_own_asks_for_the_number_in_their_language() {
    let who = Identified { language: Language::Es, ..person() };
    let mut ladder = starting(Caller::Known(who), None);
    ladder.after(900).keys(Station, "2025550142#");
    check(
        &mut ladder,
        &expect![[r#"
        0.000   start
                    station hears es: enter_number
        0.900   station presses 2025550142#
                    station: hush
                    ask: may 7 call 2025550142
    "#]],
    );
}

#[test]
fn nobody_has_no_balance() {
    let mut ladder = starting(Caller::Nobody, None);
    ladder.after(900).keys(Station, "*2025550150#");
    check(
        &mut ladder,
        &expect![[r#"
            0.000   start
                        station hears en: enter_service
            0.900   station presses *2025550150#
                        station: hush
                        ask: may nobody call 2025550150
        "#]],
    );
}

#[test]
fn a_call_of_nobody_names_nobody() {
    let mut ladder = starting(Caller::Nobody, Some("2025550150"));
    let free = Admission { price: Price::Free, ..admission() };
    ladder.answer(Answer::Admitted(free)).after(2_000).skip().input(Input::CalledAnswered);
    check(
        &mut ladder,
        &expect![[r#"
            2.000   called party answers
                        event: answered
                        comfort tone
                        event: notice en
                        called hears en: call_from, in_custody_at, "Cedar County Jail", no_charge_to_you,
                            call_is_free, notice_recorded, choose_accept_refuse, choose_private,
                            choose_price_block, es choose_language
                        station hears en: waiting_for_acceptance, call_from, in_custody_at,
                            "Cedar County Jail", call_is_free, notice_recorded
        "#]],
    );
}

#[test]
fn a_line_for_help_needs_no_pin_and_says_that_it_is_private() {
    let start = Start { help: true, ..Start::default() };
    let mut ladder = Ladder::with(Setup { start, ..setup() });
    let relay = Admission { connect: Connect::AtOnce, ..unrecorded(OffReason::Relay) };
    let relay = Admission { price: Price::Free, ..relay };
    ladder.after(900).keys(Station, "*").after(3_000).keys(Station, "711#");
    ladder.answer(Answer::Admitted(relay)).after(4_000).heard(Station);
    ladder.after(2_000).input(Input::CalledAnswered);
    check(
        &mut ladder,
        &expect![[r#"
            0.000   start
                        station hears en: welcome, es welcome, enter_pin, help_without_pin
            0.900   station presses *
                        station: hush
                        station hears en: enter_service
            4.000   station presses 711#
                        station: hush
                        ask: may nobody call 711
            4.400   office: admitted
                        station hears en: call_is_free, notice_protected
            8.400   station heard it all
                        dial +12025550142
                        ringback
            10.400  called party answers
                        event: answered
                        no tone
                        bridge, off: Relay
                        event: talk
        "#]],
    );
}

#[test]
fn a_star_means_nothing_where_there_is_no_help() {
    let mut ladder = Ladder::new();
    ladder.after(900).keys(Station, "*").timeout();
    check(
        &mut ladder,
        &expect![[r#"
        0.000   start
                    station hears en: welcome, es welcome, enter_pin
        0.900   station presses *
                    station: hush
        11.000  time-out
                    station hears en: enter_pin
    "#]],
    );
}

#[test]
fn every_refusal_is_told_with_its_reason() {
    let mut text = std::string::String::new();
    for reason in [
        Refusal::RegistryUnavailable,
        Refusal::AlreadyCalling,
        Refusal::DiskFull,
        Refusal::NoLawfulRate,
        Refusal::Unavailable,
    ] {
        let mut ladder = Ladder::new();
        ladder.reach_admit().skip().answer(Answer::Denied(reason));
        text.push_str(&ladder.text());
    }
    expect![[r#"
        3.400   office: denied: RegistryUnavailable
                    station hears en: registry_down, enter_number
        3.400   office: denied: AlreadyCalling
                    station hears en: already_calling, enter_number
        3.400   office: denied: DiskFull
                    station hears en: disk_full, enter_number
        3.400   office: denied: NoLawfulRate
                    station hears en: no_price, enter_number
        3.400   office: denied: Unavailable
                    station hears en: unavailable, enter_number
    "#]]
    .assert_eq(&text);
}
