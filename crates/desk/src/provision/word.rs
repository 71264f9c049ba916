//! Checks of single words, and the word that was probably meant.

use super::limits::{ID_CHARS_MAX, KEY_CHARS_MAX, NAME_CHARS_MAX};
use model::place::State;
use std::net::{IpAddr, SocketAddr};

/// The known word nearest to `word`, as a half-sentence: `; did you mean `unit`?`.
pub(super) fn meant<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let word = word.to_ascii_lowercase();
    let near = known
        .into_iter()
        .map(|known| (distance(&word, known), known))
        .filter(|(distance, known)| {
            *distance <= known.len().max(word.len()).div_ceil(3)
                || known.len() > 2 && (word.starts_with(known) || known.starts_with(&word))
        })
        .min();
    near.map_or_else(String::new, |(_, known)| format!("; did you mean `{known}`?"))
}

/// Letters to insert, remove or replace to make one word of the other (Levenshtein distance).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (above, letter) in one.chars().enumerate() {
        let mut corner = above;
        let mut left = above + 1;
        for (cell, known) in row.iter_mut().skip(1).zip(other.chars()) {
            let replaced = corner + usize::from(letter != known);
            corner = *cell;
            left = replaced.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = above + 1;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}

/// A key of a place.
pub(super) fn check_key(text: &str) -> Result<(), String> {
    let letter = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    if text.is_empty() || text.chars().count() > KEY_CHARS_MAX || !text.chars().all(letter) {
        return Err(format!(
            "a key has 1 to {KEY_CHARS_MAX} letters, digits, `-`, `_` or `.`, and no spaces"
        ));
    }
    Ok(())
}

/// A name that is spoken.
pub(super) fn check_name(text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("the name is missing; it is spoken to the called party".to_owned());
    }
    if text.chars().count() > NAME_CHARS_MAX || text.chars().any(char::is_control) {
        return Err(format!("a name has at most {NAME_CHARS_MAX} characters in one line"));
    }
    Ok(())
}

/// A booking number or a reference.
pub(super) fn check_id(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("it is missing".to_owned());
    }
    if text.chars().count() > ID_CHARS_MAX || text.chars().any(char::is_control) {
        return Err(format!("it may have at most {ID_CHARS_MAX} characters in one line"));
    }
    Ok(())
}

/// An IP address with or without a port, which is `port` where it is not given.
pub(super) fn address(text: &str, port: u16) -> Result<SocketAddr, String> {
    let text = text.trim();
    let read = text.parse::<SocketAddr>().ok().or_else(|| {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        Some(SocketAddr::new(bare.parse::<IpAddr>().ok()?, port))
    });
    let usable = |ip: IpAddr| !ip.is_unspecified() && !ip.is_multicast();
    read.filter(|address| usable(address.ip())).ok_or_else(|| {
        "write the device's IP address, such as `192.0.2.10` or `192.0.2.10:5060`; \
         host names are not looked up"
            .to_owned()
    })
}

/// A state or territory of the United States.
pub(super) fn state(text: &str) -> Result<State, String> {
    let code = text.trim().to_ascii_uppercase();
    STATES.split(' ').find(|known| *known == code).and_then(State::new).ok_or_else(|| {
        "write the two letters of a United States state or territory, such as `CO`".to_owned()
    })
}

/// Postal codes of the states, the District of Columbia and the territories.
const STATES: &str = "\
    AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE \
    NV NH NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY AS GU MP PR VI";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_that_was_meant_is_found() {
        let known = ["agency", "facility", "unit", "station", "files"];
        for (word, meant_word) in [
            ("agencies", Some("agency")),
            ("facilty", Some("facility")),
            ("Unit", Some("unit")),
            ("units", Some("unit")),
            ("statoin", Some("station")),
            ("file", Some("files")),
            ("colour", None),
            ("x", None),
        ] {
            let expected =
                meant_word.map_or_else(String::new, |w| format!("; did you mean `{w}`?"));
            assert_eq!(meant(word, known), expected, "{word}");
        }
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn addresses_with_and_without_port() {
        for (text, read) in [
            ("192.0.2.1", Some("192.0.2.1:0")),
            (" 192.0.2.1:5062 ", Some("192.0.2.1:5062")),
            ("2001:db8::1", Some("[2001:db8::1]:0")),
            ("[2001:db8::1]", Some("[2001:db8::1]:0")),
            ("[2001:db8::1]:5060", Some("[2001:db8::1]:5060")),
            ("0.0.0.0", None),
            ("224.0.0.1:5060", None),
            ("phone.example", None),
            ("192.0.2.1:99999", None),
            ("", None),
        ] {
            let expected = read.map(|text| text.parse().unwrap());
            assert_eq!(address(text, 0).ok(), expected, "{text}");
        }
    }

    #[test]
    fn states_are_those_there_are() {
        assert_eq!(STATES.split(' ').count(), 56);
        assert_eq!(state(" co ").unwrap().code(), "CO");
        assert!(state("XX").is_err());
        assert!(state("Colorado").is_err());
    }
}
