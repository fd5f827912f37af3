//! Names that are kept with certificates.

use std::collections::BTreeSet;

use certstore_core::{ErrorKind, one_line};
use futures_util::{StreamExt as _, stream};

use super::Config;
use super::backoff::{pause, pause_after};
use super::maintenance::AtWork;
use super::obtain::Room;
use crate::{Certificate, Error, Result, subject};

/// How many certificates one process obtains at a time: each waits for a CA most of the time.
pub(super) const AT_A_TIME: usize = 16;

/// What a certificate was obtained for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// To begin with: what is due is renewed at once afterwards.
    AtStartup,
    /// To have one that is not due.
    ToRenew,
}

impl Config {
    /// Has certificates for these names: what is stored is loaded, what is missing or about to expire is obtained, and all
    /// are renewed from now on while [`maintain`](Self::maintain) runs. Returns once each name has one.
    ///
    /// What is due but valid for a while yet is served, and renewed behind it. Of more names than a cache with a
    /// [capacity](crate::CacheOptions::capacity) holds, the others are loaded when handshakes ask for them.
    ///
    /// # Errors
    /// The first of [`obtain_cert`](Self::obtain_cert); the other names are managed all the same, and those that have
    /// failed are tried again.
    ///
    /// # Cancel safety
    /// Dropped at any await, the names are managed, and those without a certificate are obtained behind it.
    pub async fn manage<T: AsRef<str>>(&self, names: impl IntoIterator<Item = T>) -> Result<()> {
        let subjects: BTreeSet<String> = self.subjects(names)?.into_iter().collect();
        // Maintenance leaves them to this call, and takes them up when it is dropped.
        let at_work: Vec<AtWork> =
            subjects.iter().map(|subject| AtWork::begin(self, subject)).collect();
        let work = at_work.into_iter().map(|at| self.prepare(at));
        let done: Vec<Result<()>> = stream::iter(work).buffer_unordered(AT_A_TIME).collect().await;
        done.into_iter().collect()
    }

    /// Has certificates for these names, all of it behind the caller's back: [`maintain`](Self::maintain) obtains them.
    ///
    /// # Errors
    /// [`Error::Storage`]: a name can have no certificate; then none of them is managed.
    pub fn manage_in_background<T: AsRef<str>>(
        &self,
        names: impl IntoIterator<Item = T>,
    ) -> Result<()> {
        for subject in self.subjects(names)? {
            self.0.names.add(&subject, false);
        }
        Ok(())
    }

    /// Renews the certificates of a name no longer, also where maintenance is just at it: what was ordered stays stored until
    /// the name is obtained again, and so may the answer to a challenge. The certificates are served until they expire. Gives
    /// whether it was managed.
    pub fn unmanage(&self, name: &str) -> bool {
        subject(name).is_ok_and(|subject| self.0.names.remove(&subject))
    }

    /// The names that are managed, sorted.
    #[must_use]
    pub fn managed_names(&self) -> Vec<String> {
        self.0.names.all()
    }

    fn subjects<T: AsRef<str>>(&self, names: impl IntoIterator<Item = T>) -> Result<Vec<String>> {
        let checked: Result<Vec<String>, _> =
            names.into_iter().map(|name| subject(name.as_ref())).collect();
        Ok(checked?)
    }

    /// Waits for a certificate only where the stored one is about to expire.
    async fn prepare(&self, at: AtWork) -> Result<()> {
        let (_permit, subject) = (self.permit().await, at.subject());
        let now = self.0.clock.wall();
        let lasts = |found: &Certificate| {
            !self.0.renewal.is_due_at_startup(found.not_before(), found.not_after(), now)
        };
        let done = self.stored_or_obtained(subject, &lasts, Room::IsThere).await;
        self.note(subject, done, Attempt::AtStartup).map(drop)
    }

    /// Keeps when a name is looked at again, and says what has failed.
    pub(super) fn note(
        &self,
        subject: &str,
        done: Result<Certificate>,
        attempt: Attempt,
    ) -> Result<Certificate> {
        let now = self.0.clock.wall();
        match done {
            Ok(certificate) => {
                let due = certificate.due(&self.0.renewal).min(certificate.not_after());
                // One that is due as soon as it is obtained, by a clock that is wrong or a lifetime of minutes.
                let soonest = now + pause(1, certificate.not_after().duration_since(now).ok());
                let next = if attempt == Attempt::ToRenew { due.max(soonest) } else { due };
                self.ask_later(subject, &certificate, now);
                self.0.names.succeeded(subject, next, certificate.not_after());
                self.0.reloads.found(subject);
                Ok(certificate)
            }
            Err(error) => {
                let left = self
                    .served(subject)
                    .and_then(|served| served.not_after().duration_since(now).ok());
                let wait = self.0.names.failed(subject, now, left, |failures, left| {
                    pause_after(&error, failures, left)
                });
                self.report(subject, &error, wait);
                Err(error)
            }
        }
    }

    fn report(&self, subject: &str, error: &Error, wait: std::time::Duration) {
        let cause = std::error::Error::source(error).map(one_line).unwrap_or_default();
        let lost = matches!(error, Error::Storage(error) if error.kind() == ErrorKind::LockLost);
        if lost {
            tracing::info!(subject, %error, cause, "another node may have taken over; it is looked at again");
        } else {
            tracing::error!(subject, %error, cause, retry = ?wait, "no certificate was obtained");
        }
        self.tell(&crate::Event::Failed { subject, error, retry_after: Some(wait) });
    }
}
