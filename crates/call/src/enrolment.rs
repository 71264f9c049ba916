//! The proof that a person may record their name, and the only place where one is made.
//!
//! A name in somebody's own voice is recorded without a [`crate::Consent`], which is about two
//! people. It has a gate of its own: the person gave their PIN, is alone in the call, heard to its
//! end what becomes of the recording, and then pressed the key that chooses it.

use alloc::vec::Vec;
use model::{
    CallId, PersonId, Private,
    speech::{OWN_VOICE_OCTETS_MAX, OwnVoice},
};

use crate::{
    call::Call,
    consent::{Press, Whole},
    io::{Identified, OwnName},
};

/// Somebody whose PIN the office knew. Only the answer to that question makes one.
#[derive(Debug)]
pub(crate) struct ByPin(PersonId);

impl ByPin {
    /// Whom the office named for a PIN.
    pub(crate) fn answered(who: &Identified) -> Self {
        Self(who.person)
    }
}

/// Proof that a person chose to record their name, alone in their call. Only this module makes one;
/// it cannot be cloned, defaulted or read from anywhere, so whoever holds one may take one name,
/// once.
#[derive(Debug)]
pub struct Enrolment {
    call: CallId,
    person: PersonId,
    /// How many names may still be taken in its place.
    takes: u8,
}

impl Enrolment {
    /// The call it was chosen in.
    pub fn call(&self) -> CallId {
        self.call
    }

    /// Whose name it is.
    pub fn person(&self) -> PersonId {
        self.person
    }

    /// What was said under it: µ-law at 8 kHz. More than two seconds is cut, to the sample.
    ///
    /// # Errors
    /// `None` when nothing was said.
    pub fn captured(self, mut spoken: Vec<u8>) -> Option<NameClip> {
        spoken.truncate(OWN_VOICE_OCTETS_MAX);
        let said = !spoken.is_empty();
        said.then(|| NameClip { enrolment: self, voice: Private::new(spoken.into()) })
    }
}

/// A name as a person said it, under an [`Enrolment`]. It cannot be had in another way, nor be
/// stored twice.
#[derive(Debug)]
pub struct NameClip {
    enrolment: Enrolment,
    voice: OwnVoice,
}

impl NameClip {
    /// The call it was said in.
    pub fn call(&self) -> CallId {
        self.enrolment.call
    }

    /// Who said it.
    pub fn person(&self) -> PersonId {
        self.enrolment.person
    }

    /// What was said.
    pub fn voice(&self) -> &OwnVoice {
        &self.voice
    }

    /// Whether it may be said once more.
    pub(crate) fn may_again(&self) -> bool {
        self.enrolment.takes > 0
    }

    /// To say it once more. What was said before is gone.
    ///
    /// # Errors
    /// `None` when it was said as often as it may.
    pub(crate) fn again(self) -> Option<Enrolment> {
        let takes = self.enrolment.takes.checked_sub(1)?;
        Some(Enrolment { takes, ..self.enrolment })
    }
}

/// Whether `press`, after what was `told`, lets the person record their name.
///
/// # Errors
/// `None` when it is another key, or began before what was told had ended or so soon after it that
/// it answers something else; when there is a name already; when they did not give their own PIN;
/// and when anybody else is in the call, or was to be.
pub(crate) fn choose(
    call: &Call,
    by_pin: &ByPin,
    who: &Identified,
    told: Whole,
    press: Press,
) -> Option<Enrolment> {
    let from = told.ended().after(call.setup.timing.accept_gap);
    let chosen = press.key.label() == CHOOSE && press.onset >= from;
    let own = by_pin.0 == who.person && who.own_name == OwnName::Absent;
    let takes = call.setup.timing.name_takes_count_max.saturating_sub(1);
    (chosen && own && call.is_alone()).then_some(Enrolment {
        call: call.setup.call,
        person: by_pin.0,
        takes,
    })
}

/// The key that chooses to record.
const CHOOSE: char = '1';
