//! Spanish numbers, amounts and lengths of time. Numbers agree with what they count: `uno` alone,
//! `un dólar`, `una hora`, `veintiún centavos`, `doscientas horas` (Nueva gramática, chapter 21).

use crate::speak::grammar::Cents;

/// How a number stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// By itself: `uno`, `veintiuno`.
    Alone,
    /// Before a masculine noun: `un`, `veintiún`.
    Masculine,
    /// Before a feminine noun: `una`, `veintiuna`, `doscientas`.
    Feminine,
}

/// `un dólar con cinco centavos`, `siete centavos`, `doce centavos y medio`, `cero centavos`.
pub(crate) fn amount(negative: bool, dollars: u64, cents: Cents) -> Vec<&'static str> {
    let mut words = Vec::new();
    if negative {
        words.push("menos");
    }
    if dollars > 0 {
        words.extend(counted(dollars, Form::Masculine, "dólar", "dólares"));
        if cents.is_zero() {
            return words;
        }
        words.push("con");
    }
    match (cents.whole, cents.has_half()) {
        (0, true) => words.extend(["medio", "centavo"]),
        (whole, true) => {
            words.extend(counted(whole, Form::Masculine, "centavo", "centavos"));
            words.push("y medio");
        }
        (whole, false) if cents.fraction == 0 => {
            words.extend(counted(whole, Form::Masculine, "centavo", "centavos"));
        }
        (whole, false) => {
            words.extend(cardinal(whole, Form::Alone));
            words.push("punto");
            let decimals = cents.decimals().into_iter();
            words.extend(decimals.flat_map(|digit| cardinal(digit, Form::Alone)));
            words.push("centavos");
        }
    }
    words
}

/// `catorce minutos y un segundo`; `cero segundos` for nothing.
pub(crate) fn length([hours, minutes, seconds]: [u64; 3]) -> Vec<&'static str> {
    let mut parts: Vec<Vec<&'static str>> = Vec::new();
    for (count, form, one, many) in [
        (hours, Form::Feminine, "hora", "horas"),
        (minutes, Form::Masculine, "minuto", "minutos"),
        (seconds, Form::Masculine, "segundo", "segundos"),
    ] {
        if count > 0 {
            parts.push(counted(count, form, one, many));
        }
    }
    let Some(last) = parts.pop() else { return vec!["cero", "segundos"] };
    let mut words = parts.concat();
    if !words.is_empty() {
        words.push("y");
    }
    words.extend(last);
    words
}

/// A whole number: `mil doscientos cinco`.
pub(crate) fn cardinal(number: u64, form: Form) -> Vec<&'static str> {
    let mut words = Vec::new();
    let (millions, thousands, rest) = (number / 1_000_000, number / 1_000 % 1_000, number % 1_000);
    match millions {
        0 => {}
        1 => words.extend(["un", "millón"]),
        more => {
            words.extend(cardinal(more, Form::Masculine));
            words.push("millones");
        }
    }
    match thousands {
        0 => {}
        1 => words.push("mil"),
        more => {
            // Before `mil`, one is always cut short, but hundreds keep the noun's gender.
            words.extend(hundreds(more / 100, more % 100 == 0, form));
            if more % 100 > 0 {
                words.extend(under_hundred(more % 100, Form::Masculine));
            }
            words.push("mil");
        }
    }
    words.extend(hundreds(rest / 100, rest % 100 == 0, form));
    if rest % 100 > 0 || number == 0 {
        words.extend(under_hundred(rest % 100, form));
    }
    words
}

/// Every word that the functions of this module use.
pub(crate) fn vocabulary() -> Vec<&'static str> {
    let ones = ONES.iter().flat_map(|(_, masculine, feminine)| [*masculine, *feminine]);
    let hundreds = HUNDREDS.iter().map(|(masculine, _)| *masculine);
    let others = HUNDREDS.iter().map(|(_, feminine)| *feminine).filter(|word| *word != "ciento");
    UNDER_HUNDRED.iter().chain(OTHERS).copied().chain(ones).chain(hundreds).chain(others).collect()
}

/// The letters that have names.
pub(crate) const LETTERS: &str = "abcdefghijklmnñopqrstuvwxyz";
/// The key `*`.
pub(crate) const STAR: &str = "asterisco";
/// The key `#`.
pub(crate) const POUND: &str = "numeral";
/// In place of a name that cannot be spoken.
pub(crate) const NAMELESS: &str = "nombre no disponible";

/// A number with its noun: `un dólar`, `dos dólares`, `un millón de dólares`.
fn counted(number: u64, form: Form, one: &'static str, many: &'static str) -> Vec<&'static str> {
    let mut words = cardinal(number, form);
    if number > 0 && number.is_multiple_of(1_000_000) {
        words.push("de");
    }
    words.push(if number == 1 { one } else { many });
    words
}

