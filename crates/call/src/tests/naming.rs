//! A person records their name: what must have happened before, and what becomes of it.

use expect_test::{Expect, expect};
use model::{
    Side::{Called, Station},
    speech::OWN_VOICE_OCTETS_MAX,
};
use std::{vec, vec::Vec};

use super::ladder::{Ladder, admission, person, setup};
use crate::{Answer, Caller, Identified, Input, OwnName, Price, Setup, Start};

fn check(ladder: &mut Ladder, expected: &Expect) {
    expected.assert_eq(&ladder.text());
}

fn who(own_name: OwnName) -> Identified {
    Identified { own_name, ..person() }
}

/// Somebody who gave their PIN and is asked for a number.
fn asked(own_name: OwnName) -> Ladder {
    let mut ladder = Ladder::new();
    ladder.after(900).keys(Station, "4711#").after(20).answer(Answer::Person(who(own_name)));
    ladder
}

/// Somebody who has heard what becomes of their name.
fn told() -> Ladder {
    let mut ladder = asked(OwnName::Absent);
    ladder.skip().after(500).keys(Station, "#").after(9_000).heard(Station);
    ladder
}

/// Somebody who is to speak.
fn speaking() -> Ladder {
    let mut ladder = told();
    ladder.after(400).keys(Station, "1").after(2_000).heard(Station);
    ladder
}

impl Ladder {
    /// The person says this under the enrolment that there is.
    fn says(&mut self, octets: Vec<u8>) -> &mut Self {
        let clip = self.enrolment.take().and_then(|enrolment| enrolment.captured(octets));
        self.input(Input::NameCaptured(clip))
    }
}

