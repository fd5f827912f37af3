use std::time::Duration;

use super::*;

#[test]
fn durations_are_read_or_refused() {
    for (text, millis) in [
        ("250ms", 250),
        ("15s", 15_000),
        ("7", 7_000),
        ("1h30m", 5_400_000),
        ("2 min", 120_000),
        ("0s", 0),
        ("30d", 2_592_000_000),
        (" 1s500ms ", 1_500),
    ] {
        assert_eq!(parse_duration(text).unwrap(), Duration::from_millis(millis), "{text}");
    }
    for text in
        ["", " ", "s", "5x", "-1s", "1.5s", "1s5", "99999999999999999999s", "40000d", "1\ns\u{7}"]
    {
        let error = duration("lease", text).unwrap_err();
        assert!(error.message().starts_with("lease: \""), "{text:?}: {error}");
    }
}

#[test]
fn choices_name_the_right_ones() {
    assert_eq!(one_of("io", "b", &[("a", 1), ("b", 2)]).unwrap(), 2);
    let error = one_of("io", "c\n", &[("a", 1), ("b", 2)]).unwrap_err();
    assert_eq!(error.message(), "io is a or b, not \"c\\n\"");
    assert!(flag("x", "yes").is_err() && flag("x", "true").unwrap());
    assert_eq!(given::<String>(""), None);
}

#[test]
fn urls_are_decoded() {
    assert_eq!(decode("a%2Fb%20").unwrap(), "a/b ");
    assert_eq!(
        query("a=1&&b=x%26y").unwrap(),
        [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "x&y".to_owned())]
    );
    for wrong in ["%", "%2", "%zz", "%ff"] {
        assert_eq!(decode(wrong).unwrap_err().kind(), ErrorKind::InvalidConfig, "{wrong}");
    }
    assert!(query("secret").unwrap_err().message().contains("name=value"));
}

#[test]
fn the_nearest_name_is_the_one_with_fewest_changes() {
    let known = ["timeout", "connect_timeout", "lease", "prefix"];
    for (given, near) in [
        ("timeot", "timeout"),
        ("LEASE", "lease"),
        ("conect_timeout", "connect_timeout"),
        ("prefx", "prefix"),
    ] {
        assert_eq!(nearest(given, known), Some(near));
    }
    assert_eq!(distance("kitten", "sitting"), 3);
    assert_eq!(distance("", "abc"), 3);
    assert_eq!(nearest("x", []), None);
    assert_eq!(nearest("zzz", known), None, "nothing is near");
}
