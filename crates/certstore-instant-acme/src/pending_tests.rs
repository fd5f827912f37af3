use certstore_conformance::Gate;
use certstore_core::{ErrorKind, Locker as _, MemoryStorage, Storage as _, SystemClock};
use x509_parser::prelude::{FromDer as _, ParsedExtension, X509CertificationRequest};

use super::PendingOrder;
use crate::test_data::names;
use crate::writer::Writer;
use crate::{Ca, Names};

const ACCOUNT: &str = "https://ca.example/acct/1";

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
    let mut order = PendingOrder::new(&ca, ACCOUNT, &names).unwrap();
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
    PendingOrder::new(&ca, ACCOUNT, &names).unwrap().store(&key, &theirs).await.unwrap();
    let mine = Writer { storage, guard: &guard, clock: &SystemClock };
    let late = PendingOrder::new(&ca, ACCOUNT, &names).unwrap().store(&key, &mine).await;
    assert!(matches!(late.unwrap_err().kind(), ErrorKind::Fenced | ErrorKind::LockLost));
}

#[test]
fn the_request_is_for_the_names_and_has_no_subject() {
    let names = Names::new(["*.a.example", "127.0.0.1"]).unwrap();
    let order = PendingOrder::new(&ca(), ACCOUNT, &names).unwrap();
    let der = order.request().unwrap();
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
    let order = PendingOrder::new(&ca(), ACCOUNT, &names()).unwrap();
    let line = order.private_key().expose().lines().nth(1).unwrap().to_owned();
    assert!(!format!("{order:?}").contains(&line));
}
