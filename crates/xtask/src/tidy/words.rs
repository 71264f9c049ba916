//! Words that do not stand in this project, each with what to write in its place.

use super::{
    Problem,
    tree::{File, Tree},
};

/// Looks for every banned word in every file.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in tree.files() {
        for (number, line) in file.lines() {
            let found = BANS.iter().filter(|ban| ban.applies(file) && ban.is_in(line));
            problems.extend(found.map(|ban| Problem {
                path: file.path.clone(),
                line: number,
                rule: ban.rule,
                what: format!("`{}` stands here", ban.word),
                cure: ban.cure.to_owned(),
            }));
        }
    }
    problems
}

/// A word that must not stand somewhere.
struct Ban {
    rule: &'static str,
    word: &'static str,
    /// `//` and `#` are no words: these bans look for text.
    edges: Edges,
    place: Place,
    cure: &'static str,
}

/// What must stand beside a match.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Edges {
    /// No letter, digit or underscore on either side; case does not matter.
    Word,
    /// The same, in this case only.
    ExactWord,
    /// No letter, digit, underscore, dot or slash before it.
    Path,
    /// Anything.
    None,
}

/// Where it must not stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Anywhere,
    Rust,
}

impl Ban {
    fn applies(&self, file: &File) -> bool {
        self.place == Place::Anywhere || file.is_rust()
    }

    fn is_in(&self, line: &str) -> bool {
        // A block quotation is somebody else's words.
        if self.rule == "person" && line.trim_start().starts_with("> ") {
            return false;
        }
        let lower = line.to_ascii_lowercase();
        let line = if self.edges == Edges::Word { lower.as_str() } else { line };
        line.match_indices(self.word).any(|(start, _)| {
            let before = line.split_at(start).0.chars().next_back();
            let after = line.split_at(start + self.word.len()).1.chars().next();
            match self.edges {
                Edges::None => true,
                Edges::Path => !before.is_some_and(|c| is_word(c) || c == '.' || c == '/'),
                Edges::Word | Edges::ExactWord => {
                    !before.is_some_and(is_word) && !after.is_some_and(is_word)
                }
            }
        })
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

// Each word is written in two pieces, so that the list does not find itself.
const BANS: &[Ban] = &[
    Ban {
        rule: "unfinished",
        word: concat!("FIX", "ME"),
        edges: Edges::ExactWord,
        place: Place::Anywhere,
        cure: "finish it, or open an issue",
    },
    Ban {
        rule: "unfinished",
        word: concat!("TO", "DO"),
        edges: Edges::ExactWord,
        place: Place::Anywhere,
        cure: "finish it, or open an issue",
    },
    Ban {
        rule: "unfinished",
        word: concat!("XX", "X"),
        edges: Edges::ExactWord,
        place: Place::Anywhere,
        cure: "finish it, or open an issue",
    },
    Ban {
        rule: "unfinished",
        word: concat!("todo", "!"),
        edges: Edges::Path,
        place: Place::Rust,
        cure: "finish it, or leave it out",
    },
    Ban {
        rule: "unfinished",
        word: concat!("unimplemented", "!"),
        edges: Edges::Path,
        place: Place::Rust,
        cure: "finish it, or leave it out",
    },
    Ban {
        rule: "ignored-test",
        word: concat!("#[", "ignore"),
        edges: Edges::None,
        place: Place::Rust,
        cure: "a test runs or is deleted; one that needs a foreign program is named after it",
    },
    Ban {
        rule: "person",
        word: concat!("in", "mate"),
        edges: Edges::Word,
        place: Place::Anywhere,
        cure: "write `person`; quote others in a block quotation",
    },
    Ban {
        rule: "person",
        word: concat!("in", "mates"),
        edges: Edges::Word,
        place: Place::Anywhere,
        cure: "write `people`; quote others in a block quotation",
    },
    Ban {
        rule: "machine",
        word: concat!("/wo", "rk/"),
        edges: Edges::Path,
        place: Place::Anywhere,
        cure: "write a path from the root of the tree",
    },
    Ban {
        rule: "machine",
        word: concat!("/ho", "me/"),
        edges: Edges::Path,
        place: Place::Anywhere,
        cure: "write a path from the root of the tree",
    },
    Ban {
        rule: "machine",
        word: concat!("/ro", "ot/"),
        edges: Edges::Path,
        place: Place::Anywhere,
        cure: "write a path from the root of the tree",
    },
    Ban {
        rule: "machine",
        word: concat!("/Us", "ers/"),
        edges: Edges::Path,
        place: Place::Anywhere,
        cure: "write a path from the root of the tree",
    },
    Ban {
        rule: "host",
        word: concat!("crates", ".io"),
        edges: Edges::None,
        place: Place::Anywhere,
        cure: "name the package, not where it is fetched",
    },
    Ban {
        rule: "host",
        word: concat!("py", "pi.org"),
        edges: Edges::None,
        place: Place::Anywhere,
        cure: "name the package, not where it is fetched",
    },
    Ban {
        rule: "host",
        word: concat!("npm", "js."),
        edges: Edges::None,
        place: Place::Anywhere,
        cure: "name the package, not where it is fetched",
    },
    Ban {
        rule: "host",
        word: concat!("deb.", "debian"),
        edges: Edges::None,
        place: Place::Anywhere,
        cure: "name the package, not where it is fetched",
    },
    Ban {
        rule: "secret",
        word: concat!("PRIVATE", " KEY-----"),
        edges: Edges::None,
        place: Place::Anywhere,
        cure: "make keys when they are needed",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str) -> Vec<(usize, &'static str)> {
        let problems = super::check(&Tree::of(&[(path, text)]));
        problems.into_iter().map(|problem| (problem.line, problem.rule)).collect()
    }

    #[test]
    fn every_ban_finds_its_word() {
        for ban in BANS {
            let text = format!("fine\n    {} \n", ban.word);
            assert_eq!(check("crates/a/src/b.rs", &text), [(2, ban.rule)], "{}", ban.word);
        }
    }

    #[test]
    fn words_are_found_whole_and_in_any_case() {
        let capital = format!("An In{}.", "mate");
        assert_eq!(check("README.md", &capital), [(1, "person")]);
        let part = format!("an in{}rial", "mate");
        assert!(check("README.md", &part).is_empty());
        assert!(check("README.md", &format!("> an in{}", "mate")).is_empty());
        assert!(check("README.md", "NXX-XXXX and todos").is_empty());
    }

    #[test]
    fn paths_inside_longer_paths_are_fine() {
        let folder = concat!("/wo", "rk/");
        assert!(check("README.md", &format!("see frame{folder}log")).is_empty());
        assert_eq!(check("README.md", &format!("see {folder}log")), [(1, "machine")]);
    }

    #[test]
    fn what_holds_for_rust_holds_for_rust_only() {
        let text = format!("{}!()", "todo");
        assert!(check("README.md", &text).is_empty());
        assert_eq!(check("a.rs", &text), [(1, "unfinished")]);
    }
}
