//! Copying a storage, or a directory of it, to another: checked before, verified after, resumable.

mod plan;

use certstore_core::{Dir, Error, ErrorKind, Key, Result, Storage};
use futures_util::{StreamExt, TryStreamExt};
use serde::Serialize;

use plan::Plan;

/// What [`copy`] copies, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CopyOptions {
    /// The directory, or the one key, that is copied; the root by default. Keys stay as they are.
    pub dir: Dir,
    /// Whether to look only: everything is compared, nothing is written.
    pub dry_run: bool,
    /// Whether stored names that are no valid keys are left out; without it they are an error.
    pub skip_foreign: bool,
    /// How many values are on their way at once, at least 1.
    pub concurrency: usize,
}

impl Default for CopyOptions {
    fn default() -> Self {
        Self { dir: Dir::ROOT, dry_run: false, skip_foreign: false, concurrency: 8 }
    }
}

/// What a copy did, or with `dry_run` would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CopyReport {
    /// Values written to keys that had none.
    pub copied: u64,
    /// Values written over others.
    pub overwritten: u64,
    /// Values that were there already, byte for byte.
    pub unchanged: u64,
    /// Values that were deleted in the source meanwhile.
    pub vanished: u64,
    /// Bytes in the values that were written.
    pub bytes: u64,
    /// Stored names that are no valid keys, and so were left out.
    pub foreign: Vec<String>,
    /// Whether nothing was written.
    pub dry_run: bool,
}

/// How far a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyProgress {
    /// Values that are done.
    pub done: u64,
    /// Values in all, as counted before the first write.
    pub total: u64,
}

/// Copies every value below `options.dir` from `source` to `target` under the same key, and reads each one back.
///
/// Before the first write, both storages are listed, and what the target cannot hold is reported all at once: a key that
/// is a value here and a directory there, a value over its limit, and stored names that are no valid keys. Values that are
/// equal already are left alone, so an interrupted copy is resumed by calling again. Locks are not copied.
///
/// Values are written in no order, each by a plain store: copy to a storage that nobody serves from meanwhile.
///
/// # Errors
/// [`ErrorKind::Conflict`]: the target cannot hold some of the keys, or there are foreign names; nothing was written.
/// [`ErrorKind::Corrupt`]: a value reads back otherwise than it was written. [`ErrorKind::NotFound`]: `options.dir` does
/// not exist in the source. Else of the backends; what was copied by then stays.
///
/// # Cancel safety
/// Dropped, each key of the target has its old value or the new one; call again to go on.
///
/// ```
/// use certstore::copy::{CopyOptions, copy};
/// use certstore::{MemoryStorage, Storage};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore::Error> {
/// let (source, target) = (MemoryStorage::new(), MemoryStorage::new());
/// source.store(&"a/b".parse()?, b"value").await?;
/// let report = copy(&source, &target, &CopyOptions::default(), |_| {}).await?;
/// assert_eq!((report.copied, target.load(&"a/b".parse()?).await?.as_ref()), (1, &b"value"[..]));
/// # Ok(()) }
/// ```
pub async fn copy(
    source: &dyn Storage,
    target: &dyn Storage,
    options: &CopyOptions,
    progress: impl Fn(CopyProgress) + Send + Sync,
) -> Result<CopyReport> {
    let plan = Plan::make(source, target, options).await?;
    plan.check(source, options)?;
    let mut report =
        CopyReport { dry_run: options.dry_run, foreign: plan.foreign, ..CopyReport::default() };
    let total = plan.values;
    progress(CopyProgress { done: 0, total });
    let outcomes = plan::values(source, &options.dir)
        .await?
        .map_ok(|key| copy_one(source, target, key, options.dry_run))
        .try_buffer_unordered(options.concurrency.max(1));
    let mut outcomes = std::pin::pin!(outcomes);
    let mut done = 0;
    while let Some(outcome) = outcomes.next().await {
        report.count(outcome?);
        done += 1;
        progress(CopyProgress { done, total: total.max(done) });
    }
    Ok(report)
}

#[derive(Debug, Clone, Copy)]
enum Outcome {
    Copied(u64),
    Overwritten(u64),
    Unchanged,
    Vanished,
}

impl CopyReport {
    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Copied(bytes) => {
                self.copied += 1;
                self.bytes += bytes;
            }
            Outcome::Overwritten(bytes) => {
                self.overwritten += 1;
                self.bytes += bytes;
            }
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Vanished => self.vanished += 1,
        }
    }
}

async fn copy_one(
    source: &dyn Storage,
    target: &dyn Storage,
    key: Key,
    dry_run: bool,
) -> Result<Outcome> {
    let value = match source.load(&key).await {
        Ok(value) => value,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Outcome::Vanished),
        Err(error) => return Err(error),
    };
    let length = value.len() as u64;
    let outcome = match target.load(&key).await {
        Ok(there) if there == value => return Ok(Outcome::Unchanged),
        Ok(_) => Outcome::Overwritten(length),
        Err(error) if error.kind() == ErrorKind::NotFound => Outcome::Copied(length),
        Err(error) => return Err(error),
    };
    if dry_run {
        return Ok(outcome);
    }
    target.store(&key, &value).await?;
    if target.load(&key).await? != value {
        let message = "the copy reads back otherwise than it was written; somebody else writes there, or it is damaged";
        return Err(Error::new(ErrorKind::Corrupt, message)
            .with_operation("copy")
            .with_key(&key)
            .with_backend(target.backend()));
    }
    Ok(outcome)
}

#[cfg(test)]
#[path = "copy/copy_tests.rs"]
mod tests;
