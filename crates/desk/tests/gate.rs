//! The two laws that cross crates, held by the compiler: nothing is recorded without a `Consent`,
//! and nothing is charged without a `LawfulRate`. Each fixture is a way around that must not
//! compile; beside it stands what the compiler says.
//!
//! What `charging` alone can show stands in its own tests. That the two modules make their proofs
//! rightly is for their tests and for `cargo xtask mutants`.

#[test]
fn nothing_is_recorded_or_charged_without_its_proof() {
    trybuild::TestCases::new().compile_fail("tests/gate/*.rs");
}
