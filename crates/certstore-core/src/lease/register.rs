//! What a backend must offer for leases: one small record a lock, with compare-and-swap.

use std::future::Future;
use std::pin::Pin;

use async_trait::async_trait;

use super::Record;
use crate::{FencingToken, Result, Version};

/// A record with the version it was read at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The record.
    pub record: Record,
    /// Its version.
    pub version: Version,
}

/// What became of a compare-and-swap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swap {
    /// It was written, and has this version now.
    Done(Version),
    /// The version was another one; nothing was written by this request.
    Conflict,
}

/// Completes when a record may have changed. A hint: a timer stands behind it.
pub type Wake = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A linearizable register per lock name, with compare-and-swap.
///
/// A version must never become valid again: every write carries a fresh nonce, so a digest of the content will do.
#[async_trait]
pub trait Register: Send + Sync + 'static {
    /// The record of `name`, or `None` if it was never written.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) and other kinds, of the backend.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    async fn read(&self, name: &str) -> Result<Option<Stored>>;

    /// Writes `record` if the version of `name` is still `expected` (`None`: if it was never written).
    ///
    /// Must not retry by itself: a retry of a write that took effect reports a conflict with itself.
    ///
    /// # Errors
    /// Of the backend; with [`may_have_applied`](crate::Error::may_have_applied) when the reply was lost.
    ///
    /// # Cancel safety
    /// Dropped, the write may still take effect, once, on its condition.
    async fn swap(&self, name: &str, expected: Option<&Version>, record: &Record) -> Result<Swap>;

    /// The names that have a record, in any order.
    ///
    /// # Errors
    /// Of the backend.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    async fn names(&self) -> Result<Vec<String>>;

    /// A future that completes at the next release of `name` after this call, if the backend can tell.
    fn wake(&self, name: &str) -> Wake {
        let _ = name;
        Box::pin(std::future::pending())
    }

    /// Called when the next task of this client has the lock with `token`, without a write of the record. For backends
    /// whose fence asks for the newest holder.
    fn handed_over(&self, name: &str, token: FencingToken) {
        let _ = (name, token);
    }

    /// Called after a release, to wake those who wait in other processes.
    ///
    /// # Cancel safety
    /// A lost notice costs a waiter one poll.
    async fn released(&self, name: &str) {
        let _ = name;
    }
}
