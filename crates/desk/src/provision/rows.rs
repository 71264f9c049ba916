//! The CSV files: people, contacts, numbers, protected numbers, deposits.

use super::{
    PinHash,
    limits::{DEPOSIT_MAX, PIN_DIGITS_MAX, PIN_DIGITS_MIN},
    places::Places,
    problem::Problems,
    sheet::{Columns, Row, each_row},
    source::Source,
    word::{check_id, check_name, meant},
};
use model::{
    E164, Language, Money, Private,
    plan::{Lifted, NumberUse},
};
use std::collections::BTreeMap;
use store::{
    Plan,
    plan::{Contact, Deposit, Lift, NumberRule, Person, ProtectedNumber, Table},
};

/// What rows refer to.
pub(super) struct Tables<'a> {
    pub(super) places: &'a Places,
    pub(super) pins: &'a PinHash<'a>,
    /// People of the file by agency and id, with their lines; `None` where the file names no
    /// people.
    pub(super) people: Option<BTreeMap<(String, String), u64>>,
}

/// People, and their opening balances as deposits.
pub(super) fn people(
    source: &Source,
    tables: &mut Tables<'_>,
    plan: &mut Plan,
    problems: &mut Problems,
) {
    let columns = Columns {
        required: &["facility", "id", "name", "pin"],
        optional: &["language", "opening_balance", "removed"],
    };
    let mut seen: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut pins: BTreeMap<(String, String), u64> = BTreeMap::new();
    each_row(source, &columns, problems, |row, problems| {
        let removed = row.flag("removed", problems);
        let facility = facility(row, "facility", tables.places, problems);
        let id = checked(row, "id", check_id, problems);
        let name = checked(row, "name", check_name, problems);
        let language = language(row, problems);
        let balance = balance(row, problems);
        let (Some(facility), Some(id)) = (facility, id) else { return };
        let agency = facility.split('/').next().unwrap_or("").to_owned();
        if let Some(other) = seen.get(&(agency.clone(), id.to_owned())) {
            problems.add(row.problem(format!("the person on line {other} has the same id")));
            return;
        }
        seen.insert((agency.clone(), id.to_owned()), row.line);
        let pin = pin(row, &facility, removed, &mut pins, tables.pins, problems);
        let (Some(name), Some(pin), Some(language)) = (name, pin, language) else { return };
        let key = Private::new(id.to_owned());
        if let Some(amount) = balance {
            plan.deposits.push(Deposit {
                agency: agency.clone(),
                person: key.clone(),
                amount,
                reference: Private::new(format!("{OPENING}{id}")),
                line: row.line,
                table: Table::People,
            });
        }
        let name = Private::new(name.to_owned());
        plan.people.push(Person {
            agency,
            facility,
            key,
            name,
            pin,
            language,
            removed,
            line: row.line,
        });
    });
    tables.people = Some(seen);
}

/// The keyed hash of a PIN that is well formed and nobody else's at the facility.
fn pin(
    row: &Row<'_>,
    facility: &str,
    removed: bool,
    seen: &mut BTreeMap<(String, String), u64>,
    hash: &PinHash<'_>,
    problems: &mut Problems,
) -> Option<Private<[u8; 32]>> {
    let pin = row.get("pin");
    if removed && pin.is_empty() {
        // Who left needs no PIN; this hash is the hash of none.
        return Some(Private::new([0; 32]));
    }
    let digits = pin.bytes().all(|octet| octet.is_ascii_digit());
    if !digits || !(PIN_DIGITS_MIN..=PIN_DIGITS_MAX).contains(&pin.len()) {
        problems.add(row.problem(format!(
            "a PIN has {PIN_DIGITS_MIN} to {PIN_DIGITS_MAX} digits; \
             where a spreadsheet dropped leading zeros, make the column text"
        )));
        return None;
    }
    if !removed && let Some(other) = seen.insert((facility.to_owned(), pin.to_owned()), row.line) {
        problems.add(row.problem(format!(
            "the person on line {other} has the same PIN at this facility; choose another"
        )));
        return None;
    }
    Some(hash(facility, pin))
}

