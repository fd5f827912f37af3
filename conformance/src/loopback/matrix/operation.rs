//! The operations of `Storage` and `Locker`.

use certstore_core::{Capabilities, Cas, Fence, VersionKind};

/// What a case does under a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// `store` over a value.
    Store,
    /// `store_if` where nothing is.
    StoreIfAbsent,
    /// `store_if` over a version.
    StoreIfVersion,
    /// `store_fenced` over a value of the same holder.
    StoreFenced,
    /// `store_all` over a bundle.
    StoreAll,
    /// `store_all_fenced` over a bundle of the same holder.
    StoreAllFenced,
    /// `load`.
    Load,
    /// `load_versioned`.
    LoadVersioned,
    /// `load_many`, one of them missing.
    LoadMany,
    /// `load_bundle`.
    LoadBundle,
    /// `delete` of a value.
    DeleteFile,
    /// `delete` of a directory.
    DeleteDirectory,
    /// `delete_if` of a version.
    DeleteIf,
    /// `delete_fenced`.
    DeleteFenced,
    /// `exists` of a value.
    Exists,
    /// `exists` of a directory.
    ExistsDirectory,
    /// `list`.
    List,
    /// `list`, recursive.
    ListRecursive,
    /// `walk`.
    Walk,
    /// `stat` of a value.
    Stat,
    /// `lock`.
    Lock,
    /// `try_lock`.
    TryLock,
    /// A renewal in the background.
    Renewal,
    /// `unlock`.
    Unlock,
    /// `locks`.
    Locks,
    /// `break_lock`.
    BreakLock,
}

impl Operation {
    /// What writes values.
    pub const WRITES: [Self; 10] = [
        Self::Store,
        Self::StoreIfAbsent,
        Self::StoreIfVersion,
        Self::StoreFenced,
        Self::StoreAll,
        Self::StoreAllFenced,
        Self::DeleteFile,
        Self::DeleteDirectory,
        Self::DeleteIf,
        Self::DeleteFenced,
    ];

    /// What reads values.
    pub const READS: [Self; 10] = [
        Self::Load,
        Self::LoadVersioned,
        Self::LoadMany,
        Self::LoadBundle,
        Self::Exists,
        Self::ExistsDirectory,
        Self::List,
        Self::ListRecursive,
        Self::Walk,
        Self::Stat,
    ];

    /// What has to do with locks.
    pub const LOCKS: [Self; 6] =
        [Self::Lock, Self::TryLock, Self::Renewal, Self::Unlock, Self::Locks, Self::BreakLock];

    /// Whether the backend offers it; where it does not, the suite shows that it is refused.
    pub(super) fn is_offered(self, by: &Capabilities) -> bool {
        match self {
            Self::StoreIfAbsent => by.cas != Cas::None,
            Self::StoreIfVersion | Self::DeleteIf => by.cas == Cas::Full,
            Self::StoreFenced | Self::StoreAllFenced | Self::DeleteFenced => {
                by.fence != Fence::None
            }
            Self::LoadVersioned => by.version != VersionKind::None,
            _ => true,
        }
    }

    pub(super) fn is_about_locks(self) -> bool {
        Self::LOCKS.contains(&self)
    }

    /// Whether somebody holds a lock, and renews it, while the operation goes on.
    pub(super) fn is_under_a_lock(self) -> bool {
        matches!(
            self,
            Self::StoreFenced
                | Self::StoreAllFenced
                | Self::DeleteFenced
                | Self::Locks
                | Self::BreakLock
        )
    }

    pub(super) fn reads_only(self) -> bool {
        Self::READS.contains(&self)
    }

    /// Whether it takes one write for one value: then a clear refusal means that nothing was done.
    pub(super) fn is_single(self) -> bool {
        !matches!(self, Self::StoreAll | Self::StoreAllFenced | Self::DeleteDirectory)
    }
}
