//! Stopping, resuming, and counting.

use std::net::TcpStream;
use std::time::Duration;

use certstore_conformance::loopback_s3::{Effect, Fault, LoopbackS3, Op};

use super::client::{get, put, send};

#[test]
fn a_stopped_server_refuses_and_a_resumed_one_has_its_objects() {
    let server = LoopbackS3::start().unwrap();
    let endpoint = server.endpoint();
    assert_eq!(put(&server, "a", &[], "1"), 200);
    let mut idle = TcpStream::connect(endpoint.replace("http://", "")).unwrap();
    for _ in 0..3 {
        server.stop();
        server.stop();
        assert!(TcpStream::connect(endpoint.replace("http://", "")).is_err());
        server.resume().unwrap();
        server.resume().unwrap();
        assert_eq!(server.endpoint(), endpoint);
        assert_eq!(get(&server, "a").unwrap(), "1");
    }
    idle.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    assert_eq!(
        std::io::Read::read(&mut idle, &mut [0]).unwrap_or(0),
        0,
        "old connections are closed"
    );
}

#[test]
fn stopping_ends_requests_under_way() {
    let server = LoopbackS3::start().unwrap();
    let slow = Duration::from_secs(60);
    let before = server.fault(Fault::new(Effect::Delay(slow)).on(Op::PutObject).key("before"));
    let after = server.fault(Fault::new(Effect::DelayReply(slow)).on(Op::PutObject).key("after"));
    std::thread::scope(|scope| {
        let puts = ["before", "after"].map(|key| scope.spawn(|| put(&server, key, &[], "1")));
        while before.fired() + after.fired() < 2 {
            std::thread::yield_now();
        }
        while get(&server, "after").is_none() {
            std::thread::yield_now();
        }
        server.stop();
        for put in puts {
            assert_eq!(put.join().unwrap(), 0);
        }
    });
    server.resume().unwrap();
    assert_eq!(get(&server, "before"), None);
    assert_eq!(get(&server, "after").unwrap(), "1");
}

#[test]
fn requests_are_counted_by_operation() {
    let server = LoopbackS3::start().unwrap();
    assert_eq!(put(&server, "p/a", &["if-none-match: *"], "1"), 200);
    assert_eq!(put(&server, "p/a", &["if-none-match: *"], "2"), 412);
    assert!(get(&server, "p/a").is_some());
    let list = send(&server, "GET", "?list-type=2&prefix=p%2F", &[], "");
    assert!(list.body.contains("<Key>p/a</Key>"), "{}", list.body);
    let requests = server.requests();
    assert_eq!(requests.total(), 4);
    let counts =
        [Op::PutObject, Op::GetObject, Op::ListObjectsV2, Op::HeadObject].map(|op| requests.of(op));
    assert_eq!(counts, [2, 1, 1, 0]);
    assert_eq!(requests.per_op().len(), 3);
    let seen: Vec<_> = requests.iter().map(|r| (r.key.as_str(), r.conditional, r.status)).collect();
    let expected =
        [("p/a", true, 200), ("p/a", true, 412), ("p/a", false, 200), ("p/", false, 200)];
    assert_eq!(seen, expected);
    assert!(
        requests.iter().all(|r| r.access_key == server.access_key() && r.bucket == server.bucket())
    );
    server.clear_requests();
    assert_eq!(server.requests().total(), 0);
}

#[test]
fn secrets_are_not_shown() {
    let server = LoopbackS3::start().unwrap();
    let shown = format!("{server:?} {:?} {:?}", server.read_only(), server.temporary());
    for secret in
        [server.secret_key(), &server.read_only().secret_key, &server.temporary().secret_key]
    {
        assert!(!shown.contains(secret));
    }
}
