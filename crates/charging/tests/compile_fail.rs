//! What the compiler must refuse: ways to charge without a proof that the rate is lawful.

#[test]
fn a_lawful_rate_has_no_way_around_its_proof() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
