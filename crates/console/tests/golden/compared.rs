//! Compares what came out with what is written down, cell by cell, and says where they differ.

use std::{collections::BTreeMap, env, fs};

/// The file, from the folder of this crate.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/access.md");

/// Fails with the lines and cells that differ; with `UPDATE_EXPECT=1` it writes the file anew.
pub(crate) fn with_file(text: &str) {
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(FILE, text).unwrap();
        return;
    }
    let differs = differences(&fs::read_to_string(FILE).unwrap(), text);
    assert!(
        differs.is_empty(),
        "docs/access.md is not what the console answers (UPDATE_EXPECT=1 writes it anew):\n{}",
        differs.join("\n")
    );
}

/// What differs, a line each: cells of the same row, and lines that only one of them has.
fn differences(written: &str, answered: &str) -> Vec<String> {
    let (was, is) = (rows(written), rows(answered));
    let mut differs = Vec::new();
    for (name, cells) in &is {
        let Some(before) = was.get(name) else {
            differs.push(format!("answered, and not written: {name}"));
            continue;
        };
        if before.len() != cells.len() {
            differs.push(format!("{name}: {} cells became {}", before.len(), cells.len()));
        }
        for (at, (before, after)) in before.iter().zip(cells).enumerate() {
            if before != after {
                differs.push(format!("{name}, column {}: {before} became {after}", at + 1));
            }
        }
    }
    let gone = was.keys().filter(|name| !is.contains_key(*name));
    differs.extend(gone.map(|name| format!("written, and not answered: {name}")));
    // The same rows in another order.
    if differs.is_empty() && written != answered {
        let pairs = written.lines().zip(answered.lines());
        let line = pairs.take_while(|(one, other)| one == other).count() + 1;
        differs.push(format!("the order of lines differs from line {line} on"));
    }
    differs
}

/// Rows of tables by their heading and first cell, and other lines by themselves.
fn rows(text: &str) -> BTreeMap<String, Vec<&str>> {
    let mut heads = ["", ""];
    let mut rows = BTreeMap::new();
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("## ") {
            heads = [head, ""];
        } else if let Some(head) = line.strip_prefix("### ") {
            heads[1] = head;
        }
        let mut cells = line.split('|').map(str::trim).filter(|cell| !cell.is_empty());
        let first = cells.next().unwrap_or_default();
        rows.insert(format!("{} {}: {first}", heads[0], heads[1]), cells.collect());
    }
    rows
}

#[test]
fn a_difference_is_told_by_row_and_column() {
    let written = "## A\n| asked | clerk |\n| look | yes |\n| hear | no |\n";
    let answered = "## A\n| asked | clerk |\n| look | refused |\n| take | no |\n";
    assert_eq!(
        differences(written, answered),
        [
            "A : look, column 1: yes became refused",
            "answered, and not written: A : take",
            "written, and not answered: A : hear",
        ]
    );
    assert_eq!(differences(written, written), Vec::<String>::new());
    let turned = "## A\n| asked | clerk |\n| hear | no |\n| look | yes |\n";
    assert_eq!(differences(written, turned), ["the order of lines differs from line 3 on"]);
}
