use super::*;

#[test]
fn functions_are_measured_from_signature_to_brace() {
    let text = "fn one() {}\n\nimpl X {\n    /// Docs.\n    fn two() {\n        three();\n    }\n}\n#[cfg(test)]\nmod tests {\n    fn no() {}\n}\n";
    assert_eq!(functions(text).unwrap(), [(1, "one".into(), 1), (5, "two".into(), 3)]);
}

#[test]
fn quantiles_are_of_the_list() {
    assert_eq!(quantile(&mut [3, 1, 2], 50), 2);
    assert_eq!(quantile(&mut [3, 1, 2], 100), 3);
    assert_eq!(quantile(&mut [], 50), 0);
}

#[test]
fn crates_are_named_by_folder() {
    assert_eq!(crate_of("crates/certstore-core/src/key.rs"), "crates/certstore-core");
    assert_eq!(crate_of("conformance/src/lib.rs"), "conformance");
}
