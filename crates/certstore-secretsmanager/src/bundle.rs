//! Several values as one, by the journal of `certstore-core`: a secret beside the lock records, in no list.

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::journal::{self, FencedJournals, JournalStore};
use certstore_core::lease::Swap;
use certstore_core::{Condition, Dir, Error, ErrorKind, Key, Lock, Result, Version, Versioned};

use crate::declared;
use crate::error::{BACKEND, on};
use crate::storage::{Inner, SecretsManagerStorage};

#[async_trait]
impl JournalStore for SecretsManagerStorage {
    async fn read_journal(&self, dir: &Dir) -> Result<Option<Bytes>> {
        self.inner().journal(dir).await.map_err(|error| named(error, "load", dir))
    }

    async fn write_journal(&self, dir: &Dir, journal: &[u8]) -> Result<()> {
        let write = async {
            let secret = self.inner().vault.names.journal(dir)?;
            declared::check_journal(journal)?;
            let (id, body) = declared::version_of(journal, None);
            self.inner().vault.call().put(&secret, &id, &body).await
        };
        write.await.map_err(|error| named(error, "store", dir))
    }

    /// In two steps whatever is configured: a forced delete would block the name of the next one for a while.
    async fn remove_journal(&self, dir: &Dir) -> Result<()> {
        let Ok(secret) = self.inner().vault.names.journal(dir) else { return Ok(()) };
        self.inner().vault.call().bury(&secret).await.map_err(|error| named(error, "store", dir))
    }

    async fn before_delete(&self, key: &Key, guard: Option<&Lock>) -> Result<()> {
        if self.inner().journal(&key.parent()).await?.is_none() {
            return Ok(());
        }
        // About the key that is deleted, and not about its directory.
        let forgotten = journal::forget(self, key, guard).await;
        forgotten.map_err(|error| error.map_subject(|_| key.to_string()))
    }
}

#[async_trait]
impl FencedJournals for SecretsManagerStorage {
    async fn load_under(&self, key: &Key, guard: &Lock) -> Result<Option<Versioned>> {
        self.inner().vault.call().load_under(key, guard).await.map_err(on("store", key))
    }

    async fn versioned_journal(&self, dir: &Dir) -> Result<Option<Versioned>> {
        let Ok(secret) = self.inner().vault.names.journal(dir) else { return Ok(None) };
        let found = self.inner().vault.call().load(&secret).await;
        let found = found.map_err(|error| named(error, "load", dir))?;
        Ok(found.map(|found| {
            let version = Version::new(found.id.as_str());
            Versioned { value: declared::value(found), version }
        }))
    }

    async fn swap_journal(
        &self,
        dir: &Dir,
        over: Option<&Version>,
        journal: &[u8],
        _: Option<&Lock>,
    ) -> Result<Swap> {
        let swap = async {
            let secret = self.inner().vault.names.journal(dir)?;
            declared::check_journal(journal)?;
            let (id, body) = declared::version_of(journal, None);
            let condition = over.cloned().map_or(Condition::Absent, Condition::Version);
            let stored = self.inner().vault.call().put_if(&secret, &id, &body, &condition).await?;
            Ok(if stored { Swap::Done(Version::new(id)) } else { Swap::Conflict })
        };
        swap.await.map_err(|error| named(error, "store", dir))
    }

    async fn retire_journal(&self, dir: &Dir, version: &Version) -> Result<bool> {
        let Ok(secret) = self.inner().vault.names.journal(dir) else { return Ok(false) };
        let buried = self.inner().vault.call().bury_if(&secret, version.as_str()).await;
        buried.map_err(|error| named(error, "store", dir))
    }
}

fn named(error: Error, operation: &'static str, dir: &Dir) -> Error {
    error.with_operation(operation).with_subject(dir.as_str()).with_backend(BACKEND)
}

impl Inner {
    async fn journal(&self, dir: &Dir) -> Result<Option<Bytes>> {
        // Where a journal's name does not fit, none was ever written.
        let Ok(secret) = self.vault.names.journal(dir) else { return Ok(None) };
        Ok(self.vault.call().load(&secret).await?.map(declared::value))
    }
}

impl SecretsManagerStorage {
    /// As [`settled`](Self::settled), for journals by their secrets. One that cannot be read brings nothing back.
    pub(crate) async fn settle_each(&self, journals: &[String]) -> Result<()> {
        for secret in journals {
            let Some(dir) = self.inner().vault.names.journal_dir(secret) else { continue };
            match journal::settle(self, &dir).await {
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    tracing::warn!(%dir, %error, "a journal cannot be read; it is deleted with its directory");
                }
                settled => settled?,
            }
        }
        Ok(())
    }
}
