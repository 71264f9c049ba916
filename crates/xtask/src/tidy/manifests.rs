//! Every crate and every dependency is justified in one line, in one place.

use super::{
    Problem,
    tree::{File, Tree},
};
use std::collections::BTreeSet;

/// Checks the root manifest and the manifest of each crate.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(root) = tree.file(ROOT) {
        problems.extend(justified(root));
        problems.extend(members(root, tree));
    }
    for (folder, manifest) in tree.manifests() {
        problems.extend(own(folder, manifest));
    }
    problems
}

/// A member or a foreign dependency says what it is for.
fn justified(root: &File) -> Vec<Problem> {
    let mut table = "";
    let mut problems = Vec::new();
    for (number, line) in root.lines() {
        let text = line.trim();
        if text.starts_with('[') {
            table = text;
        }
        let member = text.starts_with("\"crates/");
        let dependency = table == "[workspace.dependencies]"
            && text.contains('=')
            && !text.starts_with('#')
            && !text.contains("path = ");
        if (member || dependency) && !text.contains(" # ") {
            let what = format!("`{}` does not say what it is for", first_word(text));
            problems.push(at(root, number, what, "say it in a comment at the end of the line"));
        }
    }
    problems
}

/// The members are the folders of `crates/`.
fn members(root: &File, tree: &Tree) -> Vec<Problem> {
    let listed: BTreeSet<_> = root
        .text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("\"crates/")?.split('"').next())
        .collect();
    tree.manifests()
        .filter(|(folder, _)| !listed.contains(folder))
        .map(|(folder, _)| {
            let what = format!("folder `crates/{folder}` is no member");
            at(root, 1, what, "add it to `members` or delete it")
        })
        .collect()
}

/// A crate is named as its folder, takes the lints, and takes versions from the root.
fn own(folder: &str, manifest: &File) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut table = "";
    let mut lints = false;
    for (number, line) in manifest.lines() {
        let text = line.trim();
        if text.starts_with('[') {
            table = text;
        }
        lints |= table == "[lints]" && text == "workspace = true";
        let name = text.strip_prefix("name = ").filter(|_| table == "[package]");
        if let Some(name) = name
            && name.trim_matches('"') != folder
        {
            let what = format!("crate {name} lies in folder `{folder}`");
            problems.push(at(manifest, number, what, "give both the same name"));
        }
        let versioned = text.contains('=') && !text.contains("workspace = true");
        if table.ends_with("dependencies]") && versioned && !text.starts_with('#') {
            let what = format!("`{}` brings its own version", first_word(text));
            problems.push(at(
                manifest,
                number,
                what,
                "name it in the root manifest and inherit it",
            ));
        }
    }
    if !lints {
        let what = "the crate does not take the workspace's lints".to_owned();
        problems.push(at(manifest, 1, what, "add `[lints]` with `workspace = true`"));
    }
    problems
}

fn first_word(text: &str) -> &str {
    text.trim_matches('"').split([' ', '"', '=']).next().unwrap_or_default()
}

fn at(file: &File, line: usize, what: String, cure: &str) -> Problem {
    Problem { path: file.path.clone(), line, rule: "manifests", what, cure: cure.to_owned() }
}

const ROOT: &str = "Cargo.toml";

#[cfg(test)]
mod tests {
    use super::*;

    const CRATE: &str = "[package]\nname = \"call\"\n[lints]\nworkspace = true\n\
                         [dependencies]\nmodel.workspace = true\n";
    const WORKSPACE: &str = "members = [\n\"crates/call\", # what happens\n]\n\
                             [workspace.dependencies]\ncall = { path = \"crates/call\" }\n\
                             serde = \"1\" # frames\n";

    fn check(root: &str, call: &str) -> Vec<String> {
        let tree = Tree::of(&[("Cargo.toml", root), ("crates/call/Cargo.toml", call)]);
        super::check(&tree).into_iter().map(|problem| problem.what).collect()
    }

    #[test]
    fn good_manifests_pass() {
        assert!(check(WORKSPACE, CRATE).is_empty());
    }

    #[test]
    fn each_fault_is_found() {
        for (root, call, what) in [
            (
                WORKSPACE.replace(" # frames", ""),
                CRATE.into(),
                "`serde` does not say what it is for",
            ),
            (
                WORKSPACE.replace(" # what happens", ""),
                CRATE.into(),
                "`crates/call` does not say what it is for",
            ),
            (
                WORKSPACE.replace("\"crates/call\",", ""),
                CRATE.into(),
                "folder `crates/call` is no member",
            ),
            (
                WORKSPACE.into(),
                CRATE.replace("\"call\"", "\"ring\""),
                "crate \"ring\" lies in folder `call`",
            ),
            (
                WORKSPACE.into(),
                CRATE.replace("model.workspace = true", "model = \"1\""),
                "`model` brings its own version",
            ),
            (
                WORKSPACE.into(),
                CRATE.replace("[lints]\nworkspace = true\n", ""),
                "the crate does not take the workspace's lints",
            ),
        ] {
            assert_eq!(check(&root, &call), [what]);
        }
    }
}
