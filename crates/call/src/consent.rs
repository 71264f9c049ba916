//! The proof that a conversation may be recorded, and the only place where one is made.
//!
//! A [`Consent`] needs, all at once: the notice played to its end to both parties, a notice that
//! said the call is recorded, and the accepting key of the called party with its onset a moment
//! after the end of the notice, and of what was said to them since. Who presses accept without the
//! rest has accepted nothing.

use model::{
    CallId, E164, Key, Private, Timestamp,
    fact::{ConsentEvidence, Epoch, KeyPath, OffReason},
    speech::ContentHash,
};

use crate::{
    io::{Admission, PlayEnd, Setup},
    notice::Notice,
};

/// Proof that the notice, saying that the call is recorded, was played to its end to *both* parties
/// and that the called party pressed accept after it. Only this module makes one; it cannot be
/// cloned, defaulted or read from anywhere, so whoever holds one may record this call, once.
#[derive(Debug)]
pub struct Consent {
    call: CallId,
    number: Private<E164>,
    epoch: Epoch,
    evidence: ConsentEvidence,
}

impl Consent {
    /// The call it was given in.
    pub fn call(&self) -> CallId {
        self.call
    }

    /// The number of the party who gave it; the registry is asked about it again before recording.
    pub fn number(&self) -> E164 {
        *self.number.expose()
    }

    /// Epoch of the registry that the notice was true for.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// What it rests on.
    pub fn evidence(&self) -> &ConsentEvidence {
        &self.evidence
    }
}

/// A play that was heard to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole {
    content: ContentHash,
    ended: Timestamp,
}

impl Whole {
    /// # Errors
    /// `None` when the play was cut.
    pub(crate) fn of(end: PlayEnd) -> Option<Self> {
        match end {
            PlayEnd::Complete { content, ended } => Some(Self { content, ended }),
            PlayEnd::Cut => None,
        }
    }

    /// When its last sample was over.
    pub(crate) fn ended(&self) -> Timestamp {
        self.ended
    }
}

/// A notice that both parties heard to its end.
#[derive(Debug)]
pub(crate) struct Heard {
    notice: Notice,
    called: Whole,
    station: Whole,
    /// The called party was told again which keys there are, after one without a meaning.
    keys: Option<Whole>,
}

impl Heard {
    pub(crate) fn new(notice: Notice, called: Whole, station: Whole) -> Self {
        Self { notice, called, station, keys: None }
    }

    /// The called party heard again which keys there are, to its end: no key before that decides.
    pub(crate) fn told_keys(self, keys: Whole) -> Self {
        Self { keys: Some(keys), ..self }
    }

    /// When it had ended for both.
    pub(crate) fn ended(&self) -> Timestamp {
        self.called.ended.max(self.station.ended)
    }

    /// From when on a key decides.
    pub(crate) fn decides_from(&self, setup: &Setup) -> Timestamp {
        let told = self.keys.map_or(self.ended(), |keys| self.ended().max(keys.ended));
        told.after(setup.timing.accept_gap)
    }
}

/// A key of the called party.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Press {
    pub(crate) key: Key,
    /// When its tone began.
    pub(crate) onset: Timestamp,
    pub(crate) path: KeyPath,
}

/// An acceptance: what it rests on, and the consent to a recording or why there is none.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) evidence: ConsentEvidence,
    pub(crate) consent: Result<Consent, OffReason>,
}

/// Whether `press` accepts the call after `heard`.
///
/// # Errors
/// `None` when it is another key than the notice named, or began before the notice had ended for
/// both or the keys had been told again, or so soon after it
/// ([`Timing::accept_gap`](crate::Timing)) that it answers something else.
pub(crate) fn accept(
    setup: &Setup,
    admission: &Admission,
    heard: &Heard,
    press: Press,
) -> Option<Accepted> {
    let notice_ended = heard.ended();
    let key = heard.notice.accept().label();
    if press.key.label() != key || press.onset < heard.decides_from(setup) {
        return None;
    }
    let evidence = ConsentEvidence {
        pack: setup.pack,
        prompts: heard.notice.prompts(),
        language: heard.notice.called().language,
        played_called: heard.called.content,
        played_station: heard.station.content,
        notice_ended,
        key_onset: press.onset,
        key,
        path: press.path,
    };
    // What they were told decides, so that a recording and a notice that denies it cannot meet.
    let consent = heard.notice.recording().map(|epoch| Consent {
        call: setup.call,
        number: admission.number,
        epoch,
        evidence: evidence.clone(),
    });
    Some(Accepted { evidence, consent })
}