/// Numbers on people's lists.
pub(super) fn contacts(
    source: &Source,
    tables: &Tables<'_>,
    problems: &mut Problems,
) -> Vec<Contact> {
    let columns = Columns { required: &["person", "number"], optional: &["agency", "removed"] };
    let mut contacts = Vec::new();
    let mut seen: BTreeMap<(String, String, E164), (bool, u64)> = BTreeMap::new();
    each_row(source, &columns, problems, |row, problems| {
        let removed = row.flag("removed", problems);
        let agency = agency(row, tables.places, problems);
        let person = person(row, agency.as_deref(), tables, problems);
        let number = number(row, problems);
        let (Some(agency), Some(person), Some(number)) = (agency, person, number) else { return };
        let key = (agency.clone(), person.clone(), number);
        let (before, line) = *seen.entry(key).or_insert((removed, row.line));
        if before != removed {
            problems.add(row.problem(format!(
                "line {line} says the opposite about this number; keep one of them"
            )));
            return;
        }
        let (person, number) = (Private::new(person), Private::new(number));
        contacts.push(Contact { agency, person, number, removed, line: row.line });
    });
    contacts
}

/// Allowed, blocked and free numbers.
pub(super) fn numbers(
    source: &Source,
    tables: &Tables<'_>,
    problems: &mut Problems,
) -> Vec<NumberRule> {
    let columns = Columns { required: &["scope", "number", "rule"], optional: &["removed"] };
    let mut rules = Vec::new();
    let mut seen: BTreeMap<(String, E164), u64> = BTreeMap::new();
    each_row(source, &columns, problems, |row, problems| {
        let removed = row.flag("removed", problems);
        let scope = scope(row, tables.places, problems);
        let number = number(row, problems);
        let rule = match row.get("rule").to_ascii_lowercase().as_str() {
            "allowed" => Some(NumberUse::Allowed),
            "blocked" => Some(NumberUse::Blocked),
            "free" => Some(NumberUse::Free),
            _ => {
                problems.add(row.problem("`rule` must be `allowed`, `blocked` or `free`"));
                None
            }
        };
        let (Some(scope), Some(number), Some(rule)) = (scope, number, rule) else { return };
        if let Some(other) = seen.insert((scope.clone(), number), row.line) {
            problems.add(row.problem(format!(
                "line {other} has a rule for the same number and scope; keep one of them"
            )));
            return;
        }
        let (agency, facility) = match scope.split_once('/') {
            Some((agency, _)) => (agency.to_owned(), Some(scope.clone())),
            None => (scope, None),
        };
        let rule = (!removed).then_some(rule);
        rules.push(NumberRule { agency, facility, number: Private::new(number), rule });
    });
    rules
}

/// What staff take back of called parties' choices.
pub(super) fn lifts(source: &Source, tables: &Tables<'_>, problems: &mut Problems) -> Vec<Lift> {
    let columns = Columns { required: &["scope", "number", "what", "reference"], optional: &[] };
    let mut lifts = Vec::new();
    let mut seen: BTreeMap<(String, String), u64> = BTreeMap::new();
    each_row(source, &columns, problems, |row, problems| {
        let scope = scope(row, tables.places, problems);
        let number = number(row, problems);
        let reference = checked(row, "reference", check_reference, problems);
        let what = match row.get("what").to_ascii_lowercase().as_str() {
            "block" => Some(Lifted::Block),
            "claims" => Some(Lifted::Claims),
            _ => {
                problems.add(row.problem("`what` must be `block` or `claims`"));
                None
            }
        };
        let (Some(scope), Some(number)) = (scope, number) else { return };
        let (Some(reference), Some(what)) = (reference, what) else { return };
        let (agency, facility) = match scope.split_once('/') {
            Some((agency, _)) => (agency.to_owned(), Some(scope.clone())),
            None => (scope, None),
        };
        if what == Lifted::Claims && facility.is_some() {
            problems.add(row.problem("claims are counted by agency: `scope` must be the agency"));
            return;
        }
        if let Some(other) = seen.insert((agency.clone(), reference.to_owned()), row.line) {
            problems.add(
                row.problem(format!("line {other} has the same reference; each needs its own")),
            );
            return;
        }
        let (number, reference) = (Private::new(number), Private::new(reference.to_owned()));
        lifts.push(Lift { agency, facility, number, what, reference, line: row.line });
    });
    lifts
}

