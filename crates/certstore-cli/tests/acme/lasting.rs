//! What goes on for long: some seconds in every run, minutes in a soak.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use certstore_conformance::servers::{Pebble, PebbleOptions};

use crate::measured;
use crate::node::{Ca, Node};
use crate::places::Place;
use crate::round_robin::RoundRobin;

const NODES: usize = 3;

/// In a soak the second, else the first.
fn lasts<T>(short: T, long: T) -> T {
    if std::env::var_os("CERTSTORE_SOAK").is_some() { long } else { short }
}

fn fleet(place: &Place, pebble: &Pebble, door: &RoundRobin, names: &[&str]) -> Vec<Node> {
    let start = || {
        let node = Node::start(&place.url, &Ca::of(pebble), names);
        door.add(node.http());
        node
    };
    (0..NODES).map(|_| start()).collect()
}

/// What clients saw that shake hands all the time.
#[derive(Default)]
struct Clients {
    over: AtomicBool,
    handshakes: AtomicUsize,
    failures: Mutex<Vec<String>>,
    /// The certificates of each node, in DER.
    shown: [Mutex<BTreeSet<Vec<u8>>>; NODES],
}

impl Clients {
    /// Of one node, until it is over. A client checks that what it is shown is for the name, of this CA, and has not expired.
    fn shake_hands(&self, at: usize, node: &Node, roots: &str, names: &[&str], pause: Duration) {
        while !self.over.load(Ordering::Relaxed) {
            for name in names {
                self.handshakes.fetch_add(1, Ordering::Relaxed);
                match node.shown(roots, name) {
                    Ok(leaf) => drop(lock(&self.shown[at]).insert(leaf)),
                    Err(error) => {
                        lock(&self.failures).push(format!("{name} at node {at}: {error}"));
                    }
                }
            }
            thread::sleep(pause);
        }
    }

    fn end(&self, nodes: &[Node]) {
        self.over.store(true, Ordering::Relaxed);
        let (handshakes, failures) =
            (self.handshakes.load(Ordering::Relaxed), lock(&self.failures));
        measured(&format!("{handshakes} handshakes, {} failed", failures.len()));
        let logs = || nodes.iter().map(|node| node.process.log()).collect::<Vec<_>>().join("\n\n");
        assert!(
            failures.is_empty(),
            "{:#?} and {:#?}\n{}",
            failures.first(),
            failures.last(),
            logs()
        );
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A certificate of seconds is renewed again and again, each time by one order, and never served when it has expired.
fn short_certificates(place: &Place) {
    let (validity, renewals) = lasts((21, 3), (90, 9));
    let options = PebbleOptions::new().validity(validity).retry_after(1);
    let pebble = Pebble::start_with(options).expect("Pebble starts");
    let (roots, name) = (pebble.issuer().expect("its root"), "short.example");
    let door = RoundRobin::on(pebble.http_port());
    let nodes = fleet(place, &pebble, &door, &[name]);
    for node in &nodes {
        node.certificate(&roots, name);
    }
    let (clients, begun) = (Clients::default(), Instant::now());
    thread::scope(|scope| {
        let (clients, roots) = (&clients, &roots);
        for (at, node) in nodes.iter().enumerate() {
            let pause = Duration::from_millis(100);
            scope.spawn(move || clients.shake_hands(at, node, roots, &[name], pause));
        }
        let limit = Duration::from_secs(u64::from(validity)) * (renewals + 1);
        let all = usize::try_from(renewals).unwrap_or(usize::MAX) + 1;
        let seen = |at: &Mutex<BTreeSet<Vec<u8>>>| lock(at).len();
        while clients.shown.iter().any(|at| seen(at) < all) && begun.elapsed() < limit {
            thread::sleep(Duration::from_millis(100));
        }
        clients.end(&nodes);
        let seen = clients.shown.each_ref().map(seen);
        measured(&format!("{seen:?} certificates in {:?}", begun.elapsed()));
        assert!(seen.iter().all(|seen| *seen >= all), "{seen:?}");
    });
    let shown: BTreeSet<Vec<u8>> = clients.shown.iter().flat_map(|at| lock(at).clone()).collect();
    assert_eq!(pebble.orders(), shown.len(), "an order for each certificate that was seen");
}

#[test]
fn certificates_of_seconds_are_renewed_in_time_and_once_on_redis() {
    short_certificates(&Place::on_redis());
}

#[test]
fn certificates_of_seconds_are_renewed_in_time_and_once_on_files() {
    short_certificates(&Place::on_files());
}

#[test]
fn a_storage_that_stops_under_load_fails_no_handshake_and_causes_no_order() {
    let pebble = Pebble::start().expect("Pebble starts");
    let (place, door) = (Place::on_redis(), RoundRobin::on(pebble.http_port()));
    let names =
        ["a.stopped.example", "b.stopped.example", "c.stopped.example", "d.stopped.example"];
    let roots = pebble.issuer().expect("its root");
    let nodes = fleet(&place, &pebble, &door, &names);
    for node in &nodes {
        node.told();
    }
    let redis = place.redis.as_ref().expect("it is on Redis").process().expect("it is our own");
    let clients = Clients::default();
    thread::scope(|scope| {
        let (clients, roots) = (&clients, &roots);
        for (at, node) in nodes.iter().enumerate() {
            scope.spawn(move || clients.shake_hands(at, node, roots, &names, Duration::ZERO));
        }
        redis.pause().expect("it is stopped");
        let done = |clients: &Clients| clients.handshakes.load(Ordering::Relaxed);
        let (before, begun) = (done(clients), Instant::now());
        thread::sleep(lasts(Duration::from_secs(8), Duration::from_secs(60)));
        let meanwhile = done(clients) - before;
        measured(&format!("{meanwhile} handshakes in {:?} without a storage", begun.elapsed()));
        assert!(meanwhile > 100, "{meanwhile}");
        assert_eq!(pebble.orders(), names.len());
        redis.resume().expect("it goes on");
        // The fleet works again: another name is ordered, once, and everybody answers for it.
        let late = Node::start(&place.url, &Ca::of(&pebble), &["late.stopped.example"]);
        late.certificate(roots, "late.stopped.example");
        clients.end(&nodes);
    });
    assert_eq!(pebble.orders(), names.len() + 1);
    assert!(clients.shown.iter().all(|at| lock(at).len() == names.len()));
    assert!(nodes.iter().all(|node| node.process.is_running()));
}
