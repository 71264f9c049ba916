//! Anything, in any order, from anywhere.

use core::time::Duration;
use model::{
    Key, Language, Money, PlayId, Side,
    Side::{Called, Station},
    Timestamp,
    fact::{EndReason, Epoch, KeyPath, OffReason, Refusal},
};
use proptest::prelude::*;
use std::{vec, vec::Vec};

use super::ladder::{admission, complete, index, person, setup, words};
use crate::{
    Answer, Enrolment, Finished, Identified, Input, Machine, Output, OwnName, PlayEnd, Question,
    Recording, TrunkFailure,
};

/// A step of the world. Many steps fit the machine's state, because the watcher fills in the play
/// and the answer that are due; many do not.
#[derive(Clone, Debug)]
enum Step {
    Wait(u32),
    Timeout,
    Keys(Side, &'static str),
    KeyBegun(Side, char, i32),
    Played {
        side: Side,
        whole: bool,
        ended_ms: i32,
    },
    OldPlay {
        side: Side,
        play: u32,
        whole: bool,
    },
    /// The answer to the open question: as hoped, or else.
    Answer {
        hoped: bool,
    },
    AnyAnswer(u8),
    Raw(Raw),
}

/// Inputs that fit at any time, or never.
#[derive(Clone, Debug)]
enum Raw {
    CalledAnswered,
    Ringing,
    HungUp(Side),
    LegMoved(Side),
    Sound {
        sounding: bool,
        side: Side,
        since: Timestamp,
    },
    MediaLost {
        side: Side,
        last: Timestamp,
    },
    Stop(EndReason),
    CalledFailed(TrunkFailure),
    /// A name, said under the enrolment that there is, or nothing.
    Name {
        said: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let side = prop_oneof![Just(Station), Just(Called)];
    let keys = prop_oneof![
        Just("4711#"),
        Just("2025550142#"),
        Just("1"),
        Just("2"),
        Just("9"),
        Just("3"),
        Just("4"),
        Just("70"),
        Just("7"),
        Just("*"),
        Just("5"),
        Just("#"),
    ];
    prop_oneof![
        4 => (0_u32..20_000).prop_map(Step::Wait),
        4 => Just(Step::Timeout),
        6 => (side.clone(), keys).prop_map(|(side, keys)| Step::Keys(side, keys)),
        4 => (side.clone(), "[0-9*#A-D]", -2_000_i32..100)
            .prop_map(|(side, key, ms)| Step::KeyBegun(side, key.chars().next().unwrap(), ms)),
        12 => (side.clone(), prop::bool::weighted(0.9), -1_000_i32..50)
            .prop_map(|(side, whole, ended_ms)| Step::Played { side, whole, ended_ms }),
        1 => (side.clone(), 0_u32..12, any::<bool>())
            .prop_map(|(side, play, whole)| Step::OldPlay { side, play, whole }),
        12 => prop::bool::weighted(0.9).prop_map(|hoped| Step::Answer { hoped }),
        1 => (0_u8..11).prop_map(Step::AnyAnswer),
        6 => Just(Step::Raw(Raw::CalledAnswered)),
        1 => Just(Step::Raw(Raw::Ringing)),
        3 => prop::bool::weighted(0.9).prop_map(|said| Step::Raw(Raw::Name { said })),
        1 => rare(),
    ]
}

fn rare() -> impl Strategy<Value = Step> {
    let side = prop_oneof![Just(Station), Just(Called)];
    prop_oneof![
        side.clone().prop_map(|side| Step::Raw(Raw::HungUp(side))),
        side.clone().prop_map(|side| Step::Raw(Raw::LegMoved(side))),
        (side.clone(), any::<bool>(), 0_i64..40_000_000).prop_map(|(side, sounding, since)| {
            let since = Timestamp::from_micros(since);
            Step::Raw(Raw::Sound { side, sounding, since })
        }),
        (side, 0_i64..40_000_000).prop_map(|(side, last)| {
            Step::Raw(Raw::MediaLost { side, last: Timestamp::from_micros(last) })
        }),
        prop_oneof![
            Just(EndReason::NodeStopping),
            Just(EndReason::Fault),
            Just(EndReason::CutByStaff)
        ]
        .prop_map(|reason| Step::Raw(Raw::Stop(reason))),
        prop_oneof![Just(TrunkFailure::Busy), Just(TrunkFailure::Failed)]
            .prop_map(|failure| Step::Raw(Raw::CalledFailed(failure))),
    ]
}

/// A second, simpler account of one call, from inputs and outputs alone.
struct Watcher {
    machine: Machine,
    now: Timestamp,
    may_record: Result<Epoch, OffReason>,
    /// The answers given so far.
    admitted: bool,
    durable: Option<Result<Epoch, OffReason>>,
    open: Option<Question>,
    questions_open_max: usize,
    latest: [Option<PlayId>; 2],
    /// For each leg the latest notice and, if heard whole, its end.
    notice: [Option<(PlayId, Option<Timestamp>)>; 2],
    /// What tells the called party the keys again since the notice and, if heard whole, its end.
    keys: Option<(PlayId, Option<Timestamp>)>,
    /// An accept key of the called party that came when both had heard the latest notice whole and
    /// began after its end, and nobody was moved since.
    accepted: bool,
    /// A leg was moved while the acceptance was being made durable.
    moved: bool,
    /// The called party said that the call is private.
    claimed: bool,
    /// What is said before a name is recorded, and its end, if heard whole.
    explained: Option<(PlayId, Option<Timestamp>)>,
    /// The key that chooses to record came after that, and nobody was moved since.
    chosen: bool,
    enrolment: Option<Enrolment>,
    /// Names that were recorded, and that are stored or are to be.
    names: [usize; 2],
    up: [bool; 2],
    dialled: bool,
    /// Whether the person hears a tone where nothing is said to them, or last words.
    sounds: bool,
    bridged: Option<bool>,
    /// Whether the legs do not hear each other.
    parted: bool,
    finished: usize,
    outputs_after_end: usize,
}

impl Watcher {
    fn new(may_record: Result<Epoch, OffReason>) -> Self {
        let now = Timestamp::default();
        let mut watcher = Self {
            machine: Machine::new(setup(), now),
            now,
            may_record,
            admitted: false,
            durable: None,
            open: None,
            questions_open_max: 0,
            latest: [None; 2],
            notice: [None; 2],
            keys: None,
            accepted: false,
            moved: false,
            claimed: false,
            explained: None,
            chosen: false,
            enrolment: None,
            names: [0; 2],
            up: [true, false],
            dialled: false,
            sounds: false,
            bridged: None,
            parted: true,
            finished: 0,
            outputs_after_end: 0,
        };
        watcher.drain();
        watcher
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Wait(ms) => self.now = self.now.after(Duration::from_millis(u64::from(ms))),
            Step::Timeout => {
                if let Some(until) = self.machine.poll_timeout() {
                    self.now = self.now.max(until);
                }
                self.feed(Input::Timeout);
            }
            Step::Keys(side, keys) => {
                for label in keys.chars() {
                    self.now = self.now.after(Duration::from_millis(80));
                    self.key(side, label, self.now);
                }
            }
            Step::KeyBegun(side, label, ms) => self.key(side, label, shifted(self.now, ms)),
            Step::Played { side, whole, ended_ms } => {
                if let Some(play) = self.latest[index(side)] {
                    self.played(side, play, whole, shifted(self.now, ended_ms));
                }
            }
            Step::OldPlay { side, play, whole } => {
                let old = self.latest[index(side)].map_or(0, |latest| latest.0);
                self.played(side, PlayId(old.saturating_sub(play)), whole, self.now);
            }
            Step::Answer { hoped } => {
                let answer = self.open.as_ref().map(|question| self.fitting(question, hoped));
                if let Some(answer) = answer {
                    self.answer(answer);
                }
            }
            Step::AnyAnswer(which) => self.answer(self.any_answer(which)),
            Step::Raw(raw) => {
                if let Raw::HungUp(side) = raw {
                    self.up[index(side)] = false;
                }
                if let Raw::LegMoved(side) = raw
                    && self.up[index(side)]
                {
                    self.leg_moved();
                }
                let input = self.input_of(raw);
                self.feed(input);
            }
        }
    }

