//! What the person at the station is asked before a call is placed: PIN, then number.
//!
//! Keys are collected until `#` or until `inter_digit` passes without another one; `*` wipes what
//! was typed. The first digit stops the prompt, so that `PIN #` and then `NUMBER #` may be typed at
//! once: keys that come while the office looks up the PIN are kept for the number. A lone `1` or
//! `2` after the welcome that stands for `language_choice` is a choice of language; followed by
//! more digits it is the beginning of a PIN. `*` instead of a PIN leads to services that need none,
//! where there are some. `*` instead of a number asks for the balance, `#` for the person's name in
//! their own voice (`naming.rs`), where it is offered. An entry
//! that leads nowhere, silence included, uses up an attempt; after the last one comes goodbye.

use alloc::{collections::VecDeque, string::String, vec, vec::Vec};
use model::{
    Key, Language, Money, Phrase, PlayId, Private, PromptId, Script, Side,
    fact::{EndReason, Refusal},
};

use crate::{
    call::{AdmissionState, Call},
    dialling::{Placed, Quoting, Ringing},
    ending::{Ending, Outcome},
    enrolment::ByPin,
    io::{Admission, Caller, Identified, OwnName, Price, Question},
    keypad::{Entry, Pressed},
    machine::State,
    naming::Naming,
    spoken::Spoken,
};

/// Starts the dialogue with what the station does not say by itself.
pub(crate) fn begin(call: &mut Call) -> State {
    match call.setup.start.caller.clone() {
        Caller::AskPin => EnteringPin::welcome(call),
        Caller::Known(who) => {
            call.station_language = who.language;
            identified(call, (Some(who), None), VecDeque::new())
        }
        Caller::Nobody => identified(call, (None, None), VecDeque::new()),
    }
}

/// It is known who calls, or that nobody is asked; `ahead` is what was typed in the meantime.
fn identified(
    call: &mut Call,
    (who, by_pin): (Option<Identified>, Option<ByPin>),
    ahead: VecDeque<Key>,
) -> State {
    let asker = Asker { who, by_pin, attempts: 0 };
    match call.setup.start.dialled.clone() {
        Some(dialled) => Admitting::begin(call, asker, dialled),
        None => EnteringNumber::begin(call, asker, Vec::new(), ahead),
    }
}

/// The person is asked for their PIN.
#[derive(Debug)]
pub(crate) struct EnteringPin {
    entry: Entry,
    attempts: u8,
    /// Whether the welcome has just offered the choice of language.
    choice: bool,
}

/// What asks for a PIN.
fn pin_prompts(call: &Call) -> impl Iterator<Item = PromptId> + use<> {
    let help = call.setup.start.help.then_some(PromptId::HelpWithoutPin);
    [PromptId::EnterPin].into_iter().chain(help)
}

impl EnteringPin {
    pub(crate) fn welcome(call: &mut Call) -> State {
        let script = Spoken::new(call.station_language)
            .prompts([PromptId::Welcome])
            .in_other(PromptId::Welcome)
            .prompts(pin_prompts(call))
            .script();
        let entry = Entry::ask(call, script);
        State::EnteringPin(Self { entry, attempts: 0, choice: true })
    }

    /// Asks again after `said`, or says goodbye when the attempts are used up.
    fn again(call: &mut Call, said: Option<PromptId>, attempts: u8) -> State {
        let spoken = Spoken::new(call.station_language).prompts(said);
        if attempts >= call.setup.timing.pin_attempts_count_max {
            return goodbye(call, spoken.prompts([PromptId::Goodbye]).script());
        }
        let entry = Entry::ask(call, spoken.prompts(pin_prompts(call)).script());
        State::EnteringPin(Self { entry, attempts, choice: false })
    }

    pub(crate) fn on_key(mut self, call: &mut Call, key: Key) -> State {
        match self.entry.press(call, key) {
            Pressed::Whole => return self.submit(call),
            Pressed::Star if call.setup.start.help => {
                return identified(call, (None, None), VecDeque::new());
            }
            Pressed::Digit if self.chosen().is_some() => {
                call.wait(call.setup.timing.language_choice);
            }
            Pressed::Digit | Pressed::Star | Pressed::Wiped | Pressed::Pound | Pressed::Nothing => {
            }
        }
        State::EnteringPin(self)
    }

    pub(crate) fn on_played(mut self, call: &mut Call, play: PlayId) -> State {
        self.entry.on_played(call, play);
        State::EnteringPin(self)
    }

    pub(crate) fn on_timeout(self, call: &mut Call) -> State {
        if self.entry.is_empty() {
            return Self::again(call, None, self.attempts.saturating_add(1));
        }
        match self.chosen() {
            Some(language) => {
                call.station_language = language;
                call.language_pressed = true;
                Self::again(call, None, self.attempts)
            }
            None => self.submit(call),
        }
    }

