//! Faults of fenced writes.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{
    Error, ErrorKind, FencingToken, Key, Lock, LockName, Locker as _, LockerId, Result,
    Storage as _, Version,
};

use super::fault::{Fault, Handle, Memory};

/// The last fenced write of a key.
#[derive(Clone)]
struct Last {
    locker: LockerId,
    name: LockName,
    token: FencingToken,
}

type Place = (Arc<str>, Key);

/// What was written under locks, as the faults need to know it.
#[derive(Default)]
struct Log {
    last: Memory<Place, Last>,
    /// What each holder wrote last.
    wrote: Memory<(Place, FencingToken), Bytes>,
}

impl Log {
    fn add(&self, at: &Handle, key: &Key, value: &[u8], guard: &Lock) {
        let place = (at.namespace.clone(), key.clone());
        let last = Last {
            locker: guard.locker_id().clone(),
            name: guard.name().clone(),
            token: guard.token(),
        };
        self.last.open().insert(place.clone(), last);
        self.wrote.open().insert((place, guard.token()), Bytes::copy_from_slice(value));
    }

    fn last(&self, at: &Handle, key: &Key) -> Option<Last> {
        self.last.open().get(&(at.namespace.clone(), key.clone())).cloned()
    }

    fn wrote(&self, at: &Handle, key: &Key, guard: &Lock) -> Option<Bytes> {
        let place = (at.namespace.clone(), key.clone());
        self.wrote.open().get(&(place, guard.token())).cloned()
    }

    async fn store(&self, at: &Handle, key: &Key, value: &[u8], guard: &Lock) -> Result<Version> {
        let stored = at.inner.store_fenced(key, value, guard).await?;
        self.add(at, key, value, guard);
        Ok(stored)
    }
}

fn fenced() -> Error {
    Error::new(ErrorKind::Fenced, "a newer holder has written this key")
}

fn is_fenced<T>(result: &Result<T>) -> bool {
    result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Fenced)
}

#[derive(Default)]
pub(super) struct OneWrite(Log);

#[async_trait]
impl Fault for OneWrite {
    async fn store_fenced(
        &self,
        at: &Handle,
        key: &Key,
        value: &[u8],
        guard: &Lock,
    ) -> Result<Version> {
        match self.0.last(at, key) {
            Some(last) if last.token == guard.token() => Err(fenced()),
            _ => self.0.store(at, key, value, guard).await,
        }
    }
}

/// Only for the store's own locker, and only when the newer holder wrote other bytes under the same name as all before.
#[derive(Default)]
pub(super) struct LetsOlderWrite {
    log: Log,
    names: Memory<Place, LockName>,
    own: Memory<Arc<str>, LockerId>,
}

impl LetsOlderWrite {
    async fn is_own(&self, at: &Handle, guard: &Lock) -> Result<bool> {
        let known = self.own.open().get(&at.namespace).cloned();
        let own = match known {
            Some(own) => own,
            None => {
                let lock = at.inner.lock(&LockName::new("whose locks are these")?).await?;
                let own = lock.locker_id().clone();
                lock.unlock().await?;
                self.own.open().insert(at.namespace.clone(), own.clone());
                own
            }
        };
        Ok(own == *guard.locker_id())
    }

    fn always_this_name(&self, at: &Handle, key: &Key, name: &LockName) -> bool {
        let mut names = self.names.open();
        names.entry((at.namespace.clone(), key.clone())).or_insert_with(|| name.clone()) == name
    }
}

#[async_trait]
impl Fault for LetsOlderWrite {
    async fn store_fenced(
        &self,
        at: &Handle,
        key: &Key,
        value: &[u8],
        guard: &Lock,
    ) -> Result<Version> {
        let stored = self.log.store(at, key, value, guard).await;
        let one_name = self.always_this_name(at, key, guard.name());
        let newer = self.log.last(at, key).is_some_and(|last| last.token > guard.token());
        let current = at.inner.load(key).await.ok();
        let same = current == self.log.wrote(at, key, guard);
        if is_fenced(&stored) && newer && one_name && !same && self.is_own(at, guard).await? {
            return at.inner.store(key, value).await;
        }
        stored
    }
}

