//! Waking those who wait as soon as a file of their lock is closed, renamed or deleted.
//!
//! A hint only: whoever waits also has a timer, for network mounts and for systems that tell nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::dir::LocksDir;
use crate::root::Root;

#[cfg(target_os = "linux")]
#[path = "inotify.rs"]
mod source;
#[cfg(not(target_os = "linux"))]
#[path = "no_events.rs"]
mod source;

/// The events of one directory `locks`, for all tasks of one storage. Costs nothing while nobody waits.
#[derive(Debug)]
pub(super) struct Wake {
    root: Arc<Root>,
    inner: Arc<Inner>,
}

/// Whom to wake, shared with the thread that reads the events.
#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    waiting: HashMap<String, Vec<Arc<Notify>>>,
    source: Started,
}

#[derive(Debug, Default)]
enum Started {
    #[default]
    NotYet,
    Running(source::Source),
    /// The system has no more to give; the timers do.
    Failed,
}

/// One who waits for events of some files. Events since it was made are not missed.
#[derive(Debug)]
pub(super) struct Subscription {
    inner: Arc<Inner>,
    files: Vec<String>,
    notify: Arc<Notify>,
}

impl Wake {
    pub(super) fn new(root: Arc<Root>) -> Self {
        Self { root, inner: Arc::default() }
    }

    /// Waits for events of `files` from now on.
    pub(super) fn subscribe(&self, dir: &LocksDir, files: &[&str]) -> Subscription {
        let notify = Arc::new(Notify::new());
        let mut state = self.inner.lock();
        for file in files {
            state.waiting.entry((*file).to_owned()).or_default().push(notify.clone());
        }
        if matches!(state.source, Started::NotYet) {
            state.source = match source::Source::start(&self.root, &self.inner) {
                Ok(source) => Started::Running(source),
                Err(error) => {
                    tracing::debug!(%error, "no file events: waiting for locks by timers alone");
                    Started::Failed
                }
            };
        }
        if let Started::Running(source) = &mut state.source {
            source.watch(dir);
        }
        drop(state);
        let files = files.iter().map(|file| (*file).to_owned()).collect();
        Subscription { inner: self.inner.clone(), files, notify }
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        // Ends the thread.
        self.inner.lock().source = Started::Failed;
    }
}

impl Subscription {
    /// Completes at the next event.
    pub(super) async fn changed(&self) {
        self.notify.notified().await;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut state = self.inner.lock();
        for file in &self.files {
            if let Some(waiting) = state.waiting.get_mut(file) {
                waiting.retain(|other| !Arc::ptr_eq(other, &self.notify));
                if waiting.is_empty() {
                    state.waiting.remove(file);
                }
            }
        }
        if state.waiting.is_empty()
            && let Started::Running(source) = &mut state.source
        {
            source.rest();
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes those who wait for `file`; everybody when it is not known which file it was.
    #[cfg(target_os = "linux")]
    fn wake(&self, file: Option<&str>) {
        let state = self.lock();
        let Some(file) = file else {
            state.waiting.values().flatten().for_each(|one| one.notify_one());
            return;
        };
        for one in state.waiting.get(file).into_iter().flatten() {
            one.notify_one();
        }
    }
}

#[cfg(test)]
#[path = "wake_tests.rs"]
mod tests;
