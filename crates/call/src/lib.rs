//! What happens to two people on a call: menu, admission, notice, consent, talk, outcome.
//!
//! A pure state machine: [`Machine::handle`] takes what happened, [`Machine::poll_output`] gives
//! what is to be done, until `None`; drain it before the next input. It knows no SIP, no price
//! list, no database and no clock: it asks ([`Question`]) and is answered ([`Answer`]). Start with
//! `machine.rs`, where the `match (state, input)` stands whole, then `consent.rs`, the one place
//! where a [`Consent`] is made, and `enrolment.rs`, the one where an [`Enrolment`] is.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod announcing;
mod blocking;
mod call;
mod consent;
mod dialling;
mod ending;
mod enrolment;
mod io;
mod keypad;
pub mod limits;
mod machine;
mod menu;
mod naming;
mod notice;
mod recording;
mod spoken;
mod stage;
mod talking;
#[cfg(test)]
mod tests;

pub use consent::Consent;
pub use enrolment::{Enrolment, NameClip};
pub use io::{
    AcceptKey, Admission, Answer, CallEvent, Caller, Choices, Connect, Finished, HangUpCause,
    Identified, Input, Output, OwnName, PlayEnd, Price, Question, Setup, Start, TrunkFailure,
};
pub use limits::Timing;
pub use machine::Machine;
pub use recording::Recording;
pub use stage::Stage;
