//! The whole program, as its users run it: the demo, the commands, and calls of foreign telephones.
//!
//! One test binary, because most of its time is spent waiting: calls last as long as calls do.
//! Tests that need a program of others carry its name, `..._with_sipp` or `..._with_baresip`, and
//! fail where it is missing. The calls of one such program are played all at once (`together.rs`),
//! and each test looks at its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by it, and waits in real time"
)]

mod at_rest;
#[path = "../../src/demo/authenticator.rs"]
mod authenticator;
mod backup;
mod baresip;
mod commands;
mod console;
mod county;
mod demo;
#[path = "../../../vault/tests/enrolment/mod.rs"]
mod enrolment;
mod flood;
mod forgetting;
mod keeping;
mod keyholders;
mod memory;
mod names;
mod node;
#[path = "../../../vault/tests/open/mod.rs"]
mod open;
mod own;
mod place;
mod private;
mod process;
mod recording;
mod reopened;
mod sealed_away;
mod sipp;
mod sound;
mod staff;
mod stamping;
mod together;
mod verify;
mod with_baresip;
mod with_baresip_tls;
mod with_sipp;
