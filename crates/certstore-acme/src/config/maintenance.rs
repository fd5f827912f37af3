//! Renewing in time.

use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use super::Config;
use super::backoff::pause;
use super::manage::Attempt;
use super::obtain::Room;
use crate::Certificate;

/// Renews the certificates of a [`Config`] until it is dropped or [stopped](Self::stop).
#[derive(Debug)]
#[must_use = "certificates are renewed until this is dropped"]
pub struct Maintenance {
    task: JoinHandle<()>,
    stop: Option<oneshot::Sender<()>>,
}

impl Maintenance {
    /// Ends it, and waits until what it was at is dropped: locks are released in the background.
    ///
    /// # Cancel safety
    /// Dropped, it ends all the same.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        // It ends by itself; a panic of it is in the log.
        drop((&mut self.task).await);
    }
}

impl Drop for Maintenance {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A task is at a name until this is dropped.
pub(super) struct AtWork {
    config: Config,
    subject: String,
}

impl AtWork {
    /// Has the name managed.
    pub(super) fn begin(config: &Config, subject: &str) -> Self {
        config.0.names.add(subject, true);
        Self::of(config, subject)
    }

    /// Of a name that was taken.
    fn of(config: &Config, subject: &str) -> Self {
        Self { config: config.clone(), subject: subject.to_owned() }
    }
}

impl AtWork {
    pub(super) fn subject(&self) -> &str {
        &self.subject
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.config.0.names.left(&self.subject);
    }
}

impl Config {
    /// Obtains and renews the certificates of the names that are managed, and keeps staples fresh, in a task of the current
    /// tokio runtime. Serves what other nodes obtain as soon as the storage tells of it; where it does not, the names that are
    /// being obtained are looked for twice a second, all others once an
    /// [interval](crate::ConfigBuilder::renew_interval).
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn maintain(&self) -> Maintenance {
        let config = self.clone();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let (mut work, mut following) = (JoinSet::new(), JoinSet::new());
            let follower = config.clone();
            following.spawn(async move { follower.pick_up().await });
            tokio::select! {
                () = config.run(&mut work) => {}
                () = config.keep_staples() => {}
                _ = stopped => {
                    following.shutdown().await;
                    work.shutdown().await;
                }
            }
        });
        Maintenance { task, stop: Some(stop) }
    }

    /// Renews what is due now, of the names that are managed; returns once each was tried. Maintenance does it by itself.
    ///
    /// # Cancel safety
    /// Dropped at any await, the certificates that it was at are old or new.
    pub async fn renew_managed_certificates(&self) {
        let mut work = JoinSet::new();
        self.start_due(&mut work);
        while work.join_next().await.is_some() {}
    }

    async fn run(&self, work: &mut JoinSet<()>) {
        loop {
            self.start_due(work);
            let wait = self.0.clock.sleep(self.until_next());
            tokio::select! {
                () = wait => {}
                () = self.0.names.changed() => {}
                Some(_) = work.join_next(), if !work.is_empty() => {}
            }
        }
    }

    fn start_due(&self, work: &mut JoinSet<()>) {
        for subject in self.0.names.take_due(self.0.clock.wall()) {
            let at = AtWork::of(self, &subject);
            let removed = self.0.names.removed(&subject);
            work.spawn(async move {
                // Whatever an issuer of somebody else's does, the others go on.
                let tried = std::panic::AssertUnwindSafe(async {
                    let _permit = at.config.permit().await;
                    at.config.try_now(&subject).await;
                });
                let panicked = tokio::select! {
                    tried = tried.catch_unwind() => tried.is_err(),
                    // Nobody wants the certificate any more.
                    () = removed => return,
                };
                if panicked {
                    let (names, now) = (&at.config.0.names, at.config.0.clock.wall());
                    let retry = names.failed(&subject, now, None, pause);
                    // It may have been in what is asked of the issuer.
                    names.unanswered(&subject, now);
                    tracing::error!(subject, ?retry, "obtaining a certificate panicked");
                }
            });
        }
    }

    async fn try_now(&self, subject: &str) {
        self.ask_when_to_renew(subject).await;
        let now = self.0.clock.wall();
        if self.0.names.is_resting(subject, now) {
            return;
        }
        let good = |found: &Certificate| !found.needs_renewal(&self.0.renewal, now);
        let done = self.stored_or_obtained(subject, &good, Room::IsThere).await;
        // What has failed is in the log, and is tried again.
        drop(self.note(subject, done, Attempt::ToRenew));
    }

    /// Until a name is due, and not longer than the interval.
    fn until_next(&self) -> Duration {
        let now = self.0.clock.wall();
        let next = self.0.names.next_due();
        let wait =
            next.map_or(self.0.renew_interval, |next| next.duration_since(now).unwrap_or_default());
        wait.min(self.0.renew_interval)
    }
}
