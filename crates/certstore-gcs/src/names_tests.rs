//! Names that the service does not take.

use super::*;

#[test]
fn the_beginning_that_the_service_does_not_take_needs_a_prefix() {
    let key = Key::new(".well-known/acme-challenge/token").unwrap();
    let error = GcsRules.value(&names(""), &key).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidKey);
    assert!(error.to_string().contains("set a prefix"), "{error}");
    let object = GcsRules.value(&names("p/"), &key).unwrap();
    assert_eq!(object, "p/.well-known/acme-challenge/token");
}

#[test]
fn a_name_has_at_most_1024_bytes() {
    let key = Key::new(&format!("{0}/{0}/{0}", "k".repeat(200))).unwrap();
    let error = GcsRules.value(&names(&format!("{}/", "p".repeat(512))), &key).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidKey);
    assert!(error.to_string().contains("1024"), "{error}");
}