/// `cien` when nothing follows, `ciento`, `doscientos` or `doscientas` and so on.
fn hundreds(digit: u64, is_round: bool, form: Form) -> Option<&'static str> {
    if digit == 1 && is_round {
        return Some("cien");
    }
    let index = usize::try_from(digit).ok()?.checked_sub(1)?;
    let (masculine, feminine) = HUNDREDS.get(index)?;
    Some(if form == Form::Feminine { feminine } else { masculine })
}

/// 0 to 99 in one clip, so that `treinta y un` sounds as one word.
fn under_hundred(number: u64, form: Form) -> Option<&'static str> {
    let ending_in_one = ONES.iter().find(|(value, _, _)| *value == number);
    match (form, ending_in_one) {
        (Form::Masculine, Some((_, masculine, _))) => Some(masculine),
        (Form::Feminine, Some((_, _, feminine))) => Some(feminine),
        (Form::Alone, _) | (_, None) => UNDER_HUNDRED.get(usize::try_from(number).ok()?).copied(),
    }
}

#[rustfmt::skip]
const OTHERS: &[&str] = &[
    "cien", "mil", "millón", "millones", "de", "menos", "punto", "con", "y", "y medio", "medio",
    "dólar", "dólares", "centavo", "centavos",
    "hora", "horas", "minuto", "minutos", "segundo", "segundos",
    STAR, POUND, NAMELESS,
];

const HUNDREDS: [(&str, &str); 9] = [
    ("ciento", "ciento"),
    ("doscientos", "doscientas"),
    ("trescientos", "trescientas"),
    ("cuatrocientos", "cuatrocientas"),
    ("quinientos", "quinientas"),
    ("seiscientos", "seiscientas"),
    ("setecientos", "setecientas"),
    ("ochocientos", "ochocientas"),
    ("novecientos", "novecientas"),
];

/// Numbers that change before a noun: value, before a masculine one, before a feminine one.
const ONES: [(u64, &str, &str); 9] = [
    (1, "un", "una"),
    (21, "veintiún", "veintiuna"),
    (31, "treinta y un", "treinta y una"),
    (41, "cuarenta y un", "cuarenta y una"),
    (51, "cincuenta y un", "cincuenta y una"),
    (61, "sesenta y un", "sesenta y una"),
    (71, "setenta y un", "setenta y una"),
    (81, "ochenta y un", "ochenta y una"),
    (91, "noventa y un", "noventa y una"),
];

#[rustfmt::skip]
const UNDER_HUNDRED: [&str; 100] = [
    "cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve",
    "diez", "once", "doce", "trece", "catorce",
    "quince", "dieciséis", "diecisiete", "dieciocho", "diecinueve",
    "veinte", "veintiuno", "veintidós", "veintitrés", "veinticuatro",
    "veinticinco", "veintiséis", "veintisiete", "veintiocho", "veintinueve",
    "treinta", "treinta y uno", "treinta y dos", "treinta y tres", "treinta y cuatro",
    "treinta y cinco", "treinta y seis", "treinta y siete", "treinta y ocho", "treinta y nueve",
    "cuarenta", "cuarenta y uno", "cuarenta y dos", "cuarenta y tres", "cuarenta y cuatro",
    "cuarenta y cinco", "cuarenta y seis", "cuarenta y siete", "cuarenta y ocho", "cuarenta y nueve",
    "cincuenta", "cincuenta y uno", "cincuenta y dos", "cincuenta y tres", "cincuenta y cuatro",
    "cincuenta y cinco", "cincuenta y seis", "cincuenta y siete", "cincuenta y ocho",
    "cincuenta y nueve",
    "sesenta", "sesenta y uno", "sesenta y dos", "sesenta y tres", "sesenta y cuatro",
    "sesenta y cinco", "sesenta y seis", "sesenta y siete", "sesenta y ocho", "sesenta y nueve",
    "setenta", "setenta y uno", "setenta y dos", "setenta y tres", "setenta y cuatro",
    "setenta y cinco", "setenta y seis", "setenta y siete", "setenta y ocho", "setenta y nueve",
    "ochenta", "ochenta y uno", "ochenta y dos", "ochenta y tres", "ochenta y cuatro",
    "ochenta y cinco", "ochenta y seis", "ochenta y siete", "ochenta y ocho", "ochenta y nueve",
    "noventa", "noventa y uno", "noventa y dos", "noventa y tres", "noventa y cuatro",
    "noventa y cinco", "noventa y seis", "noventa y siete", "noventa y ocho", "noventa y nueve",
];
