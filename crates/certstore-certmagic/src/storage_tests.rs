use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use certmagic::error::{Error, Result, StorageError};
use certmagic::issuer::{Csr, IssuedCertificate, Issuer};
use certmagic::{Cache, Config, ConfigOptions, Storage as _};
use certstore_conformance::Gate;
use certstore_core::{MAX_COMPONENT, MemoryStorage};
use tokio_util::sync::CancellationToken;

use super::CertstoreStorage;

fn memory() -> CertstoreStorage {
    CertstoreStorage::new(Arc::new(MemoryStorage::new()))
}

async fn filled() -> CertstoreStorage {
    let storage = memory();
    for key in ["a/b/1", "a/b/2", "a/c", "a-b/x", "ab/x", "a/b-c/x", "z"] {
        storage.store(key, key.as_bytes()).await.unwrap();
    }
    storage
}

fn is_missing<T: std::fmt::Debug>(result: Result<T>, key: &str) -> bool {
    matches!(result, Err(Error::Storage(StorageError::NotFound(name))) if name == key)
}

fn is_invalid<T: std::fmt::Debug>(result: &Result<T>) -> bool {
    matches!(result, Err(Error::Storage(StorageError::InvalidKey(_))))
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
async fn a_list_is_as_in_their_storages() {
    let storage = filled().await;
    let list = async |path: &str, recursive| storage.list(path, recursive).await.unwrap();
    assert_eq!(list("", false).await, ["a-b/", "a/", "ab/", "z"]);
    assert_eq!(list("a", false).await, ["a/b-c/", "a/b/", "a/c"]);
    assert_eq!(list("a", true).await, ["a/b-c/x", "a/b/1", "a/b/2", "a/c"]);
    assert_eq!(list("", true).await.len(), 7);
    // What a list gave can be listed.
    assert_eq!(list("a/b/", false).await, ["a/b/1", "a/b/2"]);
    assert_eq!(list("/a//./b", true).await, ["a/b/1", "a/b/2"]);
    assert!(is_missing(storage.list("nothing", false).await, "nothing"));
    assert!(is_missing(storage.list("nothing", true).await, "nothing"));
    assert!(is_missing(storage.list("z", false).await, "z"));
    assert_eq!(memory().list("", true).await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_stat_tells_values_from_directories() {
    let storage = filled().await;
    let value = storage.stat("/a/c").await.unwrap();
    assert_eq!((value.key.as_str(), value.size, value.is_terminal), ("a/c", 3, true));
    assert!(value.modified > time::OffsetDateTime::now_utc() - time::Duration::HOUR);
    let directory = storage.stat("a/b").await.unwrap();
    assert_eq!((directory.size, directory.is_terminal), (0, false));
    assert!(is_missing(storage.stat("x").await, "x"));
}

#[tokio::test]
async fn groups_of_keys_keep_their_order() {
    let storage = filled().await;
    let keys = ["a/c", "a/x", "z", "a/b", "a/c"];
    let values = storage.load_many(&keys).await.unwrap();
    let found: Vec<bool> = values.iter().map(Option::is_some).collect();
    assert_eq!(found, [true, false, true, false, true]);
    assert_eq!(values[2].as_deref(), Some(&b"z"[..]));
    assert_eq!(storage.exists_exact_many(&keys).await.unwrap(), found);
    assert_eq!(storage.exists_many(&keys).await.unwrap(), [true, false, true, true, true]);
    assert!(storage.load_many(&[]).await.unwrap().is_empty());
    assert!(storage.exists_exact_many(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn one_key_has_one_name() {
    let storage = memory();
    let same = [
        ("a/b", "a/b"),
        ("/a//./b/", "a/b"),
        (
            "c/bücher.example/bücher.example.crt",
            "c/xn--bcher-kva.example/xn--bcher-kva.example.crt",
        ),
    ];
    for (name, key) in same {
        assert_eq!(storage.canonical_key(name).unwrap(), key);
        assert_eq!(storage.canonical_key(key).unwrap(), key);
        storage.store(name, name.as_bytes()).await.unwrap();
        assert_eq!(storage.load(key).await.unwrap(), name.as_bytes());
    }
    assert_eq!(storage.list("c", false).await.unwrap(), ["c/xn--bcher-kva.example/"]);
    let long = format!("c/{0}/{0}.json", "d".repeat(253));
    storage.store(&long, b"{}").await.unwrap();
    assert_eq!(storage.load(&long).await.unwrap(), b"{}");
    let listed = storage.list("c", true).await.unwrap();
    assert!(listed.iter().all(|key| key.split('/').all(|part| part.len() <= MAX_COMPONENT)));
}

#[tokio::test]
async fn what_cannot_be_a_key_is_refused_and_not_missing() {
    let storage = memory();
    for name in ["", "/", ".", "../a", "a/../b", "a b", "a:b", "a\\b", "a\0", "locks/x"] {
        assert!(is_invalid(&storage.load(name).await), "{name:?}");
        assert!(is_invalid(&storage.store(name, b"").await));
        assert!(is_invalid(&storage.exists(name).await));
        assert!(is_invalid(&storage.stat(name).await));
        assert!(is_invalid(&storage.delete(name).await));
        assert!(is_invalid(&storage.load_many(&["a", name]).await));
        assert!(is_invalid(&storage.move_key("a", name).await));
        assert!(is_invalid(&storage.canonical_key(name)));
    }
    assert!(is_invalid(&storage.list("..", true).await));
}

#[tokio::test]
async fn an_outage_is_never_an_absence() {
    let gate = Gate::new();
    let storage = CertstoreStorage::new(gate.clone());
    gate.go_away();
    let keys = ["c/a.key", "c/a.crt"];
    let io = |error: Error| matches!(error, Error::Storage(StorageError::Io(_)));
    assert!(io(storage.load("a").await.unwrap_err()));
    assert!(io(storage.load_many(&keys).await.unwrap_err()));
    assert!(io(storage.exists("a").await.unwrap_err()));
    assert!(io(storage.exists_many(&keys).await.unwrap_err()));
    assert!(io(storage.exists_exact_many(&keys).await.unwrap_err()));
    assert!(io(storage.list("", true).await.unwrap_err()));
    assert!(io(storage.list("a", false).await.unwrap_err()));
    assert!(io(storage.stat("a").await.unwrap_err()));
    assert!(io(storage.store("a", b"").await.unwrap_err()));
    assert!(io(storage.delete("a").await.unwrap_err()));
    assert!(io(storage.move_key("a", "b").await.unwrap_err()));
}

/// A CA that issues nothing, and counts who asks.
#[derive(Debug, Default)]
struct Ca(AtomicUsize);

#[async_trait::async_trait]
impl Issuer for Ca {
    async fn issue(&self, _: &CancellationToken, _: &Csr, _: u32) -> Result<IssuedCertificate> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Err(Error::Internal("this CA issues nothing".into()))
    }

    fn issuer_key(&self) -> String {
        "ca".to_owned()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

#[tokio::test]
async fn certmagic_orders_nothing_in_an_outage() {
    let (gate, ca) = (Gate::new(), Arc::new(Ca::default()));
    let options = ConfigOptions {
        issuers: vec![ca.clone()],
        storage: Some(Arc::new(CertstoreStorage::new(gate.clone()))),
        ..ConfigOptions::default()
    };
    let config = Config::new(Cache::new(Default::default()).unwrap(), options).unwrap();
    let (cancel, domains) = (CancellationToken::new(), ["a.example".to_owned()]);
    gate.go_away();
    let error = config.manage_sync(&cancel, &domains).await.unwrap_err();
    assert!(matches!(error, Error::Storage(StorageError::Io(_))), "{error}");
    assert_eq!(ca.0.load(Ordering::SeqCst), 0);
    gate.come_back();
    config.manage_sync(&cancel, &domains).await.unwrap_err();
    assert_eq!(ca.0.load(Ordering::SeqCst), 1);
}

#[test]
fn debug_names_the_backend_alone() {
    assert_eq!(format!("{:?}", memory()), r#"CertstoreStorage { storage: "memory", .. }"#);
}
