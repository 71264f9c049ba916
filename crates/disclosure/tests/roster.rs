//! The roster over a real store and a real log: who logs in, who may change what, what a second
//! person is needed for, and what stands in the log of it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

#[path = "roster/asking.rs"]
mod asking;
#[path = "office/jail.rs"]
mod jail;
#[path = "roster/login.rs"]
mod login;
#[path = "roster/office.rs"]
mod office;
#[path = "roster/reviewing.rs"]
mod reviewing;
#[path = "roster/staffing.rs"]
mod staffing;
#[path = "roster/tying.rs"]
mod tying;
