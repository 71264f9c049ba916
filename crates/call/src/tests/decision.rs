//! What the called party decides after the notice, and in which language.

use expect_test::{Expect, expect};
use model::{
    Language, PromptId,
    Side::{Called, Station},
};

use super::ladder::{Ladder, admission, complete};
use crate::{Admission, Input, PlayEnd};

fn check(ladder: &mut Ladder, expected: &Expect) {
    expected.assert_eq(&ladder.text());
}

#[test]
fn refused_by_key() {
    let mut ladder = Ladder::new();
    let spanish = Admission { called_language: Language::Es, ..admission() };
    ladder.reach_deciding(spanish).skip().after(900).keys(Called, "2");
    ladder.after(1_800).heard(Station).after(600).heard(Called);
    check(
        &mut ladder,
        &expect![[r#"
            26.820  called presses 2
                        no tone
                        station hears en: not_accepted
                        called hears es: refused
            28.720  station heard it all
                        hang up station (Normal)
            29.320  called heard it all
                        hang up called (Normal)
                        finished: RefusedByKey, talked 0ns, key 2
        "#]],
    );
}

#[test]
fn refused_while_the_notice_is_played() {
    let mut ladder = Ladder::new();
    ladder.reach_notice(admission()).skip().after(900).keys(Called, "2");
    ladder.after(1_800).heard(Called).after(600).input(Input::HungUp(Station));
    check(
        &mut ladder,
        &expect![[r#"
            11.820  called presses 2
                        no tone
                        station hears en: not_accepted
                        called hears en: refused
            13.720  called heard it all
                        hang up called (Normal)
            14.320  station hangs up
                        finished: RefusedByKey, talked 0ns, key 2
        "#]],
    );
}

#[test]
fn language_is_switched_and_remembered() {
    let mut ladder = Ladder::new();
    ladder.reach_notice(admission()).skip().after(2_000).keys(Called, "9");
    check(
        &mut ladder,
        &expect![[r#"
            12.920  called presses 9
                        event: language es
                        event: notice es
                        called hears es: call_from, "Marcus Bell", in_custody_at, "Cedar County Jail",
                            no_charge_to_you, caller_pays, $0.07, per_minute, notice_recorded,
                            choose_accept_refuse, choose_private, choose_price_block,
                            en choose_language
                        station hears en: waiting_for_acceptance, call_from, "Marcus Bell", in_custody_at,
                            "Cedar County Jail", caller_pays, $0.07, per_minute, notice_recorded
        "#]],
    );
    // The plays it replaced end without meaning.
    let [station, called] = [Station, Called].map(|side| ladder.latest(side).unwrap().0 - 2);
    for (side, play) in [(Station, station), (Called, called)] {
        let play = model::PlayId(play);
        ladder.input(Input::Played { side, play, end: PlayEnd::Cut });
        ladder.input(Input::Played { side, play, end: complete(play, ladder.now) });
    }
    ladder.keys(Called, "1");
    check(
        &mut ladder,
        &expect![[r#"
        13.020  input
        13.020  input
        13.020  input
        13.020  input
        13.020  called presses 1
    "#]],
    );
    ladder.notice_heard().after(300).keys(Called, "1");
    check(
        &mut ladder,
        &expect![[r#"
              25.120  station heard it all
              28.120  called heard it all
              28.420  called presses 1
                          ask: commit, Ok(Epoch(3))
        "#]],
    );
    assert_eq!(ladder.evidence.unwrap().language, Language::Es);

    let mut ladder = Ladder::new();
    let spanish = Admission { called_language: Language::Es, ..admission() };
    ladder.reach_deciding(spanish).skip().keys(Called, "9").notice_heard().keys(Called, "1");
    check(
        &mut ladder,
        &expect![[r#"
            25.920  called presses 9
                        event: language en
                        event: notice en
                        called hears en: call_from, "Marcus Bell", in_custody_at, "Cedar County Jail",
                            no_charge_to_you, caller_pays, $0.07, per_minute, notice_recorded,
                            choose_accept_refuse, choose_private, choose_price_block,
                            es choose_language
                        station hears en: waiting_for_acceptance, call_from, "Marcus Bell", in_custody_at,
                            "Cedar County Jail", caller_pays, $0.07, per_minute, notice_recorded
            38.020  station heard it all
            41.020  called heard it all
            41.020  called presses 1
                        ask: commit, Ok(Epoch(3))
        "#]],
    );
}

#[test]
fn language_switches_have_a_limit() {
    let mut ladder = Ladder::new();
    ladder.reach_notice(admission()).keys(Called, "99999").notice_heard().keys(Called, "9").skip();
    // Six are enough, during the notice and after it. The key is a wrong one then.
    ladder.keys(Called, "9").notice_heard().skip().keys(Called, "9");
    check(
        &mut ladder,
        &expect![[r#"
            41.620  called presses 9
                        called hears en: wrong_key, choose_accept_refuse, choose_private,
                            choose_price_block, es choose_language
        "#]],
    );
}

#[test]
fn switches_use_up_no_notice() {
    let mut ladder = Ladder::new();
    ladder.reach_notice(admission()).keys(Called, "999999").skip();
    for _ in 0..3 {
        ladder.cut(Called);
    }
    assert!(ladder.text().contains("notice_recorded"));
    ladder.cut(Called);
    check(
        &mut ladder,
        &expect![[r#"
            11.520  called heard it in part
                        no tone
                        station hears en: not_accepted
                        hang up called (Normal)
        "#]],
    );
}

#[test]
fn wrong_key_then_right_key() {
    let mut ladder = Ladder::new();
    ladder.reach_deciding(admission()).skip().after(900).keys(Called, "5");
    check(
        &mut ladder,
        &expect![[r#"
            26.820  called presses 5
                        called hears en: wrong_key, choose_accept_refuse, choose_private,
                            choose_price_block, es choose_language
        "#]],
    );
    // While they hear it, and just as it ends, the accepting key is cleared.
    ladder.keys(Called, "1").after(4_900).heard(Called).after(99).late_key(Called, '1', 0);
    check(
        &mut ladder,
        &expect![[r#"
            26.920  called presses 1
            31.920  called heard it all
            32.019  called presses 1, begun 0 ms ago
        "#]],
    );
    ladder.after(1).late_key(Called, '1', 0);
    check(
        &mut ladder,
        &expect![[r#"
            32.020  called presses 1, begun 0 ms ago
                        ask: commit, Ok(Epoch(3))
        "#]],
    );
    // What they accepted is the notice, which ended long before.
    let evidence = ladder.evidence.unwrap();
    assert_eq!(evidence.prompts.first(), Some(&PromptId::CallFrom));
    assert_eq!(evidence.notice_ended.micros(), 25_920_000);
}

#[test]
fn after_a_wrong_key_everything_else_is_as_after_the_notice() {
    let told = || {
        let mut ladder = Ladder::new();
        ladder.reach_deciding(admission()).after(900).keys(Called, "5").after(1_000).skip();
        ladder
    };
    // Refusing is at once, and silence brings the whole notice again after its time.
    let mut ladder = told();
    ladder.keys(Called, "2");
    assert!(ladder.text().contains("called hears en: refused"));
    let mut ladder = told();
    ladder.heard(Called).skip().timeout();
    check(
        &mut ladder,
        &expect![[r#"
        37.920  time-out
                    event: notice en
                    called hears en: call_from, "Marcus Bell", in_custody_at, "Cedar County Jail",
                        no_charge_to_you, caller_pays, $0.07, per_minute, notice_recorded,
                        choose_accept_refuse, choose_private, choose_price_block,
                        es choose_language
                    station hears en: waiting_for_acceptance, call_from, "Marcus Bell", in_custody_at,
                        "Cedar County Jail", caller_pays, $0.07, per_minute, notice_recorded
    "#]],
    );
    // What played before it ends without meaning; where nobody hears it, both hear the notice.
    let mut ladder = told();
    let play = model::PlayId(ladder.latest(Called).unwrap().0 - 2);
    ladder.input(Input::Played { side: Called, play, end: PlayEnd::Cut });
    assert!(!ladder.text().contains("notice"));
    ladder.cut(Called);
    assert!(ladder.text().contains("event: notice en"));
    // Somebody else who is there by now hears it too.
    let mut ladder = told();
    ladder.input(Input::LegMoved(Called));
    assert!(ladder.text().contains("event: notice en"));
    // Its end is never told: like silence.
    let mut ladder = told();
    ladder.timeout();
    assert!(ladder.text().contains("event: notice en"));
}

#[test]
fn wrong_keys_to_the_end() {
    let mut ladder = Ladder::new();
    ladder.reach_deciding(admission());
    for _ in 0..3 {
        ladder.keys(Called, "#").notice_heard();
    }
    ladder.skip().keys(Called, "0").after(1_000).heard(Called).heard(Station);
    check(
        &mut ladder,
        &expect![[r#"
            71.220  called presses 0
                        no tone
                        station hears en: not_accepted
                        called hears en: wrong_key, goodbye
            72.320  called heard it all
                        hang up called (Normal)
            72.320  station heard it all
                        hang up station (Normal)
                        finished: NotAccepted, talked 0ns
        "#]],
    );
}

#[test]
fn silence_to_the_end() {
    let mut ladder = Ladder::new();
    ladder.reach_deciding(admission()).skip().timeout();
    check(
        &mut ladder,
        &expect![[r#"
            35.920  time-out
                        event: notice en
                        called hears en: call_from, "Marcus Bell", in_custody_at, "Cedar County Jail",
                            no_charge_to_you, caller_pays, $0.07, per_minute, notice_recorded,
                            choose_accept_refuse, choose_private, choose_price_block,
                            es choose_language
                        station hears en: waiting_for_acceptance, call_from, "Marcus Bell", in_custody_at,
                            "Cedar County Jail", caller_pays, $0.07, per_minute, notice_recorded
        "#]],
    );
    for _ in 0..2 {
        ladder.notice_heard().timeout();
    }
    ladder.notice_heard().skip().timeout().after(2_000).heard(Station).heard(Called);
    check(
        &mut ladder,
        &expect![[r#"
            110.920 time-out
                        no tone
                        station hears en: not_accepted
                        called hears en: no_key_pressed
            112.920 station heard it all
                        hang up station (Normal)
            112.920 called heard it all
                        hang up called (Normal)
                        finished: NotAccepted, talked 0ns
        "#]],
    );
}
