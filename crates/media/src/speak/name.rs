//! Names of people and places: parts the pack knows are spoken as words, others are spelt out.

use crate::speak::grammar::{
    BETWEEN_WORDS, ClipName, Known, Step, cardinal, digit, has_letter, in_row, nameless,
};
use model::Language;
use std::time::Duration;

/// The steps that say `name`. A name of which nothing can be spoken (no letter of the Latin
/// alphabet, no digit) becomes `name not available`, so that no sentence has a hole.
pub(crate) fn steps(name: &str, language: Language, known: &Known<'_>) -> Vec<Step> {
    let limited: String = name.chars().take(NAME_CHARS_MAX).collect();
    let mut steps = Vec::new();
    for part in limited.split(|each: char| each.is_whitespace() || "-/,;()".contains(each)) {
        let spoken = part_steps(part, language, known);
        if !spoken.is_empty() && !steps.is_empty() {
            steps.push(Step::Pause(BETWEEN_PARTS));
        }
        steps.extend(spoken);
    }
    if steps.is_empty() {
        return in_row(&[nameless(language)], language);
    }
    steps
}

/// Lower case without accents, apostrophes or full stops: how the pack lists parts of names, so
/// that `O'Brien`, `OBRIEN` and `Núñez`, `Nunez` are found alike.
pub(crate) fn fold(part: &str) -> String {
    let mut folded = String::with_capacity(part.len());
    for letter in part.chars().flat_map(char::to_lowercase) {
        match letter {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            _ => folded.extend(Some(without_accent(letter)).filter(|each| each.is_alphanumeric())),
        }
    }
    folded
}

fn part_steps(part: &str, language: Language, known: &Known<'_>) -> Vec<Step> {
    let folded = fold(part);
    if known(&folded) {
        return vec![Step::Clip(language, ClipName::Name(folded))];
    }
    let mut steps: Vec<Step> = Vec::new();
    let mut rest = part;
    while let Some(next) = rest.chars().next() {
        let length = rest.find(|each: char| !each.is_ascii_digit()).unwrap_or(rest.len());
        let (head, tail) = rest.split_at(length.max(next.len_utf8()));
        let spoken = if length > 0 { number(head, language) } else { letters(next, language) };
        if !spoken.is_empty() && !steps.is_empty() {
            steps.push(Step::Pause(BETWEEN_LETTERS));
        }
        steps.extend(spoken);
        rest = tail;
    }
    steps
}

/// `Unit 12` has a twelve; `007` and `90210` are read out digit by digit.
fn number(digits: &str, language: Language) -> Vec<Step> {
    let words: Vec<_> = match digits.parse::<u64>() {
        Ok(value) if digits.len() <= 2 && !digits.starts_with('0') => cardinal(value, language),
        _ => digits.chars().filter_map(|each| digit(each, language)).collect(),
    };
    in_row(&words, language)
}

fn letters(letter: char, language: Language) -> Vec<Step> {
    let mut steps = Vec::new();
    let lower = letter.to_lowercase().next().unwrap_or(letter);
    let named =
        if has_letter(language, lower) { lower.to_string() } else { fold(&letter.to_string()) };
    for each in named.chars().filter(|each| has_letter(language, *each)) {
        if !steps.is_empty() {
            steps.push(Step::Pause(BETWEEN_WORDS));
        }
        steps.push(Step::Clip(language, ClipName::Letter(each)));
    }
    steps
}

/// The letter of the Latin alphabet under an accent; other characters stay as they are.
fn without_accent(letter: char) -> char {
    BASES.iter().find(|(_, accented)| accented.contains(letter)).map_or(letter, |(base, _)| *base)
}

const BASES: [(char, &str); 18] = [
    ('a', "àáâãäåāăą"),
    ('c', "çćĉċč"),
    ('d', "ďđð"),
    ('e', "èéêëēĕėęě"),
    ('g', "ĝğġģ"),
    ('h', "ĥħ"),
    ('i', "ìíîïĩīĭįı"),
    ('j', "ĵ"),
    ('k', "ķ"),
    ('l', "ĺļľŀł"),
    ('n', "ñńņňŋ"),
    ('o', "òóôõöøōŏő"),
    ('r', "ŕŗř"),
    ('s', "śŝşšș"),
    ('t', "ţťŧț"),
    ('u', "ùúûüũūŭůűų"),
    ('y', "ýÿŷ"),
    ('z', "źżž"),
];
const BETWEEN_PARTS: Duration = Duration::from_millis(60);
const BETWEEN_LETTERS: Duration = Duration::from_millis(110);
/// Longer names of places exist, but nobody listens to them.
const NAME_CHARS_MAX: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &str, language: Language) -> String {
        let known = |part: &str| ["cedar", "county", "jail", "obrien", "nunez"].contains(&part);
        let mut words = Vec::new();
        for step in steps(name, language, &known) {
            if let Step::Clip(spoken, clip) = step {
                assert_eq!(spoken, language);
                words.push(match clip {
                    ClipName::Letter(letter) => letter.to_string(),
                    ClipName::Word(word) => word.to_owned(),
                    ClipName::Name(name) => name,
                    ClipName::Prompt(_) => unreachable!("a name holds no sentence"),
                });
            }
        }
        words.join(" ")
    }

    #[test]
    fn known_parts_are_words_and_others_are_spelt() {
        for (name, english, spanish) in [
            ("Cedar County Jail", "cedar county jail", "cedar county jail"),
            ("CEDAR  county-jail", "cedar county jail", "cedar county jail"),
            ("O'Brien", "obrien", "obrien"),
            ("Núñez", "nunez", "nunez"),
            ("J. O’Brien", "j obrien", "j obrien"),
            ("Ñu", "n u", "ñ u"),
            ("Łoś", "l o s", "l o s"),
            ("Weiß", "w e i s s", "w e i s s"),
            ("Cedar 12", "cedar twelve", "cedar doce"),
            ("B12", "b twelve", "b doce"),
            ("C07", "c zero seven", "c cero siete"),
            ("90210", "nine zero two one zero", "nueve cero dos uno cero"),
            ("李 Li", "l i", "l i"),
            ("李", "name not available", "nombre no disponible"),
            ("", "name not available", "nombre no disponible"),
            (" - ", "name not available", "nombre no disponible"),
        ] {
            assert_eq!(said(name, Language::En), english, "{name}");
            assert_eq!(said(name, Language::Es), spanish, "{name}");
        }
    }

    #[test]
    fn an_endless_name_ends() {
        let name = "x".repeat(10_000);
        assert_eq!(said(&name, Language::En).split(' ').count(), NAME_CHARS_MAX);
    }
}
