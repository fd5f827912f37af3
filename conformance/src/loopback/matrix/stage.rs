//! What a case works with, and what is there before its operation.

use std::sync::Arc;

use certstore_core::{Dir, Key, Lock, LockName, Result, Storage, Version};

use super::Operation;

/// What is stored before an operation, and what it stores.
pub(super) const OLD: &[u8] = b"the old value, whole";
pub(super) const NEW: &[u8] = b"the new one, whole as well";

/// How often what no fault strikes is tried on a machine that is busy.
const TRIES: u32 = 5;

/// Does what no fault strikes, again where the machine was too slow for the clients' time-outs.
pub(super) async fn patiently<T>(mut work: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let mut tries = 1;
    loop {
        match work().await {
            Err(error) if error.is_retryable() && tries < TRIES => tries += 1,
            done => return done,
        }
    }
}

/// Two clients, and values and a lock of the case's own.
pub(super) struct Stage {
    /// The client that the faults are for.
    pub(super) storage: Arc<dyn Storage>,
    /// The client that looks at what is left, as another process would.
    pub(super) observer: Arc<dyn Storage>,
    pub(super) dir: Dir,
    pub(super) lock: LockName,
    /// The guard of `storage`.
    pub(super) guard: Option<Lock>,
    /// The guard of `observer`.
    pub(super) held: Option<Lock>,
    pub(super) version: Option<Version>,
}

impl Stage {
    /// Sets the stage for the case called `name`.
    pub(super) async fn set(
        storage: Arc<dyn Storage>,
        observer: Arc<dyn Storage>,
        operation: Operation,
        name: &str,
    ) -> Result<Self> {
        let (dir, lock) = (Dir::new(name)?, LockName::new(name)?);
        let (guard, held, version) = (None, None, None);
        let mut stage = Self { storage, observer, dir, lock, guard, held, version };
        stage.prepare(operation).await?;
        Ok(stage)
    }

    async fn prepare(&mut self, operation: Operation) -> Result<()> {
        match operation {
            Operation::StoreIfAbsent | Operation::Lock | Operation::TryLock => {}
            Operation::StoreFenced | Operation::DeleteFenced => {
                let guard = self.storage.lock(&self.lock).await?;
                self.storage.store_fenced(&self.value()?, OLD, &guard).await?;
                self.guard = Some(guard);
            }
            Operation::StoreAllFenced => {
                let ((key, crt), guard) = (self.bundle()?, self.storage.lock(&self.lock).await?);
                self.storage.store_all_fenced(&[(&key, OLD), (&crt, OLD)], &guard).await?;
                self.guard = Some(guard);
            }
            Operation::StoreAll | Operation::LoadBundle => {
                let (key, crt) = self.bundle()?;
                self.observer.store_all(&[(&key, OLD), (&crt, OLD)]).await?;
            }
            Operation::Renewal | Operation::Unlock => {
                self.guard = Some(self.storage.lock(&self.lock).await?);
            }
            Operation::Locks | Operation::BreakLock => {
                self.held = Some(self.observer.lock(&self.lock).await?);
            }
            Operation::DeleteDirectory
            | Operation::ExistsDirectory
            | Operation::List
            | Operation::ListRecursive
            | Operation::Walk => {
                for key in [self.tree("1")?, self.tree("sub/2")?, self.neighbour()?] {
                    self.observer.store(&key, OLD).await?;
                }
            }
            _ => self.version = Some(self.observer.store(&self.value()?, OLD).await?),
        }
        Ok(())
    }

    /// The value that most operations are about.
    pub(super) fn value(&self) -> Result<Key> {
        self.dir.join("value")
    }

    /// Where nothing is ever stored.
    pub(super) fn missing(&self) -> Result<Key> {
        self.dir.join("missing")
    }

    /// A certificate and its key.
    pub(super) fn bundle(&self) -> Result<(Key, Key)> {
        Ok((self.dir.join("bundle.key")?, self.dir.join("bundle.crt")?))
    }

    /// The directory that is listed or deleted.
    pub(super) fn directory(&self) -> Result<Key> {
        self.dir.join("tree")
    }

    /// A value in it.
    pub(super) fn tree(&self, below: &str) -> Result<Key> {
        Key::new(&format!("{}/tree/{below}", self.dir.as_str()))
    }

    /// A value that only looks as if it were in it.
    pub(super) fn neighbour(&self) -> Result<Key> {
        Key::new(&format!("{}/tree-neighbour", self.dir.as_str()))
    }
}
