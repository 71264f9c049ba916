//! The map in `ARCHITECTURE.md` and the manifests draw the same arrows.
//!
//! The map is a fenced block named `layers`. A line is a rank, a crate, `pure` where it holds, a
//! colon, and the crates it depends on: names, or `all` for every crate of lower rank. What only
//! its tests depend on stands after `; tests:` and may have any rank. A rank of `-` is outside:
//! nobody may depend on it. A line `only LIBRARY in CRATE ...` keeps a foreign library in these
//! crates.
//!
//! ```text
//! 0 model pure: -
//! 2 vault: model call; tests: registry
//! only sqlx in store
//! ```

use super::{
    Problem,
    tree::{File, Tree},
};
use std::collections::{BTreeMap, BTreeSet};

/// Compares the two, and checks that pure crates are.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let Some(file) = tree.file(MAP) else {
        return vec![at(MAP, 1, "the map is missing", "write it, with its `layers` block")];
    };
    let (map, mut problems) = Map::parse(file);
    problems.extend(map.against_itself());
    for (name, manifest) in tree.manifests() {
        match map.crates.get(name) {
            None => problems.push(at(
                MAP,
                map.start,
                &format!("crate `{name}` is not on the map"),
                "add its line to the `layers` block",
            )),
            Some(layer) => problems.extend(map.against_manifest(name, layer, manifest)),
        }
    }
    for (name, layer) in &map.crates {
        if tree.file(&format!("crates/{name}/Cargo.toml")).is_none() {
            let what = format!("crate `{name}` is on the map and nowhere else");
            problems.push(at(MAP, layer.line, &what, "delete its line or make the crate"));
        }
        problems.extend(purity(tree, name, layer));
    }
    problems
}

/// One line of the map.
#[derive(Debug, Default)]
struct Layer {
    line: usize,
    /// `None` is outside.
    rank: Option<u32>,
    pure: bool,
    /// `None` is `all`.
    arrows: Option<BTreeSet<String>>,
    tests: BTreeSet<String>,
}

/// The whole block.
#[derive(Debug, Default)]
struct Map {
    start: usize,
    crates: BTreeMap<String, Layer>,
    /// Library, the crates that may know it.
    only: BTreeMap<String, BTreeSet<String>>,
}

impl Map {
    fn parse(file: &File) -> (Self, Vec<Problem>) {
        let mut map = Self::default();
        let mut problems = Vec::new();
        let mut inside = false;
        for (number, line) in file.lines() {
            let line = line.trim();
            if line == "```layers" {
                (inside, map.start) = (true, number);
            } else if inside && line.starts_with("```") {
                inside = false;
            } else if inside
                && !line.is_empty()
                && !line.starts_with('#')
                && !map.read(number, line)
            {
                let what = format!("`{line}` is no line of a map");
                problems.push(at(MAP, number, &what, "write `RANK CRATE [pure]: CRATE ...`"));
            }
        }
        if map.start == 0 {
            problems.push(at(MAP, 1, "there is no block named `layers`", "add the block"));
        }
        (map, problems)
    }

    /// Takes one line of the block; false when it cannot be read.
    fn read(&mut self, number: usize, line: &str) -> bool {
        if let Some(rule) = line.strip_prefix("only ") {
            let Some((library, crates)) = rule.split_once(" in ") else { return false };
            self.only.insert(library.trim().to_owned(), names(crates));
            return true;
        }
        let Some((head, tail)) = line.split_once(':') else { return false };
        let head: Vec<_> = head.split_whitespace().collect();
        let (rank, name, pure) = match head.as_slice() {
            [rank, name] => (rank, name, false),
            [rank, name, "pure"] => (rank, name, true),
            _ => return false,
        };
        let rank = match *rank {
            "-" => None,
            digits => match digits.parse() {
                Ok(rank) => Some(rank),
                Err(_) => return false,
            },
        };
        let (arrows, tests) = tail.split_once("; tests:").unwrap_or((tail, ""));
        let arrows = (arrows.trim() != "all").then(|| names(arrows));
        let layer = Layer { line: number, rank, pure, arrows, tests: names(tests) };
        self.crates.insert((*name).to_owned(), layer).is_none()
    }

    /// Every arrow points down.
    fn against_itself(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (name, layer) in &self.crates {
            for arrow in layer.arrows.iter().flatten() {
                if !self.is_below(arrow, layer) {
                    let what = format!("`{name}` -> `{arrow}` does not point down");
                    problems.push(at(MAP, layer.line, &what, "arrows go to lower ranks only"));
                }
            }
        }
        problems
    }

