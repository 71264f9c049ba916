//! How far a call has come, for whoever counts calls.

use crate::machine::{Machine, State};

/// How far a call has come. It says nothing of who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The person hears the menu, types, or waits for whether they may call.
    Menu,
    /// The called party's telephone rings.
    Ringing,
    /// It was answered: the notice plays, or the called party decides.
    Deciding,
    /// The two talk.
    Talking,
    /// A farewell plays, or nothing does any more.
    Ending,
}

impl Stage {
    /// All of them, in the order in which a call comes through them.
    pub const ALL: [Self; 5] =
        [Self::Menu, Self::Ringing, Self::Deciding, Self::Talking, Self::Ending];

    /// In a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Menu => "menu",
            Self::Ringing => "ringing",
            Self::Deciding => "deciding",
            Self::Talking => "talking",
            Self::Ending => "ending",
        }
    }
}

impl Machine {
    /// How far the call has come.
    pub const fn stage(&self) -> Stage {
        match self.state() {
            State::EnteringPin(_)
            | State::Identifying(_)
            | State::EnteringNumber(_)
            | State::AskingBalance(_)
            | State::Naming(_)
            | State::Admitting(_)
            | State::Quoting(_) => Stage::Menu,
            State::Ringing(_) => Stage::Ringing,
            State::Announcing(_)
            | State::Deciding(_)
            | State::Confirming(_)
            | State::Blocking(_)
            | State::Committing(_) => Stage::Deciding,
            State::Talking(_) => Stage::Talking,
            State::Ending(_) | State::Finished => Stage::Ending,
        }
    }
}
