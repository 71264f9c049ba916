//! `docs/rules.md` ties each legal duty to its source, the function that honours it, and the test.
//!
//! Checked are the tables whose header is [`HEADER`]: each function and each test must exist. And
//! each `47 CFR` section that code cites must stand in some table row of the file.

use super::{
    Problem,
    tree::{File, Tree},
};
use std::collections::BTreeSet;

/// Compares the rows with the code, and the citations in the code with the rows.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let Some(rules) = tree.file(RULES) else {
        return vec![at(RULES, 1, "the rules are missing".to_owned(), "write the file")];
    };
    let mut problems = rows(tree, rules);
    let cited_in_rules: BTreeSet<_> =
        rules.text.lines().filter(|line| line.starts_with('|')).flat_map(sections).collect();
    for file in tree.files().iter().filter(|file| file.path.starts_with("crates/")) {
        for (number, line) in file.lines() {
            for section in sections(line).filter(|section| !cited_in_rules.contains(section)) {
                let what = format!("47 CFR {section} is cited and has no row in {RULES}");
                problems.push(at(&file.path, number, what, "add its row, or correct the section"));
            }
        }
    }
    problems
}

/// Checks the rows of the tables that name functions and tests.
fn rows(tree: &Tree, rules: &File) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut inside = false;
    let mut count = 0;
    let mut duties = BTreeSet::new();
    for (number, line) in rules.lines() {
        let cells: Vec<_> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
        if !line.starts_with('|') {
            inside = false;
        } else if cells == HEADER {
            inside = true;
        } else if inside && !line.starts_with("|-") {
            count += 1;
            if !cells.first().is_some_and(|duty| duties.insert(*duty)) {
                let what = "this duty has a row already".to_owned();
                problems.push(at(RULES, number, what, "make one row of both"));
            }
            problems.extend(
                row(tree, &cells).into_iter().map(|(what, cure)| at(RULES, number, what, cure)),
            );
        }
    }
    if count == 0 {
        let what = format!("no table has the header `| {} |`", HEADER.join(" | "));
        problems.push(at(RULES, 1, what, "add the table"));
    }
    problems
}

fn row(tree: &Tree, cells: &[&str]) -> Vec<(String, &'static str)> {
    let [duty, source, functions, tests] = cells else {
        return vec![("the row does not have four cells".to_owned(), "give it four")];
    };
    let mut problems = Vec::new();
    if duty.is_empty() || source.is_empty() {
        problems.push(("a duty without a source".to_owned(), "name both"));
    }
    for (cell, missing, find) in [
        (functions, "function", function_exists as fn(&Tree, &str) -> bool),
        (tests, "test", test_exists),
    ] {
        let paths = quoted(cell);
        if paths.is_empty() {
            problems.push((format!("the row names no {missing}"), "name one in backticks"));
        }
        for path in paths.into_iter().filter(|path| !find(tree, path)) {
            problems.push((format!("{missing} `{path}` does not exist"), "correct the row"));
        }
    }
    problems
}

/// What stands in backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Whether `crate::module::Type::name` is a function outside tests; every part of the path must
/// exist in the crate, and a module's function stands in the module's files.
fn function_exists(tree: &Tree, path: &str) -> bool {
    let parts: Vec<_> = path.split("::").collect();
    let [package, modules @ .., name] = parts.as_slice() else { return false };
    let (types, modules): (Vec<&str>, Vec<&str>) =
        modules.iter().partition(|part| part.starts_with(|c: char| c.is_ascii_uppercase()));
    let files: Vec<_> = tree
        .rust()
        .filter(|file| file.package() == Some(package) && !file.is_test())
        .filter(|file| modules.iter().all(|module| is_in_module(file, module)))
        .collect();
    let defines = |file: &&File| has_function(file.code(), name);
    files.iter().any(defines)
        && types.iter().all(|kind| files.iter().any(|file| has_type(file.code(), kind)))
}

/// Whether `crate::...::name` is a test of that crate, or `path/of/a/file.rs` a fixture.
fn test_exists(tree: &Tree, path: &str) -> bool {
    if path.contains('/') {
        return tree.file(path).is_some_and(File::is_test);
    }
    let Some((package, rest)) = path.split_once("::") else { return false };
    let name = rest.rsplit("::").next().unwrap_or(rest);
    tree.rust()
        .filter(|file| file.package() == Some(package))
        .any(|file| has_test(file.tests(), name))
}

fn is_in_module(file: &File, module: &str) -> bool {
    file.path.trim_end_matches(".rs").split('/').skip(2).any(|part| part == module)
}

fn has_function(text: &str, name: &str) -> bool {
    text.lines().any(|line| defines_function(line, name))
}

/// A test is a function with `#[test]` above it, other attributes between them allowed.
fn has_test(text: &str, name: &str) -> bool {
    let mut marked = false;
    for line in text.lines().map(str::trim) {
        if marked && defines_function(line, name) {
            return true;
        }
        marked = line == "#[test]" || (marked && (line.starts_with('#') || line.starts_with("//")));
    }
    false
}

fn defines_function(line: &str, name: &str) -> bool {
    let Some((before, after)) = line.split_once("fn ") else { return false };
    let declared = before.is_empty() || before.ends_with(' ');
    let comment = before.trim_start().starts_with("//");
    let exact = after.strip_prefix(name).is_some_and(|rest| rest.starts_with(['(', '<']));
    declared && !comment && exact
}

fn has_type(text: &str, name: &str) -> bool {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).any(|line| {
        ["struct ", "enum ", "trait "].iter().any(|keyword| {
            line.split_once(keyword)
                .and_then(|(_, after)| after.strip_prefix(name))
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        })
    })
}

/// The sections of title 47 that a line cites, such as `64.6030`, without their paragraphs and
/// marks. After the first one, more may follow in the same list: `47 CFR 64.6000, 64.6030`.
fn sections(line: &str) -> impl Iterator<Item = &str> {
    line.split(TITLE).skip(1).flat_map(|rest| {
        rest.split([' ', ',', ';', '§', '(', ')', '"', '`', '|'])
            .map(|word| word.trim_end_matches(['.', ':', '†']))
            .take_while(|word| is_section(word) || JOINING.contains(word))
            .filter(|word| is_section(word))
    })
}

fn is_section(word: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    word.split_once('.').is_some_and(|(part, section)| digits(part) && digits(section))
}

fn at(path: &str, line: usize, what: String, cure: &str) -> Problem {
    Problem { path: path.to_owned(), line, rule: "rules", what, cure: cure.to_owned() }
}

const RULES: &str = "docs/rules.md";
const HEADER: [&str; 4] = ["Duty", "Source", "Function", "Test"];
const TITLE: &str = "47 CFR";

/// What may stand between two sections of one citation: blanks, paragraphs and joining words.
const JOINING: &[&str] =
    &["", "and", "to", "a", "b", "c", "d", "e", "1", "2", "3", "i", "ii", "iii", "iv"];

#[cfg(test)]
mod tests;
