use redis::{RedisError, parse_redis_value};

use super::*;

fn answer(text: &str) -> RedisError {
    let value = parse_redis_value(format!("-{text}\r\n").as_bytes()).expect("an error reply");
    value.extract_error().expect_err("an error")
}

#[test]
fn each_answer_says_what_to_do() {
    let cases = [
        (
            "WRONGPASS invalid username-password pair or user is disabled.",
            ErrorKind::PermissionDenied,
        ),
        ("NOAUTH Authentication required.", ErrorKind::PermissionDenied),
        (
            "NOPERM this user has no permissions to run the 'get' command",
            ErrorKind::PermissionDenied,
        ),
        ("OOM command not allowed when used memory > 'maxmemory'.", ErrorKind::Unavailable),
        ("MISCONF Redis is configured to save RDB snapshots, but ...", ErrorKind::Unavailable),
        ("LOADING Redis is loading the dataset in memory", ErrorKind::Unavailable),
        ("READONLY You can't write against a read only replica.", ErrorKind::Unavailable),
        ("MASTERDOWN Link with MASTER is down", ErrorKind::Unavailable),
        ("NOREPLICAS Not enough good replicas to write.", ErrorKind::Unavailable),
        ("MOVED 3999 127.0.0.1:6381", ErrorKind::InvalidConfig),
        ("CLUSTERDOWN Hash slot not served", ErrorKind::Unavailable),
        ("TRYAGAIN Multiple keys request during rehashing of slot", ErrorKind::Unavailable),
        ("ERR max number of clients reached", ErrorKind::Unavailable),
        ("ERR DB index is out of range", ErrorKind::InvalidConfig),
        ("ERR SELECT is not allowed in cluster mode", ErrorKind::InvalidConfig),
        ("ERR This instance has cluster support disabled", ErrorKind::InvalidConfig),
        ("BUSY Redis is busy running a script.", ErrorKind::Unavailable),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", ErrorKind::Corrupt),
        ("ERR something new", ErrorKind::Other),
    ];
    for (text, kind) in cases {
        let error = redis_error(answer(text), Effect::Write);
        assert_eq!(error.kind(), kind, "{text}: {error:?}");
        assert!(!error.may_have_applied(), "{text}: the server refused it");
        assert!(!error.to_string().contains('\n'), "{text}: {error}");
    }
}

#[test]
fn a_slot_on_its_way_is_worth_a_retry() {
    let error = cluster_error(answer("MOVED 3999 127.0.0.1:6381"), Effect::Write);
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(!error.may_have_applied(), "{error:?}");
    let error = cluster_error(answer("ERR DB index is out of range"), Effect::Write);
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error:?}");
}

#[test]
fn only_a_write_without_a_reply_is_unclear() {
    let lost = || RedisError::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
    assert!(redis_error(lost(), Effect::Write).may_have_applied());
    assert!(!redis_error(lost(), Effect::Read).may_have_applied());
    assert!(redis_error(lost(), Effect::Write).is_retryable());
    let limit = std::time::Duration::from_secs(1);
    assert!(timed_out(limit, Effect::Write).may_have_applied());
    assert!(!timed_out(limit, Effect::Read).may_have_applied());
}

#[test]
fn nothing_is_told_twice() {
    let silent = RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
    for (error, says) in [
        (redis_error(silent, Effect::Write), "timed out"),
        (redis_error(answer("ERR something new"), Effect::Write), "something new"),
        (cluster_error(answer("MOVED 3999 127.0.0.1:6381"), Effect::Read), "3999 127.0.0.1:6381"),
    ] {
        let mut told = vec![error.to_string()];
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            told.push(cause.to_string());
            source = cause.source();
        }
        let found = told.iter().filter(|text| text.contains(says));
        assert_eq!(found.count(), 1, "{told:?}");
    }
}
