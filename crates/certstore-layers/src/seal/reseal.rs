//! Rewriting a whole store: under the primary key, from plaintext, or back to it.

use certstore_core::{
    Cas, Dir, Error, ErrorKind, Key, Lock, LockName, Result, Storage, VersionKind,
};
use futures_util::{StreamExt, TryStreamExt};

use super::marker::{self, MARKER};
use super::rewrite::{Goal, Outcome, Rewriter};
use super::storage::SealedStorage;

/// The lock that is held while values are rewritten without conditions.
const MAINTENANCE: &str = "certstore_reseal";

/// How many damaged keys a report names.
const MAX_NAMED: usize = 100;

/// What [`reseal`], [`seal_in_place`] and [`unseal`] go over, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ResealOptions {
    /// The directory; the root by default. Only a rewrite of the root can [mark](ResealReport::marked) the store.
    pub dir: Dir,
    /// Says that nobody writes meanwhile. Needed where the backend has no conditional overwrite: there, a live writer's
    /// value could be overwritten by its predecessor.
    pub offline: bool,
    /// How many values are in memory at once, at least 1. Default 8.
    pub concurrency: usize,
}

impl Default for ResealOptions {
    fn default() -> Self {
        Self { dir: Dir::ROOT, offline: false, concurrency: 8 }
    }
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResealReport {
    /// Values that were written anew.
    pub rewritten: u64,
    /// Values that were as they should be already, each of them opened.
    pub unchanged: u64,
    /// Values that were deleted meanwhile.
    pub vanished: u64,
    /// Bytes in the values that were written, before sealing.
    pub bytes: u64,
    /// Values that do not open, left as they are.
    pub damaged: u64,
    /// The first hundred of them.
    pub damaged_keys: Vec<Key>,
    /// Whether the store is now marked as wholly sealed, so that sizes are known without loading: when nothing in it is
    /// damaged, and all of it was gone over.
    pub marked: bool,
}

/// How far it is. The number of all values is not known before the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResealProgress {
    /// Values that were looked at.
    pub done: u64,
    /// Those of them that were written anew.
    pub rewritten: u64,
    /// Those of them that do not open.
    pub damaged: u64,
}

/// Brings every value below `options.dir` under the primary key, beside live readers and writers.
///
/// Each value is written only over the version that was read, so a live writer's value is never lost: where one comes
/// between, it is looked at again. Values under the primary key are opened and left alone, so an interrupted call is
/// resumed by calling again. Memory does not grow with the store.
///
/// Do it once all processes seal with the new key, and keep the old one enabled until it is done. On an empty store it only
/// sets the mark of a wholly sealed one.
///
/// A value that is rewritten has a new version and a new time, and its stamp of a fenced write is cleared, as by every plain
/// store: an older holder of a lock that was paused since before is then held off by the fence of the next write only. Where
/// bundles are journalled, a left-over journal is carried into its values. A `store_all` that runs at the same time is not
/// harmed, unless its process also dies before its last write: then store that bundle again.
///
/// # Errors
/// [`ErrorKind::Unsupported`]: the backend has no conditional overwrite, and `options.offline` is not set; nothing was
/// written. [`ErrorKind::Conflict`]: with `offline`, another one is running. [`ErrorKind::NotFound`]: there is no such
/// directory. [`ErrorKind::TooLarge`]: a value has no room for its seal. [`ErrorKind::Unavailable`]: a key's writers come
/// too fast. Else of the backend; what was done by then stays. Values that do not open are no error: see the report.
///
/// # Cancel safety
/// Dropped, each value is the old one or the new one; call again to go on.
///
/// ```
/// use std::sync::Arc;
/// use certstore_core::{MemoryStorage, Storage};
/// use certstore_layers::seal::{
///     Algorithm, Keyset, OutputPrefix, ResealOptions, SealOptions, SealedStorage, reseal,
/// };
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
/// let mut keyset = Keyset::create(Algorithm::Aes256Gcm, OutputPrefix::Tink)?;
/// let old = keyset.primary_id();
/// let inside = Arc::new(MemoryStorage::new());
/// let storage = SealedStorage::open(inside, keyset.clone(), SealOptions::default()).await?;
/// storage.store(&"a".parse()?, b"value").await?;
/// keyset.rotate(Algorithm::Aes256Gcm, OutputPrefix::Tink)?;
/// storage.set_keyset(keyset.clone());
/// let report = reseal(&storage, &ResealOptions::default(), |_| {}).await?;
/// assert_eq!((report.rewritten, report.damaged), (1, 0));
/// keyset.destroy(old)?;
/// storage.set_keyset(keyset);
/// assert_eq!(storage.load(&"a".parse()?).await?, &b"value"[..]);
/// # Ok(()) }
/// ```
pub async fn reseal(
    storage: &SealedStorage,
    options: &ResealOptions,
    progress: impl Fn(ResealProgress) + Send + Sync,
) -> Result<ResealReport> {
    rewrite(storage, Goal::Sealed { plaintext: false }, options, progress).await
}

