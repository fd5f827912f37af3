//! The storage: values as objects, locks as records beside them.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::lease::{LeaseConfig, LeaseLocker};
use certstore_core::{
    Capabilities, Condition, Dir, Error, ErrorKind, Key, KeyInfo, Lock, LockerId, Result, Storage,
    Version, Versioned, journal,
};
use certstore_objects::{ObjectRegister, ObjectStore as _, ObjectTree, Query};
use futures_util::stream::{self, BoxStream, StreamExt as _};

use crate::answer::Answer;
use crate::bucket::{Bucket, Done, Got, Head, Metadata, Object, When, generation, version};
use crate::client::Clients;
use crate::config::GcsConfig;
use crate::declared;
use crate::error::{BACKEND, answer_in, on, on_dir, said_no};
use crate::names::{GcsRules, names};
use crate::probe::Probe;
use crate::register::GcsRecords;

/// How many values are loaded at once.
const LOADS: usize = 16;

/// A storage in a bucket of Google Cloud Storage.
///
/// Clones are one client: they share connections and the lock queue.
#[derive(Clone)]
pub struct GcsStorage(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) bucket: Arc<Bucket>,
    pub(crate) tree: ObjectTree<Bucket, GcsRules>,
    pub(crate) locker: LeaseLocker<ObjectRegister<GcsRecords>>,
    probe: Arc<Probe>,
    config: GcsConfig,
}

impl GcsStorage {
    /// Opens the bucket with one cheap request, so that a wrong bucket, endpoint or credential is told now. Who may not
    /// list goes on: objects may still be allowed.
    ///
    /// The driver takes the process's TLS provider; where there is none, this installs ring's.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: an option is wrong, or there is no such bucket. [`ErrorKind::PermissionDenied`]: the
    /// credentials are wrong. [`ErrorKind::Unavailable`]: the server, or who gives out the tokens, does not answer.
    ///
    /// # Cancel safety
    /// Cancel safe: it writes nothing.
    pub async fn open(config: &GcsConfig) -> Result<Self> {
        let open = async {
            config.check()?;
            let bucket = Arc::new(Bucket::new(Clients::connect(config).await?, config));
            check_access(&bucket).await?;
            let probe = Probe::new(Arc::clone(&bucket), config.endpoint.is_none());
            Self::assemble(bucket, probe, config)
        };
        open.await.map_err(|error| opening(error, config))
    }

    fn assemble(bucket: Arc<Bucket>, probe: Arc<Probe>, config: &GcsConfig) -> Result<Self> {
        let lease = LeaseConfig::new(config.lease)?
            .with_poll(config.poll_min, config.poll_max)
            .with_handovers(config.handovers);
        let names = names(&bucket.base);
        let records = GcsRecords::new(Arc::clone(&bucket), lease.request());
        let register = ObjectRegister::new(records, names.clone());
        // Not the endpoint: processes may reach one bucket by several, and must agree on this id.
        let id = LockerId::new(format!("gcs:{}/{}", bucket.name, bucket.base));
        let locker = LeaseLocker::new(register, id, BACKEND, lease);
        let tree = ObjectTree::new(Arc::clone(&bucket), names, GcsRules);
        let config = config.clone();
        Ok(Self(Arc::new(Inner { bucket, tree, locker, probe, config })))
    }

    /// Another client, under another prefix of the same bucket. It shares connections and what is known of the server, and
    /// has a lock queue of its own. Makes no request.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: `prefix` is none, see [`GcsConfig::prefix`].
    pub fn with_prefix(&self, prefix: &str) -> Result<Self> {
        let mut config = self.0.config.clone();
        prefix.clone_into(&mut config.prefix);
        config.check()?;
        let bucket = Bucket::new(self.0.bucket.clients.clone(), &config);
        Self::assemble(Arc::new(bucket), Arc::clone(&self.0.probe), &config)
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }
}

/// One request that a wrong configuration does not survive.
async fn check_access(bucket: &Bucket) -> Result<()> {
    let query = Query { prefix: bucket.base.clone(), shallow: false, limit: Some(1) };
    match bucket.page(&query, None).await {
        Err(error) if answer_in(&error).is_some_and(Answer::is_denied) => {
            tracing::warn!(
                bucket = bucket.name,
                "these credentials may not list the bucket (storage.objects.list); lists and deletes will fail"
            );
            Ok(())
        }
        listed => listed.map(drop),
    }
}

fn opening(error: Error, config: &GcsConfig) -> Error {
    let shown: String = config.bucket.chars().flat_map(char::escape_debug).take(80).collect();
    error.with_operation("open the bucket").with_subject(shown).with_backend(BACKEND)
}

