//! How a storm blows.

use std::time::Duration;

use crate::Worker;
use crate::history::chosen_seed;

/// How to run a storm.
///
/// ```
/// let options = certstore_conformance::soak::Options::new().processes(4).seed(7);
/// ```
#[derive(Debug, Clone)]
pub struct Options {
    pub(super) processes: u64,
    pub(super) names: u64,
    pub(super) duration: Duration,
    pub(super) seed: u64,
    pub(super) worker: Option<Worker>,
}

impl Options {
    /// 8 processes over 3 locks for 8 s, or 3 minutes when `CERTSTORE_SOAK` is set; the seed is `CERTSTORE_SEED` or new.
    #[must_use]
    pub fn new() -> Self {
        let long = std::env::var_os("CERTSTORE_SOAK").is_some();
        Self {
            processes: 8,
            names: 3,
            duration: Duration::from_secs(if long { 180 } else { 8 }),
            seed: chosen_seed(),
            worker: None,
        }
    }

    /// 2 to 64 of them.
    #[must_use]
    pub fn processes(mut self, processes: u64) -> Self {
        self.processes = processes.clamp(2, 64);
        self
    }

    /// How many locks they share.
    #[must_use]
    pub fn names(mut self, names: u64) -> Self {
        self.names = names.max(1);
        self
    }

    /// How long faults are made. It goes on until at least three processes were killed and three stopped.
    #[must_use]
    pub fn duration(mut self, duration: Duration) -> Self {
        self.duration = duration;
        self
    }

    /// The seed of what is done when, to whom. The backend's timing is its own.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// With a program for the processes, which calls [`run_worker`](crate::run_worker) with the same factory. Without
    /// one, threads stand for processes.
    #[must_use]
    pub fn worker(mut self, worker: Worker) -> Self {
        self.worker = Some(worker);
        self
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
