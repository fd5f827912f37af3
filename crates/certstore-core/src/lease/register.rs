//! What a backend must offer for leases: one small record a lock, with compare-and-swap.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;

use super::Record;
use crate::{Error, ErrorKind, FencingToken, Result, Version};

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

/// What a look at a record that was seen before has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// It still has the version that is known.
    Unchanged,
    /// It has another one, or is gone.
    Changed(Option<Stored>),
}

/// What became of a claim, judged by the server's own clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The lock was free, or its lease over: the record is written, with the token that the server gave it.
    Granted(Stored),
    /// Somebody holds it.
    Held {
        /// The holder's record.
        by: Stored,
        /// What is left of its lease, by the server's clock.
        left: Duration,
    },
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

    /// As [`read`](Self::read), for one who waits and knows `known`: a backend that can tell "unchanged" without sending
    /// the record says so.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    async fn look(&self, name: &str, known: &Stored) -> Result<Look> {
        let _ = known;
        Ok(Look::Changed(self.read(name).await?))
    }

    /// Whether leases end by the server's clock: then acquiring is one [`claim`](Self::claim), and a dead holder's lock
    /// comes free at the end of its lease, however short a time anyone has watched it.
    ///
    /// A step of the server's clock can then give the lock to two holders; such a backend should offer fenced writes.
    fn server_clock(&self) -> bool {
        false
    }

    /// Takes the lock in one step if nobody holds it by the server's clock: writes `record` with the token
    /// max([`next_token`](Record::next_token) of the record before, microseconds since 1970 by the server's clock), and
    /// its lease from now on. [`swap`](Self::swap) of a held record then starts its lease anew.
    ///
    /// Must not retry by itself. Asked for only with [`server_clock`](Self::server_clock).
    ///
    /// # Errors
    /// Of the backend; with [`may_have_applied`](crate::Error::may_have_applied) when the reply was lost.
    ///
    /// # Cancel safety
    /// Dropped, the lock may still be taken, once; it then ends with its lease.
    async fn claim(&self, name: &str, record: &Record) -> Result<Claim> {
        let _ = (name, record);
        Err(Error::new(ErrorKind::Unsupported, "this lock store has no clock of its own"))
    }

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
