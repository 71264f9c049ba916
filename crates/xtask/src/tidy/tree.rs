//! The files of the project as text.

use anyhow::Context;
use std::{fs, path::Path};

/// One text file.
#[derive(Debug)]
pub(super) struct File {
    /// From the root of the tree, with `/`.
    pub(super) path: String,
    /// Its text.
    pub(super) text: String,
}

impl File {
    /// Whether this is Rust.
    pub(super) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether all of it is test code.
    pub(super) fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }

    /// The crate it belongs to.
    pub(super) fn package(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// Numbered lines, from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// The part before the tests: everything up to a `#[cfg(test)]` that stands before a `mod` with
    /// a body, and nothing of a file that is all test.
    pub(super) fn code(&self) -> &str {
        if self.is_test() { "" } else { self.text.split_at(self.tests_start()).0 }
    }

    /// The tests inside the file.
    pub(super) fn tests(&self) -> &str {
        if self.is_test() { &self.text } else { self.text.split_at(self.tests_start()).1 }
    }

    fn tests_start(&self) -> usize {
        let mut start = 0;
        let mut before = None;
        for line in self.text.split_inclusive('\n') {
            if let Some(cfg) = before
                && line.contains("mod ")
                && line.trim_end().ends_with(['{', '}'])
            {
                return cfg;
            }
            before = line.starts_with("#[cfg(test)]").then_some(start);
            start += line.len();
        }
        self.text.len()
    }
}

/// All text files of the project.
#[derive(Debug)]
pub(super) struct Tree(Vec<File>);

impl Tree {
    /// Reads the tree under `root`: every file that is UTF-8, but for what is built.
    ///
    /// # Errors
    /// When a folder or file cannot be read.
    pub(super) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        walk(root, "", &mut files)?;
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Self(files))
    }

    /// A tree of these paths and texts.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let file = |&(path, text): &(&str, &str)| File { path: path.into(), text: text.into() };
        Self(files.iter().map(file).collect())
    }

    /// Every file.
    pub(super) fn files(&self) -> &[File] {
        &self.0
    }

    /// Every file of Rust.
    pub(super) fn rust(&self) -> impl Iterator<Item = &File> {
        self.0.iter().filter(|file| file.is_rust())
    }

    /// The file with this path.
    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.0.iter().find(|file| file.path == path)
    }

    /// The manifests of the crates, with the names of their folders.
    pub(super) fn manifests(&self) -> impl Iterator<Item = (&str, &File)> {
        self.0.iter().filter_map(|file| {
            let folder = file.path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
            Some((folder, file))
        })
    }
}

fn walk(folder: &Path, prefix: &str, files: &mut Vec<File>) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read `{prefix}`"))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        let kind = entry.file_type()?;
        if NOT_OURS.contains(&name.as_str()) {
            continue;
        }
        if kind.is_dir() {
            walk(&entry.path(), &path, files)?;
        } else if kind.is_file()
            && let Ok(text) = String::from_utf8(fs::read(entry.path())?)
        {
            files.push(File { path, text });
        }
    }
    Ok(())
}

/// What `.gitignore` names, the history, and files whose words are not ours: the inputs of fuzz
/// targets are those of machines, the torture messages those of RFC 4475.
const NOT_OURS: &[&str] = &[
    "target",
    ".git",
    "parlatory-data",
    "mutants.out",
    "mutants.out.old",
    "corpus",
    "torture",
    "Cargo.lock",
    "LICENSE",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_ends_where_the_tests_begin() {
        let text = "#[cfg(test)]\nmod elsewhere;\nfn f() {}\n#[cfg(test)]\nmod tests {\n}\n";
        let tree = Tree::of(&[("crates/a/src/lib.rs", text), ("crates/a/tests/b.rs", text)]);
        let [library, test] = tree.files() else { panic!("two files") };
        assert_eq!(library.code(), "#[cfg(test)]\nmod elsewhere;\nfn f() {}\n");
        assert_eq!(library.tests(), "#[cfg(test)]\nmod tests {\n}\n");
        assert_eq!(test.code(), "");
        assert_eq!(test.tests(), text);
    }

    #[test]
    fn the_tree_is_read_without_what_is_built() {
        let tree = Tree::read(&crate::root()).unwrap();
        assert!(tree.file("crates/xtask/src/tidy/tree.rs").is_some());
        assert!(tree.file("Cargo.lock").is_none());
        assert!(tree.files().iter().all(|file| !file.path.starts_with("target")));
        assert!(tree.manifests().any(|(folder, _)| folder == "xtask"));
    }
}