#[test]
fn a_name_is_told_chosen_said_heard_and_kept() {
    let mut ladder = speaking();
    ladder.after(2_500).says(vec![7; 9_000]).after(600).keys(Station, "1");
    ladder.after(30).answer(Answer::NameKept { kept: true });
    check(
        &mut ladder,
        &expect![[r#"
            1.920   station presses #
                        station hears en: name_explain, name_choose_to
            11.020  station heard it all
            11.420  station presses 1
                        station hears en: name_speak
            13.520  station heard it all
                        record the name of 7
            16.020  a name was said
                        station hears en: name_is, <9000 octets>, name_choose
            16.620  station presses 1
                        station: hush
                        ask: keep the name of 7
            16.750  office: name kept: true
                        station hears en: name_kept, enter_number, name_stored
        "#]],
    );
    let clip = ladder.clip.take().unwrap();
    assert_eq!((clip.call(), clip.person()), (setup().call, person().person));
    assert_eq!(clip.voice().expose().as_ref(), [7; 9_000]);
    // The call goes on as any other, with the spoken name.
    ladder.keys(Station, "2025550142#").answer(Answer::Admitted(admission()));
    assert!(ladder.text().contains("ask: may 7 call 2025550142"));
}

#[test]
fn only_who_gave_their_pin_and_has_none_is_offered_to_record_one() {
    // Off, or stored already.
    let mut ladder = asked(OwnName::Off);
    ladder.keys(Station, "##");
    assert!(!ladder.text().contains("name"), "it is not offered");
    let mut ladder = asked(OwnName::Stored);
    ladder.skip().keys(Station, "#").after(6_000).heard(Station).after(900).keys(Station, "1");
    let text = ladder.text();
    assert!(text.contains("name_remove") && !text.contains("name_explain"), "{text}");
    // The station says who calls, and nobody gave a PIN.
    let caller = Caller::Known(who(OwnName::Absent));
    let start = Start { caller, ..Start::default() };
    let mut ladder = Ladder::with(Setup { start, ..setup() });
    ladder.keys(Station, "#").after(9_000).heard(Station).after(900).keys(Station, "1");
    let text = ladder.text();
    assert!(!text.contains("name"), "{text}");
    assert!(ladder.enrolment.is_none());
}

#[test]
fn the_key_must_begin_after_all_of_it_was_heard() {
    // Before the end, at the end, and a moment too early.
    let mut ladder = asked(OwnName::Absent);
    ladder.keys(Station, "#").after(4_000).keys(Station, "1").after(5_000).heard(Station);
    ladder.late_key(Station, '1', 1).late_key(Station, '1', 0).skip();
    ladder.after(99).late_key(Station, '1', 0);
    assert!(!ladder.text().contains("name_speak"));
    ladder.after(1).late_key(Station, '1', 0);
    assert!(ladder.text().contains("name_speak"));
    // Another key is nothing, and what was cut was not heard.
    let mut ladder = told();
    ladder.after(400).keys(Station, "234567890#");
    assert!(!ladder.text().contains("name_speak"));
    let mut ladder = asked(OwnName::Absent);
    ladder.keys(Station, "#").after(9_000).skip().cut(Station).after(400).keys(Station, "1");
    let text = ladder.text();
    assert!(text.contains("enter_number") && !text.contains("name_speak"), "{text}");
    // Nor is anybody recorded who did not hear that they are to speak.
    let mut ladder = told();
    ladder.after(400).keys(Station, "1").after(500).cut(Station);
    assert!(ladder.text().contains("enter_number") && ladder.enrolment.is_none());
    // What was typed ahead asks for nothing.
    let mut ladder = Ladder::new();
    ladder.after(900).keys(Station, "4711##1").skip();
    ladder.answer(Answer::Person(who(OwnName::Absent)));
    assert!(!ladder.text().contains("name_explain"));
}

#[test]
fn a_name_of_more_than_two_seconds_is_cut_to_the_sample() {
    let octets = |octets: usize| {
        let enrolment = speaking().enrolment.unwrap();
        enrolment.captured(vec![1; octets]).map(|clip| clip.voice().expose().len())
    };
    assert_eq!(octets(OWN_VOICE_OCTETS_MAX - 1), Some(15_999));
    assert_eq!(octets(OWN_VOICE_OCTETS_MAX), Some(16_000));
    assert_eq!(octets(OWN_VOICE_OCTETS_MAX + 1), Some(16_000));
    assert_eq!(octets(0), None);
}

#[test]
fn it_may_be_said_three_times_and_given_up() {
    let mut ladder = speaking();
    ladder.skip().says(vec![1; 4_000]).keys(Station, "2").heard(Station);
    ladder.says(vec![2; 4_000]).keys(Station, "2").heard(Station);
    ladder.says(vec![3; 4_000]).keys(Station, "2").keys(Station, "*");
    check(
        &mut ladder,
        &expect![[r#"
            13.520  a name was said
                        station hears en: name_is, <4000 octets>, name_choose
            13.520  station presses 2
                        station hears en: name_speak
            13.620  station heard it all
                        record the name of 7
            13.620  a name was said
                        station hears en: name_is, <4000 octets>, name_choose
            13.620  station presses 2
                        station hears en: name_speak
            13.720  station heard it all
                        record the name of 7
            13.720  a name was said
                        station hears en: name_is, <4000 octets>, name_last
            13.720  station presses 2
            13.820  station presses *
                        station hears en: name_dropped, enter_number, name_offer
        "#]],
    );
    assert!(ladder.clip.is_none());
}

#[test]
fn what_nobody_keeps_is_gone() {
    for (act, sign) in [
        // Nothing was heard; nothing came at all; nobody decided; it could not be stored.
        ((|ladder| ladder.says(Vec::new())) as fn(&mut Ladder) -> &mut Ladder, "name_unheard"),
        (|ladder| ladder.timeout(), "name_unheard"),
        (|ladder| ladder.says(vec![1; 4_000]).heard(Station).timeout(), "name_dropped"),
        (|ladder| ladder.says(vec![1; 4_000]).timeout(), "name_dropped"),
        (
            |ladder| {
                ladder.says(vec![1; 4_000]).keys(Station, "1");
                ladder.answer(Answer::NameKept { kept: false })
            },
            "name_unkept",
        ),
        // Whoever is on the leg now is perhaps somebody else.
        (|ladder| ladder.input(Input::LegMoved(Station)), "enter_number"),
    ] {
        let mut ladder = speaking();
        ladder.skip();
        act(&mut ladder);
        let text = ladder.text();
        assert!(text.contains(sign) && text.contains("name_offer"), "{sign}: {text}");
        // A name that comes now is nobody's.
        ladder.says(vec![1; 4_000]).keys(Station, "1");
        let text = ladder.text();
        assert!(!text.contains("name_is") && !text.contains("keep"), "{text}");
    }
    let mut ladder = speaking();
    ladder.says(vec![1; 4_000]).keys(Station, "1").timeout();
    assert!(ladder.text().contains("unavailable"), "nobody knows whether it is stored");
}

#[test]
fn a_stored_name_is_removed_by_key_and_another_may_be_recorded() {
    let mut ladder = asked(OwnName::Stored);
    ladder.after(500).keys(Station, "#").after(400).keys(Station, "1");
    ladder.after(30).answer(Answer::NameRemoved { removed: true });
    check(
        &mut ladder,
        &expect![[r#"
            0.000   start
                        station hears en: welcome, es welcome, enter_pin
            0.900   station presses 4711#
                        station: hush
                        ask: whose PIN is 4711
            1.420   office: person known
                        station hears en: enter_number, name_stored
            1.920   station presses #
                        station hears en: name_remove
            2.420   station presses 1
                        station: hush
                        ask: remove the name of 7
            2.550   office: name removed: true
                        station hears en: name_removed, enter_number, name_offer
        "#]],
    );
    let mut ladder = asked(OwnName::Stored);
    ladder.keys(Station, "#").keys(Station, "1").answer(Answer::NameRemoved { removed: false });
    let text = ladder.text();
    assert!(text.contains("name_unremoved, enter_number, name_stored"), "{text}");
    ladder.keys(Station, "#").skip().keys(Station, "*");
    let text = ladder.text();
    assert!(text.contains("name_stored") && !text.contains("ask"), "{text}");
}

#[test]
fn an_approved_name_is_heard_by_both_in_its_own_voice() {
    let voice = speaking().enrolment.unwrap().captured(vec![5; 800]).unwrap().voice().clone();
    let mut with_voice = admission();
    with_voice.voice = Some(voice);
    with_voice.price = Price::Free;
    let mut ladder = Ladder::new();
    ladder.reach_ringing(with_voice).skip().input(Input::CalledAnswered);
    let text = ladder.text();
    assert_eq!(text.matches("call_from, <800 octets>, in_custody_at").count(), 2, "{text}");
    assert!(!text.contains("Marcus Bell"), "{text}");
    ladder.input(Input::HungUp(Called));
}
