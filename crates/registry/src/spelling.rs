//! Typography: the many characters that mean a digit, a space or a dash, as plain ASCII.

use crate::NotANumber;
use alloc::string::String;

/// The text in printable ASCII, without characters that are never seen. Digits of other scripts
/// become `0` to `9`, spaces of all widths one space, dashes of all lengths `-`.
///
/// # Errors
/// [`NotANumber::Character`] for anything with no such meaning.
pub(crate) fn plain(text: &str) -> Result<String, NotANumber> {
    let mut plain = String::with_capacity(text.len());
    for character in text.trim().chars() {
        match folded(character) {
            Some(Folded::As(ascii)) => plain.push(ascii),
            Some(Folded::Unseen) => {}
            None => return Err(NotANumber::Character),
        }
    }
    // Unseen characters may stand outside the spaces that the first trim looked at.
    Ok(String::from(plain.trim()))
}

enum Folded {
    As(char),
    Unseen,
}

fn folded(character: char) -> Option<Folded> {
    let ascii = match character {
        ' '..='~' => character,
        '\t'
        | '\u{a0}'
        | '\u{1680}'
        | '\u{2000}'..='\u{200a}'
        | '\u{202f}'
        | '\u{205f}'
        | '\u{3000}' => ' ',
        // Soft hyphen, Arabic letter mark, zero-width characters, direction marks, byte order mark:
        // spreadsheets and address books wrap numbers in them.
        '\u{ad}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}' => return Some(Folded::Unseen),
        '\u{2010}'..='\u{2015}' | '\u{2043}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' => '-',
        '\u{b7}' | '\u{2022}' | '\u{2024}' | '\u{2027}' => '.',
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{fe62}' => '+',
        // Full-width forms are ASCII at a fixed distance.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - FULL_WIDTH_OFFSET)?,
        _ => digit_of_script(character)?,
    };
    Some(Folded::As(ascii))
}

/// `0` to `9` for a decimal digit of a living script other than Latin.
fn digit_of_script(character: char) -> Option<char> {
    SCRIPT_ZEROES.iter().find_map(|zero| {
        let value = u32::from(character).checked_sub(u32::from(*zero))?;
        char::from_digit(value, 10)
    })
}

const FULL_WIDTH_OFFSET: u32 = 0xfee0;

/// The zero of each script; its nine other digits follow it (Unicode, general category Nd).
const SCRIPT_ZEROES: &[char] = &[
    '\u{660}',  // Arabic-Indic
    '\u{6f0}',  // Eastern Arabic-Indic: Persian, Urdu
    '\u{7c0}',  // N'Ko
    '\u{966}',  // Devanagari
    '\u{9e6}',  // Bengali
    '\u{a66}',  // Gurmukhi
    '\u{ae6}',  // Gujarati
    '\u{b66}',  // Odia
    '\u{be6}',  // Tamil
    '\u{c66}',  // Telugu
    '\u{ce6}',  // Kannada
    '\u{d66}',  // Malayalam
    '\u{e50}',  // Thai
    '\u{ed0}',  // Lao
    '\u{f20}',  // Tibetan
    '\u{1040}', // Burmese
    '\u{17e0}', // Khmer
    '\u{1810}', // Mongolian
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typography_becomes_ascii() {
        for (text, expected) in [
            ("\u{feff} 202\u{a0}555\u{2011}0142\u{200b} ", "202 555-0142"),
            ("\u{202a}+1\u{2013}202\u{2212}555\u{2014}0142\u{202c}", "+1-202-555-0142"),
            ("\u{ff08}\u{ff12}\u{ff10}\u{ff12}\u{ff09}", "(202)"),
            ("\u{662}\u{660}\u{662}", "202"),
            ("\u{6f2}\u{6f0}\u{6f9}", "209"),
            ("\u{968}\u{966}\u{96f}", "209"),
            ("2\u{b7}0\u{2009}2\t9", "2.0 2 9"),
        ] {
            assert_eq!(plain(text).unwrap(), expected);
        }
    }

    #[test]
    fn characters_without_a_meaning_are_refused() {
        for text in ["202\n555", "202\u{1f4de}", "é", "202\u{0}", "\u{66a}", "\u{65f}"] {
            assert_eq!(plain(text), Err(NotANumber::Character), "{text:?}");
        }
    }
}
