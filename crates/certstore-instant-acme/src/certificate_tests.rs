use certstore::bundle::BundleKeys;
use certstore_core::{MemoryStorage, Storage as _};

use super::Certificate;
use crate::Names;
use crate::test_data::{at, certificate, names};

#[test]
fn it_is_due_when_a_third_of_its_lifetime_is_left() {
    let certificate = certificate(&names());
    assert_eq!((certificate.not_before(), certificate.not_after()), (at(0), at(90)));
    for (day, due) in [(0, false), (59, false), (60, true), (90, true), (500, true)] {
        assert_eq!(certificate.is_due(at(day)), due, "on day {day}");
    }
}

#[test]
fn it_covers_the_names_it_has() {
    let both = Names::new(["a.example", "2001:db8::1"]).unwrap();
    let certificate = certificate(&both);
    assert!(certificate.covers(&both) && certificate.covers(&names()));
    assert!(!certificate.covers(&Names::new(["a.example", "b.example"]).unwrap()));
}

#[tokio::test]
async fn what_is_no_certificate_counts_as_missing() {
    let storage = MemoryStorage::new();
    let keys = BundleKeys::new("ca", "a.example").unwrap();
    assert_eq!(Certificate::load(&storage, &keys, true).await.unwrap(), None);
    let stored = certificate(&names());
    stored.bundle().store(&storage, &keys).await.unwrap();
    assert_eq!(Certificate::load(&storage, &keys, true).await.unwrap(), Some(stored));
    storage.store(keys.private_key(), b"no key").await.unwrap();
    assert_eq!(Certificate::load(&storage, &keys, true).await.unwrap(), None);
}

#[test]
fn no_private_key_is_shown() {
    let certificate = certificate(&names());
    let key: String = certificate.bundle().private_key().lines().nth(1).unwrap().into();
    assert!(!format!("{certificate:?}").contains(&key));
}
