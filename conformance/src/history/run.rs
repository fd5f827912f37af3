//! Several clients in one process, and the judgement of what they did.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use certstore_core::Result;

use super::{Client, History, Plan, Recorder, Summary, chosen_seed};
use crate::Factory;
use crate::context::unique_namespace;

/// How to record a history.
#[derive(Debug, Clone)]
pub struct Options {
    clients: u64,
    rounds: u64,
    seed: u64,
    limit: Duration,
}

impl Options {
    /// 6 clients with 100 rounds each, about 2,000 operations, within 5 minutes; the seed is `CERTSTORE_SEED` or new.
    #[must_use]
    pub fn new() -> Self {
        Self { clients: 6, rounds: 100, seed: chosen_seed(), limit: Duration::from_secs(300) }
    }

    /// This many clients, each with a client of the backend of its own.
    #[must_use]
    pub fn clients(mut self, clients: u64) -> Self {
        self.clients = clients.clamp(1, 1000);
        self
    }

    /// This many rounds for each client: a possession of a lock with some writes, or a load and a write without.
    #[must_use]
    pub fn rounds(mut self, rounds: u64) -> Self {
        self.rounds = rounds;
        self
    }

    /// The seed of what each client does. The backend's timing is its own.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

/// What a history came to.
#[derive(Debug, Clone)]
pub struct Report {
    /// The backend's name.
    pub backend: String,
    /// What the run was started with.
    pub seed: u64,
    /// How long the clients took.
    pub took: Duration,
    /// How long the judgement took.
    pub judged: Duration,
    /// Counts.
    pub summary: Summary,
    /// What nothing explains; empty when all is well.
    pub violations: Vec<String>,
}

impl Report {
    /// Whether the history is linearizable, and nothing else was wrong.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.violations.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { backend, seed, took, judged, summary, violations } = self;
        write!(
            f,
            "history of {backend}, seed {seed}: {summary}; {:.1} s, judged in {:.2} s",
            took.as_secs_f64(),
            judged.as_secs_f64()
        )?;
        violations.iter().try_for_each(|violation| write!(f, "\n  {violation}"))
    }
}

/// A record in memory.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Lets clients lock, store and load in a namespace of their own, and judges what they saw. Whatever faults the
/// factory's clients have are part of the history; errors that tell to retry are no violation.
///
/// # Errors
/// Of the factory, when a client cannot be opened.
///
/// # Cancel safety
/// Dropped, it leaves the namespace.
///
/// ```
/// use std::sync::Arc;
/// use certstore_conformance::{MemoryFactory, history};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> certstore_core::Result<()> {
/// let options = history::Options::new().clients(2).rounds(10);
/// let report = history::run(Arc::new(MemoryFactory::new()), options).await?;
/// assert!(report.is_ok(), "{report}");
/// # Ok(()) }
/// ```
pub async fn run(factory: Arc<dyn Factory>, options: Options) -> Result<Report> {
    let namespace = unique_namespace();
    let plan =
        Plan { names: 2, keys: 2, hold: Duration::from_millis(2), idle: Duration::from_millis(2) };
    let (mut clients, mut records) = (Vec::new(), Vec::new());
    let mut fence = certstore_core::Fence::None;
    for number in 1..=options.clients {
        let storage = factory.open(&namespace).await?;
        fence = storage.capabilities().fence;
        let record = Shared::default();
        records.push((number, record.clone()));
        let recorder = Recorder::new(record);
        clients.push(Client::new(number, storage, recorder, options.seed, plan.clone()));
    }
    let started = Instant::now();
    let mut violations = Vec::new();
    let tasks: Vec<_> = clients
        .into_iter()
        .map(|mut client| {
            tokio::spawn(async move {
                for _ in 0..options.rounds {
                    client.round().await;
                }
            })
        })
        .collect();
    for mut task in tasks {
        let left = options.limit.saturating_sub(started.elapsed());
        match tokio::time::timeout(left, &mut task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => violations.push(format!("a client ended: {error}")),
            Err(_) => {
                task.abort();
                violations.push(format!("a client hung for {} s", options.limit.as_secs()));
            }
        }
    }
    let (took, mut history) = (started.elapsed(), History::default());
    for (number, record) in records {
        match History::parse(number, &record.text()) {
            Ok(one) => history.merge(one),
            Err(wrong) => violations.push(wrong),
        }
    }
    let judging = Instant::now();
    violations.extend(history.violations(fence));
    if let Err(error) = factory.remove(&namespace).await {
        violations.push(format!("the namespace cannot be removed: {error}"));
    }
    Ok(Report {
        backend: factory.name().to_owned(),
        seed: options.seed,
        took,
        judged: judging.elapsed(),
        summary: history.summary(),
        violations,
    })
}

/// What [`history!`](crate::history!) expands to.
///
/// # Panics
/// When the history is not linearizable, or the backend cannot be opened: that fails the test.
#[doc(hidden)]
#[expect(clippy::print_stdout, reason = "a test tells what it has done")]
pub fn test(factory: impl Factory) {
    let runtime = crate::run::test_runtime();
    let report = runtime.block_on(run(Arc::new(factory), Options::new()));
    runtime.shutdown_timeout(Duration::from_secs(1));
    let report = report.expect("the backend opens");
    println!("{report}");
    assert!(report.is_ok(), "{report}");
    assert!(report.summary.grants > 0 && report.summary.loads > 0, "{report}");
}
