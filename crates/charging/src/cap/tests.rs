use super::*;
use std::format;

fn table(rows: &str) -> Result<CapTable, NotACapTable> {
    CapTable::without_federal_caps(&format!("# comment\n\n{HEADER}\n{rows}"))
}

fn reason(rows: &str) -> BadRow {
    table(rows).unwrap_err().reason
}

#[test]
fn the_builtin_table_is_read_whole() {
    let caps = csv::read(BUILTIN, &BTreeSet::new()).unwrap();
    let rows = BUILTIN.lines().filter(|line| !line.starts_with('#')).count() - 1;
    assert_eq!((caps.len(), rows), (20, 20));
    assert_eq!(CapTable::builtin().caps, caps);
    let orders: BTreeSet<_> = caps.iter().map(|cap| cap.order.as_str()).collect();
    assert_eq!(orders, BTreeSet::from(["FCC 21-60", "FCC 25-75"]));
}

/// On every day, every facility has exactly one federal cap on the total, and from 2026-04-06 on
/// one on each part.
#[test]
fn the_builtin_table_has_no_gap_and_no_overlap() {
    let table = CapTable::builtin();
    let start = Day::parse("2021-10-26").unwrap().begins();
    let change = Day::parse("2026-04-06").unwrap().begins();
    for days in (0..3_650).step_by(5).chain(1_618..1_630) {
        let noon = std::time::Duration::from_secs(days * 86_400 + 12 * 3_600);
        let at = start.after(noon);
        for adp in [0, 49, 50, 99, 100, 349, 350, 999, 1_000, 30_000] {
            for kind in [FacilityKind::Prison, FacilityKind::Jail] {
                let site = Site { kind, adp, state: State::new("WY").unwrap() };
                let count = |component: Component| {
                    table.in_force(site, at).filter(|cap| cap.component == component).count()
                };
                assert_eq!(count(Component::Total), 1, "{kind:?} {adp} day {days}");
                let parts = [count(Component::Base), count(Component::Additive)];
                let small_jail = kind == FacilityKind::Jail && adp < 1_000;
                let all_in = at < change && small_jail;
                assert_eq!(parts, if all_in { [0, 0] } else { [1, 1] });
            }
        }
    }
}

#[test]
fn base_and_additive_never_exceed_the_published_total() {
    let table = CapTable::builtin();
    for adp in [0, 50, 100, 350, 1_000] {
        for kind in [FacilityKind::Prison, FacilityKind::Jail] {
            let site = Site { kind, adp, state: State::new("WY").unwrap() };
            let at = Day::parse("2026-11-22").unwrap().begins();
            let max = |component: Component| {
                let cap = table.in_force(site, at).find(|cap| cap.component == component);
                cap.unwrap().per_minute_max.micros()
            };
            let parts = max(Component::Base) + max(Component::Additive);
            assert_eq!(parts, max(Component::Total), "{kind:?} {adp}");
        }
    }
}

#[test]
fn the_open_question_is_visible() {
    let table = CapTable::builtin();
    let open: Vec<&Cap> = table.caps().filter(|cap| cap.is_open_question()).collect();
    let [additive] = open.as_slice() else { panic!("{open:?}") };
    assert_eq!(additive.id.to_string(), "fcc-25-75/additive");
    for words in ["$0.02", "90 FR 56013", "A person must read"] {
        assert!(additive.note.contains(words), "{}", additive.note);
    }
}

#[test]
fn a_row_says_where_and_when_it_binds() {
    let row = "a/b,An order,\"12 FR 3, 4\",jail,50,99,WY,base,0.125,2026-01-01,2026-01-31,\
               \"say \"\"no\"\"\"\n";
    let table = table(row).unwrap();
    let [cap] = table.caps.as_slice() else { panic!() };
    assert_eq!(cap.id.to_string(), "a/b");
    assert_eq!((cap.order.as_str(), cap.source.as_str()), ("An order", "12 FR 3, 4"));
    assert_eq!(cap.note, "say \"no\"");
    assert!(!cap.is_open_question());
    assert_eq!(cap.component, Component::Base);
    assert_eq!(cap.per_minute_max, Money::from_micros(125_000));
    let wyoming = State::new("wy").unwrap();
    let site = Site { kind: FacilityKind::Jail, adp: 50, state: wyoming };
    let (from, to) = (cap.from.begins(), cap.to.unwrap().ends());
    let before = |at: Timestamp| Timestamp::from_micros(at.micros() - 1);
    assert!(cap.binds(site, from) && cap.binds(site, before(to)));
    assert!(!cap.binds(site, before(from)) && !cap.binds(site, to));
    for other in [
        Site { adp: 49, ..site },
        Site { adp: 100, ..site },
        Site { kind: FacilityKind::Prison, ..site },
        Site { state: State::new("CO").unwrap(), ..site },
    ] {
        assert!(!cap.binds(other, from), "{other:?}");
    }
    assert!(cap.binds(Site { adp: 99, ..site }, from));
}

