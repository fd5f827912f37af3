//! A storage below a directory of another one.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{
    Capabilities, Change, Condition, Dir, Error, ErrorKind, FencingToken, Key, KeyInfo, Lock,
    LockInfo, LockName, Locker, Release, Result, Storage, Version, Versioned,
};
use futures_util::StreamExt as _;
use futures_util::future;
use futures_util::stream::{self, BoxStream};

/// Everything below one directory of another storage, names of locks too: several users of one storage that know
/// nothing of each other.
///
/// The key `a/b` is kept as `DIR/a/b`, the lock `job` as `DIR/job`. What lies at `DIR/locks/` in the storage inside is no
/// key here, since `locks` is reserved: it stands in [`foreign`](Storage::foreign).
///
/// A backend with a prefix of its own does the same for less: use that. So does a directory of its own on files, whose
/// locks have no slash in their names, so that [`locks`](Locker::locks) does not know which are from here and shows none.
///
/// ```
/// use std::sync::Arc;
/// use certstore_core::{MemoryStorage, Storage};
/// use certstore_layers::prefix::PrefixStorage;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
/// let inside = Arc::new(MemoryStorage::new());
/// let storage = PrefixStorage::new(inside.clone(), "prod".parse()?);
/// storage.store(&"a/b".parse()?, b"value").await?;
/// assert_eq!(inside.load(&"prod/a/b".parse()?).await?.as_ref(), b"value");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct PrefixStorage {
    inner: Arc<dyn Storage>,
    directory: Key,
    /// With a slash behind it.
    names: Arc<str>,
}

impl PrefixStorage {
    /// Keeps everything below `directory` of `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn Storage>, directory: Key) -> Self {
        let names = format!("{directory}/").into();
        Self { inner, directory, names }
    }

    /// The directory of the storage inside that everything lies below.
    #[must_use]
    pub fn directory(&self) -> &Key {
        &self.directory
    }

    /// The key inside.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: both together are too long.
    fn inside(&self, operation: &'static str, key: &Key) -> Result<Key> {
        Key::new(&format!("{}{key}", self.names)).map_err(|error| {
            let message =
                format!("below the directory \"{}\", {}", self.directory, error.message());
            Error::new(ErrorKind::InvalidKey, message)
                .with_operation(operation)
                .with_key(key)
                .with_backend(self.backend())
        })
    }

    fn all_inside<'a>(
        &self,
        operation: &'static str,
        keys: impl IntoIterator<Item = &'a Key>,
    ) -> Result<Vec<Key>> {
        keys.into_iter().map(|key| self.inside(operation, key)).collect()
    }

    fn dir_inside(&self, operation: &'static str, dir: &Dir) -> Result<Dir> {
        match dir.key() {
            None => Ok(Dir::from(&self.directory)),
            Some(key) => self.inside(operation, key).map(Dir::from),
        }
    }

    fn lock_inside(&self, name: &LockName) -> Result<LockName> {
        LockName::new(&format!("{}{name}", self.names)).map_err(|error| {
            let message =
                format!("below the directory \"{}\", {}", self.directory, error.message());
            Error::new(ErrorKind::InvalidKey, message)
                .with_operation("lock")
                .with_lock(name)
                .with_backend(self.backend())
        })
    }

    /// The key here; `None` for what is no key here, such as what lies at `locks`.
    fn outside(&self, key: &Key) -> Option<Key> {
        Key::new(key.as_str().strip_prefix(&*self.names)?).ok()
    }

    /// Whether the directory is this one, or below it.
    fn lies_in(&self, key: &Key) -> bool {
        self.directory == *key || self.directory.is_below(&Dir::from(key))
    }

    /// The error, about the key here.
    fn told(&self, error: Error) -> Error {
        error
            .map_subject(|subject| subject.strip_prefix(&*self.names).unwrap_or(subject).to_owned())
    }

    /// The guard under the name that it was asked for by.
    fn guard(&self, name: &LockName, inside: Lock) -> Lock {
        let (token, locker) = (inside.token(), inside.locker_id().clone());
        let validity = inside.validity().clone();
        Lock::new(
            name.clone(),
            token,
            locker,
            validity,
            Box::new(Inside { held: inside, name: name.clone() }),
        )
    }

    /// The guard as the storage inside knows it, to write under. Ending it releases nothing.
    fn guard_inside(&self, guard: &Lock) -> Result<Lock> {
        Ok(guard.shared().with_name(self.lock_inside(guard.name())?))
    }
}

