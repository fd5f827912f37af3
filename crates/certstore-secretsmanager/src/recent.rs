//! What this client has written of late. Lists of the service lag by up to five minutes, and reads by moments
//! (<https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html>): of its own writes a client
//! knows better.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a list may lag behind.
pub(crate) const LIST_DELAY: Duration = Duration::from_secs(5 * 60);

/// For how long own writes are laid over lists: a little longer.
const LIST_LAG: Duration = Duration::from_secs(LIST_DELAY.as_secs() + 10);

/// For how long after a write of ours a read that shows an earlier state is asked again.
const READ_LAG: Duration = Duration::from_secs(10);

/// How many secrets are remembered at most.
const SECRETS: usize = 65_536;

/// How many versions before the last one are remembered of each.
const OLDER: usize = 4;

/// What a write of ours has made of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Known {
    /// It has this version.
    Stored(String),
    Deleted,
    /// It was broken off, or met another write of ours: only the service can tell.
    Unclear,
}

/// The last write of ours of one secret.
#[derive(Debug, Clone)]
struct Own {
    at: Instant,
    known: Known,
    /// It is scheduled for deletion, by us.
    scheduled: bool,
    /// Versions that were there before.
    older: Vec<String>,
}

/// Writes of ours of one secret that are under way.
#[derive(Debug, Default)]
struct Under {
    count: usize,
    /// There were several at once.
    overlapped: bool,
}

#[derive(Debug, Default)]
struct Inner {
    secrets: BTreeMap<String, Own>,
    /// In the order of their writes; one that was written again stands there twice.
    order: VecDeque<(Instant, String)>,
    under_way: BTreeMap<String, Under>,
}

#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<Inner>);

/// A write that is under way. Dropped before its end is known, it leaves what only the service can tell.
#[must_use]
pub(crate) struct Writing<'a> {
    recent: &'a Recent,
    secret: String,
    /// The version that it replaces, where that is known.
    over: Option<String>,
    settled: bool,
}

impl Writing<'_> {
    /// It replaces this version, or nothing.
    pub(crate) fn over(mut self, version: &str) -> Self {
        self.over = Some(version.to_owned());
        self
    }

    /// The secret has this version now.
    pub(crate) fn stored(self, version: &str) {
        self.end(Some((Known::Stored(version.to_owned()), false)));
    }

    /// The secret is deleted; `scheduled`: it can be restored, and must be before it is written.
    pub(crate) fn deleted(self, scheduled: bool) {
        self.end(Some((Known::Deleted, scheduled)));
    }

    /// The write changed nothing.
    pub(crate) fn nothing(self) {
        self.end(None);
    }

    fn end(mut self, state: Option<(Known, bool)>) {
        self.settled = true;
        self.recent.end(&self.secret, state, self.over.take(), Instant::now());
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.recent.end(&self.secret, Some((Known::Unclear, false)), None, Instant::now());
        }
    }
}

impl Recent {
    /// Announces a write.
    pub(crate) fn begin(&self, secret: &str) -> Writing<'_> {
        let mut inner = self.inner();
        let under = inner.under_way.entry(secret.to_owned()).or_default();
        under.count += 1;
        under.overlapped |= under.count > 1;
        Writing { recent: self, secret: secret.to_owned(), over: None, settled: false }
    }

    /// It was restored: a write need not try.
    pub(crate) fn restored(&self, secret: &str) {
        if let Some(own) = self.inner().secrets.get_mut(secret) {
            own.scheduled = false;
        }
    }

    pub(crate) fn is_scheduled(&self, secret: &str) -> bool {
        self.inner().secrets.get(secret).is_some_and(|own| own.scheduled)
    }

    /// Whether a read that shows this version, or none, is older than our own last write.
    pub(crate) fn is_stale(&self, secret: &str, shown: Option<&str>) -> bool {
        self.is_stale_at(secret, shown, Instant::now())
    }

    /// The own writes of secrets whose names begin so, within the time that a list may lag.
    pub(crate) fn below(&self, prefix: &str) -> Vec<(String, Known)> {
        self.below_at(prefix, Instant::now())
    }

    fn end(&self, secret: &str, state: Option<(Known, bool)>, over: Option<String>, now: Instant) {
        let mut inner = self.inner();
        let mut overlapped = false;
        if let Some(under) = inner.under_way.get_mut(secret) {
            under.count -= 1;
            overlapped = under.overlapped;
            if under.count == 0 {
                inner.under_way.remove(secret);
            }
        }
        if let Some((known, scheduled)) = state {
            let known = if overlapped { Known::Unclear } else { known };
            inner.note(secret, known, scheduled, over, now);
        }
    }

    fn is_stale_at(&self, secret: &str, shown: Option<&str>, now: Instant) -> bool {
        let inner = self.inner();
        let Some(own) = inner.secrets.get(secret) else { return false };
        if now.saturating_duration_since(own.at) > READ_LAG || inner.under_way.contains_key(secret)
        {
            return false;
        }
        let older = |shown: &str| own.older.iter().any(|old| old == shown);
        match (&own.known, shown) {
            (Known::Unclear, _) | (Known::Deleted, None) => false,
            (Known::Stored(_), None) => true,
            (Known::Stored(version), Some(shown)) => version != shown && older(shown),
            (Known::Deleted, Some(shown)) => older(shown),
        }
    }

    fn below_at(&self, prefix: &str, now: Instant) -> Vec<(String, Known)> {
        let inner = self.inner();
        let from = inner.secrets.range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
        from.take_while(|(secret, _)| secret.starts_with(prefix))
            .filter(|(_, own)| now.saturating_duration_since(own.at) <= LIST_LAG)
            .map(|(secret, own)| (secret.clone(), own.known.clone()))
            .collect()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn note(
        &mut self,
        secret: &str,
        known: Known,
        scheduled: bool,
        over: Option<String>,
        now: Instant,
    ) {
        let mut older = Vec::new();
        if let Some(before) = self.secrets.remove(secret) {
            older = before.older;
            if let Known::Stored(version) = before.known {
                older.push(version);
            }
        }
        if let Some(over) = over.filter(|over| !older.contains(over)) {
            older.push(over);
        }
        if older.len() > OLDER {
            older.drain(..older.len() - OLDER);
        }
        if let Known::Stored(version) = &known {
            older.retain(|old| old != version);
        }
        self.secrets.insert(secret.to_owned(), Own { at: now, known, scheduled, older });
        self.order.push_back((now, secret.to_owned()));
        self.forget(now);
    }

    /// Drops what is too old, and the oldest where it is too much.
    fn forget(&mut self, now: Instant) {
        while let Some((at, _)) = self.order.front() {
            let old = now.saturating_duration_since(*at) > LIST_LAG;
            if !old && self.secrets.len() <= SECRETS && self.order.len() <= 4 * SECRETS {
                return;
            }
            let Some((at, secret)) = self.order.pop_front() else { return };
            if self.secrets.get(&secret).is_some_and(|own| own.at == at) {
                self.secrets.remove(&secret);
            }
        }
    }
}

#[cfg(test)]
#[path = "recent_tests.rs"]
mod tests;
