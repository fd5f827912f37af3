//! The bucket as what is common to object stores needs it.

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::Result;
use certstore_objects::{ObjectStore, Page, Query, forward_journals};

use crate::bucket::{Bucket, Got, Metadata, When};
use crate::storage::GcsStorage;

#[async_trait]
impl ObjectStore for Bucket {
    async fn page(&self, query: &Query, token: Option<&str>) -> Result<Page> {
        self.list(query, token).await
    }

    async fn has(&self, object: &str) -> Result<bool> {
        Ok(self.head(object).await?.is_some())
    }

    async fn read(&self, object: &str, limit: u64) -> Result<Option<Bytes>> {
        match self.get(object, None, limit).await? {
            Got::Object(object) => Ok(Some(object.body)),
            Got::Missing | Got::Unchanged => Ok(None),
        }
    }

    async fn write(&self, object: &str, body: Bytes) -> Result<()> {
        self.put(object, &body, &Metadata::new(), When::Always).await.map(drop)
    }

    async fn remove(&self, object: &str) -> Result<()> {
        self.delete(object, When::Always).await.map(drop)
    }

    async fn remove_all(&self, objects: Vec<String>) -> Result<()> {
        self.delete_each(objects).await
    }
}

forward_journals!(GcsStorage, fenced);
