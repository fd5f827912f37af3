//! Lock records: on the condition of their ETags.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::lease::Swap;
use certstore_core::{Result, Version};
use certstore_objects::{Access, Found, Records};

use crate::bucket::{Bucket, Done, Got};
use crate::error::answered;
use crate::proof::Proof;

/// The records of a bucket.
pub(crate) struct S3Records {
    pub(crate) bucket: Arc<Bucket>,
    pub(crate) proof: Arc<Proof>,
}

#[async_trait]
impl Records for S3Records {
    type Store = Bucket;

    fn store(&self) -> &Bucket {
        &self.bucket
    }

    async fn get(&self, object: &str, unless: Option<&Version>, limit: u64) -> Result<Found> {
        Ok(match self.bucket.get(object, unless, limit).await? {
            Got::Object(object) => {
                let version = object.head.version();
                Found::Object(object.body, version)
            }
            Got::Missing => Found::Missing,
            Got::Unchanged => Found::Unchanged,
        })
    }

    async fn put(&self, object: &str, expected: Option<&Version>, body: Bytes) -> Result<Swap> {
        let when = self.proof.when(expected);
        let put = || self.bucket.put(object, body.clone(), None, &when);
        match self.bucket.unless_busy(put).await? {
            Done::Yes(etag) => Ok(Swap::Done(Version::new(etag))),
            // A failed condition (412) and a record that is gone (404) send the reader back to the record.
            Done::No(answer) if answer.is_unknown_request() => Err(answered(answer, Access::Write)),
            Done::No(_) => Ok(Swap::Conflict),
        }
    }

    async fn delete(&self, object: &str, expected: &Version) -> Result<bool> {
        // Some servers say "done" when there is nothing to delete.
        match self.bucket.head(object).await? {
            Some(head) if head.version() == *expected => {}
            _ => return Ok(false),
        }
        match self.bucket.delete_if(object, &self.proof.when(Some(expected))).await? {
            Done::Yes(()) => Ok(true),
            Done::No(answer) if answer.is_unknown_request() => Err(answered(answer, Access::Write)),
            Done::No(_) => Ok(false),
        }
    }
}
