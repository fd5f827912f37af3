//! The caching store: a local storage and a backing one.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{Error, ErrorKind, Lock, LockName, Result, Storage};
use futures_util::future::{Either, select};

use super::account_key::AccountKey;
use super::cache::Cache;
use super::error::{CacheError, CacheErrorKind};
use super::names::{ACCOUNT_KEYS, Route, Routes, account_key_name};
use super::options::{CachingOptions, Freshness};
use super::through::Through;

/// Certificates in a backing storage that all hosts share, private and temporary data in a local one, and on request a
/// local copy of what is shared.
///
/// It has two forms. As a [`Cache`] it takes autocert's names and keeps each where it belongs: challenge tokens, RSA
/// certificates and account keys with the host, everything else in the backing storage; get, put and delete follow the
/// same route. As a [`Storage`] it is the backing storage, read through the copy: its keys mean the same on every host,
/// so none of them is local.
///
/// With a copy ([`CopyOptions`](super::CopyOptions)), a load asks whether the version is still the same and transfers the
/// value only when it is not; many who load the same make one request at a time; writes go to the backing storage and into
/// the copy; and while the backing storage is [`Unavailable`](ErrorKind::Unavailable), what was read lately is served, and
/// writes fail. A warning tells when that begins; recovery needs no help.
///
/// Clones are the same store.
///
/// ```
/// use std::sync::Arc;
/// use certstore_core::{MemoryStorage, Storage};
/// use certstore_layers::caching::{Cache, CachingOptions, CachingStore, CopyOptions};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (local, backing) = (Arc::new(MemoryStorage::new()), Arc::new(MemoryStorage::new()));
/// let options = CachingOptions::new().copy(CopyOptions::new());
/// let store = CachingStore::open(local.clone(), backing.clone(), &options).await?;
/// store.put("example.com", b"certificate").await?;
/// store.put("acme_account+key", b"key").await?;
/// assert_eq!(backing.load(&"example.com".parse()?).await?.as_ref(), b"certificate");
/// assert_eq!(local.load(&"acme_account+key".parse()?).await?.as_ref(), b"key");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct CachingStore {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    local: Arc<dyn Storage>,
    pub(super) backing: Arc<dyn Storage>,
    pub(super) through: Option<Through>,
    pub(super) readonly: bool,
    routes: Routes,
    options: CachingOptions,
}

impl CachingStore {
    /// A store over these two. Must be called inside a tokio runtime, in which it listens to change notices until the last
    /// clone is dropped.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: account keys cannot be saved under the name given. Of the storage that the copy lies
    /// in, when it cannot be read. The backing storage is not asked.
    ///
    /// # Cancel safety
    /// Dropped, it leaves nothing.
    pub async fn open(
        local: Arc<dyn Storage>,
        backing: Arc<dyn Storage>,
        options: &CachingOptions,
    ) -> Result<Self> {
        let account_key = options.account_key.as_deref().map(account_key_name).transpose()?;
        let through = match &options.copy {
            Some(copy) => Some(Through::open(backing.clone(), copy, options).await?),
            None => None,
        };
        Ok(Self {
            inner: Arc::new(Inner {
                local,
                backing,
                through,
                readonly: options.readonly,
                routes: Routes { account_key, share_rsa: options.share_rsa },
                options: options.clone(),
            }),
        })
    }

    /// Whether it only reads.
    #[must_use]
    pub fn is_readonly(&self) -> bool {
        self.inner.readonly
    }

    /// How fresh a load is. With [`Freshness::MaxAge`], the contract's LOAD-1 is weaker as said there.
    #[must_use]
    pub fn freshness(&self) -> Freshness {
        self.inner.options.copy.as_ref().map_or(Freshness::Validated, |copy| copy.freshness)
    }

    /// How many values the copy has, and how many bytes they and their keys have.
    #[must_use]
    pub fn copied(&self) -> (usize, u64) {
        self.inner.through.as_ref().map_or((0, 0), |through| through.copy.usage())
    }

    /// For how long the backing storage has not answered; `None` while it answers, and without a copy.
    #[must_use]
    pub fn outage(&self) -> Option<Duration> {
        self.inner.through.as_ref().and_then(|through| through.outage.lasts())
    }

