//! Faults of batches.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{Error, ErrorKind, Key, Result, Storage as _};

use super::fault::{Fault, Handle, Memory};

type Place = (Arc<str>, Key);

/// The first key of a batch, and what the batch brings for it.
fn first(at: &Handle, items: &[(&Key, &[u8])]) -> Option<(Place, Bytes)> {
    let (key, value) = items.first()?;
    Some(((at.namespace.clone(), (*key).clone()), Bytes::copy_from_slice(value)))
}

#[derive(Default)]
pub(super) struct ThreeAtMost;

#[async_trait]
impl Fault for ThreeAtMost {
    async fn store_all(&self, at: &Handle, items: &[(&Key, &[u8])]) -> Result<()> {
        at.inner.store_all(&items[..items.len().min(3)]).await
    }
}

/// Early values by key: while a batch is under way, or for good once one was dropped.
type Early = Memory<Place, Bytes>;

/// Shows the first value of a batch while the batch is under way.
struct Show<'a> {
    early: &'a Early,
    place: Option<Place>,
}

impl<'a> Show<'a> {
    fn new(early: &'a Early, at: &Handle, items: &[(&Key, &[u8])]) -> Self {
        let first = first(at, items);
        let place = first.as_ref().map(|(place, _)| place.clone());
        early.open().extend(first);
        Self { early, place }
    }
}

impl Drop for Show<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.early.open().remove(&place);
        }
    }
}

#[derive(Default)]
pub(super) struct MixesWhenDropped {
    dropped: Early,
}

#[async_trait]
impl Fault for MixesWhenDropped {
    async fn store_all(&self, at: &Handle, items: &[(&Key, &[u8])]) -> Result<()> {
        let mut left = LeaveFirst { fault: self, first: first(at, items) };
        tokio::task::yield_now().await;
        let stored = at.inner.store_all(items).await;
        if let Some((place, _)) = left.first.take() {
            self.dropped.open().remove(&place);
        }
        stored
    }

    async fn load_bundle(&self, at: &Handle, keys: &[&Key]) -> Result<Vec<Bytes>> {
        let mut values = at.inner.load_bundle(keys).await?;
        for (key, value) in keys.iter().zip(&mut values) {
            if let Some(early) = self.dropped.open().get(&(at.namespace.clone(), (*key).clone())) {
                *value = early.clone();
            }
        }
        Ok(values)
    }
}

/// Leaves the first value of a batch that was dropped.
struct LeaveFirst<'a> {
    fault: &'a MixesWhenDropped,
    first: Option<(Place, Bytes)>,
}

impl Drop for LeaveFirst<'_> {
    fn drop(&mut self) {
        self.fault.dropped.open().extend(self.first.take());
    }
}

#[derive(Default)]
pub(super) struct ShowsFirstEarly {
    early: Early,
}

#[async_trait]
impl Fault for ShowsFirstEarly {
    async fn store_all(&self, at: &Handle, items: &[(&Key, &[u8])]) -> Result<()> {
        let _show = Show::new(&self.early, at, items);
        tokio::time::sleep(Duration::from_millis(1)).await;
        at.inner.store_all(items).await
    }

    async fn load(&self, at: &Handle, key: &Key) -> Result<Bytes> {
        let early = self.early.open().get(&(at.namespace.clone(), key.clone())).cloned();
        match early {
            Some(early) => Ok(early),
            None => at.inner.load(key).await,
        }
    }
}

#[derive(Default)]
pub(super) struct AnyDirectory;

#[async_trait]
impl Fault for AnyDirectory {
    async fn store_all(&self, at: &Handle, items: &[(&Key, &[u8])]) -> Result<()> {
        let several = items.windows(2).any(|pair| pair[0].0.parent() != pair[1].0.parent());
        if !several {
            return at.inner.store_all(items).await;
        }
        for (key, value) in items {
            at.inner.store(key, value).await?;
        }
        Ok(())
    }
}

#[derive(Default)]
pub(super) struct NamesFirst;

#[async_trait]
impl Fault for NamesFirst {
    async fn load_bundle(&self, at: &Handle, keys: &[&Key]) -> Result<Vec<Bytes>> {
        at.inner.load_bundle(keys).await.map_err(|error| match (error.kind(), keys.first()) {
            (ErrorKind::NotFound, Some(first)) => Error::not_found()
                .with_operation("load bundle")
                .with_key(first)
                .with_backend(at.inner.backend()),
            _ => error,
        })
    }
}
