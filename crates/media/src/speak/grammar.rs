//! Which clips say a phrase, in which order: grammar only, no audio.

use crate::speak::{english, name, spanish};
use model::{Language, Money, Phrase, PromptId, speech::OwnVoice};
use std::{fmt, time::Duration};

/// What one clip of the pack says.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum ClipName {
    /// A fixed sentence.
    Prompt(PromptId),
    /// A word, or a few, of numbers, amounts and lengths.
    Word(&'static str),
    /// The name of a letter, lower case.
    Letter(char),
    /// A known part of a name, folded as [`name::fold`] does.
    Name(String),
}

impl ClipName {
    /// The name under which the pack's index lists the clip, such as `word/seven`.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Prompt(id) => format!("prompt/{}", id.name()),
            Self::Word(word) => format!("word/{word}"),
            Self::Letter(letter) => format!("letter/{letter}"),
            Self::Name(name) => format!("name/{name}"),
        }
    }
}

impl fmt::Debug for ClipName {
    /// Numbers and names are personal data: only fixed sentences print.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prompt(id) => write!(f, "Prompt({})", id.name()),
            Self::Word(_) | Self::Letter(_) | Self::Name(_) => f.write_str("[private]"),
        }
    }
}

/// One step of speaking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A clip.
    Clip(Language, ClipName),
    /// Silence.
    Pause(Duration),
    /// A name in somebody's own voice.
    Recorded(OwnVoice),
}

/// The steps that say `phrase` in `language`. `known` tells whether the pack has a part of a name,
/// folded, as a clip of its own.
pub(crate) fn steps(phrase: &Phrase, language: Language, known: &Known<'_>) -> Vec<Step> {
    match phrase {
        Phrase::Prompt(id) => vec![Step::Clip(language, ClipName::Prompt(*id))],
        Phrase::PromptInOther(id) => vec![Step::Clip(language.other(), ClipName::Prompt(*id))],
        Phrase::Digits(digits) => grouped(digits.expose(), language),
        Phrase::Amount(amount) => in_row(&amount_words(*amount, language), language),
        Phrase::Length(length) => in_row(&length_words(*length, language), language),
        Phrase::Name(name) => name::steps(name.expose(), language, known),
        Phrase::Pause(length) => vec![Step::Pause(*length)],
        Phrase::Recorded(voice) => vec![Step::Recorded(voice.clone())],
    }
}

/// Whether the pack has a clip of this folded part of a name.
pub(crate) type Known<'a> = dyn Fn(&str) -> bool + 'a;

/// The words of an amount, to the last micro-dollar: dollars, then cents with their fraction.
pub(crate) fn amount_words(amount: Money, language: Language) -> Vec<&'static str> {
    let magnitude = amount.micros().unsigned_abs();
    let cents = Cents {
        whole: magnitude % MICROS_PER_DOLLAR / MICROS_PER_CENT,
        fraction: magnitude % MICROS_PER_CENT,
    };
    let dollars = magnitude / MICROS_PER_DOLLAR;
    let negative = amount.micros() < 0;
    match language {
        Language::En => english::amount(negative, dollars, cents),
        Language::Es => spanish::amount(negative, dollars, cents),
    }
}

/// The cents of an amount.
#[derive(Clone, Copy)]
pub(crate) struct Cents {
    /// Whole cents, 0 to 99.
    pub(crate) whole: u64,
    /// Ten-thousandths of a cent (micro-dollars), 0 to 9,999.
    pub(crate) fraction: u64,
}

impl Cents {
    /// Nothing at all.
    pub(crate) const fn is_zero(self) -> bool {
        self.whole == 0 && self.fraction == 0
    }

    /// Exactly half a cent beyond the whole ones, which is how many rates are written.
    pub(crate) const fn has_half(self) -> bool {
        self.fraction == MICROS_PER_CENT / 2
    }

    /// The digits after the decimal point, without trailing zeros.
    pub(crate) fn decimals(self) -> Vec<u64> {
        let (mut rest, mut place, mut digits) = (self.fraction, MICROS_PER_CENT, Vec::new());
        while rest > 0 {
            place /= 10;
            digits.push(rest / place);
            rest %= place;
        }
        digits
    }
}

/// The words of a length of time in hours, minutes and seconds; a part of a second is left out.
pub(crate) fn length_words(length: Duration, language: Language) -> Vec<&'static str> {
    let seconds = length.as_secs();
    let parts = [seconds / 3600, seconds / 60 % 60, seconds % 60];
    match language {
        Language::En => english::length(parts),
        Language::Es => spanish::length(parts),
    }
}

