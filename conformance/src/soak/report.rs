//! What a storm came to.

use std::fmt;
use std::time::{Duration, Instant};

use certstore_core::Fence;

use super::Options;
use crate::history::{History, Summary, handovers};

/// What a storm came to.
#[derive(Debug, Clone)]
pub struct Report {
    /// The backend's name.
    pub backend: String,
    /// What the storm was started with.
    pub seed: u64,
    /// How many workers there were at a time.
    pub processes: u64,
    /// Whether they were threads of this process.
    pub in_threads: bool,
    /// How long it took, with the quiet after it.
    pub took: Duration,
    /// How long the judgement took.
    pub judged: Duration,
    /// Workers that were killed, and started again.
    pub kills: u64,
    /// Times that a worker was stopped for a while.
    pub stops: u64,
    /// What the workers did: possessions (rounds), those lost, operations, refused writes.
    pub summary: Summary,
    /// How often a lock went from one worker to another that waited for it.
    pub handovers: usize,
    /// Half of the hand-overs took at most this long, from the call that gives back to the next one's entry.
    pub handover_p50: Duration,
    /// 99 of 100 took at most this long.
    pub handover_p99: Duration,
    /// What is wrong; empty when all is well.
    pub violations: Vec<String>,
}

impl Report {
    pub(super) fn new(backend: &str, options: &Options) -> Self {
        Self {
            backend: backend.to_owned(),
            seed: options.seed,
            processes: options.processes,
            in_threads: false,
            took: Duration::ZERO,
            judged: Duration::ZERO,
            kills: 0,
            stops: 0,
            summary: Summary::default(),
            handovers: 0,
            handover_p50: Duration::ZERO,
            handover_p99: Duration::ZERO,
            violations: Vec::new(),
        }
    }

    pub(super) fn judge(&mut self, history: &History, fence: Fence) {
        let started = Instant::now();
        self.violations.extend(history.violations(fence));
        self.judged = started.elapsed();
        self.summary = history.summary();
        let times = handovers(&history.grants);
        let at = |percent: usize| {
            let nanos = times.get((times.len() * percent / 100).min(times.len().saturating_sub(1)));
            Duration::from_nanos(nanos.copied().unwrap_or_default())
        };
        (self.handovers, self.handover_p50, self.handover_p99) = (times.len(), at(50), at(99));
    }

    /// Whether nothing was wrong.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.violations.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let workers = if self.in_threads { "threads" } else { "processes" };
        write!(
            f,
            "soak of {}, seed {}: {} {workers}, {} killed, {} stopped; {}; {} hand-overs, p50 {:.1?}, p99 {:.1?}; \
             {:.1} s, judged in {:.2} s",
            self.backend,
            self.seed,
            self.processes,
            self.kills,
            self.stops,
            self.summary,
            self.handovers,
            self.handover_p50,
            self.handover_p99,
            self.took.as_secs_f64(),
            self.judged.as_secs_f64(),
        )?;
        self.violations.iter().try_for_each(|violation| write!(f, "\n  {violation}"))
    }
}
