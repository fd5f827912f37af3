//! Challenges that one node orders and another answers, against Pebble.

#![cfg(unix)]

mod caddy;
mod fleet;

use certstore_instant_acme::StoredChallenges;
use fleet::Fleet;

fn by_tls_alpn(challenges: StoredChallenges) -> StoredChallenges {
    challenges.disable_http_challenge()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_does_not_order_answers_tls_alpn() {
    let fleet = Fleet::start();
    let _listens = fleet.node(by_tls_alpn).listen_where_the_ca_looks().await;
    let orders = fleet.node(by_tls_alpn);
    let certificate = orders.config.obtain_cert("a.example").await.unwrap();
    assert_eq!(certificate.names(), ["a.example"]);
    assert_eq!(fleet.pebble.orders(), 1);
    assert!(fleet.tokens().await.is_empty(), "an answer is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_does_not_order_answers_tls_alpn_for_an_address() {
    let fleet = Fleet::start();
    let _listens = fleet.node(by_tls_alpn).listen_where_the_ca_looks().await;
    let certificate = fleet.node(by_tls_alpn).config.obtain_cert("127.0.0.1").await.unwrap();
    assert_eq!(certificate.names(), ["127.0.0.1"]);
    assert!(fleet.tokens().await.is_empty(), "an answer is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_obtains_its_own_by_tls_alpn_while_it_starts() {
    let fleet = Fleet::start();
    let node = fleet.node(by_tls_alpn);
    let address = ([127, 0, 0, 1], fleet.pebble.tls_port()).into();
    let _tls =
        certstore_acme::TlsListener::listen(&node.config, ["a.example"], address).await.unwrap();
    assert!(node.config.get_certificate("a.example").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_our_listener_answers_for_itself() {
    let fleet = Fleet::start();
    let node = fleet.node(by_tls_alpn);
    let _plain = node.listen_by_the_resolver_alone().await;
    node.config.obtain_cert("a.example").await.unwrap();
    // What it does not order itself it does not know of.
    let error = fleet.node(by_tls_alpn).config.obtain_cert("b.example").await.unwrap_err();
    assert!(!error.is_retryable(), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_fails_by_one_kind_is_followed_by_one_with_another() {
    let fleet = Fleet::start();
    // Nobody is at the port for HTTP-01, which is preferred.
    let node = fleet.node(|both| both);
    let _listens = fleet.node(|both| both).listen_where_the_ca_looks().await;
    let error = node.config.obtain_cert("a.example").await.unwrap_err();
    assert!(!error.is_retryable(), "{error}");
    node.config.obtain_cert("a.example").await.unwrap();
    assert_eq!(fleet.pebble.orders(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wildcard_without_a_dns_provider_is_refused_before_anything_is_ordered() {
    let fleet = Fleet::start();
    let error = fleet.node(|both| both).config.obtain_cert("*.a.example").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no certificate for *.a.example: a CA gives wildcards by DNS-01 only; set up a DNS provider"
    );
    let disabled = fleet.node(|both| both.disable_http_challenge().disable_tls_alpn_challenge());
    let error = disabled.config.obtain_cert("a.example").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no certificate for a.example: all challenges are disabled; leave one on"
    );
    assert_eq!(fleet.pebble.orders(), 0);
    assert!(!fleet.pebble.process().log().contains("accounts in memory"));
}