    fn is_below(&self, arrow: &str, layer: &Layer) -> bool {
        let below = self.crates.get(arrow).and_then(|target| target.rank);
        matches!((below, layer.rank), (Some(below), Some(rank)) if below < rank)
    }

    fn against_manifest(&self, name: &str, layer: &Layer, manifest: &File) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut drawn = BTreeSet::new();
        for arrow in arrows(manifest) {
            let Arrow { line, to, kind } = &arrow;
            if let Some(allowed) = self.only.get(to)
                && !allowed.contains(name)
                && *kind == Kind::Real
            {
                let what = format!("`{name}` knows `{to}`, which the map keeps elsewhere");
                problems.push(at(&manifest.path, *line, &what, "reach it through its own crate"));
            }
            if !self.crates.contains_key(to) {
                continue;
            }
            drawn.insert(to.clone());
            if !self.allows(layer, &arrow) {
                let what = format!("`{name}` -> `{to}` is not on the map");
                problems.push(at(&manifest.path, *line, &what, ARROW_CURE));
            }
        }
        for arrow in layer.arrows.iter().flatten().chain(&layer.tests) {
            if !drawn.contains(arrow) {
                let what = format!("`{name}` -> `{arrow}` is on the map and in no manifest");
                problems.push(at(MAP, layer.line, &what, "take the arrow off the map"));
            }
        }
        problems
    }

    fn allows(&self, layer: &Layer, arrow: &Arrow) -> bool {
        let listed = match &layer.arrows {
            Some(arrows) => arrows.contains(&arrow.to),
            None => self.is_below(&arrow.to, layer),
        };
        listed || (arrow.kind == Kind::Tests && layer.tests.contains(&arrow.to))
    }
}

/// A dependency in a manifest.
#[derive(Debug)]
struct Arrow {
    line: usize,
    to: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Real,
    Tests,
}

/// Every dependency that a manifest names, of ours and of others.
fn arrows(manifest: &File) -> Vec<Arrow> {
    let mut kind = None;
    let mut arrows = Vec::new();
    for (line, text) in manifest.lines() {
        let text = text.trim();
        if let Some(table) = text.strip_prefix('[') {
            let table = table.trim_end_matches(']');
            kind = if table.ends_with("dev-dependencies") {
                Some(Kind::Tests)
            } else if table.ends_with("dependencies") {
                Some(Kind::Real)
            } else {
                None
            };
        } else if let Some(kind) = kind
            && let Some((key, _)) = text.split_once('=')
            && !text.starts_with('#')
        {
            let to = key.trim().split('.').next().unwrap_or_default().to_owned();
            arrows.push(Arrow { line, to, kind });
        }
    }
    arrows
}

/// A pure crate has no standard library outside its tests.
fn purity(tree: &Tree, name: &str, layer: &Layer) -> Option<Problem> {
    let file = tree.file(&format!("crates/{name}/src/lib.rs"))?;
    if !layer.pure {
        return None;
    }
    if !file.text.lines().any(|line| line == "#![no_std]") {
        return Some(at(&file.path, 1, "a pure crate is `no_std`", "add `#![no_std]`"));
    }
    let mut before = "";
    for (number, line) in file.lines() {
        if line.trim_start().starts_with("extern crate std") && before.trim() != "#[cfg(test)]" {
            let what = "a pure crate has the standard library in its tests only";
            return Some(at(&file.path, number, what, "put `#[cfg(test)]` above"));
        }
        before = line;
    }
    None
}

fn names(list: &str) -> BTreeSet<String> {
    list.split_whitespace().filter(|name| *name != "-").map(str::to_owned).collect()
}

fn at(path: &str, line: usize, what: &str, cure: &str) -> Problem {
    Problem {
        path: path.to_owned(),
        line,
        rule: "layers",
        what: what.to_owned(),
        cure: cure.to_owned(),
    }
}

