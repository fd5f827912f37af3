//! What a backend can do beyond the common contract.

use std::time::Duration;

/// What a backend declares. With a capability its clauses hold; without it the call is
/// [`Unsupported`](crate::ErrorKind::Unsupported) and leaves no trace.
///
/// * **\[CAP-1\]** Every declaration is true in both directions: what is declared works, and what is not declared is
///   refused with [`Unsupported`](crate::ErrorKind::Unsupported), never half-done.
/// * **\[CAP-2\]** Declarations do not change while the storage is open.
/// * **\[COST-1\]** Where a backend counts its round trips: store 1, load 1, exists 1, stat 1, a warm uncontended lock 1,
///   unlock 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// What `store_if` and `delete_if` can do.
    pub cas: Cas,
    /// What a version tells.
    pub version: VersionKind,
    /// How strong a fenced write is.
    pub fence: Fence,
    /// How soon a list shows a write.
    pub list: Listing,
    /// What an `Ok` of a store promises.
    pub durability: Durability,
    /// Who can share the data and its locks.
    pub shared: Shared,
    /// How `store_all` becomes all or nothing.
    pub batch: Batch,
    /// Whether a key can be a value and a directory at once.
    pub tree: Tree,
    /// How long a lock outlives a dead or paused holder; `None` when a lock ends with its process and a paused holder
    /// keeps it.
    pub lease: Option<Duration>,
    /// Whether `watch` reports changes.
    pub watch: bool,
    /// The largest value in bytes; `None` when only memory or disk limits it.
    pub max_value: Option<u64>,
}

impl Capabilities {
    /// The least a backend can declare: plain reads and writes, locks with a lease of 30 s.
    #[must_use]
    pub const fn minimal() -> Self {
        Self {
            cas: Cas::None,
            version: VersionKind::None,
            fence: Fence::None,
            list: Listing::Immediate,
            durability: Durability::None,
            shared: Shared::Process,
            batch: Batch::Journalled,
            tree: Tree::Exclusive,
            lease: Some(Duration::from_secs(30)),
            watch: false,
            max_value: None,
        }
    }
}

/// Conditional writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cas {
    /// Both conditions of [`Condition`](crate::Condition).
    Full,
    /// Only [`Condition::Absent`](crate::Condition::Absent).
    CreateOnly,
    /// None.
    None,
}

/// What a version tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum VersionKind {
    /// Every write gives a version never seen before on that key.
    Counter,
    /// Equal bytes have equal versions, so an old version can become valid again.
    Content,
    /// There are no versions.
    None,
}

/// The strength of fenced writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fence {
    /// Also refused once a newer holder has *acquired* the lock.
    Strict,
    /// Refused once a newer holder has written that key.
    PerKey,
    /// Not offered.
    None,
}

/// How soon a list shows a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Listing {
    /// At once.
    Immediate,
    /// Other clients' writes may be missing for this long; a client's own are shown at once.
    Delayed(Duration),
}

/// What an `Ok` of a store promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// The value survives a power cut.
    Fsync,
    /// The service has acknowledged it.
    Acknowledged,
    /// It ends with the process.
    None,
}

/// Who can share the data and its locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shared {
    /// The tasks of one process.
    Process,
    /// The processes of one host.
    Host,
    /// Any host that reaches the service.
    Network,
}

/// How `store_all` becomes all or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Batch {
    /// The backend writes all in one step: plain loads, too, see all or nothing.
    Atomic,
    /// A journal is written first; `load_bundle` sees all or nothing.
    Journalled,
}

/// Whether a key can be a value and a directory at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tree {
    /// No: the store that would make it so is a `Conflict`.
    Exclusive,
    /// Yes, as in object stores.
    Overlapping,
}
