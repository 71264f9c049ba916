//! How long a script takes, what is in it, and what whoever hears it makes of it.

use core::{hash::Hasher, time::Duration};
use model::{Key, Phrase, PromptId, Script, Timestamp, speech::ContentHash};
use sha2::{Digest, Sha256};

/// A script as it is heard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sounding {
    pub(crate) length: Duration,
    pub(crate) content: ContentHash,
    /// Asks for the PIN.
    pub(crate) pin: bool,
    /// Asks for a number.
    pub(crate) number: bool,
    /// What the notice says of recording, if it is one.
    pub(crate) notice: Option<Told>,
    /// The accepting key it names, if it is a notice to the called party.
    pub(crate) accept: Option<Key>,
    /// It tells the called party again which keys there are.
    pub(crate) keys: bool,
    /// It offers to say that the call is private.
    pub(crate) private: bool,
    /// It asks whether no more calls are wanted.
    pub(crate) confirm: bool,
    /// Nothing follows it but the end of the call.
    pub(crate) farewell: bool,
    /// What it says of the person's name.
    pub(crate) naming: Option<NamePart>,
    /// The name in somebody's own voice that it speaks with.
    pub(crate) voice: Option<[u8; 32]>,
}

/// What a script says of the person's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum NamePart {
    /// That it may be recorded.
    Offer,
    /// That there is one.
    Stored,
    /// What becomes of it.
    Explain,
    /// That they are to speak.
    Speak,
    /// What they said.
    Check,
    /// That it can be removed.
    Remove,
}

/// What a notice says of recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Told {
    Recorded,
    Protected,
    NotRecorded,
}

/// What is heard when `script` is played.
pub(crate) fn of(script: &Script) -> Sounding {
    let mut mixer = Mixer::default();
    let mut ms = 0;
    let (mut pin, mut number, mut notice, mut call_from) = (false, false, None, false);
    let (mut accept, mut private, mut confirm) = (None, false, false);
    let (mut last_word, mut naming, mut voice, mut chooses) = (false, None, None, false);
    mixer.write_u8(u8::from(script.language == model::Language::Es));
    for phrase in &script.phrases {
        match phrase {
            Phrase::Prompt(id) | Phrase::PromptInOther(id) => {
                mixer.write_u64(1 + *id as u64);
                // Any length will do, as long as each sentence has its own.
                ms += 700 + (*id as u64 * 337) % 1_900;
                pin |= *id == PromptId::EnterPin;
                number |= matches!(id, PromptId::EnterNumber | PromptId::EnterService);
                call_from |= *id == PromptId::CallFrom;
                private |= *id == PromptId::ChoosePrivate;
                confirm |= *id == PromptId::BlockConfirm;
                chooses |= matches!(id, PromptId::ChooseAccept | PromptId::ChooseAcceptRefuse);
                if *id == PromptId::ChooseAcceptRefuse {
                    accept = Key::from_char('1');
                }
                notice = told(*id).or(notice);
                last_word |= FAREWELLS.contains(id);
                naming = naming.or(name_part(*id));
            }
            Phrase::Digits(text) | Phrase::Name(text) => {
                // The only digits in a notice are those of a drawn key.
                if matches!(phrase, Phrase::Digits(_)) {
                    accept = text.expose().chars().next().and_then(Key::from_char);
                }
                mixer.write(text.expose().as_bytes());
                ms += 600;
            }
            Phrase::Amount(amount) => {
                mixer.write_i64(amount.micros());
                ms += 1_400;
            }
            Phrase::Recorded(said) => {
                mixer.write(said.expose());
                ms += u64::try_from(said.expose().len() / 8).unwrap_or(u64::MAX);
                voice = Some(Sha256::digest(said.expose()).into());
            }
            Phrase::Length(length) | Phrase::Pause(length) => {
                mixer.write_u128(length.as_micros());
                ms += 500;
            }
        }
    }
    let length = Duration::from_millis(ms);
    let notice = notice.filter(|_| call_from);
    let farewell = last_word && !pin && !number && notice.is_none();
    let accept = accept.filter(|_| notice.is_some());
    let keys = chooses && notice.is_none();
    let content = mixer.content();
    Sounding {
        length,
        content,
        pin,
        number,
        notice,
        accept,
        keys,
        private,
        confirm,
        farewell,
        naming,
        voice,
    }
}

fn name_part(id: PromptId) -> Option<NamePart> {
    let parts = [
        (PromptId::NameOffer, NamePart::Offer),
        (PromptId::NameStored, NamePart::Stored),
        (PromptId::NameExplain, NamePart::Explain),
        (PromptId::NameSpeak, NamePart::Speak),
        (PromptId::NameIs, NamePart::Check),
        (PromptId::NameRemove, NamePart::Remove),
    ];
    parts.into_iter().find(|(prompt, _)| *prompt == id).map(|(_, part)| part)
}

fn told(id: PromptId) -> Option<Told> {
    if id == PromptId::NoticeRecorded {
        Some(Told::Recorded)
    } else if id == PromptId::NoticeProtected {
        Some(Told::Protected)
    } else if id == PromptId::NoticeNotRecorded {
        Some(Told::NotRecorded)
    } else {
        None
    }
}

/// A hash that is the same in every process.
#[derive(Clone, Debug)]
pub(crate) struct Mixer(u64);

impl Default for Mixer {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Mixer {
    fn content(&self) -> ContentHash {
        let mut octets = [0; 32];
        for (octet, place) in octets.iter_mut().zip(0_u32..) {
            let [low, ..] = (self.0.rotate_left(place * 7)).to_le_bytes();
            *octet = low;
        }
        ContentHash(octets)
    }
}

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0 ^ value).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_i64(&mut self, value: i64) {
        self.write_u64(value.cast_unsigned());
    }

    fn write_isize(&mut self, value: isize) {
        self.write_u64(u64::try_from(value).unwrap_or(u64::MAX));
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(u64::try_from(value).unwrap_or(u64::MAX));
    }
}

/// So many microseconds before.
pub(crate) fn before(at: Timestamp, micros: u64) -> Timestamp {
    Timestamp::from_micros(at.micros().saturating_sub(i64::try_from(micros).unwrap_or(0)))
}

/// Sentences with which a call ends, unless a question follows.
const FAREWELLS: &[PromptId] = &[
    PromptId::PinLocked,
    PromptId::Unavailable,
    PromptId::NotAccepted,
    PromptId::Busy,
    PromptId::NoAnswer,
    PromptId::Unallocated,
    PromptId::NotConnected,
    PromptId::Declined,
    PromptId::Forwarded,
    PromptId::LooksLikeMachine,
    PromptId::CutByStaff,
    PromptId::BlockKept,
    PromptId::BlockUnkept,
    PromptId::Refused,
    PromptId::NoKeyPressed,
    PromptId::TimeIsUp,
    PromptId::Goodbye,
];
