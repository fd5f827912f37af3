//! Deleting directories, and storages whole.

use certstore_core::journal::JournalStore;
use certstore_core::{Dir, Error, ErrorKind, Key, Result};
use futures_util::future::try_join3;

use crate::{ObjectStore, ObjectTree, Rules};

impl<S: ObjectStore, R: Rules> ObjectTree<S, R> {
    /// Deletes the value of `key` and all that lies below it. `storage` is the one that keeps its journals here: what a
    /// dead writer has left there is finished before, as it could bring back what is deleted.
    ///
    /// # Errors
    /// [`InvalidKey`](ErrorKind::InvalidKey): there can be no object for this key. Else of the store; then some of it may
    /// be left.
    ///
    /// # Cancel safety
    /// Dropped, some of it may be left.
    pub async fn delete<J: JournalStore + ?Sized>(&self, storage: &J, key: &Key) -> Result<()> {
        let object = self.value(key)?;
        let dir = Dir::from(key);
        let prefix = self.names.journals(&dir);
        let ((), mut below, journals) =
            try_join3(self.settle(storage, key, None), self.values(&dir), self.store.all(&prefix))
                .await?;
        if !journals.is_empty() {
            // Left behind, one could bring back what is deleted; deleted first, half a bundle could stay.
            self.settle_each(storage, &journals).await?;
            below = self.values(&dir).await?;
        }
        self.store.remove_all(std::iter::once(object).chain(below).collect()).await?;
        let applied = |error: Error| error.with_may_have_applied(true);
        self.store.remove_all(journals).await.map_err(applied)
    }

    /// Removes everything under the prefix: values, lock records, journals.
    ///
    /// # Errors
    /// [`InvalidConfig`](ErrorKind::InvalidConfig): there is no prefix, and the bucket may hold what others keep. Else of
    /// the store; then some of it may be left.
    ///
    /// # Cancel safety
    /// Dropped, some of it may be left.
    pub async fn erase(&self) -> Result<()> {
        let base = self.names.below(&Dir::ROOT);
        if base.is_empty() {
            let message = "only a storage with a prefix can be erased; set prefix, or empty the bucket by its own tools";
            return Err(self.named(Error::new(ErrorKind::InvalidConfig, message)));
        }
        // Journals first: left behind, one could bring back what is deleted after it.
        let journals = self.store.all(&self.names.journals(&Dir::ROOT)).await?;
        self.store.remove_all(journals).await?;
        let all = self.store.all(&base).await?;
        self.store.remove_all(all).await
    }

    /// The names of all values in `dir`, without what is ours between them.
    async fn values(&self, dir: &Dir) -> Result<Vec<String>> {
        let mut values = self.store.all(&self.names.below(dir)).await?;
        values.retain(|object| !self.rules.is_ours(object));
        Ok(values)
    }
}
