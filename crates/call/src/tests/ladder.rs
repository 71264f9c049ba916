//! Drives a machine and writes down what came in and, indented, what went out.

use core::time::Duration;
use model::{
    CallId, E164, Key, Language, Money, PersonId, Phrase, PlayId, Private, Script, Side, Timestamp,
    Tone,
    fact::{ConsentEvidence, Epoch, KeyPath, NumberClass, OffReason},
    speech::ContentHash,
};
use std::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use crate::{
    AcceptKey, Admission, Answer, CallEvent, Choices, Connect, Consent, Enrolment, Finished,
    Identified, Input, Machine, NameClip, Output, OwnName, PlayEnd, Price, Question, Recording,
    Setup, Start, Timing,
};

pub(super) struct Ladder {
    pub(super) machine: Machine,
    pub(super) now: Timestamp,
    pub(super) finished: Option<Finished>,
    pub(super) consent: Option<Consent>,
    pub(super) evidence: Option<ConsentEvidence>,
    pub(super) enrolment: Option<Enrolment>,
    pub(super) clip: Option<NameClip>,
    latest: [Option<PlayId>; 2],
    text: String,
}

pub(super) fn setup() -> Setup {
    Setup {
        call: CallId::from_parts(1, 1),
        facility: Private::new("Cedar County Jail".to_string()),
        pack: ContentHash([9; 32]),
        timing: Timing::default(),
        start: Start::default(),
    }
}

pub(super) fn person() -> Identified {
    Identified {
        person: PersonId(7),
        name: Private::new("Marcus Bell".to_string()),
        language: Language::En,
        own_name: OwnName::Off,
    }
}

pub(super) fn admission() -> Admission {
    Admission {
        number: Private::new(E164::new(12_025_550_142).unwrap()),
        class: NumberClass::Ordinary,
        may_record: Ok(Epoch(3)),
        price: Price::PerMinute(Money::from_cents(7)),
        talk_max: Duration::from_secs(900),
        called_language: Language::En,
        connect: Connect::Announced,
        choices: Choices { accept: AcceptKey::One, private_claim: true, reminder_every: None },
        voice: None,
    }
}

/// The same call to a number that may not be recorded.
pub(super) fn unrecorded(reason: OffReason) -> Admission {
    Admission { may_record: Err(reason), ..admission() }
}

impl Ladder {
    pub(super) fn new() -> Self {
        Self::with(setup())
    }

    pub(super) fn with(setup: Setup) -> Self {
        let now = Timestamp::default();
        let mut ladder = Self {
            machine: Machine::new(setup, now),
            now,
            finished: None,
            consent: None,
            evidence: None,
            enrolment: None,
            clip: None,
            latest: [None; 2],
            text: String::new(),
        };
        ladder.line("start");
        ladder.drain();
        ladder
    }

    /// Time passes.
    pub(super) fn after(&mut self, ms: u64) -> &mut Self {
        self.now = self.now.after(Duration::from_millis(ms));
        self
    }

    /// Keys are pressed, a tenth of a second apart.
    pub(super) fn keys(&mut self, side: Side, keys: &str) -> &mut Self {
        self.line(&format!("{} presses {keys}", name(side)));
        for label in keys.chars() {
            self.after(100);
            self.feed(press(side, label, self.now));
        }
        self
    }

    /// A key is handled now whose tone began `ms` ago.
    pub(super) fn late_key(&mut self, side: Side, label: char, ms: i64) -> &mut Self {
        self.line(&format!("{} presses {label}, begun {ms} ms ago", name(side)));
        let onset = Timestamp::from_micros(self.now.micros() - ms * 1_000);
        self.feed(press(side, label, onset))
    }

    /// The latest play of a leg ends, heard whole.
    pub(super) fn heard(&mut self, side: Side) -> &mut Self {
        self.line(&format!("{} heard it all", name(side)));
        let input = self.whole(side);
        self.feed(input)
    }

