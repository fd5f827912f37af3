//! Removing a storage whole.

use std::collections::BTreeSet;

use certstore_core::{Dir, Result};
use certstore_objects::each;

use crate::error::{BACKEND, invalid_config};
use crate::storage::SecretsManagerStorage;
use crate::vault::Vault;

/// How many deletes are under way at once.
const CONCURRENCY: usize = 8;

impl SecretsManagerStorage {
    /// Removes everything that this storage keeps under its prefix: values, lock records, journals; for good, whatever
    /// `delete` says. Nothing else is touched. Who still uses it finds it empty.
    ///
    /// It can be called again, after a failure as after a success. What other clients have written within the last five
    /// minutes it may not see: call it again later.
    ///
    /// # Errors
    /// [`InvalidConfig`](certstore_core::ErrorKind::InvalidConfig): there is no prefix, and the account may hold what
    /// others keep. Else of the service; then some of it may be left.
    ///
    /// # Cancel safety
    /// Dropped, some of it may be left.
    pub async fn erase(&self) -> Result<()> {
        self.erase_all()
            .await
            .map_err(|error| error.with_operation("erase the storage").with_backend(BACKEND))
    }

    async fn erase_all(&self) -> Result<()> {
        let vault = &self.inner().vault;
        if vault.names.base().is_empty() {
            return Err(invalid_config(
                "only a storage with a prefix can be erased; set prefix, or delete the secrets by the service's own tools",
            ));
        }
        // Journals first: left behind, one could bring back what is deleted after it.
        let journals = vault.every(&vault.names.journals(&Dir::ROOT)).await?;
        remove_each(vault, journals).await?;
        let all = vault.every(vault.names.base()).await?;
        remove_each(vault, all).await
    }
}

async fn remove_each(vault: &Vault, secrets: BTreeSet<String>) -> Result<()> {
    each(secrets, CONCURRENCY, |secret: String| async move { vault.delete_now(&secret).await })
        .await
}
