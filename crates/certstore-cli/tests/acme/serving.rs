//! Three nodes that start together, one that comes late, and a CA that gives nothing.

use certstore_conformance::servers::{CaProxy, Part, Pebble};

use crate::node::{Ca, Node, asked, command, files};
use crate::places::Place;
use crate::round_robin::RoundRobin;

fn a_fleet_answers_for_each_other(place: &Place) {
    let pebble = Pebble::start().expect("Pebble starts");
    let (ca, roots) = (Ca::of(&pebble), pebble.issuer().expect("its root"));
    let names = ["site.example", "www.site.example"];
    let door = RoundRobin::on(pebble.http_port());
    let nodes = [(); 3].map(|()| Node::start(&place.url, &ca, &names));
    // Only one of them is reached by the CA.
    door.add(nodes[0].http());
    for name in names {
        let shown = nodes.each_ref().map(|node| node.certificate(&roots, name));
        assert!(shown.iter().all(|one| *one == shown[0]), "{name}");
    }
    for node in &nodes {
        node.told();
    }
    assert_eq!(pebble.orders(), names.len(), "{}", pebble.process().log());
    // Who comes later finds what is stored, and asks no CA.
    drop(nodes);
    pebble.process().kill().expect("it is killed");
    let told = Node::start(&place.url, &ca, &names).told();
    assert_eq!(told["sites"][1]["name"], "www.site.example");
    assert!(told["sites"][1]["not_after"].is_string());
}

#[test]
fn three_nodes_on_files_order_each_name_once_and_answer_for_each_other() {
    a_fleet_answers_for_each_other(&Place::on_files());
}

#[test]
fn three_nodes_on_redis_order_each_name_once_and_answer_for_each_other() {
    a_fleet_answers_for_each_other(&Place::on_redis());
}

#[test]
fn who_is_stopped_in_the_middle_of_an_order_leaves_no_lock() {
    let (place, pebble) = (Place::on_redis(), Pebble::start().unwrap());
    let proxy = CaProxy::before(&pebble).unwrap();
    let held = proxy.hold(Part::Request, "/order-plz");
    let node = Node::start(&place.url, &Ca::through(&proxy), &["stopped.example"]);
    held.reached().unwrap();
    let locks = asked(&place.url, &["locks"]);
    assert_eq!(locks.as_array().map(Vec::len), Some(1), "{locks}");
    node.process.stop().unwrap();
    // Not only after its lease.
    assert_eq!(asked(&place.url, &["locks"]), serde_json::json!([]));
}

#[test]
fn a_ca_that_is_down_or_refuses_is_said_in_one_line() {
    let pebble = Pebble::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (url, ca) = (files(folder.path()), Ca::of(&pebble));
    let run = |names: &[&str]| {
        let mut command = command(&url, &ca, names);
        let ran = command.args(["--https", "127.0.0.1:0", "--no-http"]).output().unwrap();
        let err = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(1), "{err}");
        let last = err.lines().last().unwrap().to_owned();
        assert!(last.starts_with("certstore: ") && !err.contains("PRIVATE"), "{err}");
        last
    };
    // Nobody answers at the CA's port for HTTP-01.
    let line = run(&["site.example"]);
    assert!(line.contains("site.example"), "{line}");
    pebble.process().kill().unwrap();
    let line = run(&["site.example"]);
    assert!(line.contains("certificate authority"), "{line}");
}