    /// The latest play of a leg ends without having been heard.
    pub(super) fn cut(&mut self, side: Side) -> &mut Self {
        self.line(&format!("{} heard it in part", name(side)));
        let play = self.latest[index(side)].unwrap_or(PlayId(0));
        self.feed(Input::Played { side, play, end: PlayEnd::Cut })
    }

    pub(super) fn whole(&self, side: Side) -> Input {
        let play = self.latest[index(side)].unwrap_or(PlayId(0));
        Input::Played { side, play, end: complete(play, self.now) }
    }

    pub(super) fn latest(&self, side: Side) -> Option<PlayId> {
        self.latest[index(side)]
    }

    pub(super) fn answer(&mut self, answer: Answer) -> &mut Self {
        let label = match &answer {
            Answer::Person(_) => "person known".to_string(),
            Answer::PinUnknown => "PIN unknown".to_string(),
            Answer::PinLocked => "PIN locked".to_string(),
            Answer::Balance(balance) => format!("balance {balance}"),
            Answer::Admitted(_) => "admitted".to_string(),
            Answer::Denied(reason) => format!("denied: {reason:?}"),
            Answer::Blocked { kept } => format!("blocked, kept: {kept}"),
            Answer::NameKept { kept } => format!("name kept: {kept}"),
            Answer::NameRemoved { removed } => format!("name removed: {removed}"),
            Answer::Committed { recording: Ok(epoch) } => format!("durable, epoch {}", epoch.0),
            Answer::Committed { recording: Err(reason) } => format!("durable, but {reason:?}"),
        };
        self.line(&format!("office: {label}"));
        self.feed(Input::Answer(answer))
    }

    /// Waits for the machine's own time-out.
    pub(super) fn timeout(&mut self) -> &mut Self {
        self.now = self.now.max(self.machine.poll_timeout().unwrap());
        self.line("time-out");
        self.feed(Input::Timeout)
    }

    /// Waits for time-outs until one brings `sign`, and forgets what came before it.
    pub(super) fn timeouts_until(&mut self, sign: &str) -> &mut Self {
        for _ in 0..TIMEOUTS_COUNT_MAX {
            self.skip().timeout();
            if self.text.contains(sign) {
                return self;
            }
        }
        panic!("`{sign}` never comes");
    }

    /// Waits for time-outs until the call is over.
    pub(super) fn run_out(&mut self) -> &mut Self {
        for _ in 0..TIMEOUTS_COUNT_MAX {
            if self.finished.is_some() {
                return self;
            }
            self.timeout();
        }
        panic!("the call never ends");
    }

    /// Anything else.
    pub(super) fn input(&mut self, input: Input) -> &mut Self {
        let label = match &input {
            Input::HungUp(side) => format!("{} hangs up", name(*side)),
            Input::MediaLost { side, .. } => format!("{} is silent", name(*side)),
            Input::Ringing => "ringing".to_string(),
            Input::CalledAnswered => "called party answers".to_string(),
            Input::CalledFailed(failure) => format!("trunk: {failure:?}"),
            Input::LegMoved(side) => format!("{} is moved", name(*side)),
            Input::Sound { side, sounding, .. } => {
                let begins = if *sounding { "begins to sound" } else { "is quiet" };
                format!("{} {begins}", name(*side))
            }
            Input::Stop(reason) => format!("stop: {reason:?}"),
            Input::NameCaptured(Some(_)) => "a name was said".to_string(),
            Input::NameCaptured(None) => "nothing was said".to_string(),
            Input::Key { .. } | Input::Played { .. } | Input::Answer(_) | Input::Timeout => {
                "input".to_string()
            }
        };
        self.line(&label);
        self.feed(input)
    }

    fn feed(&mut self, input: Input) -> &mut Self {
        self.machine.handle(self.now, input);
        self.drain();
        self
    }

