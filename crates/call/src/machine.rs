//! The machine of one call, with every state and input in one `match`.

use model::{Side, Timestamp, fact::EndReason};

use crate::{
    announcing::{Announcing, Committing, Deciding},
    blocking::{Blocking, Confirming},
    call::Call,
    consent::Press,
    dialling::{Quoting, Ringing},
    ending::{Ending, Outcome, hung_up},
    io::{Answer, Input, Output, Setup, TrunkFailure},
    menu::{self, Admitting, AskingBalance, EnteringNumber, EnteringPin, Identifying},
    naming::Naming,
    talking::Talking,
};

/// One call, from the answered station to the last hang-up.
///
/// [`Machine::handle`] takes any input in any state: what means nothing there is dropped. After
/// each input, and after [`Machine::new`], drain [`Machine::poll_output`]. When `poll_timeout` has
/// come, give [`Input::Timeout`]. A machine that gets only time-outs still ends: its last output is
/// [`Output::Finished`], exactly once.
#[derive(Debug)]
pub struct Machine {
    call: Call,
    state: State,
}

impl Machine {
    /// Starts the dialogue with a station that was answered `now`. Its first outputs wait to be
    /// drained.
    pub fn new(setup: Setup, now: Timestamp) -> Self {
        let mut call = Call::new(setup, now);
        let state = menu::begin(&mut call);
        Self { call, state }
    }

    /// Takes what happened at `now`. It never fails: a refusal, a fault or nonsense is an input
    /// like any other.
    ///
    /// # Panics
    /// When outputs of the last input were not drained, which is a fault of the caller's loop.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        assert!(self.call.is_drained(), "drain the outputs before the next input");
        if !self.concerns_us(now, &input) {
            return;
        }
        self.call.now = now;
        if let Input::HungUp(side) = input {
            self.call.gone(side);
        }
        let state = core::mem::replace(&mut self.state, State::Finished);
        self.state = state.step(&mut self.call, input);
    }

    /// The next thing to be done, until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.call.poll_output()
    }

    /// When [`Input::Timeout`] is to be given, unless an input before it changes that; `None` once
    /// the call is over.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        match self.state {
            State::Finished => None,
            State::EnteringPin(_)
            | State::Identifying(_)
            | State::EnteringNumber(_)
            | State::AskingBalance(_)
            | State::Naming(_)
            | State::Admitting(_)
            | State::Quoting(_)
            | State::Ringing(_)
            | State::Announcing(_)
            | State::Deciding(_)
            | State::Confirming(_)
            | State::Blocking(_)
            | State::Committing(_)
            | State::Talking(_)
            | State::Ending(_) => Some(self.call.until()),
        }
    }

    pub(crate) const fn state(&self) -> &State {
        &self.state
    }

    /// Whether the input is about a leg that is there and a time that has come.
    fn concerns_us(&self, now: Timestamp, input: &Input) -> bool {
        match input {
            Input::Key { side, .. }
            | Input::Played { side, .. }
            | Input::HungUp(side)
            | Input::LegMoved(side)
            | Input::Sound { side, .. }
            | Input::MediaLost { side, .. } => self.call.is_up(*side),
            Input::Ringing | Input::CalledAnswered | Input::CalledFailed(_) => {
                self.call.is_up(Side::Called)
            }
            Input::Timeout => now >= self.call.until(),
            Input::NameCaptured(_) => self.call.is_up(Side::Station),
            Input::Answer(_) | Input::Stop(_) => true,
        }
    }
}

/// Where the dialogue stands.
#[derive(Debug)]
pub(crate) enum State {
    EnteringPin(EnteringPin),
    Identifying(Identifying),
    EnteringNumber(EnteringNumber),
    AskingBalance(AskingBalance),
    Naming(Naming),
    Admitting(Admitting),
    Quoting(Quoting),
    Ringing(Ringing),
    Announcing(Announcing),
    Deciding(Deciding),
    Confirming(Confirming),
    Blocking(Blocking),
    Committing(Committing),
    Talking(Talking),
    Ending(Ending),
    Finished,
}

