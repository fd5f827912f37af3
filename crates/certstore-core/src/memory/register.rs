//! Lock records in memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::watch;

use crate::lease::{Record, Register, Stored, Swap, Wake};
use crate::{FencingToken, Result, Version};

/// A register that all handles of one memory storage share.
#[derive(Debug, Clone)]
pub(super) struct MemoryRegister {
    records: Arc<Mutex<HashMap<String, Stored>>>,
    /// The last token that was handed on within a client, by name.
    handed: Arc<Mutex<HashMap<String, FencingToken>>>,
    releases: watch::Sender<u64>,
    round_trips: Arc<AtomicU64>,
}

impl MemoryRegister {
    pub(super) fn new(round_trips: Arc<AtomicU64>) -> Self {
        let handed = Arc::default();
        Self { records: Arc::default(), handed, releases: watch::Sender::new(0), round_trips }
    }

    /// The token of the newest holder, not counted as a round trip: a fenced store looks at it in the same step.
    pub(super) fn newest(&self, name: &str) -> Option<FencingToken> {
        let recorded = self.records().get(name).map(|stored| FencingToken(stored.record.token));
        recorded.max(self.handed().get(name).copied())
    }

    fn handed(&self) -> MutexGuard<'_, HashMap<String, FencingToken>> {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn records(&self) -> MutexGuard<'_, HashMap<String, Stored>> {
        // Nothing that can panic runs under it, so the map is whole.
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self) {
        self.round_trips.fetch_add(1, Ordering::Relaxed);
    }
}

#[async_trait]
impl Register for MemoryRegister {
    async fn read(&self, name: &str) -> Result<Option<Stored>> {
        self.count();
        Ok(self.records().get(name).cloned())
    }

    async fn swap(&self, name: &str, expected: Option<&Version>, record: &Record) -> Result<Swap> {
        self.count();
        let mut records = self.records();
        if records.get(name).map(|stored| &stored.version) != expected {
            return Ok(Swap::Conflict);
        }
        let version = Version::new(format!("{:032x}", record.write));
        records
            .insert(name.to_owned(), Stored { record: record.clone(), version: version.clone() });
        Ok(Swap::Done(version))
    }

    async fn names(&self) -> Result<Vec<String>> {
        self.count();
        Ok(self.records().keys().cloned().collect())
    }

    fn wake(&self, _name: &str) -> Wake {
        let mut releases = self.releases.subscribe();
        Box::pin(async move { drop(releases.changed().await) })
    }

    fn handed_over(&self, name: &str, token: FencingToken) {
        self.handed().insert(name.to_owned(), token);
    }

    async fn released(&self, _name: &str) {
        self.releases.send_modify(|count| *count += 1);
    }
}
