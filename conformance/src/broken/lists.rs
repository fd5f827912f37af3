//! Faults of lists.

use async_trait::async_trait;
use certstore_core::{Dir, Error, ErrorKind, Key, KeyInfo, Locker as _, Result, Storage as _};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;

use super::fault::{Fault, Handle};

async fn only_values(at: &Handle, keys: Vec<Key>) -> Vec<Key> {
    let mut values = Vec::new();
    for key in keys {
        if at.inner.load(&key).await.is_ok() {
            values.push(key);
        }
    }
    values
}

#[derive(Default)]
pub(super) struct OnlyValues;

#[async_trait]
impl Fault for OnlyValues {
    async fn list(&self, at: &Handle, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        let keys = at.inner.list(dir, recursive).await?;
        Ok(if recursive { keys } else { only_values(at, keys).await })
    }
}

#[derive(Default)]
pub(super) struct OnlyValuesBelow;

#[async_trait]
impl Fault for OnlyValuesBelow {
    async fn list(&self, at: &Handle, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        let keys = at.inner.list(dir, recursive).await?;
        Ok(if recursive { only_values(at, keys).await } else { keys })
    }

    /// A walk gives what a recursive list gives.
    fn walk<'a>(&'a self, at: &'a Handle, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        let value = |info: &Result<KeyInfo>| !info.as_ref().is_ok_and(|info| !info.is_terminal);
        Box::pin(at.inner.walk(dir).filter(move |info| std::future::ready(value(info))))
    }
}

#[derive(Default)]
pub(super) struct Backwards;

#[async_trait]
impl Fault for Backwards {
    async fn list(&self, at: &Handle, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        let mut keys = at.inner.list(dir, recursive).await?;
        if !recursive {
            keys.reverse();
        }
        Ok(keys)
    }
}

#[derive(Default)]
pub(super) struct EmptyRootMissing;

#[async_trait]
impl Fault for EmptyRootMissing {
    async fn list(&self, at: &Handle, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        let keys = at.inner.list(dir, recursive).await?;
        if dir.is_root() && keys.is_empty() {
            return Err(Error::not_found().with_operation("list"));
        }
        Ok(keys)
    }
}

#[derive(Default)]
pub(super) struct MissingIsEmpty;

#[async_trait]
impl Fault for MissingIsEmpty {
    async fn list(&self, at: &Handle, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        match at.inner.list(dir, recursive).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            listed => listed,
        }
    }
}

#[derive(Default)]
pub(super) struct ValueListsItself;

#[async_trait]
impl Fault for ValueListsItself {
    async fn list(&self, at: &Handle, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        if let Some(key) = dir.key()
            && at.inner.load(key).await.is_ok()
        {
            return Ok(vec![key.clone()]);
        }
        at.inner.list(dir, recursive).await
    }
}

#[derive(Default)]
pub(super) struct FirstPage;

#[async_trait]
impl Fault for FirstPage {
    async fn list(&self, at: &Handle, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        let mut keys = at.inner.list(dir, recursive).await?;
        keys.truncate(1_000);
        Ok(keys)
    }
}

#[derive(Default)]
pub(super) struct ShowsLocks;

#[async_trait]
impl Fault for ShowsLocks {
    async fn list(&self, at: &Handle, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        let mut keys = at.inner.list(dir, recursive).await?;
        if dir.is_root() && !at.inner.locks().await?.is_empty() {
            keys.push(Key::new("lock.record")?);
            keys.sort_unstable();
        }
        Ok(keys)
    }
}

/// Below the first level only, where the other cases look at no such neighbours.
#[derive(Default)]
pub(super) struct ByText;

#[async_trait]
impl Fault for ByText {
    async fn list(&self, at: &Handle, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        let keys = at.inner.list(dir, recursive).await?;
        let nested = dir.key().is_some_and(|key| key.components().count() > 1);
        if !recursive || !nested || keys.is_empty() {
            return Ok(keys);
        }
        let mut all = at.inner.list(&Dir::ROOT, true).await?;
        all.retain(|key| key.as_str().starts_with(dir.as_str()) && key.as_str() != dir.as_str());
        Ok(all)
    }
}
