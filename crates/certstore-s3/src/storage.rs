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

use crate::bucket::{Bucket, Done, Got, Head, Object, When};
use crate::client::Clients;
use crate::config::{Probing, S3Config};
use crate::declared;
use crate::error::{Answer, BACKEND, on, on_dir, said_no};
use crate::names::names;
use crate::probe::ProbeReport;
use crate::proof::{Need, Proof};
use crate::register::S3Records;
use crate::rules::S3Rules;
use crate::secretbox::{self, Secretbox};
use crate::stamp;

/// How many values are loaded at once.
const LOADS: usize = 16;

/// The longest object of a value, in bytes: the value and a stamp, or a seal.
pub(crate) const MAX_STORED: u64 = declared::MAX_VALUE + secretbox::OVERHEAD;

const _: () = assert!(stamp::TRAILER as u64 <= secretbox::OVERHEAD);

/// A storage in a bucket of S3 or a compatible store.
///
/// Clones are one client: they share connections and the lock queue.
#[derive(Clone)]
pub struct S3Storage(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) bucket: Arc<Bucket>,
    pub(crate) tree: ObjectTree<Bucket, S3Rules>,
    pub(crate) proof: Arc<Proof>,
    pub(crate) locker: LeaseLocker<ObjectRegister<S3Records>>,
    pub(crate) stamped: bool,
    pub(crate) secretbox: Option<Secretbox>,
    capabilities: Capabilities,
    config: S3Config,
}

impl S3Storage {
    /// Opens the bucket with one cheap request, so that a wrong bucket, region, endpoint or credential is told now. Who
    /// may not list goes on: objects may still be allowed. With [`Probing::Open`], the store is probed as well.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: an option is wrong, there is no such bucket, or it is in another region, which the
    /// message names. [`ErrorKind::PermissionDenied`]: the credentials are wrong. [`ErrorKind::Unavailable`]: the
    /// server does not answer.
    ///
    /// # Cancel safety
    /// Cancel safe: it writes nothing, but for the probe, which then goes on in the background.
    pub async fn open(config: &S3Config) -> Result<Self> {
        let open = async {
            config.check()?;
            Self::of(Clients::connect(config).await?, config, None).await
        };
        open.await.map_err(|error| opening(error, config))
    }

    /// As [`open`](Self::open), going by what a [`probe`](Self::probe) of the same bucket has found, in place of a new
    /// one: for programs that open a bucket several times.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    ///
    /// # Cancel safety
    /// Cancel safe: it writes nothing.
    pub async fn open_probed(config: &S3Config, report: &ProbeReport) -> Result<Self> {
        let open = async {
            config.check()?;
            Self::of(Clients::connect(config).await?, config, Some(report)).await
        };
        open.await.map_err(|error| opening(error, config))
    }

    /// As [`open`](Self::open), with a client of the caller's: its endpoint, region, credentials and HTTP client stay,
    /// and those of `config` are not used.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    ///
    /// # Cancel safety
    /// As [`open`](Self::open).
    pub async fn from_client(client: &aws_sdk_s3::Client, config: &S3Config) -> Result<Self> {
        let open = async {
            config.check()?;
            Self::of(Clients::from_client(client, config), config, None).await
        };
        open.await.map_err(|error| opening(error, config))
    }

    async fn of(clients: Clients, config: &S3Config, report: Option<&ProbeReport>) -> Result<Self> {
        let bucket = Arc::new(Bucket::new(clients, config));
        check_access(&bucket).await?;
        let proof = Proof::new(bucket.clone(), report.cloned());
        if config.probe == Probing::Open && config.secretbox_key.is_none() {
            proof.report(&names(&bucket.base)).await?;
        }
        Self::assemble(bucket, proof, config)
    }

