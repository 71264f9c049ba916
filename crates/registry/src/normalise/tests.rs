use super::*;
use proptest::prelude::*;
use std::{format, string::ToString, vec::Vec};

fn read(text: &str) -> Result<Normalised, NotANumber> {
    normalise(text, Home::NorthAmerica)
}

/// The digits of the number and the extension, for comparing.
fn parts(text: &str) -> Result<(u64, String), NotANumber> {
    let read = read(text)?;
    let extension = read.extension.map_or(String::new(), Private::into_inner);
    Ok((read.number.digits(), extension))
}

const SAMPLE: u64 = 12_025_550_142;

#[test]
fn one_number_in_many_spellings() {
    for text in [
        "2025550142",
        "12025550142",
        "+12025550142",
        "(202) 555-0142",
        "202.555.0142",
        "1-202-555-0142",
        "1 (202) 555 0142",
        "+1 202 555 0142",
        "+1 (202) 555-0142",
        "(+1) 202-555-0142",
        "+(1)2025550142",
        "202/555-0142",
        "202-555 0142",
        "202) 555-0142",
        "011 1 202 555 0142",
        "00 1 202 555 0142",
        "  202 555 0142  ",
        "'2025550142",
        "tel:+1-202-555-0142",
        "TEL:+12025550142",
        "tel:202-555-0142;phone-context=+1",
        "tel:2025550142;phone-context=example.com",
        "Tel: 202-555-0142",
        "<tel:+12025550142>",
        "tel:+12025550142;rn=+12025550100;npdi",
        "sip:+12025550142@host;user=phone",
        "sip:2025550142@192.0.2.1:5060",
        "sips:12025550142@host",
        "<sip:+12025550142@host>",
        "sip:%2B12025550142@host",
        "sip:+1-202-555-0142;phone-context=x:secret@host?subject=a@b",
        "202\u{a0}555\u{2013}0142",
        "\u{ff08}\u{ff12}\u{ff10}\u{ff12}\u{ff09}\u{3000}555\u{2011}0142",
        "\u{ff0b}1 202 555 0142",
        "\u{202a}+1 202 555 0142\u{202c}",
        "\u{feff}2025550142",
        "\u{662}\u{660}\u{662} \u{665}\u{665}\u{665} \u{660}\u{661}\u{664}\u{662}",
    ] {
        assert_eq!(parts(text), Ok((SAMPLE, String::new())), "{text}");
    }
}

#[test]
fn an_extension_never_changes_the_number() {
    for (text, extension) in [
        ("202-555-0142 x123", "123"),
        ("202-555-0142x123", "123"),
        ("(202) 555-0142 X 123", "123"),
        ("202-555-0142 ext. 5", "5"),
        ("202-555-0142 Ext: 5", "5"),
        ("202-555-0142, ext 5", "5"),
        ("202-555-0142 extension 500123", "500123"),
        ("202-555-0142 extn 5", "5"),
        ("202-555-0142 (ext. 5)", "5"),
        ("202-555-0142#5", "5"),
        ("202-555-0142 # 5", ""),
        ("2025550142,,123", "123"),
        ("+12025550142,,123#", "123"),
        ("2025550142;123", "123"),
        ("2025550142;ext=5", "5"),
        ("tel:+1-202-555-0142;ext=5", "5"),
        ("tel:+1-202-555-0142;EXT=5;isub=1", "5"),
        ("sip:+12025550142;ext=77@host;user=phone", "77"),
        ("\u{ff12}\u{ff10}\u{ff12}5550142\u{ff58}\u{ff15}", "5"),
    ] {
        match extension {
            "" => assert_eq!(read(text), Err(NotANumber::Extension), "{text}"),
            digits => assert_eq!(parts(text), Ok((SAMPLE, String::from(digits))), "{text}"),
        }
    }
}

#[test]
fn letters_stand_for_digits() {
    for (text, digits, extension) in [
        ("202-555-01GO", 12_025_550_146, ""),
        ("202-555-01go", 12_025_550_146, ""),
        ("202 555 01 GO", 12_025_550_146, ""),
        ("1-202-555-01HOME", 12_025_550_146, ""),
        ("1-202-555-01XX", 12_025_550_199, ""),
        ("+1 202 JJJ 0142", 12_025_550_142, ""),
        ("1 (202) JKL-01AZ", 12_025_550_129, ""),
        ("202-555-01GO x5", 12_025_550_146, "5"),
        ("202-555-01GOx5", 12_025_550_146, "5"),
    ] {
        assert_eq!(parts(text), Ok((digits, String::from(extension))), "{text}");
    }
    let keypad: String = ('A'..='Z').map(keypad_digit).collect();
    assert_eq!(keypad, "22233344455566677778889999");
}

