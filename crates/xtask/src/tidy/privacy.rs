//! Personal data is exposed in no log line, span or panic message.

use super::{
    Problem,
    tree::{File, Tree},
};

/// Looks for `.expose()` between the brackets of macros that print to a log or a panic.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    tree.rust().flat_map(exposures).collect()
}

fn exposures(file: &File) -> Vec<Problem> {
    let code = file.code();
    let mut problems = Vec::new();
    for (bang, _) in code.match_indices("!(") {
        let (before, rest) = code.split_at(bang);
        let name = before.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next();
        let Some(name) = name.filter(|name| is_printed(name)) else { continue };
        let arguments = bracketed(rest.split_at(1).1);
        for (place, exposed) in WAYS_OUT.iter().flat_map(|way| arguments.match_indices(way)) {
            let line = code.split_at(bang + 1 + place).0.lines().count().max(1);
            problems.push(Problem {
                path: file.path.clone(),
                line,
                rule: "privacy",
                what: format!("`{exposed}` inside `{name}!`"),
                cure: "say it without the personal data: an id will do".to_owned(),
            });
        }
    }
    problems
}

fn is_printed(name: &str) -> bool {
    PRINTED.contains(&name) || name.ends_with("_span")
}

/// The text from an opening bracket to the one that closes it; brackets in strings do not count.
fn bracketed(text: &str) -> &str {
    let mut depth = 0_usize;
    let mut quoted = false;
    let mut escaped = false;
    for (place, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return text.split_at(place).0;
                }
            }
            _ => {}
        }
    }
    text
}

const WAYS_OUT: &[&str] = &[".expose()", ".digits()", ".into_inner()"];

const PRINTED: &[&str] = &[
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "event",
    "span",
    "panic",
    "unreachable",
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "bail",
    "ensure",
    "anyhow",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        let tree = Tree::of(&[("crates/call/src/menu.rs", text)]);
        super::check(&tree).into_iter().map(|problem| problem.line).collect()
    }

    #[test]
    fn what_is_exposed_to_a_log_or_a_panic_is_found() {
        assert_eq!(lines("warn!(\"no\", name.expose());"), [1]);
        assert_eq!(lines("\ntracing::info!(\n    number = %n.expose(),\n    \"x\"\n);"), [3]);
        assert_eq!(lines("info_span!(\"call :)\", to = number.digits())"), [1]);
        assert_eq!(lines("panic!(\"{}\", pin.expose())"), [1]);
    }

    #[test]
    fn other_places_and_tests_may_expose() {
        assert!(lines("warn!(\"no\"); dial(number.expose());").is_empty());
        assert!(lines("let text = format!(\"{}\", name.expose());").is_empty());
        assert!(lines("warn!(\"a \\\" ) quote\"); send(name.expose())").is_empty());
        assert!(lines("#[cfg(test)]\nmod tests { assert!(x.expose()); }").is_empty());
    }
}
