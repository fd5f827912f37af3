//! Nodes of Caddy and of certstore on one directory answer for each other.

use std::net::SocketAddr;

use certstore_acme::ChallengeServer;
use certstore_conformance::servers::{Caddy, CaddyOptions, Pebble};
use certstore_instant_acme::StoredChallenges;
use tempfile::TempDir;

use crate::fleet::{Fleet, Task};

const OF_CADDY: &str = "caddy.example";
const OURS: &str = "ours.example";

async fn fleet() -> (Fleet, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let storage = certstore::open_url(&format!("file://{}", folder.path().display())).await;
    let pebble = Pebble::start().expect("Pebble starts");
    (Fleet::on(storage.expect("it opens"), pebble), folder)
}

/// Caddy orders, and where the CA looks is a node of ours that orders nothing.
async fn caddy_orders(disabled: &'static str, pebble_port: impl Fn(&Pebble) -> Ports) {
    let (fleet, folder) = fleet().await;
    let node = fleet.node(|both| both);
    let Ports { http, https } = pebble_port(&fleet.pebble);
    let server = ChallengeServer::bind(&node.config, http, https).await.expect("free ports");
    let _answers = Task::of(server.serve(std::future::pending()));
    let mut options = CaddyOptions::sites(&[OF_CADDY]);
    (options.aside, options.issuer_setting) = (true, Some(disabled));
    let caddy = Caddy::start(folder.path(), &fleet.pebble, &options).expect("Caddy starts");
    let shown = tokio::task::block_in_place(|| caddy.certificate_of(&fleet.pebble, OF_CADDY));
    // What it obtained is served by ours as well.
    let ours = node.config.cache_managed_certificate(OF_CADDY).await.expect("it is stored");
    assert_eq!(ours.certified_key().cert[0].to_vec(), shown.expect("Caddy has it"));
    assert_eq!(fleet.pebble.orders(), 1, "{}", caddy.process().log());
}

struct Ports {
    http: Option<SocketAddr>,
    https: Option<SocketAddr>,
}

#[tokio::test(flavor = "multi_thread")]
async fn caddy_orders_and_a_node_of_ours_answers_http() {
    let port = |pebble: &Pebble| Ports {
        http: Some(([127, 0, 0, 1], pebble.http_port()).into()),
        https: None,
    };
    caddy_orders("disable_tlsalpn_challenge", port).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn caddy_orders_and_a_node_of_ours_answers_tls_alpn() {
    let port = |pebble: &Pebble| Ports {
        http: None,
        https: Some(([127, 0, 0, 1], pebble.tls_port()).into()),
    };
    caddy_orders("disable_http_challenge", port).await;
}

/// A node of ours orders, and where the CA looks is Caddy, which has another site.
async fn ours_orders(by: fn(StoredChallenges) -> StoredChallenges) {
    let (fleet, folder) = fleet().await;
    let options = CaddyOptions::sites(&[OF_CADDY]);
    let caddy = Caddy::start(folder.path(), &fleet.pebble, &options).expect("Caddy starts");
    tokio::task::block_in_place(|| caddy.certificate_of(&fleet.pebble, OF_CADDY))
        .expect("Caddy has it");
    let before = fleet.pebble.orders();
    let obtained = fleet.node(by).config.obtain_cert(OURS).await;
    assert!(obtained.is_ok(), "{obtained:?}: {}", caddy.process().log());
    assert_eq!(fleet.pebble.orders(), before + 1);
    assert!(fleet.tokens().await.is_empty(), "an answer is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_ours_orders_and_caddy_answers_http() {
    ours_orders(StoredChallenges::disable_tls_alpn_challenge).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_ours_orders_and_caddy_answers_tls_alpn() {
    ours_orders(StoredChallenges::disable_http_challenge).await;
}
