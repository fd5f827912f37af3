//! Removing a storage whole.

use std::fmt;

use certstore_core::Result;

use crate::caddy;
use crate::config::{Layout, PostgresConfig};
use crate::error::BACKEND;
use crate::pool::Pool;
use crate::schema;
use crate::storage::PostgresStorage;

/// How the tables are dropped.
#[derive(Clone)]
pub(crate) struct Eraser {
    pool: Pool,
    script: String,
}

impl Eraser {
    pub(crate) fn new(pool: &Pool, config: &PostgresConfig) -> Self {
        let script = match config.layout {
            Layout::Certstore => schema::dropping(config),
            Layout::Caddy => caddy::dropping(config),
        };
        Self { pool: pool.clone(), script }
    }
}

impl fmt::Debug for Eraser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Eraser(..)")
    }
}

impl PostgresStorage {
    /// Removes everything that this storage keeps under its prefix: its tables, with values and locks, and what belongs
    /// to them. Nothing else is touched. Who still uses it finds it gone, until it is opened again.
    ///
    /// With [`Layout::Caddy`] these are Caddy's own tables. It is one transaction, and can be done again.
    ///
    /// # Errors
    /// [`PermissionDenied`](certstore_core::ErrorKind::PermissionDenied): the role does not own the tables. Else of the
    /// server.
    ///
    /// # Cancel safety
    /// Dropped, everything is removed or nothing.
    pub async fn erase(&self) -> Result<()> {
        let eraser = self.eraser();
        let mut script = Some(eraser.script.clone());
        eraser
            .pool
            .script(|_| Ok(script.take()))
            .await
            .map_err(|error| error.with_operation("erase the storage").with_backend(BACKEND))
    }
}
