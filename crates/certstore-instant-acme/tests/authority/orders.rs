//! Orders at a CA that refuses, and what is said in them.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use certstore_conformance::servers::{CaProxy, Pebble, PebbleOptions};
use certstore_instant_acme::{Ca, Certificate, Error, Issuance, PendingOrder};

use crate::recording::Recording;
use crate::world::{NAME, World, names};

/// Asks again while that may help.
pub(crate) async fn obtained_by(issuance: &Issuance) -> Certificate {
    loop {
        match issuance.obtain_unless(&names(), |_| false).await {
            Ok(obtained) => return obtained.certificate,
            Err(error) => assert!(error.is_retryable(), "{error:?}"),
        }
    }
}

async fn world(options: PebbleOptions) -> (World, Recording, Issuance) {
    let world = World::at(Pebble::start_with(options).expect("Pebble starts")).await;
    let recording = Recording::new(&world.pebble.api_root());
    let issuance = world.issuance_at(world.ca().with_http(Arc::new(recording.clone())));
    (world, recording, issuance)
}

#[tokio::test]
async fn nonces_that_are_refused_cost_no_second_order() {
    let (world, recording, issuance) = world(PebbleOptions::new().nonce_rejection(80)).await;
    obtained_by(&issuance).await;
    assert_eq!(world.pebble.orders(), 1);
    assert!(recording.refused() > 0);
    assert!(world.storage.locks().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_profile_is_in_the_order_that_is_sent() {
    let (_world, recording, issuance) = world(PebbleOptions::new()).await;
    obtained_by(&issuance.clone().with_profile("shortlived")).await;
    obtained_by(&issuance).await;
    let orders = recording.sent("/order-plz");
    assert_eq!(orders[0].payload["profile"], "shortlived");
    assert_eq!(orders[0].payload["identifiers"][0]["value"], NAME);
    assert!(orders[1].payload.get("profile").is_none(), "{orders:?}");
}

#[tokio::test]
async fn a_name_that_the_ca_does_not_take_is_an_error_and_leaves_nothing() {
    let (world, _, issuance) = world(PebbleOptions::new().blocked(NAME)).await;
    let error = issuance.obtain(&names()).await.unwrap_err();
    assert!(matches!(error, Error::Refused { step: "make an order", .. }), "{error:?}");
    assert!(!error.is_retryable());
    assert!(world.storage.locks().await.unwrap().is_empty());
    assert!(issuance.load(&names()).await.unwrap().is_none());
    let order = PendingOrder::load(&*world.storage, world.ca().issuer(), &names()).await.unwrap();
    assert!(order.is_none_or(|order| order.url().is_none()), "no order was made");
}

#[tokio::test]
async fn a_ca_that_is_asked_too_often_says_when_to_ask_again() {
    let world = World::new().await;
    let proxy = CaProxy::before(&world.pebble).unwrap();
    let issuance = world.issuance_at(Ca::new(proxy.directory()).with_root(proxy.root()));
    let soon = SystemTime::now() + Duration::from_secs(7200);
    for field in
        ["Retry-After: 7200".to_owned(), format!("Retry-After: {}", httpdate::fmt_http_date(soon))]
    {
        proxy.refuse("/order-plz", "429 Too Many Requests", &field, "rateLimited");
        let error = issuance.obtain(&names()).await.unwrap_err();
        let wait = error.retry_after().unwrap().as_secs();
        assert!(error.is_retryable() && (7100..=7200).contains(&wait), "{error:?}");
    }
    proxy.refuse("/order-plz", "429 Too Many Requests", "X-A: b", "rateLimited");
    assert_eq!(issuance.obtain(&names()).await.unwrap_err().retry_after(), None);
    assert_eq!(world.pebble.orders(), 0);
}
