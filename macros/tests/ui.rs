//! Every message has a case here: what the derives say, and what rustc says where it speaks for them. A case with one
//! mistake shows one error. Written anew by `TRYBUILD=overwrite` on the pinned compiler.

#[test]
fn every_mistake_has_its_own_message() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*/*.rs");
}
