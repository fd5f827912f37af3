use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use certon::error::{Error, Result, StorageError};
use certon::{CertIssuer, CertManager, IssuedCertificate, Storage as _};
use certstore_conformance::Gate;
use certstore_core::{MAX_COMPONENT, MemoryStorage};

use super::CertstoreStorage;

fn memory() -> CertstoreStorage {
    CertstoreStorage::new(Arc::new(MemoryStorage::new()))
}

async fn filled() -> CertstoreStorage {
    let storage = memory();
    for key in ["a/b/1", "a/b/2", "a/c", "a-b/x", "ab/x", "z"] {
        storage.store(key, key.as_bytes()).await.unwrap();
    }
    storage
}

fn is_missing<T: std::fmt::Debug>(result: Result<T>, key: &str) -> bool {
    matches!(result, Err(Error::Storage(StorageError::NotFound(name))) if name == key)
}

fn io_kind<T: std::fmt::Debug>(result: Result<T>) -> io::ErrorKind {
    match result {
        Err(Error::Storage(StorageError::Io(error))) => error.kind(),
        other => panic!("no error of I/O: {other:?}"),
    }
}

#[tokio::test]
async fn values_come_back_and_go() {
    let storage = filled().await;
    assert_eq!(storage.load("a/c").await.unwrap(), b"a/c");
    storage.store("a/c", b"").await.unwrap();
    assert_eq!(storage.load("a/c").await.unwrap(), b"");
    assert!(storage.exists("a/c").await.unwrap() && storage.exists("a/b").await.unwrap());
    assert!(!storage.exists("a/x").await.unwrap());
    assert!(is_missing(storage.load("a/x").await, "a/x"));
    assert!(is_missing(storage.load("a/b").await, "a/b"));
    storage.delete("a/x").await.unwrap();
    storage.delete("a").await.unwrap();
    assert!(!storage.exists("a").await.unwrap());
    assert!(storage.exists("ab").await.unwrap() && storage.exists("a-b").await.unwrap());
}

#[tokio::test]
async fn a_list_is_as_in_their_storage() {
    let storage = filled().await;
    let list = async |path: &str, recursive| storage.list(path, recursive).await.unwrap();
    assert_eq!(list("", false).await, ["a", "a-b", "ab", "z"]);
    assert_eq!(list("a", false).await, ["a/b", "a/c"]);
    assert_eq!(list("a", true).await, ["a/b", "a/b/1", "a/b/2", "a/c"]);
    assert_eq!(list("nothing", false).await, [""; 0]);
    assert_eq!(list("nothing", true).await, [""; 0]);
    assert_eq!(list("z", false).await, [""; 0]);
    assert_eq!(memory().list("", true).await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_stat_tells_values_from_directories() {
    let storage = filled().await;
    let value = storage.stat("a/c").await.unwrap();
    assert_eq!((value.key.as_str(), value.size, value.is_terminal), ("a/c", 3, true));
    let directory = storage.stat("a/b").await.unwrap();
    assert_eq!((directory.size, directory.is_terminal), (0, false));
    // What is not known to be old is not old.
    let hour_ago = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now())
        - chrono::TimeDelta::hours(1);
    assert!(value.modified > hour_ago && directory.modified > hour_ago);
    assert!(is_missing(storage.stat("x").await, "x"));
}

#[tokio::test]
async fn other_scripts_and_long_names_are_keys() {
    let storage = memory();
    storage.store("c/bücher.example/bücher.example.crt", b"crt").await.unwrap();
    let ascii = "c/xn--bcher-kva.example/xn--bcher-kva.example.crt";
    assert_eq!(storage.load(ascii).await.unwrap(), b"crt");
    assert_eq!(storage.list("c", false).await.unwrap(), ["c/xn--bcher-kva.example"]);
    let long = format!("c/{0}/_certon/resource.v1.key", "d".repeat(255));
    storage.store(&long, b"{}").await.unwrap();
    assert_eq!(storage.load(&long).await.unwrap(), b"{}");
    for key in storage.list("c", true).await.unwrap() {
        assert!(key.split('/').all(|part| part.len() <= MAX_COMPONENT));
        assert!(storage.exists(&key).await.unwrap());
    }
}

#[tokio::test]
async fn what_cannot_be_a_key_is_refused_and_not_missing() {
    let storage = memory();
    let bad = ["", "/", "/a", "a/", "a//b", ".", "a/../b", "a b", "a:b", "a\\b", "a\0", "locks/x"];
    for name in bad {
        let refused = io::ErrorKind::InvalidInput;
        assert_eq!(io_kind(storage.load(name).await), refused, "{name:?}");
        assert_eq!(io_kind(storage.store(name, b"").await), refused);
        assert_eq!(io_kind(storage.exists(name).await), refused);
        assert_eq!(io_kind(storage.stat(name).await), refused);
        assert_eq!(io_kind(storage.delete(name).await), refused);
        if !name.is_empty() {
            assert_eq!(io_kind(storage.list(name, true).await), refused);
        }
    }
}

#[tokio::test]
async fn an_outage_is_never_an_absence() {
    let gate = Gate::new();
    let storage = CertstoreStorage::new(gate.clone());
    gate.go_away();
    let away = io::ErrorKind::TimedOut;
    assert_eq!(io_kind(storage.load("a").await), away);
    assert_eq!(io_kind(storage.exists("a").await), away);
    assert_eq!(io_kind(storage.list("a", true).await), away);
    assert_eq!(io_kind(storage.stat("a").await), away);
    assert_eq!(io_kind(storage.store("a", b"").await), away);
    assert_eq!(io_kind(storage.delete("a").await), away);
}

/// A CA that issues nothing, and counts who asks.
#[derive(Default)]
struct Ca(AtomicUsize);

#[async_trait::async_trait]
impl CertIssuer for Ca {
    async fn issue(&self, _: &[u8], _: &[String]) -> Result<IssuedCertificate> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Err(Error::Other("this CA issues nothing".into()))
    }

    fn issuer_key(&self) -> String {
        "ca".to_owned()
    }
}

#[tokio::test]
async fn certon_orders_nothing_in_an_outage() {
    let (gate, ca) = (Gate::new(), Arc::new(Ca::default()));
    let manager = CertManager::builder()
        .storage(Arc::new(CertstoreStorage::new(gate.clone())))
        .issuers(vec![ca.clone()])
        .build();
    let domains = ["a.example.org".to_owned()];
    gate.go_away();
    let error = manager.manage(&domains).await.unwrap_err();
    assert!(matches!(error, Error::Storage(StorageError::Io(_))), "{error}");
    assert_eq!(ca.0.load(Ordering::SeqCst), 0);
    gate.come_back();
    manager.manage(&domains).await.unwrap_err();
    assert_eq!(ca.0.load(Ordering::SeqCst), 1);
}

#[test]
fn debug_names_the_backend_alone() {
    let shown = r#"CertstoreStorage { storage: "memory", lock_limit: 300s, .. }"#;
    assert_eq!(format!("{:?}", memory()), shown);
}
