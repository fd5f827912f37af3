//! Deleting many objects: gRPC has no batches, so one by one, many at once.

use certstore_core::Result;
use futures_util::{StreamExt as _, stream};

use crate::bucket::{Bucket, When};

/// How many deletes are under way at once.
const CONCURRENCY: usize = 32;

impl Bucket {
    /// Deletes objects; fine where there are none. All are tried, and the first failure is told.
    pub(crate) async fn delete_each(&self, objects: Vec<String>) -> Result<()> {
        let mut deletes = stream::iter(objects)
            .map(async |object| self.delete(&object, When::Always).await.map(drop))
            .buffer_unordered(CONCURRENCY);
        let mut failed = Ok(());
        while let Some(done) = deletes.next().await {
            failed = failed.and(done);
        }
        failed
    }
}
