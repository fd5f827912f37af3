use super::*;

const HOUR: Duration = Duration::from_secs(3600);

fn created(record: &Record) -> Vec<u64> {
    record.keys.iter().map(|key| key.created).collect()
}

#[test]
fn it_is_read_as_it_was_written() {
    let record = Record::default().rotated(100, HOUR, 3).unwrap();
    let record = record.rotated(3700, HOUR, 3).unwrap();
    let read = Record::parse(&record.to_json().unwrap()).unwrap();
    assert_eq!(created(&read), [3700, 100]);
    let ticket = record.keys[1].seal(b"session").unwrap();
    assert_eq!(read.keys[1].open(&ticket).as_deref(), Some(&b"session"[..]));
    assert!(read.keys[0].open(&ticket).is_none());
}

#[test]
fn what_is_no_record_is_refused_and_not_shown() {
    let secret = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3I=";
    let id = "AAAAAAAAAAAAAAAAAAAAAA==";
    let of = |version: u32, id: &str, secret: &str| {
        format!(
            r#"{{"version":{version},"keys":[{{"id":"{id}","created":1,"secret":"{secret}"}}]}}"#
        )
    };
    assert_eq!(created(&Record::parse(of(1, id, secret).as_bytes()).unwrap()), [1]);
    let bad = ["", "{}", "[]", r#"{"version":1}"#, r#"{"version":1,"keys":[]}"#, "\u{0}\u{1}"];
    let bad = bad.map(str::to_owned).into_iter().chain([
        of(1, "AAAA", secret),
        of(1, id, &secret[4..]),
        of(1, id, "?"),
        of(1, id, secret).replace("\"created\":1", "\"created\":-1"),
        of(1, id, secret).replace("\"created\":1,\"secret\"", "\"created\""),
    ]);
    for json in bad {
        let error = Record::parse(json.as_bytes()).expect_err(&json);
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{json}");
        assert!(!format!("{error:?}").contains("c2Vj"), "{error:?}");
    }
    let later = Record::parse(of(2, id, secret).as_bytes()).unwrap_err();
    assert_eq!(later.kind(), ErrorKind::Unsupported);
}

#[test]
fn so_many_keys_stay_and_none_that_is_too_old() {
    let mut record = Record::default();
    for turn in 0..5 {
        record = record.rotated(turn * 3600, HOUR, 3).unwrap();
    }
    assert_eq!(created(&record), [4 * 3600, 3 * 3600, 2 * 3600]);
    assert!(!record.is_over(4 * 3600 + 3599, HOUR) && record.is_over(5 * 3600, HOUR));
    let after_two_weeks = record.rotated(14 * 86_400, HOUR, 3).unwrap();
    assert_eq!(created(&after_two_weeks), [14 * 86_400]);
}

#[test]
fn a_clock_that_is_wrong_makes_no_second_turn_and_stops_none() {
    let ahead = Record::default().rotated(10_000 + 1800, HOUR, 3).unwrap();
    assert!(!ahead.is_over(10_000, HOUR));
    let next = ahead.rotated(10_000, HOUR, 3).unwrap();
    assert!(!next.is_over(10_000 + 1800, HOUR), "the clock that is ahead waits a turn");
    let years_ahead = Record::default().rotated(2_000_000_000, HOUR, 3).unwrap();
    assert_eq!(created(&years_ahead.rotated(10_000, HOUR, 3).unwrap())[0], 10_000 + 3600);
}

#[test]
fn nothing_secret_is_shown() {
    let record = Record::default().rotated(100, HOUR, 3).unwrap();
    let secret = format!("{:?}", &*record.keys[0].secret);
    let shown = format!("{record:?}");
    assert!(shown.contains("created: 100") && !shown.contains(&secret[1..40]), "{shown}");
}
