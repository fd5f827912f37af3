//! Locks across tasks, processes and hosts.

use async_trait::async_trait;

use crate::{Error, ErrorKind, FencingToken, Lock, LockInfo, LockName, Result};

/// Locks by name: one holder at a time among all who share the backend.
///
/// A lease alone gives no mutual exclusion: a holder can be paused between its last [`check`](Lock::check) and its
/// write. Write with [`store_fenced`](crate::Storage::store_fenced) what must not be overtaken, and look again, after
/// acquiring, whether the work still needs doing.
///
/// # Clauses of every guard
/// * **\[LOST-1\]** [`Lock::check`] fails and [`Lock::lost`] completes once the holder's own deadline has come; lost is
///   one-way, and comes before anyone else can hold the lock.
/// * **\[LOST-2\]** While its holder lives, a lock is renewed: held for several leases, it is still held.
#[async_trait]
pub trait Locker: Send + Sync {
    /// Waits until the lock is held.
    ///
    /// * **\[LOCK-1\]** At most one task holds a name at any time, among all handles of one process.
    /// * **\[LOCK-2\]** At most one process holds a name at any time, among all that share the backend.
    /// * **\[LOCK-3\]** Tokens of one name grow strictly from holder to holder, over release and takeover.
    /// * **\[LOCK-4\]** Tokens grow over a restart of every process.
    /// * **\[LOCK-5\]** Dropping the future at any await leaves no lock: it is released at once while the runtime lives.
    /// * **\[LOCK-6\]** Dropping the guard releases the lock in the background.
    /// * **\[LOCK-7\]** Names are independent of one another, and any valid [`LockName`] works; where the backend maps
    ///   names, those that map alike exclude each other.
    /// * **\[LOCK-8\]** The lock of a holder that was killed is taken over: within one lease plus a poll where there are
    ///   leases, else at once.
    /// * **\[LOCK-9\]** A holder paused beyond its lease has lost the lock when it wakes: `check` fails, `unlock` is
    ///   [`ErrorKind::LockLost`], its fenced write is refused, and the new holder keeps the lock. Without leases a
    ///   paused holder keeps the lock, and nobody else gets it.
    /// * **\[LOCK-10\]** Within a process, waiters are served in the order they came.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`], [`ErrorKind::PermissionDenied`]: of the backend.
    /// [`ErrorKind::InvalidKey`]: the mapped name does not fit the backend.
    /// [`ErrorKind::Unsupported`]: the backend cannot lock safely; the message names the way out.
    ///
    /// # Cancel safety
    /// LOCK-5. A lock whose request was on its way is released when its reply arrives, else it ends with its lease.
    ///
    /// ```
    /// use certstore_core::{Locker, MemoryStorage};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
    /// let storage = MemoryStorage::new();
    /// let first = storage.lock(&"job".parse()?).await?;
    /// let token = first.token();
    /// first.unlock().await?;
    /// assert!(storage.lock(&"job".parse()?).await?.token() > token);
    /// # Ok(()) }
    /// ```
    async fn lock(&self, name: &LockName) -> Result<Lock>;

    /// Takes the lock if that is possible at once.
    ///
    /// * **\[TRYLOCK-1\]** Returns at once: the guard, or `None` while somebody holds the lock.
    /// * **\[TRYLOCK-2\]** Repeated tries take over a dead holder after one lease.
    ///
    /// # Errors
    /// As [`lock`](Self::lock).
    ///
    /// # Cancel safety
    /// As [`lock`](Self::lock).
    ///
    /// ```
    /// use certstore_core::{Locker, MemoryStorage};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
    /// let storage = MemoryStorage::new();
    /// let held = storage.try_lock(&"job".parse()?).await?.expect("nobody holds it");
    /// assert!(storage.try_lock(&"job".parse()?).await?.is_none());
    /// held.unlock().await?;
    /// # Ok(()) }
    /// ```
    async fn try_lock(&self, name: &LockName) -> Result<Option<Lock>>;