    fn input_of(&mut self, raw: Raw) -> Input {
        match raw {
            Raw::CalledAnswered => Input::CalledAnswered,
            Raw::Ringing => Input::Ringing,
            Raw::HungUp(side) => Input::HungUp(side),
            Raw::LegMoved(side) => Input::LegMoved(side),
            Raw::Sound { sounding, side, since } => Input::Sound { side, sounding, since },
            Raw::MediaLost { side, last } => Input::MediaLost { side, last },
            Raw::Stop(reason) => Input::Stop(reason),
            Raw::CalledFailed(failure) => Input::CalledFailed(failure),
            Raw::Name { said } => {
                let spoken = if said { vec![1; 2_000] } else { Vec::new() };
                let enrolment = self.enrolment.take();
                Input::NameCaptured(enrolment.and_then(|enrolment| enrolment.captured(spoken)))
            }
        }
    }

    fn leg_moved(&mut self) {
        self.chosen = false;
        self.explained = None;
        if matches!(self.open, Some(Question::Commit { .. })) {
            self.moved = true;
        } else {
            self.notice = [None; 2];
            self.accepted = false;
        }
    }

    fn key(&mut self, side: Side, label: char, onset: Timestamp) {
        let heard = self.notice.map(|notice| notice.and_then(|(_, ended)| ended));
        if let ([Some(station), Some(called)], Called, '1') = (heard, side, label) {
            let told = match self.keys {
                None => Some(station.max(called)),
                Some((_, ended)) => ended.map(|ended| station.max(called).max(ended)),
            };
            self.accepted |=
                told.is_some_and(|told| onset >= told.after(Duration::from_millis(100)));
        }
        if let (Some((_, Some(ended))), Station, '1') = (self.explained, side, label) {
            self.chosen |= onset >= ended.after(Duration::from_millis(100));
        }
        let key = Key::from_char(label).unwrap();
        self.feed(Input::Key { side, key, onset, path: KeyPath::TelephoneEvent });
    }

