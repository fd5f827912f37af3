//! The example `obtain` as several processes that share one backend, against Pebble.

#![cfg(unix)]

mod fleet;
mod front;
mod node;
#[path = "../../examples/obtain/node.rs"]
mod obtain;
mod stalling;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use certstore_conformance::servers::{Caddy, CaddyOptions, RedisOptions, RedisServer};
use certstore_core::StorageKeys;
use fleet::{Fleet, Made};

const NAME: &str = "fleet.example";
const ONE: Made = Made { orders: 1, accounts: 1 };

/// What a node runs: idle in ordinary test runs.
#[test]
fn node_process() {
    node::run();
}

/// Two at once, and a third one later.
fn a_fleet_orders_once(fleet: &Fleet) {
    let nodes = [(); 2].map(|()| fleet.node());
    let [first, second] = nodes.each_ref().map(node::Node::obtained);
    let late = fleet.node().obtained();
    let mut origins = [&*first.0, &second.0, &late.0];
    origins.sort_unstable();
    assert_eq!(origins, ["Ordered", "Stored", "Stored"]);
    assert_eq!((&first.1, &first.1), (&second.1, &late.1));
    assert_eq!(fleet.made(), ONE);
}

#[test]
fn a_fleet_on_files_orders_once_with_one_account() {
    let (fleet, folder) = Fleet::on_files();
    a_fleet_orders_once(&fleet);
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
    a_fleet_orders_once(&Fleet::on(&redis.url()));
}

#[test]
fn processes_that_race_for_different_names_share_one_account() {
    let (fleet, _folder) = Fleet::on_files();
    let nodes = ["a.example", "b.example", "c.example"].map(|name| fleet.node_for(name));
    for node in &nodes {
        assert_eq!(node.obtained().0, "Ordered");
    }
    assert_eq!(fleet.made(), Made { orders: 3, accounts: 1 });
}

/// One process is killed when it is about to send that request; the next one does the rest.
fn a_killed_process_is_succeeded(request: &str) {
    let (fleet, _folder) = Fleet::on_files();
    fleet.kill_one_before(request);
    assert_eq!(fleet.made(), ONE);
    let (origin, leaf) = fleet.node().obtained();
    assert_eq!(origin, "Resumed");
    assert_eq!(fleet.node().obtained(), ("Stored".to_owned(), leaf));
    assert_eq!(fleet.made(), ONE);
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
fn an_order_that_the_ca_does_not_have_gives_way_to_a_new_one() {
    let (fleet, folder) = Fleet::on_files();
    fleet.kill_one_before("/finalize-order/");
    let issuer = StorageKeys::safe(&StorageKeys::issuer_key(&fleet.pebble.directory()));
    let file = folder.path().join(format!("acme/{issuer}/orders/{NAME}.json"));
    let stored = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, stored.replace("/my-order/", "/my-order/x")).unwrap();
    assert_eq!(fleet.node().obtained().0, "Ordered");
    assert_eq!(fleet.made(), Made { orders: 2, accounts: 1 });
}

#[test]
fn an_account_whose_registering_process_is_killed_is_found_by_its_key() {
    let (fleet, _folder) = Fleet::on_files();
    // The account is made, and its address is not noted yet.
    fleet.kill_one_before("/my-account/");
    assert_eq!(fleet.made(), Made { orders: 0, accounts: 1 });
    assert_eq!(fleet.node().obtained().0, "Ordered");
    assert_eq!(fleet.made(), ONE);
}

#[test]
fn a_ca_that_has_forgotten_the_account_gets_it_again() {
    let (fleet, _folder) = Fleet::on_files();
    fleet.kill_one_before("/finalize-order/");
    // It keeps accounts and orders in memory.
    fleet.pebble.process().restart().unwrap();
    assert_eq!(fleet.node().obtained().0, "Ordered");
}

