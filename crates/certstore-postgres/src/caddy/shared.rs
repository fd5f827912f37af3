//! What data and locks have in common.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use certstore_core::Key;

use super::sql::Sql;
use super::tables::Tables;
use crate::pool::Pool;

/// The connections and the statements.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) pool: Pool,
    /// The connections of the locks.
    pub(super) locks: Pool,
    pub(super) sql: Arc<Sql>,
    warned: Arc<AtomicBool>,
}

impl Shared {
    pub(super) fn new(pool: Pool, tables: &Tables) -> Self {
        Self {
            locks: pool.for_locks(),
            pool,
            sql: Arc::new(Sql::new(tables)),
            warned: Arc::default(),
        }
    }

    /// The key of a stored path; `None`, with one warning an opened storage, when it is no valid key.
    pub(super) fn key(&self, path: &str) -> Option<Key> {
        match Key::new(path) {
            Ok(key) => Some(key),
            Err(error) => {
                if !self.warned.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%error, "a stored name is no valid key and is left out of lists");
                }
                None
            }
        }
    }
}
