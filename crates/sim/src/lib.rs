//! A world in a box: phones, trunk, clock, faults and an auditor, for seeded runs of the pure crates.
//!
//! It is for tests alone, and nothing depends on it.
