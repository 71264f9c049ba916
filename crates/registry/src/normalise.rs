//! One canonical form for a number, however a person wrote it.
//!
//! Protection is on the number, so two spellings of one number must never become two numbers, and
//! two numbers must never become one. What could be read in two ways is refused: a refused row is
//! seen by the operator, a wrongly read one by nobody.

use crate::{limits, spelling};
use alloc::string::String;
use model::{E164, Private};
use thiserror::Error;

/// The country whose writing and dialling habits apply to a number without a country code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Home {
    /// Country code 1, the North American Numbering Plan: ten digits, the first of the area code
    /// and of the exchange from 2 to 9, `011` before a country code.
    #[default]
    NorthAmerica,
}

/// What a text turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Normalised {
    /// The number, on which alone anything is matched.
    pub number: E164,
    /// Digits to dial behind it. Two people behind one switchboard share its number and therefore
    /// its protection.
    pub extension: Option<Private<String>>,
}

/// Why a text is not a number that can be used. Holds nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum NotANumber {
    /// No digit in it.
    #[error("there is no telephone number here; write one such as `+1 202 555 0142`")]
    Empty,
    /// More than [`limits::TEXT_BYTES_MAX`] octets.
    #[error("this is too long for a telephone number; write one number only")]
    TooLong,
    /// A character that has no place in a number.
    #[error("a character here does not belong in a telephone number; write digits, spaces, dashes")]
    Character,
    /// Fewer digits than a number has.
    #[error("digits are missing; write the area code too, such as `202 555 0142`")]
    TooFewDigits,
    /// More digits than a number has.
    #[error("there are too many digits; write one number, with `+` before a foreign country code")]
    TooManyDigits,
    /// No area code starts so, or it is a service code such as 911.
    #[error("there is no such area code; check the first three digits")]
    AreaCode,
    /// No exchange starts so.
    #[error("no number continues so after its area code; check the three digits that follow it")]
    Exchange,
    /// No country code starts with zero.
    #[error("no country code starts with 0; write `+`, the country code, then the number")]
    CountryCode,
    /// Words or letters around the number.
    #[error("there is other text beside the number; put notes in a field of their own")]
    OtherText,
    /// Something like an extension that is none, or a second number.
    #[error("the part behind the number is no extension; write `x` and at most six digits")]
    Extension,
    /// A `tel:` or `sip:` address that names no number, or a local number of another country.
    #[error("this address names no telephone number; write the number itself")]
    Address,
}

/// Reads a telephone number the way people, spreadsheets, address books and SIP write it:
/// national with or without `1`, `+` or `011` or `00` and country code, any punctuation, digits of
/// other scripts, letters for digits, extensions, `tel:` (RFC 3966 section 3) and `sip:` with a
/// number as user (RFC 3261 section 19.1.1).
///
/// # Errors
/// [`NotANumber`] says what is wrong, without repeating it. Seven-digit local numbers are refused
/// (which area code?), and so is all text beside the number.
pub fn normalise(text: &str, home: Home) -> Result<Normalised, NotANumber> {
    if text.len() > limits::TEXT_BYTES_MAX {
        return Err(NotANumber::TooLong);
    }
    let plain = spelling::plain(text)?;
    let written = Written::of(&plain)?;
    let read = Reader::read(&written.number, home)?;
    if !read.plus && written.foreign_context(home) {
        return Err(NotANumber::Address);
    }
    let extension = match (read.extension.as_deref(), written.extension.as_deref()) {
        (None, None) => None,
        (Some(digits), None) => Some(digits),
        (None, Some(parameter)) => Some(extension_digits(parameter)?),
        (Some(_), Some(_)) => return Err(NotANumber::Extension),
    };
    Ok(Normalised {
        number: e164(read.plus, &read.dialled, home)?,
        extension: extension.map(|digits| Private::new(String::from(digits))),
    })
}