    fn submit(self, call: &mut Call) -> State {
        match self.entry.into_digits() {
            Some(pin) => {
                call.ask(Question::Identify { pin });
                call.wait(call.setup.timing.answer_wait);
                State::Identifying(Identifying { attempts: self.attempts, ahead: VecDeque::new() })
            }
            None => {
                let attempts = self.attempts.saturating_add(1);
                Self::again(call, Some(PromptId::PinUnknown), attempts)
            }
        }
    }

    /// The language that was chosen, if what was typed is a choice.
    fn chosen(&self) -> Option<Language> {
        if self.choice && self.entry.is_only(ENGLISH) {
            Some(Language::En)
        } else if self.choice && self.entry.is_only(SPANISH) {
            Some(Language::Es)
        } else {
            None
        }
    }
}

/// The office is asked whose PIN it is.
#[derive(Debug)]
pub(crate) struct Identifying {
    attempts: u8,
    ahead: VecDeque<Key>,
}

impl Identifying {
    pub(crate) fn on_key(mut self, call: &Call, key: Key) -> State {
        keep(&mut self.ahead, call, key);
        State::Identifying(self)
    }

    pub(crate) fn on_person(self, call: &mut Call, who: Identified) -> State {
        if !call.language_pressed {
            call.station_language = who.language;
        }
        let by_pin = Some(ByPin::answered(&who));
        identified(call, (Some(who), by_pin), self.ahead)
    }

    /// What was typed ahead is dropped: it was meant for another prompt.
    pub(crate) fn on_unknown(self, call: &mut Call) -> State {
        let attempts = self.attempts.saturating_add(1);
        EnteringPin::again(call, Some(PromptId::PinUnknown), attempts)
    }

    pub(crate) fn on_locked(self, call: &mut Call) -> State {
        let script = Script::of(call.station_language, &[PromptId::PinLocked]);
        goodbye(call, script)
    }
}

/// Who is asking for a call, and how often they have tried.
#[derive(Debug)]
pub(crate) struct Asker {
    /// `None` where nobody is identified.
    pub(crate) who: Option<Identified>,
    /// `None` where they did not say who they are by their PIN.
    pub(crate) by_pin: Option<ByPin>,
    attempts: u8,
}

impl Asker {
    /// How it stands with a name in their own voice: off for whoever gave no PIN.
    pub(crate) fn own_name(&self) -> OwnName {
        match (&self.who, &self.by_pin) {
            (Some(who), Some(_)) => who.own_name,
            (None, _) | (_, None) => OwnName::Off,
        }
    }
}

/// The person is asked for a number.
#[derive(Debug)]
pub(crate) struct EnteringNumber {
    asker: Asker,
    entry: Entry,
}

impl EnteringNumber {
    /// Asks for a number after `said`, or takes the keys that were typed ahead.
    fn begin(call: &mut Call, asker: Asker, said: Vec<Phrase>, mut ahead: VecDeque<Key>) -> State {
        let mut entering = Self { asker, entry: Entry::unasked() };
        while let Some(key) = ahead.pop_front() {
            // What was typed ahead asks for nothing that must be heard first.
            if key.label() == '#' && entering.entry.is_empty() {
                continue;
            }
            let next = entering.on_key(call, key);
            let State::EnteringNumber(same) = next else {
                return AskingBalance::keep_ahead(next, ahead);
            };
            entering = same;
        }
        if entering.entry.is_empty() {
            let spoken = Spoken::new(call.station_language).phrases(said);
            let ask = match &entering.asker.who {
                Some(_) => PromptId::EnterNumber,
                None => PromptId::EnterService,
            };
            let own_name = match entering.asker.own_name() {
                OwnName::Off => None,
                OwnName::Absent => Some(PromptId::NameOffer),
                OwnName::Stored => Some(PromptId::NameStored),
            };
            let script = spoken.prompts([ask]).prompts(own_name).script();
            entering.entry = Entry::ask(call, script);
        }
        State::EnteringNumber(entering)
    }

    /// Uses up an attempt: asks again after `said`, or says goodbye after the last one.
    pub(crate) fn again(
        call: &mut Call,
        mut asker: Asker,
        said: Vec<Phrase>,
        ahead: VecDeque<Key>,
    ) -> State {
        asker.attempts = asker.attempts.saturating_add(1);
        if asker.attempts >= call.setup.timing.number_attempts_count_max {
            let spoken = Spoken::new(call.station_language).phrases(said);
            return goodbye(call, spoken.prompts([PromptId::Goodbye]).script());
        }
        Self::begin(call, asker, said, ahead)
    }

    pub(crate) fn on_key(mut self, call: &mut Call, key: Key) -> State {
        match self.entry.press(call, key) {
            Pressed::Whole => self.submit(call),
            Pressed::Star => match &self.asker.who {
                Some(who) => {
                    call.ask(Question::Balance { person: who.person });
                    call.wait(call.setup.timing.answer_wait);
                    let asker = self.asker;
                    State::AskingBalance(AskingBalance { asker, ahead: VecDeque::new() })
                }
                // Nobody has no money.
                None => State::EnteringNumber(self),
            },
            Pressed::Pound => match self.asker.own_name() {
                OwnName::Off => State::EnteringNumber(self),
                OwnName::Absent | OwnName::Stored => Naming::begin(call, self.asker),
            },
            Pressed::Digit | Pressed::Wiped | Pressed::Nothing => State::EnteringNumber(self),
        }
    }

