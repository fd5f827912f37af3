use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::super::test_support::{Flaky, Fleet, HOUR, Handle};
use super::*;
use crate::{Cache, CacheOptions, OnDemandConfig};

/// A node with room for ten certificates.
fn small(fleet: &Fleet, change: impl FnOnce(&mut CacheOptions)) -> (Config, Arc<Flaky>) {
    let issuer = Flaky::new(&fleet.storage, &fleet.clock, "local");
    let mut options = CacheOptions { capacity: 10.try_into().ok(), ..CacheOptions::default() };
    change(&mut options);
    let cache = Cache::with_clock(options, fleet.clock.clone()).expect("the test can go on");
    let node = fleet.builder().issuer(Handle(issuer.clone())).cache(Arc::new(cache)).build();
    (node, issuer)
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("n{at}.example.com")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_hundred_names_are_served_from_a_cache_of_ten() {
    let fleet = Fleet::new();
    let (node, issuer) = small(&fleet, |_| {});
    let names = names(100);
    node.manage(&names).await.unwrap();
    assert_eq!((node.cache().len(), issuer.asked.load(Ordering::SeqCst)), (10, 100));
    issuer.loads.store(0, Ordering::SeqCst);
    let (mut loaded, mut seen) = (0, BTreeSet::new());
    for name in names.iter().chain(&names) {
        let hello = Hello::named(name);
        loaded += usize::from(node.cache().find(&hello).is_none());
        let got = node.certificate_for(&hello).await.expect("every managed name is served");
        assert_eq!(got.names(), std::slice::from_ref(name));
        seen.insert(got.hash().to_owned());
        assert_eq!(node.cache().find(&hello), Some(got), "it is in memory again");
        assert_eq!(node.cache().len(), 10);
    }
    assert!(loaded >= 180, "{loaded}: a cache of ten holds a tenth of them");
    assert_eq!(issuer.loads.load(Ordering::SeqCst), loaded, "one load for each that was out");
    assert_eq!(seen.len(), 100);
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 100, "no order");
}