/// The number that these digits dial from `home`.
pub(crate) fn e164(plus: bool, dialled: &str, home: Home) -> Result<E164, NotANumber> {
    match home.international(plus, dialled) {
        Some(digits) => match digits.strip_prefix(home.country_code()) {
            Some(national) => home.national(national),
            None => foreign(digits),
        },
        None => home.national(dialled.strip_prefix(home.long_distance_prefix()).unwrap_or(dialled)),
    }
}

impl Home {
    /// Country code, without `+`.
    pub const fn country_code(self) -> &'static str {
        match self {
            Self::NorthAmerica => "1",
        }
    }

    /// What is dialled before the area code.
    const fn long_distance_prefix(self) -> &'static str {
        match self {
            Self::NorthAmerica => "1",
        }
    }

    /// The digits from the country code on, where they start with one.
    fn international(self, plus: bool, dialled: &str) -> Option<&str> {
        if plus {
            return Some(dialled);
        }
        match self {
            // `00` is how most of the world writes it; no national number starts with 0.
            Self::NorthAmerica => dialled.strip_prefix("011").or(dialled.strip_prefix("00")),
        }
    }

    /// How many national digits were dialled so far, or `None` in a foreign number.
    fn national_count(self, plus: bool, dialled: &str) -> Option<usize> {
        let national = match self.international(plus, dialled) {
            Some(digits) => digits.strip_prefix(self.country_code())?,
            None => dialled.strip_prefix(self.long_distance_prefix()).unwrap_or(dialled),
        };
        Some(national.len())
    }

    /// Area code, exchange, line: NXX-NXX-XXXX, where N is 2 to 9. `N11` is a service code
    /// and never an area code.
    fn national(self, digits: &str) -> Result<E164, NotANumber> {
        match self {
            Self::NorthAmerica => {
                let &[area, area_2, area_3, exchange, ..] = digits.as_bytes() else {
                    return Err(NotANumber::TooFewDigits);
                };
                if digits.len() < NATIONAL_DIGITS {
                    return Err(NotANumber::TooFewDigits);
                }
                if digits.len() > NATIONAL_DIGITS {
                    return Err(NotANumber::TooManyDigits);
                }
                if !(b'2'..=b'9').contains(&area) || (area_2, area_3) == (b'1', b'1') {
                    return Err(NotANumber::AreaCode);
                }
                if !(b'2'..=b'9').contains(&exchange) {
                    return Err(NotANumber::Exchange);
                }
                let national: u64 = digits.parse().map_err(|_| NotANumber::Character)?;
                E164::new(NORTH_AMERICA + national).ok_or(NotANumber::TooManyDigits)
            }
        }
    }
}

/// A number of another country: ITU-T E.164 section 6, at most 15 digits. How many it must have is
/// known to that country only.
fn foreign(digits: &str) -> Result<E164, NotANumber> {
    if digits.starts_with('0') {
        return Err(NotANumber::CountryCode);
    }
    if digits.len() > E164_DIGITS_MAX {
        return Err(NotANumber::TooManyDigits);
    }
    digits.parse().ok().and_then(E164::new).ok_or(NotANumber::TooFewDigits)
}

/// A text without its address form.
struct Written {
    number: String,
    /// Value of the `ext` parameter (RFC 3966 section 5.3).
    extension: Option<String>,
    /// Value of the `phone-context` parameter (RFC 3966 section 5.1.5).
    context: Option<String>,
}

impl Written {
    fn of(plain: &str) -> Result<Self, NotANumber> {
        let text = plain.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(plain);
        // Spreadsheets keep a number as text by an apostrophe in front.
        let text = text.strip_prefix('\'').unwrap_or(text);
        if let Some(rest) = strip_scheme(text, "tel:") {
            return Self::of_parameters(&unescaped(rest)?);
        }
        match strip_scheme(text, "sip:").or(strip_scheme(text, "sips:")) {
            Some(rest) => {
                let (user, _host) = rest.split_once('@').ok_or(NotANumber::Address)?;
                let (user, _password) = user.split_once(':').unwrap_or((user, ""));
                Self::of_parameters(&unescaped(user)?)
            }
            None => Ok(Self { number: String::from(text), extension: None, context: None }),
        }
    }