impl fmt::Debug for PrefixStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrefixStorage")
            .field("inner", &self.inner.backend())
            .field("directory", &self.directory)
            .finish()
    }
}

struct Inside {
    held: Lock,
    name: LockName,
}

#[async_trait]
impl Release for Inside {
    async fn release(self: Box<Self>) -> Result<()> {
        // About the lock by the name that it was asked for by.
        let name = self.name.as_str().escape_debug().to_string();
        self.held.unlock().await.map_err(|error| error.map_subject(|_| name))
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Locker for PrefixStorage {
    async fn lock(&self, name: &LockName) -> Result<Lock> {
        let inside = self.lock_inside(name)?;
        let held = self.inner.lock(&inside).await.map_err(|error| self.told(error))?;
        Ok(self.guard(name, held))
    }

    async fn try_lock(&self, name: &LockName) -> Result<Option<Lock>> {
        let inside = self.lock_inside(name)?;
        let held = self.inner.try_lock(&inside).await.map_err(|error| self.told(error))?;
        Ok(held.map(|held| self.guard(name, held)))
    }

    async fn locks(&self) -> Result<Vec<LockInfo>> {
        let mut found = self.inner.locks().await?;
        found.retain_mut(|info| match info.name.strip_prefix(&*self.names) {
            Some(name) => {
                info.name = name.to_owned();
                true
            }
            None => false,
        });
        Ok(found)
    }

    async fn break_lock(&self, name: &LockName, token: FencingToken) -> Result<()> {
        let inside = self.lock_inside(name)?;
        self.inner.break_lock(&inside, token).await.map_err(|error| self.told(error))
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Storage for PrefixStorage {
    fn backend(&self) -> &'static str {
        self.inner.backend()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        let inside = self.inside("store", key)?;
        self.inner.store(&inside, value).await.map_err(|error| self.told(error))
    }

    async fn store_if(&self, key: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        let inside = self.inside("store", key)?;
        self.inner.store_if(&inside, value, condition).await.map_err(|error| self.told(error))
    }

    async fn store_fenced(&self, key: &Key, value: &[u8], guard: &Lock) -> Result<Version> {
        let (inside, guard) = (self.inside("store", key)?, self.guard_inside(guard)?);
        self.inner.store_fenced(&inside, value, &guard).await.map_err(|error| self.told(error))
    }

    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        let keys = self.all_inside("store", items.iter().map(|(key, _)| *key))?;
        self.inner.store_all(&values_at(&keys, items)).await.map_err(|error| self.told(error))
    }

    async fn store_all_fenced(&self, items: &[(&Key, &[u8])], guard: &Lock) -> Result<()> {
        let keys = self.all_inside("store", items.iter().map(|(key, _)| *key))?;
        let (inside, guard) = (values_at(&keys, items), self.guard_inside(guard)?);
        self.inner.store_all_fenced(&inside, &guard).await.map_err(|error| self.told(error))
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        let inside = self.inside("load", key)?;
        self.inner.load(&inside).await.map_err(|error| self.told(error))
    }

    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        let inside = self.inside("load", key)?;
        self.inner.load_versioned(&inside).await.map_err(|error| self.told(error))
    }

    async fn load_many(&self, keys: &[&Key]) -> Vec<Result<Bytes>> {
        let inside: Vec<Result<Key>> = keys.iter().map(|key| self.inside("load", key)).collect();
        let valid: Vec<&Key> = inside.iter().filter_map(|key| key.as_ref().ok()).collect();
        let mut loaded = self.inner.load_many(&valid).await.into_iter();
        let missing = || Err(Error::new(ErrorKind::Other, "the storage inside left out a result"));
        let result = |key: Result<Key>| {
            key.and_then(|_| loaded.next().unwrap_or_else(missing))
                .map_err(|error| self.told(error))
        };
        inside.into_iter().map(result).collect()
    }

    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        let inside = self.all_inside("load bundle", keys.iter().copied())?;
        let inside: Vec<&Key> = inside.iter().collect();
        self.inner.load_bundle(&inside).await.map_err(|error| self.told(error))
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        let inside = self.inside("delete", key)?;
        self.inner.delete(&inside).await.map_err(|error| self.told(error))
    }

