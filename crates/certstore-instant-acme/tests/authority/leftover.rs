//! An order that a crash has left behind its certificate.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use certstore::bundle::{BundleKeys, CertificateBundle};
use certstore_core::{Clock, Key, Sleep, Storage, StorageKeys, SystemClock};
use certstore_instant_acme::{Error, Origin, PendingOrder, RevocationReason};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::world::{NAME, World, names, serial};

/// The order as it is stored last, with its URL.
fn last_of(storage: &Arc<dyn Storage>, key: &Key) -> JoinHandle<Bytes> {
    let (storage, key) = (storage.clone(), key.clone());
    tokio::spawn(async move {
        loop {
            let found = storage.load(&key).await.unwrap_or_default();
            let order = serde_json::from_slice(&found).unwrap_or(Value::Null);
            if order["order"].is_string() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
}

/// A world with a certificate, and the order of it.
async fn with_order() -> (World, Key, Bytes) {
    let world = World::new().await;
    let key = PendingOrder::key(world.ca().issuer(), &names()).expect("a key");
    let order = last_of(&world.storage, &key);
    world.obtain().await;
    (world, key, order.await.expect("an order"))
}

#[tokio::test]
async fn a_renewal_gives_another_certificate_all_the_same() {
    let (world, key, order) = with_order().await;
    // As it is once the CA was asked when to renew it.
    let keys = BundleKeys::new(world.ca().issuer(), NAME).unwrap();
    let metadata = world.storage.load(keys.metadata()).await.unwrap();
    let mut metadata: Value = serde_json::from_slice(&metadata).unwrap();
    metadata["issuer_data"]["more"] = "since".into();
    world.storage.store(keys.metadata(), metadata.to_string().as_bytes()).await.unwrap();
    let old = world.issuance().load(&names()).await.unwrap().unwrap();
    world.storage.store(&key, &order).await.unwrap();
    let new = world.issuance().obtain_unless(&names(), |found| *found != old).await.unwrap();
    assert!(serial(&new.certificate) != serial(&old) && new.origin == Origin::Ordered);
    assert_eq!(world.pebble.orders(), 2);
    assert!(!world.storage.exists(&key).await.unwrap());
}

#[tokio::test]
async fn what_is_revoked_does_not_come_back() {
    let (world, key, order) = with_order().await;
    let old = world.issuance().load(&names()).await.unwrap().unwrap();
    world.storage.store(&key, &order).await.unwrap();
    world.issuance().revoke(&names(), RevocationReason::Superseded).await.unwrap();
    assert!(!world.storage.exists(&key).await.unwrap(), "the order goes with it");
    let new = world.obtain().await.certificate;
    assert_ne!(serial(&new), serial(&old));
}

#[tokio::test]
async fn an_order_for_a_compromised_key_is_not_resumed() {
    let (world, key, order) = with_order().await;
    let old = world.issuance().load(&names()).await.unwrap().unwrap();
    world.issuance().revoke(&names(), RevocationReason::KeyCompromise).await.unwrap();
    let aside = StorageKeys::site_compromised_key(world.ca().issuer(), NAME).unwrap();
    assert!(world.storage.exists(&aside).await.unwrap());
    // As a node leaves it that was killed before it could remove it.
    world.storage.store(&key, &order).await.unwrap();
    let new = world.obtain().await.certificate;
    assert_ne!(new.bundle().private_key(), old.bundle().private_key());
}

#[tokio::test]
async fn an_order_whose_certificate_is_of_no_use_is_given_up() {
    let (world, key, order) = with_order().await;
    let old = world.issuance().load(&names()).await.unwrap().unwrap();
    let mut damaged: Value = serde_json::from_slice(&order).unwrap();
    let other = World::new().await.obtain().await.certificate;
    damaged["private_key"] = other.bundle().private_key().into();
    world.storage.store(&key, damaged.to_string().as_bytes()).await.unwrap();
    let wanted = |found: &certstore_instant_acme::Certificate| *found != old;
    let error = world.issuance().obtain_unless(&names(), wanted).await.unwrap_err();
    assert!(matches!(error, Error::Unusable { .. }), "no fault of the storage: {error:?}");
    let new = world.issuance().obtain_unless(&names(), wanted).await.unwrap();
    assert!(new.certificate != old && new.origin == Origin::Ordered);
}

/// Ten years ahead.
#[derive(Debug)]
struct Ahead;

impl Clock for Ahead {
    fn boottime(&self) -> Duration {
        SystemClock.boottime()
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }

    fn wall(&self) -> SystemTime {
        SystemClock.wall() + Duration::from_secs(10 * 366 * 24 * 3600)
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        SystemClock.sleep(duration)
    }
}

#[tokio::test]
async fn an_order_whose_certificate_has_expired_meanwhile_gives_way_to_another() {
    let (world, key, order) = with_order().await;
    let issuance = world.issuance_at(world.ca().with_clock(Arc::new(Ahead)));
    let keys = BundleKeys::new(world.ca().issuer(), NAME).unwrap();
    CertificateBundle::delete(&*world.storage, &keys).await.unwrap();
    world.storage.store(&key, &order).await.unwrap();
    let new = issuance.obtain_unless(&names(), |_| false).await.unwrap();
    assert_eq!((new.origin, world.pebble.orders()), (Origin::Ordered, 2));
}
