//! Forwarding a trait of the contract to a part of a type.

/// Implements [`Locker`](crate::Locker) for a type by a part of it that is one: every method, as it is.
///
/// For backends, whose locks are a [`LeaseLocker`](crate::lease::LeaseLocker) or another storage inside. Where the part
/// has these methods by the trait alone, the trait is in scope.
///
/// ```
/// use certstore_core::{Locker, MemoryStorage, forward_locker};
/// struct Mine { locks: MemoryStorage }
/// forward_locker!(Mine => locks);
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
/// let mine = Mine { locks: MemoryStorage::new() };
/// mine.lock(&"job".parse()?).await?.unlock().await?;
/// # Ok(()) }
/// ```
#[macro_export]
macro_rules! forward_locker {
    ($of:ty => $($part:ident).+) => {
        #[$crate::__async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl $crate::Locker for $of {
            async fn lock(&self, name: &$crate::LockName) -> $crate::Result<$crate::Lock> {
                self.$($part).+.lock(name).await
            }

            async fn try_lock(
                &self,
                name: &$crate::LockName,
            ) -> $crate::Result<::core::option::Option<$crate::Lock>> {
                self.$($part).+.try_lock(name).await
            }

            async fn locks(&self) -> $crate::Result<::std::vec::Vec<$crate::LockInfo>> {
                self.$($part).+.locks().await
            }

            async fn break_lock(
                &self,
                name: &$crate::LockName,
                token: $crate::FencingToken,
            ) -> $crate::Result<()> {
                self.$($part).+.break_lock(name, token).await
            }
        }
    };
}
