//! The requests on a bucket that this crate needs.

use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{Result, Version};

/// An object in a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// Its whole name, decoded.
    pub name: String,
    /// Its version, where the list tells it.
    pub version: Option<Version>,
    /// Its length in bytes, where the list tells it.
    pub size: Option<u64>,
    /// When it was written, by the server's clock.
    pub modified: Option<SystemTime>,
}

/// Up to 1,000 names, sorted by their bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The objects.
    pub objects: Vec<Listed>,
    /// In a shallow list: what several names begin with, up to the next slash.
    pub prefixes: Vec<String>,
    /// The token of the next page, if there is one.
    pub next: Option<String>,
}

/// What is listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// What the names begin with.
    pub prefix: String,
    /// Whether names end at the next slash.
    pub shallow: bool,
    /// At most so many names a page; `None`: 1,000.
    pub limit: Option<u16>,
}

impl Query {
    /// All that begins with `prefix`, at any depth.
    #[must_use]
    pub fn deep(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..Self::default() }
    }
}

/// A bucket. Each method is one request in the common case, within the time that a backend sets, and sent again after a
/// failure only where that cannot do harm.
#[async_trait]
pub trait ObjectStore: Send + Sync {
    /// A page of a list; `token` is the one before's [`Page::next`].
    ///
    /// # Errors
    /// Of the backend; also when the list goes on but does not say where, or in a circle.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    async fn page(&self, query: &Query, token: Option<&str>) -> Result<Page>;

    /// Whether there is an object of this name.
    ///
    /// # Errors
    /// Of the backend.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    async fn has(&self, object: &str) -> Result<bool>;

    /// The body of an object; `None`: there is none.
    ///
    /// # Errors
    /// [`TooLarge`](certstore_core::ErrorKind::TooLarge): it has more than `limit` bytes. Else of the backend.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    async fn read(&self, object: &str, limit: u64) -> Result<Option<Bytes>>;

    /// Writes an object whatever is there, without metadata.
    ///
    /// # Errors
    /// Of the backend.
    ///
    /// # Cancel safety
    /// Dropped, it may still take effect.
    async fn write(&self, object: &str, body: Bytes) -> Result<()>;

    /// Deletes an object; fine when there is none.
    ///
    /// # Errors
    /// Of the backend.
    ///
    /// # Cancel safety
    /// Dropped, it may still take effect.
    async fn remove(&self, object: &str) -> Result<()>;

    /// Deletes objects; fine where there are none. All are tried, and the first failure is told.
    ///
    /// # Errors
    /// Of the backend; then some may be left.
    ///
    /// # Cancel safety
    /// Dropped, some may be left.
    async fn remove_all(&self, objects: Vec<String>) -> Result<()>;

    /// The names of all objects that begin with `prefix`.
    ///
    /// # Errors
    /// As [`page`](Self::page).
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    async fn all(&self, prefix: &str) -> Result<Vec<String>> {
        let query = Query::deep(prefix);
        let (mut names, mut token) = (Vec::new(), None);
        loop {
            let page = self.page(&query, token.as_deref()).await?;
            names.extend(page.objects.into_iter().map(|object| object.name));
            token = page.next;
            if token.is_none() {
                return Ok(names);
            }
        }
    }
}
