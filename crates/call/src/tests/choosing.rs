//! What the called party can choose besides accepting and refusing, and what is no choice at all:
//! an answering machine, a leg that was moved.

use core::time::Duration;
use expect_test::{Expect, expect};
use model::{
    Language,
    Side::{Called, Station},
    Timestamp,
    fact::{EndReason, Epoch, OffReason},
};

use std::vec::Vec;

use super::ladder::{Ladder, admission, unrecorded};
use crate::{AcceptKey, Admission, Answer, Choices, Input, Price};

fn check(ladder: &mut Ladder, expected: &Expect) {
    expected.assert_eq(&ladder.text());
}

fn choosing(choices: Choices) -> Admission {
    Admission { choices, ..admission() }
}

fn drawn(accept: AcceptKey) -> Admission {
    choosing(Choices { accept, ..admission().choices })
}

fn reason(ladder: &Ladder) -> Option<EndReason> {
    ladder.finished.as_ref().and_then(|finished| finished.reason)
}

#[test]
fn a_private_call_is_unrecorded_and_both_are_told() {
    let mut ladder = Ladder::new();
    ladder.reach_deciding(admission()).skip().after(900).keys(Called, "3");
    ladder.notice_heard().after(400).keys(Called, "1");
    // Whatever the office says of a recording.
    ladder.after(10).answer(Answer::Committed { recording: Ok(Epoch(3)) });
    ladder.after(4_000).input(Input::HungUp(Called));
    check(
        &mut ladder,
        &expect![[r#"
            26.820  called presses 3
                        event: private
                        event: notice en
                        called hears en: private_by_you, call_from, "Marcus Bell", in_custody_at,
                            "Cedar County Jail", no_charge_to_you, caller_pays, $0.07,
                            per_minute, notice_protected, choose_accept_refuse,
                            choose_price_block, es choose_language
                        station hears en: waiting_for_acceptance, private_by_other, call_from,
                            "Marcus Bell", in_custody_at, "Cedar County Jail", caller_pays,
                            $0.07, per_minute, notice_protected
            38.920  station heard it all
            41.920  called heard it all
            42.320  called presses 1
                        ask: commit, Err(PrivateClaim)
            42.430  office: durable, epoch 3
                        no tone
                        bridge, off: PrivateClaim
                        event: talk
            46.430  called hangs up
                        unbridge
                        hang up station (Normal)
                        finished: CalledHungUp, talked 4s, key 1, off: PrivateClaim
        "#]],
    );
    assert!(ladder.consent.is_none());
}

#[test]
fn a_private_call_in_the_middle_of_the_notice_acts_at_once() {
    let mut ladder = Ladder::new();
    let spanish = Admission { called_language: Language::Es, ..admission() };
    ladder.reach_notice(spanish).skip().after(2_000).keys(Called, "3");
    check(
        &mut ladder,
        &expect![[r#"
        12.920  called presses 3
                    event: private
                    event: notice es
                    called hears es: private_by_you, call_from, "Marcus Bell", in_custody_at,
                        "Cedar County Jail", no_charge_to_you, caller_pays, $0.07,
                        per_minute, notice_protected, choose_accept_refuse,
                        choose_price_block, en choose_language
                    station hears en: waiting_for_acceptance, private_by_other, call_from,
                        "Marcus Bell", in_custody_at, "Cedar County Jail", caller_pays,
                        $0.07, per_minute, notice_protected
    "#]],
    );
    // It is no acceptance, and stays private through a switch of language and a wrong key.
    ladder.keys(Called, "19").notice_heard().keys(Called, "5").notice_heard().skip();
    ladder.keys(Called, "1");
    check(
        &mut ladder,
        &expect![[r#"
        43.320  called presses 1
                    ask: commit, Err(PrivateClaim)
    "#]],
    );
}

#[test]
fn a_private_call_is_not_offered_where_it_changes_nothing_or_was_claimed_too_often() {
    let used_up = choosing(Choices { private_claim: false, ..admission().choices });
    for (admission, sentence) in [
        (used_up, "notice_recorded"),
        (unrecorded(OffReason::FacilityOff), "notice_not_recorded"),
        (unrecorded(OffReason::Protected), "notice_protected"),
    ] {
        let mut ladder = Ladder::new();
        ladder.reach_ringing(admission).skip().input(Input::CalledAnswered);
        let text = ladder.text();
        assert!(text.contains(sentence) && !text.contains("choose_private"), "{text}");
        // The key is a wrong one then, and no claim.
        ladder.notice_heard().skip().keys(Called, "3");
        let text = ladder.text();
        assert!(text.contains("wrong_key") && !text.contains("choose_private"), "{text}");
        assert!(!text.contains("event: private"), "{text}");
    }
}

#[test]
fn the_price_is_told_and_nothing_else_changes() {
    let mut ladder = Ladder::new();
    ladder.reach_deciding(admission()).skip().keys(Called, "4");
    check(
        &mut ladder,
        &expect![[r#"
        25.920  called presses 4
                    event: notice en
                    called hears en: call_costs, $0.07, per_minute, longest_talk, 900s, call_from,
                        "Marcus Bell", in_custody_at, "Cedar County Jail", no_charge_to_you,
                        caller_pays, $0.07, per_minute, notice_recorded,
                        choose_accept_refuse, choose_private, choose_price_block,
                        es choose_language
                    station hears en: waiting_for_acceptance, call_from, "Marcus Bell", in_custody_at,
                        "Cedar County Jail", caller_pays, $0.07, per_minute, notice_recorded
    "#]],
    );
    ladder.keys(Called, "1").notice_heard().skip().keys(Called, "1");
    check(
        &mut ladder,
        &expect![[r#"
        41.120  called presses 1
                    ask: commit, Ok(Epoch(3))
    "#]],
    );
    let mut ladder = Ladder::new();
    let free = Admission { price: Price::Free, ..admission() };
    ladder.reach_notice(free).skip().keys(Called, "4");
    let text = ladder.text();
    assert!(text.contains("call_is_free, longest_talk, 900s"), "{text}");
}

#[test]
fn no_more_calls_needs_a_second_key() {
    let mut ladder = Ladder::new();
    ladder.reach_notice(admission()).skip().after(2_000).keys(Called, "7");
    ladder.after(3_000).keys(Called, "0").after(10).answer(Answer::Blocked { kept: true });
    ladder.after(2_000).heard(Station).after(3_000).heard(Called);
    check(
        &mut ladder,
        &expect![[r#"
            12.920  called presses 7
                        called hears en: block_confirm
                        station hears en: waiting_for_acceptance
            16.020  called presses 0
                        ask: call them no more
            16.130  office: blocked, kept: true
                        no tone
                        station hears en: number_blocked
                        called hears en: block_kept
            18.130  station heard it all
                        hang up station (Normal)
            21.130  called heard it all
                        hang up called (Normal)
                        finished: BlockedByKey, talked 0ns, key 7
        "#]],
    );
}

#[test]
fn a_wish_that_is_not_on_disk_is_not_called_kept() {
    for give in [
        (|l: &mut Ladder| {
            l.answer(Answer::Blocked { kept: false });
        }) as fn(&mut Ladder),
        |l| {
            l.timeout();
        },
    ] {
        let mut ladder = Ladder::new();
        ladder.reach_deciding(admission()).keys(Called, "70").skip();
        give(&mut ladder);
        let text = ladder.text();
        assert!(text.contains("block_unkept") && !text.contains("block_kept"), "{text}");
        ladder.run_out();
        assert_eq!(reason(&ladder), Some(EndReason::BlockedByKey));
    }
}

#[test]
fn who_does_not_confirm_goes_back_to_the_notice() {
    // Another key, silence, the blocking key again as a phone may send it twice.
    for give in [
        (|l: &mut Ladder| {
            l.keys(Called, "1");
        }) as fn(&mut Ladder),
        |l| {
            l.keys(Called, "7");
        },
        |l| {
            l.heard(Called).timeout();
        },
        |l| {
            l.input(Input::LegMoved(Called));
        },
    ] {
        let mut ladder = Ladder::new();
        ladder.reach_deciding(admission()).keys(Called, "7").skip();
        // It began before the question.
        ladder.late_key(Called, '0', 50);
        assert!(!ladder.text().contains("ask:"));
        give(&mut ladder);
        let text = ladder.text();
        assert!(text.contains("notice_recorded") && !text.contains("ask:"), "{text}");
        ladder.notice_heard().skip().keys(Called, "1");
        assert!(ladder.text().contains("ask: commit, Ok(Epoch(3))"));
    }
    let mut ladder = Ladder::new();
    ladder.reach_deciding(admission()).keys(Called, "72").run_out();
    assert_eq!(reason(&ladder), Some(EndReason::RefusedByKey));
    let mut ladder = Ladder::new();
    ladder.reach_deciding(admission()).keys(Called, "70").input(Input::HungUp(Called)).run_out();
    assert_eq!(reason(&ladder), Some(EndReason::BlockedByKey));
}

#[test]
fn a_drawn_key_accepts_and_no_other_does() {
    for (randomness, key) in [(0, AcceptKey::Five), (4, AcceptKey::Six), (255, AcceptKey::Five)] {
        assert_eq!(AcceptKey::drawn(randomness), key);
    }
    let mut ladder = Ladder::new();
    ladder.reach_ringing(drawn(AcceptKey::Six)).skip().input(Input::CalledAnswered);
    check(
        &mut ladder,
        &expect![[r#"
            7.920   called party answers
                        event: answered
                        comfort tone
                        event: notice en
                        called hears en: call_from, "Marcus Bell", in_custody_at, "Cedar County Jail",
                            no_charge_to_you, caller_pays, $0.07, per_minute, notice_recorded,
                            choose_accept, 6, choose_refuse, choose_private, choose_price_block,
                            es choose_language
                        station hears en: waiting_for_acceptance, call_from, "Marcus Bell", in_custody_at,
                            "Cedar County Jail", caller_pays, $0.07, per_minute, notice_recorded
        "#]],
    );
    ladder.notice_heard().skip();
    for wrong in ["1", "5", "8"] {
        ladder.keys(Called, wrong);
        assert!(ladder.text().contains("wrong_key"), "{wrong}");
        ladder.notice_heard().skip();
    }
    ladder.keys(Called, "6");
    check(
        &mut ladder,
        &expect![[r#"
        68.220  called presses 6
                    ask: commit, Ok(Epoch(3))
    "#]],
    );
    assert_eq!(ladder.evidence.map(|evidence| evidence.key), Some('6'));
}

#[test]
fn a_greeting_with_a_1_in_it_never_accepts() {
    // The tone comes while the notice is played, each time; nobody answers it.
    let mut ladder = Ladder::new();
    ladder.reach_notice(admission());
    for _ in 0..3 {
        ladder.after(3_000).keys(Called, "1").notice_heard().timeout();
    }
    ladder.after(3_000).keys(Called, "1").notice_heard().skip().timeout();
    ladder.after(2_000).heard(Station).heard(Called);
    check(
        &mut ladder,
        &expect![[r#"
            123.320 time-out
                        no tone
                        station hears en: looks_like_machine
                        called hears en: no_key_pressed
            125.320 station heard it all
                        hang up station (Normal)
            125.320 called heard it all
                        hang up called (Normal)
                        finished: LooksLikeMachine, talked 0ns
        "#]],
    );
}

#[test]
fn a_greeting_that_goes_on_over_the_notice_is_like_a_machine() {
    let sounds = |ladder: &mut Ladder, ms: u64| {
        let since = ladder.now;
        ladder.input(Input::Sound { side: Called, sounding: true, since });
        let since = ladder.after(ms).now;
        ladder.input(Input::Sound { side: Called, sounding: false, since });
    };
    // Six seconds in all, in pieces; and somebody who says hello now and then.
    for (pieces_ms, expected) in [
        ([2_000, 2_500, 1_500], EndReason::LooksLikeMachine),
        ([700, 900, 1_200], EndReason::NotAccepted),
    ] {
        let mut ladder = Ladder::new();
        ladder.reach_notice(admission());
        for ms in pieces_ms {
            sounds(&mut ladder, ms);
            ladder.after(400);
        }
        ladder.notice_heard();
        while ladder.finished.is_none() {
            ladder.timeout();
            if ladder.finished.is_none() && !ladder.text().contains("hang up") {
                ladder.notice_heard();
            }
        }
        assert_eq!(reason(&ladder), Some(expected), "{pieces_ms:?}");
    }
    // What sounds without an end counts up to now.
    let mut ladder = Ladder::new();
    ladder.reach_notice(admission());
    let since = ladder.now;
    ladder.input(Input::Sound { side: Called, sounding: true, since });
    // It hears the notice twice and not four times.
    ladder.notice_heard().timeout().notice_heard().skip().timeout();
    assert!(ladder.text().contains("looks_like_machine"));
    ladder.run_out();
    assert_eq!(reason(&ladder), Some(EndReason::LooksLikeMachine));
}

#[test]
fn who_presses_any_key_after_the_notice_is_no_machine() {
    let mut ladder = Ladder::new();
    ladder.reach_notice(admission()).keys(Called, "1").notice_heard().keys(Called, "5");
    for _ in 0..3 {
        ladder.notice_heard().timeout();
    }
    ladder.run_out();
    assert_eq!(reason(&ladder), Some(EndReason::NotAccepted));
}

#[test]
fn a_leg_that_is_moved_hears_the_notice_from_its_beginning() {
    for side in [Station, Called] {
        let mut ladder = Ladder::new();
        ladder.reach_deciding(admission()).skip().after(500).input(Input::LegMoved(side));
        let text = ladder.text();
        assert!(text.contains("notice_recorded"), "{text}");
        // What the first phone heard is worth nothing now.
        ladder.keys(Called, "1");
        assert!(!ladder.text().contains("ask:"));
        ladder.notice_heard().keys(Called, "1");
        assert!(ladder.text().contains("ask: commit, Ok(Epoch(3))"));
    }
    let mut ladder = Ladder::new();
    ladder.reach_notice(admission()).heard(Called);
    for _ in 0..4 {
        ladder.input(Input::LegMoved(Called));
    }
    ladder.run_out();
    assert_eq!(reason(&ladder), Some(EndReason::NoticeCutShort));
}

#[test]
fn a_leg_that_is_moved_after_the_key_is_not_recorded() {
    let mut ladder = Ladder::new();
    ladder.reach_commit(admission()).skip().input(Input::LegMoved(Called));
    ladder.answer(Answer::Committed { recording: Ok(Epoch(3)) });
    ladder.after(2_000).input(Input::HungUp(Called));
    check(
        &mut ladder,
        &expect![[r#"
            26.920  called is moved
            26.920  office: durable, epoch 3
                        no tone
                        bridge, off: LegMoved
                        event: talk
            28.920  called hangs up
                        unbridge
                        hang up station (Normal)
                        finished: CalledHungUp, talked 2s, key 1, off: LegMoved
        "#]],
    );
    assert!(ladder.consent.is_none());
    // Why it was off before stays the reason.
    let mut ladder = Ladder::new();
    ladder.reach_commit(unrecorded(OffReason::Protected)).skip().input(Input::LegMoved(Called));
    ladder.answer(Answer::Committed { recording: Err(OffReason::Protected) });
    assert!(ladder.text().contains("bridge, off: Protected"));
}

#[test]
fn both_are_reminded_where_the_call_comes_from() {
    let every = Some(Duration::from_secs(300));
    let mut ladder = Ladder::new();
    ladder.reach_talk(choosing(Choices { reminder_every: every, ..admission().choices }));
    let start = ladder.now;
    let mut reminded = Vec::new();
    while ladder.finished.is_none() {
        ladder.skip().timeout();
        let text = ladder.text();
        if text.contains("reminder") {
            reminded.push(ladder.now.since(start).as_secs());
            assert_eq!(text.matches("en: reminder, \"Cedar County Jail\"").count(), 2, "{text}");
        }
    }
    // Not in the last minute, in which they are told just that.
    assert_eq!(reminded, [300, 600]);
    let mut ladder = Ladder::new();
    ladder.reach_talk(admission()).skip().run_out();
    assert!(!ladder.text().contains("reminder"));
}

#[test]
fn staff_cut_a_call() {
    let mut ladder = Ladder::new();
    ladder.reach_talk(admission()).after(7_000).skip();
    ladder.input(Input::Stop(EndReason::CutByStaff));
    ladder.after(2_000).heard(Station).heard(Called);
    check(
        &mut ladder,
        &expect![[r#"
        33.930  stop: CutByStaff
                    unbridge
                    station hears en: cut_by_staff
                    called hears en: cut_by_staff
        35.930  station heard it all
                    hang up station (Normal)
        35.930  called heard it all
                    hang up called (Normal)
                    finished: CutByStaff, talked 7s, key 1
    "#]],
    );
    let mut ladder = Ladder::new();
    ladder.reach_notice(admission()).skip().input(Input::Stop(EndReason::CutByStaff));
    let text = ladder.text();
    assert_eq!(text.matches("cut_by_staff").count(), 2, "{text}");
}

#[test]
fn sound_before_the_answer_and_while_they_talk_means_nothing() {
    let mut ladder = Ladder::new();
    let since = Timestamp::default();
    ladder.reach_ringing(admission()).skip();
    ladder.input(Input::Sound { side: Called, sounding: true, since });
    ladder.input(Input::LegMoved(Called));
    ladder.after(3_000).input(Input::CalledAnswered).notice_heard().keys(Called, "1");
    ladder.answer(Answer::Committed { recording: Ok(Epoch(3)) }).skip();
    ladder.input(Input::Sound { side: Called, sounding: true, since: ladder.now });
    ladder.input(Input::LegMoved(Called));
    let text = ladder.text();
    assert!(!text.contains("hears") && !text.contains("unbridge"), "{text}");
}
