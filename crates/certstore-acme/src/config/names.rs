//! The names that are managed, and how it stands with each.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;

use super::backoff::pause;

/// How it stands with a name.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// A task is at it.
    busy: bool,
    /// How often it failed since it last succeeded.
    failures: u32,
    /// When it is due; `None`: at once.
    next: Option<SystemTime>,
    /// When its last certificate ends, in memory or not.
    end: Option<SystemTime>,
}

/// The names that a manager keeps certificates for.
#[derive(Debug, Default)]
pub(super) struct ManagedNames {
    states: Mutex<BTreeMap<String, State>>,
    changed: Notify,
    /// Somebody is at a name.
    began: Notify,
}

impl ManagedNames {
    fn states(&self) -> MutexGuard<'_, BTreeMap<String, State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a name looked at from now on; it is due at once if it is new. `busy`: the caller is at it.
    pub(super) fn add(&self, subject: &str, busy: bool) {
        self.states().entry(subject.to_owned()).or_default().busy |= busy;
        self.changed.notify_one();
        self.began.notify_one();
    }

    /// Nobody renews it any more.
    pub(super) fn remove(&self, subject: &str) -> bool {
        self.states().remove(subject).is_some()
    }

    /// Whether a name is managed.
    pub(super) fn contains(&self, subject: &str) -> bool {
        self.states().contains_key(subject)
    }

    /// The names, sorted.
    pub(super) fn all(&self) -> Vec<String> {
        self.states().keys().cloned().collect()
    }

    /// Those that are due and that nobody is at; the caller is at them from now on.
    pub(super) fn take_due(&self, now: SystemTime) -> Vec<String> {
        let mut states = self.states();
        let due = states
            .iter_mut()
            .filter(|(_, state)| !state.busy && state.next.is_none_or(|next| next <= now));
        let taken = due.map(|(subject, state)| {
            state.busy = true;
            subject.clone()
        });
        let taken: Vec<String> = taken.collect();
        self.began.notify_one();
        taken
    }

    /// Those that somebody is at.
    pub(super) fn awaited(&self) -> Vec<String> {
        let states = self.states();
        let awaited = states.iter().filter(|(_, state)| state.busy);
        awaited.map(|(subject, _)| subject.clone()).collect()
    }

    /// When the next one is due; `None` when there is none that waits.
    pub(super) fn next_due(&self) -> Option<SystemTime> {
        let states = self.states();
        let waiting = states.values().filter(|state| !state.busy);
        waiting.map(|state| state.next.unwrap_or(SystemTime::UNIX_EPOCH)).min()
    }

    /// It has a good certificate, which is due and ends then.
    pub(super) fn succeeded(&self, subject: &str, next: SystemTime, end: SystemTime) {
        if let Some(state) = self.states().get_mut(subject) {
            (state.failures, state.next, state.end) = (0, Some(next), Some(end));
        }
    }

    /// Whether it had a certificate.
    pub(super) fn has_had(&self, subject: &str) -> bool {
        self.states().get(subject).is_some_and(|state| state.end.is_some())
    }

    /// It has failed; gives the pause before it is tried again. `left`: how long its certificate is valid yet.
    pub(super) fn failed(
        &self,
        subject: &str,
        now: SystemTime,
        left: Option<Duration>,
    ) -> Duration {
        let mut states = self.states();
        // One that is not managed any more is not tried again.
        let Some(state) = states.get_mut(subject) else { return pause(1, left) };
        state.failures = state.failures.saturating_add(1);
        let left = left.or_else(|| state.end?.duration_since(now).ok());
        let wait = pause(state.failures, left);
        state.next = Some(now + wait);
        wait
    }

    /// Nobody is at it any more.
    pub(super) fn left(&self, subject: &str) {
        if let Some(state) = self.states().get_mut(subject) {
            state.busy = false;
        }
        self.changed.notify_one();
    }

    /// Completes when a name was added or somebody is done with one, since the last call.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Completes when somebody may be at a name, since the last call.
    pub(super) async fn began(&self) {
        self.began.notified().await;
    }
}
