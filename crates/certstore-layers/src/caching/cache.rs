//! The form in which autocert keeps its data: get, put and delete by name.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{Key, Result, Storage};

use super::error::{CacheError, CacheErrorKind};

/// Values by the names that autocert gives them: `example.com`, `example.com+rsa`, `acme_account+key`,
/// `TOKEN+http-01`, `example.com+token`.
///
/// Names are [keys](certstore_core::Key) as they are. Every error has a [kind](CacheErrorKind).
#[async_trait]
pub trait Cache: Send + Sync {
    /// The value of `name`.
    ///
    /// # Errors
    /// [`CacheErrorKind::CacheMiss`]: there is none. [`CacheErrorKind::LocalOperation`],
    /// [`CacheErrorKind::BackingOperation`]: the storage where the name belongs failed, or cannot have that name.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    async fn get(&self, name: &str) -> Result<Bytes, CacheError>;

    /// Creates or overwrites the value of `name`.
    ///
    /// # Errors
    /// [`CacheErrorKind::ReadonlyCache`]: the store only reads. [`CacheErrorKind::LocalOperation`],
    /// [`CacheErrorKind::BackingOperation`]: as for [`get`](Self::get).
    ///
    /// # Cancel safety
    /// Leaves the old value or the new one.
    async fn put(&self, name: &str, data: &[u8]) -> Result<(), CacheError>;

    /// Deletes the value of `name`; `Ok` when there is none.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    ///
    /// # Cancel safety
    /// The value is there whole or gone.
    async fn delete(&self, name: &str) -> Result<(), CacheError>;
}

/// A local storage alone, in the form of a [`Cache`]: every name lies in it. Made by [`new_local_store`].
#[derive(Clone)]
pub struct LocalStore(Arc<dyn Storage>);

/// Every name in one storage, typically the files of a directory. Errors are
/// [`LocalOperation`](CacheErrorKind::LocalOperation).
///
/// ```
/// use std::sync::Arc;
/// use certstore_core::MemoryStorage;
/// use certstore_layers::caching::{Cache, new_local_store};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = new_local_store(Arc::new(MemoryStorage::new()));
/// store.put("acme_account+key", b"key").await?;
/// assert_eq!(store.get("acme_account+key").await?.as_ref(), b"key");
/// # Ok(()) }
/// ```
#[must_use]
pub fn new_local_store(storage: Arc<dyn Storage>) -> LocalStore {
    LocalStore(storage)
}

impl std::fmt::Debug for LocalStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("LocalStore").field(&self.0.backend()).finish()
    }
}

#[async_trait]
impl Cache for LocalStore {
    async fn get(&self, name: &str) -> Result<Bytes, CacheError> {
        let found = async { self.0.load(&Key::new(name)?).await };
        found.await.map_err(|error| local("get", name, error))
    }

    async fn put(&self, name: &str, data: &[u8]) -> Result<(), CacheError> {
        let stored = async { self.0.store(&Key::new(name)?, data).await.map(drop) };
        stored.await.map_err(|error| local("put", name, error))
    }

    async fn delete(&self, name: &str) -> Result<(), CacheError> {
        let deleted = async { self.0.delete(&Key::new(name)?).await };
        deleted.await.map_err(|error| local("delete", name, error))
    }
}

fn local(operation: &'static str, name: &str, error: certstore_core::Error) -> CacheError {
    CacheError::of_part(CacheErrorKind::LocalOperation, operation, name, error)
}
