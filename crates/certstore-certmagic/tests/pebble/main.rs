//! The example `certmagic-fleet` as two processes that share one backend, against Pebble.

#![cfg(unix)]

#[path = "../../examples/certmagic-fleet/server.rs"]
mod server;

use std::net::{SocketAddr, TcpListener};

use certstore_conformance::servers::{Pebble, RedisOptions, RedisServer, TestNode, TlsFront};
use server::{Options, serve};

const DOMAIN: &str = "fleet.example";

/// What a node runs: idle in ordinary test runs.
#[test]
fn node_process() {
    let Some(words) = TestNode::words() else { return };
    let options = Options::from_words(words).unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(serve(options)).unwrap();
}

struct Node {
    process: TestNode,
    address: SocketAddr,
}

fn start(storage: &str, pebble: &Pebble) -> Node {
    let root = pebble.api_root().display().to_string();
    let words = [storage, &pebble.directory(), &root, "127.0.0.1:0", DOMAIN];
    let process = TestNode::start("node_process", &words).expect("the node starts");
    let address = process.address("listening on ").expect("its address");
    Node { process, address }
}

/// Whether the node ordered, once it serves.
fn has_ordered(node: &Node) -> bool {
    node.process.wait_for(&["serving"]).expect("it serves in the end");
    node.process.said().contains(&format!("ordered {DOMAIN}"))
}

fn certificate(pebble: &Pebble, node: &Node) -> Vec<u8> {
    pebble.certificate_of(node.address, DOMAIN).expect("a certificate of this CA")
}

fn one_order_for_two(storage: &str) {
    let pebble = Pebble::start().expect("Pebble starts");
    let nodes = [(); 2].map(|()| start(storage, &pebble));
    // The first is asked for every challenge, whoever ordered.
    let _front = TlsFront::start(pebble.tls_port(), vec![nodes[0].address]).expect("a free port");
    let ordered = nodes.each_ref().map(has_ordered);
    assert_ne!(ordered[0], ordered[1]);
    assert_eq!(pebble.orders(), 1, "{}", pebble.process().log());
    let shown = nodes.each_ref().map(|node| certificate(&pebble, node));
    assert_eq!(shown[0], shown[1]);

    // A third one starts later and orders nothing.
    let late = start(storage, &pebble);
    assert!(!has_ordered(&late));
    assert_eq!(certificate(&pebble, &late), shown[0]);
    assert_eq!(pebble.orders(), 1);
}

#[test]
fn two_processes_on_files_order_once_and_serve_the_same_certificate() {
    let folder = tempfile::tempdir().unwrap();
    one_order_for_two(&format!("file://{}", folder.path().display()));
}

#[test]
fn two_processes_on_redis_order_once_and_serve_the_same_certificate() {
    let redis = RedisServer::start(RedisOptions::default()).unwrap();
    one_order_for_two(&redis.url());
}

#[test]
fn the_lock_of_a_process_that_is_killed_while_it_orders_goes_to_the_other() {
    let pebble = Pebble::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let storage = format!("file://{}", folder.path().display());
    // The CA connects and gets no answer, so the order of the first does not come to an end.
    let silent = TcpListener::bind(("127.0.0.1", pebble.tls_port())).unwrap();
    let first = start(&storage, &pebble);
    let _asked = silent.accept().unwrap();
    drop(silent);
    let second = start(&storage, &pebble);
    let _front = TlsFront::start(pebble.tls_port(), vec![second.address]).unwrap();
    assert_eq!(pebble.orders(), 1);
    drop(first);
    assert!(has_ordered(&second));
    assert_eq!(pebble.orders(), 2);
    assert!(pebble.certificate_of(second.address, DOMAIN).is_ok());
}
