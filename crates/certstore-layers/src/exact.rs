//! The size of a value, whatever it takes.

use certstore_core::{Key, KeyInfo, Result, Storage, VersionKind};

/// As [`stat`](Storage::stat), with the size in any case: where it cannot be told otherwise, as of a sealed value in a store
/// that is not wholly sealed, the value is loaded.
///
/// # Errors
/// As [`stat`](Storage::stat) and [`load`](Storage::load).
///
/// # Cancel safety
/// Cancel safe: it only reads.
///
/// ```
/// use certstore_core::{MemoryStorage, Storage};
/// use certstore_layers::stat_exact;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
/// let storage = MemoryStorage::new();
/// storage.store(&"a".parse()?, b"123").await?;
/// assert_eq!(stat_exact(&storage, &"a".parse()?).await?.size, Some(3));
/// # Ok(()) }
/// ```
pub async fn stat_exact(storage: &(impl Storage + ?Sized), key: &Key) -> Result<KeyInfo> {
    let mut info = storage.stat(key).await?;
    if !info.is_terminal || info.size.is_some() {
        return Ok(info);
    }
    // Size and version of one write.
    let value = if storage.capabilities().version == VersionKind::None {
        storage.load(key).await?
    } else {
        let found = storage.load_versioned(key).await?;
        info.version = Some(found.version);
        found.value
    };
    Ok(info.with_size(value.len() as u64))
}
