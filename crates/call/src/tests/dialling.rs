//! The price and the ringing.

use expect_test::{Expect, expect};
use model::{Language, PlayId, Side, Side::Station};
use std::string::String;

use super::ladder::{Ladder, admission, person};
use crate::{Admission, Answer, Identified, Input, Price, TrunkFailure};

fn check(ladder: &mut Ladder, expected: &Expect) {
    expected.assert_eq(&ladder.text());
}

#[test]
fn free_call_is_not_promised_a_charge() {
    let mut ladder = Ladder::new();
    let free = Admission { price: Price::Free, ..admission() };
    ladder.reach_admit().skip().answer(Answer::Admitted(free)).after(2_000).heard(Station);
    check(
        &mut ladder,
        &expect![[r#"
            3.400   office: admitted
                        station hears en: call_is_free
            5.400   station heard it all
                        dial +12025550142
                        ringback
        "#]],
    );
}

#[test]
fn price_is_told_in_the_persons_language() {
    let mut ladder = Ladder::new();
    let who = Identified { language: Language::Es, ..person() };
    ladder.keys(Station, "4711#").answer(Answer::Person(who)).keys(Station, "2025550142#");
    ladder.skip().answer(Answer::Admitted(admission())).after(1).input(Input::Ringing).timeout();
    check(
        &mut ladder,
        &expect![[r#"
            1.600   office: admitted
                        station hears es: call_costs, $0.07, per_minute, please_hold
            1.601   ringing
            61.600  time-out
                        dial +12025550142
                        ringback
        "#]],
    );
}

#[test]
fn dialling_waits_for_the_end_of_the_price_and_of_no_other_play() {
    let mut ladder = Ladder::new();
    ladder.reach_admit().answer(Answer::Admitted(admission())).skip();
    ladder.input(Input::Played { side: Station, play: PlayId(1), end: crate::PlayEnd::Cut });
    ladder.keys(Station, "1#").cut(Station);
    check(
        &mut ladder,
        &expect![[r#"
            3.400   input
            3.400   station presses 1#
            3.600   station heard it in part
                        dial +12025550142
                        ringback
        "#]],
    );
}

#[test]
fn trunk_failures() {
    let mut text = String::new();
    for failure in [
        TrunkFailure::Busy,
        TrunkFailure::NoAnswer,
        TrunkFailure::Unallocated,
        TrunkFailure::Declined,
        TrunkFailure::Forwarded,
        TrunkFailure::Failed,
    ] {
        let mut ladder = Ladder::new();
        ladder.reach_ringing(admission()).skip().input(Input::CalledFailed(failure));
        ladder.after(2_500).heard(Station);
        text.push_str(&ladder.text());
    }
    expect![[r#"
        7.920   trunk: Busy
                    no tone
                    station hears en: busy
        10.420  station heard it all
                    hang up station (Normal)
                    finished: Busy, talked 0ns
        7.920   trunk: NoAnswer
                    no tone
                    station hears en: no_answer
        10.420  station heard it all
                    hang up station (Normal)
                    finished: NoAnswer, talked 0ns
        7.920   trunk: Unallocated
                    no tone
                    station hears en: unallocated
        10.420  station heard it all
                    hang up station (Normal)
                    finished: Unallocated, talked 0ns
        7.920   trunk: Declined
                    no tone
                    station hears en: declined
        10.420  station heard it all
                    hang up station (Normal)
                    finished: Declined, talked 0ns
        7.920   trunk: Forwarded
                    no tone
                    station hears en: forwarded
        10.420  station heard it all
                    hang up station (Normal)
                    finished: Forwarded, talked 0ns
        7.920   trunk: Failed
                    no tone
                    station hears en: not_connected
        10.420  station heard it all
                    hang up station (Normal)
                    finished: TrunkFailed, talked 0ns
    "#]]
    .assert_eq(&text);
}

#[test]
fn nobody_answers() {
    let mut ladder = Ladder::new();
    ladder.reach_ringing(admission()).skip().keys(Station, "1#*").keys(Side::Called, "1").timeout();
    // Crossing answers mean nothing once we gave up.
    ladder.input(Input::CalledAnswered).after(2_500).heard(Station);
    check(
        &mut ladder,
        &expect![[r#"
            7.920   station presses 1#*
            8.220   called presses 1
            52.420  time-out
                        no tone
                        station hears en: no_answer
                        hang up called (Normal)
            52.420  called party answers
            54.920  station heard it all
                        hang up station (Normal)
                        finished: NoAnswer, talked 0ns
        "#]],
    );
}

#[test]
fn no_early_media_is_no_loss() {
    let mut ladder = Ladder::new();
    ladder.reach_ringing(admission()).skip();
    let last = ladder.now;
    ladder.input(Input::MediaLost { side: Side::Called, last });
    ladder.input(Input::MediaLost { side: Station, last });
    check(
        &mut ladder,
        &expect![[r#"
            7.920   called is silent
            7.920   station is silent
                        no tone
                        hang up station (Normal)
                        hang up called (Normal)
                        finished: MediaLost, talked 0ns
        "#]],
    );
}