    async fn delete_if(&self, key: &Key, version: &Version) -> Result<()> {
        let inside = self.inside("delete", key)?;
        self.inner.delete_if(&inside, version).await.map_err(|error| self.told(error))
    }

    async fn delete_fenced(&self, key: &Key, guard: &Lock) -> Result<()> {
        let (inside, guard) = (self.inside("delete", key)?, self.guard_inside(guard)?);
        self.inner.delete_fenced(&inside, &guard).await.map_err(|error| self.told(error))
    }

    async fn exists(&self, key: &Key) -> Result<bool> {
        let inside = self.inside("exists", key)?;
        self.inner.exists(&inside).await.map_err(|error| self.told(error))
    }

    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        let inside = self.dir_inside("list", dir)?;
        match self.inner.list(&inside, recursive).await {
            Ok(keys) => Ok(keys.iter().filter_map(|key| self.outside(key)).collect()),
            // The root is always there.
            Err(error) if dir.is_root() && error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(self.told(error)),
        }
    }

    fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        let inside = match self.dir_inside("list", dir) {
            Ok(inside) => inside,
            Err(error) => return stream::iter([Err(error)]).boxed(),
        };
        let root = dir.is_root();
        let shown = move |info: Result<KeyInfo>| {
            future::ready(match info {
                Ok(mut info) => self.outside(&info.key).map(|key| {
                    info.key = key;
                    Ok(info)
                }),
                Err(error) if root && error.kind() == ErrorKind::NotFound => None,
                Err(error) => Some(Err(self.told(error))),
            })
        };
        self.inner.walk(&inside).filter_map(shown).boxed()
    }

    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        let inside = self.inside("stat", key)?;
        let mut info = self.inner.stat(&inside).await.map_err(|error| self.told(error))?;
        info.key = key.clone();
        Ok(info)
    }

    async fn watch(&self, dir: &Dir) -> Result<BoxStream<'static, Result<Change>>> {
        let inside = self.dir_inside("watch", dir)?;
        let changes = self.inner.watch(&inside).await.map_err(|error| self.told(error))?;
        let here = self.clone();
        let shown = move |change: Result<Change>| {
            future::ready(match change {
                Ok(Change::Stored(key)) => here.outside(&key).map(|key| Ok(Change::Stored(key))),
                Ok(Change::Deleted(key)) => Some(Ok(match here.outside(&key) {
                    Some(key) => Change::Deleted(key),
                    // The directory itself, or what it lies in: everything may be gone.
                    None if here.lies_in(&key) => Change::Overflow,
                    None => return future::ready(None),
                })),
                Ok(other) => Some(Ok(other)),
                Err(error) => Some(Err(here.told(error))),
            })
        };
        Ok(changes.filter_map(shown).boxed())
    }

    async fn foreign(&self, dir: &Dir) -> Result<Vec<String>> {
        let inside = self.dir_inside("list", dir)?;
        let mut foreign = match self.inner.foreign(&inside).await {
            Err(error) if dir.is_root() && error.kind() == ErrorKind::NotFound => Vec::new(),
            found => found.map_err(|error| self.told(error))?,
        };
        if dir.is_root() {
            // What lies at `locks` is a key inside, and none here.
            let names = match self.inner.list(&inside, false).await {
                Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
                found => found.map_err(|error| self.told(error))?,
            };
            let hidden = names.iter().filter(|key| self.outside(key).is_none());
            foreign.extend(hidden.map(Key::to_string));
        }
        for name in &mut foreign {
            if let Some(here) = name.strip_prefix(&*self.names) {
                *name = here.to_owned();
            }
        }
        Ok(foreign)
    }
}

/// The values of `items` at the keys inside.
fn values_at<'a>(keys: &'a [Key], items: &[(&Key, &'a [u8])]) -> Vec<(&'a Key, &'a [u8])> {
    keys.iter().zip(items).map(|(key, (_, value))| (key, *value)).collect()
}

#[cfg(test)]
#[path = "prefix_tests.rs"]
mod tests;
