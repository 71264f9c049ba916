//! Telephone numbers of the North American plan are sample numbers: the last seven digits are
//! 555-0100 to 555-0199, which no real person has.

use super::{Problem, tree::Tree};

/// Looks for other telephone numbers in every file.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in tree.files() {
        for (number, line) in file.lines() {
            for digits in numbers(line).into_iter().filter(|digits| !is_sample(digits)) {
                problems.push(Problem {
                    path: file.path.clone(),
                    line: number,
                    rule: "number",
                    what: format!("`{digits}` may be somebody's telephone number"),
                    cure: "use one that ends in 5550100 to 5550199".to_owned(),
                });
            }
        }
    }
    problems
}

/// The ten digits of everything on the line that is written like a number of the plan.
fn numbers(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut before = None;
    let mut end = 0;
    for (start, c) in line.char_indices() {
        if start >= end && !before.is_some_and(continues) {
            let rest = line.split_at(start).1;
            if let Some((digits, length)) = FORMS.iter().find_map(|form| written(rest, form)) {
                found.push(digits);
                end = start + length;
            }
        }
        before = Some(c);
    }
    found
}

/// The ten digits and the length in octets when `text` starts with a number of this form.
fn written(text: &str, form: &str) -> Option<(String, usize)> {
    let (text, after) = text.split_at_checked(form.len())?;
    let fits = text.bytes().zip(form.bytes()).all(|(have, want)| match want {
        b'd' => have.is_ascii_digit(),
        _ => have == want,
    });
    if !fits || after.starts_with(continues) {
        return None;
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.split_at_checked(digits.len().checked_sub(10)?)?.1;
    let (area, exchange) = (digits.get(0..3)?, digits.get(3..6)?);
    let plan = is_in_plan(area) && is_in_plan(exchange);
    let edge = INTEGER_EDGES.iter().any(|edge| digits.starts_with(edge));
    (plan && !edge).then(|| (digits.to_owned(), form.len()))
}

/// Three digits of which the first is 2 to 9, and which are no service code such as 911.
fn is_in_plan(digits: &str) -> bool {
    digits.starts_with(|c| ('2'..='9').contains(&c)) && !digits.ends_with("11")
}

/// Beside such a character a run of digits is part of something longer.
fn continues(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '.' || c == '-'
}

fn is_sample(digits: &str) -> bool {
    digits.get(3..8) == Some("55501")
}

/// The largest integers of 31 and 32 bits and their neighbours, which tests of limits need.
const INTEGER_EDGES: &[&str] = &["21474836", "42949672"];

/// How people and programs write these numbers; `d` is a digit. Ten digits in groups of three with
/// `_` are left out: they are integers such as 4_294_967_295.
const FORMS: &[&str] = &[
    "dddddddddd",
    "1dddddddddd",
    "+1dddddddddd",
    "ddd-ddd-dddd",
    "1-ddd-ddd-dddd",
    "+1-ddd-ddd-dddd",
    "+1 ddd-ddd-dddd",
    "+1 ddd ddd dddd",
    "1 ddd ddd dddd",
    "ddd.ddd.dddd",
    "1.ddd.ddd.dddd",
    "+1.ddd.ddd.dddd",
    "(ddd) ddd-dddd",
    "(ddd)ddd-dddd",
    "(ddd) ddd dddd",
    "1 (ddd) ddd-dddd",
    "+1 (ddd) ddd-dddd",
    "+1 (ddd) ddd dddd",
    "+1(ddd)ddd-dddd",
    "1d_ddd_ddd_ddd",
    "1_dddddddddd",
    "1_ddd_ddd_dddd",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The forms with a number that a person may have, made here so that this file holds none.
    fn samples() -> impl Iterator<Item = String> {
        FORMS.iter().map(|form| {
            let mut digits =
                concat!("202", "2345678").chars().skip(usize::from(form.starts_with("1d_")));
            let mut next = |c| if c == 'd' { digits.next().unwrap() } else { c };
            form.replacen("1d_", "12_", 1).chars().map(&mut next).collect()
        })
    }

    #[test]
    fn a_number_is_found_however_it_is_written() {
        for text in samples() {
            for line in [text.clone(), format!("a \"{text}\", b"), format!("sip:{text}@host")] {
                assert_eq!(numbers(&line).concat(), concat!("202", "2345678"), "{line}");
            }
            assert_eq!(numbers(&format!("{text} {text}")).len(), 2, "{text}");
        }
    }

    #[test]
    fn other_digits_are_no_numbers() {
        for text in [
            "2026-11-22",
            "127.0.0.1:5060",
            "4_294_967_295",
            "Content-Length: 4294967296",
            "2147483648",
            "2_208_988_800",
            "1700000000",
            "256 512 1024",
            "3000000000",
            "20223456789012",
            "a2022345678",
            "2022345678f",
            "0x2022345678",
            "0.2022345678",
            "911 988 800",
            "+44 20 7946 0958",
            "| 250 | 300 | 1000 |",
        ] {
            assert_eq!(numbers(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn sample_numbers_pass_and_others_do_not() {
        for (local, problems) in
            [("5550100", 0), ("5550199", 0), ("5550200", 1), ("5550099", 1), ("2345678", 1)]
        {
            let text = format!("+1202{local}");
            let tree = Tree::of(&[("fixtures/contacts.csv", &text)]);
            assert_eq!(super::check(&tree).len(), problems, "{text}");
        }
    }
}
