//! The third law, held by the compiler: nothing is disclosed without a `Receipt`. Each fixture is
//! a way around that must not compile; beside it stands what the compiler says.

#[test]
fn nothing_is_disclosed_without_a_receipt() {
    trybuild::TestCases::new().compile_fail("tests/gate/*.rs");
}
