use std::sync::atomic::Ordering;
use std::time::Duration;

use certstore_core::Locker as _;

use super::super::test_support::{Flaky, Fleet, HOUR, Handle};
use super::*;

#[tokio::test(start_paused = true)]
async fn on_demand_obtains_once_however_many_ask_and_only_what_is_allowed() {
    let fleet = Fleet::new();
    let issuer = Flaky::new(&fleet.storage, &fleet.clock, "local");
    let allow = OnDemandConfig::new().allow(["example.com", "*.example.com"]).unwrap();
    let node = fleet.builder().issuer(Handle(issuer.clone())).on_demand(allow).build();
    let names: Vec<String> = (0..1_000).map(|at| format!("n{}.example.com", at % 10)).collect();
    let asking = names.iter().map(async |name| node.certificate_for(&Hello::named(name)).await);
    let got = futures_util::future::join_all(asking).await;
    assert!(got.iter().all(Option::is_some));
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 10);
    assert_eq!(node.cache().len(), 10);
    for other in ["example.org", "a.b.example.com", "localhost", "exa mple.com"] {
        assert!(node.certificate_for(&Hello::named(other)).await.is_none(), "{other}");
    }
    assert!(node.certificate_for(&Hello::default()).await.is_none());
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 10);
    // Another node takes what is stored.
    let (second, _) = (Flaky::new(&fleet.storage, &fleet.clock, "local"), ());
    let allow = OnDemandConfig::new().decide(async |name: String| name == "n1.example.com");
    let other = fleet.builder().issuer(Handle(second.clone())).on_demand(allow).build();
    let found = other.certificate_for(&Hello::named("N1.example.com")).await.unwrap();
    assert_eq!(Some(found), node.get_certificate("n1.example.com"));
    assert_eq!(second.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn what_fails_on_demand_is_not_tried_again_at_once() {
    let fleet = Fleet::new();
    let issuer = Flaky::new(&fleet.storage, &fleet.clock, "local");
    issuer.down.store(true, Ordering::SeqCst);
    let allow = OnDemandConfig::new().allow(["example.com"]).unwrap();
    let node = fleet.builder().issuer(Handle(issuer.clone())).on_demand(allow).build();
    let hello = Hello::named("example.com");
    for _ in 0..100 {
        assert!(node.certificate_for(&hello).await.is_none());
    }
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 1);
    issuer.down.store(false, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert!(node.certificate_for(&hello).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn what_is_due_on_demand_is_served_and_renewed_behind() {
    let fleet = Fleet::new();
    let issuer = Flaky::new(&fleet.storage, &fleet.clock, "local");
    let allow = OnDemandConfig::new().allow(["example.com"]).unwrap();
    let node = fleet.builder().issuer(Handle(issuer.clone())).on_demand(allow).build();
    let hello = Hello::named("example.com");
    let first = node.certificate_for(&hello).await.unwrap();
    tokio::time::sleep(9 * HOUR).await;
    assert_eq!(node.certificate_for(&hello).await.unwrap(), first);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let second = node.certificate_for(&hello).await.unwrap();
    assert_ne!(second, first);
    // One that has expired is waited for.
    tokio::time::sleep(30 * HOUR).await;
    let third = node.certificate_for(&hello).await.unwrap();
    assert!(!third.has_expired(fleet.now()));
}

#[tokio::test(start_paused = true)]
async fn a_maximum_ends_what_is_obtained_on_demand() {
    let fleet = Fleet::new();
    let issuer = Flaky::new(&fleet.storage, &fleet.clock, "local");
    let allow = OnDemandConfig::new().decide(async |_| true).maximum(2.try_into().unwrap());
    let node = fleet.builder().issuer(Handle(issuer.clone())).on_demand(allow).build();
    let got: Vec<bool> = futures_util::future::join_all((0..4).map(async |at| {
        let name = format!("n{at}.example.com");
        tokio::time::sleep(Duration::from_secs(at)).await;
        node.certificate_for(&Hello::named(&name)).await.is_some()
    }))
    .await;
    assert_eq!(got, [true, true, false, false]);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_waits_for_a_while_only_and_the_next_one_profits() {
    let fleet = Fleet::new();
    let issuer = Flaky::new(&fleet.storage, &fleet.clock, "local");
    let allow = OnDemandConfig::new().allow(["example.com"]).unwrap();
    let node = fleet.builder().issuer(Handle(issuer.clone())).on_demand(allow).build();
    let held = fleet.storage.lock(&"issue_cert_example.com".parse().unwrap()).await.unwrap();
    let hello = Hello::named("example.com");
    let start = fleet.now();
    assert!(node.certificate_for(&hello).await.is_none());
    assert_eq!(fleet.now().duration_since(start).unwrap().as_secs(), 90);
    held.unlock().await.unwrap();
    assert!(node.certificate_for(&hello).await.is_some());
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_and_valid_is_served_while_the_issuer_is_down() {
    let fleet = Fleet::new();
    fleet.node().0.manage(["example.com"]).await.unwrap();
    // Due, and valid for three hours yet.
    tokio::time::sleep(9 * HOUR).await;
    for on_demand in [false, true] {
        let issuer = Flaky::new(&fleet.storage, &fleet.clock, "local");
        issuer.down.store(true, Ordering::SeqCst);
        let builder = fleet.builder().issuer(Handle(issuer.clone()));
        let allow = OnDemandConfig::new().allow(["example.com"]).unwrap();
        let node = if on_demand { builder.on_demand(allow) } else { builder }.build();
        if on_demand {
            assert!(node.certificate_for(&Hello::named("example.com")).await.is_some());
            assert_eq!(issuer.asked.load(Ordering::SeqCst), 0, "no handshake waits for a renewal");
        } else {
            let kept = node.maintain();
            node.manage_in_background(["example.com"]).unwrap();
            tokio::time::sleep(Duration::from_secs(5)).await;
            assert!(node.get_certificate("example.com").is_some());
            kept.stop().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_maximum_holds_for_those_that_ask_at_once_and_not_for_what_is_stored() {
    let fleet = Fleet::new();
    let issuer = Flaky::new(&fleet.storage, &fleet.clock, "local");
    let allow = OnDemandConfig::new().decide(async |_| true).maximum(3.try_into().unwrap());
    let node = fleet.builder().issuer(Handle(issuer)).on_demand(allow.clone()).build();
    let names: Vec<String> = (0..40).map(|at| format!("n{at}.example.com")).collect();
    let asking = names.iter().map(async |name| node.certificate_for(&Hello::named(name)).await);
    let got = futures_util::future::join_all(asking).await;
    assert_eq!(got.iter().flatten().count(), 3);
    let other = Flaky::new(&fleet.storage, &fleet.clock, "local");
    let other = fleet.builder().issuer(Handle(other)).on_demand(allow).build();
    for name in names.iter().zip(&got).filter(|(_, got)| got.is_some()).map(|(name, _)| name) {
        assert!(other.certificate_for(&Hello::named(name)).await.is_some(), "{name} is stored");
    }
    assert!(other.certificate_for(&Hello::named("new.example.com")).await.is_some());
}
