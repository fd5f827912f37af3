//! Lock records: on the condition of their generations.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::lease::Swap;
use certstore_core::{Result, Version};
use certstore_objects::{Found, Records};

use crate::bucket::{Bucket, Done, Got, Metadata, When, generation, version};

/// The records of a bucket.
pub(crate) struct GcsRecords {
    bucket: Arc<Bucket>,
    /// How long a write may go on that is refused for coming too soon; a lease leaves no more time for a request.
    patience: Duration,
}

impl GcsRecords {
    pub(crate) fn new(bucket: Arc<Bucket>, request: Duration) -> Self {
        // Less than the lease's own limit, so that a refusal comes back as one and not as a reply that is missing.
        let patience = (request * 3 / 4).min(bucket.timeout);
        Self { bucket, patience }
    }
}

#[async_trait]
impl Records for GcsRecords {
    type Store = Bucket;

    fn store(&self) -> &Bucket {
        &self.bucket
    }

    async fn get(&self, object: &str, unless: Option<&Version>, limit: u64) -> Result<Found> {
        Ok(match self.bucket.get(object, unless.and_then(generation), limit).await? {
            Got::Object(object) => {
                let version = object.head.version();
                Found::Object(object.body, version)
            }
            Got::Missing => Found::Missing,
            Got::Unchanged => Found::Unchanged,
        })
    }

    async fn put(&self, object: &str, expected: Option<&Version>, body: Bytes) -> Result<Swap> {
        let when = match expected {
            None => When::ABSENT,
            Some(expected) => match generation(expected) {
                Some(generation) => When::Generation(generation),
                None => return Ok(Swap::Conflict),
            },
        };
        let none = Metadata::new();
        let put = self.bucket.put_within(self.patience, object, &body, &none, when);
        Ok(match put.await? {
            Done::Yes(generation) => Swap::Done(version(generation)),
            Done::No(_) => Swap::Conflict,
        })
    }

    async fn delete(&self, object: &str, expected: &Version) -> Result<bool> {
        let Some(expected) = generation(expected) else { return Ok(false) };
        Ok(matches!(self.bucket.delete(object, When::Generation(expected)).await?, Done::Yes(())))
    }
}