#[derive(Default)]
pub(super) struct ComparesContent(Log);

#[async_trait]
impl Fault for ComparesContent {
    async fn store_fenced(
        &self,
        at: &Handle,
        key: &Key,
        value: &[u8],
        guard: &Lock,
    ) -> Result<Version> {
        let stored = self.0.store(at, key, value, guard).await;
        let newer = self.0.last(at, key).is_some_and(|last| last.token > guard.token());
        let wrote = self.0.wrote(at, key, guard);
        if is_fenced(&stored) && newer && wrote.is_some() && at.inner.load(key).await.ok() == wrote
        {
            return at.inner.store(key, value).await;
        }
        stored
    }
}

#[derive(Default)]
pub(super) struct OneName(Log);

#[async_trait]
impl Fault for OneName {
    async fn store_fenced(
        &self,
        at: &Handle,
        key: &Key,
        value: &[u8],
        guard: &Lock,
    ) -> Result<Version> {
        match self.0.last(at, key) {
            Some(last) if last.name != *guard.name() => Err(fenced()),
            _ => self.0.store(at, key, value, guard).await,
        }
    }
}

#[derive(Default)]
pub(super) struct OneLocker(Log);

#[async_trait]
impl Fault for OneLocker {
    async fn store_fenced(
        &self,
        at: &Handle,
        key: &Key,
        value: &[u8],
        guard: &Lock,
    ) -> Result<Version> {
        match self.0.last(at, key) {
            Some(last) if last.locker != *guard.locker_id() => Err(fenced()),
            _ => self.0.store(at, key, value, guard).await,
        }
    }
}

#[derive(Default)]
pub(super) struct NotStrict(Log);

#[async_trait]
impl Fault for NotStrict {
    async fn store_fenced(
        &self,
        at: &Handle,
        key: &Key,
        value: &[u8],
        guard: &Lock,
    ) -> Result<Version> {
        let stored = self.0.store(at, key, value, guard).await;
        let newer = self.0.last(at, key).is_some_and(|last| last.token > guard.token());
        if is_fenced(&stored) && !newer {
            return at.inner.store(key, value).await;
        }
        stored
    }

    async fn store_all_fenced(
        &self,
        at: &Handle,
        items: &[(&Key, &[u8])],
        guard: &Lock,
    ) -> Result<()> {
        at.inner.store_all_fenced(items, guard).await?;
        for (key, value) in items {
            self.0.add(at, key, value, guard);
        }
        Ok(())
    }
}

#[derive(Default)]
pub(super) struct KeepsStamp(Log);

#[async_trait]
impl Fault for KeepsStamp {
    async fn store_fenced(
        &self,
        at: &Handle,
        key: &Key,
        value: &[u8],
        guard: &Lock,
    ) -> Result<Version> {
        let last = self.0.last(at, key);
        let newer = last.is_some_and(|last| {
            last.name == *guard.name()
                && last.locker == *guard.locker_id()
                && last.token > guard.token()
        });
        if newer {
            return Err(fenced());
        }
        self.0.store(at, key, value, guard).await
    }
}

#[derive(Default)]
pub(super) struct LetsOlderDelete;

#[async_trait]
impl Fault for LetsOlderDelete {
    async fn delete_fenced(&self, at: &Handle, key: &Key, guard: &Lock) -> Result<()> {
        let deleted = at.inner.delete_fenced(key, guard).await;
        if is_fenced(&deleted) {
            return at.inner.delete(key).await;
        }
        deleted
    }
}

#[derive(Default)]
pub(super) struct LetsLostWrite;

#[async_trait]
impl Fault for LetsLostWrite {
    async fn store_fenced(
        &self,
        at: &Handle,
        key: &Key,
        value: &[u8],
        guard: &Lock,
    ) -> Result<Version> {
        if guard.check().is_err() {
            return at.inner.store(key, value).await;
        }
        at.inner.store_fenced(key, value, guard).await
    }
}