    fn played(&mut self, side: Side, play: PlayId, whole: bool, ended: Timestamp) {
        if let Some((notice, end)) = &mut self.notice[index(side)]
            && *notice == play
            && end.is_none()
            && whole
        {
            *end = Some(ended);
        }
        if let Some((keys, end)) = &mut self.keys
            && (side, *keys, *end, whole) == (Called, play, None, true)
        {
            *end = Some(ended);
        }
        if let Some((explaining, end)) = &mut self.explained
            && (side, *explaining, *end, whole) == (Station, play, None, true)
        {
            *end = Some(ended);
        }
        let end = if whole { complete(play, ended) } else { PlayEnd::Cut };
        self.feed(Input::Played { side, play, end });
    }

    fn answer(&mut self, answer: Answer) {
        let fits = matches!(
            (&self.open, &answer),
            (
                Some(Question::Identify { .. }),
                Answer::Person(_) | Answer::PinUnknown | Answer::PinLocked
            ) | (Some(Question::Balance { .. }), Answer::Balance(_))
                | (Some(Question::Admit { .. }), Answer::Admitted(_) | Answer::Denied(_))
                | (Some(Question::Commit { .. }), Answer::Committed { .. })
                | (Some(Question::Block), Answer::Blocked { .. })
                | (Some(Question::KeepName { .. }), Answer::NameKept { .. })
                | (Some(Question::RemoveName { .. }), Answer::NameRemoved { .. })
        );
        if fits {
            self.open = None;
            self.admitted |= matches!(answer, Answer::Admitted(_));
            if let Answer::Committed { recording } = &answer {
                self.durable = Some(*recording);
            }
        }
        self.feed(Input::Answer(answer));
    }

    fn fitting(&self, question: &Question, hoped: bool) -> Answer {
        match (question, hoped) {
            (Question::Identify { .. }, true) => Answer::Person(nameless()),
            (Question::Identify { .. }, false) => Answer::PinUnknown,
            (Question::Balance { .. }, _) => Answer::Balance(Money::ZERO),
            (Question::Admit { .. }, true) => self.any_answer(4),
            (Question::Admit { .. }, false) => Answer::Denied(Refusal::NumberBlocked),
            (Question::Block, kept) => Answer::Blocked { kept },
            (Question::KeepName { .. }, kept) => Answer::NameKept { kept },
            (Question::RemoveName { .. }, removed) => Answer::NameRemoved { removed },
            (Question::Commit { recording, .. }, true) => {
                Answer::Committed { recording: *recording }
            }
            (Question::Commit { .. }, false) => {
                Answer::Committed { recording: Err(OffReason::LogUnavailable) }
            }
        }
    }

