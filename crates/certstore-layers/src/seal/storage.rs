//! The storage that seals.

use std::fmt;
use std::future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{
    Capabilities, Change, Condition, Dir, Error, ErrorKind, Key, KeyInfo, Lock, Result, Storage,
    Version, VersionKind, Versioned,
};
use futures_util::stream::{self, BoxStream, StreamExt};

use super::aead::Content;
use super::keyset::Keyset;
use super::marker::{self, MARKER};
use super::options::{SealOptions, with_associated_data};
use super::wire;

/// A storage that seals every value on its way into another storage, and opens it on its way out.
///
/// # What is sealed
/// Values, those in a journal included. Keys, sizes (but for a constant), times and locks are not: who sees the storage
/// sees which sites there are, and when they were renewed.
///
/// A value is bound to its key, so that one put in place of another does not open. It is not bound to its time: who can
/// write to the storage can bring back an older value of the same key.
///
/// # Format
/// Tink's AEAD with the key as associated data: what certmagic-gcs and certmagic-oss read and write. With a
/// [`store_id`](SealOptions::store_id) it is bound to the store, too, and no other program reads it.
///
/// # Capabilities
/// Those of the storage inside, with 33 bytes less in a value. Equal values differ once sealed, so versions of
/// content become versions of writes; fenced writes are there only where the storage inside has them.
///
/// ```
/// use std::sync::Arc;
/// use certstore_core::{MemoryStorage, Storage};
/// use certstore_layers::seal::{Algorithm, Keyset, OutputPrefix, SealOptions, SealedStorage};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
/// let inside = Arc::new(MemoryStorage::new());
/// let keyset = Keyset::create(Algorithm::Aes256Gcm, OutputPrefix::Tink)?;
/// let storage = SealedStorage::open(inside.clone(), keyset, SealOptions::default()).await?;
/// let key = "certificates/local/example.com/example.com.key".parse()?;
/// storage.store(&key, b"private").await?;
/// assert_eq!(storage.load(&key).await?, &b"private"[..]);
/// assert!(!inside.load(&key).await?.windows(7).any(|part| part == b"private"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SealedStorage {
    inner: Arc<dyn Storage>,
    state: Arc<State>,
}

struct State {
    keyset: RwLock<Arc<Keyset>>,
    options: SealOptions,
    /// Whether the marker is there.
    wholly_sealed: AtomicBool,
}

impl SealedStorage {
    /// Seals what is stored in `inner` from now on. Without I/O: sizes are known only after [`open`](Self::open).
    #[must_use]
    pub fn new(inner: Arc<dyn Storage>, keyset: Keyset, options: SealOptions) -> Self {
        let keyset = RwLock::new(Arc::new(keyset));
        let state = State { keyset, options, wholly_sealed: AtomicBool::new(false) };
        Self { inner, state: Arc::new(state) }
    }

