//! The example `obtain` as several processes that share one backend, against Pebble.

#![cfg(unix)]

mod caddy;
mod front;
mod node;
#[path = "../../examples/obtain/node.rs"]
mod obtain;
mod stalling;

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use caddy::Caddy;
use certstore_conformance::servers::{Pebble, RedisOptions, RedisServer};
use certstore_core::StorageKeys;
use front::Front;
use node::Node;

const NAME: &str = "fleet.example";
/// A file that does not appear.
const NEVER: &str = "/proc/no file";

/// What a node runs: idle in ordinary test runs.
#[test]
fn node_process() {
    node::run();
}

/// Two at once, and a third one later.
fn a_fleet_orders_once(url: &str) {
    let pebble = Pebble::start().expect("Pebble starts");
    let _front = Front::start(url, &pebble);
    let nodes = [(); 2].map(|()| Node::start(url, &pebble, NAME));
    let obtained = nodes.each_ref().map(Node::obtained);
    let late = Node::start(url, &pebble, NAME).obtained();
    let mut origins = [obtained[0].0.as_str(), &obtained[1].0, &late.0];
    origins.sort_unstable();
    assert_eq!(origins, ["Ordered", "Stored", "Stored"]);
    assert_eq!(obtained[0].1, obtained[1].1);
    assert_eq!(obtained[0].1, late.1);
    assert_eq!(pebble.orders(), 1, "{}", pebble.process().log());
    assert_eq!(accounts(&pebble), 1, "{}", pebble.process().log());
}

#[test]
fn a_fleet_on_files_orders_once_with_one_account() {
    let folder = tempfile::tempdir().unwrap();
    a_fleet_orders_once(&format!("file://{}", folder.path().display()));
    let left = |dir: &str| {
        std::fs::read_dir(folder.path().join("acme")).unwrap().any(|ca| {
            let dir = ca.unwrap().path().join(dir);
            dir.is_dir() && std::fs::read_dir(dir).unwrap().count() > 0
        })
    };
    assert!(left("users"));
    assert!(!left("orders") && !left("challenge_tokens"), "something is left of the order");
}

#[test]
fn a_fleet_on_redis_orders_once_with_one_account() {
    let redis = RedisServer::start(RedisOptions::default()).unwrap();
    a_fleet_orders_once(&redis.url());
}

/// One process is killed when it is about to send that request; the next one does the rest.
fn a_killed_process_is_succeeded(request: &str) {
    let pebble = Pebble::start().expect("Pebble starts");
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("file://{}", folder.path().display());
    let _front = Front::start(&url, &pebble);
    let first = Node::stalling(&url, &pebble, request, Path::new(NEVER));
    first.wait_for("stalled before ");
    assert_eq!(pebble.orders(), 1);
    drop(first);
    let (origin, leaf) = Node::start(&url, &pebble, NAME).obtained();
    assert_eq!(origin, "Resumed");
    assert_eq!(pebble.orders(), 1, "{}", pebble.process().log());
    assert_eq!(Node::start(&url, &pebble, NAME).obtained(), ("Stored".to_owned(), leaf));
}

#[test]
fn an_order_whose_process_is_killed_before_the_challenge_is_resumed() {
    a_killed_process_is_succeeded("/chalZ/");
}

#[test]
fn an_order_whose_process_is_killed_before_it_finalizes_is_resumed() {
    a_killed_process_is_succeeded("/finalize-order/");
}

#[test]
fn an_order_whose_process_is_killed_after_it_finalized_is_resumed() {
    a_killed_process_is_succeeded("/certZ/");
}

#[test]
fn a_storage_that_is_down_at_the_start_leads_to_no_order() {
    let pebble = Pebble::start().unwrap();
    let redis = RedisServer::start(RedisOptions::default()).unwrap();
    let url = redis.url();
    let front = Front::start(&url, &pebble);
    let process = redis.process().unwrap();
    process.kill().unwrap();
    let nodes = [(); 2].map(|()| Node::start(&url, &pebble, NAME));
    for node in &nodes {
        node.wait_for("no storage");
        node.wait_for("no storage");
    }
    assert_eq!((pebble.orders(), accounts(&pebble)), (0, 0), "{}", pebble.process().log());
    process.start_again().unwrap();
    let obtained = nodes.each_ref().map(Node::obtained);
    assert_eq!(obtained[0].1, obtained[1].1);
    assert_eq!((pebble.orders(), accounts(&pebble)), (1, 1), "{}", pebble.process().log());
    drop(front);
}

#[test]
fn a_storage_that_is_away_while_a_process_orders_leads_to_no_second_order() {
    let pebble = Pebble::start().unwrap();
    let redis = RedisServer::start(RedisOptions::default()).unwrap();
    let url = redis.url();
    let _front = Front::start(&url, &pebble);
    let folder = tempfile::tempdir().unwrap();
    let signal = folder.path().join("go on");
    let node = Node::stalling(&url, &pebble, "/certZ/", &signal);
    node.wait_for("stalled before ");
    let process = redis.process().unwrap();
    process.pause().unwrap();
    std::fs::write(&signal, []).unwrap();
    // It has the certificate, cannot store it, and loses its lock over that.
    node.wait_for("again: ");
    process.resume().unwrap();
    let (origin, leaf) = node.obtained();
    assert_eq!(origin, "Resumed");
    assert_eq!(Node::start(&url, &pebble, NAME).obtained(), ("Stored".to_owned(), leaf));
    assert_eq!(pebble.orders(), 1, "{}", pebble.process().log());
}

