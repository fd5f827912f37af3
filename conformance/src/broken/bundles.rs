//! Faults of bundles under a lock.

use std::sync::Arc;

use async_trait::async_trait;
use certstore_core::{ErrorKind, FencingToken, Key, Lock, LockName, Result, Storage as _, Version};

use super::fault::{Fault, Handle, Memory};

fn is_fenced<T>(result: &Result<T>) -> bool {
    result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Fenced)
}

#[derive(Default)]
pub(super) struct NoStamp;

#[async_trait]
impl Fault for NoStamp {
    async fn store_all_fenced(
        &self,
        at: &Handle,
        items: &[(&Key, &[u8])],
        guard: &Lock,
    ) -> Result<()> {
        at.inner.store_all_fenced(items, guard).await?;
        if let Some((key, value)) = items.last() {
            at.inner.store(key, value).await?;
        }
        Ok(())
    }
}

/// The tokens of fenced writes of single values.
#[derive(Default)]
pub(super) struct LetsOlderBundle {
    single: Memory<(Arc<str>, Key), FencingToken>,
}

#[async_trait]
impl Fault for LetsOlderBundle {
    async fn store_fenced(
        &self,
        at: &Handle,
        key: &Key,
        value: &[u8],
        guard: &Lock,
    ) -> Result<Version> {
        let stored = at.inner.store_fenced(key, value, guard).await?;
        self.single.open().insert((at.namespace.clone(), key.clone()), guard.token());
        Ok(stored)
    }

    async fn store_all_fenced(
        &self,
        at: &Handle,
        items: &[(&Key, &[u8])],
        guard: &Lock,
    ) -> Result<()> {
        let stored = at.inner.store_all_fenced(items, guard).await;
        let over_newer = items.iter().any(|(key, _)| {
            let place = (at.namespace.clone(), (*key).clone());
            self.single.open().get(&place).is_some_and(|token| *token > guard.token())
        });
        if is_fenced(&stored) && over_newer {
            return at.inner.store_all(items).await;
        }
        stored
    }
}

/// The newest token of a bundle under each lock.
#[derive(Default)]
pub(super) struct MixesWhenOvertaken {
    newest: Memory<(Arc<str>, LockName), FencingToken>,
}

impl MixesWhenOvertaken {
    fn is_overtaken(&self, at: &Handle, guard: &Lock) -> bool {
        let place = (at.namespace.clone(), guard.name().clone());
        self.newest.open().get(&place).is_some_and(|token| *token > guard.token())
    }
}

#[async_trait]
impl Fault for MixesWhenOvertaken {
    async fn store_all_fenced(
        &self,
        at: &Handle,
        items: &[(&Key, &[u8])],
        guard: &Lock,
    ) -> Result<()> {
        let before = self.is_overtaken(at, guard);
        tokio::task::yield_now().await;
        let stored = at.inner.store_all_fenced(items, guard).await;
        match (&stored, items.first()) {
            (Ok(()), _) => {
                let place = (at.namespace.clone(), guard.name().clone());
                self.newest.open().insert(place, guard.token());
            }
            (Err(_), Some((key, value))) if !before && self.is_overtaken(at, guard) => {
                at.inner.store(key, value).await?;
            }
            _ => {}
        }
        stored
    }
}