    /// `number;name=value;...`. Parameters that do not change which number is meant are passed
    /// over.
    fn of_parameters(text: &str) -> Result<Self, NotANumber> {
        let mut parts = text.split(';');
        let number = String::from(parts.next().unwrap_or(""));
        if number.is_empty() {
            return Err(NotANumber::Address);
        }
        let mut written = Self { number, extension: None, context: None };
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            if name.eq_ignore_ascii_case("ext") {
                written.extension = Some(String::from(value));
            } else if name.eq_ignore_ascii_case("phone-context") {
                written.context = Some(String::from(value));
            }
        }
        Ok(written)
    }

    /// Whether the context is another country's, in which the digits mean something else.
    fn foreign_context(&self, home: Home) -> bool {
        self.context
            .as_deref()
            .and_then(|context| context.strip_prefix('+'))
            .is_some_and(|digits| !digits.starts_with(home.country_code()))
    }
}

fn strip_scheme<'text>(text: &'text str, scheme: &str) -> Option<&'text str> {
    let (start, rest) = text.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// Undoes `%2B` and the like (RFC 3986 section 2.1), for printable ASCII only.
fn unescaped(text: &str) -> Result<String, NotANumber> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, escaped)) = rest.split_once('%') {
        let (code, after) = escaped.split_at_checked(2).ok_or(NotANumber::Address)?;
        let octet = u8::from_str_radix(code, 16).map_err(|_| NotANumber::Address)?;
        if !(b' '..=b'~').contains(&octet) {
            return Err(NotANumber::Character);
        }
        plain.push_str(before);
        plain.push(char::from(octet));
        rest = after;
    }
    plain.push_str(rest);
    Ok(plain)
}

/// Reads digits, punctuation and letters from left to right.
struct Reader<'text> {
    home: Home,
    plus: bool,
    /// Digits so far, with whatever prefix they were written with.
    dialled: String,
    extension: Option<String>,
    rest: &'text str,
    word: Word,
    slashed: bool,
}

/// What stands directly before the place being read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    /// A digit or punctuation.
    None,
    /// A space.
    Space,
    /// A word of letters that stand for digits.
    Letters,
    /// The same, after a space: it may not run past the end of the number, or every note beside an
    /// incomplete number would complete it.
    LettersAfterSpace,
}

impl<'text> Reader<'text> {
    fn read(text: &'text str, home: Home) -> Result<Self, NotANumber> {
        let mut reader = Self {
            home,
            plus: false,
            dialled: String::new(),
            extension: None,
            rest: text,
            word: Word::None,
            slashed: false,
        };
        while let Some(character) = reader.rest.chars().next() {
            reader.step(character)?;
        }
        if reader.dialled.is_empty() {
            return Err(NotANumber::Empty);
        }
        // `+44 20 7946 0958/59` are two numbers; where lengths are not known it cannot be told.
        if reader.slashed && reader.national_count().is_none() {
            return Err(NotANumber::Character);
        }
        Ok(reader)
    }

    fn step(&mut self, character: char) -> Result<(), NotANumber> {
        match character {
            '0'..='9' => {
                self.dialled.push(character);
                self.word = Word::None;
            }
            '+' if self.dialled.is_empty() && !self.plus => self.plus = true,
            '(' if self.trunk_zero() => {
                self.rest = self.rest.get(TRUNK_ZERO.len()..).unwrap_or("");
                return Ok(());
            }
            ' ' => self.word = Word::Space,
            '-' | '.' | '(' | ')' => self.word = Word::None,
            '/' => {
                self.word = Word::None;
                self.slashed = true;
            }
            ',' | ';' | '#' => return self.take_extension(),
            'a'..='z' | 'A'..='Z' => return self.letter(character),
            _ => return Err(NotANumber::Character),
        }
        self.advance();
        Ok(())
    }

