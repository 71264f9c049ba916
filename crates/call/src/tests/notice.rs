//! The notice and the decision.

use expect_test::{Expect, expect};
use model::{
    Language, PromptId,
    Side::{Called, Station},
    fact::{ConsentEvidence, EndReason, Epoch, KeyPath, OffReason},
    speech::ContentHash,
};
use std::{string::String, vec::Vec};

use super::ladder::{Ladder, admission, complete, content, unrecorded};
use crate::{Admission, Answer, Input, Price};

fn check(ladder: &mut Ladder, expected: &Expect) {
    expected.assert_eq(&ladder.text());
}

#[test]
fn accepted_and_recorded() {
    let mut ladder = Ladder::new();
    ladder.reach_talk(admission()).after(7_000).input(Input::HungUp(Called));
    check(
        &mut ladder,
        &expect![[r#"
            0.000   start
                        station hears en: welcome, es welcome, enter_pin
            0.900   station presses 4711#
                        station: hush
                        ask: whose PIN is 4711
            1.420   office: person known
                        station hears en: enter_number
            2.300   station presses 2025550142#
                        station: hush
                        ask: may 7 call 2025550142
            3.420   office: admitted
                        station hears en: call_costs, $0.07, per_minute, please_hold
            7.420   station heard it all
                        dial +12025550142
                        ringback
            7.920   ringing
            10.920  called party answers
                        event: answered
                        comfort tone
                        event: notice en
                        called hears en: call_from, "Marcus Bell", in_custody_at, "Cedar County Jail",
                            no_charge_to_you, caller_pays, $0.07, per_minute, notice_recorded,
                            choose_accept_refuse, choose_private, choose_price_block,
                            es choose_language
                        station hears en: waiting_for_acceptance, call_from, "Marcus Bell", in_custody_at,
                            "Cedar County Jail", caller_pays, $0.07, per_minute, notice_recorded
            22.920  station heard it all
            25.920  called heard it all
            26.820  called presses 1
                        ask: commit, Ok(Epoch(3))
            26.930  office: durable, epoch 3
                        no tone
                        bridge, recorded (epoch 3)
                        event: talk
            33.930  called hangs up
                        unbridge
                        hang up station (Normal)
                        finished: CalledHungUp, talked 7s, key 1
        "#]],
    );
}

#[test]
fn consent_rests_on_what_was_played_and_pressed() {
    let mut ladder = Ladder::new();
    ladder.reach_notice(admission());
    let [station, called] = [Station, Called].map(|side| content(ladder.latest(side).unwrap()));
    ladder.notice_heard();
    let notice_ended = ladder.now;
    ladder.after(900).keys(Called, "1").answer(Answer::Committed { recording: Ok(Epoch(3)) });
    let evidence = ConsentEvidence {
        pack: ContentHash([9; 32]),
        prompts: Vec::from([
            PromptId::CallFrom,
            PromptId::InCustodyAt,
            PromptId::NoChargeToYou,
            PromptId::CallerPays,
            PromptId::PerMinute,
            PromptId::NoticeRecorded,
            PromptId::ChooseAcceptRefuse,
            PromptId::ChoosePrivate,
            PromptId::ChoosePriceBlock,
            PromptId::ChooseLanguage,
        ]),
        language: Language::En,
        played_called: called,
        played_station: station,
        notice_ended,
        key_onset: ladder.now,
        key: '1',
        path: KeyPath::TelephoneEvent,
    };
    assert_eq!(ladder.evidence.as_ref(), Some(&evidence));
    let consent = ladder.consent.unwrap();
    assert_eq!(consent.evidence(), &evidence);
    assert_eq!(consent.call(), super::ladder::setup().call);
    assert_eq!(consent.number(), *admission().number.expose());
    assert_eq!(consent.epoch(), Epoch(3));
}

#[test]
fn notice_has_ended_when_the_later_of_the_two_has() {
    // Whichever order the reports come in, and whichever leg is later.
    for (first, first_ended, second_ended) in
        [(Station, 10, 12), (Station, 12, 10), (Called, 10, 12), (Called, 12, 10)]
    {
        let mut ladder = Ladder::new();
        ladder.reach_notice(admission());
        let start = ladder.now;
        ladder.after(15_000);
        for (side, ended) in [(first, first_ended), (first.other(), second_ended)] {
            let play = ladder.latest(side).unwrap();
            let ended = start.after(core::time::Duration::from_secs(ended));
            ladder.input(Input::Played { side, play, end: complete(play, ended) });
        }
        let ended = start.after(core::time::Duration::from_secs(12));
        let mut press = |micros: i64| {
            let onset = model::Timestamp::from_micros(ended.micros() + micros);
            ladder.input(super::ladder::press(Called, '1', onset));
            ladder.evidence.as_ref().map(|evidence| evidence.notice_ended)
        };
        // Nobody reacts to what they heard within a tenth of a second.
        for too_soon in [-1, 0, 99_999] {
            assert_eq!(press(too_soon), None, "{first:?}");
        }
        assert_eq!(press(100_000), Some(ended), "{first:?}");
    }
}

#[test]
fn protected_number_is_unrecorded_and_told_so() {
    let mut ladder = Ladder::new();
    ladder.reach_ringing(unrecorded(OffReason::Protected)).skip().after(3_000);
    ladder.input(Input::CalledAnswered).notice_heard().keys(Called, "1");
    ladder.answer(Answer::Committed { recording: Err(OffReason::Protected) });
    ladder.after(3_000).input(Input::HungUp(Station));
    check(
        &mut ladder,
        &expect![[r#"
            10.920  called party answers
                        event: answered
                        comfort tone
                        event: notice en
                        called hears en: call_from, "Marcus Bell", in_custody_at, "Cedar County Jail",
                            no_charge_to_you, caller_pays, $0.07, per_minute, notice_protected,
                            choose_accept_refuse, choose_price_block, es choose_language
                        station hears en: waiting_for_acceptance, call_from, "Marcus Bell", in_custody_at,
                            "Cedar County Jail", caller_pays, $0.07, per_minute, notice_protected
            22.920  station heard it all
            25.920  called heard it all
            25.920  called presses 1
                        ask: commit, Err(Protected)
            26.020  office: durable, but Protected
                        no tone
                        bridge, off: Protected
                        event: talk
            29.020  station hangs up
                        unbridge
                        hang up called (Normal)
                        finished: StationHungUp, talked 3s, key 1, off: Protected
        "#]],
    );
    assert!(ladder.evidence.is_some(), "the acceptance is evidence, recorded or not");
}

#[test]
fn every_reason_not_to_record_is_announced_and_stays() {
    let mut text = String::new();
    for reason in [
        OffReason::Protected,
        OffReason::FacilityOff,
        OffReason::RegistryUnusable,
        OffReason::LogUnavailable,
        OffReason::Disk,
        OffReason::PrivateClaim,
        OffReason::LegMoved,
    ] {
        let mut ladder = Ladder::new();
        ladder.reach_commit(unrecorded(reason));
        let said = &ladder.evidence.as_ref().unwrap().prompts;
        let sentences =
            [PromptId::NoticeRecorded, PromptId::NoticeProtected, PromptId::NoticeNotRecorded];
        let said: Vec<_> = said.iter().filter(|id| sentences.contains(id)).collect();
        text.push_str(&std::format!("{said:?}\n"));
        // Whatever the office says afterwards.
        ladder.skip().answer(Answer::Committed { recording: Ok(Epoch(3)) });
        text.push_str(&ladder.text());
    }
    expect![[r#"
        [NoticeProtected]
        26.920  office: durable, epoch 3
                    no tone
                    bridge, off: Protected
                    event: talk
        [NoticeNotRecorded]
        26.920  office: durable, epoch 3
                    no tone
                    bridge, off: FacilityOff
                    event: talk
        [NoticeNotRecorded]
        26.920  office: durable, epoch 3
                    no tone
                    bridge, off: RegistryUnusable
                    event: talk
        [NoticeNotRecorded]
        26.920  office: durable, epoch 3
                    no tone
                    bridge, off: LogUnavailable
                    event: talk
        [NoticeNotRecorded]
        26.920  office: durable, epoch 3
                    no tone
                    bridge, off: Disk
                    event: talk
        [NoticeProtected]
        26.920  office: durable, epoch 3
                    no tone
                    bridge, off: PrivateClaim
                    event: talk
        [NoticeNotRecorded]
        26.920  office: durable, epoch 3
                    no tone
                    bridge, off: LegMoved
                    event: talk
    "#]]
    .assert_eq(&text);
}

#[test]
fn free_call_costs_nobody_anything() {
    let mut ladder = Ladder::new();
    let free = Admission { price: Price::Free, ..admission() };
    ladder.reach_ringing(free).skip().input(Input::CalledAnswered);
    check(
        &mut ladder,
        &expect![[r#"
            7.920   called party answers
                        event: answered
                        comfort tone
                        event: notice en
                        called hears en: call_from, "Marcus Bell", in_custody_at, "Cedar County Jail",
                            no_charge_to_you, call_is_free, notice_recorded,
                            choose_accept_refuse, choose_private, choose_price_block,
                            es choose_language
                        station hears en: waiting_for_acceptance, call_from, "Marcus Bell", in_custody_at,
                            "Cedar County Jail", call_is_free, notice_recorded
        "#]],
    );
}

#[test]
fn early_1_then_hang_up_is_no_consent() {
    let mut ladder = Ladder::new();
    ladder.reach_notice(admission()).skip().after(4_000).keys(Called, "1").after(500);
    ladder.input(Input::HungUp(Called)).after(2_000).heard(Station);
    check(
        &mut ladder,
        &expect![[r#"
            14.920  called presses 1
            15.520  called hangs up
                        no tone
                        station hears en: not_accepted
            17.520  station heard it all
                        hang up station (Normal)
                        finished: NoticeCutShort, talked 0ns
        "#]],
    );
    assert!(ladder.evidence.is_none());
}

#[test]
fn early_1_then_hang_up_when_one_leg_has_heard_it() {
    for heard in [Station, Called] {
        let mut ladder = Ladder::new();
        ladder.reach_notice(admission()).after(12_000).heard(heard).keys(Called, "1");
        ladder.input(Input::HungUp(Called)).heard(Station);
        let finished = ladder.finished.take().unwrap();
        assert_eq!(finished.reason, Some(EndReason::NoticeCutShort));
        assert_eq!((finished.decision_key, ladder.evidence.is_none()), (None, true));
    }
}

#[test]
fn only_the_1_after_the_end_counts() {
    let mut ladder = Ladder::new();
    ladder.reach_notice(admission()).skip().after(4_000).keys(Called, "1").notice_heard();
    ladder.after(700).keys(Called, "1");
    check(
        &mut ladder,
        &expect![[r#"
              14.920  called presses 1
              27.020  station heard it all
              30.020  called heard it all
              30.720  called presses 1
                          ask: commit, Ok(Epoch(3))
        "#]],
    );
    assert_eq!(ladder.evidence.unwrap().key_onset, ladder.now);
}

#[test]
fn a_1_begun_before_the_end_is_no_consent() {
    let mut ladder = Ladder::new();
    ladder.reach_deciding(admission()).after(30).skip();
    ladder.late_key(Called, '1', 31).late_key(Called, '5', 31).late_key(Called, '1', 30);
    check(
        &mut ladder,
        &expect![[r#"
            25.950  called presses 1, begun 31 ms ago
            25.950  called presses 5, begun 31 ms ago
            25.950  called presses 1, begun 30 ms ago
        "#]],
    );
    // One that began a tenth of a second after the end is not early, and a wrong one is told so.
    let mut ladder = Ladder::new();
    ladder.reach_deciding(admission()).after(130).skip().late_key(Called, '5', 30);
    assert!(ladder.text().contains("wrong_key"));
}

#[test]
fn the_station_decides_nothing() {
    let mut ladder = Ladder::new();
    ladder.reach_notice(admission()).skip().keys(Station, "129#").notice_heard().after(500);
    ladder.skip().keys(Station, "129#");
    check(
        &mut ladder,
        &expect![[r#"
              26.820  station presses 129#
        "#]],
    );
}

#[test]
fn a_notice_not_heard_whole_is_played_again_to_both() {
    for side in [Station, Called] {
        let mut ladder = Ladder::new();
        ladder.reach_notice(admission()).after(12_000).heard(side.other()).cut(side);
        let played = ladder.latest(side.other()).unwrap();
        // The first hearing of the other leg counts for nothing.
        ladder.heard(side).keys(Called, "1");
        assert!(ladder.evidence.is_none(), "{side:?}");
        assert_eq!(ladder.latest(side.other()), Some(played));
        ladder.heard(side.other()).keys(Called, "1");
        assert!(ladder.evidence.is_some(), "{side:?}");
    }
}

#[test]
fn a_notice_never_heard_whole_ends_the_call() {
    let mut text = String::new();
    for side in [Station, Called] {
        let mut ladder = Ladder::new();
        ladder.reach_notice(admission()).heard(side.other());
        for _ in 0..4 {
            ladder.skip().cut(side);
        }
        text.push_str(&ladder.text());
        assert_eq!(ladder.heard(Station).finished.as_ref().unwrap().decision_key, None);
    }
    expect![[r#"
        10.920  station heard it in part
                    no tone
                    station hears en: not_accepted
                    hang up called (Normal)
        10.920  called heard it in part
                    no tone
                    station hears en: not_accepted
                    hang up called (Normal)
    "#]]
    .assert_eq(&text);
}

#[test]
fn a_notice_whose_end_is_never_told_counts_as_cut() {
    let mut ladder = Ladder::new();
    ladder.reach_notice(admission()).skip().timeout().skip().timeout().timeout().skip().timeout();
    check(
        &mut ladder,
        &expect![[r#"
            250.920 time-out
                        no tone
                        station hears en: not_accepted
                        hang up called (Normal)
        "#]],
    );
}

#[test]
fn hang_up_after_a_heard_notice_is_not_accepted() {
    let mut ladder = Ladder::new();
    ladder.reach_deciding(admission()).skip().input(Input::HungUp(Called)).heard(Station);
    check(
        &mut ladder,
        &expect![[r#"
            25.920  called hangs up
                        no tone
                        station hears en: not_accepted
            25.920  station heard it all
                        hang up station (Normal)
                        finished: NotAccepted, talked 0ns
        "#]],
    );
    // Also when another one has begun.
    let mut ladder = Ladder::new();
    ladder.reach_deciding(admission()).timeout().skip().input(Input::HungUp(Called)).heard(Station);
    check(
        &mut ladder,
        &expect![[r#"
            35.920  called hangs up
                        no tone
                        station hears en: not_accepted
            35.920  station heard it all
                        hang up station (Normal)
                        finished: NotAccepted, talked 0ns
        "#]],
    );
}

#[test]
fn silence_on_a_leg_ends_the_notice() {
    let mut text = String::new();
    for side in [Station, Called] {
        for heard in [false, true] {
            let mut ladder = Ladder::new();
            ladder.reach_notice(admission());
            if heard {
                ladder.notice_heard();
            }
            let last = ladder.now;
            ladder.skip().input(Input::MediaLost { side, last });
            text.push_str(&ladder.text());
        }
    }
    expect![[r#"
        10.920  station is silent
                    no tone
                    hang up station (Normal)
                    hang up called (Normal)
                    finished: MediaLost, talked 0ns
        25.920  station is silent
                    no tone
                    hang up station (Normal)
                    hang up called (Normal)
                    finished: MediaLost, talked 0ns
        10.920  called is silent
                    no tone
                    station hears en: not_accepted
                    hang up called (Normal)
        25.920  called is silent
                    no tone
                    station hears en: not_accepted
                    hang up called (Normal)
    "#]]
    .assert_eq(&text);
}

#[test]
fn hang_up_of_a_side_that_is_gone_means_nothing() {
    let mut ladder = Ladder::new();
    ladder.reach_notice(admission()).input(Input::HungUp(Called)).skip();
    ladder.input(Input::HungUp(Called)).input(Input::HungUp(Called));
    ladder.keys(Called, "1");
    check(
        &mut ladder,
        &expect![[r#"
              10.920  called hangs up
              10.920  called hangs up
              10.920  called presses 1
        "#]],
    );
}
