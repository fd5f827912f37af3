//! Removing a storage whole.

use certstore_core::Result;

use crate::error::BACKEND;
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
        let erased = self.inner().tree.erase().await;
        erased.map_err(|error| error.with_operation("erase the storage").with_backend(BACKEND))
    }
}
