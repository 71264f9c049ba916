//! English numbers, amounts and lengths of time.

use crate::speak::grammar::Cents;

/// `one dollar and five cents`, `seven cents`, `twelve and a half cents`, `zero cents`.
pub(crate) fn amount(negative: bool, dollars: u64, cents: Cents) -> Vec<&'static str> {
    let mut words = Vec::new();
    if negative {
        words.push("minus");
    }
    if dollars > 0 {
        words.extend(cardinal(dollars));
        words.push(if dollars == 1 { "dollar" } else { "dollars" });
        if cents.is_zero() {
            return words;
        }
        words.push("and");
    }
    match (cents.whole, cents.has_half()) {
        (0, true) => words.extend(["half a", "cent"]),
        (whole, true) => {
            words.extend(cardinal(whole));
            words.extend(["and a half", "cents"]);
        }
        (whole, false) => {
            words.extend(cardinal(whole));
            if cents.fraction > 0 {
                words.push("point");
                words.extend(cents.decimals().into_iter().flat_map(cardinal));
            }
            words.push(if whole == 1 && cents.fraction == 0 { "cent" } else { "cents" });
        }
    }
    words
}

/// `fourteen minutes and one second`; `zero seconds` for nothing.
pub(crate) fn length([hours, minutes, seconds]: [u64; 3]) -> Vec<&'static str> {
    let mut parts: Vec<Vec<&'static str>> = Vec::new();
    for (count, one, many) in
        [(hours, "hour", "hours"), (minutes, "minute", "minutes"), (seconds, "second", "seconds")]
    {
        if count > 0 {
            let mut part = cardinal(count);
            part.push(if count == 1 { one } else { many });
            parts.push(part);
        }
    }
    let Some(last) = parts.pop() else { return vec!["zero", "seconds"] };
    let mut words = parts.concat();
    if !words.is_empty() {
        words.push("and");
    }
    words.extend(last);
    words
}

/// A whole number: `one thousand two hundred five`.
pub(crate) fn cardinal(number: u64) -> Vec<&'static str> {
    for (scale, name) in [(1_000_000, "million"), (1_000, "thousand"), (100, "hundred")] {
        if number >= scale {
            let mut words = cardinal(number / scale);
            words.push(name);
            if !number.is_multiple_of(scale) {
                words.extend(cardinal(number % scale));
            }
            return words;
        }
    }
    usize::try_from(number)
        .ok()
        .and_then(|index| UNDER_HUNDRED.get(index))
        .copied()
        .into_iter()
        .collect()
}

/// Every word that the functions of this module use.
pub(crate) fn vocabulary() -> Vec<&'static str> {
    UNDER_HUNDRED.iter().chain(OTHERS).copied().collect()
}

/// The letters that have names.
pub(crate) const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz";
/// The key `*`.
pub(crate) const STAR: &str = "star";
/// The key `#`.
pub(crate) const POUND: &str = "pound";
/// In place of a name that cannot be spoken.
pub(crate) const NAMELESS: &str = "name not available";

#[rustfmt::skip]
const OTHERS: &[&str] = &[
    "hundred", "thousand", "million", "minus", "point", "and", "and a half", "half a",
    "dollar", "dollars", "cent", "cents",
    "hour", "hours", "minute", "minutes", "second", "seconds",
    STAR, POUND, NAMELESS,
];

#[rustfmt::skip]
const UNDER_HUNDRED: [&str; 100] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "ten", "eleven", "twelve", "thirteen", "fourteen",
    "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
    "twenty", "twenty-one", "twenty-two", "twenty-three", "twenty-four",
    "twenty-five", "twenty-six", "twenty-seven", "twenty-eight", "twenty-nine",
    "thirty", "thirty-one", "thirty-two", "thirty-three", "thirty-four",
    "thirty-five", "thirty-six", "thirty-seven", "thirty-eight", "thirty-nine",
    "forty", "forty-one", "forty-two", "forty-three", "forty-four",
    "forty-five", "forty-six", "forty-seven", "forty-eight", "forty-nine",
    "fifty", "fifty-one", "fifty-two", "fifty-three", "fifty-four",
    "fifty-five", "fifty-six", "fifty-seven", "fifty-eight", "fifty-nine",
    "sixty", "sixty-one", "sixty-two", "sixty-three", "sixty-four",
    "sixty-five", "sixty-six", "sixty-seven", "sixty-eight", "sixty-nine",
    "seventy", "seventy-one", "seventy-two", "seventy-three", "seventy-four",
    "seventy-five", "seventy-six", "seventy-seven", "seventy-eight", "seventy-nine",
    "eighty", "eighty-one", "eighty-two", "eighty-three", "eighty-four",
    "eighty-five", "eighty-six", "eighty-seven", "eighty-eight", "eighty-nine",
    "ninety", "ninety-one", "ninety-two", "ninety-three", "ninety-four",
    "ninety-five", "ninety-six", "ninety-seven", "ninety-eight", "ninety-nine",
];
