use std::sync::Arc;

use crate::{
    Config, ErrorKind, Fence, Locker, MemoryStorage, Shared, Storage, WithLocker, open, open_url,
};

#[tokio::test]
async fn memory_takes_its_settings() {
    let storage = open_url("memory:?max_value=70000&lease=2s").await.unwrap();
    assert_eq!(storage.capabilities().max_value, Some(70_000));
    assert_eq!(storage.capabilities().lease, Some(std::time::Duration::from_secs(2)));
    let short = open_url("memory:?lease=1ms").await.err().unwrap();
    assert_eq!(short.kind(), ErrorKind::InvalidConfig);
}

#[tokio::test]
async fn locks_of_another_storage_cap_the_fence() {
    let toml =
        "[storage]\nbackend = \"memory\"\n[storage.lock]\nbackend = \"memory\"\nlease = \"3s\"";
    let storage = open(&Config::from_toml(toml).unwrap()).await.unwrap();
    let capabilities = storage.capabilities();
    assert_eq!((capabilities.fence, capabilities.shared), (Fence::PerKey, Shared::Process));
    assert_eq!(capabilities.lease, Some(std::time::Duration::from_secs(3)));
}

#[tokio::test]
async fn fenced_writes_hold_across_stores() {
    let (values, locker) = (MemoryStorage::new(), MemoryStorage::new());
    // Two clients of the same lock storage, as two processes are.
    let client =
        |locker: MemoryStorage| WithLocker::new(Arc::new(values.handle()), Arc::new(locker));
    let (one, other) = (client(locker.handle()), client(locker.handle()));
    let (name, key) = ("job".parse().unwrap(), "a".parse().unwrap());
    let old = one.lock(&name).await.unwrap();
    one.store_fenced(&key, b"old", &old).await.unwrap();
    assert!(values.locks().await.unwrap().is_empty(), "the values' own locks are not used");
    one.break_lock(&name, old.token()).await.unwrap();
    let new = other.lock(&name).await.unwrap();
    other.store_fenced(&key, b"new", &new).await.unwrap();
    let late = one.store_fenced(&key, b"late", &old).await.unwrap_err();
    assert!(matches!(late.kind(), ErrorKind::Fenced | ErrorKind::LockLost), "{late}");
    assert_eq!(one.load(&key).await.unwrap().as_ref(), b"new");
    new.unlock().await.unwrap();
}

#[cfg(all(unix, feature = "fs"))]
#[tokio::test]
async fn files_take_their_settings() {
    let root = std::env::temp_dir().join(format!("certstore-open-{}", std::process::id()));
    let url = format!("file://{}", root.display());
    let missing = open_url(&format!("{url}?create=false")).await.err().unwrap();
    assert!(!root.exists(), "{missing}");
    let storage = open_url(&format!("{url}?io=pool")).await.unwrap();
    assert_eq!(storage.backend(), "fs");
    storage.store(&"a".parse().unwrap(), b"1").await.unwrap();
    assert_eq!(std::fs::read(root.join("a")).unwrap(), b"1");
    std::fs::remove_dir_all(root).unwrap();
}

#[cfg(not(all(unix, feature = "fs")))]
#[test]
fn a_backend_that_is_not_built_is_refused_not_replaced() {
    for toml in ["", "[storage]\nbackend = \"fs\"", "[storage]\nurl = \"file:///x\""] {
        let error = Config::from_toml(toml).unwrap_err();
        assert!(error.to_string().starts_with("this build has no backend \"fs\""), "{error}");
    }
}
