//! A storage whose operations are told to `tracing`, and counted.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{
    Capabilities, Change, Clock, Condition, Dir, Error, ErrorKind, FencingToken, Key, KeyInfo,
    Lock, LockInfo, LockName, Locker, Result, Storage, SystemClock, Version, Versioned,
};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use tracing::Instrument as _;

/// Another storage, each operation in a span, with an event when it ends.
///
/// The span `certstore` has `backend`, `operation` and `subject`: the key or the name of the lock, never a value. What the
/// backend says meanwhile, such as a renewal that failed, stands in it. The event at the end, of the level `DEBUG`, has
/// `outcome` (`ok` or the kind of the error), and for meters that read events the fields
/// `monotonic_counter.certstore_operations`, `monotonic_counter.certstore_retryable` and `histogram.certstore_seconds`; the
/// time of `lock` is the wait for it. With the level off, it costs two looks at the clock.
///
/// [`counts`](Self::counts) gives the sums without any subscriber.
///
/// ```
/// use std::sync::Arc;
/// use certstore_core::{MemoryStorage, Storage};
/// use certstore_layers::trace::TraceStorage;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
/// let storage = TraceStorage::new(Arc::new(MemoryStorage::new()));
/// storage.store(&"a/b".parse()?, b"value").await?;
/// assert!(storage.load(&"a/c".parse()?).await.is_err());
/// assert_eq!((storage.counts().operations, storage.counts().refused), (2, 1));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct TraceStorage {
    inner: Arc<dyn Storage>,
    sums: Arc<Sums>,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct Sums {
    operations: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    retryable: AtomicU64,
    locks: AtomicU64,
    lock_wait_micros: AtomicU64,
}

/// What a [`TraceStorage`] has counted since it was made, over all its clones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Operations that were begun, those that were dropped included.
    pub operations: u64,
    /// Those that ended with an answer that is an error: not found, in conflict, fenced.
    pub refused: u64,
    /// Those that ended with any other error.
    pub failed: u64,
    /// The failed ones that the same call may well repeat with success: the storage did not answer.
    pub retryable: u64,
    /// Locks that were got.
    pub locks: u64,
    /// How long they were waited for, all together.
    pub lock_wait: Duration,
}

impl TraceStorage {
    /// Tells of the operations on `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn Storage>) -> Self {
        Self::with_clock(inner, Arc::new(SystemClock))
    }

    /// As [`new`](Self::new), by a clock of the caller's.
    #[must_use]
    pub fn with_clock(inner: Arc<dyn Storage>, clock: Arc<dyn Clock>) -> Self {
        Self { inner, sums: Arc::default(), clock }
    }

    /// The sums until now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            operations: read(&self.sums.operations),
            refused: read(&self.sums.refused),
            failed: read(&self.sums.failed),
            retryable: read(&self.sums.retryable),
            locks: read(&self.sums.locks),
            lock_wait: Duration::from_micros(read(&self.sums.lock_wait_micros)),
        }
    }

    /// Begins an operation.
    fn begin(&self, operation: &'static str, subject: &str) -> Operation<'_> {
        self.sums.operations.fetch_add(1, Ordering::Relaxed);
        let backend = self.inner.backend();
        let span = tracing::debug_span!(
            "certstore",
            backend,
            operation,
            subject = subject.escape_debug().to_string()
        );
        Operation { of: self, span, started: self.clock.monotonic() }
    }

    async fn observed<T>(
        &self,
        operation: &'static str,
        subject: &str,
        call: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let begun = self.begin(operation, subject);
        let result = call.instrument(begun.span.clone()).await;
        begun.end(result.as_ref().err());
        result
    }

    /// A wait for a lock; `got` tells whether there is one.
    async fn waited<T>(
        &self,
        name: &LockName,
        call: impl Future<Output = Result<T>> + Send,
        got: impl Fn(&T) -> bool + Send,
    ) -> Result<T> {
        let begun = self.begin("lock", name.as_str());
        let result = call.instrument(begun.span.clone()).await;
        let took = begun.end(result.as_ref().err());
        if result.as_ref().is_ok_and(got) {
            self.sums.locks.fetch_add(1, Ordering::Relaxed);
            let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            self.sums.lock_wait_micros.fetch_add(micros, Ordering::Relaxed);
        }
        result
    }

    fn note(&self, error: Option<&Error>) {
        let add = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
        let Some(error) = error else { return };
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::Conflict | ErrorKind::Fenced => {
                add(&self.sums.refused)
            }
            _ => add(&self.sums.failed),
        };
        if error.is_retryable() {
            add(&self.sums.retryable);
        }
    }
}

impl fmt::Debug for TraceStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceStorage")
            .field("inner", &self.inner.backend())
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

/// An operation that has begun.
struct Operation<'a> {
    of: &'a TraceStorage,
    span: tracing::Span,
    started: Duration,
}

