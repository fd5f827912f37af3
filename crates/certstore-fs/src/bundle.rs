//! Several values as one, by the journal of `certstore-core`.

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::journal::{self, FencedJournals, JournalStore};
use certstore_core::lease::Swap;
use certstore_core::{
    Dir, Error, ErrorKind, Fence, Key, Lock, Result, Storage as _, Version, Versioned,
};
use futures_util::FutureExt;
use rustix::fs::{AtFlags, unlinkat};
use rustix::io::Errno;

use crate::error::{BACKEND, io_error, is_missing};
use crate::read;
use crate::storage::{FsStorage, Inner};
use crate::version::content_version;

/// The journal's file name in its directory; no key has a `~`.
pub(crate) const JOURNAL: &str = ".~journal";

#[async_trait]
impl JournalStore for FsStorage {
    async fn read_journal(&self, dir: &Dir) -> Result<Option<Bytes>> {
        let path = journal_path(dir);
        self.read("load", dir.as_str(), move |inner| {
            Ok(read::load(&inner.root, &path)?.map(Bytes::from))
        })
        .await
    }

    async fn write_journal(&self, dir: &Dir, journal: &[u8]) -> Result<()> {
        let (at, journal) = (dir.clone(), journal.to_vec());
        self.write("store", dir.as_str(), move |inner| {
            inner.writer().write_beside(&at, JOURNAL, &journal, None)
        })
        .await
    }

    async fn remove_journal(&self, dir: &Dir) -> Result<()> {
        let at = dir.clone();
        self.write("store", dir.as_str(), move |inner| remove(inner, &at)).await
    }

    async fn before_delete(&self, key: &Key, guard: Option<&Lock>) -> Result<()> {
        match self.capabilities().fence {
            Fence::None => journal::settle(self, &key.parent()).await,
            _ => journal::forget(self, key, guard).await,
        }
    }
}

/// Only for who holds the stripe of the directory's bundles: what is looked at stays.
#[async_trait]
impl FencedJournals for FsStorage {
    async fn load_under(&self, key: &Key, guard: &Lock) -> Result<Option<Versioned>> {
        let (at, fence) = (key.clone(), self.fence_of("store", key, guard)?);
        self.read("store", key.as_str(), move |inner| {
            let found = read::load_current(&inner.root, at.as_str())?;
            fence.check(found.as_ref())?;
            Ok(found.map(|found| Versioned { value: found.value.into(), version: found.version }))
        })
        .await
    }

    async fn versioned_journal(&self, dir: &Dir) -> Result<Option<Versioned>> {
        let found = self.read_journal(dir).await?;
        Ok(found.map(|value| Versioned { version: content_version(&value), value }))
    }

    async fn swap_journal(
        &self,
        dir: &Dir,
        over: Option<&Version>,
        journal: &[u8],
        guard: Option<&Lock>,
    ) -> Result<Swap> {
        if self.versioned_journal(dir).await?.map(|found| found.version).as_ref() != over {
            return Ok(Swap::Conflict);
        }
        let fence = guard.map(|guard| self.fence(guard)).transpose()?;
        let (at, journal) = (dir.clone(), journal.to_vec());
        self.write("store", dir.as_str(), move |inner| {
            inner.writer().write_beside(&at, JOURNAL, &journal, fence.as_ref())?;
            Ok(Swap::Done(content_version(&journal)))
        })
        .await
    }

    async fn retire_journal(&self, dir: &Dir, version: &Version) -> Result<bool> {
        let found = self.versioned_journal(dir).await?;
        if found.is_none_or(|found| found.version != *version) {
            return Ok(false);
        }
        self.remove_journal(dir).await.map(|()| true)
    }
}

impl FsStorage {
    /// Stores a bundle in one go: once begun, it goes on to its end whatever becomes of the caller, and no other bundle
    /// of the directory begins before. Under a lock it may stop before its end when that is lost; its journal is left then.
    pub(crate) async fn store_bundle(
        &self,
        items: &[(&Key, &[u8])],
        guard: Option<&Lock>,
    ) -> Result<()> {
        let dir = journal::bundle_dir(items.iter().map(|(key, _)| *key))
            .map_err(|error| error.with_operation("store").with_backend(BACKEND))?;
        let items: Vec<(Key, Vec<u8>)> =
            items.iter().map(|(key, value)| ((*key).clone(), value.to_vec())).collect();
        let subject = dir.as_str().to_owned();
        let (here, guard) = (self.in_this_thread(), guard.map(Lock::shared));
        self.write("store", &subject, move |inner| {
            let _bundle = inner.bundles.lock(dir.as_str())?;
            let items: Vec<(&Key, &[u8])> =
                items.iter().map(|(key, value)| (key, &value[..])).collect();
            match guard {
                None => at_once(journal::store_all(&here, &items)),
                Some(guard) => at_once(journal::store_all_fenced(&here, &items, &guard)),
            }
        })
        .await
    }
}

impl FsStorage {
    /// Runs `delete` of `key` when no bundle of its directory is half-written, and none begins: a journal that its dead
    /// writer has left could bring the value back.
    pub(crate) fn settled<T>(
        &self,
        key: &Key,
        guard: Option<&Lock>,
        delete: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let (inner, dir) = (self.inner(), key.parent());
        if inner.root.open_dir(dir.as_str()).is_err_and(|error| is_missing(&error)) {
            return delete();
        }
        let _bundle = inner.bundles.lock(dir.as_str())?;
        if read::load(&inner.root, &journal_path(&dir))?.is_some() {
            at_once(self.before_delete(key, guard))?;
        }
        delete()
    }
}

/// The end of a future whose every step runs in this thread: it is done when it is first asked.
fn at_once<T>(steps: impl Future<Output = Result<T>>) -> Result<T> {
    steps.now_or_never().unwrap_or_else(|| {
        Err(Error::new(ErrorKind::Other, "a step of storing a bundle waited for something")
            .with_backend(BACKEND))
    })
}

/// Needs no sync: a journal that comes back after a power cut says what the values say, or is out of date.
fn remove(inner: &Inner, dir: &Dir) -> Result<()> {
    let removed = inner.root.open_dir(dir.as_str()).and_then(|opened| {
        match unlinkat(opened, JOURNAL, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    });
    match removed {
        Err(error) if is_missing(&error) => Ok(()),
        removed => removed.map_err(io_error),
    }
}

fn journal_path(dir: &Dir) -> String {
    if dir.is_root() { JOURNAL.to_owned() } else { format!("{dir}/{JOURNAL}") }
}

#[cfg(test)]
#[path = "bundle_tests.rs"]
mod tests;
