//! Five processes over one storage, behind one address.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use certstore_conformance::servers::Pebble;

use crate::measured;
use crate::node::{Ca, Node, accounts, asked};
use crate::places::Place;
use crate::round_robin::RoundRobin;

const NODES: usize = 5;
const NAMES: usize = 20;
/// All nodes together, with the CA, on a machine that has other things to do.
const LIMIT: Duration = Duration::from_secs(50);

const SOON: Duration = Duration::from_secs(3);

/// When which node was first seen to serve a name, and what.
type Seen = Mutex<BTreeMap<String, Vec<(Instant, Vec<u8>)>>>;

/// Twenty names are ordered once each by five nodes that start together, and all serve them `within` that time after the
/// first: of a second, and of what a busy machine adds.
fn a_fleet_orders_each_name_once(place: &Place, within: Duration) {
    let pebble = Pebble::start().expect("Pebble starts");
    let door = RoundRobin::on(pebble.http_port());
    let names: Vec<String> = (0..NAMES).map(|at| format!("n{at:02}.fleet.example")).collect();
    let listed: Vec<&str> = names.iter().map(String::as_str).collect();
    let (ca, roots) = (Ca::of(&pebble), pebble.issuer().expect("its root"));
    let nodes: Vec<Node> = thread::scope(|scope| {
        let start = || {
            let node = Node::start(&place.url, &ca, &listed);
            door.add(node.http());
            node
        };
        let starting: Vec<_> = (0..NODES).map(|_| scope.spawn(start)).collect();
        starting.into_iter().map(|node| node.join().expect("it starts")).collect()
    });
    let (seen, end) = (Seen::default(), Instant::now() + LIMIT);
    thread::scope(|scope| {
        for node in &nodes {
            scope.spawn(|| look_at(node, &roots, &names, &seen, end));
        }
    });
    let seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut slowest = Duration::ZERO;
    for name in &names {
        let shown = seen.get(name).map(Vec::as_slice).unwrap_or_default();
        assert_eq!(shown.len(), NODES, "{name}: {}", nodes[0].process.error("is looked at"));
        assert!(shown.iter().all(|(_, leaf)| *leaf == shown[0].1), "{name}: one certificate");
        let first = shown.iter().map(|(when, _)| when).min().expect("there are some");
        slowest = slowest.max(shown.iter().map(|(when, _)| *when - *first).max().expect("some"));
    }
    measured(&format!("the last node served {slowest:?} after the first"));
    assert!(slowest < within, "{slowest:?}");
    for node in &nodes {
        node.told();
    }
    assert_eq!((pebble.orders(), accounts(&pebble)), (NAMES, 1));
    assert_eq!(asked(&place.url, &["locks"]), serde_json::json!([]));
}

/// Shakes hands for the names that it does not serve yet.
fn look_at(node: &Node, roots: &str, names: &[String], seen: &Seen, end: Instant) {
    let mut left: Vec<&String> = names.iter().collect();
    while !left.is_empty() && Instant::now() < end {
        left.retain(|name| {
            let Some(leaf) = node.shows(roots, name) else { return true };
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.entry((*name).clone()).or_default().push((Instant::now(), leaf));
            false
        });
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn five_nodes_on_files() {
    a_fleet_orders_each_name_once(&Place::on_files(), SOON);
}

#[test]
fn five_nodes_on_redis() {
    a_fleet_orders_each_name_once(&Place::on_redis(), SOON);
}

#[test]
fn five_nodes_on_postgresql() {
    a_fleet_orders_each_name_once(&Place::on_postgres(), SOON);
}

#[test]
fn five_nodes_on_s3() {
    // Signing and parsing of thousands of requests, without optimization, for six processes.
    a_fleet_orders_each_name_once(&Place::on_s3(), 5 * SOON);
}