    fn assemble(bucket: Arc<Bucket>, proof: Arc<Proof>, config: &S3Config) -> Result<Self> {
        let lease = LeaseConfig::new(config.lease)?.with_poll(config.poll_min, config.poll_max);
        let names = names(&bucket.base);
        let records = S3Records { bucket: bucket.clone(), proof: proof.clone() };
        let register = ObjectRegister::new(records, names.clone());
        let rules = S3Rules::new(config.secretbox_key.is_some());
        // Not the endpoint: processes may reach one bucket by several, and must agree on this id.
        let id = LockerId::new(format!("s3:{}/{}", bucket.name, bucket.base));
        let locker = LeaseLocker::new(register, id, BACKEND, lease);
        Ok(Self(Arc::new(Inner {
            capabilities: declared::capabilities(config, proof.known()),
            secretbox: config.secretbox_key.as_ref().map(Secretbox::new).transpose()?,
            stamped: config.stamped,
            config: config.clone(),
            tree: ObjectTree::new(bucket.clone(), names, rules),
            bucket,
            proof,
            locker,
        })))
    }

    /// Another client, under another prefix of the same bucket. It shares connections and what the probe has found, and
    /// has a lock queue of its own. Makes no request.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: `prefix` is none, see [`S3Config::prefix`].
    pub fn with_prefix(&self, prefix: &str) -> Result<Self> {
        let mut config = self.0.config.clone();
        prefix.clone_into(&mut config.prefix);
        config.check()?;
        let bucket = Bucket::new(self.0.bucket.clients.clone(), &config);
        Self::assemble(Arc::new(bucket), self.0.proof.clone(), &config)
    }

    /// Whether the store keeps what S3 promises of conditional requests. Asked once, with some 180 small requests under
    /// `locks/`, removed again; later calls, and the first lock, use the answer.
    ///
    /// # Errors
    /// When the store could not be asked. That it does not keep its word is no error but the report's.
    ///
    /// # Cancel safety
    /// Dropped, it goes on in the background.
    pub async fn probe(&self) -> Result<ProbeReport> {
        let report = self.0.proof.report(self.0.tree.names()).await;
        report.map_err(|error| error.with_operation("probe").with_subject(&*self.0.bucket.name))
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }
}

/// One request that a wrong configuration does not survive.
async fn check_access(bucket: &Bucket) -> Result<()> {
    let query = Query { prefix: bucket.base.clone(), shallow: false, limit: Some(1) };
    match bucket.page(&query, None).await {
        Err(error) if is_access_denied(&error) => {
            tracing::warn!(
                bucket = bucket.name,
                "these credentials may not list the bucket (s3:ListBucket), or are not its own; lists and deletes will fail"
            );
            Ok(())
        }
        listed => listed.map(drop),
    }
}

fn is_access_denied(error: &Error) -> bool {
    std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<Answer>())
        .is_some_and(|answer| answer.is("AccessDenied"))
}

fn opening(error: Error, config: &S3Config) -> Error {
    let shown: String = config.bucket.chars().flat_map(char::escape_debug).take(80).collect();
    error.with_operation("open the bucket").with_subject(shown).with_backend(BACKEND)
}

impl Inner {
    /// The object to write to.
    pub(crate) fn writable(&self, key: &Key) -> Result<String> {
        match self.secretbox {
            None => self.tree.value(key),
            Some(_) => Err(Error::unsupported(
                "with secretbox_key the storage is for reading only; copy it to one without",
            )),
        }
    }

