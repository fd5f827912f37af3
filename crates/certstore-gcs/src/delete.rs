//! Deleting many objects: gRPC has no batches, so one by one, many at once.

use certstore_core::Result;
use certstore_objects::each;

use crate::bucket::{Bucket, When};

/// How many deletes are under way at once.
const CONCURRENCY: usize = 32;

impl Bucket {
    /// Deletes objects; fine where there are none. All are tried, and the first failure is told.
    pub(crate) async fn delete_each(&self, objects: Vec<String>) -> Result<()> {
        let delete =
            |object: String| async move { self.delete(&object, When::Always).await.map(drop) };
        each(objects, CONCURRENCY, delete).await
    }
}
