//! A consent as a real call makes one: the machine of `call`, driven through the whole dialogue.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by it")]

use call::{
    Admission, Answer, Choices, Connect, Consent, Identified, Input, Machine, Output, OwnName,
    PlayEnd, Price, Question, Recording, Setup, Start, Timing,
};
use model::{
    CallId, E164, Key, Language, Money, PersonId, Private, Side, Timestamp,
    fact::{Epoch, KeyPath, NumberClass},
    speech::ContentHash,
};
use std::{collections::VecDeque, time::Duration};

/// The consent of a called party at `number`, given in `call` when the registry had `epoch`.
pub(crate) fn consent(call: CallId, number: E164, epoch: Epoch) -> Consent {
    let mut now = Timestamp::from_micros(1_700_000_000_000_000);
    let setup = Setup {
        call,
        facility: Private::new("Example County Jail".to_owned()),
        pack: ContentHash([1; 32]),
        timing: Timing::default(),
        start: Start::default(),
    };
    let mut machine = Machine::new(setup, now);
    let mut inputs = VecDeque::new();
    // What the two people press once everything before was played: PIN, number, accept.
    let mut pressed =
        [(Side::Station, "1234#"), (Side::Station, "2025550142#"), (Side::Called, "1")].into_iter();
    for _ in 0..1_000 {
        while let Some(output) = machine.poll_output() {
            match react(output, number, epoch, now) {
                Reaction::Consent(consent) => return consent,
                Reaction::Input(input) => inputs.push_back(input),
                Reaction::Nothing => {}
            }
        }
        now = now.after(Duration::from_millis(50));
        if inputs.is_empty() {
            let (side, keys) = pressed.next().unwrap_or_else(|| panic!("the call made no consent"));
            // Nobody reacts to the end of a notice at once.
            now = now.after(Timing::default().accept_gap);
            inputs.extend(keys.chars().map(|label| Input::Key {
                side,
                key: Key::from_char(label).unwrap(),
                onset: now,
                path: KeyPath::TelephoneEvent,
            }));
        }
        machine.handle(now, inputs.pop_front().unwrap());
    }
    panic!("the call made no consent");
}

enum Reaction {
    Consent(Consent),
    Input(Input),
    Nothing,
}

/// What the world answers to an output of the machine.
fn react(output: Output, number: E164, epoch: Epoch, now: Timestamp) -> Reaction {
    let input = match output {
        Output::Play { side, play, .. } => {
            let end = PlayEnd::Complete { content: ContentHash([2; 32]), ended: now };
            Input::Played { side, play, end }
        }
        Output::Ask(Question::Identify { .. }) => Input::Answer(Answer::Person(Identified {
            person: PersonId(1),
            name: Private::new("Dana Example".to_owned()),
            language: Language::En,
            own_name: OwnName::Off,
        })),
        Output::Ask(Question::Balance { .. }) => Input::Answer(Answer::Balance(Money::ZERO)),
        Output::Ask(Question::Admit { .. }) => Input::Answer(Answer::Admitted(Admission {
            number: Private::new(number),
            class: NumberClass::Ordinary,
            may_record: Ok(epoch),
            price: Price::Free,
            talk_max: Duration::from_secs(900),
            called_language: Language::En,
            connect: Connect::Announced,
            choices: Choices::default(),
            voice: None,
        })),
        Output::RecordName(_)
        | Output::Ask(Question::Block | Question::KeepName { .. } | Question::RemoveName { .. }) => {
            panic!("nobody asked for that")
        }
        Output::Ask(Question::Commit { recording, .. }) => {
            Input::Answer(Answer::Committed { recording })
        }
        Output::Dial { .. } => Input::CalledAnswered,
        Output::Bridge(Recording::Consented(consent)) => return Reaction::Consent(consent),
        Output::Bridge(Recording::Off(reason)) => panic!("not recorded: {reason:?}"),
        Output::Unbridge
        | Output::Hush(_)
        | Output::Tone(_)
        | Output::HangUp { .. }
        | Output::Event(_)
        | Output::Finished(_) => return Reaction::Nothing,
    };
    Reaction::Input(input)
}