    fn drain(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            self.text.push_str(&format!("            {}\n", describe(&output)));
            match output {
                Output::Play { side, play, .. } => self.latest[index(side)] = Some(play),
                Output::Bridge(Recording::Consented(consent)) => self.consent = Some(consent),
                Output::Ask(Question::Commit { evidence, .. }) => self.evidence = Some(evidence),
                Output::RecordName(enrolment) => self.enrolment = Some(enrolment),
                Output::Ask(Question::KeepName { clip }) => self.clip = Some(clip),
                Output::Finished(finished) => {
                    assert!(self.finished.replace(finished).is_none(), "finished twice");
                }
                Output::Hush(_)
                | Output::Tone(_)
                | Output::Ask(_)
                | Output::Dial { .. }
                | Output::Bridge(_)
                | Output::Unbridge
                | Output::HangUp { .. }
                | Output::Event(_) => {}
            }
        }
    }

    fn line(&mut self, label: &str) {
        self.text.push_str(&format!("{:<8}{label}\n", seconds(self.now)));
    }

    /// Forgets what was written, so that a ladder shows only what it is about.
    pub(super) fn skip(&mut self) -> &mut Self {
        self.text.clear();
        self
    }

    /// What was written since the last look.
    pub(super) fn text(&mut self) -> String {
        core::mem::take(&mut self.text)
    }

    pub(super) fn reach_number(&mut self) -> &mut Self {
        self.after(900).keys(Side::Station, "4711#").after(20).answer(Answer::Person(person()))
    }

    pub(super) fn reach_admit(&mut self) -> &mut Self {
        self.reach_number().after(880).keys(Side::Station, "2025550142#")
    }

    pub(super) fn reach_ringing(&mut self, admission: Admission) -> &mut Self {
        self.reach_admit().after(20).answer(Answer::Admitted(admission));
        self.after(4_000).heard(Side::Station).after(500).input(Input::Ringing)
    }

    pub(super) fn reach_notice(&mut self, admission: Admission) -> &mut Self {
        self.reach_ringing(admission).after(3_000).input(Input::CalledAnswered)
    }

    /// The person hears the notice whole 12 s after it began, the called party 3 s later.
    pub(super) fn notice_heard(&mut self) -> &mut Self {
        self.after(12_000).heard(Side::Station).after(3_000).heard(Side::Called)
    }

    pub(super) fn reach_deciding(&mut self, admission: Admission) -> &mut Self {
        self.reach_notice(admission).notice_heard()
    }

    pub(super) fn reach_commit(&mut self, admission: Admission) -> &mut Self {
        self.reach_deciding(admission).after(900).keys(Side::Called, "1")
    }

    pub(super) fn reach_talk(&mut self, admission: Admission) -> &mut Self {
        let recording = admission.may_record;
        self.reach_commit(admission).after(10).answer(Answer::Committed { recording })
    }
}

pub(super) fn press(side: Side, label: char, onset: Timestamp) -> Input {
    let key = Key::from_char(label).unwrap();
    Input::Key { side, key, onset, path: KeyPath::TelephoneEvent }
}

pub(super) fn complete(play: PlayId, ended: Timestamp) -> PlayEnd {
    PlayEnd::Complete { content: content(play), ended }
}

/// The hash that stands for what a play played.
pub(super) fn content(play: PlayId) -> ContentHash {
    ContentHash([u8::try_from(play.0).unwrap_or(u8::MAX); 32])
}

pub(super) fn index(side: Side) -> usize {
    match side {
        Side::Station => 0,
        Side::Called => 1,
    }
}

pub(super) fn name(side: Side) -> &'static str {
    match side {
        Side::Station => "station",
        Side::Called => "called",
    }
}

fn seconds(at: Timestamp) -> String {
    format!("{:.3}", Duration::from_micros(at.micros().unsigned_abs()).as_secs_f64())
}

