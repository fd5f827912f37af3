//! Names as servers encode them.

use super::*;

#[test]
fn names_are_decoded() {
    assert_eq!(decode("a/b+c%2Bd%20e%C3%BC%01").unwrap(), "a/b c+d e\u{fc}\u{1}");
    assert_eq!(decode("a%zz").unwrap_err().kind(), ErrorKind::Other);
}

#[test]
fn a_list_that_goes_on_nowhere_is_an_error() {
    let output = ListObjectsV2Output::builder().is_truncated(true).build();
    assert!(page(&output, None).is_err());
    let output = ListObjectsV2Output::builder().is_truncated(true).next_continuation_token("");
    assert!(page(&output.build(), None).is_err());
}

#[test]
fn a_list_that_goes_in_a_circle_is_an_error() {
    let output = ListObjectsV2Output::builder().is_truncated(true).next_continuation_token("t");
    let output = output.build();
    assert_eq!(page(&output, None).unwrap().next.as_deref(), Some("t"));
    assert_eq!(page(&output, Some("s")).unwrap().next.as_deref(), Some("t"));
    assert_eq!(page(&output, Some("t")).unwrap_err().kind(), ErrorKind::Other);
}

#[test]
fn a_list_that_has_ended_does_not_go_on() {
    for token in ["", "t"] {
        let output = ListObjectsV2Output::builder().next_continuation_token(token);
        assert_eq!(page(&output.clone().is_truncated(false).build(), None).unwrap().next, None);
        assert_eq!(page(&output.build(), None).unwrap().next, None);
    }
}

#[test]
fn names_are_decoded_only_when_they_are_encoded() {
    let object = aws_sdk_s3::types::Object::builder().key("a+b%20c").e_tag("\"e\"").size(3).build();
    let plain = ListObjectsV2Output::builder().contents(object.clone()).build();
    assert_eq!(page(&plain, None).unwrap().objects[0].name, "a+b%20c");
    let encoded =
        ListObjectsV2Output::builder().contents(object).encoding_type(EncodingType::Url).build();
    let listed = &page(&encoded, None).unwrap().objects[0];
    assert_eq!(
        (listed.name.as_str(), listed.version.as_ref().map(Version::as_str), listed.size),
        ("a b c", Some("e"), Some(3))
    );
}
