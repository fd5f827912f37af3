//! DNS-01 against Debian's BIND, whose zone Pebble looks into.

#![cfg(unix)]

#[path = "../challenges/fleet.rs"]
#[expect(dead_code, reason = "the other tests use more of it")]
mod fleet;

use std::error::Error as StdError;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use certstore_acme::{AcmeIssuer, DnsChallenge, DnsError, Error, Rfc2136};
use certstore_conformance::servers::{Bind9, Pebble, PebbleOptions};
use certstore_core::{MemoryStorage, Secret, StorageKeys};
use fleet::{Fleet, Node};
use hickory_resolver::Resolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;

const ZONE: &str = "fleet.example";

struct Setting {
    bind: Bind9,
    fleet: Fleet,
}

impl Setting {
    fn start() -> Self {
        let bind = Bind9::start(&[ZONE]).expect("BIND starts");
        let pebble = Pebble::start_with(PebbleOptions::new().resolver(bind.address()))
            .expect("Pebble starts");
        Self { bind, fleet: Fleet::on(Arc::new(MemoryStorage::new()), pebble) }
    }

    fn update(&self, key: &str, secret: &str) -> Rfc2136 {
        self.update_at(self.bind.address(), key, secret)
    }

    fn update_at(&self, server: SocketAddr, key: &str, secret: &str) -> Rfc2136 {
        let made = Rfc2136::new(server, key, "hmac-sha256", &Secret::new(secret));
        made.expect("good settings")
    }

    fn challenge(&self, update: Rfc2136) -> DnsChallenge {
        let address = self.bind.address();
        let challenge = DnsChallenge::new(update).with_resolvers([address]);
        challenge.with_authoritative_port(address.port())
    }

    fn issuer(&self, challenge: DnsChallenge) -> AcmeIssuer {
        self.fleet.issuer(|stored| stored).with_dns_challenge(challenge)
    }

    fn node(&self) -> Node<'_> {
        self.node_with(self.update(Bind9::KEY, self.bind.secret()))
    }

    fn node_with(&self, update: Rfc2136) -> Node<'_> {
        self.fleet.node_of(self.issuer(self.challenge(update)))
    }

    /// How many TXT records the zone has at the name that the CA looks at for `name`.
    async fn records(&self, name: &str) -> usize {
        let mut connection = ConnectionConfig::udp();
        connection.port = self.bind.address().port();
        let server = NameServerConfig::new(self.bind.address().ip(), true, vec![connection]);
        let config = ResolverConfig::from_name_servers(vec![server]);
        let resolver = Resolver::builder_with_config(config, TokioRuntimeProvider::default());
        let resolver = resolver.build().expect("a resolver");
        match resolver.txt_lookup(format!("_acme-challenge.{name}.")).await {
            Ok(found) => found.answers().len(),
            Err(error) if error.is_no_records_found() => 0,
            Err(error) => panic!("{error}"),
        }
    }

    /// What is noted of records.
    async fn notes(&self) -> bool {
        let prefix = StorageKeys::acme_ca_prefix(self.fleet.ca().issuer()).expect("a place");
        let prefix = prefix.join("dns_records").expect("a key");
        self.fleet.storage.list(&prefix.into(), true).await.is_ok()
    }
}