    fn advance(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or("");
    }

    fn national_count(&self) -> Option<usize> {
        self.home.national_count(self.plus, &self.dialled)
    }

    /// `+44 (0)20 ...`: the zero is dialled inside that country only.
    fn trunk_zero(&self) -> bool {
        let begun = match self.home.international(self.plus, &self.dialled) {
            Some(digits) => !digits.is_empty(),
            None => false,
        };
        begun && self.national_count().is_none() && self.rest.starts_with(TRUNK_ZERO)
    }

    /// A letter is a digit of the keypad while digits are missing, and starts an extension after
    /// the last one. Letters that run on from a word past the last digit are ignored, as the
    /// network ignores them (`1-202-555-01HOME`).
    fn letter(&mut self, letter: char) -> Result<(), NotANumber> {
        let count = self.national_count();
        let Some(count) = count.filter(|count| *count < NATIONAL_DIGITS) else {
            if extension_of(self.rest).is_ok() {
                return self.take_extension();
            }
            if count.is_some() && self.word == Word::Letters {
                self.advance();
                return Ok(());
            }
            return Err(NotANumber::OtherText);
        };
        if count < AREA_CODE_DIGITS {
            return Err(NotANumber::OtherText);
        }
        self.word = match self.word {
            Word::Space => {
                let mut following = self.rest.chars().skip(1);
                if !following.next().is_some_and(|next| next.is_ascii_alphabetic()) {
                    return Err(NotANumber::OtherText);
                }
                Word::LettersAfterSpace
            }
            Word::LettersAfterSpace => Word::LettersAfterSpace,
            Word::None | Word::Letters => Word::Letters,
        };
        self.dialled.push(keypad_digit(letter));
        self.advance();
        Ok(())
    }

    fn take_extension(&mut self) -> Result<(), NotANumber> {
        self.extension = Some(String::from(extension_of(self.rest)?));
        self.rest = "";
        Ok(())
    }
}

/// The digits of `x123`, `ext. 5`, `, ext 5`, `#5`, `;ext=5`, `,,123`: all of the rest or nothing.
fn extension_of(rest: &str) -> Result<&str, NotANumber> {
    let rest = rest.strip_suffix(')').unwrap_or(rest);
    let marked = rest.trim_start_matches([',', ';', '#']);
    let words = marked.trim_start_matches(' ');
    let digits = match EXTENSION_WORDS.iter().find_map(|word| strip_scheme(words, word)) {
        Some(rest) => rest.trim_start_matches(['.', ':', '=', '#', ' ']),
        // Without a word, a space after the comma means that something else begins there.
        None => marked,
    };
    extension_digits(digits)
}

fn extension_digits(text: &str) -> Result<&str, NotANumber> {
    let digits = text.trim_end_matches('#');
    let sound = !digits.is_empty()
        && digits.len() <= limits::EXTENSION_DIGITS_MAX
        && digits.bytes().all(|digit| digit.is_ascii_digit());
    if sound { Ok(digits) } else { Err(NotANumber::Extension) }
}

/// The key that carries this letter: ITU-T E.161.
const fn keypad_digit(letter: char) -> char {
    match letter.to_ascii_uppercase() {
        'A'..='C' => '2',
        'D'..='F' => '3',
        'G'..='I' => '4',
        'J'..='L' => '5',
        'M'..='O' => '6',
        'P'..='S' => '7',
        'T'..='V' => '8',
        _ => '9',
    }
}

const NATIONAL_DIGITS: usize = 10;
const AREA_CODE_DIGITS: usize = 3;
const E164_DIGITS_MAX: usize = 15;
/// Country code 1 before ten national digits.
const NORTH_AMERICA: u64 = 10_000_000_000;
const TRUNK_ZERO: &str = "(0)";
/// Longest first, so that `ext` does not leave `ension` behind.
const EXTENSION_WORDS: &[&str] = &["extension", "extn", "ext", "x"];

#[cfg(test)]
mod tests;