    fn any_answer(&self, which: u8) -> Answer {
        match which {
            0 => Answer::Person(nameless()),
            1 => Answer::PinUnknown,
            2 => Answer::PinLocked,
            3 => Answer::Balance(Money::ZERO),
            4 => {
                let mut admission = admission();
                admission.may_record = self.may_record;
                admission.called_language = Language::Es;
                Answer::Admitted(admission)
            }
            5 => Answer::Denied(Refusal::Unavailable),
            7 => Answer::Blocked { kept: true },
            8 => Answer::NameKept { kept: true },
            9 => Answer::NameRemoved { removed: true },
            6 => Answer::Committed { recording: Ok(Epoch(3)) },
            _ => Answer::Committed { recording: Ok(Epoch(4)) },
        }
    }

    fn feed(&mut self, input: Input) {
        self.machine.handle(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            if self.finished > 0 {
                self.outputs_after_end += 1;
            }
            self.watch(output);
        }
        let waits = self.dialled && self.bridged.is_none() && self.up[index(Station)];
        assert!(!waits || self.sounds, "dead air for the person");
    }

    fn watch(&mut self, output: Output) {
        match output {
            Output::Play { side, play, script } => {
                let farewell = words(&script).contains("time_is_up");
                assert!(self.parted || !farewell, "says farewell while they still talk");
                assert!(self.up[index(side)], "plays to a leg that is gone");
                self.latest[index(side)] = Some(play);
                self.sounds |= side == Station;
                if words(&script).contains("name_explain") {
                    self.explained = Some((play, None));
                    self.chosen = false;
                }
                if words(&script).contains("call_from") {
                    self.notice[index(side)] = Some((play, None));
                    self.keys = None;
                }
                if words(&script).contains("wrong_key") {
                    self.keys = Some((play, None));
                }
            }
            Output::Ask(question) => {
                self.questions_open_max =
                    self.questions_open_max.max(1 + usize::from(self.open.is_some()));
                if let Question::KeepName { .. } = &question {
                    assert!(self.names[0] > 0, "keeps what was never recorded");
                    self.names[1] += 1;
                }
                self.open = Some(question);
            }
            Output::RecordName(enrolment) => {
                assert!(self.chosen, "records a name that nobody chose to say");
                assert!(!self.admitted && !self.up[index(Called)], "records beside somebody else");
                assert_eq!(enrolment.person(), person().person);
                self.enrolment = Some(enrolment);
                self.names[0] += 1;
            }
            Output::Dial { .. } => {
                assert!(self.admitted, "dials what was not admitted");
                self.dialled = true;
                self.up[index(Called)] = true;
            }
            Output::Bridge(recording) => {
                assert!(self.accepted, "bridges what was not accepted");
                assert!(self.bridged.is_none(), "bridges twice");
                let recorded = matches!(recording, Recording::Consented(_));
                if recorded {
                    assert!(!self.claimed, "records what was said to be private");
                    assert!(!self.moved, "records somebody who heard nothing");
                    assert_eq!(self.may_record, Ok(Epoch(3)));
                    assert_eq!(self.durable, Some(Ok(Epoch(3))));
                }
                self.bridged = Some(recorded);
                self.parted = false;
            }
            Output::Unbridge => {
                assert!(self.bridged.is_some(), "parts who were never joined");
                assert!(!self.parted, "parts twice");
                self.parted = true;
            }
            Output::HangUp { side, .. } => {
                assert!(self.parted, "hangs up while they still talk");
                assert!(self.up[index(side)], "hangs up a leg that is gone");
                self.up[index(side)] = false;
            }
            Output::Finished(finished) => self.watch_end(&finished),
            Output::Event(event) => {
                self.claimed |= matches!(event, crate::CallEvent::PrivateClaimed { .. });
            }
            // With a tone, what is said may end; without, only what is said from then on sounds.
            Output::Tone(tone) => self.sounds = tone.is_some(),
            Output::Hush(_) => {}
        }
    }

