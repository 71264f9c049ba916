//! Reads `caps.csv`: comma-separated fields, quotes around fields with commas, `#` before comments.

use super::{BadRow, COLUMNS, Cap, CapId, Component, HEADER, NotACapTable};
use crate::{Day, limits};
use alloc::{
    collections::BTreeSet,
    string::{String, ToString},
    vec::Vec,
};
use model::{
    Money,
    place::{FacilityKind, State},
};

/// The caps of `text`, none of which has an id in `taken`.
pub(super) fn read(text: &str, taken: &BTreeSet<String>) -> Result<Vec<Cap>, NotACapTable> {
    let mut caps: Vec<Cap> = Vec::new();
    let mut taken = taken.clone();
    let mut header_seen = false;
    for (before, row) in text.lines().enumerate() {
        let wrong = |reason| NotACapTable { line: before + 1, reason };
        if row.trim().is_empty() || row.starts_with('#') {
            continue;
        }
        if !header_seen {
            if row != HEADER {
                return Err(wrong(BadRow::Header));
            }
            header_seen = true;
            continue;
        }
        if caps.len() >= limits::CAPS_COUNT_MAX {
            return Err(wrong(BadRow::TooMany));
        }
        let cap = cap_of(row).map_err(wrong)?;
        if !taken.insert(cap.id.to_string()) {
            return Err(wrong(BadRow::Taken(cap.id.to_string())));
        }
        caps.push(cap);
    }
    if header_seen { Ok(caps) } else { Err(NotACapTable { line: 1, reason: BadRow::Header }) }
}

fn cap_of(row: &str) -> Result<Cap, BadRow> {
    let fields = fields_of(row)?;
    let found = fields.len();
    let fields: [String; COLUMNS] = fields.try_into().map_err(|_| BadRow::Fields { found })?;
    let [id, order, source, kind, adp_min, adp_max, state, component, amount, from, to, note] =
        fields;
    let cap = Cap {
        id: CapId(filled("id", id)?.into()),
        order: filled("order", order)?,
        source: filled("source", source)?,
        kind: match kind.as_str() {
            "any" => None,
            "prison" => Some(FacilityKind::Prison),
            "jail" => Some(FacilityKind::Jail),
            _ => return Err(bad("kind", &kind, "`prison`, `jail` or `any`")),
        },
        adp_min: optional("adp_min", &adp_min, POPULATION, |text| text.parse().ok())?.unwrap_or(0),
        adp_max: optional("adp_max", &adp_max, POPULATION, |text| text.parse().ok())?
            .unwrap_or(u32::MAX),
        state: optional("state", &state, "a two-letter postal code", State::new)?,
        component: match component.as_str() {
            "base" => Component::Base,
            "additive" => Component::Additive,
            "total" => Component::Total,
            _ => return Err(bad("component", &component, "`base`, `additive` or `total`")),
        },
        per_minute_max: Money::parse_dollars(&amount)
            .filter(|amount| *amount >= Money::ZERO)
            .ok_or_else(|| bad("amount", &amount, "an amount in dollars such as `0.07`"))?,
        from: Day::parse(&from).ok_or_else(|| bad("from", &from, DATE))?,
        to: optional("to", &to, DATE, Day::parse)?,
        note,
    };
    if cap.adp_max < cap.adp_min {
        return Err(BadRow::Reversed { column: "adp_max" });
    }
    if cap.to.is_some_and(|last| last < cap.from) {
        return Err(BadRow::Reversed { column: "to" });
    }
    Ok(cap)
}

fn filled(column: &'static str, text: String) -> Result<String, BadRow> {
    if text.is_empty() { Err(BadRow::Missing { column }) } else { Ok(text) }
}

fn optional<T>(
    column: &'static str,
    text: &str,
    expected: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, BadRow> {
    match text {
        "" => Ok(None),
        _ => parse(text).map(Some).ok_or_else(|| bad(column, text, expected)),
    }
}

fn bad(column: &'static str, text: &str, expected: &'static str) -> BadRow {
    BadRow::Field { column, text: String::from(text), expected }
}

/// The fields of one row (RFC 4180 section 2, without line breaks inside quotes).
fn fields_of(row: &str) -> Result<Vec<String>, BadRow> {
    if row.len() > limits::ROW_BYTES_MAX {
        return Err(BadRow::TooLong);
    }
    let mut fields = Vec::new();
    let mut rest = row;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                let (field, after) = rest.split_at(end);
                if field.contains('"') {
                    return Err(BadRow::Quote);
                }
                (String::from(field), after)
            }
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(fields),
            None => return Err(BadRow::Quote),
        }
    }
}

/// A field up to its closing quote, and what follows that; `""` stands for one quote.
fn quoted_field(text: &str) -> Result<(String, &str), BadRow> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('"').ok_or(BadRow::Quote)?;
        field.push_str(part);
        match after.strip_prefix('"') {
            Some(next) => {
                field.push('"');
                rest = next;
            }
            None => return Ok((field, after)),
        }
    }
}

const POPULATION: &str = "a whole number of people";
const DATE: &str = "a day such as `2026-04-06`";
