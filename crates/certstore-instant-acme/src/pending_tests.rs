use certstore_conformance::Gate;
use certstore_core::{ErrorKind, Locker as _, MemoryStorage, Storage as _, SystemClock};
use x509_parser::prelude::{FromDer as _, ParsedExtension, X509CertificationRequest};

use super::PendingOrder;
use crate::test_data::names;
use crate::writer::Writer;
use crate::{Ca, KeyType, Names, PrivateKey};

const ACCOUNT: &str = "https://ca.example/acct/1";

fn key_of() -> PrivateKey {
    PrivateKey::generate(KeyType::P256).unwrap()
}

fn ca() -> Ca {
    Ca::new("https://ca.example/dir")
}

#[tokio::test]
async fn an_order_comes_back_with_its_key() {
    let storage = MemoryStorage::new();
    let (ca, names) = (ca(), names());
    let key = PendingOrder::key(ca.issuer(), &names).unwrap();
    assert_eq!(key.as_str(), "acme/ca.example-dir/orders/a.example.json");
    let load = async || PendingOrder::load(&storage, ca.issuer(), &names).await.unwrap();
    assert!(load().await.is_none());

    let guard = storage.lock(&"job".parse().unwrap()).await.unwrap();
    let writer = Writer { storage: &storage, guard: &guard, clock: &SystemClock };
    let mut order = PendingOrder::new(&ca, ACCOUNT, &names, &key_of());
    order.store(&key, &writer).await.unwrap();
    assert_eq!(load().await.unwrap().url(), None);
    order.set_url("https://ca.example/order/1");
    order.store(&key, &writer).await.unwrap();
    let read = load().await.unwrap();
    assert_eq!(read.url(), Some("https://ca.example/order/1"));
    assert_eq!(read.private_key().expose(), order.private_key().expose());
    assert!(read.is_of(&ca, ACCOUNT, &names));
    assert!(!read.is_of(&ca, "https://ca.example/acct/2", &names));
    assert!(!read.is_of(&Ca::new("https://other.example/dir"), ACCOUNT, &names));
    assert!(!read.is_of(&ca, ACCOUNT, &Names::new(["b.example"]).unwrap()));

    storage.store(&key, b"{}").await.unwrap();
    assert!(load().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn who_lost_the_lock_writes_no_order() {
    let gate = Gate::new();
    let storage = &gate.memory;
    let (ca, names) = (ca(), names());
    let key = PendingOrder::key(ca.issuer(), &names).unwrap();
    let name = "job".parse().unwrap();
    let guard = storage.lock(&name).await.unwrap();
    storage.break_lock(&name, guard.token()).await.unwrap();
    let newer = storage.lock(&name).await.unwrap();
    let theirs = Writer { storage, guard: &newer, clock: &SystemClock };
    PendingOrder::new(&ca, ACCOUNT, &names, &key_of()).store(&key, &theirs).await.unwrap();
    let mine = Writer { storage, guard: &guard, clock: &SystemClock };
    let late = PendingOrder::new(&ca, ACCOUNT, &names, &key_of()).store(&key, &mine).await;
    assert!(matches!(late.unwrap_err().kind(), ErrorKind::Fenced | ErrorKind::LockLost));
}

#[test]
fn the_request_is_for_the_names_and_has_no_subject() {
    let names = Names::new(["*.a.example", "127.0.0.1"]).unwrap();
    let order = PendingOrder::new(&ca(), ACCOUNT, &names, &key_of());
    let der = order.request(false).unwrap();
    let (_, request) = X509CertificationRequest::from_der(&der).unwrap();
    assert_eq!(request.certification_request_info.subject.iter().count(), 0);
    let asked: Vec<String> = request
        .requested_extensions()
        .unwrap()
        .filter_map(|extension| match extension {
            ParsedExtension::SubjectAlternativeName(names) => Some(&names.general_names),
            _ => None,
        })
        .flatten()
        .map(ToString::to_string)
        .collect();
    assert_eq!(asked, ["DNSName(*.a.example)", "IPAddress(7f:00:00:01)"]);
}

#[test]
fn no_private_key_is_shown() {
    let order = PendingOrder::new(&ca(), ACCOUNT, &names(), &key_of());
    let line = order.private_key().expose().lines().nth(1).unwrap().to_owned();
    assert!(!format!("{order:?}").contains(&line));
}

#[test]
fn a_request_demands_a_staple_where_it_is_to_and_is_signed_by_any_key() {
    let fixtures = [
        include_str!("../tests/fixtures/p256-sec1.pem"),
        include_str!("../tests/fixtures/rsa2048-pkcs1.pem"),
        include_str!("../tests/fixtures/ed25519-go.pem"),
    ];
    let made = [KeyType::P256, KeyType::P384, KeyType::Ed25519];
    let made = made.map(|kind| PrivateKey::generate(kind).unwrap());
    let imported = fixtures.map(|pem| PrivateKey::from_pem(pem).unwrap());
    for key in made.iter().chain(&imported) {
        for must_staple in [true, false] {
            let order = PendingOrder::new(&ca(), ACCOUNT, &names(), key);
            let der = order.request(must_staple).unwrap();
            let (_, request) = X509CertificationRequest::from_der(&der).unwrap();
            let public = &request.certification_request_info.subject_pki.subject_public_key.data;
            assert_eq!(&**public, rcgen::PublicKeyData::der_bytes(key));
            // Of RFC 7633: the object identifier, and the list of `status_request` in an octet string.
            let demand = [
                0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x18, 0x04, 0x05, 0x30, 0x03,
                0x02, 0x01, 0x05,
            ];
            let demands = der.windows(demand.len()).any(|part| part == demand);
            assert_eq!(demands, must_staple, "{key:?}");
        }
    }
}
