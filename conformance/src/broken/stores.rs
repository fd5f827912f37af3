//! Faults of plain stores.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{Error, ErrorKind, Key, Result, Storage as _, Version};
use futures_util::FutureExt as _;

use super::fault::{Fault, Handle, Memory};

#[derive(Default)]
pub(super) struct EmptyIsNothing;

#[async_trait]
impl Fault for EmptyIsNothing {
    async fn store(&self, at: &Handle, key: &Key, value: &[u8]) -> Result<Version> {
        if value.is_empty() {
            at.inner.delete(key).await?;
            return Ok(Version::new("empty"));
        }
        at.inner.store(key, value).await
    }
}

#[derive(Default)]
pub(super) struct KeepsTail;

#[async_trait]
impl Fault for KeepsTail {
    async fn store(&self, at: &Handle, key: &Key, value: &[u8]) -> Result<Version> {
        match (value, at.inner.load(key).await) {
            (&[first], Ok(old)) if old.len() > 1 => {
                at.inner.store(key, &[&[first], &old[1..]].concat()).await
            }
            _ => at.inner.store(key, value).await,
        }
    }
}

#[derive(Default)]
pub(super) struct SmallValues;

#[async_trait]
impl Fault for SmallValues {
    async fn store(&self, at: &Handle, key: &Key, value: &[u8]) -> Result<Version> {
        if value.len() > 100_000 {
            return Err(Error::new(ErrorKind::TooLarge, "a value has at most 100000 bytes"));
        }
        at.inner.store(key, value).await
    }
}

/// The stores of a key that run at this moment.
type Place = (std::sync::Arc<str>, Key);

/// Counts a store in and, however it ends, out.
struct Running<'a> {
    running: &'a Memory<Place, Race>,
    place: Place,
}

#[derive(Default)]
struct Race {
    count: usize,
    contended: bool,
    before: Option<Bytes>,
}

impl<'a> Running<'a> {
    fn enter(
        running: &'a Memory<Place, Race>,
        at: &Handle,
        key: &Key,
        before: Option<Bytes>,
    ) -> Self {
        let place = (at.namespace.clone(), key.clone());
        let mut open = running.open();
        let race = open.entry(place.clone()).or_default();
        if race.count == 0 {
            *race = Race { count: 0, contended: false, before };
        }
        race.count += 1;
        race.contended |= race.count > 1;
        drop(open);
        Self { running, place }
    }

    fn contended(&self) -> bool {
        self.running.open().get(&self.place).is_some_and(|race| race.contended)
    }

    /// What was there before the race, once this store is the last one in it.
    fn last_of_race(&self) -> Option<Option<Bytes>> {
        let open = self.running.open();
        let race = open.get(&self.place)?;
        (race.count == 1 && race.contended).then(|| race.before.clone())
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(race) = self.running.open().get_mut(&self.place) {
            race.count -= 1;
        }
    }
}

#[derive(Default)]
pub(super) struct TearsUnderLoad(Memory<Place, Race>);

#[async_trait]
impl Fault for TearsUnderLoad {
    async fn store(&self, at: &Handle, key: &Key, value: &[u8]) -> Result<Version> {
        let running = Running::enter(&self.0, at, key, None);
        tokio::time::sleep(Duration::from_millis(1)).await;
        if running.contended() {
            at.inner.store(key, &value[..value.len() / 2]).await?;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        at.inner.store(key, value).await
    }
}

#[derive(Default)]
pub(super) struct AllLose(Memory<Place, Race>);

#[async_trait]
impl Fault for AllLose {
    async fn store(&self, at: &Handle, key: &Key, value: &[u8]) -> Result<Version> {
        let running = Running::enter(&self.0, at, key, at.inner.load(key).await.ok());
        tokio::time::sleep(Duration::from_millis(1)).await;
        let version = at.inner.store(key, value).await?;
        match running.last_of_race() {
            Some(Some(before)) => at.inner.store(key, &before).await,
            Some(None) => at.inner.delete(key).await.map(|()| version),
            None => Ok(version),
        }
    }
}

#[derive(Default)]
pub(super) struct OtherVersion;

#[async_trait]
impl Fault for OtherVersion {
    async fn store(&self, at: &Handle, key: &Key, value: &[u8]) -> Result<Version> {
        let version = at.inner.store(key, value).await?;
        Ok(Version::new(format!("{version}-other")))
    }
}

#[derive(Default)]
pub(super) struct HalfWhenDropped;

/// Writes half of the value unless it was told that all is done.
struct Half<'a> {
    at: &'a Handle,
    key: &'a Key,
    value: &'a [u8],
    done: bool,
}

impl Drop for Half<'_> {
    fn drop(&mut self) {
        if !self.done {
            // The memory store is done with its first poll.
            let half = &self.value[..self.value.len() / 2];
            drop(self.at.inner.store(self.key, half).now_or_never());
        }
    }
}

#[async_trait]
impl Fault for HalfWhenDropped {
    async fn store(&self, at: &Handle, key: &Key, value: &[u8]) -> Result<Version> {
        let mut half = Half { at, key, value, done: false };
        tokio::task::yield_now().await;
        let stored = at.inner.store(key, value).await;
        half.done = true;
        stored
    }
}
