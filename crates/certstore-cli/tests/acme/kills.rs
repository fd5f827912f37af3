//! The node that orders is killed, at each point of an order; the others bring it to its end.

use std::time::{Duration, Instant};

use certstore_conformance::loopback_s3::{Effect, Fault, Op};
use certstore_conformance::servers::{CaProxy, Part, Pebble};

use crate::measured;
use crate::node::{Ca, Node, accounts, asked, wait_for};
use crate::places::Place;
use crate::round_robin::RoundRobin;

const NAME: &str = "killed.example";
/// Much longer than the test runs: what waits is killed.
const HELD: Duration = Duration::from_secs(300);
/// A lease of five seconds, twice, and what is left of the order.
const LIMIT: Duration = Duration::from_secs(25);

/// Where the node is when it is killed.
enum Point {
    /// At a request to the CA, by a part of its path.
    Ca(Part, &'static str),
    /// At the request to S3 that comes after so many others like it.
    Storage(Effect, Op, &'static str, u64),
}

impl Point {
    /// Once the certificate is there, nobody looks for an order until it is due.
    fn leaves_the_order(&self) -> bool {
        matches!(self, Self::Storage(Effect::DelayReply(_), _, CERTIFICATES, _))
    }
}

/// One node is stopped at a point and killed; two others wait for it. `orders`: how many the CA has got in the end.
fn whoever_comes_next_finishes(place: &Place, point: &Point, orders: usize) {
    let pebble = Pebble::start().expect("Pebble starts");
    let proxy = CaProxy::before(&pebble).expect("the proxy starts");
    let (ca, roots) = (Ca::through(&proxy), pebble.issuer().expect("its root"));
    let door = RoundRobin::on(pebble.http_port());
    let start = || {
        let node = Node::start(&place.url, &ca, &[NAME]);
        door.add(node.http());
        node
    };
    let (first, held) = match *point {
        Point::Ca(part, word) => {
            let (held, first) = (proxy.hold(part, word), start());
            let reached = held.reached().map_err(|_| first.process.error("asks for nothing such"));
            reached.expect("the node comes to it");
            (first, Some(held))
        }
        Point::Storage(effect, op, key, skip) => {
            let s3 = place.s3.as_ref().expect("it is on S3");
            let armed = s3.fault(Fault::new(effect).on(op).key(key).skip(skip));
            let first = start();
            wait_for("the request to S3", || (armed.fired() > 0).then_some(()));
            (first, None)
        }
    };
    let others = [start(), start()];
    first.kill();
    drop(held);
    let killed = Instant::now();
    let shown = others.each_ref().map(|node| node.certificate(&roots, NAME));
    let took = killed.elapsed();
    measured(&format!("served {took:?} after the kill"));
    assert!(took < LIMIT, "{took:?}");
    assert_eq!(shown[0], shown[1], "one certificate");
    for node in &others {
        node.told();
    }
    assert_eq!((pebble.orders(), accounts(&pebble)), (orders, 1), "{:#?}", proxy.asked());
    // Nobody needs the lock any more, and whoever wants it has it within a lease.
    asked(&place.url, &["lock", &format!("issue_cert_{NAME}"), "--wait", "15s", "--", "echo", "1"]);
    // Who comes now finds the certificate.
    let late = start();
    assert_eq!(late.certificate(&roots, NAME), shown[0]);
    assert_eq!(pebble.orders(), orders);
    let left = asked(&place.url, &["ls", "-r", "acme"]).to_string();
    assert_eq!(left.contains("/orders/"), point.leaves_the_order(), "{left}");
}

const CERTIFICATES: &str = "*certificates/*killed.example*";
const ORDER: &str = "*/orders/killed.example.json*";
const CHALLENGE: &str = "*/challenge_tokens/killed.example.json*";

/// One test for each point.
macro_rules! killed {
    ($($name:ident: $place:ident, $point:expr, $orders:expr;)*) => {
        $(
            #[test]
            fn $name() {
                whoever_comes_next_finishes(&Place::$place(), &$point, $orders);
            }
        )*
    };
}

killed! {
    before_the_key_of_the_order_is_stored: on_s3, Point::Storage(Effect::Delay(HELD), Op::PutObject, ORDER, 0), 1;
    after_the_key_of_the_order_is_stored: on_s3, Point::Ca(Part::Request, "/order-plz"), 1;
    // Its URL is known to nobody: the one orphan.
    after_the_order_is_made: on_s3, Point::Ca(Part::Answer, "/order-plz"), 2;
    after_the_url_of_the_order_is_stored: on_s3, Point::Ca(Part::Request, "/authZ/"), 1;
    after_the_challenge_is_stored: on_s3, Point::Storage(Effect::DelayReply(HELD), Op::PutObject, CHALLENGE, 0), 1;
    after_the_ca_is_told_to_look: on_s3, Point::Ca(Part::Answer, "/chalZ/"), 1;
    before_the_order_is_finalized: on_s3, Point::Ca(Part::Request, "/finalize-order/"), 1;
    after_the_order_is_finalized: on_s3, Point::Ca(Part::Answer, "/finalize-order/"), 1;
    before_the_certificate_is_stored: on_s3, Point::Storage(Effect::Delay(HELD), Op::PutObject, CERTIFICATES, 0), 1;
    // The first write claims the journal, the second says what is to come.
    while_the_certificate_is_stored: on_s3, Point::Storage(Effect::DelayReply(HELD), Op::PutObject, CERTIFICATES, 1), 1;
    before_the_lock_is_released: on_s3, Point::Storage(Effect::DelayReply(HELD), Op::DeleteObject, ORDER, 0), 1;
    on_files_after_the_order_is_made: on_files, Point::Ca(Part::Answer, "/order-plz"), 2;
    on_files_after_the_order_is_finalized: on_files, Point::Ca(Part::Answer, "/finalize-order/"), 1;
    on_redis_after_the_order_is_made: on_redis, Point::Ca(Part::Answer, "/order-plz"), 2;
    on_redis_after_the_order_is_finalized: on_redis, Point::Ca(Part::Answer, "/finalize-order/"), 1;
    on_postgresql_before_the_order_is_finalized: on_postgres, Point::Ca(Part::Request, "/finalize-order/"), 1;
}
