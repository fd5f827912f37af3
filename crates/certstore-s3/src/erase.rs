//! Removing a storage whole.

use certstore_core::{Error, Result};

use crate::error::BACKEND;
use crate::storage::S3Storage;

impl S3Storage {
    /// Removes everything that this storage keeps under its prefix: values, lock records, journals. Nothing else is
    /// touched. Who still uses it finds it empty.
    ///
    /// It can be called again, after a failure as after a success. A bucket that keeps versions keeps those of what is
    /// removed.
    ///
    /// # Errors
    /// [`InvalidConfig`](certstore_core::ErrorKind::InvalidConfig): there is no prefix, and the bucket may hold what others
    /// keep. [`Unsupported`](certstore_core::ErrorKind::Unsupported): with `secretbox_key` the storage is for reading only.
    /// Else of the server; then some of it may be left.
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
        if inner.secretbox.is_some() {
            return Err(Error::unsupported("with secretbox_key the storage is for reading only"));
        }
        inner.tree.erase().await
    }
}