/// Numbers of counsel and other protected parties. The same number twice is no problem: lists from
/// several offices overlap.
pub(super) fn protected(
    source: &Source,
    tables: &Tables<'_>,
    problems: &mut Problems,
) -> Vec<ProtectedNumber> {
    let columns = Columns { required: &["number"], optional: &["holder", "agency"] };
    let mut numbers = Vec::new();
    each_row(source, &columns, problems, |row, problems| {
        let agency = agency(row, tables.places, problems);
        let number = number(row, problems);
        let holder = match row.get("holder") {
            "" => None,
            text => match check_id(text) {
                Ok(()) => Some(Private::new(text.to_owned())),
                Err(reason) => {
                    problems.add(row.problem(format!("`holder`: {reason}")));
                    return;
                }
            },
        };
        let (Some(agency), Some(number)) = (agency, number) else { return };
        numbers.push(ProtectedNumber { agency, number: Private::new(number), holder });
    });
    numbers
}

/// Payments.
pub(super) fn deposits(
    source: &Source,
    tables: &Tables<'_>,
    problems: &mut Problems,
) -> Vec<Deposit> {
    let columns = Columns { required: &["person", "amount", "reference"], optional: &["agency"] };
    let mut deposits = Vec::new();
    let mut seen: BTreeMap<(String, String), u64> = BTreeMap::new();
    each_row(source, &columns, problems, |row, problems| {
        let agency = agency(row, tables.places, problems);
        let person = person(row, agency.as_deref(), tables, problems);
        let reference = checked(row, "reference", check_reference, problems);
        let amount = amount(row, "amount", problems).filter(|amount| {
            let some = *amount > Money::ZERO;
            if !some {
                problems.add(row.problem("`amount` must be more than nothing"));
            }
            some
        });
        let (Some(agency), Some(person)) = (agency, person) else { return };
        let (Some(reference), Some(amount)) = (reference, amount) else { return };
        if let Some(other) = seen.insert((agency.clone(), reference.to_owned()), row.line) {
            problems.add(row.problem(format!(
                "line {other} has the same reference; each payment needs its own"
            )));
            return;
        }
        deposits.push(Deposit {
            agency,
            person: Private::new(person),
            amount,
            reference: Private::new(reference.to_owned()),
            line: row.line,
            table: Table::Deposits,
        });
    });
    deposits
}

/// What a column says, where it passes `check`.
fn checked<'r>(
    row: &'r Row<'_>,
    column: &'static str,
    check: impl FnOnce(&str) -> Result<(), String>,
    problems: &mut Problems,
) -> Option<&'r str> {
    let text = row.get(column);
    match check(text) {
        Ok(()) => Some(text),
        Err(reason) => {
            problems.add(row.problem(format!("`{column}`: {reason}")));
            None
        }
    }
}

fn check_reference(text: &str) -> Result<(), String> {
    check_id(text)?;
    if text.starts_with(OPENING) {
        return Err(format!(
            "references that begin with `{OPENING}` are those of opening balances"
        ));
    }
    Ok(())
}

