//! The contract of every backend.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream::BoxStream;

use crate::{
    Capabilities, Change, Dir, Error, ErrorKind, Key, KeyInfo, Lock, Locker, Result, Version,
    Versioned,
};

/// What must be so for a conditional store to write.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// The key has no value.
    Absent,
    /// The value has this version.
    Version(Version),
}

/// A key-value store for certificates, private keys and ACME state.
///
/// # Vocabulary
/// A *key* is `/`-separated components ([`Key`]). A *value* is any bytes. A key with a value is a *file*; a key that
/// only has keys below it is a *directory*, and exists only because of them. A *prefix* is whole components. A
/// *version* names one write of one key.
///
/// # Contract
/// Each numbered clause is one sentence that the conformance suite checks with a case of the same number. What a
/// backend cannot do, it declares in its [`Capabilities`]; then the call is [`ErrorKind::Unsupported`]. Every
/// method may also fail with [`ErrorKind::Unavailable`] (the backend is down or slow: retry),
/// [`ErrorKind::PermissionDenied`], [`ErrorKind::Corrupt`] (what is stored is damaged) and [`ErrorKind::Other`].
///
/// # Not promised
/// Atomicity over several keys other than [`store_all`](Self::store_all) and its fenced form; an order among concurrent plain stores; that
/// a store which failed ambiguously ([`Error::may_have_applied`]) has not taken effect or never will: it may, once,
/// even over a later plain store. Conditional and fenced writes exclude that.
///
/// # Wrappers
/// A wrapper should carry `#[deny(clippy::missing_trait_methods)]`, so that it forwards every method.
#[async_trait]
pub trait Storage: Locker {
    /// The backend's name in errors: `fs`, `memory`, `redis`.
    fn backend(&self) -> &'static str;

    /// What this storage can do beyond the common contract.
    fn capabilities(&self) -> Capabilities;

    /// Creates or overwrites the value of `key` and returns its new version.
    ///
    /// * **\[STORE-1\]** Any bytes are kept as they are: empty, binary, text.
    /// * **\[STORE-2\]** A store over an existing value replaces it whole.
    /// * **\[STORE-3\]** Values of 64 KiB work, and of 1 MiB where `max_value` allows; a value over `max_value` is
    ///   [`ErrorKind::TooLarge`], and the old value stands.
    /// * **\[STORE-4\]** It is atomic: a reader sees the old or the new value, never a mix or a cut.
    /// * **\[STORE-5\]** Of concurrent stores one wins whole.
    /// * **\[STORE-6\]** The version returned is the one that `load_versioned` and `stat` then give.
    /// * **\[STORE-7\]** Dropped at any await, it leaves the old value or the new one.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`]: STORE-3. [`ErrorKind::Conflict`]: KEY-4. [`ErrorKind::InvalidKey`]: the key with the
    /// storage's prefix does not fit the backend.
    ///
    /// # Cancel safety
    /// STORE-7. A store that was dropped may still take effect once, later.
    ///
    /// ```
    /// use certstore_core::{MemoryStorage, Storage};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
    /// let storage = MemoryStorage::new();
    /// storage.store(&"a/b".parse()?, b"value").await?;
    /// # Ok(()) }
    /// ```
    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version>;

    /// Stores only if `condition` holds at the moment of writing.
    ///
    /// * **\[CAS-1\]** `Absent` creates a value where there is none.
    /// * **\[CAS-2\]** `Absent` on an existing value is [`ErrorKind::Conflict`] and writes nothing.
    /// * **\[CAS-3\]** `Version` writes over the value of that version.
    /// * **\[CAS-4\]** `Version` with any other version, or without a value, is [`ErrorKind::Conflict`] and writes nothing.
    /// * **\[CAS-5\]** Of 32 tasks that create the same key, one succeeds.
    /// * **\[CAS-6\]** Of 32 tasks that write over the same version, one succeeds.
    /// * **\[CAS-7\]** Where versions are counters, a version never becomes valid again, also when equal bytes are
    ///   rewritten or the key is deleted and created anew.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`]: CAS-2, CAS-4, KEY-4. [`ErrorKind::Unsupported`]: without [`Cas`](crate::Cas). Else as
    /// [`store`](Self::store).
    ///
    /// # Cancel safety
    /// As [`store`](Self::store), but it never takes effect once the condition no longer holds.
    ///
    /// ```
    /// use certstore_core::{Condition, ErrorKind, MemoryStorage, Storage};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
    /// let storage = MemoryStorage::new();
    /// let key = "account".parse()?;
    /// let version = storage.store_if(&key, b"1", &Condition::Absent).await?;
    /// storage.store_if(&key, b"2", &Condition::Version(version.clone())).await?;
    /// let late = storage.store_if(&key, b"3", &Condition::Version(version)).await.unwrap_err();
    /// assert_eq!(late.kind(), ErrorKind::Conflict);
    /// # Ok(()) }
    /// ```
    async fn store_if(&self, key: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        let _ = (value, condition);
        Err(unsupported(self.backend(), "conditional store", key))
    }