    /// As [`new`](Self::new), and looks whether the store is [marked](super::ResealReport::marked) as wholly sealed.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: it is, and with another keyset or store id. Else as [`Storage::load`].
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    pub async fn open(
        inner: Arc<dyn Storage>,
        keyset: Keyset,
        options: SealOptions,
    ) -> Result<Self> {
        let storage = Self::new(inner, keyset, options);
        let marked = match storage.inner.load(&MARKER).await {
            Ok(sealed) => storage.keyset().open(sealed, &storage.marker_data()).map_err(|error| {
                let message = "the store is sealed under another keyset or store_id, or its marker is damaged; check both";
                Error::new(ErrorKind::Corrupt, message)
                    .with_operation("open")
                    .with_key(&MARKER)
                    .with_backend(storage.inner.backend())
                    .with_source(error)
            })? == marker::CONTENT,
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        storage.set_wholly_sealed(marked);
        Ok(storage)
    }

    /// The storage inside, which has the sealed values.
    #[must_use]
    pub fn inner(&self) -> &Arc<dyn Storage> {
        &self.inner
    }

    /// The keyset that is in use.
    #[must_use]
    pub fn keyset(&self) -> Arc<Keyset> {
        // It is only ever replaced whole.
        self.state.keyset.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes another keyset for all calls from now on, in all clones: after a rotation, without opening anew.
    pub fn set_keyset(&self, keyset: Keyset) {
        let keyset = Arc::new(keyset);
        *self.state.keyset.write().unwrap_or_else(PoisonError::into_inner) = keyset;
    }

    /// How the store is sealed.
    #[must_use]
    pub fn options(&self) -> &SealOptions {
        &self.state.options
    }

    /// As [`stat`](Storage::stat), with the size in any case: where it cannot be told otherwise, the value is loaded.
    ///
    /// # Errors
    /// As [`stat`](Storage::stat) and [`load`](Storage::load).
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    pub async fn stat_exact(&self, key: &Key) -> Result<KeyInfo> {
        crate::stat_exact(self, key).await
    }

    pub(super) fn set_wholly_sealed(&self, marked: bool) {
        self.state.wholly_sealed.store(marked, Ordering::Release);
    }

    /// The associated data of the marker.
    pub(super) fn marker_data(&self) -> Vec<u8> {
        with_associated_data(self.state.options.store_id.as_ref(), MARKER.as_str(), <[u8]>::to_vec)
    }

    /// Seals the value of `key`, unless it does not fit then.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: the marker's. [`ErrorKind::TooLarge`]. Else as [`Keyset::seal`].
    pub(super) fn seal(&self, key: &Key, value: &[u8]) -> Result<Bytes> {
        let seal = || {
            if let Some(limit) = self.capabilities().max_value
                && value.len() as u64 > limit
            {
                let message =
                    format!("a value has at most {limit} bytes, this one has {}", value.len());
                return Err(Error::new(ErrorKind::TooLarge, message));
            }
            let store_id = self.state.options.store_id.as_ref();
            with_associated_data(store_id, key.as_str(), |data| self.keyset().seal(value, data))
        };
        marker::check("store", key)
            .and_then(|()| seal())
            .map_err(|error| self.on("store", key, error))
    }

    fn seal_all<'a>(&self, items: &[(&'a Key, &[u8])]) -> Result<Vec<(&'a Key, Bytes)>> {
        items.iter().map(|(key, value)| Ok((*key, self.seal(key, value)?))).collect()
    }

    /// What was stored at `key`, told apart.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`], as [`Keyset::classify`].
    pub(super) fn classify(&self, key: &Key, stored: Bytes) -> Result<Content> {
        let store_id = self.state.options.store_id.as_ref();
        with_associated_data(store_id, key.as_str(), |data| self.keyset().classify(stored, data))
            .map_err(|error| self.on("load", key, error))
    }

    /// The value in what was stored at `key`.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`].
    fn unseal(&self, key: &Key, stored: Bytes) -> Result<Bytes> {
        if self.state.options.accept_plaintext {
            return Ok(match self.classify(key, stored)? {
                Content::Sealed(opened) => opened.value,
                Content::Plain(value) => value,
            });
        }
        let store_id = self.state.options.store_id.as_ref();
        with_associated_data(store_id, key.as_str(), |data| self.keyset().open(stored, data))
            .map_err(|error| self.on("load", key, error))
    }

    fn on(&self, operation: &'static str, key: &Key, error: Error) -> Error {
        error.with_operation(operation).with_key(key).with_backend(self.inner.backend())
    }

    /// By how much stored values are longer than values, if that is the same for all of them.
    fn overhead(&self) -> Option<u64> {
        let uniform = !self.state.options.accept_plaintext
            && self.state.wholly_sealed.load(Ordering::Acquire);
        uniform.then(|| self.keyset().uniform_overhead()).flatten().map(|overhead| overhead as u64)
    }

    fn check(&self, operation: &'static str, key: &Key) -> Result<()> {
        marker::check(operation, key).map_err(|error| self.on(operation, key, error))
    }
}

impl fmt::Debug for SealedStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedStorage")
            .field("inner", &self.inner.backend())
            .field("keyset", &self.keyset())
            .field("options", &self.state.options)
            .finish()
    }
}

certstore_core::forward_locker!(SealedStorage => inner);

