//! Cleaning: what a storage holds that nobody will ever need again, removed without hurting what somebody does.

mod certificate;
mod leftover;
mod order;
mod place;
mod removal;
mod report;
mod staple;
mod turn;

use std::sync::Arc;
use std::time::Duration;

use certstore_core::{
    Clock, Dir, Error, ErrorKind, Key, KeyInfo, Lock, Result, Storage, StorageKeys, SystemClock,
};
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};

pub use report::{CleanFinding, CleanKind, CleanOutcome, CleanReport, TurnTaken};

use place::Place;
use removal::Remover;
use report::Verdict;

/// What [`clean`] removes, when, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CleanOptions {
    /// How long after its end a certificate is kept; 14 days by default, as Caddy does.
    pub grace: Duration,
    /// The age from which a challenge token or a temporary file is nobody's any more; 24 hours by default. Where the
    /// backend does not know when a value was written, such values stay.
    pub stale_after: Duration,
    /// The age from which an order that nobody finishes is over; 8 days by default, as CAs keep one open for a week.
    pub orders_after: Duration,
    /// How long after a cleaning, by whomever, the next one is due; 24 hours by default, as CertMagic does. Zero cleans now.
    pub interval: Duration,
    /// Who cleans, for `last_clean.json`: the text that tells this program's instances apart. Empty is left out.
    pub instance_id: String,
    /// Whether to look only: nothing is locked, nothing is written.
    pub dry_run: bool,
    /// How long to wait for a site's issue lock; a site whose lock stays taken is left for the next time. One minute by
    /// default: longer than a dead holder's lease of 30 s, far shorter than a renewal that is stuck.
    pub patience: Duration,
    /// How many values are looked at together, at least 1.
    pub concurrency: usize,
    /// The clock that says what has expired.
    pub clock: Arc<dyn Clock>,
}

impl Default for CleanOptions {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            grace: 14 * DAY,
            stale_after: DAY,
            orders_after: 8 * DAY,
            interval: DAY,
            instance_id: String::new(),
            dry_run: false,
            patience: Duration::from_secs(60),
            concurrency: 8,
            clock: Arc::new(SystemClock),
        }
    }
}

/// What a cleaning tells while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CleanEvent {
    /// One more value was looked at.
    Looked,
    /// Something was found that is not simply in use.
    Found(CleanFinding),
}

/// Removes what nobody needs any more: certificates that expired longer than the grace ago, with their keys and metadata;
/// OCSP staples past their `nextUpdate`; challenge tokens, orders and temporary files that were left behind.
///
/// Only keys of CertMagic's layout ([`StorageKeys`]) are looked at, and only values whose content shows that they are what
/// the key says are removed. What cannot be read is told as [`CleanOutcome::Garbage`] and stays; nothing stops the sweep
/// but the storage itself.
///
/// Cleaners take turns under the lock `storage_clean`, and leave in `last_clean.json` when they were last at work, as
/// CertMagic does, so programs in Go and Rust share the work. A certificate, token or order is removed under the issue lock of its
/// name, after it was read anew, so a renewal is never overtaken; with fences, deletes are fenced. Where a backend has
/// neither fences nor conditional deletes (OSS), the guard is checked before each delete: only a process that is paused
/// between the two for longer than the lease could delete what another has written since.
///
/// `event` is called for each value, from this task. Memory is bounded by `concurrency`.
///
/// # Errors
/// [`ErrorKind::LockLost`]: the lock `storage_clean` was lost; what was removed is removed. Else of the backend, when it
/// cannot list, lock, or read or write `last_clean.json`. What fails with one value is told by `event` and counted.
///
/// # Cancel safety
/// Dropped, all, some or none of it is removed, and locks are released in the background; a certificate goes last of its
/// site's files, so the next cleaning goes on there.
///
/// ```
/// use certstore::clean::{CleanOptions, clean};
/// use certstore::{MemoryStorage, Storage};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore::Error> {
/// let storage = MemoryStorage::new();
/// storage.store(&"certificates/local/a.test/a.test.crt".parse()?, b"no certificate").await?;
/// let report = clean(&storage, &CleanOptions::default(), |_| {}).await?;
/// assert_eq!((report.looked, report.garbage, report.removed()), (1, 1, 0));
/// let again = clean(&storage, &CleanOptions::default(), |_| {}).await?;
/// assert!(again.skipped.is_some(), "it was cleaned just now");
/// # Ok(()) }
/// ```
pub async fn clean(
    storage: &dyn Storage,
    options: &CleanOptions,
    mut event: impl FnMut(CleanEvent) + Send,
) -> Result<CleanReport> {
    if options.dry_run {
        return sweep(storage, options, None, &mut event).await;
    }
    let name = StorageKeys::storage_clean_lock()?;
    let turn = storage.lock(&name).await?;
    let lost = turn.lost();
    let work = async {
        let last = turn::last(storage).await?;
        if let Some(taken) = turn::not_due(last.as_ref(), options) {
            return Ok(CleanReport { skipped: Some(taken), ..CleanReport::default() });
        }
        let report = sweep(storage, options, Some(&turn), &mut event).await?;
        turn::record(storage, options, last, &turn).await?;
        Ok(report)
    };
    let done = tokio::select! {
        biased;
        reason = lost => Err(Error::new(
            ErrorKind::LockLost,
            format!("the lock was lost while the storage was cleaned: {reason}"),
        ).with_operation("clean").with_lock(&name)),
        done = work => done,
    };
    let released = turn.unlock().await;
    let report = done?;
    match released {
        // The work is done; the lock ends with its lease.
        Err(error) if error.is_retryable() => {
            tracing::warn!(%error, "the lock of a finished cleaning could not be released");
        }
        released => released?,
    }
    Ok(report)
}

