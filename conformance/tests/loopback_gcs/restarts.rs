//! Stopping, resuming, and counting.

use std::net::TcpStream;

use certstore_conformance::loopback_gcs::{LoopbackGcs, Op};

use super::client::{get, put, read, send};

#[test]
fn a_stopped_server_refuses_and_a_resumed_one_has_its_objects() {
    let server = LoopbackGcs::start().unwrap();
    let endpoint = server.endpoint();
    assert_eq!(put(&server, "a", "", "1"), 200);
    let generation = read(&server, "a", "").generation;
    for _ in 0..3 {
        server.stop();
        server.stop();
        assert!(TcpStream::connect(endpoint.replace("http://", "")).is_err());
        server.resume().unwrap();
        server.resume().unwrap();
        assert_eq!(server.endpoint(), endpoint);
        assert_eq!(get(&server, "a").unwrap(), "1");
        assert_eq!(read(&server, "a", "").generation, generation);
    }
    drop(server);
    assert!(TcpStream::connect(endpoint.replace("http://", "")).is_err());
}

#[test]
fn every_request_is_counted() {
    let server = LoopbackGcs::start().unwrap();
    put(&server, "a", "&ifGenerationMatch=0", "1");
    get(&server, "a");
    get(&server, "b");
    send(&server, "GET", "/storage/v1/b/certs/o/a", &["authorization: Bearer wrong"], "");
    send(&server, "GET", "/storage/v1/b/certs/o?prefix=a%2Fb", &[], "");
    let requests = server.requests();
    assert_eq!(requests.total(), 5);
    assert_eq!((requests.of(Op::InsertObject), requests.of(Op::ReadObject)), (1, 2));
    let seen: Vec<_> = requests
        .iter()
        .map(|request| (request.op, request.key.as_str(), request.conditional, request.status))
        .collect();
    assert_eq!(
        seen,
        [
            (Op::InsertObject, "a", true, 200),
            (Op::ReadObject, "a", false, 200),
            (Op::ReadObject, "b", false, 404),
            (Op::GetObject, "a", false, 401),
            (Op::ListObjects, "a/b", false, 200),
        ]
    );
    let names: Vec<_> = requests.iter().map(|request| request.access_key.as_str()).collect();
    assert_eq!(names, ["full", "full", "full", "", "full"]);
    server.clear_requests();
    assert_eq!(server.requests().total(), 0);
}