#[test]
fn processes_that_race_for_different_names_share_one_account() {
    let pebble = Pebble::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().display());
    let _front = Front::start(&url, &pebble);
    let nodes =
        ["a.example", "b.example", "c.example"].map(|name| Node::start(&url, &pebble, name));
    for node in &nodes {
        assert_eq!(node.obtained().0, "Ordered");
    }
    assert_eq!((pebble.orders(), accounts(&pebble)), (3, 1), "{}", pebble.process().log());
}

#[test]
fn an_account_whose_registering_process_is_killed_is_found_by_its_key() {
    let pebble = Pebble::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().display());
    let _front = Front::start(&url, &pebble);
    // The account is made, and its address is not noted yet.
    let first = Node::stalling(&url, &pebble, "/my-account/", Path::new(NEVER));
    first.wait_for("stalled before ");
    assert_eq!(accounts(&pebble), 1);
    drop(first);
    assert_eq!(Node::start(&url, &pebble, NAME).obtained().0, "Ordered");
    assert_eq!((pebble.orders(), accounts(&pebble)), (1, 1), "{}", pebble.process().log());
}

#[test]
fn a_ca_that_has_forgotten_the_account_gets_it_again() {
    let pebble = Pebble::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().display());
    let _front = Front::start(&url, &pebble);
    let first = Node::stalling(&url, &pebble, "/finalize-order/", Path::new(NEVER));
    first.wait_for("stalled before ");
    drop(first);
    // It keeps accounts and orders in memory.
    pebble.process().restart().unwrap();
    assert_eq!(Node::start(&url, &pebble, NAME).obtained().0, "Ordered");
}

#[test]
fn a_storage_that_takes_no_order_gets_none_from_the_ca() {
    let pebble = Pebble::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().display());
    let _front = Front::start(&url, &pebble);
    // A value where the directory would be.
    let issuer = StorageKeys::issuer_key(&pebble.directory());
    let place = folder.path().join("acme").join(StorageKeys::safe(&issuer));
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("orders"), []).unwrap();
    let node = Node::start(&url, &pebble, NAME);
    node.wait_for("again: ");
    node.wait_for("again: ");
    assert_eq!(pebble.orders(), 0, "{}", pebble.process().log());
    std::fs::remove_file(place.join("orders")).unwrap();
    assert_eq!(node.obtained().0, "Ordered");
    assert_eq!(pebble.orders(), 1, "{}", pebble.process().log());
}

#[test]
fn an_order_that_the_ca_ends_is_told_and_the_next_one_is_new() {
    let pebble = Pebble::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().display());
    // Nobody listens where the CA looks.
    let refused = Node::start(&url, &pebble, NAME).wait_for("failed: ");
    assert!(refused.contains("validate the names"), "{refused}");
    let _front = Front::start(&url, &pebble);
    assert_eq!(Node::start(&url, &pebble, NAME).obtained().0, "Ordered");
    assert_eq!((pebble.orders(), accounts(&pebble)), (2, 1), "{}", pebble.process().log());
}

#[test]
fn caddy_serves_what_was_obtained_and_orders_with_the_same_account_and_the_reverse() {
    let pebble = Pebble::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().display());
    let front = Front::start(&url, &pebble);
    assert_eq!(Node::start(&url, &pebble, NAME).obtained().0, "Ordered");
    drop(front);
    let caddy = Caddy::start(folder.path(), &pebble, &[NAME, "caddy.example"]);
    let [ours, theirs] = [NAME, "caddy.example"].map(|name| caddy.certificate_of(&pebble, name));
    assert_eq!((pebble.orders(), accounts(&pebble)), (2, 1), "{}", pebble.process().log());
    drop(caddy);
    for (name, shown) in [(NAME, ours), ("caddy.example", theirs)] {
        let (origin, first_line) = Node::start(&url, &pebble, name).obtained();
        assert_eq!(origin, "Stored");
        assert_eq!(first_line, BASE64_STANDARD.encode(&shown[..48]), "{name}");
    }
    assert_eq!((pebble.orders(), accounts(&pebble)), (2, 1), "{}", pebble.process().log());
}

#[test]
fn an_account_that_caddy_made_is_used() {
    let pebble = Pebble::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().display());
    let caddy = Caddy::start(folder.path(), &pebble, &["caddy.example"]);
    caddy.certificate_of(&pebble, "caddy.example");
    let made = accounts(&pebble);
    drop(caddy);
    let _front = Front::start(&url, &pebble);
    assert_eq!(Node::start(&url, &pebble, NAME).obtained().0, "Ordered");
    assert_eq!((pebble.orders(), accounts(&pebble)), (2, made), "{}", pebble.process().log());
}

/// How many accounts the CA has made since it was started.
fn accounts(pebble: &Pebble) -> usize {
    pebble.process().log().matches("accounts in memory").count()
}