    fn watch_end(&mut self, finished: &Finished) {
        assert!(self.parted, "ends while they still talk");
        self.finished += 1;
        assert!(finished.talked <= admission().talk_max);
        if self.admitted {
            assert!(finished.reason.is_some(), "leaves a hold unsettled");
        }
        assert_eq!(finished.off.is_some(), self.bridged == Some(false));
        if self.bridged.is_none() {
            assert_eq!(finished.talked, Duration::ZERO);
        }
    }
}

/// Somebody who may record their name.
fn nameless() -> Identified {
    Identified { own_name: OwnName::Absent, ..person() }
}

fn shifted(now: Timestamp, ms: i32) -> Timestamp {
    Timestamp::from_micros(now.micros().saturating_add(i64::from(ms) * 1_000))
}

/// The way to a conversation, into which anything is mixed.
fn good_call() -> Vec<Step> {
    let whole = |side| Step::Played { side, whole: true, ended_ms: 0 };
    vec![
        Step::Keys(Station, "4711#"),
        Step::Answer { hoped: true },
        Step::Keys(Station, "2025550142#"),
        Step::Answer { hoped: true },
        whole(Station),
        Step::Raw(Raw::CalledAnswered),
        whole(Station),
        whole(Called),
        Step::Wait(100),
        Step::Keys(Called, "1"),
        Step::Answer { hoped: true },
        Step::Timeout,
    ]
}

/// The way to a name that is kept, and then to a conversation.
fn good_name() -> Vec<Step> {
    let whole = Step::Played { side: Station, whole: true, ended_ms: 0 };
    let mut steps = good_call();
    let naming = [
        Step::Keys(Station, "#"),
        whole.clone(),
        Step::Wait(100),
        Step::Keys(Station, "1"),
        whole,
        Step::Raw(Raw::Name { said: true }),
        Step::Keys(Station, "1"),
        Step::Answer { hoped: true },
    ];
    steps.splice(2..2, naming);
    steps
}

fn world() -> impl Strategy<Value = (Result<Epoch, OffReason>, Vec<Step>)> {
    let may_record = prop_oneof![3 => Just(Ok(Epoch(3))), 1 => Just(Err(OffReason::Protected))];
    // A good call with a few steps put in at any place, and steps of every kind without a plan.
    let mixed =
        (any::<bool>(), prop::collection::vec((any::<prop::sample::Index>(), step()), 0..6));
    let mixed = mixed.prop_map(|(named, additions)| {
        let mut steps = if named { good_name() } else { good_call() };
        for (place, step) in additions {
            steps.insert(place.index(steps.len()), step);
        }
        steps
    });
    (may_record, prop_oneof![mixed, prop::collection::vec(step(), 0..60)])
}

/// Plays a world to its end and returns the watcher.
fn run(may_record: Result<Epoch, OffReason>, steps: Vec<Step>) -> Watcher {
    let mut watcher = Watcher::new(may_record);
    for step in steps {
        watcher.take(step);
    }
    // Left alone, every call ends by its own time-outs.
    for _ in 0..1_000 {
        if watcher.machine.poll_timeout().is_none() {
            break;
        }
        watcher.take(Step::Timeout);
    }
    watcher.take(Step::Timeout);
    watcher
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens((may_record, steps) in world()) {
        let watcher = run(may_record, steps);
        prop_assert_eq!(watcher.finished, 1);
        prop_assert_eq!(watcher.outputs_after_end, 0);
        prop_assert!(watcher.questions_open_max <= 1);
        prop_assert_eq!(watcher.machine.poll_timeout(), None);
    }
}

/// The watcher would notice nothing if its calls never got far.
#[test]
fn a_good_call_is_recorded() {
    assert_eq!(run(Ok(Epoch(3)), good_call()).bridged, Some(true));
    assert_eq!(run(Err(OffReason::Protected), good_call()).bridged, Some(false));
}

#[test]
fn a_good_name_is_kept_and_its_call_goes_on() {
    let watcher = run(Ok(Epoch(3)), good_name());
    assert_eq!((watcher.names, watcher.bridged), ([1, 1], Some(true)));
}
