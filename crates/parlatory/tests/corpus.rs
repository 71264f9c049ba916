//! Every input that fuzzing found worth keeping, through the same functions: a panic that was
//! mended stays mended. See docs/fuzzing.md.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub,
    reason = "a test fails by it, and the targets are a library of their own"
)]

#[path = "../../../fuzz/src/targets.rs"]
mod targets;

use std::{
    fs,
    path::{Path, PathBuf},
};

#[test]
fn the_corpus_of_every_target_holds() {
    for (name, target) in targets::TARGETS {
        let seeds: Vec<Vec<u8>> = fs::read_dir(folder("seeds").join(name))
            .unwrap_or_else(|error| panic!("no seeds of {name}: {error}"))
            .map(|entry| fs::read(entry.unwrap().path()).unwrap())
            .collect();
        let kept = unpack(&fs::read(folder("corpus").join(format!("{name}.pack"))).unwrap());
        assert!(seeds.len() >= 2, "{name} has {} seeds", seeds.len());
        assert!(kept.len() >= 10, "{name} keeps {} inputs", kept.len());
        for input in seeds.iter().chain(&kept) {
            target(input);
        }
    }
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(name)
}

/// Each input after its length, 4 octets, little-endian.
fn unpack(octets: &[u8]) -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    let mut rest = octets;
    while let Some((length, more)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap();
        let (input, after) = more.split_at(length);
        inputs.push(input.to_vec());
        rest = after;
    }
    assert!(rest.is_empty(), "the corpus is cut");
    inputs
}
