//! Several values as one, by the journal of `certstore-core`: an object beside the lock records, in no list.

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::journal::{self, JournalStore};
use certstore_core::{Dir, ErrorKind, Key, Result};

use crate::declared;
use crate::error::BACKEND;
use crate::storage::{Inner, OssStorage};

#[async_trait]
impl JournalStore for OssStorage {
    async fn read_journal(&self, dir: &Dir) -> Result<Option<Bytes>> {
        self.inner().journal(dir).await.map_err(|error| named(error, "load", dir))
    }

    async fn write_journal(&self, dir: &Dir, journal: &[u8]) -> Result<()> {
        let write = async {
            let object = self.inner().names.journal(dir)?;
            declared::check_journal(journal)?;
            let body = Bytes::copy_from_slice(journal);
            self.inner().bucket.put(&object, body).await
        };
        write.await.map(drop).map_err(|error| named(error, "store", dir))
    }

    async fn remove_journal(&self, dir: &Dir) -> Result<()> {
        let Ok(object) = self.inner().names.journal(dir) else { return Ok(()) };
        let removed = self.inner().bucket.delete(&object).await;
        removed.map_err(|error| named(error, "store", dir))
    }
}

fn named(
    error: certstore_core::Error,
    operation: &'static str,
    dir: &Dir,
) -> certstore_core::Error {
    error.with_operation(operation).with_subject(dir.as_str()).with_backend(BACKEND)
}

impl Inner {
    async fn journal(&self, dir: &Dir) -> Result<Option<Bytes>> {
        // Where a journal's name does not fit, none was ever written.
        let Ok(object) = self.names.journal(dir) else { return Ok(None) };
        let found = self.bucket.get(&object, declared::MAX_JOURNAL).await?;
        Ok(found.map(|object| object.body))
    }
}

impl OssStorage {
    /// As [`settled`](Self::settled), for journals by their objects. One that cannot be read brings nothing back.
    pub(crate) async fn settle_each(&self, journals: &[String]) -> Result<()> {
        for object in journals {
            let Some(dir) = self.inner().names.journal_dir(object) else { continue };
            match journal::settle(self, &dir).await {
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    tracing::warn!(%dir, %error, "a journal cannot be read; it is deleted with its directory");
                }
                settled => settled?,
            }
        }
        Ok(())
    }

    /// Finishes the bundle that a dead writer has left in the key's directory, whose journal could bring a deleted value
    /// back.
    pub(crate) async fn settled(&self, key: &Key) -> Result<()> {
        let dir = key.parent();
        if self.inner().journal(&dir).await?.is_some() {
            journal::settle(self, &dir).await?;
        }
        Ok(())
    }
}
