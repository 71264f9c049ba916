//! An office that does what a script says, and tells the test what it was told.

use call::{
    Admission, Answer, CallEvent, Caller, Choices, Connect, Finished, Identified, OwnName, Price,
    Question, Timing,
};
use model::{
    AgencyId, CallId, E164, FacilityId, Language, Money, PersonId, Private, StationId, Timestamp,
    TrunkId,
    fact::{Heard, NumberClass, OffReason, RecordingEnd},
    plan::{Dialling, Hotline},
    speech::ContentHash,
};
use std::{
    sync::{
        Mutex,
        mpsc::{Receiver, Sender},
    },
    time::Duration,
};
use switch::{Office, Reply, StationPlan};

/// What the office does when it is asked for a call of a station.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Knows everybody and admits every call.
    Admits,
    /// Does not know the station.
    Denies,
    /// Panics when it is asked for the station.
    PanicsAtTheDoor,
    /// Panics when it is asked who calls, and when it is told of the fault.
    Panics,
    /// Admits, and panics when it is told that the called party answered.
    PanicsWhenAnswered,
    /// Never answers an admission.
    Silent,
    /// Dials by itself, for nobody, and is put through at once.
    Hotline,
    /// Keeps the node waiting when it is asked who calls.
    Stalls,
    /// Knows somebody who may record their name, and keeps it.
    Names,
}

/// What the office was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Asked(CallId, &'static str),
    Dialled(CallId, TrunkId),
    Forwarded(CallId),
    Finished(CallId, Finished),
    Broken(CallId),
    /// A name that is to be kept: whose, and its octets.
    Name(CallId, PersonId, usize),
}

pub(crate) struct Scripted {
    /// By station: the first station is 1.
    pub(crate) habits: Vec<Habit>,
    pub(crate) told: Sender<Told>,
    /// Ends the wait of [`Habit::Stalls`].
    pub(crate) stall: Option<Mutex<Receiver<()>>>,
    /// How the audio of calls was.
    pub(crate) heard: Mutex<Vec<Heard>>,
}

impl Scripted {
    fn habit(&self, station: StationId) -> Habit {
        let index = usize::try_from(station.0).unwrap().checked_sub(1).unwrap();
        self.habits[index]
    }

    fn tell(&self, told: Told) {
        // A test that is over does not listen any more.
        let _ = self.told.send(told);
    }

    /// The habit of the station that a call came from: calls and stations are numbered alike.
    fn habit_of(&self, call: CallId) -> Option<Habit> {
        let counter = usize::try_from(call.0 & u64::from(u32::MAX)).unwrap();
        self.habits.get(counter.checked_sub(1)?).copied()
    }
}

impl Office for Scripted {
    fn station(&self, station: StationId) -> Option<StationPlan> {
        match self.habit(station) {
            Habit::Denies => None,
            Habit::PanicsAtTheDoor => panic!("the script says so"),
            Habit::Hotline => {
                let dialled = Private::new("2025550142".to_owned());
                let hotline = Hotline { dialled, free: true, recording: false };
                let dialling = Dialling::Hotline(hotline);
                Some(StationPlan { caller: Caller::Nobody, dialling, ..plan() })
            }
            Habit::PanicsWhenAnswered => {
                // Long enough for an apology to be heard.
                let timing = Timing { farewell_max: Duration::from_secs(15), ..plan().timing };
                Some(StationPlan { timing, ..plan() })
            }
            // What becomes of a name is heard to its end, which takes its time.
            Habit::Names => Some(StationPlan { timing: Timing::default(), ..plan() }),
            Habit::Admits | Habit::Panics | Habit::Silent | Habit::Stalls => Some(plan()),
        }
    }