/// As [`reseal`], and seals what is not sealed yet.
///
/// Beside live readers and writers, all of them already seal, and still
/// [accept plaintext](super::SealOptions::accept_plaintext). A value that was sealed under a key without prefix that the
/// keyset lacks cannot be told from plaintext, and would be sealed twice: bring all such keys.
///
/// # Errors
/// As [`reseal`].
///
/// # Cancel safety
/// As [`reseal`].
pub async fn seal_in_place(
    storage: &SealedStorage,
    options: &ResealOptions,
    progress: impl Fn(ResealProgress) + Send + Sync,
) -> Result<ResealReport> {
    rewrite(storage, Goal::Sealed { plaintext: true }, options, progress).await
}

/// Writes every value below `options.dir` in plaintext, and takes the mark of a wholly sealed store away first.
///
/// Whoever still writes through [`SealedStorage`] seals again: let nobody write, and open the storage without it after.
///
/// # Errors
/// As [`reseal`].
///
/// # Cancel safety
/// As [`reseal`].
pub async fn unseal(
    storage: &SealedStorage,
    options: &ResealOptions,
    progress: impl Fn(ResealProgress) + Send + Sync,
) -> Result<ResealReport> {
    rewrite(storage, Goal::Plain, options, progress).await
}

async fn rewrite(
    storage: &SealedStorage,
    goal: Goal,
    options: &ResealOptions,
    progress: impl Fn(ResealProgress) + Send + Sync,
) -> Result<ResealReport> {
    marker::check_dir("reseal", &options.dir)?;
    let guard = maintenance(storage, options).await?;
    if goal == Goal::Plain {
        storage.inner().delete(&MARKER).await?;
        storage.set_wholly_sealed(false);
    }
    let rewriter = Rewriter::new(storage, goal, guard.as_ref());
    let mut report = all(&rewriter, options, progress).await?;
    if goal != Goal::Plain && options.dir.is_root() && report.damaged == 0 {
        rewriter.mark().await?;
        storage.set_wholly_sealed(true);
        report.marked = true;
    }
    match guard {
        Some(guard) => guard.unlock().await.map(|()| report),
        None => Ok(report),
    }
}

/// The lock of a rewrite without conditions; `None` where the backend has conditions.
///
/// # Errors
/// [`ErrorKind::Unsupported`], [`ErrorKind::Conflict`], as [`reseal`].
async fn maintenance(storage: &SealedStorage, options: &ResealOptions) -> Result<Option<Lock>> {
    let declared = storage.inner().capabilities();
    if declared.cas == Cas::Full && declared.version != VersionKind::None {
        return Ok(None);
    }
    let refused = |kind, message: &'static str| {
        Error::new(kind, message).with_operation("reseal").with_backend(storage.backend())
    };
    if !options.offline {
        return Err(refused(
            ErrorKind::Unsupported,
            "this backend cannot overwrite on a condition, so a live writer's value could be lost: stop all writers, and say that it is offline",
        ));
    }
    let held = storage.inner().try_lock(&LockName::new(MAINTENANCE)?).await?;
    let busy = "another one is running: it holds the lock certstore_reseal";
    held.map(Some).ok_or_else(|| refused(ErrorKind::Conflict, busy))
}

async fn all(
    rewriter: &Rewriter<'_>,
    options: &ResealOptions,
    progress: impl Fn(ResealProgress) + Send + Sync,
) -> Result<ResealReport> {
    let keys = rewriter.inner().walk(&options.dir).try_filter_map(async |info| {
        Ok((info.is_terminal && !marker::is_marker(&info.key)).then_some(info.key))
    });
    let outcomes =
        keys.map_ok(|key| rewriter.rewrite(key)).try_buffer_unordered(options.concurrency.max(1));
    let mut outcomes = std::pin::pin!(outcomes);
    let (mut report, mut done) = (ResealReport::default(), 0);
    while let Some(outcome) = outcomes.next().await {
        report.count(outcome?);
        done += 1;
        let ResealReport { rewritten, damaged, .. } = report;
        progress(ResealProgress { done, rewritten, damaged });
    }
    Ok(report)
}

impl ResealReport {
    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Rewritten(bytes) => {
                self.rewritten += 1;
                self.bytes += bytes;
            }
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Vanished => self.vanished += 1,
            Outcome::Damaged(key) => {
                self.damaged += 1;
                if self.damaged_keys.len() < MAX_NAMED {
                    self.damaged_keys.push(key);
                }
            }
        }
    }
}