    /// Stores under a lock, refused once a newer holder of that lock has written the key.
    ///
    /// The key keeps a stamp: locker, lock name and token of its last fenced write.
    ///
    /// * **\[FENCE-1\]** The holder of a lock stores and overwrites under it.
    /// * **\[FENCE-2\]** When the stamp shows the same locker and lock name with a higher token, it is
    ///   [`ErrorKind::Fenced`] and writes nothing.
    /// * **\[FENCE-3\]** That holds as well when the newer holder wrote the very bytes that were there before.
    /// * **\[FENCE-4\]** Over the stamp of another lock name, it writes by compare-and-set on what it read, and stamps anew.
    /// * **\[FENCE-5\]** So it does over the stamp of another locker.
    /// * **\[FENCE-6\]** With [`Fence::Strict`](crate::Fence) it is refused as soon as a newer holder has *acquired* the
    ///   lock, if the guard is of the backend's own locker.
    /// * **\[FENCE-7\]** A plain store clears the stamp.
    ///
    /// # Errors
    /// [`ErrorKind::Fenced`]: FENCE-2, FENCE-6. [`ErrorKind::LockLost`]: the guard's [`check`](Lock::check) fails.
    /// [`ErrorKind::Conflict`]: FENCE-4, another writer came between; KEY-4. [`ErrorKind::Unsupported`]: without
    /// [`Fence`](crate::Fence). Else as [`store`](Self::store).
    ///
    /// # Cancel safety
    /// As [`store`](Self::store), but it never takes effect once a newer holder has written.
    ///
    /// ```
    /// use certstore_core::{Locker, MemoryStorage, Storage};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
    /// let storage = MemoryStorage::new();
    /// let lock = storage.lock(&"issue_cert_example.com".parse()?).await?;
    /// storage.store_fenced(&"certificates/local/example.com/example.com.key".parse()?, b"...", &lock).await?;
    /// lock.unlock().await?;
    /// # Ok(()) }
    /// ```
    async fn store_fenced(&self, key: &Key, value: &[u8], guard: &Lock) -> Result<Version> {
        let _ = (value, guard);
        Err(unsupported(self.backend(), "fenced store", key))
    }

    /// Stores several values of one directory as one: certificate, key and metadata.
    ///
    /// Hold a lock that all who store in this directory hold: concurrent calls in one directory may mix their values.
    ///
    /// * **\[BATCH-1\]** After `Ok`, every value is stored.
    /// * **\[BATCH-2\]** [`load_bundle`](Self::load_bundle) sees all of the old values or all of the new ones, whatever was
    ///   interrupted between two writes.
    /// * **\[BATCH-3\]** With [`Batch::Atomic`](crate::Batch) plain loads, too, see all or nothing.
    /// * **\[BATCH-4\]** Keys of different directories, a key twice, or none are [`ErrorKind::InvalidKey`], and nothing is
    ///   written.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: BATCH-4. Else as [`store`](Self::store).
    ///
    /// # Cancel safety
    /// BATCH-2: dropped at any await, `load_bundle` gives the old set or the new one.
    ///
    /// ```
    /// use certstore_core::{MemoryStorage, Storage};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
    /// let storage = MemoryStorage::new();
    /// let (key, crt) = ("a/a.key".parse()?, "a/a.crt".parse()?);
    /// storage.store_all(&[(&key, b"key"), (&crt, b"crt")]).await?;
    /// assert_eq!(storage.load_bundle(&[&key, &crt]).await?[1].as_ref(), b"crt");
    /// # Ok(()) }
    /// ```
    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()>;

