//! Certificates that are taken back.

use certstore_core::{ErrorKind, StorageKeys};
use certstore_instant_acme::{Error, RevocationReason};
use instant_acme::RevocationRequest;

use crate::world::{NAME, World, leaf, names, serial};

#[tokio::test]
async fn a_certificate_is_revoked_at_the_ca_and_deleted_and_the_next_has_another_key() {
    let world = World::new().await;
    let old = world.obtain().await.certificate;
    let issuance = world.issuance();
    let revoked = issuance.revoke(&names(), RevocationReason::Superseded).await.unwrap();
    assert_eq!(revoked, old);
    let status = world.pebble.certificate_status(&serial(&old)).unwrap();
    assert!(status.contains("Revoked") && status.contains("\"Reason\": 4"), "{status}");
    assert!(issuance.load(&names()).await.unwrap().is_none());
    let compromised = StorageKeys::site_compromised_key(world.ca().issuer(), NAME).unwrap();
    assert!(!world.storage.exists(&compromised).await.unwrap());
    let none = issuance.revoke(&names(), RevocationReason::Superseded).await.unwrap_err();
    assert!(matches!(none, Error::Storage(error) if error.kind() == ErrorKind::NotFound));
    assert!(world.storage.locks().await.unwrap().is_empty());

    let new = world.obtain().await.certificate;
    assert_ne!(new.bundle().private_key(), old.bundle().private_key());
    assert!(world.pebble.certificate_status(&serial(&new)).unwrap().contains("Valid"));
}

#[tokio::test]
async fn a_compromised_key_is_kept_apart() {
    let world = World::new().await;
    let old = world.obtain().await.certificate;
    world.issuance().revoke(&names(), RevocationReason::KeyCompromise).await.unwrap();
    let status = world.pebble.certificate_status(&serial(&old)).unwrap();
    assert!(status.contains("\"Reason\": 1"), "{status}");
    let compromised = StorageKeys::site_compromised_key(world.ca().issuer(), NAME).unwrap();
    let kept = world.storage.load(&compromised).await.unwrap();
    assert_eq!(&*kept, old.bundle().private_key().as_bytes());
}

#[tokio::test]
async fn what_the_ca_has_revoked_already_is_deleted() {
    let world = World::new().await;
    let old = world.obtain().await.certificate;
    let accounts = certstore_instant_acme::AccountStore::new(world.storage.clone(), world.ca());
    let account = accounts.unwrap().load().await.unwrap().unwrap();
    let request = RevocationRequest { certificate: &leaf(&old), reason: None };
    account.revoke(&request).await.unwrap();
    let issuance = world.issuance();
    assert_eq!(issuance.revoke(&names(), RevocationReason::Unspecified).await.unwrap(), old);
    assert!(issuance.load(&names()).await.unwrap().is_none());
}

#[tokio::test]
async fn what_the_ca_does_not_revoke_stays() {
    let world = World::new().await;
    let old = world.obtain().await.certificate;
    // It keeps what it has issued in memory.
    world.pebble.process().restart().unwrap();
    let issuance = world.issuance();
    let error = issuance.revoke(&names(), RevocationReason::Unspecified).await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    assert_eq!(issuance.load(&names()).await.unwrap(), Some(old));
    assert!(world.storage.locks().await.unwrap().is_empty());
}