#[test]
fn rows_of_an_operator_come_on_top() {
    let header_only = CapTable::parse(HEADER).unwrap();
    assert_eq!(header_only, CapTable::builtin());
    let text = format!("{HEADER}\nwy/all,Law,Code,any,,,WY,total,0.05,2026-01-01,,\n");
    let table = CapTable::parse(&text).unwrap();
    assert_eq!(table.caps().count(), CapTable::builtin().caps().count() + 1);
    let text = format!("{HEADER}\nfcc-25-75/additive,Law,Code,any,,,,additive,9,2026-01-01,,\n");
    let taken = CapTable::parse(&text).unwrap_err();
    assert_eq!(taken.reason, BadRow::Taken("fcc-25-75/additive".into()));
}

#[test]
fn bad_rows_are_refused_with_their_line() {
    let good = "a,O,S,any,,,,total,0.10,2026-01-01,,\n";
    for (row, message) in [
        (
            "a,O,S,any,,,,total,0.10,2026-01-01,",
            "11 fields instead of 12; put text with commas in quotes",
        ),
        (
            "a,O,S,any,,,,total,0.10,2026-01-01,,,",
            "13 fields instead of 12; put text with commas in quotes",
        ),
        (",O,S,any,,,,total,0.10,2026-01-01,,", "`id` is empty"),
        ("b,,S,any,,,,total,0.10,2026-01-01,,", "`order` is empty"),
        ("b,O,,any,,,,total,0.10,2026-01-01,,", "`source` is empty"),
        ("b,O,S,,,,,total,0.10,2026-01-01,,", "`` in `kind` is not `prison`, `jail` or `any`"),
        (
            "b,O,S,any,x,,,total,0.10,2026-01-01,,",
            "`x` in `adp_min` is not a whole number of people",
        ),
        (
            "b,O,S,any,,-1,,total,0.10,2026-01-01,,",
            "`-1` in `adp_max` is not a whole number of people",
        ),
        ("b,O,S,any,50,49,,total,0.10,2026-01-01,,", "`adp_max` lies before its beginning"),
        (
            "b,O,S,any,,,Wyo,total,0.10,2026-01-01,,",
            "`Wyo` in `state` is not a two-letter postal code",
        ),
        (
            "b,O,S,any,,,,all,0.10,2026-01-01,,",
            "`all` in `component` is not `base`, `additive` or `total`",
        ),
        (
            "b,O,S,any,,,,total,,2026-01-01,,",
            "`` in `amount` is not an amount in dollars such as `0.07`",
        ),
        (
            "b,O,S,any,,,,total,-1,2026-01-01,,",
            "`-1` in `amount` is not an amount in dollars such as `0.07`",
        ),
        ("b,O,S,any,,,,total,0.10,,,", "`` in `from` is not a day such as `2026-04-06`"),
        (
            "b,O,S,any,,,,total,0.10,2026-01-01,soon,",
            "`soon` in `to` is not a day such as `2026-04-06`",
        ),
        ("b,O,S,any,,,,total,0.10,2026-01-02,2026-01-01,", "`to` lies before its beginning"),
        (
            "a,O,S,any,,,,total,0.10,2026-01-01,,",
            "the id `a` is taken by another cap; choose another",
        ),
        (
            "b,O,S,any,,,,total,0.10,2026-01-01,,\"x",
            "a quoted field must end before the next comma or the end of the line",
        ),
        (
            "b,O,S,any,,,,total,0.10,2026-01-01,,\"x\"y",
            "a quoted field must end before the next comma or the end of the line",
        ),
        (
            "b,O,S,any,,,,total,0.10,2026-01-01,,x\"",
            "a quoted field must end before the next comma or the end of the line",
        ),
    ] {
        let error = table(&format!("{good}{row}\n")).unwrap_err();
        assert_eq!(format!("{error}"), format!("line 5 of the cap table: {message}"));
    }
    assert!(table("b,O,S,any,,,,total,0.10,2026-01-01,2026-01-01,\n").is_ok());
    assert!(table("b,O,S,any,50,50,,total,0.10,2026-01-01,,\"\"\n").is_ok());
}

#[test]
fn a_table_without_its_header_or_beyond_its_limits_is_refused() {
    for text in ["", "# only a comment\n", "id,order\n", "a,O,S,any,,,,total,0.10,2026-01-01,,\n"] {
        let error = CapTable::parse(text).unwrap_err();
        assert_eq!((error.line, error.reason), (1, BadRow::Header), "{text}");
    }
    let long = "x".repeat(limits::ROW_BYTES_MAX + 1);
    assert_eq!(reason(&long), BadRow::TooLong);
    let mut rows = String::new();
    for id in 0..=limits::CAPS_COUNT_MAX {
        rows.push_str(&format!("{id},O,S,any,,,,total,0.10,2026-01-01,,\n"));
    }
    let error = table(&rows).unwrap_err();
    assert_eq!((error.line, error.reason), (limits::CAPS_COUNT_MAX + 4, BadRow::TooMany));
    for (component, name) in
        [(Component::Base, "base"), (Component::Additive, "additive"), (Component::Total, "total")]
    {
        assert_eq!(component.to_string(), name);
    }
}
