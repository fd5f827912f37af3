//! Faults of conditional stores.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use certstore_core::{
    Condition, Dir, Error, ErrorKind, Key, KeyInfo, Result, Storage as _, Version, Versioned,
};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;

use super::fault::{Fault, Handle, Memory};

type Place = (Arc<str>, Key);

fn place(at: &Handle, key: &Key) -> Place {
    (at.namespace.clone(), key.clone())
}

fn conflict() -> Error {
    Error::new(ErrorKind::Conflict, "the condition does not hold")
}

#[derive(Default)]
pub(super) struct Tombstones(Memory<Place, ()>);

#[async_trait]
impl Fault for Tombstones {
    async fn delete(&self, at: &Handle, key: &Key) -> Result<()> {
        self.0.open().insert(place(at, key), ());
        at.inner.delete(key).await
    }

    async fn store_if(
        &self,
        at: &Handle,
        key: &Key,
        value: &[u8],
        condition: &Condition,
    ) -> Result<Version> {
        if *condition == Condition::Absent && self.0.open().contains_key(&place(at, key)) {
            return Err(conflict());
        }
        at.inner.store_if(key, value, condition).await
    }
}

/// Breaks only what a plain store has written: a race of creations has its one winner.
#[derive(Default)]
pub(super) struct OverwritesAndRefuses(Memory<Place, ()>);

#[async_trait]
impl Fault for OverwritesAndRefuses {
    async fn store(&self, at: &Handle, key: &Key, value: &[u8]) -> Result<Version> {
        self.0.open().insert(place(at, key), ());
        at.inner.store(key, value).await
    }

    async fn store_if(
        &self,
        at: &Handle,
        key: &Key,
        value: &[u8],
        condition: &Condition,
    ) -> Result<Version> {
        let stored = at.inner.store_if(key, value, condition).await;
        let plain = self.0.open().contains_key(&place(at, key));
        if stored.is_err() && *condition == Condition::Absent && plain {
            at.inner.store(key, value).await?;
        }
        stored
    }
}

#[derive(Default)]
pub(super) struct StaleVersion;

#[async_trait]
impl Fault for StaleVersion {
    async fn store_if(
        &self,
        at: &Handle,
        key: &Key,
        value: &[u8],
        condition: &Condition,
    ) -> Result<Version> {
        let version = at.inner.store_if(key, value, condition).await?;
        Ok(match condition {
            Condition::Version(before) => before.clone(),
            _ => version,
        })
    }
}

#[derive(Default)]
pub(super) struct CreatesOnVersion;

#[async_trait]
impl Fault for CreatesOnVersion {
    async fn store_if(
        &self,
        at: &Handle,
        key: &Key,
        value: &[u8],
        condition: &Condition,
    ) -> Result<Version> {
        if *condition != Condition::Absent && !at.inner.exists(key).await? {
            return at.inner.store(key, value).await;
        }
        at.inner.store_if(key, value, condition).await
    }
}

#[derive(Default)]
pub(super) struct ChecksThenCreates;

#[async_trait]
impl Fault for ChecksThenCreates {
    async fn store_if(
        &self,
        at: &Handle,
        key: &Key,
        value: &[u8],
        condition: &Condition,
    ) -> Result<Version> {
        if *condition != Condition::Absent || at.inner.exists(key).await? {
            return at.inner.store_if(key, value, condition).await;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        at.inner.store(key, value).await
    }
}

#[derive(Default)]
pub(super) struct ChecksThenWrites;

#[async_trait]
impl Fault for ChecksThenWrites {
    async fn store_if(
        &self,
        at: &Handle,
        key: &Key,
        value: &[u8],
        condition: &Condition,
    ) -> Result<Version> {
        let current = at.inner.load_versioned(key).await.ok().map(|found| found.version);
        match condition {
            Condition::Version(version) if Some(version) == current.as_ref() => {
                tokio::time::sleep(Duration::from_millis(5)).await;
                at.inner.store(key, value).await
            }
            _ => at.inner.store_if(key, value, condition).await,
        }
    }
}

#[derive(Default)]
pub(super) struct ContentVersions;

fn digest(value: &[u8]) -> Version {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    Version::new(format!("{:016x}", hasher.finish()))
}

impl ContentVersions {
    /// The true version of the value with this digest.
    async fn true_version(at: &Handle, key: &Key, version: &Version) -> Option<Version> {
        let found = at.inner.load_versioned(key).await.ok()?;
        (digest(&found.value) == *version).then_some(found.version)
    }
}

#[async_trait]
impl Fault for ContentVersions {
    async fn store(&self, at: &Handle, key: &Key, value: &[u8]) -> Result<Version> {
        at.inner.store(key, value).await.map(|_| digest(value))
    }

    async fn store_if(
        &self,
        at: &Handle,
        key: &Key,
        value: &[u8],
        condition: &Condition,
    ) -> Result<Version> {
        let condition = match condition {
            Condition::Version(version) => {
                let found = Self::true_version(at, key, version).await;
                Condition::Version(found.ok_or_else(conflict)?)
            }
            other => other.clone(),
        };
        at.inner.store_if(key, value, &condition).await.map(|_| digest(value))
    }

    async fn load_versioned(&self, at: &Handle, key: &Key) -> Result<Versioned> {
        let value = at.inner.load(key).await?;
        Ok(Versioned { version: digest(&value), value })
    }

    async fn delete_if(&self, at: &Handle, key: &Key, version: &Version) -> Result<()> {
        let found = Self::true_version(at, key, version).await;
        at.inner.delete_if(key, &found.ok_or_else(conflict)?).await
    }

    async fn stat(&self, at: &Handle, key: &Key) -> Result<KeyInfo> {
        let mut info = at.inner.stat(key).await?;
        if info.is_terminal {
            info.version = Some(digest(&at.inner.load(key).await?));
        }
        Ok(info)
    }

    fn walk<'a>(&'a self, at: &'a Handle, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        let walk = at.inner.walk(dir);
        Box::pin(walk.map(|info| {
            info.map(|mut info| {
                info.version = None;
                info
            })
        }))
    }
}