#[test]
fn a_storage_that_is_down_at_the_start_leads_to_no_order() {
    let redis = RedisServer::start(RedisOptions::default()).unwrap();
    let fleet = Fleet::on(&redis.url());
    let process = redis.process().unwrap();
    process.kill().unwrap();
    let nodes = [(); 2].map(|()| fleet.node());
    for node in &nodes {
        node.wait_for("no storage");
        node.wait_for("no storage");
    }
    assert_eq!(fleet.made(), Made { orders: 0, accounts: 0 });
    process.start_again().unwrap();
    let [first, second] = nodes.each_ref().map(node::Node::obtained);
    assert_eq!(first.1, second.1);
    assert_eq!(fleet.made(), ONE);
}

#[test]
fn a_storage_that_is_away_while_a_process_orders_leads_to_no_second_order() {
    let redis = RedisServer::start(RedisOptions::default()).unwrap();
    let fleet = Fleet::on(&redis.url());
    let folder = tempfile::tempdir().unwrap();
    let signal = folder.path().join("go on");
    let node = fleet.stalled("/certZ/", &signal);
    let process = redis.process().unwrap();
    process.pause().unwrap();
    std::fs::write(&signal, []).unwrap();
    // It has the certificate, cannot store it, and loses its lock over that.
    node.wait_for("again: ");
    process.resume().unwrap();
    let (origin, leaf) = node.obtained();
    assert_eq!(origin, "Resumed");
    assert_eq!(fleet.node().obtained(), ("Stored".to_owned(), leaf));
    assert_eq!(fleet.made(), ONE);
}

#[test]
fn a_storage_that_takes_no_order_gets_none_from_the_ca() {
    let (fleet, folder) = Fleet::on_files();
    // A value where the directory would be.
    let issuer = StorageKeys::issuer_key(&fleet.pebble.directory());
    let place = folder.path().join("acme").join(StorageKeys::safe(&issuer));
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("orders"), []).unwrap();
    let node = fleet.node();
    node.wait_for("again: ");
    node.wait_for("again: ");
    assert_eq!(fleet.made(), Made { orders: 0, accounts: 1 });
    std::fs::remove_file(place.join("orders")).unwrap();
    assert_eq!(node.obtained().0, "Ordered");
    assert_eq!(fleet.made(), ONE);
}

#[test]
fn an_order_that_the_ca_ends_is_told_and_the_next_one_is_new() {
    let (fleet, _folder) = Fleet::on_files();
    let fleet = fleet.without_front();
    let refused = fleet.node().wait_for("failed: ");
    assert!(refused.contains("validate the names"), "{refused}");
    let fleet = fleet.with_front();
    assert_eq!(fleet.node().obtained().0, "Ordered");
    assert_eq!(fleet.made(), Made { orders: 2, accounts: 1 });
}

#[test]
fn caddy_serves_what_was_obtained_and_orders_with_the_same_account_and_the_reverse() {
    let (fleet, folder) = Fleet::on_files();
    assert_eq!(fleet.node().obtained().0, "Ordered");
    let fleet = fleet.without_front();
    let names = [NAME, "caddy.example"];
    let caddy = Caddy::start(folder.path(), &fleet.pebble, &CaddyOptions::sites(&names)).unwrap();
    let shown = names.map(|name| caddy.certificate_of(&fleet.pebble, name).unwrap());
    drop(caddy);
    for (name, shown) in names.iter().zip(shown) {
        let first_line = BASE64_STANDARD.encode(&shown[..48]);
        assert_eq!(fleet.node_for(name).obtained(), ("Stored".to_owned(), first_line));
    }
    assert_eq!(fleet.made(), Made { orders: 2, accounts: 1 });
}

#[test]
fn an_account_that_caddy_made_is_used() {
    let (fleet, folder) = Fleet::on_files();
    let fleet = fleet.without_front();
    let caddy =
        Caddy::start(folder.path(), &fleet.pebble, &CaddyOptions::sites(&["caddy.example"]));
    let caddy = caddy.unwrap();
    caddy.certificate_of(&fleet.pebble, "caddy.example").unwrap();
    let accounts = fleet.made().accounts;
    drop(caddy);
    let fleet = fleet.with_front();
    assert_eq!(fleet.node().obtained().0, "Ordered");
    assert_eq!(fleet.made(), Made { orders: 2, accounts });
}
