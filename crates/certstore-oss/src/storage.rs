//! The storage: values as objects, locks as logs beside them.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{
    Capabilities, Cas, Condition, Dir, Error, ErrorKind, Key, KeyInfo, Lock, Result, Storage,
    Version, Versioned, journal,
};
use certstore_objects::{ObjectStore as _, ObjectTree, Query};
use futures_util::stream::{self, BoxStream, StreamExt as _};

use crate::bucket::{Bucket, Done, Object};
use crate::client::Client;
use crate::config::{LockMode, OssConfig};
use crate::declared;
use crate::error::{Answer, BACKEND, invalid_config, on, on_dir};
use crate::locker::OssLocker;
use crate::names::Names;
use crate::proof::Proof;
use crate::rules::OssRules;
use crate::xml::Versioning;

/// How many values are loaded at once.
const LOADS: usize = 16;

/// A storage in a bucket of Alibaba Cloud OSS.
///
/// Clones are one client: they share connections and the lock queue.
#[derive(Clone)]
pub struct OssStorage {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) bucket: Arc<Bucket>,
    pub(crate) tree: ObjectTree<Bucket, OssRules>,
    pub(crate) locker: OssLocker,
    versioning: Versioning,
    capabilities: Capabilities,
    config: OssConfig,
}

impl OssStorage {
    /// Opens the bucket with two cheap requests, so that a wrong bucket, region, endpoint or credential is told now, and
    /// so that it is known whether the bucket keeps versions. Who may not list goes on: objects may still be allowed.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: an option is wrong, there is no such bucket, it is reached at another endpoint, which
    /// the message names, or it keeps versions and its locks should be shared with certmagic-oss.
    /// [`ErrorKind::PermissionDenied`]: the credentials are wrong. [`ErrorKind::Unavailable`]: the server does not answer.
    ///
    /// # Cancel safety
    /// Cancel safe: it writes nothing.
    pub async fn open(config: &OssConfig) -> Result<Self> {
        let open = async {
            config.check()?;
            let bucket = Arc::new(Bucket::new(Client::new(config)?));
            let query = Query { prefix: config.base(), shallow: false, limit: Some(1) };
            let (listed, versioning) = tokio::join!(bucket.page(&query, None), bucket.versioning());
            check_access(listed.map(drop), config)?;
            let versioning = judged(versioning, config)?;
            Self::assemble(bucket.clone(), Proof::new(bucket), versioning, config)
        };
        open.await.map_err(|error| opening(error, config))
    }

    fn assemble(
        bucket: Arc<Bucket>,
        proof: Arc<Proof>,
        versioning: Versioning,
        config: &OssConfig,
    ) -> Result<Self> {
        let base = config.base();
        let names = match config.lock_mode {
            LockMode::Append => Names::new(&base),
            LockMode::CertmagicOss => Names::new(&base).with_peer_locks(),
        };
        let locker = OssLocker::new(bucket.clone(), names.clone(), proof, config)?;
        let rules = OssRules::new(names.clone());
        let inner = Inner {
            capabilities: declared::capabilities(config, versioning),
            config: config.clone(),
            versioning,
            tree: ObjectTree::new(bucket.clone(), names.objects, rules),
            bucket,
            locker,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Another client, under another prefix of the same bucket. It shares connections and what the probe has found, and
    /// has a lock queue of its own. Makes no request.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: `prefix` is none, see [`OssConfig::prefix`].
    pub fn with_prefix(&self, prefix: &str) -> Result<Self> {
        let mut config = self.inner.config.clone();
        prefix.clone_into(&mut config.prefix);
        config.check()?;
        let Inner { bucket, locker, versioning, .. } = self.inner();
        Self::assemble(bucket.clone(), locker.proof().clone(), *versioning, &config)
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }
}

/// A denied list is no reason not to go on.
fn check_access(listed: Result<()>, config: &OssConfig) -> Result<()> {
    match listed {
        Err(error) if is_access_denied(&error) => {
            tracing::warn!(
                bucket = config.bucket,
                "these credentials may not list the bucket (oss:ListObjects), or are not its own; lists and deletes will fail"
            );
            Ok(())
        }
        listed => listed,
    }
}

/// Whether the bucket keeps versions, as far as these credentials may know.
fn judged(versioning: Result<Versioning>, config: &OssConfig) -> Result<Versioning> {
    let peer = config.lock_mode == LockMode::CertmagicOss;
    match versioning {
        Ok(Versioning::Kept) if peer => Err(invalid_config(
            "the bucket keeps versions, so certmagic-oss's locks exclude nobody there; set lock_mode to append",
        )),
        Err(error) if is_access_denied(&error) && !peer => {
            tracing::warn!(
                bucket = config.bucket,
                "these credentials may not ask whether the bucket keeps versions (oss:GetBucketVersioning); writes that \
                 only create are not offered"
            );
            Ok(Versioning::Kept)
        }
        judged => judged,
    }
}

fn is_access_denied(error: &Error) -> bool {
    error.kind() == ErrorKind::PermissionDenied
        && std::error::Error::source(error)
            .and_then(|source| source.downcast_ref::<Answer>())
            .is_some_and(|answer| answer.is("AccessDenied"))
}

fn opening(error: Error, config: &OssConfig) -> Error {
    let shown: String = config.bucket.chars().flat_map(char::escape_debug).take(80).collect();
    error.with_operation("open the bucket").with_subject(shown).with_backend(BACKEND)
}

/// No condition but absence is there on OSS, for no write.
fn no_versions() -> Error {
    Error::unsupported("OSS has no writes on a version; protect the key by a lock")
}

impl Inner {
    async fn object(&self, key: &Key) -> Result<Object> {
        let found = self.bucket.get(&self.tree.value(key)?, declared::MAX_VALUE).await?;
        found.ok_or_else(Error::not_found)
    }

    /// Writes a value where there is none. The bucket may have begun to keep versions since it was opened, and would then
    /// write over what is there.
    async fn create(&self, key: &Key, value: &[u8]) -> Result<Version> {
        let object = self.tree.value(key)?;
        if self.capabilities.cas == Cas::None || self.bucket.versioning().await? == Versioning::Kept
        {
            return Err(Error::unsupported(
                "the bucket keeps versions, so it has no writes that only create; protect the key by a lock",
            ));
        }
        declared::check_size(value)?;
        match self.bucket.create(&object, Bytes::copy_from_slice(value)).await? {
            Done::Yes(stored) => Ok(Version::new(stored.etag)),
            Done::No(answer) => {
                let message = "there is a value already; read it again";
                Err(Error::new(ErrorKind::Conflict, message).with_source(answer))
            }
        }
    }
}

certstore_core::forward_locker!(OssStorage => inner.locker);

#[async_trait]
impl Storage for OssStorage {
    fn backend(&self) -> &'static str {
        BACKEND
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities
    }

    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        let store = async {
            let object = self.inner.tree.value(key)?;
            declared::check_size(value)?;
            let stored = self.inner.bucket.put(&object, Bytes::copy_from_slice(value)).await?;
            Ok(Version::new(stored.etag))
        };
        store.await.map_err(on("store", key))
    }

