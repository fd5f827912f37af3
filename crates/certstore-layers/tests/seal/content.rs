//! Over a backend whose versions are of content, as those of plain objects in S3 are.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use certstore_conformance::{Factory, MemoryFactory, Options, Outcome, run};
use certstore_core::{
    Capabilities, Condition, Dir, Error, ErrorKind, Key, KeyInfo, MemoryStorage, Result, Storage,
    Version, VersionKind, Versioned, forward_locker,
};
use certstore_layers::seal::Keyset;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;

use super::support::{keyset, sealed};

/// Memory with equal versions for equal bytes; declares what the test says.
struct ByContent {
    inner: MemoryStorage,
    declared: VersionKind,
}

fn of_content(value: &[u8]) -> Version {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    Version::new(format!("{:016x}", hasher.finish()))
}

forward_locker!(ByContent => inner);

#[async_trait]
impl Storage for ByContent {
    fn backend(&self) -> &'static str {
        "content"
    }

    fn capabilities(&self) -> Capabilities {
        let mut declared = self.inner.capabilities();
        declared.version = self.declared;
        declared
    }

    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        self.inner.store(key, value).await.map(|_| of_content(value))
    }

    async fn store_if(&self, key: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        let condition = match condition {
            Condition::Version(expected) => {
                let found = match self.inner.load_versioned(key).await {
                    Ok(found) if of_content(&found.value) == *expected => found.version,
                    _ => return Err(Error::new(ErrorKind::Conflict, "other content")),
                };
                Condition::Version(found)
            }
            other => other.clone(),
        };
        self.inner.store_if(key, value, &condition).await.map(|_| of_content(value))
    }

    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        self.inner.store_all(items).await
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        self.inner.load(key).await
    }

    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        let value = self.inner.load(key).await?;
        Ok(Versioned { version: of_content(&value), value })
    }

    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        self.inner.load_bundle(keys).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.inner.delete(key).await
    }

    async fn delete_if(&self, key: &Key, version: &Version) -> Result<()> {
        let found = self.inner.load_versioned(key).await;
        match found {
            Ok(found) if of_content(&found.value) == *version => {
                self.inner.delete_if(key, &found.version).await
            }
            _ => Err(Error::new(ErrorKind::Conflict, "other content")),
        }
    }

    async fn exists(&self, key: &Key) -> Result<bool> {
        self.inner.exists(key).await
    }

    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        self.inner.list(dir, recursive).await
    }

    fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        let stat = |info: Result<KeyInfo>| async { self.stat(&info?.key).await };
        self.inner.walk(dir).then(stat).boxed()
    }

    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        let info = self.inner.stat(key).await?;
        if !info.is_terminal {
            return Ok(info);
        }
        let version = of_content(&self.inner.load(key).await?);
        Ok(info.with_version(version))
    }
}

struct ContentFactory {
    memory: MemoryFactory,
    declared: VersionKind,
    sealed: Option<Keyset>,
}

#[async_trait]
impl Factory for ContentFactory {
    fn name(&self) -> &str {
        "content"
    }

    async fn open(&self, namespace: &str) -> Result<Arc<dyn Storage>> {
        let inner = self.memory.client(namespace)?;
        let storage = Arc::new(ByContent { inner, declared: self.declared });
        Ok(match &self.sealed {
            Some(keyset) => Arc::new(sealed(storage, keyset)),
            None => storage,
        })
    }

    async fn remove(&self, namespace: &str) -> Result<()> {
        self.memory.remove(namespace).await
    }
}

/// How CAS-7 ends: a version never becomes valid again.
async fn versions_of_writes(declared: VersionKind, sealed: Option<Keyset>) -> Outcome {
    let factory = ContentFactory { memory: MemoryFactory::new(), declared, sealed };
    let report = run(Arc::new(factory), Options::new().only(["CAS-7"])).await;
    report.clauses.into_iter().next().expect("one clause was run").outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_of_content_become_versions_of_writes() {
    // What the storage inside is, and what the case finds when it claims more.
    let honest = versions_of_writes(VersionKind::Content, None).await;
    assert!(matches!(honest, Outcome::NotSupported { .. }), "{honest:?}");
    let claimed = versions_of_writes(VersionKind::Counter, None).await;
    assert!(matches!(claimed, Outcome::Failed { .. }), "{claimed:?}");
    // Sealed, it is what is then declared.
    let sealed = versions_of_writes(VersionKind::Content, Some(keyset())).await;
    assert!(matches!(sealed, Outcome::Passed), "{sealed:?}");
}
