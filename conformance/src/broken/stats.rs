//! Faults of exists, stat, walk and watch.

use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{Change, Dir, Error, ErrorKind, Key, KeyInfo, Result, Storage as _, Version};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::fault::{Fault, Handle};

#[derive(Default)]
pub(super) struct NoDirectories;

#[async_trait]
impl Fault for NoDirectories {
    async fn exists(&self, at: &Handle, key: &Key) -> Result<bool> {
        Ok(at.inner.load(key).await.is_ok())
    }
}

#[derive(Default)]
pub(super) struct FaultIsAbsence;

impl Fault for FaultIsAbsence {
    fn faulty(&self) -> Option<Arc<dyn Fault>> {
        Some(Arc::new(Down))
    }
}

/// A store whose backend is down.
struct Down;

fn down(at: &Handle, operation: &'static str, key: &Key) -> Error {
    Error::new(ErrorKind::Unavailable, "the backend does not answer")
        .with_operation(operation)
        .with_key(key)
        .with_backend(at.inner.backend())
}

#[async_trait]
impl Fault for Down {
    async fn store(&self, at: &Handle, key: &Key, _: &[u8]) -> Result<Version> {
        Err(down(at, "store", key))
    }

    async fn load(&self, at: &Handle, key: &Key) -> Result<Bytes> {
        Err(down(at, "load", key))
    }

    async fn delete(&self, at: &Handle, key: &Key) -> Result<()> {
        Err(down(at, "delete", key))
    }

    async fn exists(&self, _: &Handle, _: &Key) -> Result<bool> {
        Ok(false)
    }
}

/// Changes what stat tells, and a walk with it.
macro_rules! changed_info {
    ($fault:ident, $change:expr) => {
        #[derive(Default)]
        pub(super) struct $fault;

        #[async_trait]
        impl Fault for $fault {
            async fn stat(&self, at: &Handle, key: &Key) -> Result<KeyInfo> {
                at.inner.stat(key).await.map($change)
            }

            fn walk<'a>(&'a self, at: &'a Handle, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
                Box::pin(at.inner.walk(dir).map_ok($change))
            }
        }
    };
}

changed_info!(AddsByte, add_byte);
changed_info!(TerminalDirectories, make_terminal);
changed_info!(Epoch, date_to_1970);

fn add_byte(mut info: KeyInfo) -> KeyInfo {
    info.size = info.size.map(|size| size + 1);
    info
}

fn make_terminal(mut info: KeyInfo) -> KeyInfo {
    info.is_terminal = true;
    info
}

fn date_to_1970(mut info: KeyInfo) -> KeyInfo {
    info.modified = Some(SystemTime::UNIX_EPOCH);
    info
}

#[derive(Default)]
pub(super) struct WalkAddsByte;

impl Fault for WalkAddsByte {
    fn walk<'a>(&'a self, at: &'a Handle, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        Box::pin(at.inner.walk(dir).map_ok(add_byte))
    }
}

#[derive(Default)]
pub(super) struct WalkOfNothing;

impl Fault for WalkOfNothing {
    fn walk<'a>(&'a self, at: &'a Handle, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        let found = |info: &Result<KeyInfo>| {
            info.as_ref().is_ok_and(|_| true)
                || info.as_ref().is_err_and(|error| error.kind() != ErrorKind::NotFound)
        };
        Box::pin(at.inner.walk(dir).filter(move |info| std::future::ready(found(info))))
    }
}

#[derive(Default)]
pub(super) struct MissingIsOther;

#[async_trait]
impl Fault for MissingIsOther {
    async fn stat(&self, at: &Handle, key: &Key) -> Result<KeyInfo> {
        at.inner.stat(key).await.map_err(|_| {
            Error::new(ErrorKind::Other, "it did not work")
                .with_operation("stat")
                .with_key(key)
                .with_backend(at.inner.backend())
        })
    }
}

#[derive(Default)]
pub(super) struct WatchesAll;

#[async_trait]
impl Fault for WatchesAll {
    async fn watch(&self, at: &Handle, _: &Dir) -> Result<BoxStream<'static, Result<Change>>> {
        at.inner.watch(&Dir::ROOT).await
    }
}