const MAP: &str = "ARCHITECTURE.md";
const ARROW_CURE: &str =
    "do without it, or draw it in the `layers` block and say why in the commit";

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: (&str, &str) =
        ("crates/model/Cargo.toml", "[dependencies]\nserde.workspace = true");

    /// The problems of a world of `model`, `call`, and `desk` with these manifests.
    fn check(map: &str, call: &str, desk: &str) -> Vec<String> {
        let map = format!("# Map\n```layers\n{map}\n```\n");
        let tree = Tree::of(&[
            ("ARCHITECTURE.md", &map),
            MODEL,
            ("crates/call/Cargo.toml", call),
            ("crates/desk/Cargo.toml", desk),
            ("crates/call/src/lib.rs", "#![no_std]\n#[cfg(test)]\nextern crate std;\n"),
        ]);
        super::check(&tree).into_iter().map(|problem| problem.what).collect()
    }

    const MAP_TEXT: &str =
        "0 model: -\n1 call pure: model\n# a comment\n2 desk: all; tests: desk\n";
    const CALL: &str = "[dependencies]\nmodel.workspace = true\n";
    const DESK: &str =
        "[dependencies]\ncall.workspace = true\n[dev-dependencies]\ndesk.workspace = true\n";

    #[test]
    fn a_true_map_passes() {
        assert!(check(MAP_TEXT, CALL, DESK).is_empty());
    }

    #[test]
    fn an_arrow_that_is_not_drawn_is_refused() {
        let call = format!("{CALL}desk = {{ path = \"../desk\" }}\n");
        assert_eq!(check(MAP_TEXT, &call, DESK), ["`call` -> `desk` is not on the map"]);
        let call = format!("{CALL}[dev-dependencies]\ndesk.workspace = true\n");
        assert_eq!(check(MAP_TEXT, &call, DESK), ["`call` -> `desk` is not on the map"]);
        let call = format!("{CALL}[build-dependencies]\ndesk.workspace = true\n");
        assert_eq!(check(MAP_TEXT, &call, DESK), ["`call` -> `desk` is not on the map"]);
    }

    #[test]
    fn a_test_arrow_does_not_allow_a_real_one() {
        let desk = "[dependencies]\ndesk.workspace = true\n";
        assert_eq!(check(MAP_TEXT, CALL, desk), ["`desk` -> `desk` is not on the map"]);
    }

    #[test]
    fn an_arrow_that_is_only_drawn_is_refused() {
        let what = "`call` -> `model` is on the map and in no manifest";
        assert_eq!(check(MAP_TEXT, "[dependencies]\n#model = 1\n", DESK), [what]);
    }

    #[test]
    fn arrows_point_down() {
        let map = "0 model: -\n0 call: model\n2 desk: call\n";
        let desk = "[dependencies]\ncall.workspace = true\n";
        assert_eq!(check(map, CALL, desk), ["`call` -> `model` does not point down"]);
        let map = "- model: -\n0 call: model\n2 desk: call\n";
        assert_eq!(check(map, CALL, desk), ["`call` -> `model` does not point down"]);
    }

    #[test]
    fn a_crate_and_its_line_need_each_other() {
        let map = format!("{MAP_TEXT}3 ghost: -\n");
        assert_eq!(check(&map, CALL, DESK), ["crate `ghost` is on the map and nowhere else"]);
        let map = "0 model: -\n2 desk: all; tests: desk\n";
        let desk = "[dev-dependencies]\ndesk.workspace = true\n";
        assert_eq!(check(map, CALL, desk), ["crate `call` is not on the map"]);
    }

    #[test]
    fn a_line_that_cannot_be_read_is_refused() {
        for line in ["call", "x call: model", "1 call dirty: model", "only sqlx", "1 call: model"] {
            let map = format!("{MAP_TEXT}{line}\n");
            assert_eq!(check(&map, CALL, DESK), [format!("`{line}` is no line of a map")]);
        }
    }

    #[test]
    fn a_library_stays_where_the_map_keeps_it() {
        let map = format!("{MAP_TEXT}only sqlx in desk\n");
        let call = format!("{CALL}sqlx.workspace = true\n");
        let desk = format!("[dependencies]\nsqlx.workspace = true\n{DESK}");
        assert!(check(&map, CALL, &desk).is_empty());
        assert_eq!(
            check(&map, &call, DESK),
            ["`call` knows `sqlx`, which the map keeps elsewhere"]
        );
    }

    #[test]
    fn a_pure_crate_has_no_standard_library() {
        for (library, pure) in [
            ("#![no_std]\n", true),
            ("#![no_std]\n#[cfg(test)]\nextern crate std;\n", true),
            ("#![no_std]\nextern crate std;\n", false),
            ("//! Not pure at all.\n", false),
        ] {
            let tree = Tree::of(&[
                ("ARCHITECTURE.md", "```layers\n0 model pure: -\n```"),
                MODEL,
                ("crates/model/src/lib.rs", library),
            ]);
            assert_eq!(super::check(&tree).is_empty(), pure, "{library}");
        }
    }

    #[test]
    fn a_missing_map_or_block_is_said() {
        assert_eq!(super::check(&Tree::of(&[])).len(), 1);
        assert_eq!(super::check(&Tree::of(&[("ARCHITECTURE.md", "# Map\n")])).len(), 1);
    }
}
