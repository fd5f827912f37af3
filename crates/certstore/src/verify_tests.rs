use certstore_core::{Dir, ErrorKind, Key, MemoryStorage, Storage};

use super::{VerifyOptions, verify};
use crate::inventory::test_data::caddy_storage;

const SITE: &str = "certificates/local/internal.example.test/internal.example.test";

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_sound_storage_has_no_problem_and_is_left_as_it_was() {
    let storage = caddy_storage().await;
    let before = storage.list(&Dir::ROOT, true).await.unwrap();
    let report = verify(&storage, &VerifyOptions::default(), |_| {}).await.unwrap();
    assert!(report.is_ok(), "{report:?}");
    assert_eq!((report.values, report.certificates, report.notes.len()), (35, 10, 0));
    let steps: Vec<_> = report.probe.iter().map(|step| step.step).collect();
    assert_eq!(
        steps,
        ["store", "load", "stat", "list", "create only", "compare and set", "lock", "delete"]
    );
    assert_eq!(storage.list(&Dir::ROOT, true).await.unwrap(), before);
}

#[tokio::test]
async fn every_fault_is_named_with_its_key() {
    let storage = caddy_storage().await;
    let pem = |name: &str| key(&format!("certificates/127.0.0.1-14000-dir/{name}/{name}.key"));
    let other = storage.load(&pem("caddy1.example.test")).await.unwrap();
    storage.store(&pem("caddy2.example.test"), &other).await.unwrap();
    storage.store(&key(&format!("{SITE}.crt")), b"garbage").await.unwrap();
    storage.store(&pem("rsa.example.test"), b"-----BEGIN RSA PRIVATE KEY-----\n").await.unwrap();
    storage.delete(&key("certificates/local/127.0.0.1/127.0.0.1.key")).await.unwrap();
    let options = VerifyOptions { probe: false, ..VerifyOptions::default() };
    let report = verify(&storage, &options, |_| {}).await.unwrap();
    assert!(!report.is_ok() && report.probe.is_empty());
    let found: Vec<_> = report
        .problems
        .iter()
        .map(|problem| format!("{} {}", problem.key, problem.problem))
        .collect();
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].contains("caddy2.example.test.crt does not belong to the key"), "{found:?}");
    assert!(found[1].contains("rsa.example.test.key is not usable"), "{found:?}");
    assert!(found[2].contains("internal.example.test.crt is no certificate"), "{found:?}");
    assert!(report.notes[0].problem.contains("no private key"), "{:?}", report.notes);
}

#[tokio::test]
async fn a_pair_that_was_stored_as_one_is_sound() {
    let storage = caddy_storage().await;
    let (crt, private) = (key(&format!("{SITE}.crt")), key(&format!("{SITE}.key")));
    let from = "certificates/127.0.0.1-14000-dir/caddy1.example.test/caddy1.example.test";
    let new_crt = storage.load(&key(&format!("{from}.crt"))).await.unwrap();
    let new_key = storage.load(&key(&format!("{from}.key"))).await.unwrap();
    storage.store_all(&[(&private, &new_key), (&crt, &new_crt)]).await.unwrap();
    let report = verify(&storage, &VerifyOptions::default(), |_| {}).await.unwrap();
    assert!(report.is_ok() && report.notes.is_empty(), "{report:?}");
}

#[tokio::test]
async fn an_empty_storage_is_sound_and_a_missing_directory_is_not_found() {
    let storage = MemoryStorage::new();
    let report = verify(&storage, &VerifyOptions::default(), |_| {}).await.unwrap();
    assert!(report.is_ok() && report.values == 0 && !report.probe.is_empty());
    let missing = VerifyOptions { dir: Dir::new("none").unwrap(), ..VerifyOptions::default() };
    assert_eq!(verify(&storage, &missing, |_| {}).await.unwrap_err().kind(), ErrorKind::NotFound);
}
