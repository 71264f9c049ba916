//! The menu.

use expect_test::{Expect, expect};
use model::{
    Language, Money, PlayId,
    Side::Station,
    fact::{EndReason, Refusal},
};
use std::string::String;

use super::ladder::{Ladder, admission, describe_end, person, setup};
use crate::{Answer, Identified, Input};

fn check(ladder: &mut Ladder, expected: &Expect) {
    expected.assert_eq(&ladder.text());
}

#[test]
fn pin_and_number_may_be_typed_at_once() {
    let mut ladder = Ladder::new();
    ladder.keys(Station, "4711#2025550142#").answer(Answer::Person(person()));
    check(
        &mut ladder,
        &expect![[r#"
            0.000   start
                        station hears en: welcome, es welcome, enter_pin
            0.000   station presses 4711#2025550142#
                        station: hush
                        ask: whose PIN is 4711
            1.600   office: person known
                        ask: may 7 call 2025550142
        "#]],
    );
}

#[test]
fn a_pound_too_many_is_nothing() {
    let mut ladder = Ladder::new();
    ladder.keys(Station, "#4711##").answer(Answer::Person(person())).keys(Station, "##A");
    check(
        &mut ladder,
        &expect![[r#"
            0.000   start
                        station hears en: welcome, es welcome, enter_pin
            0.000   station presses #4711##
                        station: hush
                        ask: whose PIN is 4711
            0.700   office: person known
                        station hears en: enter_number
            0.700   station presses ##A
        "#]],
    );
}

#[test]
fn a_lone_2_chooses_spanish_for_the_whole_call() {
    let mut ladder = Ladder::new();
    ladder.after(2_000).keys(Station, "2").timeout().skip();
    ladder.keys(Station, "4711#").answer(Answer::PinUnknown).keys(Station, "4712#");
    ladder.answer(Answer::Person(person()));
    check(
        &mut ladder,
        &expect![[r#"
            4.100   station presses 4711#
                        station: hush
                        ask: whose PIN is 4711
            4.600   office: PIN unknown
                        station hears es: pin_unknown, enter_pin
            4.600   station presses 4712#
                        station: hush
                        ask: whose PIN is 4712
            5.100   office: person known
                        station hears es: enter_number
        "#]],
    );
}

#[test]
fn the_pressed_language_wins_over_the_stored_one() {
    let spanish = || Identified { language: Language::Es, ..person() };
    let mut text = String::new();
    for pressed in ["", "1", "2"] {
        let mut ladder = Ladder::new();
        ladder.keys(Station, pressed);
        if !pressed.is_empty() {
            ladder.timeout();
        }
        ladder.keys(Station, "4711#").skip().answer(Answer::Person(spanish()));
        text.push_str(&ladder.text());
    }
    expect![[r#"
        0.500   office: person known
                    station hears es: enter_number
        2.600   office: person known
                    station hears en: enter_number
        2.600   office: person known
                    station hears es: enter_number
    "#]]
    .assert_eq(&text);
}

#[test]
fn language_choice_waits_two_seconds_and_comes_once() {
    let mut ladder = Ladder::new();
    ladder.keys(Station, "1").timeout().after(500).keys(Station, "2").timeout();
    check(
        &mut ladder,
        &expect![[r#"
            0.000   start
                        station hears en: welcome, es welcome, enter_pin
            0.000   station presses 1
                        station: hush
            2.100   time-out
                        station hears en: enter_pin
            2.600   station presses 2
                        station: hush
            6.700   time-out
                        ask: whose PIN is 2
        "#]],
    );
}

#[test]
fn a_pin_may_begin_with_1() {
    let mut ladder = Ladder::new();
    ladder.keys(Station, "12").timeout();
    check(
        &mut ladder,
        &expect![[r#"
            0.000   start
                        station hears en: welcome, es welcome, enter_pin
            0.000   station presses 12
                        station: hush
            4.200   time-out
                        ask: whose PIN is 12
        "#]],
    );
}

#[test]
fn other_digits_are_no_choice_of_language() {
    let mut ladder = Ladder::new();
    ladder.keys(Station, "3").timeout();
    check(
        &mut ladder,
        &expect![[r#"
            0.000   start
                        station hears en: welcome, es welcome, enter_pin
            0.000   station presses 3
                        station: hush
            4.100   time-out
                        ask: whose PIN is 3
        "#]],
    );
}

#[test]
fn star_wipes_a_pin() {
    let mut ladder = Ladder::new();
    ladder.keys(Station, "99*").after(9_000).keys(Station, "4711#");
    check(
        &mut ladder,
        &expect![[r#"
            0.000   start
                        station hears en: welcome, es welcome, enter_pin
            0.000   station presses 99*
                        station: hush
            9.300   station presses 4711#
                        ask: whose PIN is 4711
        "#]],
    );
}

#[test]
fn a_pin_that_is_too_long_is_not_shortened() {
    let mut ladder = Ladder::new();
    ladder.keys(Station, "12345678901234567890#").answer(Answer::PinUnknown).skip();
    ladder.keys(Station, "123456789012345678901#");
    check(
        &mut ladder,
        &expect![[r#"
            2.100   station presses 123456789012345678901#
                        station: hush
                        station hears en: pin_unknown, enter_pin
        "#]],
    );
}

#[test]
fn a_number_that_is_too_long_is_not_shortened() {
    let mut ladder = Ladder::new();
    ladder.reach_number().skip().keys(Station, "123456789012345678901#");
    check(
        &mut ladder,
        &expect![[r#"
            1.420   station presses 123456789012345678901#
                        station: hush
                        station hears en: number_invalid, enter_number
        "#]],
    );
}

#[test]
fn wrong_pin_three_times() {
    let mut ladder = Ladder::new();
    for pin in ["1111#", "2222#", "3333#"] {
        // What was typed ahead was meant for another prompt.
        ladder.keys(Station, pin).keys(Station, "202").answer(Answer::PinUnknown);
    }
    ladder.after(3_000).heard(Station);
    check(
        &mut ladder,
        &expect![[r#"
            0.000   start
                        station hears en: welcome, es welcome, enter_pin
            0.000   station presses 1111#
                        station: hush
                        ask: whose PIN is 1111
            0.500   station presses 202
            0.800   office: PIN unknown
                        station hears en: pin_unknown, enter_pin
            0.800   station presses 2222#
                        station: hush
                        ask: whose PIN is 2222
            1.300   station presses 202
            1.600   office: PIN unknown
                        station hears en: pin_unknown, enter_pin
            1.600   station presses 3333#
                        station: hush
                        ask: whose PIN is 3333
            2.100   station presses 202
            2.400   office: PIN unknown
                        station hears en: pin_unknown, goodbye
            5.400   station heard it all
                        hang up station (Normal)
                        finished: nothing to settle, talked 0ns
        "#]],
    );
}

#[test]
fn a_locked_station_says_so() {
    let mut ladder = Ladder::new();
    ladder.keys(Station, "1111#").skip().answer(Answer::PinLocked).after(3_000).heard(Station);
    check(
        &mut ladder,
        &expect![[r#"
            0.500   office: PIN locked
                        station hears en: pin_locked
            3.500   station heard it all
                        hang up station (Normal)
                        finished: nothing to settle, talked 0ns
        "#]],
    );
}

#[test]
fn silence_uses_up_attempts() {
    let mut ladder = Ladder::new();
    ladder.after(8_000).heard(Station).timeout().after(3_000).cut(Station).timeout();
    // A prompt whose end is never reported counts as silence too.
    ladder.timeout().timeout();
    check(
        &mut ladder,
        &expect![[r#"
            0.000   start
                        station hears en: welcome, es welcome, enter_pin
            8.000   station heard it all
            18.000  time-out
                        station hears en: enter_pin
            21.000  station heard it in part
            31.000  time-out
                        station hears en: enter_pin
            91.000  time-out
                        station hears en: goodbye
            106.000 time-out
                        hang up station (Normal)
                        finished: nothing to settle, talked 0ns
        "#]],
    );
}

#[test]
fn an_old_prompt_ends_without_meaning() {
    let mut ladder = Ladder::new();
    let first = ladder.latest(Station).unwrap();
    ladder.heard(Station).timeout().after(100).skip();
    let until = ladder.machine.poll_timeout();
    for play in [first, PlayId(99)] {
        let end = super::ladder::complete(play, ladder.now);
        ladder.input(Input::Played { side: Station, play, end });
    }
    assert_eq!(ladder.machine.poll_timeout(), until);
}

#[test]
fn balance_then_number() {
    let mut ladder = Ladder::new();
    ladder.reach_number().skip().after(2_000).keys(Station, "*");
    ladder.answer(Answer::Balance(Money::from_cents(1_234))).after(5_000).heard(Station);
    ladder.keys(Station, "20*2025550142").timeout();
    check(
        &mut ladder,
        &expect![[r#"
            3.420   station presses *
                        station: hush
                        ask: balance of 7
            3.520   office: balance $12.34
                        station hears en: balance_is, $12.34, enter_number
            8.520   station heard it all
            8.520   station presses 20*2025550142
            13.820  time-out
                        ask: may 7 call 2025550142
        "#]],
    );
}

#[test]
fn number_typed_while_the_balance_is_looked_up() {
    let mut ladder = Ladder::new();
    ladder.keys(Station, "4711#*202").answer(Answer::Person(person())).keys(Station, "5550142#");
    ladder.answer(Answer::Balance(Money::ZERO));
    check(
        &mut ladder,
        &expect![[r#"
            0.000   start
                        station hears en: welcome, es welcome, enter_pin
            0.000   station presses 4711#*202
                        station: hush
                        ask: whose PIN is 4711
            0.900   office: person known
                        ask: balance of 7
            0.900   station presses 5550142#
            1.700   office: balance $0.00
                        ask: may 7 call 2025550142
        "#]],
    );
}

#[test]
fn type_ahead_has_a_limit() {
    let mut ladder = Ladder::new();
    ladder.keys(Station, "4711#").skip();
    // 40 keys are kept, so the pound is not.
    ladder.keys(Station, &"*".repeat(40)).keys(Station, "#");
    ladder.answer(Answer::Person(person())).answer(Answer::Balance(Money::ZERO));
    for _ in 0..3 {
        ladder.answer(Answer::Balance(Money::ZERO));
    }
    check(
        &mut ladder,
        &expect![[r#"
            0.500   station presses ****************************************
            4.500   station presses #
            4.600   office: person known
                        ask: balance of 7
            4.600   office: balance $0.00
                        ask: balance of 7
            4.600   office: balance $0.00
                        ask: balance of 7
            4.600   office: balance $0.00
                        ask: balance of 7
            4.600   office: balance $0.00
                        ask: balance of 7
        "#]],
    );
    let mut ladder = Ladder::new();
    ladder.keys(Station, "4711#").skip();
    ladder.keys(Station, &"#".repeat(38)).keys(Station, "12#").answer(Answer::Person(person()));
    check(
        &mut ladder,
        &expect![[r#"
            0.500   station presses ######################################
            4.300   station presses 12#
            4.600   office: person known
        "#]],
    );
}

#[test]
fn insufficient_funds() {
    let mut ladder = Ladder::new();
    ladder.reach_admit().skip().answer(Answer::Denied(Refusal::InsufficientFunds));
    ladder.after(6_000).heard(Station).input(Input::HungUp(Station));
    check(
        &mut ladder,
        &expect![[r#"
            3.400   office: denied: InsufficientFunds
                        station hears en: insufficient_funds, enter_number
            9.400   station heard it all
            9.400   station hangs up
                        finished: nothing to settle, talked 0ns
        "#]],
    );
}

#[test]
fn refusals_are_spoken_and_the_last_one_ends() {
    let mut ladder = Ladder::new();
    ladder.reach_number().skip();
    for reason in [
        Refusal::NumberInvalid,
        Refusal::NumberNotAllowed,
        Refusal::NumberBlocked,
        Refusal::EmergencyNotHere,
        Refusal::NoLawfulRate,
        Refusal::RegistryUnavailable,
    ] {
        ladder.keys(Station, "1#").answer(Answer::Denied(reason));
    }
    ladder.heard(Station);
    check(
        &mut ladder,
        &expect![[r#"
            1.420   station presses 1#
                        station: hush
                        ask: may 7 call 1
            1.620   office: denied: NumberInvalid
                        station hears en: number_invalid, enter_number
            1.620   station presses 1#
                        station: hush
                        ask: may 7 call 1
            1.820   office: denied: NumberNotAllowed
                        station hears en: number_not_allowed, enter_number
            1.820   station presses 1#
                        station: hush
                        ask: may 7 call 1
            2.020   office: denied: NumberBlocked
                        station hears en: number_blocked, enter_number
            2.020   station presses 1#
                        station: hush
                        ask: may 7 call 1
            2.220   office: denied: EmergencyNotHere
                        station hears en: emergency_not_here, enter_number
            2.220   station presses 1#
                        station: hush
                        ask: may 7 call 1
            2.420   office: denied: NoLawfulRate
                        station hears en: no_price, enter_number
            2.420   station presses 1#
                        station: hush
                        ask: may 7 call 1
            2.620   office: denied: RegistryUnavailable
                        station hears en: registry_down, goodbye
            2.620   station heard it all
                        hang up station (Normal)
                        finished: nothing to settle, talked 0ns
        "#]],
    );
}

#[test]
fn unavailable_is_spoken() {
    let mut ladder = Ladder::new();
    ladder.reach_admit().skip().answer(Answer::Denied(Refusal::Unavailable));
    check(
        &mut ladder,
        &expect![[r#"
            3.400   office: denied: Unavailable
                        station hears en: unavailable, enter_number
        "#]],
    );
}

#[test]
fn silence_at_the_number() {
    let mut ladder = Ladder::new();
    ladder.reach_number().skip().heard(Station).timeout();
    check(
        &mut ladder,
        &expect![[r#"
            1.420   station heard it all
            11.420  time-out
                        station hears en: enter_number
        "#]],
    );
}

#[test]
fn office_does_not_answer() {
    let mut text = String::new();
    for keys in ["4711#", "4711#*", "4711#2025550142#"] {
        let mut ladder = Ladder::new();
        ladder.keys(Station, keys);
        if keys.len() > 5 {
            ladder.answer(Answer::Person(person()));
        }
        ladder.skip().timeout().after(3_000).heard(Station);
        text.push_str(&ladder.text());
    }
    expect![[r#"
        5.500   time-out
                    station hears en: unavailable
        8.500   station heard it all
                    hang up station (Normal)
                    finished: nothing to settle, talked 0ns
        5.600   time-out
                    station hears en: unavailable
        8.600   station heard it all
                    hang up station (Normal)
                    finished: nothing to settle, talked 0ns
        6.600   time-out
                    station hears en: unavailable
        9.600   station heard it all
                    hang up station (Normal)
                    finished: Fault, talked 0ns
    "#]]
    .assert_eq(&text);
}

#[test]
fn answers_to_questions_not_asked_mean_nothing() {
    let mut ladder = Ladder::new();
    ladder.keys(Station, "4711#").skip();
    ladder.answer(Answer::Admitted(admission())).answer(Answer::Balance(Money::ZERO));
    ladder.answer(Answer::Committed { recording: Ok(model::fact::Epoch(3)) });
    ladder.answer(Answer::Denied(Refusal::Unavailable));
    ladder.answer(Answer::Person(person())).answer(Answer::Person(person()));
    check(
        &mut ladder,
        &expect![[r#"
            0.500   office: admitted
            0.500   office: balance $0.00
            0.500   office: durable, epoch 3
            0.500   office: denied: Unavailable
            0.500   office: person known
                        station hears en: enter_number
            0.500   office: person known
        "#]],
    );
}

#[test]
fn hang_up_while_admission_is_asked_waits_for_the_answer() {
    let hung_up = |answer: Option<Answer>| {
        let mut ladder = Ladder::new();
        ladder.reach_admit();
        let asked_until = ladder.machine.poll_timeout();
        ladder.input(Input::HungUp(Station));
        assert_eq!(ladder.machine.poll_timeout(), asked_until);
        assert!(ladder.finished.is_none(), "the admission may still be made");
        ladder.input(Input::Stop(EndReason::NodeStopping));
        assert!(ladder.finished.is_none(), "the admission may still be made");
        match answer {
            Some(answer) => ladder.after(1_000).answer(answer),
            None => ladder.timeout(),
        };
        describe_end(&ladder.finished.take().unwrap())
    };
    expect!["finished: StationHungUp, talked 0ns"]
        .assert_eq(&hung_up(Some(Answer::Admitted(admission()))));
    expect!["finished: nothing to settle, talked 0ns"]
        .assert_eq(&hung_up(Some(Answer::Denied(Refusal::InsufficientFunds))));
    // It may have been made without our knowing, so the office is told to settle what it finds.
    expect!["finished: StationHungUp, talked 0ns"].assert_eq(&hung_up(None));
}

#[test]
fn late_answer_during_a_farewell_counts() {
    for (answer, settled) in [
        (Answer::Admitted(admission()), Some(EndReason::Fault)),
        (Answer::Denied(Refusal::Unavailable), None),
    ] {
        let mut ladder = Ladder::new();
        ladder.reach_admit().timeout().after(100).answer(answer);
        assert!(ladder.finished.is_none(), "the farewell is still being played");
        // A second answer changes nothing.
        ladder.answer(Answer::Admitted(admission())).answer(Answer::Denied(Refusal::Unavailable));
        ladder.heard(Station);
        assert_eq!(ladder.finished.take().unwrap().reason, settled);
    }
}

#[test]
fn timing_comes_from_the_setup() {
    let mut setup = setup();
    setup.timing.pin_attempts_count_max = 1;
    let mut ladder = Ladder::with(setup);
    ladder.skip().keys(Station, "1111#").answer(Answer::PinUnknown);
    check(
        &mut ladder,
        &expect![[r#"
            0.000   station presses 1111#
                        station: hush
                        ask: whose PIN is 1111
            0.500   office: PIN unknown
                        station hears en: pin_unknown, goodbye
        "#]],
    );
}

#[test]
fn time_outs_before_their_time_mean_nothing() {
    let mut ladder = Ladder::new();
    ladder.skip().after(59_999).input(Input::Timeout);
    check(
        &mut ladder,
        &expect![[r#"
              59.999  input
        "#]],
    );
}

#[test]
#[should_panic(expected = "drain the outputs before the next input")]
fn outputs_are_drained_before_the_next_input() {
    let mut machine = crate::Machine::new(setup(), model::Timestamp::default());
    machine.handle(model::Timestamp::default(), Input::Ringing);
}
