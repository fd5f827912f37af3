//! OCSP staples of a fleet, from answers that OpenSSL signs.

#[path = "../../src/ocsp/test_authority.rs"]
mod authority;
mod fleet;
mod responder;

use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authority::Signer;
use certstore_acme::{Certificate, Config, Hello, OcspStatus, TlsListener, tls_config};
use certstore_core::{Locker as _, Storage as _, StorageKeys};
use fleet::{HandClock, OcspIssuer, teller};
use responder::{Manner, Responder};
use tokio::net::TcpListener;
use tokio::process::Command;

const MINUTE: Duration = Duration::from_secs(60);
const NAME: &str = "www.example.com";

fn served(node: &Config) -> Certificate {
    node.cache().find(&Hello::named(NAME)).expect("it is served")
}

fn stapled(node: &Config) -> Option<Vec<u8>> {
    served(node).certified_key().ocsp.clone()
}

#[tokio::test]
async fn one_node_asks_and_all_staple() {
    let responder = Responder::start("fleet").await;
    let (issuer, clock) = (OcspIssuer::new(&responder), HandClock::new());
    let nodes: Vec<Config> = (0..3).map(|_| issuer.node(&clock).build()).collect();
    nodes[0].manage([NAME]).await.unwrap();
    assert_eq!(stapled(&nodes[0]), None, "nobody waits for it");
    nodes[0].refresh_staples().await;
    for node in &nodes[1..] {
        node.manage([NAME]).await.unwrap();
        node.refresh_staples().await;
    }
    assert_eq!((responder.asked(), issuer.given.load(Ordering::SeqCst)), (1, 1));
    let staple = stapled(&nodes[0]).expect("it is stapled");
    for node in &nodes {
        assert_eq!(stapled(node).as_ref(), Some(&staple));
        assert_eq!(served(node).ocsp().unwrap().status(), OcspStatus::Good);
    }
    // As Go keeps it.
    let chain = issuer.storage.load(&StorageKeys::site_cert("ocsp", NAME).unwrap()).await.unwrap();
    let key = StorageKeys::ocsp_staple(Some(NAME), &chain).unwrap();
    assert_eq!(issuer.storage.load(&key).await.unwrap(), staple);
    // Whoever starts later has it from the first handshake on.
    let late = issuer.node(&clock).build();
    late.manage([NAME]).await.unwrap();
    assert_eq!(stapled(&late).as_ref(), Some(&staple));
    // An hour's answer is asked for again after half of it, by one.
    clock.advance(25 * MINUTE);
    nodes[1].refresh_staples().await;
    assert_eq!(responder.asked(), 1);
    responder.authority.set_minutes(600);
    clock.advance(6 * MINUTE);
    for _ in 0..2 {
        futures_util::future::join_all(nodes.iter().map(Config::refresh_staples)).await;
        // Who found another one asking looks again soon.
        clock.advance(MINUTE);
    }
    assert_eq!(responder.asked(), 2);
    let newer = issuer.storage.load(&key).await.unwrap();
    assert_ne!(newer, staple);
    for node in &nodes {
        assert_eq!(stapled(node).as_deref(), Some(&newer[..]));
    }
}

