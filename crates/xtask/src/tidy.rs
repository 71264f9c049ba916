//! Holds the tree to the rules that no compiler knows.
//!
//! Each check is a pure function from a [`Tree`] to a list of [`Problem`]s, so that a test gives it
//! a tree of three lines. A line may be excused by `tidy: allow` with the rule's name and a reason
//! in brackets, on that line or the one above; an excuse that excuses nothing is a problem itself.

use anyhow::bail;
use std::{fmt, path::Path};

mod layers;
mod manifests;
mod numbers;
mod privacy;
mod rules;
mod shape;
mod tree;
mod words;

use tree::Tree;

/// Prints every problem of the tree under `root`.
///
/// # Errors
/// When there is one.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let problems = problems(&Tree::read(root)?);
    for problem in &problems {
        println!("{problem}");
    }
    match problems.len() {
        0 => Ok(()),
        count => bail!("the tree is untidy in {count} places; to see this alone: cargo xtask tidy"),
    }
}

/// Something to put right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Problem {
    path: String,
    /// Counted from 1.
    line: usize,
    /// Name of the rule, as an excuse names it.
    rule: &'static str,
    what: String,
    cure: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, rule, what, cure } = self;
        write!(f, "{path}:{line}: {what} ({rule}); {cure}")
    }
}

fn problems(tree: &Tree) -> Vec<Problem> {
    let found = CHECKS.iter().flat_map(|check| check(tree)).collect();
    let mut problems = excuse(tree, found);
    problems.sort();
    problems
}

/// Drops what is excused, and adds the excuses that excuse nothing.
fn excuse(tree: &Tree, found: Vec<Problem>) -> Vec<Problem> {
    let mut kept = found;
    let mut idle = Vec::new();
    for file in tree.files() {
        for (index, line) in file.text.lines().enumerate() {
            let Some(rule) = excused_rule(line) else { continue };
            let number = index + 1;
            let before = kept.len();
            kept.retain(|problem| {
                let here = problem.line == number || problem.line == number + 1;
                !(here && problem.path == file.path && problem.rule == rule)
            });
            if kept.len() == before {
                idle.push(Problem {
                    path: file.path.clone(),
                    line: number,
                    rule: "excuse",
                    what: format!("the excuse from `{rule}` excuses nothing"),
                    cure: "delete it".to_owned(),
                });
            }
        }
    }
    kept.extend(idle);
    kept
}

/// The rule that a line excuses its neighbourhood from: the name, a comma, and some reason.
fn excused_rule(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once(EXCUSE)?;
    let (rule, reason) = rest.split_once(',')?;
    let reason = reason.split(')').next().unwrap_or_default();
    let named =
        !rule.is_empty() && rule.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    (named && !reason.trim().is_empty()).then_some(rule)
}

/// Written in two pieces, so that this line excuses nothing.
const EXCUSE: &str = concat!("tidy: ", "allow(");

const CHECKS: &[fn(&Tree) -> Vec<Problem>] = &[
    layers::check,
    manifests::check,
    numbers::check,
    privacy::check,
    rules::check,
    shape::check,
    words::check,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_tidy() {
        let problems = problems(&Tree::read(&crate::root()).unwrap());
        let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert!(lines.is_empty(), "\n{}", lines.join("\n"));
    }

    fn long_line() -> Problem {
        Problem {
            path: "a.rs".to_owned(),
            line: 2,
            rule: "line-length",
            what: "too long".to_owned(),
            cure: "break it".to_owned(),
        }
    }

    #[test]
    fn an_excuse_with_a_reason_excuses_its_rule_on_its_line_and_the_next() {
        for (excuse, left) in [
            ("allow(line-length, a table)", 0),
            ("allow(words, a table)", 2),
            ("allow(line-length, )", 1),
            ("allow(line-length)", 1),
        ] {
            let text = format!("// tidy: {excuse}\nlong\n");
            let tree = Tree::of(&[("a.rs", &text)]);
            assert_eq!(super::excuse(&tree, vec![long_line()]).len(), left, "{excuse}");
        }
    }

    #[test]
    fn an_excuse_does_not_reach_further() {
        let text = format!("// {EXCUSE}line-length, a table)\n\n");
        let tree = Tree::of(&[("b.rs", &text)]);
        assert_eq!(excuse(&tree, vec![long_line()]).len(), 2);
    }

    #[test]
    fn a_problem_prints_where_what_and_what_to_do() {
        assert_eq!(long_line().to_string(), "a.rs:2: too long (line-length); break it");
    }
}
