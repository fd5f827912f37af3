use certstore_core::{ErrorKind, Key, Locker, MemoryStorage, Storage, StorageKeys};
use serde_json::json;

use super::{BundleKeys, BundleMetadata, CertificateBundle};
use crate::clean::test_support::{Maker, NOW};
use crate::inventory::test_data::caddy_storage;

const CA: &str = "127.0.0.1-14000-dir";

fn bundle(maker: &Maker, metadata: BundleMetadata) -> CertificateBundle {
    CertificateBundle::new(maker.certificate(&["a.test"], NOW), maker.key(), metadata).unwrap()
}

#[tokio::test]
async fn what_caddy_stored_is_read_and_written_byte_for_byte() {
    let storage = caddy_storage().await;
    for name in ["caddy1.example.test", "rsa.example.test", "xn--bcher-kva.example.test"] {
        let keys = BundleKeys::new(CA, name).unwrap();
        let bundle = CertificateBundle::load(&storage, &keys).await.unwrap();
        assert_eq!(bundle.metadata().sans, [name]);
        let copy = MemoryStorage::new();
        bundle.store(&copy, &keys).await.unwrap();
        for key in [keys.certificate(), keys.private_key(), keys.metadata()] {
            assert_eq!(copy.load(key).await.unwrap(), storage.load(key).await.unwrap(), "{key}");
        }
    }
    let keys = BundleKeys::new("local", "*.wild.example.test").unwrap();
    assert_eq!(keys.lock().as_str(), "issue_cert_*.wild.example.test");
    assert!(CertificateBundle::load(&storage, &keys).await.is_ok());
}

#[test]
fn metadata_is_escaped_as_go_does_and_keeps_what_it_does_not_know() {
    let mut metadata = BundleMetadata::for_names(["a.test"])
        .with_issuer_data(json!({"url": "https://ca/?a=1&b=<2>"}));
    metadata.others.insert("later".into(), json!(1));
    let text = metadata.to_json().unwrap();
    assert_eq!(
        text,
        "{\n\t\"sans\": [\n\t\t\"a.test\"\n\t],\n\t\"issuer_data\": {\n\t\t\"url\": \
         \"https://ca/?a=1\\u0026b=\\u003c2\\u003e\"\n\t},\n\t\"later\": 1\n}"
    );
    assert_eq!(BundleMetadata::from_json(text.as_bytes()).unwrap(), metadata);
    assert_eq!(BundleMetadata::from_json(b"[]").unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_key_of_another_certificate_is_refused_and_told() {
    let (one, other) = (Maker::new(), Maker::new());
    let chain = one.certificate(&["a.test"], NOW);
    let metadata = BundleMetadata::for_names(["a.test"]);
    let error = CertificateBundle::new(chain.clone(), other.key(), metadata.clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("another certificate's"), "{error}");

    let (storage, keys) = (MemoryStorage::new(), BundleKeys::new("local", "a.test").unwrap());
    let bundle = CertificateBundle::new(chain, one.key(), metadata).unwrap();
    bundle.store(&storage, &keys).await.unwrap();
    storage.store(keys.private_key(), other.key().as_bytes()).await.unwrap();
    let error = CertificateBundle::load(&storage, &keys).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(!format!("{bundle:?}{error:?}").contains("PRIVATE KEY"));
}

#[tokio::test]
async fn readers_see_the_old_or_the_new_set_while_another_stores() {
    let (storage, keys) = (MemoryStorage::new(), BundleKeys::new("local", "a.test").unwrap());
    let makers = [Maker::new(), Maker::new()];
    let bundles =
        makers.each_ref().map(|maker| bundle(maker, BundleMetadata::for_names(["a.test"])));
    bundles[0].store(&storage, &keys).await.unwrap();
    let writer = tokio::spawn({
        let (storage, keys, bundles) = (storage.handle(), keys.clone(), bundles.clone());
        async move {
            for turn in 0..100 {
                bundles[turn % 2].store(&storage, &keys).await.unwrap();
            }
        }
    });
    let mut reads = 0;
    while !writer.is_finished() || reads == 0 {
        let read = CertificateBundle::load(&storage, &keys).await.unwrap();
        assert!(bundles.contains(&read));
        reads += 1;
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
}

#[tokio::test]
async fn a_guard_of_another_lock_or_one_that_is_lost_writes_nothing() {
    let (storage, keys) = (MemoryStorage::new(), BundleKeys::new("local", "a.test").unwrap());
    let bundle = bundle(&Maker::new(), BundleMetadata::default());
    let other = storage.lock(&StorageKeys::issue_cert_lock("b.test").unwrap()).await.unwrap();
    let error = bundle.store_under(&storage, &keys, &other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidKey);
    assert!(!storage.exists(keys.certificate()).await.unwrap());
    let own = storage.lock(keys.lock()).await.unwrap();
    bundle.store_under(&storage, &keys, &own).await.unwrap();
    let error = CertificateBundle::delete_under(&storage, &keys, &other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidKey);
    own.unlock().await.unwrap();
    assert_eq!(CertificateBundle::load(&storage, &keys).await.unwrap(), bundle);
    CertificateBundle::delete(&storage, &keys).await.unwrap();
    assert!(!storage.exists(&Key::new("certificates").unwrap()).await.unwrap());
    CertificateBundle::delete(&storage, &keys).await.unwrap();
}
