//! Journals of a storage, kept by its tree.

/// Implements [`JournalStore`](certstore_core::journal::JournalStore) for a storage by the journals of its
/// [`ObjectTree`](crate::ObjectTree), which its method `inner` leads to as the field `tree`.
#[macro_export]
macro_rules! forward_journals {
    ($of:ty) => {
        #[::certstore_core::__async_trait]
        impl ::certstore_core::journal::JournalStore for $of {
            async fn read_journal(
                &self,
                dir: &::certstore_core::Dir,
            ) -> ::certstore_core::Result<::core::option::Option<::bytes::Bytes>> {
                self.inner().tree.read_journal(dir).await
            }

            async fn write_journal(
                &self,
                dir: &::certstore_core::Dir,
                journal: &[u8],
            ) -> ::certstore_core::Result<()> {
                self.inner().tree.write_journal(dir, journal).await
            }

            async fn remove_journal(
                &self,
                dir: &::certstore_core::Dir,
            ) -> ::certstore_core::Result<()> {
                self.inner().tree.remove_journal(dir).await
            }
        }
    };
}
