use super::*;
use model::Private;

#[track_caller]
fn check(actual: &[&str], expected: &str) {
    assert_eq!(actual.join(" "), expected);
}

#[test]
fn amounts() {
    for (dollars, english, spanish) in [
        ("0", "zero cents", "cero centavos"),
        ("0.01", "one cent", "un centavo"),
        ("0.07", "seven cents", "siete centavos"),
        ("0.21", "twenty-one cents", "veintiún centavos"),
        ("0.31", "thirty-one cents", "treinta y un centavos"),
        ("1", "one dollar", "un dólar"),
        ("1.05", "one dollar and five cents", "un dólar con cinco centavos"),
        ("2.01", "two dollars and one cent", "dos dólares con un centavo"),
        ("16", "sixteen dollars", "dieciséis dólares"),
        ("21", "twenty-one dollars", "veintiún dólares"),
        (
            "31.31",
            "thirty-one dollars and thirty-one cents",
            "treinta y un dólares con treinta y un centavos",
        ),
        ("100", "one hundred dollars", "cien dólares"),
        ("101", "one hundred one dollars", "ciento un dólares"),
        ("121", "one hundred twenty-one dollars", "ciento veintiún dólares"),
        (
            "200.50",
            "two hundred dollars and fifty cents",
            "doscientos dólares con cincuenta centavos",
        ),
        ("555", "five hundred fifty-five dollars", "quinientos cincuenta y cinco dólares"),
        ("1000", "one thousand dollars", "mil dólares"),
        ("1001", "one thousand one dollars", "mil un dólares"),
        ("2100", "two thousand one hundred dollars", "dos mil cien dólares"),
        ("21000", "twenty-one thousand dollars", "veintiún mil dólares"),
        ("100000", "one hundred thousand dollars", "cien mil dólares"),
        (
            "101101",
            "one hundred one thousand one hundred one dollars",
            "ciento un mil ciento un dólares",
        ),
        (
            "999999.99",
            "nine hundred ninety-nine thousand nine hundred ninety-nine dollars and ninety-nine cents",
            "novecientos noventa y nueve mil novecientos noventa y nueve dólares con noventa y nueve centavos",
        ),
        ("1000000", "one million dollars", "un millón de dólares"),
        ("2000001", "two million one dollars", "dos millones un dólares"),
        ("-0.50", "minus fifty cents", "menos cincuenta centavos"),
        ("-3.07", "minus three dollars and seven cents", "menos tres dólares con siete centavos"),
        // Rates are often written in tenths of a cent.
        ("0.125", "twelve and a half cents", "doce centavos y medio"),
        ("0.005", "half a cent", "medio centavo"),
        ("0.015", "one and a half cents", "un centavo y medio"),
        ("1.005", "one dollar and half a cent", "un dólar con medio centavo"),
        ("0.062", "six point two cents", "seis punto dos centavos"),
        ("0.013", "one point three cents", "uno punto tres centavos"),
        ("0.001", "zero point one cents", "cero punto uno centavos"),
        ("0.213", "twenty-one point three cents", "veintiuno punto tres centavos"),
        (
            "0.070301",
            "seven point zero three zero one cents",
            "siete punto cero tres cero uno centavos",
        ),
    ] {
        let amount = Money::parse_dollars(dollars).unwrap();
        check(&amount_words(amount, Language::En), english);
        check(&amount_words(amount, Language::Es), spanish);
    }
}

#[test]
fn lengths() {
    for (seconds, english, spanish) in [
        (0, "zero seconds", "cero segundos"),
        (1, "one second", "un segundo"),
        (21, "twenty-one seconds", "veintiún segundos"),
        (60, "one minute", "un minuto"),
        (61, "one minute and one second", "un minuto y un segundo"),
        (
            899,
            "fourteen minutes and fifty-nine seconds",
            "catorce minutos y cincuenta y nueve segundos",
        ),
        (1_260, "twenty-one minutes", "veintiún minutos"),
        (3_600, "one hour", "una hora"),
        (3_661, "one hour one minute and one second", "una hora un minuto y un segundo"),
        (7_200 + 31 * 60, "two hours and thirty-one minutes", "dos horas y treinta y un minutos"),
        (21 * 3_600, "twenty-one hours", "veintiuna horas"),
        (
            31 * 3_600 + 5,
            "thirty-one hours and five seconds",
            "treinta y una horas y cinco segundos",
        ),
        (101 * 3_600, "one hundred one hours", "ciento una horas"),
        (200 * 3_600, "two hundred hours", "doscientas horas"),
        (
            521_000 * 3_600,
            "five hundred twenty-one thousand hours",
            "quinientas veintiún mil horas",
        ),
    ] {
        let length = Duration::new(seconds, 999_999_999);
        check(&length_words(length, Language::En), english);
        check(&length_words(length, Language::Es), spanish);
    }
}

/// Digits with `|` where the longer pause is.
fn said(digits: &str, language: Language) -> String {
    let phrase = Phrase::Digits(Private::new(digits.to_owned()));
    let words: Vec<_> = steps(&phrase, language, &|_| false)
        .into_iter()
        .filter_map(|step| match step {
            Step::Pause(BETWEEN_WORDS) => None,
            Step::Pause(_) => Some("|"),
            Step::Clip(_, ClipName::Word(word)) => Some(word),
            Step::Clip(..) | Step::Recorded(_) => unreachable!("digits are words"),
        })
        .collect();
    words.join(" ")
}

#[test]
fn telephone_numbers_are_read_in_groups() {
    for (digits, english) in [
        ("+12025550142", "one | two zero two | five five five | zero one four two"),
        ("2025550142", "two zero two | five five five | zero one four two"),
        ("5550142", "five five five | zero one four two"),
        ("988", "nine eight eight"),
        ("*9#", "star nine pound"),
        ("234567890123", "two three four | five six seven | eight nine zero | one two three"),
        ("", ""),
        ("++", ""),
    ] {
        assert_eq!(said(digits, Language::En), english, "{digits}");
    }
    assert_eq!(
        said("1 (202) 555-0142", Language::Es),
        "uno | dos cero dos | cinco cinco cinco | cero uno cuatro dos"
    );
    assert_eq!(said("*#", Language::Es), "asterisco numeral");
    assert_eq!(said("12025", Language::Es), "uno dos cero | dos cinco");
    assert_eq!(said("20255501", Language::En), "two zero two | five five five | zero one");
    assert_eq!(said(&"7".repeat(500), Language::En).matches("seven").count(), DIGITS_COUNT_MAX);
}

#[test]
fn groups_hold_every_digit() {
    for count in 0..=DIGITS_COUNT_MAX {
        for starts_with_one in [false, true] {
            assert_eq!(groups(count, starts_with_one).iter().sum::<usize>(), count);
        }
    }
}

#[test]
fn every_number_to_a_million_is_said_with_the_vocabulary() {
    for language in [Language::En, Language::Es] {
        let words: std::collections::HashSet<_> = vocabulary(language)
            .filter_map(|name| if let ClipName::Word(word) = name { Some(word) } else { None })
            .collect();
        for number in (0..=20_000).chain((20_000..=1_000_000).step_by(97)) {
            let said = cardinal(number, language);
            assert!(!said.is_empty());
            assert!(said.iter().all(|word| words.contains(word)), "{number}");
        }
    }
}

#[test]
fn no_two_numbers_sound_alike() {
    for language in [Language::En, Language::Es] {
        let mut seen = std::collections::HashSet::new();
        for number in (0..3_000).chain((3_000..1_300_000).step_by(89)) {
            assert!(seen.insert(cardinal(number, language).join(" ")), "{number}");
        }
    }
}
