use super::*;

const TARIFF: &str = "\
/// 47 CFR 64.6010: the cap.
pub struct LawfulRate(Money);
impl LawfulRate {
    /// See fn imagined().
    pub fn prove(rate: Money) -> Result<Self, OverCap> {}
}
// fn commented() {}
#[cfg(test)]
mod tests {
    fn helper() {}
    #[test]
    #[should_panic]
    fn no_rate_above_the_cap() {}
}
";

/// The problems of a tree with this file of rules and the tariff.
fn check(rules: &str) -> Vec<String> {
    let tree = Tree::of(&[
        ("docs/rules.md", rules),
        ("crates/charging/src/tariff.rs", TARIFF),
        ("crates/desk/tests/fails/clone.rs", "fn main() {}"),
    ]);
    super::check(&tree).into_iter().map(|problem| problem.what).collect()
}

/// Rules with one row of these two cells.
fn with(function: &str, test: &str) -> String {
    format!(
        "# Rules\n\n| Duty | Source | Function | Test |\n|---|---|---|---|\n\
         | no rate above the cap | 47 CFR 64.6010 | {function} | {test} |\n"
    )
}

const PROVE: &str = "`charging::tariff::LawfulRate::prove`";
const TEST: &str = "`charging::tariff::tests::no_rate_above_the_cap`";

#[test]
fn a_true_row_passes() {
    assert!(check(&with(PROVE, TEST)).is_empty());
    let more = format!("{TEST}, `crates/desk/tests/fails/clone.rs`");
    assert!(check(&with(PROVE, &more)).is_empty());
}

#[test]
fn a_function_that_is_not_there_is_found() {
    for path in [
        "charging::tariff::LawfulRate::proves",
        "charging::tariff::LawfulRat::prove",
        "charging::ledger::LawfulRate::prove",
        "call::tariff::LawfulRate::prove",
        "charging::tariff::imagined",
        "charging::tariff::commented",
        "charging::tariff::helper",
        "prove",
    ] {
        let what = format!("function `{path}` does not exist");
        assert_eq!(check(&with(&format!("`{path}`"), TEST)), [what]);
    }
}

#[test]
fn a_test_that_is_not_there_is_found() {
    for path in [
        "charging::tests::no_rate_above",
        "charging::tests::helper",
        "call::tests::no_rate_above_the_cap",
        "charging::tariff::LawfulRate::prove",
        "crates/desk/tests/fails/copy.rs",
        "crates/charging/src/tariff.rs",
        "no_rate_above_the_cap",
    ] {
        let what = format!("test `{path}` does not exist");
        assert_eq!(check(&with(PROVE, &format!("`{path}`"))), [what]);
    }
}

#[test]
fn a_row_is_whole() {
    assert_eq!(check(&with("", TEST)), ["the row names no function"]);
    assert_eq!(check(&with(PROVE, "by eye")), ["the row names no test"]);
    let short = with(PROVE, TEST).replace(&format!(" | {TEST}"), "");
    assert_eq!(check(&short), ["the row does not have four cells"]);
    let sourceless = with(PROVE, TEST).replace("47 CFR 64.6010", "");
    assert_eq!(check(&sourceless).first().unwrap(), "a duty without a source");
}

#[test]
fn a_citation_needs_a_row_and_not_only_a_sentence() {
    let what = "47 CFR 64.6010 is cited and has no row in docs/rules.md";
    let rules = with(PROVE, TEST).replace("64.6010", "64.6030");
    assert_eq!(check(&rules), [what]);
    assert_eq!(check(&format!("{rules}\nAlso 47 CFR 64.6010.\n")), [what]);
    assert!(check(&format!("{rules}\n| later | 47 CFR 64.6010 |\n")).is_empty());
}

#[test]
fn sections_are_read_however_they_are_cited() {
    for (line, found) in [
        ("(47 CFR 64.6000, \"Average Daily Population\")", &["64.6000"][..]),
        ("// 47 CFR § 64.6030: caps", &["64.6030"]),
        ("47 CFR 64.6110(a)(1)(iii) and 64.6130.", &["64.6110", "64.6130"]),
        ("47 CFR part 64 subpart FF", &[]),
        ("47 CFR 64.6010 at 1.5 cents, 47 CFR 64.6030", &["64.6010", "64.6030"]),
        ("| 47 CFR 64.6080†, 64.6090†; 89 FR 77244 |", &["64.6080", "64.6090"]),
        ("28 CFR 115.51", &[]),
    ] {
        let sections: Vec<_> = sections(line).collect();
        assert_eq!(sections, found, "{line}");
    }
}

#[test]
fn a_file_without_the_table_is_refused() {
    assert_eq!(check("| Duty | 47 CFR 64.6010 |\n").len(), 1);
    assert_eq!(super::check(&Tree::of(&[])).len(), 1);
}