/// The path of a facility of the file.
fn facility(
    row: &Row<'_>,
    column: &'static str,
    places: &Places,
    problems: &mut Problems,
) -> Option<String> {
    let path = row.get(column);
    if places.facilities.contains_key(path) {
        return Some(path.to_owned());
    }
    let meant = meant(path, places.facilities.keys().map(String::as_str));
    problems.add(row.problem(format!(
        "`{column}`: the provision file has no such facility; write a path such as \
         `cedar/jail`{meant}"
    )));
    None
}

/// An agency, or a facility by its path.
pub(super) fn scope(row: &Row<'_>, places: &Places, problems: &mut Problems) -> Option<String> {
    let path = row.get("scope");
    if path.contains('/') {
        return facility(row, "scope", places, problems);
    }
    known_agency(row, "scope", path, places, problems)
}

/// The agency of a row; where the file has one only, it need not be named.
fn agency(row: &Row<'_>, places: &Places, problems: &mut Problems) -> Option<String> {
    let key = row.get("agency");
    let mut all = places.agencies.keys();
    match (key, all.next(), all.next()) {
        ("", Some(only), None) => Some(only.clone()),
        ("", Some(_), Some(_)) => {
            problems.add(row.problem("the file has several agencies; add a column `agency`"));
            None
        }
        (_, _, _) => known_agency(row, "agency", key, places, problems),
    }
}

fn known_agency(
    row: &Row<'_>,
    column: &'static str,
    key: &str,
    places: &Places,
    problems: &mut Problems,
) -> Option<String> {
    if places.agencies.contains_key(key) {
        return Some(key.to_owned());
    }
    let meant = meant(key, places.agencies.keys().map(String::as_str));
    problems.add(row.problem(format!("`{column}`: the provision file has no such agency{meant}")));
    None
}

/// A person's id; where the file has people, one of theirs.
fn person(
    row: &Row<'_>,
    agency: Option<&str>,
    tables: &Tables<'_>,
    problems: &mut Problems,
) -> Option<String> {
    let id = checked(row, "person", check_id, problems)?;
    let key = (agency?.to_owned(), id.to_owned());
    if tables.people.as_ref().is_some_and(|people| !people.contains_key(&key)) {
        problems.add(row.problem("`person`: no row of the people file has this id"));
        return None;
    }
    Some(id.to_owned())
}

/// A telephone number. An extension behind it does not matter: rules and protection are for the
/// number.
pub(super) fn number(row: &Row<'_>, problems: &mut Problems) -> Option<E164> {
    match registry::normalise(row.get("number"), registry::Home::NorthAmerica) {
        Ok(read) => Some(read.number),
        Err(reason) => {
            problems.add(row.problem(format!("`number`: {reason}")));
            None
        }
    }
}

fn language(row: &Row<'_>, problems: &mut Problems) -> Option<Language> {
    match row.get("language").to_ascii_lowercase().as_str() {
        "" | "en" => Some(Language::En),
        "es" => Some(Language::Es),
        _ => {
            problems.add(row.problem("`language` must be `en` or `es`"));
            None
        }
    }
}

/// What was in an account when it was taken over; nothing where the column is empty or zero.
fn balance(row: &Row<'_>, problems: &mut Problems) -> Option<Money> {
    if row.get("opening_balance").is_empty() {
        return None;
    }
    amount(row, "opening_balance", problems).filter(|amount| *amount > Money::ZERO)
}

/// Dollars, not less than nothing.
fn amount(row: &Row<'_>, column: &'static str, problems: &mut Problems) -> Option<Money> {
    let read = Money::parse_dollars(row.get(column));
    if read.is_none_or(|read| read < Money::ZERO || read > DEPOSIT_MAX) {
        problems.add(row.problem(format!(
            "`{column}` must be dollars from 0 to {DEPOSIT_MAX}, such as `25.00`, \
             without thousands separators"
        )));
        return None;
    }
    read
}

/// What the references of opening balances begin with.
const OPENING: &str = "opening/";