    async fn store_if(&self, key: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        let store = async {
            match condition {
                Condition::Absent => self.inner.create(key, value).await,
                _ => Err(no_versions()),
            }
        };
        store.await.map_err(on("store", key))
    }

    async fn store_fenced(&self, key: &Key, _: &[u8], _: &Lock) -> Result<Version> {
        Err(on("store", key)(no_versions()))
    }

    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        for (key, value) in items {
            let check = self.inner.tree.value(key).and_then(|_| declared::check_size(value));
            check.map_err(on("store", key))?;
        }
        journal::store_all(self, items).await.map_err(|error| error.with_backend(BACKEND))
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        self.inner.object(key).await.map(|object| object.body).map_err(on("load", key))
    }

    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        let object = self.inner.object(key).await.map_err(on("load", key))?;
        Ok(Versioned { version: object.head.version(), value: object.body })
    }

    async fn load_many(&self, keys: &[&Key]) -> Vec<Result<Bytes>> {
        let loads: Vec<_> = keys.iter().map(|key| self.load(key)).collect();
        stream::iter(loads).buffered(LOADS).collect().await
    }

    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        journal::load_bundle(self, keys).await.map_err(|error| error.with_backend(BACKEND))
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.inner.tree.delete(self, key).await.map_err(on("delete", key))
    }

    async fn delete_if(&self, key: &Key, _: &Version) -> Result<()> {
        Err(on("delete", key)(no_versions()))
    }

    async fn delete_fenced(&self, key: &Key, _: &Lock) -> Result<()> {
        Err(on("delete", key)(no_versions()))
    }

    async fn exists(&self, key: &Key) -> Result<bool> {
        let exists = async {
            let object = self.inner.tree.value(key)?;
            Ok(self.inner.bucket.head(&object).await?.is_some()
                || self.inner.tree.has_below(key).await?)
        };
        exists.await.map_err(on("look for", key))
    }

    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        self.inner.tree.list(dir, recursive).await.map_err(on_dir("list", dir))
    }

    fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        let at = dir.clone();
        self.inner.tree.walk(dir).map(move |info| info.map_err(on_dir("list", &at))).boxed()
    }

    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        let stat = async {
            let object = self.inner.tree.value(key)?;
            match self.inner.bucket.head(&object).await? {
                Some(head) => {
                    let mut info = KeyInfo::file(key.clone()).with_version(head.version());
                    info.size = Some(head.size);
                    info.modified = head.modified;
                    Ok(info)
                }
                None if self.inner.tree.has_below(key).await? => {
                    Ok(KeyInfo::directory(key.clone()))
                }
                None => Err(Error::not_found()),
            }
        };
        stat.await.map_err(on("stat", key))
    }

    async fn foreign(&self, dir: &Dir) -> Result<Vec<String>> {
        self.inner.tree.foreign(dir).await.map_err(on_dir("list", dir))
    }
}

impl fmt::Debug for OssStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OssStorage").field("config", &self.inner.config).finish_non_exhaustive()
    }
}