    /// The ACME account's private key, under either of its names, from where account keys are kept.
    ///
    /// # Errors
    /// [`CacheErrorKind::CacheMiss`]: there is none. [`CacheErrorKind::LocalOperation`],
    /// [`CacheErrorKind::BackingOperation`]: the storage failed, or what it has is no private key.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    pub async fn get_account_key(&self) -> Result<AccountKey, CacheError> {
        let mut missing = None;
        for name in ACCOUNT_KEYS {
            match self.get(name).await {
                Ok(pem) => {
                    return AccountKey::from_pem(&pem).map_err(|error| {
                        CacheError::new(self.part(name), "get", name).with_source(error)
                    });
                }
                Err(error) if error.kind() == CacheErrorKind::CacheMiss => {
                    missing.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        let none = || CacheError::new(CacheErrorKind::CacheMiss, "get", ACCOUNT_KEYS[0]);
        Err(missing.unwrap_or_else(none))
    }

    /// The lock of `name` among all hosts, from the backing storage: for who obtains a certificate. A get, put or delete
    /// takes no lock, for each is atomic by itself.
    ///
    /// # Errors
    /// [`CacheErrorKind::LockFailed`]: it could not be had within [`CachingOptions::lock_wait`], the backing storage failed,
    /// or `name` is no [`LockName`]. [`CacheErrorKind::ReadonlyCache`]: the store only reads.
    ///
    /// # Cancel safety
    /// As [`Locker::lock`](certstore_core::Locker::lock).
    pub async fn lock_name(&self, name: &str) -> Result<Lock, CacheError> {
        let failed =
            |error| CacheError::new(CacheErrorKind::LockFailed, "lock", name).with_source(error);
        self.may_write("lock", name)?;
        let lock_name = LockName::new(name).map_err(failed)?;
        let (wait, clock) = (self.inner.options.lock_wait, &self.inner.options.clock);
        match select(self.inner.backing.lock(&lock_name), clock.sleep(wait)).await {
            Either::Left((locked, _)) => locked.map_err(failed),
            Either::Right(_) => {
                let message = format!("somebody else has held the lock for {wait:?}");
                Err(failed(
                    Error::new(ErrorKind::Unavailable, message)
                        .with_operation("lock")
                        .with_lock(&lock_name)
                        .with_backend(self.inner.backing.backend()),
                ))
            }
        }
    }

    /// # Errors
    /// [`CacheErrorKind::ReadonlyCache`].
    pub(super) fn may_write(&self, operation: &'static str, name: &str) -> Result<(), CacheError> {
        if self.inner.readonly {
            return Err(CacheError::new(CacheErrorKind::ReadonlyCache, operation, name));
        }
        Ok(())
    }

    /// The part that a name belongs to, by the kind of its errors.
    fn part(&self, name: &str) -> CacheErrorKind {
        if self.inner.routes.is_backing(name) {
            CacheErrorKind::BackingOperation
        } else {
            CacheErrorKind::LocalOperation
        }
    }

    fn failed(&self, operation: &'static str, name: &str, error: Error) -> CacheError {
        CacheError::of_part(self.part(name), operation, name, error)
    }
}

#[async_trait]
impl Cache for CachingStore {
    async fn get(&self, name: &str) -> Result<Bytes, CacheError> {
        let found = async {
            match self.inner.routes.of(name)? {
                Route::Local(key) => self.inner.local.load(&key).await,
                Route::Backing(key) => self.load(&key).await,
            }
        };
        found.await.map_err(|error| self.failed("get", name, error))
    }

    async fn put(&self, name: &str, data: &[u8]) -> Result<(), CacheError> {
        self.may_write("put", name)?;
        let stored = async {
            match self.inner.routes.of(name)? {
                Route::Local(key) => self.inner.local.store(&key, data).await,
                Route::Backing(key) => self.store(&key, data).await,
            }
        };
        stored.await.map(drop).map_err(|error| self.failed("put", name, error))
    }

    async fn delete(&self, name: &str) -> Result<(), CacheError> {
        self.may_write("delete", name)?;
        let deleted = async {
            match self.inner.routes.of(name)? {
                Route::Local(key) => self.inner.local.delete(&key).await,
                Route::Backing(key) => self.delete(&key).await,
            }
        };
        deleted.await.map_err(|error| self.failed("delete", name, error))
    }
}

impl fmt::Debug for CachingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachingStore")
            .field("local", &self.inner.local.backend())
            .field("backing", &self.inner.backing.backend())
            .field("options", &self.inner.options)
            .finish_non_exhaustive()
    }
}