/// The words that the grammar of a language can ask for: a pack has them all.
pub(crate) fn vocabulary(language: Language) -> impl Iterator<Item = ClipName> {
    let (words, letters) = match language {
        Language::En => (english::vocabulary(), english::LETTERS),
        Language::Es => (spanish::vocabulary(), spanish::LETTERS),
    };
    PromptId::ALL
        .iter()
        .map(|id| ClipName::Prompt(*id))
        .chain(words.into_iter().map(ClipName::Word))
        .chain(letters.chars().map(ClipName::Letter))
}

/// Whether `language` has a name for the letter.
pub(crate) fn has_letter(language: Language, letter: char) -> bool {
    match language {
        Language::En => english::LETTERS.contains(letter),
        Language::Es => spanish::LETTERS.contains(letter),
    }
}

/// A whole number as it is counted (not as digits one by one).
pub(crate) fn cardinal(number: u64, language: Language) -> Vec<&'static str> {
    match language {
        Language::En => english::cardinal(number),
        Language::Es => spanish::cardinal(number, spanish::Form::Alone),
    }
}

/// One digit of a telephone number, or the name of `*` or `#`; `None` for anything else.
pub(crate) fn digit(digit: char, language: Language) -> Option<&'static str> {
    match (digit, language) {
        ('*', Language::En) => Some(english::STAR),
        ('*', Language::Es) => Some(spanish::STAR),
        ('#', Language::En) => Some(english::POUND),
        ('#', Language::Es) => Some(spanish::POUND),
        (other, _) => cardinal(u64::from(other.to_digit(10)?), language).first().copied(),
    }
}

/// What stands for a name of which nothing can be spoken, so that no sentence has a hole.
pub(crate) const fn nameless(language: Language) -> &'static str {
    match language {
        Language::En => english::NAMELESS,
        Language::Es => spanish::NAMELESS,
    }
}

/// Words one after the other, with a short breath between them.
pub(crate) fn in_row(words: &[&'static str], language: Language) -> Vec<Step> {
    let mut steps = Vec::with_capacity(words.len() * 2);
    for word in words {
        if !steps.is_empty() {
            steps.push(Step::Pause(BETWEEN_WORDS));
        }
        steps.push(Step::Clip(language, ClipName::Word(word)));
    }
    steps
}

/// Digits one by one with a longer pause between groups. Other characters than digits, `*` and `#`
/// (`+`, spaces, hyphens) are not spoken.
fn grouped(digits: &str, language: Language) -> Vec<Step> {
    let words: Vec<_> =
        digits.chars().filter_map(|each| digit(each, language)).take(DIGITS_COUNT_MAX).collect();
    let mut steps = Vec::with_capacity(words.len() * 2);
    let mut rest = words.as_slice();
    for count in groups(rest.len(), digits.trim_start_matches('+').starts_with('1')) {
        let (group, others) = rest.split_at(count.min(rest.len()));
        if !steps.is_empty() {
            steps.push(Step::Pause(BETWEEN_GROUPS));
        }
        steps.extend(in_row(group, language));
        rest = others;
    }
    steps
}

/// How people read out a number of `count` digits: North American ones as 1-3-3-4, 3-3-4 or 3-4,
/// others by threes with two to four digits at the end.
fn groups(count: usize, starts_with_one: bool) -> Vec<usize> {
    match count {
        0 => vec![],
        1..=4 => vec![count],
        7 => vec![3, 4],
        11 if starts_with_one => vec![1, 3, 3, 4],
        _ => {
            let mut groups = vec![3; count / 3];
            match (count % 3, groups.last_mut()) {
                (1, Some(last)) => *last = 4,
                (2, _) => groups.push(2),
                _ => {}
            }
            groups
        }
    }
}

/// A breath between words that belong together.
pub(crate) const BETWEEN_WORDS: Duration = Duration::from_millis(40);
/// The pause that makes a telephone number easy to write down.
const BETWEEN_GROUPS: Duration = Duration::from_millis(300);
/// E.164 has 15; a dialled number with prefixes and extension may have more.
const DIGITS_COUNT_MAX: usize = 40;
const MICROS_PER_DOLLAR: u64 = 1_000_000;
const MICROS_PER_CENT: u64 = 10_000;

#[cfg(test)]
mod tests;
