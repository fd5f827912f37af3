//! Clocks that are wrong.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use certstore_conformance::Gate;
use certstore_core::Clock as _;

use super::test_support::{Fleet, HOUR, start};
use crate::test_clock::TokioClock;
use crate::{Config, InternalIssuer, Maintenance};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test(start_paused = true)]
async fn clocks_two_days_off_serve_nothing_expired_and_order_no_more_than_they_must() {
    let storage = Gate::new();
    let at = |now| Fleet { storage: storage.clone(), clock: TokioClock::starting(now) };
    let fleets = [at(start()), at(start() + 2 * DAY), at(start() - 2 * DAY)];
    let nodes: Vec<Config> = fleets
        .iter()
        .map(|fleet| {
            let issuer = InternalIssuer::new(fleet.storage.clone())
                .with_clock(fleet.clock.clone())
                .with_lifetime(6 * DAY);
            fleet.builder().issuer(issuer).build()
        })
        .collect();
    let kept: Vec<Maintenance> = nodes.iter().map(Config::maintain).collect();
    for node in &nodes {
        node.manage_in_background(["example.com"]).unwrap();
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    let mut seen = BTreeSet::new();
    for hour in 0..(30 * 24) {
        for node in &nodes {
            let served = node.get_certificate("example.com").expect("it is served");
            assert!(!served.has_expired(fleets[0].clock.wall()), "in hour {hour}");
            let pair = served.certified_key();
            assert!(pair.keys_match().is_ok(), "a mixed pair in hour {hour}");
            seen.insert(served.hash().to_owned());
        }
        tokio::time::sleep(HOUR).await;
    }
    // Whoever is two days ahead renews two days early: every two days of six.
    assert!((7..=20).contains(&seen.len()), "{} certificates in thirty days", seen.len());
    for kept in kept {
        kept.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_in_the_storage_is_replaced_and_never_served() {
    let (storage, clock) = (Gate::new(), TokioClock::starting(start()));
    let old = Fleet { storage: storage.clone(), clock: clock.clone() };
    old.node().0.obtain_cert("example.com").await.unwrap();
    tokio::time::sleep(3 * DAY).await;
    let fleet = Fleet { storage, clock };
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let teller = told.clone();
    let issuer = InternalIssuer::new(fleet.storage.clone()).with_clock(fleet.clock.clone());
    let node = fleet
        .builder()
        .issuer(issuer)
        .on_event(move |event| {
            if let crate::Event::CachedManaged { certificate } = event {
                teller.lock().unwrap().push(certificate.not_after());
            }
        })
        .build();
    let kept = node.maintain();
    node.manage(["example.com"]).await.unwrap();
    tokio::time::sleep(HOUR).await;
    let told = told.lock().unwrap().clone();
    assert!(told.len() == 1 && told[0] > fleet.now(), "{told:?}");
    kept.stop().await;
}