/// What DNS-01 says of a certificate that was not obtained.
fn told(error: &Error) -> &DnsError {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(told) = error.downcast_ref() {
            return told;
        }
        cause = error.source();
    }
    panic!("it is no error of DNS-01: {error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_obtain_a_wildcard_by_one_order() {
    let setting = Setting::start();
    let (one, other) = (setting.node(), setting.node());
    let name = "*.fleet.example";
    let (one, other) = tokio::join!(one.config.obtain_cert(name), other.config.obtain_cert(name));
    let one = one.unwrap();
    assert_eq!(one.names(), [name]);
    assert_eq!(one, other.unwrap());
    assert_eq!(setting.fleet.pebble.orders(), 1);
    assert_eq!(setting.records(ZONE).await, 0);
    assert!(!setting.notes().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wildcard_and_the_name_beneath_it_are_obtained_at_a_time() {
    let setting = Setting::start();
    let (one, other) = (setting.node(), setting.node());
    let (apex, wildcard) = tokio::join!(
        one.config.obtain_cert("fleet.example"),
        other.config.obtain_cert("*.fleet.example")
    );
    assert_eq!(apex.unwrap().names(), ["fleet.example"]);
    assert_eq!(wildcard.unwrap().names(), ["*.fleet.example"]);
    assert_eq!(setting.records(ZONE).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_dies_with_its_record_in_the_zone_is_succeeded() {
    let setting = Setting::start();
    let update = setting.update(Bind9::KEY, setting.bind.secret());
    // It would tell the CA in an hour.
    let slow = setting.challenge(update).with_propagation_delay(Duration::from_secs(3600));
    let dies = setting.fleet.node_of(setting.issuer(slow)).config.clone();
    let dies = tokio::spawn(async move { dies.obtain_cert("*.fleet.example").await });
    while setting.records(ZONE).await == 0 {
        assert!(!dies.is_finished(), "{:?}", dies.await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(setting.notes().await);
    dies.abort();
    let obtained = setting.node().config.obtain_cert("*.fleet.example").await;
    assert_eq!(obtained.unwrap().names(), ["*.fleet.example"]);
    assert_eq!(setting.fleet.pebble.orders(), 1);
    assert_eq!(setting.records(ZONE).await, 0);
    assert!(!setting.notes().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_zone_of_a_name_far_below_is_found() {
    let setting = Setting::start();
    let node = setting.node();
    node.config.obtain_cert("www.far.below.fleet.example").await.unwrap();
    let error = node.config.obtain_cert("www.other.example").await.unwrap_err();
    assert!(matches!(told(&error), DnsError::Lookup { .. } | DnsError::NoZone { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_told_with_the_zone() {
    let setting = Setting::start();
    let wrong = "d3Jvbmcgc2VjcmV0IHdyb25nIHNlY3JldCB3cm9uZyE=";
    for (key, secret) in [(Bind9::KEY, wrong), ("unknown.key", setting.bind.secret())] {
        let node = setting.node_with(setting.update(key, secret));
        let error = node.config.obtain_cert("*.fleet.example").await.unwrap_err();
        let line = told(&error).to_string();
        let address = setting.bind.address();
        assert_eq!(
            line,
            format!(
                "the zone fleet.example was not changed: the DNS server {address} does not accept the key; check its name, algorithm and secret, and both clocks"
            ),
            "{:?}",
            told(&error)
        );
    }
    assert!(setting.fleet.pebble.orders() >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_may_not_change_the_zone_is_told_with_the_zone() {
    let setting = Setting::start();
    let node = setting.node_with(setting.update(Bind9::IDLE_KEY, setting.bind.secret()));
    let error = node.config.obtain_cert("*.fleet.example").await.unwrap_err();
    let address = setting.bind.address();
    assert_eq!(
        told(&error).to_string(),
        format!(
            "the zone fleet.example was not changed: the DNS server {address} refuses it (Query Refused); let the key change TXT records there"
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_down_is_told_with_the_zone() {
    let setting = Setting::start();
    let down = Bind9::start(&[ZONE]).unwrap();
    let address = down.address();
    down.process().kill().unwrap();
    let update = setting.update_at(address, Bind9::KEY, down.secret());
    let node = setting.node_with(update);
    let error = node.config.obtain_cert("*.fleet.example").await.unwrap_err();
    assert_eq!(
        told(&error).to_string(),
        format!(
            "the zone fleet.example was not changed: the DNS server {address} cannot be reached, or answers what is not understood; check its address"
        )
    );
    // Once it is there, the order that is on its way goes on.
    setting.node().config.obtain_cert("*.fleet.example").await.unwrap();
    assert_eq!(setting.fleet.pebble.orders(), 1);
    // Nobody finds the zone.
    setting.bind.process().kill().unwrap();
    let error = setting.node().config.obtain_cert("www.fleet.example").await.unwrap_err();
    assert!(
        told(&error)
            .to_string()
            .ends_with("could not be looked up; check that the resolvers answer"),
        "{error:?}"
    );
}
