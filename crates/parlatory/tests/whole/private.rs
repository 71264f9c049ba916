//! Looks for what must never be printed.

use crate::county;

/// Fails when `text` holds anything personal of our county: a name, a PIN, a number in any writing.
#[track_caller]
pub(crate) fn assert_nothing_personal(text: &str) {
    let people = 0..county::PEOPLE;
    assert_free_of(text, people.clone().flat_map(|person| county::name(person).split(' ')));
    assert_free_of(text, [county::PASSWORD]);
    for person in people {
        assert_no_pin(text, &county::pin(person));
        assert_no_number(text, &county::number(person));
    }
    assert_no_number(text, county::PROTECTED);
}

/// Fails when `text` holds one of the words.
#[track_caller]
pub(crate) fn assert_free_of<'a>(text: &str, words: impl IntoIterator<Item = &'a str>) {
    for word in words {
        let found = text.lines().find(|line| line.contains(word));
        assert!(found.is_none(), "`{word}` is printed: {}", found.unwrap_or_default());
    }
}

/// Fails when `text` holds a PIN that is not part of a longer number.
#[track_caller]
pub(crate) fn assert_no_pin(text: &str, pin: &str) {
    for line in text.lines() {
        let mut runs = timeless(line).split(|c: char| !c.is_ascii_digit());
        assert!(runs.all(|run| run != pin), "a PIN is printed: {line}");
    }
}

/// Fails when `text` holds a ten-digit number, with or without marks between its parts.
#[track_caller]
pub(crate) fn assert_no_number(text: &str, number: &str) {
    // The first digits are those of half the county: the last seven tell whose number it is.
    let (exchange, own) = (&number[3..6], &number[6..]);
    let written = ["", "-", " ", ".", ") "].map(|mark| format!("{exchange}{mark}{own}"));
    for line in text.lines() {
        let found = written.iter().any(|number| timeless(line).contains(number.as_str()));
        assert!(!found, "a number is printed: {line}");
    }
}

/// A line without the time at its beginning, in which any digits can stand. Steps begin with their
/// name and the time in microseconds, log lines with the time alone.
fn timeless(line: &str) -> &str {
    let line = line.strip_prefix("step ").unwrap_or(line);
    line.trim_start().split_once(' ').map_or("", |(_, rest)| rest)
}
