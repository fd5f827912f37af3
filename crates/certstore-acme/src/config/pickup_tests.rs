use certstore_conformance::Gate;
use certstore_core::{Lock, Locker as _, Storage as _};

use super::super::test_support::{Fleet, HOUR, hash, start};
use super::*;
use crate::test_clock::TokioClock;

const NAMES: [&str; 3] = ["example.com", "*.example.com", "2001:db8::1"];

/// On a storage that tells of no change.
fn silent() -> Fleet {
    let storage = Gate::declaring(|mut capabilities| {
        capabilities.watch = false;
        capabilities
    });
    Fleet { storage, clock: TokioClock::starting(start()) }
}

/// As if another node had obtained it: whoever holds the lock goes on holding it.
async fn put(fleet: &Fleet, name: &str) -> String {
    let other = Fleet { storage: Gate::new(), clock: fleet.clock.clone() };
    let (node, _) = other.node();
    let made = node.obtain_cert(name).await.expect("a certificate");
    let keys = BundleKeys::new("local", name).expect("the name gives keys");
    for key in [keys.private_key(), keys.certificate(), keys.metadata()] {
        let value = other.storage.load(key).await.expect("it is stored");
        fleet.storage.store(key, &value).await.expect("it takes it");
    }
    made.hash().to_owned()
}

async fn held(fleet: &Fleet, name: &str) -> Lock {
    let keys = BundleKeys::new("local", name).expect("the name gives keys");
    fleet.storage.lock(keys.lock()).await.expect("nobody holds it")
}

async fn after(wait: Duration) {
    tokio::time::sleep(wait).await;
}

#[tokio::test(start_paused = true)]
async fn what_another_node_renews_early_is_served_as_the_storage_tells_of_it() {
    let fleet = Fleet::new();
    let nodes: Vec<Config> = (0..3).map(|_| fleet.node().0).collect();
    let kept: Vec<_> = nodes.iter().map(Config::maintain).collect();
    for node in &nodes {
        node.manage(NAMES).await.unwrap();
    }
    for name in NAMES {
        let new = nodes[0].renew_cert(name).await.unwrap();
        after(Duration::from_secs(1)).await;
        for node in &nodes {
            assert_eq!(hash(node, name), new.hash(), "{name}");
            assert_eq!(node.cache().len(), NAMES.len(), "the old one goes");
        }
    }
    for kept in kept {
        kept.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_its_turn_serves_what_another_node_has_stored() {
    for fleet in [Fleet::new(), silent()] {
        let (node, issuer) = fleet.node();
        let _others = [held(&fleet, NAMES[0]).await, held(&fleet, NAMES[2]).await];
        let kept = node.maintain();
        node.manage_in_background([NAMES[0], NAMES[2]]).unwrap();
        after(Duration::from_secs(5)).await;
        for name in [NAMES[0], NAMES[2]] {
            assert!(node.get_certificate(name).is_none(), "{name}");
            let made = put(&fleet, name).await;
            after(Duration::from_secs(1)).await;
            assert_eq!(hash(&node, name), made);
        }
        assert_eq!(issuer.asked.load(std::sync::atomic::Ordering::SeqCst), 2, "it waits yet");
        kept.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_tells_of_nothing_is_looked_at_once_an_interval() {
    let fleet = silent();
    let (node, _) = fleet.node();
    let kept = node.maintain();
    node.manage(["example.com"]).await.unwrap();
    after(Duration::from_secs(60)).await;
    let made = put(&fleet, "example.com").await;
    after(Duration::from_secs(660)).await;
    assert_eq!(hash(&node, "example.com"), made);
    kept.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_older_than_what_is_served_or_of_no_use_is_left() {
    let fleet = Fleet::new();
    let keys = BundleKeys::new("local", "example.com").unwrap();
    let all = [keys.private_key(), keys.certificate(), keys.metadata()];
    let (node, _) = fleet.node();
    put(&fleet, "example.com").await;
    let mut old = Vec::new();
    for key in all {
        old.push(fleet.storage.load(key).await.unwrap());
    }
    after(HOUR).await;
    let kept = node.maintain();
    node.manage(["example.com"]).await.unwrap();
    let new = node.renew_cert("example.com").await.unwrap();
    // A backup that is put back.
    for (key, value) in all.into_iter().zip(&old) {
        fleet.storage.store(key, value).await.unwrap();
    }
    after(Duration::from_secs(1)).await;
    assert_eq!(hash(&node, "example.com"), new.hash());
    // A key that does not match, and a name that nobody asked for.
    fleet.storage.store(keys.private_key(), b"no key").await.unwrap();
    fleet.storage.store(keys.metadata(), b"{}").await.unwrap();
    put(&fleet, "other.example").await;
    after(Duration::from_secs(1)).await;
    assert_eq!(hash(&node, "example.com"), new.hash());
    assert_eq!(node.cache().len(), 1);
    kept.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_missed_while_the_storage_is_away_is_found_afterwards() {
    let fleet = silent();
    let (node, _) = fleet.node();
    fleet.storage.go_away();
    let kept = node.maintain();
    after(Duration::from_secs(60)).await;
    fleet.storage.come_back();
    node.manage(["example.com"]).await.unwrap();
    let made = put(&fleet, "example.com").await;
    after(Duration::from_secs(660)).await;
    assert_eq!(hash(&node, "example.com"), made);
    kept.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_somebody_deletes_is_served_until_there_is_another_one() {
    let fleet = Fleet::new();
    let (node, issuer) = fleet.node();
    let kept = node.maintain();
    node.manage(["example.com"]).await.unwrap();
    let old = hash(&node, "example.com");
    issuer.down.store(true, std::sync::atomic::Ordering::SeqCst);
    let dir: Key = "certificates/local/example.com".parse().unwrap();
    fleet.storage.delete(&dir).await.unwrap();
    after(Duration::from_secs(30)).await;
    assert_eq!(hash(&node, "example.com"), old, "the CA is down");
    issuer.down.store(false, std::sync::atomic::Ordering::SeqCst);
    after(Duration::from_secs(120)).await;
    assert_ne!(hash(&node, "example.com"), old);
    kept.stop().await;
}

/// Whether a certificate is served yet whose files are gone, beside this key put aside as compromised; `None`: its own.
async fn is_served_beside(aside: Option<PrivateKey>) -> bool {
    let fleet = Fleet::new();
    let (node, issuer) = fleet.node();
    let kept = node.maintain();
    node.manage(["example.com"]).await.expect("it is obtained");
    issuer.down.store(true, std::sync::atomic::Ordering::SeqCst);
    let keys = BundleKeys::new("local", "example.com").expect("keys");
    let own = fleet.storage.load(keys.private_key()).await.expect("it is stored");
    let known = aside.map_or(own, |key| Bytes::from(key.pem().expose().to_owned()));
    let aside = StorageKeys::site_compromised_key("local", "example.com").expect("a key");
    fleet.storage.store(&aside, &known).await.expect("it is put aside");
    for key in [keys.certificate(), keys.private_key(), keys.metadata()] {
        fleet.storage.delete(key).await.expect("it is deleted");
    }
    after(Duration::from_secs(1)).await;
    kept.stop().await;
    node.get_certificate("example.com").is_some()
}

#[tokio::test(start_paused = true)]
async fn what_is_revoked_elsewhere_as_compromised_is_served_no_longer() {
    assert!(!is_served_beside(None).await);
    let of_one_before = PrivateKey::generate(crate::KeyType::P256).unwrap();
    assert!(is_served_beside(Some(of_one_before)).await);
}
