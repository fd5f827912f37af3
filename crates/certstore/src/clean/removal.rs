//! Deleting what was read, and not what somebody has written since.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use certstore_core::{
    Cas, Error, ErrorKind, Fence, Key, KeyInfo, Lock, LockName, Result, Storage, Version,
};

use super::CleanOptions;
use super::report::Verdict;

/// Removes, or says that it would.
pub(super) struct Remover<'a> {
    pub(super) storage: &'a dyn Storage,
    options: &'a CleanOptions,
    turn: Option<&'a Lock>,
}

impl<'a> Remover<'a> {
    /// Without the guard of the turn it is a dry run.
    pub(super) fn new(
        storage: &'a dyn Storage,
        options: &'a CleanOptions,
        turn: Option<&'a Lock>,
    ) -> Self {
        Self { storage, options, turn }
    }

    /// The moment at hand.
    pub(super) fn now(&self) -> SystemTime {
        self.options.clock.wall()
    }

    /// Whether a certificate that ended at this time, in seconds since 1970, is over the grace.
    pub(super) fn is_past_grace(&self, not_after_unix: i64) -> bool {
        let grace = i64::try_from(self.options.grace.as_secs()).unwrap_or(i64::MAX);
        unix(self.now()) >= not_after_unix.saturating_add(grace)
    }

    /// Whether a value is too old to be anybody's; `false` where its age is not known.
    pub(super) fn is_stale(&self, info: &KeyInfo) -> bool {
        self.is_older(info, self.options.stale_after)
    }

    /// Whether an order is one that the CA has forgotten, too.
    pub(super) fn is_over(&self, info: &KeyInfo) -> bool {
        self.is_older(info, self.options.orders_after)
    }

    fn is_older(&self, info: &KeyInfo, limit: Duration) -> bool {
        info.modified
            .and_then(|modified| self.now().duration_since(modified).ok())
            .is_some_and(|age| age >= limit)
    }

    /// Whether nothing is to be written.
    pub(super) fn is_dry(&self) -> bool {
        self.turn.is_none()
    }

    /// The locks of `names`, in the order of their names, so that two cleaners cannot wait for each other; `None` while
    /// somebody else holds one of them.
    pub(super) async fn locks(&self, names: &[LockName]) -> Result<Option<Vec<Lock>>> {
        let mut names = names.to_vec();
        names.sort();
        names.dedup();
        let mut held = Vec::with_capacity(names.len());
        for name in &names {
            match self.lock(name).await? {
                Some(lock) => held.push(lock),
                None => {
                    release(held).await;
                    return Ok(None);
                }
            }
        }
        Ok(Some(held))
    }

    async fn lock(&self, name: &LockName) -> Result<Option<Lock>> {
        if let Some(lock) = self.storage.try_lock(name).await? {
            return Ok(Some(lock));
        }
        if self.options.patience == Duration::ZERO {
            return Ok(None);
        }
        tokio::select! {
            lock = self.storage.lock(name) => lock.map(Some),
            () = self.options.clock.sleep(self.options.patience) => Ok(None),
        }
    }

    /// The value, and its version where there are versions.
    pub(super) async fn read(&self, key: &Key) -> Result<(Bytes, Option<Version>)> {
        if self.storage.capabilities().cas != Cas::Full {
            return Ok((self.storage.load(key).await?, None));
        }
        let found = self.storage.load_versioned(key).await?;
        Ok((found.value, Some(found.version)))
    }

    /// Deletes the value of a site under the guards of its locks; `Ok` when there is none.
    pub(super) async fn delete_under(&self, key: &Key, guards: &[Lock]) -> Result<()> {
        for guard in guards.iter().chain(self.turn) {
            guard.check()?;
        }
        match guards.first() {
            Some(guard) if self.storage.capabilities().fence != Fence::None => {
                self.storage.delete_fenced(key, guard).await
            }
            _ => match self.read(key).await {
                Ok((_, version)) => self.delete_read(key, version.as_ref(), guards).await,
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                Err(error) => Err(error),
            },
        }
    }

    /// Deletes a value that was read, if it is still the same. Where the backend cannot tell, the guards have been checked
    /// just before.
    pub(super) async fn delete_read(
        &self,
        key: &Key,
        version: Option<&Version>,
        guards: &[Lock],
    ) -> Result<()> {
        for guard in guards.iter().chain(self.turn) {
            guard.check()?;
        }
        match version {
            Some(version) => self.storage.delete_if(key, version).await,
            None => self.storage.delete(key).await,
        }
    }

    /// Removes one value that needs no lock but the turn; one that was written since it was read stays.
    pub(super) async fn remove(
        &self,
        key: &Key,
        version: Option<&Version>,
        why: String,
        guards: &[Lock],
    ) -> Result<Verdict> {
        if self.is_dry() {
            return Ok(Verdict::WouldRemove(why));
        }
        match self.delete_read(key, version, guards).await {
            Ok(()) => Ok(Verdict::Removed(why)),
            Err(error) if error.kind() == ErrorKind::Conflict => {
                Ok(Verdict::Renewed("it was written again meanwhile".into()))
            }
            Err(error) => Err(error),
        }
    }
}

/// Gives locks back; one that cannot be ends with its lease.
pub(super) async fn release(locks: Vec<Lock>) {
    for lock in locks {
        let name = lock.name().clone();
        if let Err(error) = lock.unlock().await {
            tracing::warn!(lock = %name, %error, "a site's lock could not be released");
        }
    }
}

/// A lock that is taken, as a verdict.
pub(super) fn busy(names: &[LockName]) -> Verdict {
    let names: Vec<_> = names.iter().map(|name| name.as_str().escape_debug().to_string()).collect();
    Verdict::Busy(format!("the lock {} is taken", names.join(" or ")))
}

/// A moment as seconds since 1970.
pub(super) fn unix(time: SystemTime) -> i64 {
    time::OffsetDateTime::from(time).unix_timestamp()
}

/// A moment, for people.
pub(super) fn shown(unix: i64) -> String {
    let format = &time::format_description::well_known::Rfc3339;
    let time = time::OffsetDateTime::from_unix_timestamp(unix).ok();
    time.and_then(|time| time.format(format).ok()).unwrap_or_else(|| format!("@{unix}"))
}

/// Whether an error means that the lock is not ours any more: then nothing else is to be deleted.
pub(super) fn is_lost(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::LockLost | ErrorKind::Fenced)
}
