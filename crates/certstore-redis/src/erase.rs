//! Removing a storage whole.

use certstore_core::Result;

use crate::caddy;
use crate::config::Layout;
use crate::error::BACKEND;
use crate::script::Script;
use crate::storage::RedisStorage;
use crate::tree::Names;

/// How much one step removes: what Lua gives as arguments at once is limited.
const BOUND: &[u8] = b"1000";

impl RedisStorage {
    /// Removes everything that this storage keeps under its prefix: values, lock records, and what else it noted there.
    /// Nothing else is touched. Who still uses it finds it empty.
    ///
    /// With [`Layout::Caddy`] that is what Caddy keeps under the prefix, too. It can be called again, after a failure as
    /// after a success.
    ///
    /// # Errors
    /// Of the server; then some of it may be left.
    ///
    /// # Cancel safety
    /// Dropped, some of it may be left.
    pub async fn erase(&self) -> Result<()> {
        let erased = match self.config.layout {
            Layout::Certstore => self.erase_tree().await,
            Layout::Caddy => caddy::erase(&self.connection, &self.config.prefix).await,
        };
        erased.map_err(|error| error.with_operation("erase the storage").with_backend(BACKEND))
    }

    async fn erase_tree(&self) -> Result<()> {
        let names = Names::new(&self.config.prefix, self.config.db);
        let script = Script::writing(include_str!("scripts/erase.lua"));
        let keys = [names.index(), names.lock_names(), names.id(), names.server()];
        let keys: Vec<&[u8]> = keys.iter().map(String::as_bytes).collect();
        let (values, locks) = (names.values(), names.locks());
        let args = [values.as_bytes(), locks.as_bytes(), BOUND];
        while self.connection.script(&script, &keys, &args).await? {}
        Ok(())
    }
}