#[test]
fn numbers_of_other_countries() {
    for (text, digits) in [
        ("+44 20 7946 0958", 442_079_460_958),
        ("011 44 20 7946 0958", 442_079_460_958),
        ("00 44 20 7946 0958", 442_079_460_958),
        ("+44 (0)20 7946 0958", 442_079_460_958),
        ("011-44-(0)20-7946-0958", 442_079_460_958),
        ("tel:+44-20-7946-0958", 442_079_460_958),
        ("tel:+44-20-7946-0958;phone-context=+44", 442_079_460_958),
        ("+44 20 7946 0958 ext 12", 442_079_460_958),
        ("+999 123 456 789 012", 999_123_456_789_012),
        ("+999 1234", 9_991_234),
    ] {
        assert_eq!(read(text).unwrap().number.digits(), digits, "{text}");
    }
}

#[test]
fn digits_that_make_no_number_are_refused() {
    use NotANumber::{
        AreaCode, Character, CountryCode, Empty, Exchange, TooFewDigits, TooLong, TooManyDigits,
    };
    let long = "2".repeat(limits::TEXT_BYTES_MAX + 1);
    for (text, reason) in [
        ("", Empty),
        ("   ", Empty),
        ("+", Empty),
        ("-", Empty),
        (long.as_str(), TooLong),
        ("555-0142", TooFewDigits),
        ("202-555-014", TooFewDigits),
        ("911", TooFewDigits),
        ("+44 20", TooFewDigits),
        ("202-555-01422", TooManyDigits),
        ("1-1-202-555-0142", TooManyDigits),
        ("442079460958", TooManyDigits),
        ("202-555-0142/0143", TooManyDigits),
        ("202-555-0142 202-555-0143", TooManyDigits),
        ("+999 123 456 789 012 3", TooManyDigits),
        ("2025550142.0", TooManyDigits),
        ("102-555-0142", TooFewDigits),
        ("1-102-555-0142", AreaCode),
        ("+1 102 555 0142", AreaCode),
        ("911-555-0142", AreaCode),
        ("202-155-0142", Exchange),
        ("202-055-0142", Exchange),
        ("+0 202 555 0142", CountryCode),
        ("+011 44 20 7946 0958", CountryCode),
        ("0 202 555 0142", TooManyDigits),
        ("020 7946 0958", TooManyDigits),
        ("+44 20 7946 0958/59", Character),
        ("++1 202 555 0142", Character),
        ("1+202 555 0142", Character),
        ("202*555*0142", Character),
        ("*67 202 555 0142", Character),
        ("=2025550142", Character),
        ("202-555-0142\u{1f4de}", Character),
    ] {
        assert_eq!(read(text), Err(reason), "{text}");
    }
}

#[test]
fn text_beside_the_number_is_refused() {
    use NotANumber::{Address, Character, Extension, OtherText};
    for (text, reason) in [
        ("Phone: 202-555-0142", OtherText),
        ("home 202-555-0142", OtherText),
        ("202-555-0142 home", OtherText),
        ("202-555-0142home", OtherText),
        ("202-555-0142 (home)", OtherText),
        ("202-555-014 home", OtherText),
        ("202-555-014 c", OtherText),
        ("202-555-0142 ext", OtherText),
        ("202-555-0142 or 202-555-0143", OtherText),
        ("+44 20 7946 0958 home", OtherText),
        ("+44 FLOWERS", OtherText),
        ("202-555-0142,", Extension),
        ("202-555-0142, 5", Extension),
        ("202-555-0142, 202-555-0143", Extension),
        ("202-555-0142,2025550143", Extension),
        ("202-555-0142,5550143", Extension),
        ("202-555-0142; 202-555-0143", Extension),
        ("202-555-0142 x1234567", OtherText),
        ("tel:+12025550142;ext=abc", Extension),
        ("tel:+12025550142;ext=", Extension),
        ("tel:+12025550142x5;ext=5", Extension),
        ("tel:7042;phone-context=+44", Address),
        ("tel:", Address),
        ("tel:;ext=5", Address),
        ("sip:example.com", Address),
        ("sip:@example.com", Address),
        ("sip:+1202555014%4@example.com", Address),
        ("sip:alice@example.com", OtherText),
        ("sip:%00@example.com", Character),
    ] {
        assert_eq!(read(text), Err(reason), "{text}");
    }
}

#[test]
fn errors_and_debug_hold_nothing_of_the_text() {
    let error = read("202-555-0142 Jordan").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("Jordan"));
    let normalised = read("202-555-0142 x777").unwrap();
    let printed = format!("{normalised:?}");
    assert!(!printed.contains("777") && !printed.contains("555"), "{printed}");
    assert_eq!(
        NotANumber::TooFewDigits.to_string(),
        "digits are missing; write the area code too, such as `202 555 0142`"
    );
}

/// Ten national digits of a number that can exist.
fn national() -> impl Strategy<Value = u64> {
    (2_u64..=9, 0_u64..100, 2_u64..=9, 0_u64..1_000_000)
        .prop_filter("no service code is an area code", |(_, area, ..)| *area != 11)
        .prop_map(|(first, area, exchange, line)| {
            (((first * 100 + area) * 10 + exchange) * 1_000_000) + line
        })
}

