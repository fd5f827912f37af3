//! Certificates, clocks and stores for the tests of cleaning.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{
    Capabilities, Clock, Dir, Key, KeyInfo, MemoryConfig, MemoryStorage, OsRandom, Result, Sleep,
    Storage, StorageKeys, SystemClock, Version,
};
use futures_util::stream::BoxStream;
use rcgen::{CertificateParams, KeyPair};
use time::OffsetDateTime;

/// 2026-11-28T12:00:00Z
pub(crate) const NOW: u64 = 1_795_867_200;
pub(crate) const DAY: u64 = 86_400;

/// A wall clock that a test sets; the other clocks are the machine's.
#[derive(Debug, Clone)]
pub(crate) struct SetClock(Arc<Mutex<SystemTime>>);

impl SetClock {
    pub(crate) fn at(unix: u64) -> Self {
        Self(Arc::new(Mutex::new(UNIX_EPOCH + Duration::from_secs(unix))))
    }

    pub(crate) fn set(&self, unix: u64) {
        *self.0.lock().unwrap() = UNIX_EPOCH + Duration::from_secs(unix);
    }
}

impl Clock for SetClock {
    fn boottime(&self) -> Duration {
        SystemClock.boottime()
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }

    fn wall(&self) -> SystemTime {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        SystemClock.sleep(duration)
    }
}

/// An empty storage that dates what is stored by `clock`.
pub(crate) fn storage(clock: &SetClock) -> MemoryStorage {
    MemoryStorage::with_parts(MemoryConfig::default(), Arc::new(clock.clone()), Arc::new(OsRandom))
        .unwrap()
}

/// Makes certificates, all with one key.
pub(crate) struct Maker(KeyPair);

impl Maker {
    pub(crate) fn new() -> Self {
        Self(KeyPair::generate().unwrap())
    }

    /// A certificate for `names` that ends at this second of 1970.
    pub(crate) fn certificate(&self, names: &[&str], not_after: u64) -> String {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        let at = |unix: u64| OffsetDateTime::from_unix_timestamp(unix.try_into().unwrap()).unwrap();
        params.not_before = at(not_after - 90 * DAY);
        params.not_after = at(not_after);
        params.self_signed(&self.0).unwrap().pem()
    }

    pub(crate) fn key(&self) -> String {
        self.0.serialize_pem()
    }

    /// A site as CertMagic stores it; gives the certificate's key.
    pub(crate) async fn site(&self, storage: &dyn Storage, name: &str, not_after: u64) -> Key {
        let json = format!("{{\n\t\"sans\": [\n\t\t\"{name}\"\n\t]\n}}");
        let crt = StorageKeys::site_cert("local", name).unwrap();
        storage
            .store(&StorageKeys::site_private_key("local", name).unwrap(), self.key().as_bytes())
            .await
            .unwrap();
        storage.store(&crt, self.certificate(&[name], not_after).as_bytes()).await.unwrap();
        storage
            .store(&StorageKeys::site_meta("local", name).unwrap(), json.as_bytes())
            .await
            .unwrap();
        crt
    }
}

/// All keys of values.
pub(crate) async fn values(storage: &dyn Storage) -> Vec<String> {
    use futures_util::TryStreamExt;
    let all = storage.walk(&Dir::ROOT).try_collect::<Vec<_>>().await.unwrap();
    all.into_iter().filter(|info| info.is_terminal).map(|info| info.key.to_string()).collect()
}

/// A store that has nothing but what every store has: no conditions, no fences.
pub(crate) struct Plain {
    pub(crate) inner: MemoryStorage,
}

certstore_core::forward_locker!(Plain => inner);

#[async_trait]
impl Storage for Plain {
    fn backend(&self) -> &'static str {
        "plain"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::minimal()
    }

    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        self.inner.store(key, value).await
    }

    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        self.inner.store_all(items).await
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        self.inner.load(key).await
    }

    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        self.inner.load_bundle(keys).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.inner.delete(key).await
    }

    async fn exists(&self, key: &Key) -> Result<bool> {
        self.inner.exists(key).await
    }

    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        self.inner.list(dir, recursive).await
    }

    fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        self.inner.walk(dir)
    }

    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        self.inner.stat(key).await
    }
}
