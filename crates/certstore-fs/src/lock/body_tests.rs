use std::time::{Duration, SystemTime};

use certstore_core::FencingToken;

use super::{Age, Body, write};

const GO: &[u8] =
    br#"{"created":"2026-11-21T23:29:40.38167819Z","updated":"2026-11-22T00:29:41.381678307+01:00"}
"#;

fn at(seconds: u64, nanos: u32) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos)
}

#[test]
fn reads_what_go_writes() {
    let Body::Stamps(stamps) = Body::parse(GO) else { panic!("{:?}", Body::parse(GO)) };
    assert_eq!(stamps.created, Some(at(1_795_303_780, 381_678_190)));
    assert_eq!(stamps.updated, Some(at(1_795_303_781, 381_678_307)), "an hour of offset");
    assert_eq!(stamps.token, None);
}

#[test]
fn reads_what_it_writes() {
    let (created, updated) = (at(1_795_303_780, 0), at(1_795_303_785, 5));
    let bytes = write(created, updated, "certstore/1", FencingToken(7));
    assert!(
        bytes.starts_with(br#"{"created":"2026-11-21T23:29:40.000000000Z","updated":"#),
        "{bytes:?}"
    );
    assert_eq!(bytes.last(), Some(&b'\n'));
    let body = Body::parse(&bytes);
    assert_eq!(body.token(), Some(FencingToken(7)));
    assert_eq!(body.age(updated + Duration::from_secs(3)), Age::Past(Duration::from_secs(3)));
}

#[test]
fn tells_empty_from_garbage() {
    assert_eq!(Body::parse(b""), Body::Empty);
    assert_eq!(Body::parse(b" \n"), Body::Empty);
    for garbage in
        [&GO[..40], b"x", b"[]", br#"{"created":"yesterday"}"#, br#"{"token":"x","owner":"y"}"#]
    {
        assert_eq!(Body::parse(garbage), Body::Garbage, "{:?}", String::from_utf8_lossy(garbage));
    }
}

#[test]
fn only_the_first_value_counts() {
    let mut longer = GO.to_vec();
    longer.extend_from_slice(b"left over\"}\n");
    assert_eq!(Body::parse(&longer), Body::parse(GO));
}

#[test]
fn gos_zero_time_is_no_time() {
    let zero = br#"{"created":"2026-11-21T23:29:40Z","updated":"0001-01-01T00:00:00Z"}"#;
    assert_eq!(Body::parse(zero).age(at(1_795_303_780, 0)), Age::Past(Duration::ZERO));
    assert_eq!(Body::parse(b"{}").age(at(5, 0)), Age::Past(Duration::MAX));
}

#[test]
fn a_token_without_an_owner_is_not_ours() {
    let body = Body::parse(br#"{"created":"2026-11-21T23:29:40Z","token":7}"#);
    assert_eq!(body.token(), None);
}

#[test]
fn ages() {
    let seconds = Duration::from_secs;
    assert!(
        Age::Past(seconds(7)).fresh_for(seconds(2)) && !Age::Past(seconds(9)).fresh_for(seconds(2))
    );
    assert!(Age::Ahead(seconds(99)).fresh_for(seconds(2)) && !Age::Unknown.fresh_for(seconds(2)));
    assert!(
        Age::Past(seconds(11)).is_far()
            && Age::Ahead(seconds(11)).is_far()
            && Age::Unknown.is_far()
    );
    assert!(!Age::Past(seconds(10)).is_far() && !Age::Ahead(seconds(10)).is_far());
}
