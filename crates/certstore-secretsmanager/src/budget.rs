//! The versions that this client has made, counted a day long: the service keeps all of the last 24 hours, and about 100
//! at most (<https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html>).

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use certstore_core::{Error, ErrorKind, Result};

use crate::error::BACKEND;

/// How long the service keeps every version.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How many secrets are counted; beyond, those that were written longest ago are forgotten.
const SECRETS: usize = 10_000;

/// When which secret got a version.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: u32,
    secrets: Mutex<BTreeMap<String, VecDeque<Instant>>>,
}

impl Budget {
    /// `limit` versions a day and secret; 0: as many as come.
    pub(crate) fn new(limit: u32) -> Self {
        Self { limit, secrets: Mutex::default() }
    }

    /// Counts a version that is about to be made.
    ///
    /// # Errors
    /// [`ErrorKind::Other`]: the secret has had too many; nothing is counted then.
    pub(crate) fn spend(&self, secret: &str) -> Result<()> {
        self.spend_at(secret, Instant::now())
    }

    /// Counts a version that must be made: a lock is given back even when no more may be taken.
    pub(crate) fn spend_anyway(&self, secret: &str) {
        if self.limit > 0 {
            self.add(secret, Instant::now());
        }
    }

    /// Takes the last count back: no version was made.
    pub(crate) fn refund(&self, secret: &str) {
        if let Some(times) = self.secrets().get_mut(secret) {
            times.pop_back();
        }
    }

    /// The secret is gone for good, and its versions with it.
    pub(crate) fn forget(&self, secret: &str) {
        self.secrets().remove(secret);
    }

    fn spend_at(&self, secret: &str, now: Instant) -> Result<()> {
        if self.limit == 0 {
            return Ok(());
        }
        let spent = self.spent(secret, now);
        if spent >= self.limit as usize {
            return Err(used_up(self.limit));
        }
        self.add(secret, now);
        Ok(())
    }

    fn spent(&self, secret: &str, now: Instant) -> usize {
        let mut secrets = self.secrets();
        let Some(times) = secrets.get_mut(secret) else { return 0 };
        while times.front().is_some_and(|time| now.saturating_duration_since(*time) >= DAY) {
            times.pop_front();
        }
        times.len()
    }

    fn add(&self, secret: &str, now: Instant) {
        let mut secrets = self.secrets();
        if secrets.len() >= SECRETS && !secrets.contains_key(secret) {
            forget_oldest(&mut secrets);
        }
        let times = secrets.entry(secret.to_owned()).or_default();
        times.push_back(now);
        // Releases go on beyond the limit; more than the service's own are of no use.
        if times.len() > 2 * self.limit as usize {
            times.pop_front();
        }
    }

    fn secrets(&self) -> MutexGuard<'_, BTreeMap<String, VecDeque<Instant>>> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forget_oldest(secrets: &mut BTreeMap<String, VecDeque<Instant>>) {
    let mut last: Vec<Instant> =
        secrets.values().filter_map(|times| times.back().copied()).collect();
    last.sort_unstable();
    // A tenth at a time, so that it is rarely done.
    let Some(limit) = last.get(SECRETS / 10).copied() else { return };
    secrets.retain(|_, times| times.back().is_some_and(|time| *time > limit));
}

fn used_up(limit: u32) -> Error {
    let message = format!(
        "this secret got {limit} versions within 24 hours, and Secrets Manager keeps about 100; wait, raise \
         max_versions_per_day, or lock through another backend: [storage.lock]"
    );
    Error::new(ErrorKind::Other, message).with_backend(BACKEND)
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
