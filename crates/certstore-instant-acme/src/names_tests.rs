use certstore_core::ErrorKind;
use instant_acme::Identifier;

use super::Names;

#[test]
fn names_are_sorted_lower_case_and_single() {
    let names = Names::new(["b.example", "A.example", "a.example"]).unwrap();
    assert_eq!(names.as_slice(), ["a.example", "b.example"]);
    assert_eq!(names, Names::new(["a.example", "b.example"]).unwrap());
}

#[test]
fn addresses_and_wildcards_are_names() {
    let names = Names::new(["2001:DB8::0:1", "*.a.example"]).unwrap();
    let address = "2001:db8::1".parse().unwrap();
    assert_eq!(
        names.identifiers(),
        [Identifier::Dns("*.a.example".into()), Identifier::Ip(address)]
    );
}

#[test]
fn what_no_ca_would_take_is_refused() {
    for name in ["", ".", "a..b", "a.", "*", "a.*.b", "bücher.example", "a b", "a/b", "a\n"] {
        let refused = Names::new([name]).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidKey, "{name:?}");
    }
    assert!(Names::new(Vec::<String>::new()).is_err());
}

#[test]
fn a_long_list_is_cut_as_certmagic_does() {
    let names = Names::new((0..200).map(|n| format!("n{n:03}.example"))).unwrap();
    let stored = names.storage_name();
    assert_eq!(stored.len(), 1024);
    assert!(stored.ends_with("_trunc"));
}
