//! What opens a value, and what does not.

use super::{
    COLUMN_KEY_OCTETS, ColumnKeys,
    field::{ALL, CALL_NUMBER, CONTACT_NUMBER, PERSON_KEY, PERSON_NAME, STATION_PERSON},
};
use model::{AgencyId, E164};
use std::collections::BTreeSet;

const CEDAR: AgencyId = AgencyId(1);
const PINE: AgencyId = AgencyId(2);

fn keys(octet: u8) -> ColumnKeys {
    ColumnKeys::new([octet; COLUMN_KEY_OCTETS])
}

fn number() -> E164 {
    E164::new(12_025_550_142).unwrap()
}

#[test]
fn a_value_opens_in_its_place_only() {
    let keys = keys(1);
    let sealed = keys.seal_number(CEDAR, CALL_NUMBER, number()).unwrap();
    let plain = keys.open(CEDAR, CALL_NUMBER, &sealed).unwrap();
    assert_eq!(super::as_number(&plain), Some(number()));
    assert!(keys.open(CEDAR, CONTACT_NUMBER, &sealed).is_err(), "in another table");
    assert!(keys.open(PINE, CALL_NUMBER, &sealed).is_err(), "at another agency");
    assert!(self::keys(2).open(CEDAR, CALL_NUMBER, &sealed).is_err(), "under another master key");
    for place in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[place] ^= 1;
        assert!(keys.open(CEDAR, CALL_NUMBER, &changed).is_err(), "changed at octet {place}");
        assert!(keys.open(CEDAR, CALL_NUMBER, &sealed[..place]).is_err(), "cut at {place}");
    }
}

#[test]
fn the_same_value_never_looks_the_same_but_in_its_index() {
    let keys = keys(1);
    let seal = || keys.seal_number(CEDAR, CALL_NUMBER, number()).unwrap();
    assert_ne!(seal(), seal());
    let index = |keys: &ColumnKeys, agency| keys.number_index(agency, number()).unwrap();
    assert_eq!(index(&keys, CEDAR), index(&self::keys(1), CEDAR));
    assert_ne!(index(&keys, CEDAR), index(&keys, PINE));
    assert_ne!(index(&keys, CEDAR), index(&self::keys(2), CEDAR));
    let text = |field| keys.text_index(CEDAR, field, "2026-0142").unwrap();
    assert_eq!(text(PERSON_KEY), text(STATION_PERSON), "of one kind: they are joined");
    assert_ne!(text(PERSON_KEY), text(PERSON_NAME));
}

#[test]
fn the_length_of_a_name_shows_in_steps() {
    let keys = keys(1);
    let octets = |name: &str| keys.seal_text(CEDAR, PERSON_NAME, name).unwrap().len();
    assert_eq!(octets(""), octets("Dana Quill"));
    assert_eq!(octets(&"a".repeat(31)), octets("Dana Quill"));
    assert_eq!(octets(&"a".repeat(32)), octets("Dana Quill") + 32);
}

#[test]
fn keys_print_nothing() {
    assert_eq!(format!("{:?}", keys(7)), "ColumnKeys([private])");
}

#[test]
fn the_list_of_fields_is_that_of_the_schema() {
    let schema = include_str!("../../migrations/sqlite/0001_first.sql");
    let mut marked = BTreeSet::new();
    let mut table = "";
    for line in schema.lines() {
        if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
            table = rest.trim_end_matches(" (");
        }
        let column = line.split_whitespace().next().unwrap_or_default();
        if line.contains("-- sealed") && column != "--" {
            assert!(marked.insert((table, column)));
        }
    }
    let known: BTreeSet<_> = ALL.iter().map(|field| (field.table, field.column)).collect();
    assert_eq!(marked, known);
    assert_eq!(known.len(), ALL.len());
}
