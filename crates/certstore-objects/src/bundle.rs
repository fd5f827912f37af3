//! Several values as one, by the journal of `certstore-core`: an object beside the lock records, in no list.

use bytes::Bytes;
use certstore_core::journal::{self, JournalStore};
use certstore_core::lease::Swap;
use certstore_core::{Dir, Error, ErrorKind, Key, Lock, Result, Version, Versioned};

use crate::{Found, ObjectStore, ObjectTree, Records, Rules};

impl<S: ObjectStore, R: Rules> ObjectTree<S, R> {
    /// [`JournalStore::read_journal`]: one request.
    ///
    /// # Errors
    /// Of the store.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    pub async fn read_journal(&self, dir: &Dir) -> Result<Option<Bytes>> {
        self.journal(dir).await.map_err(|error| self.of_dir(error, "load", dir))
    }

    /// [`JournalStore::write_journal`]: one request.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: the journal's name does not fit. [`ErrorKind::TooLarge`]: it is longer than
    /// [`Rules::MAX_JOURNAL`]. Else of the store.
    ///
    /// # Cancel safety
    /// Leaves the old journal or the new one.
    pub async fn write_journal(&self, dir: &Dir, journal: &[u8]) -> Result<()> {
        let write = async {
            let object = self.names.journal(dir)?;
            check_journal(journal, R::MAX_JOURNAL)?;
            self.store.write(&object, Bytes::copy_from_slice(journal)).await
        };
        write.await.map_err(|error| self.of_dir(error, "store", dir))
    }

    /// [`JournalStore::remove_journal`]: one request.
    ///
    /// # Errors
    /// Of the store.
    ///
    /// # Cancel safety
    /// The journal is there whole or gone.
    pub async fn remove_journal(&self, dir: &Dir) -> Result<()> {
        let Ok(object) = self.names.journal(dir) else { return Ok(()) };
        self.store.remove(&object).await.map_err(|error| self.of_dir(error, "store", dir))
    }

    /// [`FencedJournals::versioned_journal`](journal::FencedJournals::versioned_journal): one request.
    ///
    /// # Errors
    /// Of the store.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    pub async fn versioned_journal<C: Records>(
        &self,
        records: &C,
        dir: &Dir,
    ) -> Result<Option<Versioned>> {
        let Ok(object) = self.names.journal(dir) else { return Ok(None) };
        match records.get(&object, None, R::MAX_JOURNAL).await {
            Ok(Found::Object(value, version)) => Ok(Some(Versioned { value, version })),
            Ok(Found::Missing | Found::Unchanged) => Ok(None),
            Err(error) => Err(self.of_dir(error, "load", dir)),
        }
    }

    /// [`FencedJournals::swap_journal`](journal::FencedJournals::swap_journal): one request, and one more to look whether it
    /// was written after a lost reply or a conflict.
    ///
    /// # Errors
    /// As [`write_journal`](Self::write_journal).
    ///
    /// # Cancel safety
    /// Leaves the old journal or the new one.
    pub async fn swap_journal<C: Records>(
        &self,
        records: &C,
        dir: &Dir,
        over: Option<&Version>,
        journal: &[u8],
    ) -> Result<Swap> {
        let write = async {
            let object = self.names.journal(dir)?;
            check_journal(journal, R::MAX_JOURNAL)?;
            let put = records.put(&object, over, Bytes::copy_from_slice(journal)).await;
            let own = async {
                match records.get(&object, None, R::MAX_JOURNAL).await? {
                    Found::Object(found, version) if found == journal => Ok(Some(version)),
                    _ => Ok(None),
                }
            };
            match put {
                // Somewhere on the way it may have been sent twice, and the second met the first.
                Ok(Swap::Conflict) => match own.await {
                    Ok(found) => Ok(found.map_or(Swap::Conflict, Swap::Done)),
                    Err(error) => Err(Error::with_may_have_applied(error, true)),
                },
                Err(error) if error.may_have_applied() => match own.await {
                    Ok(Some(version)) => Ok(Swap::Done(version)),
                    _ => Err(error),
                },
                put => put,
            }
        };
        write.await.map_err(|error| self.of_dir(error, "store", dir))
    }

    /// [`FencedJournals::retire_journal`](journal::FencedJournals::retire_journal): one request.
    ///
    /// # Errors
    /// Of the store.
    ///
    /// # Cancel safety
    /// The journal is there whole or gone.
    pub async fn retire_journal<C: Records>(
        &self,
        records: &C,
        dir: &Dir,
        version: &Version,
    ) -> Result<bool> {
        let Ok(object) = self.names.journal(dir) else { return Ok(false) };
        let deleted = records.delete(&object, version).await;
        deleted.map_err(|error| self.of_dir(error, "store", dir))
    }

    /// Before the value of `key` is deleted by itself: no journal that a dead writer has left in its directory may bring it
    /// back. One request where there is none. `storage` is the one that keeps its journals here.
    ///
    /// # Errors
    /// As [`JournalStore::before_delete`].
    ///
    /// # Cancel safety
    /// As [`JournalStore::before_delete`].
    pub async fn settle<J: JournalStore + ?Sized>(
        &self,
        storage: &J,
        key: &Key,
        guard: Option<&Lock>,
    ) -> Result<()> {
        if self.journal(&key.parent()).await?.is_some() {
            storage.before_delete(key, guard).await?;
        }
        Ok(())
    }

    /// As [`settle`](Self::settle), for journals by their objects. One that cannot be read brings nothing back.
    pub(crate) async fn settle_each<J: JournalStore + ?Sized>(
        &self,
        storage: &J,
        journals: &[String],
    ) -> Result<()> {
        for object in journals {
            let Some(dir) = self.names.journal_dir(object) else { continue };
            match journal::settle(storage, &dir).await {
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    tracing::warn!(%dir, %error, "a journal cannot be read; it is deleted with its directory");
                }
                settled => settled?,
            }
        }
        Ok(())
    }

    async fn journal(&self, dir: &Dir) -> Result<Option<Bytes>> {
        // Where a journal's name does not fit, none was ever written.
        let Ok(object) = self.names.journal(dir) else { return Ok(None) };
        self.store.read(&object, R::MAX_JOURNAL).await
    }

    fn of_dir(&self, error: Error, operation: &'static str, dir: &Dir) -> Error {
        self.named(error.with_operation(operation).with_subject(dir.as_str()))
    }
}

fn check_journal(journal: &[u8], limit: u64) -> Result<()> {
    if journal.len() as u64 <= limit {
        return Ok(());
    }
    let message = format!("the values of a bundle have at most {limit} bytes in all");
    Err(Error::new(ErrorKind::TooLarge, message))
}
