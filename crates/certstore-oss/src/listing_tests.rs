use super::page;
use crate::xml::{RawList, RawObject};

fn list(key: &str, truncated: bool, next: Option<&str>) -> RawList {
    let object = RawObject { key: key.into(), size: Some("3".into()), ..RawObject::default() };
    let next = next.map(str::to_owned);
    RawList { objects: vec![object], truncated, next, url_encoded: true, ..RawList::default() }
}

#[test]
fn a_list_that_goes_on_says_where() {
    assert_eq!(page(list("a", false, Some("t")), None).unwrap().next, None);
    assert_eq!(page(list("a", true, Some("t")), None).unwrap().next.as_deref(), Some("t"));
    for (next, sent) in [(None, None), (Some(""), None), (Some("t"), Some("t"))] {
        assert!(page(list("a", true, next), sent).is_err(), "{next:?}");
    }
}

#[test]
fn names_are_decoded_and_broken_ones_are_an_error() {
    let found = page(list("a%20b%2B", false, None), None).unwrap();
    assert_eq!((found.objects[0].name.as_str(), found.objects[0].size), ("a b+", Some(3)));
    assert!(page(list("a%2", false, None), None).is_err());
}
