//! What no official client shows: dates by the server's own clock, errors of HEAD, operations that are not there.

use base64::Engine as _;
use certstore_conformance::loopback_oss::LoopbackOss;

use super::client::{append, put, send};

fn date(reply: &super::client::Reply, name: &str) -> i64 {
    let text = reply.header(name).unwrap_or_else(|| panic!("{name} is missing: {reply:?}"));
    let time = httpdate::parse_http_date(text).expect("a date");
    i64::try_from(time.duration_since(std::time::UNIX_EPOCH).expect("a date").as_secs())
        .expect("a date")
}

#[test]
fn age_is_told_by_the_servers_own_clock() {
    let server = LoopbackOss::start().unwrap();
    server.set_clock(-600);
    assert_eq!(put(&server, "a", &[], "1"), 200);
    server.set_clock(-300);
    let head = send(&server, "HEAD", "a", &[], "");
    let age = date(&head, "date") - date(&head, "last-modified");
    assert!((300..320).contains(&age), "{age}");
    server.set_clock(3_600);
    let refused = send(&server, "GET", "a", &[], "");
    assert!(refused.status == 403 && refused.body.contains("RequestTimeTooSkewed"), "{refused:?}");
}

#[test]
fn an_error_of_head_stands_in_a_header() {
    let server = LoopbackOss::start().unwrap();
    let reply = send(&server, "HEAD", "none", &[], "");
    assert_eq!((reply.status, &*reply.body), (404, ""));
    assert_eq!(reply.header("x-oss-ec"), Some("0026-00000001"));
    assert!(reply.header("x-oss-request-id").is_some());
    let xml = reply.header("x-oss-err").unwrap();
    let xml = base64::engine::general_purpose::STANDARD.decode(xml).unwrap();
    assert!(String::from_utf8(xml).unwrap().contains("<Code>NoSuchKey</Code>"));
}

#[test]
fn a_conflict_tells_the_position_that_would_do() {
    let server = LoopbackOss::start().unwrap();
    assert_eq!(append(&server, "a", 0, "12345"), 200);
    let reply = send(&server, "POST", "a?append=&position=3", &[], "x");
    assert_eq!(reply.status, 409);
    assert_eq!(reply.header("x-oss-next-append-position"), Some("5"));
    for (query, ec) in [("append", "0016-00000501"), ("append&position=x", "0016-00000502")] {
        let reply = send(&server, "POST", &format!("a?{query}"), &[], "x");
        assert_eq!((reply.status, reply.header("x-oss-ec")), (400, Some(ec)), "{query}");
    }
}

#[test]
fn what_is_not_there_is_said_to_be_so() {
    let server = LoopbackOss::start().unwrap();
    for (method, path) in
        [("GET", "?acl"), ("PUT", "?lifecycle"), ("POST", "a?uploads"), ("PATCH", "a")]
    {
        let reply = send(&server, method, path, &[], "");
        assert_eq!(reply.status, 501, "{method} {path}");
    }
    let copy = send(&server, "PUT", "a", &["x-oss-copy-source: /certs/b"], "");
    assert_eq!(copy.status, 501);
}