pub(super) fn describe(output: &Output) -> String {
    match output {
        Output::Play { side, script, .. } => {
            let words = wrapped(&words(script));
            format!("{} hears {words}", name(*side))
        }
        Output::Hush(side) => format!("{}: hush", name(*side)),
        Output::Tone(Some(Tone::Ringback)) => "ringback".to_string(),
        Output::Tone(Some(Tone::Comfort)) => "comfort tone".to_string(),
        Output::Tone(None) => "no tone".to_string(),
        Output::Ask(Question::Identify { pin }) => format!("ask: whose PIN is {}", pin.expose()),
        Output::Ask(Question::Balance { person }) => format!("ask: balance of {}", person.0),
        Output::Ask(Question::Admit { person, dialled }) => {
            let person = person.map_or("nobody".to_string(), |person| person.0.to_string());
            format!("ask: may {person} call {}", dialled.expose())
        }
        Output::Ask(Question::Block) => "ask: call them no more".to_string(),
        Output::Ask(Question::KeepName { clip }) => {
            format!("ask: keep the name of {}", clip.person().0)
        }
        Output::Ask(Question::RemoveName { person }) => {
            format!("ask: remove the name of {}", person.0)
        }
        Output::RecordName(enrolment) => format!("record the name of {}", enrolment.person().0),
        Output::Ask(Question::Commit { recording, .. }) => format!("ask: commit, {recording:?}"),
        Output::Dial { number } => format!("dial {}", number.expose().display()),
        Output::Bridge(Recording::Consented(consent)) => {
            format!("bridge, recorded (epoch {})", consent.epoch().0)
        }
        Output::Bridge(Recording::Off(reason)) => format!("bridge, off: {reason:?}"),
        Output::Unbridge => "unbridge".to_string(),
        Output::HangUp { side, cause } => format!("hang up {} ({cause:?})", name(*side)),
        Output::Event(event) => match event {
            CallEvent::Answered { .. } => "event: answered".to_string(),
            CallEvent::NoticeStarted { language } => format!("event: notice {}", language.code()),
            CallEvent::LanguageChosen { language, .. } => {
                format!("event: language {}", language.code())
            }
            CallEvent::PrivateClaimed { .. } => "event: private".to_string(),
            CallEvent::TalkStarted { .. } => "event: talk".to_string(),
            CallEvent::Talked { talked, .. } => format!("event: talked {talked:?}"),
        },
        Output::Finished(finished) => describe_end(finished),
    }
}

pub(super) fn describe_end(finished: &Finished) -> String {
    let Finished { reason, talked, decision_key, off, .. } = finished;
    let reason = reason.map_or("nothing to settle".to_string(), |reason| format!("{reason:?}"));
    let mut text = format!("finished: {reason}, talked {talked:?}");
    if let Some(key) = decision_key {
        text.push_str(&format!(", key {key}"));
    }
    if let Some(off) = off {
        text.push_str(&format!(", off: {off:?}"));
    }
    text
}

/// Breaks a long script into lines.
fn wrapped(words: &str) -> String {
    let mut text = String::new();
    let mut column = 0;
    for word in words.split_inclusive(", ") {
        if column + word.len() > 70 {
            text.truncate(text.trim_end().len());
            text.push_str("\n                ");
            column = 0;
        }
        column += word.len();
        text.push_str(word);
    }
    text
}

/// `en: welcome, es welcome, enter_pin`.
pub(super) fn words(script: &Script) -> String {
    let word = |phrase: &Phrase| match phrase {
        Phrase::Prompt(id) => id.name().to_string(),
        Phrase::PromptInOther(id) => format!("{} {}", script.language.other().code(), id.name()),
        Phrase::Digits(digits) => digits.expose().clone(),
        Phrase::Amount(amount) => amount.to_string(),
        Phrase::Length(length) => format!("{length:?}"),
        Phrase::Name(name) => format!("\"{}\"", name.expose()),
        Phrase::Pause(length) => format!("{length:?}"),
        Phrase::Recorded(voice) => format!("<{} octets>", voice.expose().len()),
    };
    let words: Vec<_> = script.phrases.iter().map(word).collect();
    format!("{}: {}", script.language.code(), words.join(", "))
}

/// More than a call of 15 minutes with a mark every 5 seconds has.
const TIMEOUTS_COUNT_MAX: usize = 300;
