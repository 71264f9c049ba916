//! Files that fit one sitting, lines that fit a screen, names that say something.

use super::{
    Problem,
    tree::{File, Tree},
};

/// Checks the shape of every file of Rust.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in tree.rust() {
        problems.extend(length(file));
        problems.extend(tests_length(file));
        problems.extend(line_lengths(file));
        problems.extend(opening(file));
        problems.extend(name(file));
    }
    problems
}

/// Lines of code: what is neither blank nor only a comment.
fn length(file: &File) -> Option<Problem> {
    let text = if file.is_test() { file.tests() } else { file.code() };
    let count = text.lines().filter(|line| is_code(line)).count();
    let what = format!("{count} lines of code, {CODE_LINES_MAX} at most");
    (count > CODE_LINES_MAX).then(|| at(file, 1, "length", what, "split it by state or by noun"))
}

fn tests_length(file: &File) -> Option<Problem> {
    let count = file.tests().lines().count();
    let what = format!("{count} lines of tests inside the file, {INNER_TESTS_LINES_MAX} at most");
    let inner = !file.is_test() && count > INNER_TESTS_LINES_MAX;
    let line = file.code().lines().count() + 1;
    inner.then(|| at(file, line, "length", what, "move them to a file `tests.rs` in its folder"))
}

/// The formatter breaks no text in quotes, and a message is searched for whole: such a line may be
/// longer.
fn line_lengths(file: &File) -> Vec<Problem> {
    let max = |line: &str| if line.contains('"') { QUOTED_COLUMNS_MAX } else { COLUMNS_MAX };
    file.lines()
        .map(|(number, line)| (number, line.chars().count(), line))
        .filter(|(_, count, line)| *count > max(line) && !cannot_be_broken(line))
        .map(|(number, count, line)| {
            let what = format!("{count} columns, {} at most", max(line));
            at(file, number, "line-length", what, "break it")
        })
        .collect()
}

/// A crate says in its first lines what it is, what it is not, and where to start reading.
fn opening(file: &File) -> Option<Problem> {
    let root = file.path.ends_with("/src/lib.rs") || file.path.ends_with("/src/main.rs");
    let count = file.text.lines().take_while(|line| line.starts_with("//!")).count();
    let what = format!("the crate opens with {count} lines of `//!`, {OPENING_LINES_MIN} at least");
    let cure = "say what it is, what it deliberately is not, where to start reading";
    (root && count < OPENING_LINES_MIN).then(|| at(file, 1, "opening", what, cure))
}

fn name(file: &File) -> Option<Problem> {
    let parts = file.path.trim_end_matches(".rs").split('/');
    let empty = parts.into_iter().find(|part| EMPTY_NAMES.contains(part))?;
    let what = format!("`{empty}` names nothing of the domain");
    Some(at(file, 1, "name", what, "name it after what it holds"))
}

/// Addresses, and rows of a table in a comment.
fn cannot_be_broken(line: &str) -> bool {
    let text = line.trim_start().trim_start_matches(['/', '!']).trim_start();
    line.contains("https://") || text.starts_with('|')
}

fn is_code(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with("//")
}

fn at(file: &File, line: usize, rule: &'static str, what: String, cure: &str) -> Problem {
    Problem { path: file.path.clone(), line, rule, what, cure: cure.to_owned() }
}

const CODE_LINES_MAX: usize = 600;
const INNER_TESTS_LINES_MAX: usize = 300;
const COLUMNS_MAX: usize = 100;
const QUOTED_COLUMNS_MAX: usize = 120;
const OPENING_LINES_MIN: usize = 3;
const EMPTY_NAMES: &[&str] = &[
    "utils", "util", "common", "helpers", "helper", "types", "manager", "service", "services",
    "misc",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str) -> Vec<(usize, &'static str)> {
        let problems = super::check(&Tree::of(&[(path, text)]));
        problems.into_iter().map(|problem| (problem.line, problem.rule)).collect()
    }

    const FILE: &str = "crates/call/src/menu.rs";

    #[test]
    fn code_is_counted_without_comments_blanks_and_tests() {
        let code = "let a = 1;\n".repeat(CODE_LINES_MAX);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "a();\n".repeat(100));
        assert!(check(FILE, &format!("// why\n\n{code}{tests}")).is_empty());
        assert_eq!(check(FILE, &format!("{code}let b = 2;\n{tests}")), [(1, "length")]);
        assert_eq!(check("crates/call/tests/a.rs", &format!("{code}b();\n")), [(1, "length")]);
    }

    #[test]
    fn long_tests_have_their_own_file() {
        let tests = format!("fn f() {{}}\n#[cfg(test)]\nmod tests {{\n{}", "a();\n".repeat(300));
        assert_eq!(check(FILE, &tests), [(2, "length")]);
        assert!(check("crates/call/src/menu/tests.rs", &tests).is_empty());
    }

    #[test]
    fn lines_are_measured_in_characters() {
        assert!(check(FILE, &"é".repeat(COLUMNS_MAX)).is_empty());
        assert_eq!(
            check(FILE, &format!("\n{}", "e".repeat(COLUMNS_MAX + 1))),
            [(2, "line-length")]
        );
        assert!(check(FILE, &format!("say(\"{}\")", "e".repeat(COLUMNS_MAX))).is_empty());
        let text = format!("say(\"{}\")", "e".repeat(QUOTED_COLUMNS_MAX));
        assert_eq!(check(FILE, &text), [(1, "line-length")]);
        assert!(check(FILE, &format!("//! | a | {} |", "e".repeat(COLUMNS_MAX))).is_empty());
        assert!(check(FILE, &format!("// https://{}", "e".repeat(COLUMNS_MAX))).is_empty());
    }

    #[test]
    fn a_crate_opens_with_what_it_is() {
        assert_eq!(check("crates/a/src/lib.rs", "//! One line.\n"), [(1, "opening")]);
        assert!(check("crates/a/src/lib.rs", "//! One.\n//! Two.\n//! Three.\n").is_empty());
    }

    #[test]
    fn empty_names_are_refused_and_others_are_not() {
        assert_eq!(check("crates/call/src/utils.rs", ""), [(1, "name")]);
        assert_eq!(check("crates/call/src/common/menu.rs", ""), [(1, "name")]);
        assert!(check("crates/call/src/utility_room.rs", "").is_empty());
    }
}