#[tokio::test]
async fn maintenance_fetches_and_handshakes_show() {
    let responder = Responder::start("maintained").await;
    let (issuer, clock) = (OcspIssuer::new(&responder), HandClock::new());
    let node = issuer.node(&clock).build();
    let kept = node.maintain();
    node.manage([NAME]).await.unwrap();
    responder.was_asked(1).await;
    let limit = std::time::Instant::now() + MINUTE;
    while stapled(&node).is_none() {
        assert!(std::time::Instant::now() < limit, "the answer is stapled");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    kept.stop().await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let tls = tls_config(Arc::clone(node.cache()), None);
    let mut listener = TlsListener::new(listener, &node, tls);
    let accepting = tokio::spawn(async move { drop(listener.accept().await) });
    // Another implementation reads what is shown, and checks it.
    let client = Command::new("openssl")
        .args(["s_client", "-status", "-verify_return_error", "-servername", NAME, "-connect"])
        .arg(address.to_string())
        .arg("-CAfile")
        .arg(responder.authority.root_file())
        .stdin(Stdio::null())
        .output();
    let client = client.await.expect("openssl is there");
    let said = String::from_utf8_lossy(&client.stdout);
    assert!(said.contains("OCSP Response Status: successful (0x0)"), "{said}");
    assert!(said.contains("Cert Status: good"), "{said}");
    accepting.await.unwrap();
}

#[tokio::test]
async fn what_is_revoked_is_replaced_once_and_never_shown_as_such() {
    let responder = Responder::start("revoked").await;
    let (issuer, clock) = (OcspIssuer::new(&responder), HandClock::new());
    let told = Arc::new(Mutex::new(Vec::new()));
    let nodes: Vec<Config> =
        (0..2).map(|_| issuer.node(&clock).on_event(teller(&told)).build()).collect();
    for node in &nodes {
        node.manage([NAME]).await.unwrap();
        node.refresh_staples().await;
    }
    let old = served(&nodes[0]);
    let key = |of: &Certificate| of.certified_key().key.public_key().map(|key| key.to_vec());
    responder.authority.note(issuer.serial(), Some("keyCompromise"));
    responder.authority.set_minutes(600);
    issuer.down.store(true, Ordering::SeqCst);
    clock.advance(31 * MINUTE);
    nodes[0].refresh_staples().await;
    let still = served(&nodes[0]);
    assert!(still == old, "it is served until there is another one");
    assert!(matches!(still.ocsp().unwrap().status(), OcspStatus::Revoked { .. }));
    assert_eq!(stapled(&nodes[0]), None);
    issuer.down.store(false, Ordering::SeqCst);
    clock.advance(MINUTE);
    for node in &nodes {
        node.refresh_staples().await;
        assert!(served(node) != old && key(&served(node)) != key(&old));
        node.refresh_staples().await;
        assert_eq!(served(node).ocsp().unwrap().status(), OcspStatus::Good);
        assert!(stapled(node).is_some());
    }
    assert_eq!(issuer.given.load(Ordering::SeqCst), 2, "one replacement for the fleet");
    let apart = issuer.apart.lock().unwrap();
    assert!(!apart.is_empty() && apart.iter().all(|hash| hash == old.hash()), "{apart:?}");
    let told = told.lock().unwrap();
    assert_eq!(
        told.iter().filter(|word| *word == "OcspRevoked").count(),
        2,
        "once a node: {told:?}"
    );
}

#[tokio::test]
async fn who_answers_wrongly_leaves_the_old_staple_until_its_end() {
    let responder = Responder::start("wrong").await;
    for manner in [
        Manner::Signed(Signer::Stranger),
        Manner::Signed(Signer::Unauthorized),
        Manner::Bytes(b"<html>no</html>".to_vec()),
        Manner::Bytes(vec![0x30; 1 << 20]),
        // It has no answer: tryLater.
        Manner::Bytes(vec![0x30, 3, 10, 1, 3]),
        Manner::Status("503 Service Unavailable"),
        Manner::Status("302 Found\r\nLocation: /ocsp"),
    ] {
        let (issuer, clock) = (OcspIssuer::new(&responder), HandClock::new());
        let node = issuer.node(&clock).build();
        node.manage([NAME]).await.unwrap();
        responder.authority.set_minutes(60);
        responder.behave(Manner::Signed(Signer::Delegate));
        node.refresh_staples().await;
        let old = stapled(&node).expect("a delegate may answer");
        clock.advance(31 * MINUTE);
        responder.behave(manner.clone());
        let asked = responder.asked();
        for _ in 0..3 {
            node.refresh_staples().await;
            assert_eq!(responder.asked(), asked + 1, "once, and not again at once: {manner:?}");
            assert_eq!(stapled(&node), Some(old.clone()), "{manner:?}");
        }
        clock.advance(30 * MINUTE);
        node.refresh_staples().await;
        assert_eq!(stapled(&node), None, "its time is over: {manner:?}");
        responder.authority.set_minutes(600);
        responder.behave(Manner::Signed(Signer::Issuer));
        clock.advance(2 * MINUTE);
        node.refresh_staples().await;
        assert!(stapled(&node).is_some(), "it comes back by itself: {manner:?}");
    }
}

#[tokio::test]
async fn an_answer_that_is_over_is_none() {
    let responder = Responder::start("over").await;
    let (issuer, clock) = (OcspIssuer::new(&responder), HandClock::new());
    let node = issuer.node(&clock).build();
    node.manage([NAME]).await.unwrap();
    // The responder's clock is behind by more than what its answers count.
    clock.advance(61 * MINUTE);
    node.refresh_staples().await;
    assert_eq!((stapled(&node), responder.asked()), (None, 1));
    assert!(!issuer.storage.exists(&"ocsp".parse().unwrap()).await.unwrap(), "it is not kept");
}

#[tokio::test]
async fn a_slow_responder_is_left_after_ten_seconds() {
    let responder = Responder::start("slow").await;
    let (issuer, clock) = (OcspIssuer::new(&responder), HandClock::new());
    let node = issuer.node(&clock).build();
    node.manage([NAME]).await.unwrap();
    responder.behave(Manner::Silence);
    let refreshing = tokio::spawn({
        let node = node.clone();
        async move { node.refresh_staples().await }
    });
    responder.was_asked(1).await;
    clock.advance(Duration::from_secs(9));
    tokio::task::yield_now().await;
    assert!(!refreshing.is_finished());
    clock.advance(Duration::from_secs(1));
    refreshing.await.unwrap();
    assert_eq!(stapled(&node), None);
    assert!(issuer.storage.locks().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_outage_of_the_storage_costs_no_staple() {
    let responder = Responder::start("outage").await;
    let (issuer, clock) = (OcspIssuer::new(&responder), HandClock::new());
    let node = issuer.node(&clock).build();
    node.manage([NAME]).await.unwrap();
    issuer.storage.go_away();
    node.refresh_staples().await;
    assert!(stapled(&node).is_some(), "the responder is asked without it");
}

#[tokio::test]
async fn a_certificate_that_must_have_a_staple_has_one_from_the_beginning() {
    let responder = Responder::start("must").await;
    let (mut issuer, clock) = (OcspIssuer::new(&responder), HandClock::new());
    issuer.must_staple = true;
    let node = issuer.node(&clock).build();
    node.manage([NAME]).await.unwrap();
    assert!(served(&node).must_staple() && stapled(&node).is_some());
    assert_eq!(responder.asked(), 1);
}

#[tokio::test]
async fn what_the_responder_does_not_know_has_no_staple() {
    let responder = Responder::start("unknown").await;
    let (issuer, clock) = (OcspIssuer::new(&responder), HandClock::new());
    let node = issuer.node(&clock).build();
    node.manage([NAME]).await.unwrap();
    responder.authority.forget(issuer.serial());
    node.refresh_staples().await;
    assert_eq!((stapled(&node), responder.asked()), (None, 1));
    assert_eq!(issuer.given.load(Ordering::SeqCst), 1, "it is no reason for another certificate");
}

#[tokio::test]
async fn it_can_be_switched_off() {
    let responder = Responder::start("off").await;
    let (issuer, clock) = (OcspIssuer::new(&responder), HandClock::new());
    let node = issuer.node(&clock).ocsp_interval(None).build();
    node.manage([NAME]).await.unwrap();
    node.refresh_staples().await;
    assert_eq!((stapled(&node), responder.asked()), (None, 0));
}

#[tokio::test]
async fn a_staple_in_memory_hides_nothing_that_is_stored_since() {
    let responder = Responder::start("renewal").await;
    let (issuer, clock) = (OcspIssuer::new(&responder), HandClock::new());
    let node = issuer.node(&clock).build();
    node.manage([NAME]).await.unwrap();
    node.refresh_staples().await;
    assert!(stapled(&node).is_some() && served(&node).renewal_info().is_none());
    // As another node stores it that has asked the CA.
    let json = r#"{"sans":["www.example.com"],"issuer_data":{"renewal_info":{"suggestedWindow":{"start":"2026-01-01T00:00:00Z","end":"2026-01-02T00:00:00Z"},"_selectedTime":"2026-01-01T12:00:00Z"}}}"#;
    let key = StorageKeys::site_meta("ocsp", NAME).unwrap();
    issuer.storage.store(&key, json.as_bytes()).await.unwrap();
    node.cache_managed_certificate(NAME).await.unwrap();
    assert!(served(&node).renewal_info().is_some(), "it is known when to renew");
    assert!(stapled(&node).is_some());
}

#[tokio::test]
async fn what_is_revoked_gives_way_to_what_another_issuer_has_given() {
    let responder = Responder::start("beside").await;
    let (first, clock) = (OcspIssuer::new(&responder), HandClock::new());
    let second = OcspIssuer { name: "second", given: Default::default(), ..first.clone() };
    let node = first.node(&clock).issuer(second.clone()).build();
    node.manage([NAME]).await.unwrap();
    let stays = served(&node);
    second.node(&clock).build().obtain_cert(NAME).await.unwrap();
    let revoked = node.cache_managed_certificate(NAME).await.unwrap();
    assert!(revoked != stays && node.cache().len() == 2);
    node.refresh_staples().await;
    responder.authority.note(second.serial(), Some("superseded"));
    clock.advance(31 * MINUTE);
    node.refresh_staples().await;
    assert_eq!(node.cache().certificates(), [stays], "the revoked one is shown no longer");
    assert!(second.apart.lock().unwrap().is_empty(), "nobody else has its key");
    let asked = responder.asked();
    node.refresh_staples().await;
    assert_eq!(responder.asked(), asked, "nothing is due");
}

#[tokio::test]
async fn other_staples_do_not_wait_until_a_revoked_certificate_is_replaced() {
    const OTHER: &str = "other.example.com";
    let responder = Responder::start("waits").await;
    let (issuer, clock) = (OcspIssuer::new(&responder), HandClock::new());
    let node = issuer.node(&clock).build();
    node.manage([NAME]).await.unwrap();
    let serial = issuer.serial();
    node.manage([OTHER]).await.unwrap();
    node.refresh_staples().await;
    responder.authority.note(serial, Some("keyCompromise"));
    // Whoever has the lock of its name keeps it.
    let lock = StorageKeys::issue_cert_lock(NAME).unwrap();
    let _held = issuer.storage.lock(&lock).await.unwrap();
    let of_other = || {
        let found = node.cache().find(&Hello::named(OTHER)).expect("it is served");
        found.ocsp().expect("it is stapled").next_update()
    };
    let kept = node.maintain();
    let mut before = of_other();
    for minutes in [600, 6000] {
        responder.authority.set_minutes(minutes);
        clock.advance(31 * MINUTE * (minutes / 60) as u32);
        let limit = std::time::Instant::now() + MINUTE;
        while of_other() == before {
            assert!(std::time::Instant::now() < limit, "a newer answer is stapled");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        before = of_other();
    }
    kept.stop().await;
}