    /// Stores several values of one directory as one, under a lock that all who store in this directory hold.
    ///
    /// It is [`store_all`](Self::store_all), with its clauses, and [`store_fenced`](Self::store_fenced) of each value at
    /// once. One call at a time under one guard: a fence tells holders apart, not the tasks of one.
    ///
    /// * **\[FENCE-9\]** The holder of a lock stores a bundle under it, and each of its keys has the stamp.
    /// * **\[FENCE-10\]** When any key's stamp shows the same locker and lock name with a higher token, it is
    ///   [`ErrorKind::Fenced`] and writes nothing; with [`Fence::Strict`](crate::Fence) also as FENCE-6 says.
    /// * **\[FENCE-11\]** A holder who is overtaken in the middle of it adds nothing to what the newer holder has stored
    ///   so: `load_bundle` sees the newer bundle whole, or, until it is there, the one before it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: BATCH-4. Else as [`store_fenced`](Self::store_fenced). With
    /// [`Error::may_have_applied`] the bundle is stored, or the next holder may finish it.
    ///
    /// # Cancel safety
    /// As [`store_all`](Self::store_all).
    ///
    /// ```
    /// use certstore_core::{Locker, MemoryStorage, Storage};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
    /// let storage = MemoryStorage::new();
    /// let (key, crt) = ("a/a.key".parse()?, "a/a.crt".parse()?);
    /// let lock = storage.lock(&"issue_cert_a".parse()?).await?;
    /// storage.store_all_fenced(&[(&key, b"key"), (&crt, b"crt")], &lock).await?;
    /// lock.unlock().await?;
    /// # Ok(()) }
    /// ```
    async fn store_all_fenced(&self, items: &[(&Key, &[u8])], guard: &Lock) -> Result<()> {
        let _ = guard;
        let error = Error::new(
            ErrorKind::Unsupported,
            "this backend does not offer it; see its capabilities",
        )
        .with_operation("fenced bundle")
        .with_backend(self.backend());
        Err(match items.first() {
            Some((key, _)) => error.with_subject(key.parent().as_str()),
            None => error,
        })
    }

