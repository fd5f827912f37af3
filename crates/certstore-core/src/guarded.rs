//! Writes under a lock, as strong as the storage can.

use crate::{Fence, Key, Lock, Result, Storage};

/// Stores a bundle under a lock: fenced where the storage can ([`Storage::store_all_fenced`]), elsewhere after a check of the
/// guard. Then a process that is paused between the two for longer than a lease may write over a newer holder's bundle.
///
/// # Errors
/// [`LockLost`](crate::ErrorKind::LockLost): the guard's check fails, and nothing was written. Else as
/// [`Storage::store_all_fenced`] or [`Storage::store_all`].
///
/// # Cancel safety
/// Dropped at any await, the old bundle or the new one is stored.
///
/// ```
/// use certstore_core::{Locker, MemoryStorage, store_all_under};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
/// let storage = MemoryStorage::new();
/// let (key, crt) = ("a/a.key".parse()?, "a/a.crt".parse()?);
/// let lock = storage.lock(&"issue_cert_a".parse()?).await?;
/// store_all_under(&storage, &[(&key, b"key"), (&crt, b"crt")], &lock).await?;
/// lock.unlock().await?;
/// # Ok(()) }
/// ```
pub async fn store_all_under(
    storage: &dyn Storage,
    items: &[(&Key, &[u8])],
    guard: &Lock,
) -> Result<()> {
    guard.check()?;
    match storage.capabilities().fence {
        Fence::None => storage.store_all(items).await,
        _ => storage.store_all_fenced(items, guard).await,
    }
}
