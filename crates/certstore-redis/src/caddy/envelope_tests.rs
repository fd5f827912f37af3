use std::time::{Duration, SystemTime, UNIX_EPOCH};

use certstore_core::ErrorKind;

use super::{Envelope, version};

/// As Go's `encoding/json` writes it.
const SAMPLE: &str = r#"{"value":"aGk8Pg==","modified":"2026-01-02T03:04:05.12Z","size":4,"compression":0,"encryption":0}"#;

fn at(seconds: u64, nanos: u32) -> SystemTime {
    UNIX_EPOCH + Duration::new(seconds, nanos)
}

fn sample() -> Envelope {
    let modified = at(1_767_323_045, 120_000_000);
    Envelope { value: b"hi<>".to_vec(), modified, size: 4, compression: 0, encryption: 0 }
}

#[test]
fn writes_the_documented_bytes() {
    assert_eq!(sample().encode().unwrap(), SAMPLE);
    let empty = Envelope { value: Vec::new(), size: 0, ..sample() };
    assert_eq!(
        empty.encode().unwrap(),
        r#"{"value":"","modified":"2026-01-02T03:04:05.12Z","size":0,"compression":0,"encryption":0}"#
    );
    let flags = Envelope { compression: 2, encryption: 1, ..sample() };
    assert!(flags.encode().unwrap().ends_with(r#","size":4,"compression":2,"encryption":1}"#));
}

#[test]
fn times_have_the_digits_that_go_writes() {
    for (nanos, text) in [
        (0, "2026-01-02T03:04:05Z"),
        (100_000_000, "2026-01-02T03:04:05.1Z"),
        (123_456_789, "2026-01-02T03:04:05.123456789Z"),
        (123_456_700, "2026-01-02T03:04:05.1234567Z"),
        (1, "2026-01-02T03:04:05.000000001Z"),
    ] {
        let modified = at(1_767_323_045, nanos);
        let written = Envelope { modified, ..sample() }.encode().unwrap();
        assert!(written.contains(&format!(r#""modified":"{text}""#)), "{written}");
        assert_eq!(Envelope::decode(written.as_bytes()).unwrap().modified, modified);
    }
}

#[test]
fn reads_the_documented_bytes() {
    assert!(Envelope::decode(SAMPLE.as_bytes()).unwrap() == sample());
}

#[test]
fn reads_what_go_writes_in_other_zones_and_of_nil() {
    let zone = SAMPLE.replace("03:04:05.12Z", "05:34:05.12+02:30");
    assert!(Envelope::decode(zone.as_bytes()).unwrap() == sample());
    let nil = SAMPLE.replace(r#""aGk8Pg==""#, "null");
    assert_eq!(Envelope::decode(nil.as_bytes()).unwrap().value, b"");
    let before_flags = r#"{"value":"aGk8Pg==","modified":"2026-01-02T03:04:05.12Z","size":4}"#;
    assert!(Envelope::decode(before_flags.as_bytes()).unwrap() == sample());
}

#[test]
fn anything_else_is_corrupt_and_shows_no_content() {
    for damaged in [
        "".to_owned(),
        "private-thing".to_owned(),
        SAMPLE[..60].to_owned(),
        SAMPLE.replace("aGk8Pg==", "private-thing!"),
        SAMPLE.replace("2026-01-02T", "private-thing"),
        SAMPLE.replace(":4,", r#":"private-thing","#),
        SAMPLE.replace(":4,", ":-4,"),
        SAMPLE.replace(r#""aGk8Pg==""#, r#"{"private-thing":1}"#),
    ] {
        let error = Envelope::decode(damaged.as_bytes()).err().expect(&damaged);
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{damaged}");
        assert!(!format!("{error:?}").contains("private"), "{error:?}");
    }
}

#[test]
fn a_version_is_the_digest_that_redis_makes() {
    // redis.sha1hex of the sample.
    assert_eq!(version(SAMPLE.as_bytes()).as_str(), "d3d60573768ff8ade39d497a29b9f2b9cb18a64c");
}