impl State {
    /// What each input means in each state; what is not listed means nothing there.
    fn step(self, call: &mut Call, input: Input) -> Self {
        use {Answer as A, Input as I, Side::Called, Side::Station, State as S};
        match (self, input) {
            (S::Finished, _) => S::Finished,

            (S::EnteringPin(s), I::Key { side: Station, key, .. }) => s.on_key(call, key),
            (S::Identifying(s), I::Key { side: Station, key, .. }) => s.on_key(call, key),
            (S::EnteringNumber(s), I::Key { side: Station, key, .. }) => s.on_key(call, key),
            (S::AskingBalance(s), I::Key { side: Station, key, .. }) => s.on_key(call, key),
            (state, I::Key { side: Called, key, onset, path }) => {
                state.on_called_key(call, Press { key, onset, path })
            }

            (S::EnteringPin(s), I::Played { play, .. }) => s.on_played(call, play),
            (S::EnteringNumber(s), I::Played { play, .. }) => s.on_played(call, play),
            (S::Quoting(s), I::Played { play, .. }) => s.on_played(call, play),
            (S::Announcing(s), I::Played { side, play, end }) => s.on_played(call, side, play, end),
            (S::Deciding(s), I::Played { play, end, .. }) => s.on_played(call, play, end),
            (S::Confirming(s), I::Played { side, play, .. }) => s.on_played(call, side, play),
            (S::Ending(s), I::Played { side, play, .. }) => s.on_played(call, side, play),

            (S::Identifying(s), I::Answer(A::Person(who))) => s.on_person(call, who),
            (S::Identifying(s), I::Answer(A::PinUnknown)) => s.on_unknown(call),
            (S::Identifying(s), I::Answer(A::PinLocked)) => s.on_locked(call),
            (S::AskingBalance(s), I::Answer(A::Balance(balance))) => s.on_balance(call, balance),
            (S::Admitting(s), I::Answer(A::Admitted(what))) => s.on_admitted(call, what),
            (S::Admitting(s), I::Answer(A::Denied(reason))) => s.on_denied(call, reason),
            (S::Committing(s), I::Answer(A::Committed { recording })) => {
                s.on_committed(call, recording)
            }
            (S::Blocking(s), I::Answer(A::Blocked { kept })) => s.on_answer(call, kept),
            (S::Ending(s), I::Answer(A::Admitted(_))) => s.on_answer(call, true),
            (S::Ending(s), I::Answer(A::Denied(_))) => s.on_answer(call, false),

            (S::Ringing(s), I::CalledAnswered) => s.on_answered(call),
            (S::Ringing(s), I::CalledFailed(failure)) => s.on_failed(call, failure),
            (S::Ringing(s), I::HungUp(Called)) => s.on_failed(call, TrunkFailure::Failed),
            // There is no early media, so silence before the answer says nothing.
            (S::Ringing(s), I::MediaLost { side: Called, .. }) => S::Ringing(s),
            (S::Announcing(s), I::HungUp(Called)) => s.on_gone(call),
            (S::Announcing(s), I::MediaLost { side: Called, .. }) => s.on_gone(call),
            (S::Deciding(s), I::HungUp(Called)) => s.on_gone(call),
            (S::Deciding(s), I::MediaLost { side: Called, .. }) => s.on_gone(call),
            (S::Confirming(s), I::HungUp(Called)) => s.on_gone(call),
            (S::Confirming(s), I::MediaLost { side: Called, .. }) => s.on_gone(call),
            // What they wanted holds whether they wait for the answer or not.
            (S::Blocking(s), I::HungUp(Called)) => s.on_answer(call, false),
            (S::Blocking(s), I::MediaLost { side: Called, .. }) => s.on_answer(call, false),
            (S::Talking(s), I::HungUp(side)) => s.on_hung_up(call, side),
            (S::Talking(s), I::MediaLost { last, .. }) => s.on_lost(call, last),
            (S::Ending(s), I::HungUp(side) | I::MediaLost { side, .. }) => s.on_gone(call, side),
            (_, I::HungUp(side)) => Ending::begin(call, Outcome::of(hung_up(side))),
            (_, I::MediaLost { .. }) => Ending::begin(call, Outcome::of(EndReason::MediaLost)),

            (S::EnteringPin(s), I::Timeout) => s.on_timeout(call),
            (S::EnteringNumber(s), I::Timeout) => s.on_timeout(call),
            (S::Identifying(_) | S::AskingBalance(_), I::Timeout) => menu::unanswered(call),
            (S::Admitting(_), I::Timeout) => menu::unanswered(call),
            (S::Quoting(s), I::Timeout) => s.dial(call),
            (S::Ringing(s), I::Timeout) => s.on_timeout(call),
            (S::Announcing(s), I::Timeout) => s.on_cut(call),
            (S::Deciding(s), I::Timeout) => s.on_timeout(call),
            (S::Confirming(s), I::Timeout) => s.back(call),
            (S::Blocking(s), I::Timeout) => s.on_answer(call, false),
            (S::Committing(s), I::Timeout) => s.on_timeout(call),
            (S::Talking(s), I::Timeout) => s.on_timeout(call),
            (S::Ending(s), I::Timeout) => s.on_timeout(call),

            (state, I::LegMoved(_)) => state.on_moved(call),
            (state, I::Sound { side: Called, sounding, since }) => {
                state.on_sound(call, sounding, since)
            }

            (S::Ending(s), I::Stop(reason)) => s.on_stop(call, reason),
            (S::Talking(s), I::Stop(reason)) => s.on_stop(call, reason),
            (_, I::Stop(reason)) => Ending::begin(call, Outcome::of(reason).stopped(call)),

            (S::Naming(s), input) => s.on_input(call, input),
            (state, I::Key { .. } | I::Played { .. } | I::Answer(_) | I::NameCaptured(_)) => state,
            (state, I::Ringing | I::CalledAnswered | I::CalledFailed(_) | I::Sound { .. }) => state,
        }
    }