    fn ask(&self, call: CallId, station: StationId, question: Question, reply: Reply) {
        let habit = self.habit(station);
        match question {
            Question::Identify { .. } => {
                self.tell(Told::Asked(call, "identify"));
                assert!(habit != Habit::Panics, "the script says so");
                if let Some(stall) = self.stall.as_ref().filter(|_| habit == Habit::Stalls) {
                    stall.lock().unwrap().recv().unwrap();
                }
                reply.send(Answer::Person(Identified {
                    person: PersonId(1),
                    name: Private::new("Marcus Bell".to_owned()),
                    language: Language::En,
                    own_name: if matches!(habit, Habit::Names) {
                        OwnName::Absent
                    } else {
                        OwnName::Off
                    },
                }));
            }
            Question::Balance { .. } => reply.send(Answer::Balance(Money::ZERO)),
            Question::Admit { .. } if habit == Habit::Hotline => {
                self.tell(Told::Asked(call, "admit"));
                let may_record = Err(OffReason::StationOff);
                let connect = Connect::AtOnce;
                let price = Price::Free;
                let admission = Admission { may_record, price, connect, ..admission() };
                reply.send(Answer::Admitted(admission));
            }
            Question::Admit { .. } => {
                self.tell(Told::Asked(call, "admit"));
                if habit != Habit::Silent {
                    reply.send(Answer::Admitted(admission()));
                }
            }
            Question::Commit { recording, .. } => reply.send(Answer::Committed { recording }),
            Question::Block => reply.send(Answer::Blocked { kept: true }),
            Question::KeepName { clip } => {
                let octets = clip.voice().expose().len();
                self.tell(Told::Name(clip.call(), clip.person(), octets));
                reply.send(Answer::NameKept { kept: true });
            }
            Question::RemoveName { .. } => reply.send(Answer::NameRemoved { removed: false }),
        }
    }

    fn dialled(&self, call: CallId, trunk: TrunkId, _: Timestamp) {
        self.tell(Told::Dialled(call, trunk));
    }

    fn forwarded(&self, call: CallId, _: Timestamp) {
        self.tell(Told::Forwarded(call));
    }

    fn heard(&self, heard: Heard) {
        self.heard.lock().unwrap().push(heard);
    }

    fn tell(&self, call: CallId, event: CallEvent) {
        let answered = matches!(event, CallEvent::Answered { .. });
        let panics = self.habit_of(call) == Some(Habit::PanicsWhenAnswered);
        assert!(!(answered && panics), "the script says so");
    }

    fn not_recorded(&self, call: CallId, reason: OffReason) {
        panic!("{call:?} had no consent that could be refused: {reason:?}");
    }

    fn recording_closed(&self, call: CallId, _: Option<RecordingEnd>) {
        panic!("{call:?} had no recording");
    }

    fn finished(&self, call: CallId, finished: Finished) {
        self.tell(Told::Finished(call, finished));
    }

    fn broken(&self, call: CallId, _: Timestamp) {
        self.tell(Told::Broken(call));
        assert!(self.habit_of(call) != Some(Habit::Panics), "the script says so, again");
    }
}

/// Short waits and many attempts, so that a test need not listen to prompts and may be slow.
fn plan() -> StationPlan {
    let short = Duration::from_millis(100);
    StationPlan {
        station_key: "cedar/jail/a/1".to_owned(),
        agency: AgencyId(1),
        facility: FacilityId(1),
        facility_name: Private::new("Cedar County Jail".to_owned()),
        caller_id: E164::new(12_025_550_199).unwrap(),
        pack: ContentHash([1; 32]),
        timing: Timing {
            play_max: short,
            farewell_max: short,
            answer_wait: Duration::from_millis(500),
            pin_attempts_count_max: u8::MAX,
            number_attempts_count_max: u8::MAX,
            ..Timing::default()
        },
        caller: Caller::AskPin,
        dialling: Dialling::Menu,
        help: false,
    }
}

fn admission() -> Admission {
    Admission {
        number: Private::new(E164::new(12_025_550_142).unwrap()),
        class: NumberClass::Ordinary,
        may_record: Err(OffReason::FacilityOff),
        price: Price::Free,
        talk_max: Duration::from_secs(60),
        called_language: Language::En,
        connect: Connect::Announced,
        choices: Choices::default(),
        voice: None,
    }
}