fn shown<'a>(sealed: &'a [(&'a Key, Bytes)]) -> Vec<(&'a Key, &'a [u8])> {
    sealed.iter().map(|(key, value)| (*key, value.as_ref())).collect()
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Storage for SealedStorage {
    fn backend(&self) -> &'static str {
        self.inner.backend()
    }

    fn capabilities(&self) -> Capabilities {
        let mut own = self.inner.capabilities();
        // The most that any key adds: what is declared stands, whichever key is the primary.
        own.max_value = own.max_value.map(|limit| limit.saturating_sub(wire::MAX_OVERHEAD as u64));
        // Of two equal values, sealed, no bytes are equal: their nonces differ. A value that is not sealed can be.
        if own.version == VersionKind::Content && !self.state.options.accept_plaintext {
            own.version = VersionKind::Counter;
        }
        own
    }

    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        let sealed = self.seal(key, value)?;
        self.inner.store(key, &sealed).await
    }

    async fn store_if(&self, key: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        let sealed = self.seal(key, value)?;
        self.inner.store_if(key, &sealed, condition).await
    }

    async fn store_fenced(&self, key: &Key, value: &[u8], guard: &Lock) -> Result<Version> {
        let sealed = self.seal(key, value)?;
        self.inner.store_fenced(key, &sealed, guard).await
    }

    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        let sealed = self.seal_all(items)?;
        self.inner.store_all(&shown(&sealed)).await
    }

    async fn store_all_fenced(&self, items: &[(&Key, &[u8])], guard: &Lock) -> Result<()> {
        let sealed = self.seal_all(items)?;
        self.inner.store_all_fenced(&shown(&sealed), guard).await
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        self.check("load", key)?;
        self.unseal(key, self.inner.load(key).await?)
    }

    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        self.check("load", key)?;
        let Versioned { value, version } = self.inner.load_versioned(key).await?;
        Ok(Versioned { value: self.unseal(key, value)?, version })
    }

    async fn load_many(&self, keys: &[&Key]) -> Vec<Result<Bytes>> {
        let loaded = self.inner.load_many(keys).await;
        let unseal = |(key, stored): (&&Key, Result<Bytes>)| {
            self.check("load", key)?;
            self.unseal(key, stored?)
        };
        keys.iter().zip(loaded).map(unseal).collect()
    }

    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        keys.iter().try_for_each(|key| self.check("load bundle", key))?;
        let loaded = self.inner.load_bundle(keys).await?;
        keys.iter().zip(loaded).map(|(key, stored)| self.unseal(key, stored)).collect()
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.check("delete", key)?;
        self.inner.delete(key).await
    }

    async fn delete_if(&self, key: &Key, version: &Version) -> Result<()> {
        self.check("delete", key)?;
        self.inner.delete_if(key, version).await
    }

    async fn delete_fenced(&self, key: &Key, guard: &Lock) -> Result<()> {
        self.check("delete", key)?;
        self.inner.delete_fenced(key, guard).await
    }

    async fn exists(&self, key: &Key) -> Result<bool> {
        self.check("exists", key)?;
        self.inner.exists(key).await
    }

    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        marker::check_dir("list", dir)?;
        let mut keys = self.inner.list(dir, recursive).await?;
        keys.retain(|key| !marker::is_marker(key));
        Ok(keys)
    }

    fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        if let Err(error) = marker::check_dir("list", dir) {
            return stream::iter([Err(error)]).boxed();
        }
        let overhead = self.overhead();
        let shown = move |info: Result<KeyInfo>| {
            let info = match info {
                Ok(info) if marker::is_marker(&info.key) => None,
                info => Some(info.map(|info| marker::unsealed_info(info, overhead))),
            };
            future::ready(info)
        };
        self.inner.walk(dir).filter_map(shown).boxed()
    }

    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        self.check("stat", key)?;
        Ok(marker::unsealed_info(self.inner.stat(key).await?, self.overhead()))
    }

    async fn watch(&self, dir: &Dir) -> Result<BoxStream<'static, Result<Change>>> {
        marker::check_dir("watch", dir)?;
        let shown = |change: &Result<Change>| {
            let hidden = matches!(change, Ok(Change::Stored(key) | Change::Deleted(key)) if marker::is_marker(key));
            future::ready(!hidden)
        };
        Ok(self.inner.watch(dir).await?.filter(shown).boxed())
    }

    async fn foreign(&self, dir: &Dir) -> Result<Vec<String>> {
        self.inner.foreign(dir).await
    }
}

#[cfg(test)]
#[path = "storage_tests.rs"]
mod tests;
