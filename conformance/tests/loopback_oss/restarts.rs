//! Stopping, resuming, and counting.

use std::net::TcpStream;

use certstore_conformance::loopback_oss::{Effect, Fault, LoopbackOss, Op};

use super::client::{append, get, put, send};

#[test]
fn a_stopped_server_refuses_and_a_resumed_one_has_its_objects() {
    let server = LoopbackOss::start().unwrap();
    let endpoint = server.endpoint();
    assert_eq!(put(&server, "a", &[], "1"), 200);
    for _ in 0..3 {
        server.stop();
        server.stop();
        assert!(TcpStream::connect(endpoint.replace("http://", "")).is_err());
        server.resume().unwrap();
        server.resume().unwrap();
        assert_eq!(server.endpoint(), endpoint);
        assert_eq!(get(&server, "a").unwrap(), "1");
    }
}

#[test]
fn every_request_is_counted_and_told() {
    let server = LoopbackOss::start().unwrap();
    assert_eq!(put(&server, "a", &["x-oss-forbid-overwrite: true"], "1"), 200);
    assert_eq!(append(&server, "log", 0, "1"), 200);
    assert_eq!(append(&server, "log", 0, "1"), 409);
    server.fault(Fault::new(Effect::LoseReply).on(Op::GetObject));
    assert_eq!(get(&server, "a"), None);
    assert_eq!(send(&server, "GET", "?list-type=2&prefix=lo", &[], "").status, 200);
    let requests = server.requests();
    assert_eq!(requests.total(), 5);
    assert_eq!((requests.of(Op::PutObject), requests.of(Op::AppendObject)), (1, 2));
    let told: Vec<_> = requests
        .iter()
        .map(|request| (request.op, request.key.as_str(), request.conditional, request.status))
        .collect();
    let expected = [
        (Op::PutObject, "a", true, 200),
        (Op::AppendObject, "log", true, 200),
        (Op::AppendObject, "log", true, 409),
        (Op::GetObject, "a", false, 0),
        (Op::ListObjectsV2, "lo", false, 200),
    ];
    assert_eq!(told, expected);
    assert!(requests.iter().all(|request| request.bucket == server.bucket()));
    assert!(requests.iter().all(|request| request.access_key == server.access_key()));
    server.clear_requests();
    assert_eq!(server.requests().total(), 0);
}
