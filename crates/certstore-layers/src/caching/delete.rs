//! Deleting from a store of two forms, by a word that both have.

use async_trait::async_trait;
use certstore_core::{Error, Key, Storage};

use super::cache::Cache;
use super::error::CacheError;
use super::store::CachingStore;

/// What [`CachingStore::delete`] takes: a [`Key`], or a name as autocert gives it.
#[async_trait]
pub trait Deletable: sealed::Sealed + Sync {
    /// How the delete fails.
    type Error;

    #[doc(hidden)]
    async fn delete_from(&self, store: &CachingStore) -> Result<(), Self::Error>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for certstore_core::Key {}
    impl Sealed for str {}
    impl Sealed for String {}
}

#[async_trait]
impl Deletable for Key {
    type Error = Error;

    async fn delete_from(&self, store: &CachingStore) -> Result<(), Error> {
        Storage::delete(store, self).await
    }
}

#[async_trait]
impl Deletable for str {
    type Error = CacheError;

    async fn delete_from(&self, store: &CachingStore) -> Result<(), CacheError> {
        Cache::delete(store, self).await
    }
}

#[async_trait]
impl Deletable for String {
    type Error = CacheError;

    async fn delete_from(&self, store: &CachingStore) -> Result<(), CacheError> {
        Cache::delete(store, self).await
    }
}

impl CachingStore {
    /// Deletes what is meant: of a [`Key`], as [`Storage::delete`]; of a name, as [`Cache::delete`]. With both traits in
    /// scope, a call would else have to say which of them it is.
    ///
    /// # Errors
    /// Of the one or the other.
    ///
    /// # Cancel safety
    /// Of the one or the other.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use certstore_core::{Key, MemoryStorage, Storage};
    /// use certstore_layers::caching::{Cache, CachingOptions, CachingStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (local, backing) = (Arc::new(MemoryStorage::new()), Arc::new(MemoryStorage::new()));
    /// let store = CachingStore::open(local, backing, &CachingOptions::new()).await?;
    /// store.put("example.com", b"certificate").await?;
    /// store.delete("example.com").await?;
    /// store.delete(&Key::new("certificates")?).await?;
    /// # Ok(()) }
    /// ```
    pub async fn delete<T: Deletable + ?Sized>(&self, what: &T) -> Result<(), T::Error> {
        what.delete_from(self).await
    }
}