    /// A key of the called party decides before anything is decided, and means nothing else.
    fn on_called_key(self, call: &mut Call, press: Press) -> Self {
        match self {
            Self::Announcing(s) => s.on_key(call, press),
            Self::Deciding(s) => s.on_key(call, press),
            Self::Confirming(s) => s.on_key(call, press),
            Self::EnteringPin(_)
            | Self::Identifying(_)
            | Self::EnteringNumber(_)
            | Self::AskingBalance(_)
            | Self::Naming(_)
            | Self::Admitting(_)
            | Self::Quoting(_)
            | Self::Ringing(_)
            | Self::Blocking(_)
            | Self::Committing(_)
            | Self::Talking(_)
            | Self::Ending(_)
            | Self::Finished => self,
        }
    }

    /// Whoever is on a leg that moved has heard nothing of the notice, nor said who they are.
    fn on_moved(self, call: &mut Call) -> Self {
        match self {
            Self::Announcing(s) => s.on_cut(call),
            Self::Deciding(s) => s.on_moved(call),
            Self::Confirming(s) => s.back(call),
            Self::Committing(s) => s.on_moved(),
            Self::Naming(s) => s.on_moved(call),
            Self::EnteringPin(_)
            | Self::Identifying(_)
            | Self::EnteringNumber(_)
            | Self::AskingBalance(_)
            | Self::Admitting(_)
            | Self::Quoting(_)
            | Self::Ringing(_)
            | Self::Blocking(_)
            | Self::Talking(_)
            | Self::Ending(_)
            | Self::Finished => self,
        }
    }

    /// What sounds while the called party is asked tells a greeting from a person.
    fn on_sound(self, call: &Call, sounding: bool, since: Timestamp) -> Self {
        match self {
            Self::Announcing(s) => s.on_sound(call, sounding, since),
            Self::Deciding(s) => s.on_sound(call, sounding, since),
            Self::Confirming(s) => s.on_sound(call, sounding, since),
            Self::EnteringPin(_)
            | Self::Identifying(_)
            | Self::EnteringNumber(_)
            | Self::AskingBalance(_)
            | Self::Naming(_)
            | Self::Admitting(_)
            | Self::Quoting(_)
            | Self::Ringing(_)
            | Self::Blocking(_)
            | Self::Committing(_)
            | Self::Talking(_)
            | Self::Ending(_)
            | Self::Finished => self,
        }
    }
}
