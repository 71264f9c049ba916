//! A person who records their name, in a dialogue of the real machine.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by it")]

use call::{
    Answer, Enrolment, Identified, Input, Machine, Output, OwnName, PlayEnd, Question, Setup,
    Start, Timing,
};
use model::{
    CallId, Key, Language, PersonId, Private, Side, Timestamp, fact::KeyPath, speech::ContentHash,
};
use std::{collections::VecDeque, time::Duration};

/// Who records it.
pub(crate) const PERSON: PersonId = PersonId(7);

/// What a person chose in a real dialogue.
pub(crate) fn enrolment() -> Enrolment {
    let mut now = Timestamp::from_micros(1_700_000_000_000_000);
    let setup = Setup {
        call: CallId(5),
        facility: Private::new("Example County Jail".to_owned()),
        pack: ContentHash([1; 32]),
        timing: Timing::default(),
        start: Start::default(),
    };
    let mut machine = Machine::new(setup, now);
    assert!(settle(&mut machine, now).is_none());
    for keys in ["1234#", "#", "1"] {
        for label in keys.chars() {
            now = now.after(Duration::from_millis(200));
            let key = Key::from_char(label).unwrap();
            let input =
                Input::Key { side: Side::Station, key, onset: now, path: KeyPath::TelephoneEvent };
            machine.handle(now, input);
            if let Some(enrolment) = settle(&mut machine, now) {
                return enrolment;
            }
        }
    }
    panic!("the dialogue made no enrolment");
}

/// Answers what the machine asks and lets it play, until it is quiet.
fn settle(machine: &mut Machine, now: Timestamp) -> Option<Enrolment> {
    let mut inputs = VecDeque::new();
    loop {
        while let Some(output) = machine.poll_output() {
            match output {
                Output::Play { side, play, .. } => {
                    let end = PlayEnd::Complete { content: ContentHash([2; 32]), ended: now };
                    inputs.push_back(Input::Played { side, play, end });
                }
                Output::Ask(Question::Identify { .. }) => {
                    inputs.push_back(Input::Answer(Answer::Person(Identified {
                        person: PERSON,
                        name: Private::new("Dana Example".to_owned()),
                        language: Language::En,
                        own_name: OwnName::Absent,
                    })));
                }
                Output::RecordName(enrolment) => return Some(enrolment),
                Output::Hush(_)
                | Output::Tone(_)
                | Output::Ask(_)
                | Output::Dial { .. }
                | Output::Bridge(_)
                | Output::Unbridge
                | Output::HangUp { .. }
                | Output::Event(_)
                | Output::Finished(_) => {}
            }
        }
        machine.handle(now, inputs.pop_front()?);
    }
}