    fn check_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        items.iter().try_for_each(|(key, value)| {
            let check = self.writable(key).and_then(|_| declared::check_size(value));
            check.map_err(on("store", key))
        })
    }

    pub(crate) async fn require(&self, need: Need) -> Result<()> {
        self.proof.require(self.tree.names(), need).await
    }

    async fn object(&self, key: &Key) -> Result<Object> {
        match self.bucket.get(&self.tree.value(key)?, None, MAX_STORED).await? {
            Got::Object(object) => Ok(object),
            Got::Missing | Got::Unchanged => Err(Error::not_found()),
        }
    }

    pub(crate) fn value(&self, object: Object) -> Result<Bytes> {
        match &self.secretbox {
            Some(secretbox) if !stamp::is_stamped(&object.head) => secretbox.open(&object.body),
            _ => stamp::value(object),
        }
    }

    fn info(&self, key: Key, head: &Head) -> KeyInfo {
        let mut info = KeyInfo::file(key).with_version(head.version());
        info.size = Some(match &self.secretbox {
            Some(_) if !stamp::is_stamped(head) => head.size.saturating_sub(secretbox::OVERHEAD),
            _ => stamp::value_size(head),
        });
        info.modified = head.modified;
        info
    }
}

#[async_trait]
impl Storage for S3Storage {
    fn backend(&self) -> &'static str {
        BACKEND
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities
    }

    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        let store = async {
            let object = self.0.writable(key)?;
            match self.0.put(&object, value, &When::Always).await? {
                Done::Yes(etag) => Ok(Version::new(etag)),
                Done::No(answer) => Err(said_no(answer)),
            }
        };
        store.await.map_err(on("store", key))
    }

    async fn store_if(&self, key: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        let store = async {
            let object = self.0.writable(key)?;
            let version = match condition {
                Condition::Absent => None,
                Condition::Version(version) => Some(version),
                _ => return Err(Error::unsupported("this condition is not known here")),
            };
            self.0.require(if version.is_none() { Need::Create } else { Need::Delete }).await?;
            let when = self.0.proof.when(version);
            match self.0.put(&object, value, &when).await? {
                Done::Yes(etag) => Ok(Version::new(etag)),
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
            self.0.check_fenced(guard).await.map_err(on("store", key))?;
        }
        let stored = journal::store_all_fenced(self, items, guard).await;
        stored.map_err(|error| error.with_backend(BACKEND))
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        let object = self.0.object(key).await.map_err(on("load", key))?;
        self.0.value(object).map_err(on("load", key))
    }

    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        let object = self.0.object(key).await.map_err(on("load", key))?;
        let version = object.head.version();
        let value = self.0.value(object).map_err(on("load", key))?;
        Ok(Versioned { value, version })
    }

    async fn load_many(&self, keys: &[&Key]) -> Vec<Result<Bytes>> {
        let loads: Vec<_> = keys.iter().map(|key| self.load(key)).collect();
        stream::iter(loads).buffered(LOADS).collect().await
    }

    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        journal::load_bundle(self, keys).await.map_err(|error| error.with_backend(BACKEND))
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        let delete = async {
            self.0.writable(key)?;
            self.0.tree.delete(self, key).await
        };
        delete.await.map_err(on("delete", key))
    }

    async fn delete_if(&self, key: &Key, version: &Version) -> Result<()> {
        let delete = async {
            let object = self.0.writable(key)?;
            self.0.require(Need::Delete).await?;
            self.0.tree.settle(self, key, None).await?;
            // Some servers say "done" when there is nothing to delete.
            let found = self.0.bucket.head(&object).await?;
            if found.is_none_or(|head| head.version() != *version) {
                let message = "the value is not of that version any more; read it again";
                return Err(Error::new(ErrorKind::Conflict, message));
            }
            match self.0.bucket.delete_if(&object, &self.0.proof.when(Some(version))).await? {
                Done::Yes(()) => Ok(()),
                Done::No(answer) => Err(said_no(answer)),
            }
        };
        delete.await.map_err(on("delete", key))
    }

    async fn delete_fenced(&self, key: &Key, guard: &Lock) -> Result<()> {
        let delete = async {
            self.0.writable(key)?;
            self.0.check_fenced(guard).await?;
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

impl fmt::Debug for S3Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Storage")
            .field("config", &self.0.config)
            .field("probe", &self.0.proof.known())
            .finish_non_exhaustive()
    }
}
