//! The names that are managed, and how it stands with each.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, watch};

use super::backoff::pause;

/// How it stands with a name.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Goes with the name: whoever listens learns that it is managed no more.
    managed: watch::Sender<()>,
    /// A task is at it.
    busy: bool,
    /// How often it failed since it last succeeded.
    failures: u32,
    /// When it is due; `None`: at once.
    next: Option<SystemTime>,
    /// When its last certificate ends, in memory or not.
    end: Option<SystemTime>,
    /// When its issuer is asked when to renew it; `None`: never.
    ask: Option<SystemTime>,
    /// How often that failed since it last succeeded.
    unanswered: u32,
    /// The hash of its certificate, as it was last known.
    certificate: Option<String>,
}

impl State {
    /// When there is something to do.
    fn due(&self) -> SystemTime {
        let next = self.next.unwrap_or(SystemTime::UNIX_EPOCH);
        self.ask.map_or(next, |ask| ask.min(next))
    }
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

    /// Nobody is to be at it for a while, and whoever is stops; to be [put back](Self::put_back).
    pub(super) fn set_apart(&self, subject: &str) -> Option<State> {
        self.states().remove(subject).map(|state| {
            let (busy, managed) = Default::default();
            State { busy, managed, ..state }
        })
    }

    /// It is managed again, as before.
    pub(super) fn put_back(&self, subject: &str, state: State) {
        self.states().entry(subject.to_owned()).or_insert(state);
        self.changed.notify_one();
    }

    /// Completes once nobody manages the name any more.
    pub(super) fn removed(&self, subject: &str) -> impl Future<Output = ()> + Send + use<> {
        let managed = self.states().get(subject).map(|state| state.managed.subscribe());
        async move {
            if let Some(mut managed) = managed {
                while managed.changed().await.is_ok() {}
            }
        }
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
        let due = states.iter_mut().filter(|(_, state)| !state.busy && state.due() <= now);
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
        waiting.map(State::due).min()
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

    /// Whether its issuer is to be asked when to renew it.
    pub(super) fn is_to_ask(&self, subject: &str, now: SystemTime) -> bool {
        self.states().get(subject).is_some_and(|state| state.ask.is_some_and(|ask| ask <= now))
    }

    /// Whether it has failed, and is not tried again yet.
    pub(super) fn is_resting(&self, subject: &str, now: SystemTime) -> bool {
        let resting =
            |state: &State| state.failures > 0 && state.next.is_some_and(|next| next > now);
        self.states().get(subject).is_some_and(resting)
    }

    /// It has this certificate; gives whether that is known.
    pub(super) fn has(&self, subject: &str, hash: &str) -> bool {
        let mut states = self.states();
        let Some(state) = states.get_mut(subject) else { return true };
        let known = state.certificate.as_deref() == Some(hash);
        if !known {
            state.certificate = Some(hash.to_owned());
        }
        known
    }

    /// Its issuer is asked when to renew it, then.
    pub(super) fn ask(&self, subject: &str, at: Option<SystemTime>) {
        if let Some(state) = self.states().get_mut(subject) {
            (state.unanswered, state.ask) = (0, at);
        }
    }

    /// Its issuer did not say when to renew it; gives the pause before it is asked again.
    pub(super) fn unanswered(&self, subject: &str, now: SystemTime) -> Duration {
        let mut states = self.states();
        let Some(state) = states.get_mut(subject) else { return pause(1, None) };
        state.unanswered = state.unanswered.saturating_add(1);
        let wait = pause(state.unanswered, None);
        state.ask = Some(now + wait);
        wait
    }

    /// There is none any more: it is looked at now.
    pub(super) fn lost(&self, subject: &str) {
        if let Some(state) = self.states().get_mut(subject) {
            (state.failures, state.next, state.certificate) = (0, None, None);
        }
        self.changed.notify_one();
    }

    /// It has failed; gives the pause before it is tried again, as `pause` has it after so many failures. `left`: how long
    /// its certificate is valid yet.
    pub(super) fn failed(
        &self,
        subject: &str,
        now: SystemTime,
        left: Option<Duration>,
        pause: impl Fn(u32, Option<Duration>) -> Duration,
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