impl Inner {
    fn check_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        items.iter().try_for_each(|(key, value)| {
            let check = self.tree.value(key).and_then(|_| declared::check_size(value));
            check.map_err(on("store", key))
        })
    }

    /// Before the first write under a condition.
    pub(crate) async fn require_conditions(&self) -> Result<()> {
        self.probe.require(self.tree.names()).await
    }

    async fn object(&self, key: &Key) -> Result<Object> {
        match self.bucket.get(&self.tree.value(key)?, None, declared::MAX_VALUE).await? {
            Got::Object(object) => Ok(object),
            Got::Missing | Got::Unchanged => Err(Error::not_found()),
        }
    }

    pub(crate) fn info(&self, key: Key, head: &Head) -> KeyInfo {
        let mut info = KeyInfo::file(key).with_version(head.version());
        info.size = Some(head.size);
        info.modified = head.modified;
        info
    }
}

fn changed() -> Error {
    let message = "the value is not of that version any more; read it again";
    Error::new(ErrorKind::Conflict, message)
}

#[async_trait]
impl Storage for GcsStorage {
    fn backend(&self) -> &'static str {
        BACKEND
    }

    fn capabilities(&self) -> Capabilities {
        declared::capabilities(self.0.config.lease)
    }

    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        let store = async {
            let object = self.0.tree.value(key)?;
            declared::check_size(value)?;
            let body = Bytes::copy_from_slice(value);
            match self.0.bucket.put(&object, &body, &Metadata::new(), When::Always).await? {
                Done::Yes(generation) => Ok(version(generation)),
                Done::No(answer) => Err(said_no(answer)),
            }
        };
        store.await.map_err(on("store", key))
    }

    async fn store_if(&self, key: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        let store = async {
            let object = self.0.tree.value(key)?;
            let expected = match condition {
                Condition::Absent => 0,
                Condition::Version(version) => generation(version).ok_or_else(changed)?,
                _ => return Err(Error::unsupported("this condition is not known here")),
            };
            declared::check_size(value)?;
            self.0.require_conditions().await?;
            let body = Bytes::copy_from_slice(value);
            match self.0.bucket.put_if(&object, &body, Metadata::new(), expected).await? {
                Done::Yes(generation) => Ok(version(generation)),
                Done::No(answer) => Err(said_no(answer)),
            }
        };
        store.await.map_err(on("store", key))
    }

    async fn store_fenced(&self, key: &Key, value: &[u8], guard: &Lock) -> Result<Version> {
        self.0.store_fenced(key, value, guard).await.map_err(on("store", key))
    }

    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        self.0.check_all(items)?;
        journal::store_all(self, items).await.map_err(|error| error.with_backend(BACKEND))
    }

    async fn store_all_fenced(&self, items: &[(&Key, &[u8])], guard: &Lock) -> Result<()> {
        self.0.check_all(items)?;
        if let Some((key, _)) = items.first() {
            self.0.require_conditions().await.map_err(on("store", key))?;
        }
        let stored = journal::store_all_fenced(self, items, guard).await;
        stored.map_err(|error| error.with_backend(BACKEND))
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        Ok(self.0.object(key).await.map_err(on("load", key))?.body)
    }

    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        let object = self.0.object(key).await.map_err(on("load", key))?;
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
        self.0.tree.delete(self, key).await.map_err(on("delete", key))
    }

    async fn delete_if(&self, key: &Key, version: &Version) -> Result<()> {
        let delete = async {
            let object = self.0.tree.value(key)?;
            let expected = generation(version).ok_or_else(changed)?;
            self.0.require_conditions().await?;
            self.0.tree.settle(self, key, None).await?;
            match self.0.bucket.delete(&object, When::Generation(expected)).await? {
                Done::Yes(()) => Ok(()),
                Done::No(answer) => Err(said_no(answer)),
            }
        };
        delete.await.map_err(on("delete", key))
    }

    async fn delete_fenced(&self, key: &Key, guard: &Lock) -> Result<()> {
        let delete = async {
            self.0.tree.value(key)?;
            guard.check()?;
            self.0.require_conditions().await?;
            self.0.tree.settle(self, key, Some(guard)).await?;
            self.0.delete_fenced(key, guard).await
        };
        delete.await.map_err(on("delete", key))
    }

    async fn exists(&self, key: &Key) -> Result<bool> {
        let exists = async {
            let object = self.0.tree.value(key)?;
            Ok(self.0.bucket.head(&object).await?.is_some() || self.0.tree.has_below(key).await?)
        };
        exists.await.map_err(on("look for", key))
    }

    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        self.0.tree.list(dir, recursive).await.map_err(on_dir("list", dir))
    }

    fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        let at = dir.clone();
        self.0.tree.walk(dir).map(move |info| info.map_err(on_dir("list", &at))).boxed()
    }

    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        let stat = async {
            let object = self.0.tree.value(key)?;
            match self.0.bucket.head(&object).await? {
                Some(head) => Ok(self.0.info(key.clone(), &head)),
                None if self.0.tree.has_below(key).await? => Ok(KeyInfo::directory(key.clone())),
                None => Err(Error::not_found()),
            }
        };
        stat.await.map_err(on("stat", key))
    }

    async fn foreign(&self, dir: &Dir) -> Result<Vec<String>> {
        self.0.tree.foreign(dir).await.map_err(on_dir("list", dir))
    }
}

impl fmt::Debug for GcsStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GcsStorage").field("config", &self.0.config).finish_non_exhaustive()
    }
}
