use super::parse_duration;
use std::time::Duration;

#[test]
fn units_and_sums() {
    for (text, millis) in [
        ("0", 0),
        ("7", 7_000),
        ("250ms", 250),
        ("10s", 10_000),
        ("5m", 300_000),
        ("12h", 43_200_000),
        ("30d", 2_592_000_000),
        ("1h30m", 5_400_000),
        (" 1s500ms ", 1_500),
    ] {
        assert_eq!(parse_duration(text).unwrap(), Duration::from_millis(millis), "{text}");
    }
}

#[test]
fn anything_else_is_refused_in_one_line() {
    for text in ["", " ", "s", "10x", "-1s", "1.5h", "99999999999999999999d", "40000d", "1\ns\u{7}"]
    {
        let error = parse_duration(text).unwrap_err();
        assert_eq!(error.kind(), certstore_core::ErrorKind::InvalidConfig, "{text}");
        assert!(!error.to_string().contains('\n'), "{text}: {error}");
    }
}