    pub(crate) fn on_played(mut self, call: &mut Call, play: PlayId) -> State {
        self.entry.on_played(call, play);
        State::EnteringNumber(self)
    }

    pub(crate) fn on_timeout(self, call: &mut Call) -> State {
        if self.entry.is_empty() {
            return Self::again(call, self.asker, Vec::new(), VecDeque::new());
        }
        self.submit(call)
    }

    fn submit(self, call: &mut Call) -> State {
        let Some(dialled) = self.entry.into_digits() else {
            let said = vec![Phrase::Prompt(PromptId::NumberInvalid)];
            return Self::again(call, self.asker, said, VecDeque::new());
        };
        Admitting::begin(call, self.asker, dialled)
    }
}

/// The office is asked for the balance.
#[derive(Debug)]
pub(crate) struct AskingBalance {
    asker: Asker,
    ahead: VecDeque<Key>,
}

impl AskingBalance {
    /// Keys typed after the one that asked for the balance are for the number.
    fn keep_ahead(state: State, ahead: VecDeque<Key>) -> State {
        if let State::AskingBalance(asking) = state {
            State::AskingBalance(Self { ahead, ..asking })
        } else {
            state
        }
    }

    pub(crate) fn on_key(mut self, call: &Call, key: Key) -> State {
        keep(&mut self.ahead, call, key);
        State::AskingBalance(self)
    }

    pub(crate) fn on_balance(self, call: &mut Call, balance: Money) -> State {
        let said = vec![Phrase::Prompt(PromptId::BalanceIs), Phrase::Amount(balance)];
        EnteringNumber::again(call, self.asker, said, self.ahead)
    }
}

/// The office is asked whether the call may be placed.
#[derive(Debug)]
pub(crate) struct Admitting {
    asker: Asker,
}

impl Admitting {
    fn begin(call: &mut Call, asker: Asker, dialled: Private<String>) -> State {
        let person = asker.who.as_ref().map(|who| who.person);
        call.ask(Question::Admit { person, dialled });
        call.wait(call.setup.timing.answer_wait);
        call.admission = AdmissionState::Asked { until: call.until() };
        State::Admitting(Self { asker })
    }

    pub(crate) fn on_admitted(self, call: &mut Call, admission: Admission) -> State {
        call.admission = AdmissionState::Admitted;
        call.called_language = admission.called_language;
        let placed = Placed { who: self.asker.who, admission };
        // A line that dials by itself, for free, has nothing to tell first.
        let hot = call.setup.start.dialled.is_some() && placed.admission.price == Price::Free;
        if hot { Ringing::begin(call, placed) } else { Quoting::begin(call, placed) }
    }

    pub(crate) fn on_denied(self, call: &mut Call, reason: Refusal) -> State {
        call.admission = AdmissionState::None;
        let said = [refusal_sentence(reason)];
        if call.setup.start.dialled.is_some() {
            // There is no other number to ask for.
            let spoken = Spoken::new(call.station_language).prompts(said);
            return goodbye(call, spoken.prompts([PromptId::Goodbye]).script());
        }
        EnteringNumber::again(call, self.asker, said.map(Phrase::Prompt).into(), VecDeque::new())
    }
}

/// The office did not answer in time.
pub(crate) fn unanswered(call: &mut Call) -> State {
    let script = Script::of(call.station_language, &[PromptId::Unavailable]);
    Ending::begin(call, Outcome::of(EndReason::Fault).tell(Side::Station, script))
}

/// Ends a call that was never admitted.
fn goodbye(call: &mut Call, script: Script) -> State {
    Ending::begin(call, Outcome::of(EndReason::NotAccepted).tell(Side::Station, script))
}

/// Keeps a key for the next prompt, up to a limit.
fn keep(ahead: &mut VecDeque<Key>, call: &Call, key: Key) {
    if ahead.len() < call.setup.timing.type_ahead_count_max {
        ahead.push_back(key);
    }
}

fn refusal_sentence(reason: Refusal) -> PromptId {
    match reason {
        Refusal::NumberInvalid => PromptId::NumberInvalid,
        Refusal::NumberNotAllowed => PromptId::NumberNotAllowed,
        Refusal::NumberBlocked => PromptId::NumberBlocked,
        Refusal::InsufficientFunds => PromptId::InsufficientFunds,
        Refusal::EmergencyNotHere => PromptId::EmergencyNotHere,
        Refusal::NoLawfulRate => PromptId::NoPrice,
        Refusal::RegistryUnavailable => PromptId::RegistryDown,
        Refusal::AlreadyCalling => PromptId::AlreadyCalling,
        Refusal::DiskFull => PromptId::DiskFull,
        Refusal::Unavailable => PromptId::Unavailable,
        Refusal::OwnNumber => PromptId::OwnNumber,
        Refusal::Closed => PromptId::CallsClosed,
    }
}

const ENGLISH: char = '1';
const SPANISH: char = '2';
