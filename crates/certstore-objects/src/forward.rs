//! Journals of a storage, kept by its tree.

/// Implements [`JournalStore`](certstore_core::journal::JournalStore) for a storage by the journals of its
/// [`ObjectTree`](crate::ObjectTree), which its method `inner` leads to as the field `tree`.
///
/// `forward_journals!(Storage, fenced)` also implements [`FencedJournals`](certstore_core::journal::FencedJournals), by what
/// `inner` has as the methods `records`, for conditional writes, and `load_under`.
#[macro_export]
macro_rules! forward_journals {
    (@of $of:ty { $($more:tt)* }) => {
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

            $($more)*
        }
    };
    ($of:ty) => {
        $crate::forward_journals!(@of $of {});
    };
    ($of:ty, fenced) => {
        $crate::forward_journals!(@of $of {
            async fn before_delete(
                &self,
                key: &::certstore_core::Key,
                guard: ::core::option::Option<&::certstore_core::Lock>,
            ) -> ::certstore_core::Result<()> {
                use ::certstore_core::{Fence, Storage as _, journal};
                match self.capabilities().fence {
                    Fence::None => journal::settle(self, &key.parent()).await,
                    _ => journal::forget(self, key, guard).await,
                }
            }
        });

        #[::certstore_core::__async_trait]
        impl ::certstore_core::journal::FencedJournals for $of {
            async fn load_under(
                &self,
                key: &::certstore_core::Key,
                guard: &::certstore_core::Lock,
            ) -> ::certstore_core::Result<::core::option::Option<::certstore_core::Versioned>> {
                self.inner().load_under(key, guard).await
            }

            async fn versioned_journal(
                &self,
                dir: &::certstore_core::Dir,
            ) -> ::certstore_core::Result<::core::option::Option<::certstore_core::Versioned>> {
                self.inner().tree.versioned_journal(&self.inner().records(), dir).await
            }

            async fn swap_journal(
                &self,
                dir: &::certstore_core::Dir,
                over: ::core::option::Option<&::certstore_core::Version>,
                journal: &[u8],
                _: ::core::option::Option<&::certstore_core::Lock>,
            ) -> ::certstore_core::Result<::certstore_core::lease::Swap> {
                self.inner().tree.swap_journal(&self.inner().records(), dir, over, journal).await
            }

            async fn retire_journal(
                &self,
                dir: &::certstore_core::Dir,
                version: &::certstore_core::Version,
            ) -> ::certstore_core::Result<bool> {
                self.inner().tree.retire_journal(&self.inner().records(), dir, version).await
            }
        }
    };
}
