//! One request for many who want the same, and what happened to a key meanwhile.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use certstore_core::{Dir, Error, Key, Result, Version};

/// What a load gives to all who wait for it.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    pub(super) value: Bytes,
    pub(super) version: Option<Version>,
}

/// Which request a caller may share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    /// One that began after the call: its answer is as new as the call. What was stored before is seen.
    Later,
    /// Also the one that is on its way.
    Running,
}

/// What is going on, by key. Keys that nobody is busy with take no memory.
#[derive(Default)]
pub(super) struct Flights {
    slots: Mutex<HashMap<Key, Arc<Slot>>>,
}

#[derive(Default)]
struct Slot {
    /// Held by who asks; the others wait here, in the order they came.
    gate: tokio::sync::Mutex<Last>,
    begun: AtomicU64,
    ended: AtomicU64,
    /// Moves on with everything that may change the value.
    epoch: AtomicU64,
}

/// The last answer.
#[derive(Default)]
struct Last {
    number: u64,
    answer: Option<Result<Loaded, Arc<Error>>>,
}

impl Flights {
    /// Says that the caller is busy with `key`, until the answer is dropped.
    pub(super) fn enter(&self, key: &Key) -> Entered<'_> {
        let slot = self.slots().entry(key.clone()).or_default().clone();
        Entered { flights: self, key: key.clone(), slot }
    }

    /// Something may have changed `key`: who is loading it must not keep what comes.
    pub(super) fn changed(&self, key: &Key) {
        if let Some(slot) = self.slots().get(key) {
            slot.epoch.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Something may have changed what lies at and below `key`.
    pub(super) fn changed_below(&self, key: &Key) {
        let dir = Dir::from(key);
        for (other, slot) in self.slots().iter() {
            if other == key || other.is_below(&dir) {
                slot.epoch.fetch_add(1, Ordering::AcqRel);
            }
        }
    }

    /// Something may have changed everything.
    pub(super) fn changed_all(&self) {
        for slot in self.slots().values() {
            slot.epoch.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<Key, Arc<Slot>>> {
        // Nothing that can panic runs under it, so the map is whole.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A caller that is busy with a key.
pub(super) struct Entered<'a> {
    flights: &'a Flights,
    key: Key,
    slot: Arc<Slot>,
}

impl Entered<'_> {
    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    pub(super) fn epoch(&self) -> u64 {
        self.slot.epoch.load(Ordering::Acquire)
    }

    /// Moves the epoch on, and gives the new one.
    pub(super) fn change(&self) -> u64 {
        self.slot.epoch.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// The answer of `ask`, or of another caller's that may be shared. At most one asks at a time; when that one is
    /// cancelled, the next in the queue asks.
    ///
    /// # Errors
    /// Of `ask`.
    ///
    /// # Cancel safety
    /// Dropped, it leaves the queue.
    pub(super) async fn share(
        &self,
        share: Share,
        ask: impl Future<Output = Result<Loaded>> + Send,
    ) -> Result<Loaded> {
        let counter = match share {
            Share::Later => &self.slot.begun,
            Share::Running => &self.slot.ended,
        };
        let seen = counter.load(Ordering::Acquire);
        let mut last = self.slot.gate.lock().await;
        if last.number > seen
            && let Some(answer) = &last.answer
        {
            return answer.clone().map_err(|error| shared(&error));
        }
        let number = self.slot.begun.fetch_add(1, Ordering::AcqRel) + 1;
        let answer = ask.await.map_err(Arc::new);
        *last = Last { number, answer: Some(answer.clone()) };
        self.slot.ended.store(number, Ordering::Release);
        answer.map_err(|error| shared(&error))
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        let mut slots = self.flights.slots();
        // Two: the map's and this one. Others come by the map alone, which is locked.
        if Arc::strong_count(&self.slot) == 2 {
            slots.remove(&self.key);
        }
    }
}

/// An error for one of several who wait for it.
fn shared(error: &Arc<Error>) -> Error {
    let mut own = Error::new(error.kind(), error.message().to_owned())
        .with_may_have_applied(error.may_have_applied());
    if let Some(operation) = error.operation() {
        own = own.with_operation(operation);
    }
    if let Some(subject) = error.subject() {
        own = own.with_subject(subject);
    }
    if let Some(backend) = error.backend() {
        own = own.with_backend(backend);
    }
    if error.source().is_some() {
        own = own.with_source(SharedSource(error.clone()));
    }
    own
}

/// The source of an error that several have: its text and what lies below it.
struct SharedSource(Arc<Error>);

impl SharedSource {
    fn cause(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

impl fmt::Display for SharedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause().map_or(Ok(()), |cause| fmt::Display::fmt(cause, f))
    }
}

impl fmt::Debug for SharedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause().map_or(Ok(()), |cause| fmt::Debug::fmt(cause, f))
    }
}

impl StdError for SharedSource {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause().and_then(StdError::source)
    }
}

#[cfg(test)]
#[path = "flights_tests.rs"]
mod tests;
