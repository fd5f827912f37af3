//! Writes under a lock.

use std::future::Future;
use std::time::Duration;

use certstore_core::{Clock, Fence, Key, Lock, Result, Storage};

const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(10);
const LIMIT: Duration = Duration::from_secs(120);

/// Writes for the holder of a lock: fenced where the backend can, so that a holder that was paused beyond its lease
/// writes nothing any more.
#[derive(Clone, Copy)]
pub(crate) struct Writer<'a> {
    pub(crate) storage: &'a dyn Storage,
    pub(crate) guard: &'a Lock,
    pub(crate) clock: &'a dyn Clock,
}

impl Writer<'_> {
    pub(crate) async fn store(&self, key: &Key, value: &[u8]) -> Result<()> {
        self.guard.check()?;
        let stored = match self.storage.capabilities().fence {
            Fence::None => self.storage.store(key, value).await,
            _ => self.storage.store_fenced(key, value, self.guard).await,
        };
        stored.map(drop)
    }

    pub(crate) async fn delete(&self, key: &Key) -> Result<()> {
        self.guard.check()?;
        match self.storage.capabilities().fence {
            Fence::None => self.storage.delete(key).await,
            _ => self.storage.delete_fenced(key, self.guard).await,
        }
    }

    /// Repeats a write while the storage does not answer: what a CA has given is worth keeping. After two
    /// minutes it gives up.
    pub(crate) async fn insist<F: Future<Output = Result<()>>>(
        &self,
        write: impl Fn() -> F,
    ) -> Result<()> {
        let (mut wait, end) = (FIRST_WAIT, self.clock.monotonic() + LIMIT);
        loop {
            match write().await {
                Err(error) if error.is_retryable() && self.clock.monotonic() < end => {
                    tracing::warn!(lock = %self.guard.name(), %error, ?wait, "the storage does not answer; what the CA gave is stored once it does");
                }
                done => return done,
            }
            self.clock.sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