impl Operation<'_> {
    /// Counts and tells how it ended, and gives how long it took.
    fn end(&self, error: Option<&Error>) -> Duration {
        self.of.note(error);
        let took = self.of.clock.monotonic().saturating_sub(self.started);
        let retryable = u64::from(error.is_some_and(Error::is_retryable));
        self.span.in_scope(|| {
            tracing::debug!(
                outcome = error.map_or("ok", |error| error.kind().as_str()),
                monotonic_counter.certstore_operations = 1_u64,
                monotonic_counter.certstore_retryable = retryable,
                histogram.certstore_seconds = took.as_secs_f64(),
                "done"
            );
        });
        took
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Locker for TraceStorage {
    async fn lock(&self, name: &LockName) -> Result<Lock> {
        self.waited(name, self.inner.lock(name), |_| true).await
    }

    async fn try_lock(&self, name: &LockName) -> Result<Option<Lock>> {
        self.waited(name, self.inner.try_lock(name), Option::is_some).await
    }

    async fn locks(&self) -> Result<Vec<LockInfo>> {
        self.observed("list locks", "", self.inner.locks()).await
    }

    async fn break_lock(&self, name: &LockName, token: FencingToken) -> Result<()> {
        self.observed("break lock", name.as_str(), self.inner.break_lock(name, token)).await
    }
}

/// The subject of a call about several keys: the first.
fn first<'a>(keys: impl IntoIterator<Item = &'a Key>) -> &'a str {
    keys.into_iter().next().map_or("", Key::as_str)
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Storage for TraceStorage {
    fn backend(&self) -> &'static str {
        self.inner.backend()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        self.observed("store", key.as_str(), self.inner.store(key, value)).await
    }

    async fn store_if(&self, key: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        let call = self.inner.store_if(key, value, condition);
        self.observed("conditional store", key.as_str(), call).await
    }

    async fn store_fenced(&self, key: &Key, value: &[u8], guard: &Lock) -> Result<Version> {
        let call = self.inner.store_fenced(key, value, guard);
        self.observed("fenced store", key.as_str(), call).await
    }

    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        let subject = first(items.iter().map(|(key, _)| *key));
        self.observed("store bundle", subject, self.inner.store_all(items)).await
    }

    async fn store_all_fenced(&self, items: &[(&Key, &[u8])], guard: &Lock) -> Result<()> {
        let subject = first(items.iter().map(|(key, _)| *key));
        let call = self.inner.store_all_fenced(items, guard);
        self.observed("store fenced bundle", subject, call).await
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        self.observed("load", key.as_str(), self.inner.load(key)).await
    }

    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        self.observed("versioned load", key.as_str(), self.inner.load_versioned(key)).await
    }

    async fn load_many(&self, keys: &[&Key]) -> Vec<Result<Bytes>> {
        let begun = self.begin("load many", first(keys.iter().copied()));
        let results = self.inner.load_many(keys).instrument(begun.span.clone()).await;
        // One operation, which failed where a value could not be had; one that is missing is an answer.
        let errors = || results.iter().filter_map(|result| result.as_ref().err());
        begun.end(errors().find(|error| error.kind() != ErrorKind::NotFound));
        results
    }

    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        let subject = first(keys.iter().copied());
        self.observed("load bundle", subject, self.inner.load_bundle(keys)).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.observed("delete", key.as_str(), self.inner.delete(key)).await
    }

    async fn delete_if(&self, key: &Key, version: &Version) -> Result<()> {
        let call = self.inner.delete_if(key, version);
        self.observed("conditional delete", key.as_str(), call).await
    }

    async fn delete_fenced(&self, key: &Key, guard: &Lock) -> Result<()> {
        let call = self.inner.delete_fenced(key, guard);
        self.observed("fenced delete", key.as_str(), call).await
    }

    async fn exists(&self, key: &Key) -> Result<bool> {
        self.observed("exists", key.as_str(), self.inner.exists(key)).await
    }

    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        self.observed("list", dir.as_str(), self.inner.list(dir, recursive)).await
    }

    /// Told when the walk begins; an error of it is counted, and stands in the caller's span.
    fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        let begun = self.begin("walk", dir.as_str());
        let walk = begun.span.in_scope(|| {
            tracing::debug!(monotonic_counter.certstore_operations = 1_u64, "begun");
            self.inner.walk(dir)
        });
        walk.inspect(|info| self.note(info.as_ref().err())).boxed()
    }

    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        self.observed("stat", key.as_str(), self.inner.stat(key)).await
    }

    async fn watch(&self, dir: &Dir) -> Result<BoxStream<'static, Result<Change>>> {
        self.observed("watch", dir.as_str(), self.inner.watch(dir)).await
    }

    async fn foreign(&self, dir: &Dir) -> Result<Vec<String>> {
        self.observed("list foreign names", dir.as_str(), self.inner.foreign(dir)).await
    }
}

#[cfg(test)]
#[path = "trace_tests.rs"]
mod tests;