/// How one person writes a number.
#[derive(Clone, Debug)]
struct Hand {
    prefix: usize,
    /// Punctuation after each digit; most have none.
    marks: Vec<usize>,
    zero: usize,
    wrap: usize,
    extension: usize,
}

const PREFIXES: &[&str] = &["", "1", "+1", "011 1", "00 1", "1-", "(+1) ", "+ 1.", "\u{ff0b}1 "];
const MARKS: &[&str] = &[
    "", "", "", "", "", "-", " ", ".", "\u{a0}", "\u{2013}", "\u{200b}", "\u{2009}", ") ", " (",
    "/", " - ",
];
/// Zero of a script: the digits are written in it.
const ZEROES: &[char] = &['0', '\u{ff10}', '\u{660}', '\u{6f0}', '\u{966}'];
const WRAPS: &[(&str, &str)] = &[
    ("", ""),
    (" ", "\n"),
    ("'", ""),
    ("\u{202a}", "\u{202c}"),
    ("tel:", ""),
    ("sip:", "@host"),
    ("<", ">"),
];
const EXTENSIONS: &[&str] = &["", "", " x5", ", ext. 123", ",,42", "#7", " extension 9", "(ext 3)"];

fn hand() -> impl Strategy<Value = Hand> {
    (
        0..PREFIXES.len(),
        proptest::collection::vec(0..MARKS.len(), 10),
        0..ZEROES.len(),
        0..WRAPS.len(),
        0..EXTENSIONS.len(),
    )
        .prop_map(|(prefix, marks, zero, wrap, extension)| Hand {
            prefix,
            marks,
            zero,
            wrap,
            extension,
        })
}

impl Hand {
    fn write(&self, national: u64) -> String {
        let (before, after) = WRAPS[self.wrap];
        let mut text = String::from(before);
        text.push_str(PREFIXES[self.prefix]);
        for (digit, mark) in national.to_string().chars().zip(&self.marks) {
            let value = digit.to_digit(10).unwrap();
            text.push(char::from_u32(u32::from(ZEROES[self.zero]) + value).unwrap());
            text.push_str(MARKS[*mark]);
        }
        text.push_str(EXTENSIONS[self.extension]);
        text.push_str(after);
        text
    }
}

proptest! {
    /// The point of this crate: however a number is written, it is the same number.
    #[test]
    fn any_hand_writes_the_same_number(national in national(), hand in hand()) {
        let text = hand.write(national);
        let number = read(&text).map(|read| read.number.digits());
        prop_assert_eq!(number, Ok(10_000_000_000 + national), "{}", text);
    }

    /// And two numbers never become one.
    #[test]
    fn different_numbers_stay_different(
        one in national(), other in national(), hand in hand(), other_hand in hand()
    ) {
        prop_assume!(one != other);
        let one = read(&hand.write(one)).unwrap().number;
        prop_assert_ne!(one, read(&other_hand.write(other)).unwrap().number);
    }

    /// A missing or an additional digit is seen.
    #[test]
    fn a_digit_too_few_or_too_many_is_refused(
        national in national(), hand in hand(), at in 0_usize..10, digit in 0_u8..10
    ) {
        let digits = national.to_string();
        let (left, right) = digits.split_at(at);
        let short = Hand { extension: 0, ..hand };
        let fewer: u64 = format!("{left}{}", &right[1..]).parse().unwrap();
        // Where the rest begins with 0 or 1 it is no area code, which is another refusal.
        prop_assert!(read(&short.write(fewer)).is_err());
        let more = format!("{left}{digit}{right}");
        prop_assert!(more.starts_with('1') || read(&more).is_err(), "{}", more);
        let more_abroad = format!("+1{more}");
        prop_assert!(read(&more_abroad).is_err());
    }

    #[test]
    fn a_foreign_number_is_itself(
        digits in 20_000_000_u64..999_999_999_999_999,
        every in 1_usize..6,
    ) {
        prop_assume!(!digits.to_string().starts_with('1'));
        let mut grouped = String::new();
        for (at, digit) in digits.to_string().chars().enumerate() {
            if at > 1 && at % every == 0 {
                grouped.push(' ');
            }
            grouped.push(digit);
        }
        for prefix in ["+", "011 ", "00", "tel:+"] {
            let number = read(&format!("{prefix}{grouped}")).map(|read| read.number.digits());
            prop_assert_eq!(number, Ok(digits));
        }
    }

    #[test]
    fn what_is_printed_reads_back(national in national()) {
        let number = E164::new(10_000_000_000 + national).unwrap();
        let printed = number.display().to_string();
        prop_assert_eq!(read(&printed), Ok(Normalised { number, extension: None }));
    }

    #[test]
    fn no_text_breaks_it(text in "\\PC{0,60}|[0-9+() .,;#xX/-]{0,40}|(tel|sip):[0-9%@;=a-f]{0,30}") {
        if let Ok(read) = read(&text) {
            let digits = read.number.digits().to_string();
            prop_assert!((7..=15).contains(&digits.len()));
        }
    }
}