    /// The locks that are held, and those that a dead holder left, sorted by name.
    ///
    /// * **\[LOCKS-1\]** A held lock is shown with its token; a released one is not shown.
    ///
    /// A lock that went from task to task within a process may show the token of the task before, until it is renewed.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`], [`ErrorKind::PermissionDenied`]: of the backend.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    ///
    /// ```
    /// use certstore_core::{Locker, MemoryStorage};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
    /// let storage = MemoryStorage::new();
    /// let held = storage.lock(&"job".parse()?).await?;
    /// assert_eq!(storage.locks().await?[0].token, Some(held.token()));
    /// # Ok(()) }
    /// ```
    async fn locks(&self) -> Result<Vec<LockInfo>>;

    /// Takes the lock away from the holder with this token: for operators, when the holder is known to be dead.
    ///
    /// * **\[BREAK-1\]** Breaks the lock of exactly that token; any other token, or a free lock, is
    ///   [`ErrorKind::Conflict`] and changes nothing.
    /// * **\[BREAK-2\]** A holder that lives learns of it as a loss, and its unlock is [`ErrorKind::LockLost`].
    ///
    /// A lock that goes from task to task within a process is one acquisition with several tokens: any of them breaks
    /// it. Until the next renewal, a third of a lease at most, its holder does not know; its fenced writes are refused.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`]: BREAK-1. [`ErrorKind::Unavailable`], [`ErrorKind::PermissionDenied`]: of the backend.
    ///
    /// # Cancel safety
    /// It takes effect whole or not at all.
    ///
    /// ```
    /// use certstore_core::{ErrorKind, FencingToken, Locker, MemoryStorage};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
    /// let storage = MemoryStorage::new();
    /// let name = "job".parse()?;
    /// let held = storage.lock(&name).await?;
    /// let wrong = storage.break_lock(&name, FencingToken(1)).await.unwrap_err();
    /// assert_eq!(wrong.kind(), ErrorKind::Conflict);
    /// storage.break_lock(&name, held.token()).await?;
    /// # Ok(()) }
    /// ```
    async fn break_lock(&self, name: &LockName, token: FencingToken) -> Result<()>;
}

/// Runs `work` under the lock `name` and drops it where it stands once the lock is lost.
///
/// # Errors
/// As [`Locker::lock`]; [`ErrorKind::LockLost`] when the lock was lost before `work` was done and the lock released. A
/// backend that does not answer the release is a warning only: the work is done, and the lock ends with its lease.
///
/// # Cancel safety
/// Dropping the future drops `work` and releases the lock in the background.
///
/// ```
/// use certstore_core::{with_lock, MemoryStorage, Storage};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
/// let storage = MemoryStorage::new();
/// let key = "counter".parse()?;
/// with_lock(&storage, &"job".parse()?, async |lock| storage.store_fenced(&key, b"1", lock).await).await??;
/// # Ok(()) }
/// ```
pub async fn with_lock<T>(
    locker: &(impl Locker + ?Sized),
    name: &LockName,
    work: impl AsyncFnOnce(&Lock) -> T,
) -> Result<T> {
    let lock = locker.lock(name).await?;
    let done = tokio::select! {
        biased;
        reason = lock.lost() => Err(reason),
        done = work(&lock) => Ok(done),
    };
    match done {
        Ok(done) => match lock.unlock().await {
            // The work is done under the lock; the lock ends with its lease.
            Err(error) if error.is_retryable() => {
                tracing::warn!(lock = %name, %error, "the lock of finished work could not be released");
                Ok(done)
            }
            unlocked => unlocked.map(|()| done),
        },
        Err(reason) => Err(Error::new(
            ErrorKind::LockLost,
            format!("the lock was lost while the work ran: {reason}"),
        )
        .with_operation("work under")
        .with_lock(name)),
    }
}