    /// The value of the last completed store.
    ///
    /// * **\[LOAD-1\]** Through any handle on the same storage it gives the value of the last completed store.
    /// * **\[LOAD-2\]** A missing key is [`ErrorKind::NotFound`].
    /// * **\[LOAD-3\]** A directory is [`ErrorKind::NotFound`].
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]: LOAD-2, LOAD-3. Else of the backend.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    ///
    /// ```
    /// use certstore_core::{ErrorKind, MemoryStorage, Storage};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
    /// let storage = MemoryStorage::new();
    /// let missing = storage.load(&"a/b".parse()?).await.unwrap_err();
    /// assert_eq!(missing.kind(), ErrorKind::NotFound);
    /// # Ok(()) }
    /// ```
    async fn load(&self, key: &Key) -> Result<Bytes>;

    /// The value with its version.
    ///
    /// * **\[LOAD-4\]** Value and version belong together, also while others write.
    ///
    /// # Errors
    /// As [`load`](Self::load); [`ErrorKind::Unsupported`] without versions.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    ///
    /// ```
    /// use certstore_core::{MemoryStorage, Storage};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
    /// let storage = MemoryStorage::new();
    /// let key = "a".parse()?;
    /// let version = storage.store(&key, b"1").await?;
    /// assert_eq!(storage.load_versioned(&key).await?.version, version);
    /// # Ok(()) }
    /// ```
    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        Err(unsupported(self.backend(), "versioned load", key))
    }

    /// Several values at once, in the order of `keys`; each key has its own result.
    ///
    /// * **\[LOAD-5\]** Results stand in the order of the keys, one a key; a missing key fails alone.
    ///
    /// # Errors
    /// Per key, as [`load`](Self::load).
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    ///
    /// ```
    /// use certstore_core::{MemoryStorage, Storage};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
    /// let storage = MemoryStorage::new();
    /// let (a, b) = ("a".parse()?, "b".parse()?);
    /// storage.store(&b, b"1").await?;
    /// let both = storage.load_many(&[&a, &b]).await;
    /// assert!(both[0].is_err() && both[1].is_ok());
    /// # Ok(()) }
    /// ```
    async fn load_many(&self, keys: &[&Key]) -> Vec<Result<Bytes>> {
        join_all(keys.iter().map(|key| self.load(key))).await
    }

    /// The values of keys that were stored as one with [`store_all`](Self::store_all).
    ///
    /// * **\[BATCH-5\]** When any key is missing, it is [`ErrorKind::NotFound`] naming that key.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]: BATCH-5. [`ErrorKind::InvalidKey`]: BATCH-4. [`ErrorKind::Unavailable`]: writers came so
    /// fast that no consistent set could be read; retry.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    ///
    /// ```
    /// use certstore_core::{MemoryStorage, Storage};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
    /// let storage = MemoryStorage::new();
    /// let (key, crt) = ("a/a.key".parse()?, "a/a.crt".parse()?);
    /// storage.store(&key, b"key without certificate").await?;
    /// assert!(storage.load_bundle(&[&key, &crt]).await.is_err());
    /// # Ok(()) }
    /// ```
    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>>;

    /// Deletes a value, or a directory with everything below it.
    ///
    /// * **\[DELETE-1\]** After `Ok` there is no value at the key and nothing below it.
    /// * **\[DELETE-2\]** Deleting what is not there is `Ok`.
    /// * **\[DELETE-3\]** A directory goes with its whole subtree.
    /// * **\[DELETE-4\]** Neighbours stay: `ab` and `a-b` are untouched by a delete of `a`.
    /// * **\[DELETE-5\]** A directory whose last value was deleted exists no more.
    ///
    /// # Errors
    /// Of the backend. After an error, part of a subtree may be gone; delete again.
    ///
    /// # Cancel safety
    /// Dropped, it may have deleted all, part or nothing of a subtree; each single value is there whole or gone.
    ///
    /// ```
    /// use certstore_core::{MemoryStorage, Storage};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
    /// let storage = MemoryStorage::new();
    /// storage.store(&"a/b".parse()?, b"1").await?;
    /// storage.delete(&"a".parse()?).await?;
    /// assert!(!storage.exists(&"a/b".parse()?).await?);
    /// # Ok(()) }
    /// ```
    async fn delete(&self, key: &Key) -> Result<()>;

    /// Deletes the value of `key` if it has this version.
    ///
    /// * **\[DELETEIF-1\]** Deletes the value of that version, and nothing below the key.
    /// * **\[DELETEIF-2\]** Any other version, or no value, is [`ErrorKind::Conflict`] and changes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`]: DELETEIF-2. [`ErrorKind::Unsupported`]: without [`Cas::Full`](crate::Cas).
    ///
    /// # Cancel safety
    /// The value is there whole or gone.
    ///
    /// ```
    /// use certstore_core::{MemoryStorage, Storage};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
    /// let storage = MemoryStorage::new();
    /// let key = "a".parse()?;
    /// let version = storage.store(&key, b"1").await?;
    /// storage.delete_if(&key, &version).await?;
    /// assert!(storage.delete_if(&key, &version).await.is_err());
    /// # Ok(()) }
    /// ```
    async fn delete_if(&self, key: &Key, version: &Version) -> Result<()> {
        let _ = version;
        Err(unsupported(self.backend(), "conditional delete", key))
    }

    /// Deletes the value of `key` under a lock, by the rules of [`store_fenced`](Self::store_fenced).
    ///
    /// * **\[FENCE-8\]** It deletes the value for the newest holder, is [`ErrorKind::Fenced`] and changes nothing for an
    ///   older one, and is `Ok` when there is no value.
    ///
    /// # Errors
    /// As [`store_fenced`](Self::store_fenced).
    ///
    /// # Cancel safety
    /// The value is there whole or gone.
    ///
    /// ```
    /// use certstore_core::{Locker, MemoryStorage, Storage};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
    /// let storage = MemoryStorage::new();
    /// let lock = storage.lock(&"job".parse()?).await?;
    /// storage.delete_fenced(&"a".parse()?, &lock).await?;
    /// # Ok(()) }
    /// ```
    async fn delete_fenced(&self, key: &Key, guard: &Lock) -> Result<()> {
        let _ = guard;
        Err(unsupported(self.backend(), "fenced delete", key))
    }

    /// Whether there is a value or a directory at `key`.
    ///
    /// * **\[EXISTS-1\]** True for a value, true for a directory, false for neither.
    /// * **\[EXISTS-2\]** A fault of the storage is an error, never `false`.
    ///
    /// # Errors
    /// Of the backend.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    ///
    /// ```
    /// use certstore_core::{MemoryStorage, Storage};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
    /// let storage = MemoryStorage::new();
    /// storage.store(&"a/b".parse()?, b"1").await?;
    /// assert!(storage.exists(&"a".parse()?).await?);
    /// # Ok(()) }
    /// ```
    async fn exists(&self, key: &Key) -> Result<bool>;

    /// The keys in `dir`.
    ///
    /// * **\[LIST-1\]** Not recursive: the immediate children, values and directories.
    /// * **\[LIST-2\]** Recursive: all values and all directories below.
    /// * **\[LIST-3\]** Keys are relative to the storage, sorted bytewise, without a trailing slash, none twice.
    /// * **\[LIST-4\]** The root may be listed; an empty store gives an empty list.
    /// * **\[LIST-5\]** A missing directory is [`ErrorKind::NotFound`].
    /// * **\[LIST-6\]** A value gives an empty list.
    /// * **\[LIST-7\]** The list is complete, however long: 2,500 keys.
    /// * **\[LIST-8\]** Lock records, journals and temporary files never show.
    /// * **\[LIST-9\]** Only whole components count: listing `a` shows nothing of `ab` or `a-b`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]: LIST-5. Else of the backend.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    ///
    /// ```
    /// use certstore_core::{Dir, Key, MemoryStorage, Storage};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
    /// let storage = MemoryStorage::new();
    /// storage.store(&"a/b".parse()?, b"1").await?;
    /// assert_eq!(storage.list(&Dir::ROOT, true).await?, [Key::new("a")?, Key::new("a/b")?]);
    /// # Ok(()) }
    /// ```
    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>>;

    /// The answer of a recursive [`list`](Self::list) as a stream with [`KeyInfo`], in bounded memory.
    ///
    /// * **\[WALK-1\]** It gives the keys of a recursive list, each once and in the same order, with what `stat` would tell.
    /// * **\[WALK-2\]** A missing directory is one [`ErrorKind::NotFound`].
    ///
    /// # Errors
    /// As [`list`](Self::list); the stream ends after an error. A key that is deleted meanwhile may be left out.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    ///
    /// ```
    /// use certstore_core::{Dir, MemoryStorage, Storage};
    /// use futures_util::TryStreamExt;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
    /// let storage = MemoryStorage::new();
    /// storage.store(&"a/b".parse()?, b"1").await?;
    /// let found: Vec<_> = storage.walk(&Dir::ROOT).try_collect().await?;
    /// assert_eq!(found[1].size, Some(1));
    /// # Ok(()) }
    /// ```
    fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>>;

    /// What is known of `key`, without loading its value.
    ///
    /// * **\[STAT-1\]** For a value: `is_terminal`, the size where it is known without loading, the version where there are
    ///   versions.
    /// * **\[STAT-2\]** For a directory: `is_terminal` is false.
    /// * **\[STAT-3\]** A missing key is [`ErrorKind::NotFound`].
    /// * **\[STAT-4\]** `modified`, where given, is the time of the last store, in UTC.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]: STAT-3. Else of the backend.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    ///
    /// ```
    /// use certstore_core::{MemoryStorage, Storage};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
    /// let storage = MemoryStorage::new();
    /// storage.store(&"a/b".parse()?, b"123").await?;
    /// assert_eq!(storage.stat(&"a/b".parse()?).await?.size, Some(3));
    /// assert!(!storage.stat(&"a".parse()?).await?.is_terminal);
    /// # Ok(()) }
    /// ```
    async fn stat(&self, key: &Key) -> Result<KeyInfo>;

    /// Changes below `dir` as they happen, from the moment this returns.
    ///
    /// * **\[WATCH-1\]** A store and a delete below `dir` are reported; a store outside is not.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where the backend cannot notify. Else of the backend.
    ///
    /// # Cancel safety
    /// Dropping the stream ends the watch.
    ///
    /// ```
    /// use certstore_core::{Change, Dir, MemoryStorage, Storage};
    /// use futures_util::StreamExt;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
    /// let storage = MemoryStorage::new();
    /// let mut changes = storage.watch(&Dir::ROOT).await?;
    /// storage.store(&"a".parse()?, b"1").await?;
    /// assert_eq!(changes.next().await.expect("a change")?, Change::Stored("a".parse()?));
    /// # Ok(()) }
    /// ```
    async fn watch(&self, dir: &Dir) -> Result<BoxStream<'static, Result<Change>>> {
        Err(Error::unsupported("this backend cannot report changes; list again from time to time")
            .with_operation("watch")
            .with_subject(dir.as_str())
            .with_backend(self.backend()))
    }

    /// Stored names below `dir` that are no valid keys, and so are in no list: somebody else put them there.
    ///
    /// # Errors
    /// Of the backend.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    ///
    /// ```
    /// use certstore_core::{Dir, MemoryStorage, Storage};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
    /// assert!(MemoryStorage::new().foreign(&Dir::ROOT).await?.is_empty());
    /// # Ok(()) }
    /// ```
    async fn foreign(&self, dir: &Dir) -> Result<Vec<String>> {
        let _ = dir;
        Ok(Vec::new())
    }
}

fn unsupported(backend: &'static str, what: &'static str, key: &Key) -> Error {
    Error::new(ErrorKind::Unsupported, "this backend does not offer it; see its capabilities")
        .with_operation(what)
        .with_key(key)
        .with_backend(backend)
}
