//! A switch with a real line, real audio and a real vault on loopback, telephones at both ends, and
//! an office that says what the test wants: what becomes of calls that the office refuses, of too
//! many calls, of faults of ours, of a stop, and of ends that make no sense.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::panic_in_result_fn,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking"
)]

mod door;
mod fault;
mod forwarded;
mod hotline;
mod late;
mod name;
mod office;
mod phone;
mod plain;
mod stop;
mod world;