/// Looks at every value that could be removed. Without `turn` nothing is.
async fn sweep(
    storage: &dyn Storage,
    options: &CleanOptions,
    turn: Option<&Lock>,
    event: &mut (impl FnMut(CleanEvent) + Send),
) -> Result<CleanReport> {
    let remover = Remover::new(storage, options, turn);
    let mut report = CleanReport { dry_run: options.dry_run, ..CleanReport::default() };
    let mut findings = candidates(storage)
        .try_filter_map(async |info| Ok(Place::of(&info.key).map(|place| (info, place))))
        .map_ok(|(info, place)| look_at(&remover, info, place))
        .try_buffer_unordered(options.concurrency.max(1))
        .boxed();
    while let Some((key, kind, verdict)) = findings.try_next().await? {
        report.looked += 1;
        event(CleanEvent::Looked);
        if let Some(finding) = CleanFinding::of(&key, kind, verdict) {
            report.count(&finding);
            event(CleanEvent::Found(finding));
        }
        if let Some(turn) = turn {
            turn.check()?;
        }
    }
    Ok(report)
}

/// The values below the directories of the layout, and those at the root.
fn candidates(storage: &dyn Storage) -> BoxStream<'_, Result<KeyInfo>> {
    let below = ["certificates", "ocsp", "acme", "zerossl"].map(|name| walk(storage, name));
    let root = stream::once(root(storage)).try_flatten();
    stream::iter(below)
        .flatten()
        .chain(root)
        .try_filter(|info| std::future::ready(info.is_terminal))
        .boxed()
}

fn walk<'a>(storage: &'a dyn Storage, directory: &str) -> BoxStream<'a, Result<KeyInfo>> {
    let Ok(directory) = Dir::new(directory) else { return stream::empty().boxed() };
    // A layout of which nothing is stored yet is no error.
    let missing = |found: &Result<KeyInfo>| {
        found.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound)
    };
    storage.walk(&directory).filter(move |found| std::future::ready(!missing(found))).boxed()
}

async fn root(storage: &dyn Storage) -> Result<BoxStream<'_, Result<KeyInfo>>> {
    let keys = storage.list(&Dir::ROOT, false).await?;
    let found = stream::iter(keys)
        .filter(|key| std::future::ready(Place::of(key).is_some()))
        .filter_map(async move |key| match storage.stat(&key).await {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            found => Some(found),
        });
    Ok(found.boxed())
}

async fn look_at(
    remover: &Remover<'_>,
    info: KeyInfo,
    place: Place,
) -> Result<(Key, CleanKind, Verdict)> {
    let kind = place.kind();
    let looked = match place {
        Place::Certificate { site } => certificate::look_at(remover, &info.key, &site).await,
        Place::Staple => staple::look_at(remover, &info).await,
        Place::ChallengeToken => order::look_at(remover, &info, &order::CHALLENGE).await,
        Place::Order => order::look_at(remover, &info, &order::ORDER).await,
        Place::Temporary | Place::HealthCheck => leftover::look_at(remover, &info, kind).await,
    };
    let verdict = match looked {
        Ok(verdict) => verdict,
        // Somebody else was faster.
        Err(error) if error.kind() == ErrorKind::NotFound => Verdict::InUse,
        Err(error) => Verdict::Failed(certstore_core::one_line(&error)),
    };
    Ok((info.key, kind, verdict))
}

#[cfg(test)]
#[path = "clean/clean_tests.rs"]
mod tests;

#[cfg(test)]
pub(crate) mod test_support;
