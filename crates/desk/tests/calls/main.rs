//! A whole desk with a real store, journal and vault in a folder, asked as the switch asks it: what
//! it answers, what is on disk afterwards, and what is left of it when a node dies.
//!
//! Only SIP and audio are missing. The clock is the test's own, so that nothing takes its time.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::panic_in_result_fn,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking"
)]

mod admission;
mod choosing;
mod closing;
mod conversation;
mod county;
mod crash;
mod entries;
mod forgotten;
mod found;
mod full;
mod money;
mod names;
mod pins;
mod rebuilt;
mod running;
mod starts;
