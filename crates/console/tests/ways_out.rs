//! The table of routes and the list of ways out in `docs/rules.md` are the same.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by it")]

use console::ROUTES;
use std::collections::BTreeSet;

const RULES: &str = include_str!("../../../docs/rules.md");

#[test]
fn every_route_is_in_the_list_of_ways_out_and_nothing_else_is() {
    let routes: BTreeSet<String> =
        ROUTES.iter().copied().flatten().map(|route| format!("{route:?}")).collect();
    assert_eq!(listed(RULES), routes);
}

#[test]
fn a_route_that_is_not_in_the_list_or_has_no_state_is_found() {
    let without: String = RULES
        .lines()
        .filter(|line| !line.contains("/api/v1/me`"))
        .map(|l| format!("{l}\n"))
        .collect();
    assert!(!listed(&without).contains("GET /api/v1/me"));
    let stateless = RULES.replace("`GET /api/v1/me` | own data", "`GET /api/v1/me` | somehow");
    assert!(std::panic::catch_unwind(|| listed(&stateless)).is_err());
}

/// What the list names, each with one of the states that it explains.
fn listed(rules: &str) -> BTreeSet<String> {
    let part = rules.split("### Routes of the console").nth(1).unwrap();
    let part = part.split("\n#").next().unwrap();
    let rows = part.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let mut cells = row.split('|').map(str::trim);
        let route = cells.next().unwrap().trim_end_matches('`').to_owned();
        let state = cells.next().unwrap();
        assert!(STATES.contains(&state), "{route} is `{state}`");
        assert!(!cells.next().unwrap().is_empty(), "{route} does not say what leaves");
        route
    })
    .collect()
}

const STATES: [&str; 5] = ["gated", "logged", "own data", "outside", "nothing"];
