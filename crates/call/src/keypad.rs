//! What a person types at the station, and the prompt they type over.

use alloc::{string::String, vec::Vec};
use model::{Key, PlayId, Private, Script, Side};

use crate::call::Call;

/// One entry: digits up to `#`, and the prompt that asked for them.
#[derive(Debug)]
pub(crate) struct Entry {
    digits: Vec<Key>,
    too_long: bool,
    prompt: Option<PlayId>,
}

/// What a key means in an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pressed {
    /// One more digit.
    Digit,
    /// `*` with nothing typed.
    Star,
    /// `*` that wiped what was typed.
    Wiped,
    /// `#` with something typed: the entry is whole.
    Whole,
    /// `#` with nothing typed.
    Pound,
    /// The letters.
    Nothing,
}

impl Entry {
    /// Asks for digits.
    pub(crate) fn ask(call: &mut Call, script: Script) -> Self {
        let prompt = call.play(Side::Station, script);
        call.wait(call.setup.timing.play_max);
        Self { prompt: Some(prompt), ..Self::unasked() }
    }

    /// Takes digits without having asked: they are there already.
    pub(crate) fn unasked() -> Self {
        Self { digits: Vec::new(), too_long: false, prompt: None }
    }

    /// Takes a key. A key that means something stops the prompt.
    pub(crate) fn press(&mut self, call: &mut Call, key: Key) -> Pressed {
        let timing = call.setup.timing;
        let pressed = match key.label() {
            '0'..='9' => Pressed::Digit,
            '*' if self.is_empty() => Pressed::Star,
            '*' => Pressed::Wiped,
            '#' if !self.is_empty() => Pressed::Whole,
            '#' => return Pressed::Pound,
            _ => return Pressed::Nothing,
        };
        if self.prompt.take().is_some() {
            call.hush(Side::Station);
        }
        match pressed {
            Pressed::Digit if self.digits.len() < timing.digits_count_max => self.digits.push(key),
            // A shortened number would be somebody else's.
            Pressed::Digit => self.too_long = true,
            Pressed::Star | Pressed::Wiped => *self = Self::unasked(),
            Pressed::Whole | Pressed::Pound | Pressed::Nothing => {}
        }
        call.wait(if self.is_empty() { timing.menu_idle } else { timing.inter_digit });
        pressed
    }

    /// A play ended; when it was the prompt and nobody typed, silence begins.
    pub(crate) fn on_played(&mut self, call: &mut Call, play: PlayId) {
        if self.prompt == Some(play) {
            self.prompt = None;
            call.wait(call.setup.timing.menu_idle);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.digits.is_empty()
    }

    /// Whether nothing but this one digit was typed.
    pub(crate) fn is_only(&self, label: char) -> bool {
        matches!(self.digits.as_slice(), [key] if key.label() == label)
    }

    /// What was typed, unless it is too long to be anything.
    pub(crate) fn into_digits(self) -> Option<Private<String>> {
        let digits = self.digits.iter().map(|key| key.label()).collect();
        (!self.too_long).then_some(Private::new(digits))
    }
}
