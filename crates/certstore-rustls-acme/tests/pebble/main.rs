//! The example `fleet` as two processes that share one backend, against Pebble.

#![cfg(unix)]

mod node;
#[path = "../../examples/fleet/server.rs"]
mod server;

use certstore_conformance::servers::{Pebble, RedisOptions, RedisServer, TlsFront};
use node::Node;

const DOMAIN: &str = "fleet.example";

/// What a node runs: idle in ordinary test runs.
#[test]
fn node_process() {
    node::run();
}

#[test]
fn two_processes_on_one_backend_order_once_and_serve_the_same_certificate() {
    let pebble = Pebble::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().display());
    let nodes = [(); 2].map(|()| Node::start(&url, &pebble, DOMAIN));
    let addresses = nodes.iter().map(Node::address).collect();
    let _front = TlsFront::start(pebble.tls_port(), addresses).unwrap();
    // One orders; the other finds what that one stored.
    let words = ["DeployedNewCert", "DeployedCachedCert"];
    let deployed = nodes.each_ref().map(|node| node.wait_for(&words));
    assert_eq!(
        deployed.iter().filter(|line| *line == "DeployedNewCert").count(),
        1,
        "{deployed:?}"
    );
    assert_eq!(pebble.orders(), 1, "{}", pebble.process().log());
    let shown = nodes.each_ref().map(|node| pebble.certificate_of(node.address(), DOMAIN).unwrap());
    assert_eq!(shown[0], shown[1]);

    // A third one starts later and orders nothing.
    let late = Node::start(&url, &pebble, DOMAIN);
    late.wait_for(&["DeployedCachedCert"]);
    assert_eq!(pebble.certificate_of(late.address(), DOMAIN).unwrap(), shown[0]);
    assert_eq!(pebble.orders(), 1);
}

#[test]
fn a_backend_that_is_down_at_the_start_leads_to_no_order() {
    let pebble = Pebble::start().unwrap();
    let redis = RedisServer::start(RedisOptions::default()).unwrap();
    let url = redis.url();
    let process = redis.process().unwrap();
    process.kill().unwrap();
    let nodes = [(); 2].map(|()| Node::start(&url, &pebble, DOMAIN));
    let addresses = nodes.iter().map(Node::address).collect();
    let _front = TlsFront::start(pebble.tls_port(), addresses).unwrap();
    for node in &nodes {
        node.wait_for(&["no storage"]);
        node.wait_for(&["no storage"]);
    }
    assert_eq!(pebble.orders(), 0, "{}", pebble.process().log());
    process.start_again().unwrap();
    for node in &nodes {
        node.wait_for(&["DeployedNewCert", "DeployedCachedCert"]);
    }
    assert_eq!(pebble.orders(), 1, "{}", pebble.process().log());
    let shown = nodes.each_ref().map(|node| pebble.certificate_of(node.address(), DOMAIN).unwrap());
    assert_eq!(shown[0], shown[1]);
}

#[test]
fn the_lock_of_a_process_that_is_killed_while_it_orders_goes_to_the_other() {
    let pebble = Pebble::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().display());
    // Nobody answers the challenge yet, so the order of the first does not come to an end.
    let first = Node::start(&url, &pebble, DOMAIN);
    pebble.wait_for_orders(1).unwrap();
    let second = Node::start(&url, &pebble, DOMAIN);
    let _front = TlsFront::start(pebble.tls_port(), vec![second.address()]).unwrap();
    drop(first);
    second.wait_for(&["DeployedNewCert"]);
    assert_eq!(pebble.orders(), 2);
    assert!(pebble.certificate_of(second.address(), DOMAIN).is_ok());
}
