//! The fuzz targets, one for each kind of input that comes from outside.
//!
//! What it is not: part of the program; it is a workspace of its own, and the binaries in
//! `fuzz_targets` link the engine. Start with `targets.rs`, whose functions a test of the program
//! replays over the committed corpus, too.

pub mod targets;