#[tokio::test(start_paused = true)]
async fn one_load_serves_all_who_wait_and_nobody_else_causes_one() {
    let fleet = Fleet::new();
    let (node, issuer) = small(&fleet, |_| {});
    node.manage(names(100)).await.unwrap();
    issuer.loads.store(0, Ordering::SeqCst);
    let out: Vec<String> = (names(100).into_iter())
        .filter(|name| node.cache().find(&Hello::named(name)).is_none())
        .collect();
    let asked: Vec<&String> = out.iter().take(5).cycle().take(1_000).collect();
    let asking = asked.iter().map(async |name| node.certificate_for(&Hello::named(name)).await);
    let got = futures_util::future::join_all(asking).await;
    assert!(
        got.iter().zip(asked).all(|(got, name)| got.as_ref().is_some_and(|got| serves(got, name)))
    );
    assert_eq!(issuer.loads.load(Ordering::SeqCst), 5);
    for other in ["example.org", "a.n1.example.com", "example.com", "no name"] {
        assert_eq!(node.certificate_for(&Hello::named(other)).await, None, "{other}");
    }
    assert_eq!(node.certificate_for(&Hello::default()).await, None);
    assert_eq!(issuer.loads.load(Ordering::SeqCst), 5, "what is not managed is not looked for");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_to_be_had_is_not_looked_for_again_at_once() {
    let fleet = Fleet::new();
    let (node, issuer) = small(&fleet, |_| {});
    node.manage(names(20)).await.unwrap();
    issuer.down.store(true, Ordering::SeqCst);
    assert!(node.manage(["new.example.com"]).await.is_err());
    issuer.loads.store(0, Ordering::SeqCst);
    let new = Hello::named("new.example.com");
    for _ in 0..50 {
        assert_eq!(node.certificate_for(&new).await, None);
    }
    assert_eq!(issuer.loads.load(Ordering::SeqCst), 1, "it is known to be missing");
    // Whoever obtains it ends that.
    issuer.down.store(false, Ordering::SeqCst);
    node.manage(["new.example.com"]).await.unwrap();
    assert!(node.certificate_for(&new).await.is_some());
    let lost = names(20).into_iter().find(|name| !node.cache().covers(name)).unwrap();
    let lost = Hello::named(&lost);
    fleet.storage.go_away();
    issuer.loads.store(0, Ordering::SeqCst);
    for _ in 0..50 {
        assert_eq!(node.certificate_for(&lost).await, None);
    }
    assert_eq!(issuer.loads.load(Ordering::SeqCst), 1, "the storage is left in peace");
    fleet.storage.come_back();
    tokio::time::sleep(FAILED_FOR).await;
    assert!(node.certificate_for(&lost).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn renewals_leave_the_cache_to_what_is_in_use() {
    let fleet = Fleet::new();
    let (node, issuer) = small(&fleet, |_| {});
    let names = names(100);
    node.manage(&names).await.unwrap();
    let busy: Vec<String> =
        names.iter().filter(|name| node.cache().covers(name)).cloned().collect();
    let kept = node.maintain();
    // Each is renewed every eight hours and forty minutes.
    for _ in 0..30 {
        tokio::time::sleep(HOUR).await;
        for name in &busy {
            let found = node.cache().find(&Hello::named(name)).expect("it has not left");
            assert!(!found.has_expired(fleet.now()), "{name}");
        }
    }
    assert_eq!(node.cache().len(), 10);
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 400, "all are renewed, in memory or not");
    for name in &names {
        let got = node.certificate_for(&Hello::named(name)).await.expect("it is served");
        assert!(!got.has_expired(fleet.now()), "{name}");
    }
    kept.stop().await;
}

#[tokio::test(start_paused = true)]
async fn wildcards_addresses_default_and_fallback_come_back_too() {
    let fleet = Fleet::new();
    let (node, issuer) = small(&fleet, |options| {
        options.default_name = Some("default.example".to_owned());
        options.fallback_name = Some("fallback.example".to_owned());
    });
    let special = ["*.example.org", "192.0.2.1", "default.example", "fallback.example"];
    node.manage(special).await.unwrap();
    node.manage(names(100)).await.unwrap();
    let hellos = [
        Hello::named("www.example.org"),
        Hello::default().at([192, 0, 2, 1].into()),
        Hello::default(),
        Hello::named("unknown.example"),
    ];
    for (hello, name) in hellos.iter().zip(special) {
        for there in node.cache().certificates_of(name) {
            node.cache().remove(there.hash());
        }
        issuer.loads.store(0, Ordering::SeqCst);
        let got = node.certificate_for(hello).await.expect("it is served");
        assert_eq!((got.names()[0].as_str(), issuer.loads.load(Ordering::SeqCst)), (name, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_managed_name_needs_no_leave_to_come_back_where_others_come_on_demand() {
    let fleet = Fleet::new();
    let issuer = Flaky::new(&fleet.storage, &fleet.clock, "local");
    let options = CacheOptions { capacity: 2.try_into().ok(), ..CacheOptions::default() };
    let cache = Cache::with_clock(options, fleet.clock.clone()).unwrap();
    let allow = OnDemandConfig::new().allow(["*.demand.example"]).unwrap();
    let builder = fleet.builder().issuer(Handle(issuer.clone())).cache(Arc::new(cache));
    let node = builder.on_demand(allow).build();
    node.manage(names(10)).await.unwrap();
    for _ in 0..2 {
        for at in 0..10 {
            let (managed, demanded) =
                (format!("n{at}.example.com"), format!("n{at}.demand.example"));
            for name in [managed, demanded] {
                assert!(node.certificate_for(&Hello::named(&name)).await.is_some(), "{name}");
            }
        }
    }
    assert_eq!((issuer.asked.load(Ordering::SeqCst), node.cache().len()), (20, 2));
}
