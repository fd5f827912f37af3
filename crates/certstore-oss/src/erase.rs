//! Removing a storage whole.

use certstore_core::{Dir, Result};

use crate::error::{BACKEND, invalid_config};
use crate::storage::OssStorage;

impl OssStorage {
    /// Removes everything that this storage keeps under its prefix: values, lock logs, journals. Nothing else is
    /// touched. Who still uses it finds it empty.
    ///
    /// It can be called again, after a failure as after a success. A bucket that keeps versions keeps those of what is
    /// removed.
    ///
    /// # Errors
    /// [`InvalidConfig`](certstore_core::ErrorKind::InvalidConfig): there is no prefix, and the bucket may hold what others
    /// keep. Else of the server; then some of it may be left.
    ///
    /// # Cancel safety
    /// Dropped, some of it may be left.
    pub async fn erase(&self) -> Result<()> {
        self.erase_all()
            .await
            .map_err(|error| error.with_operation("erase the storage").with_backend(BACKEND))
    }

    async fn erase_all(&self) -> Result<()> {
        let inner = self.inner();
        if inner.base.is_empty() {
            return Err(invalid_config(
                "only a storage with a prefix can be erased; set prefix, or empty the bucket by its own tools",
            ));
        }
        // Journals first: left behind, one could bring back what is deleted after it.
        let journals = inner.bucket.all(&inner.names.journals(&Dir::ROOT)).await?;
        inner.bucket.delete_each(journals).await?;
        let all = inner.bucket.all(&inner.base).await?;
        inner.bucket.delete_each(all).await
    }
}
