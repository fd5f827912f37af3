//! Runs clauses.

use std::fmt;
use std::io::Write as _;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use certstore_core::Capabilities;
use futures_util::{FutureExt as _, StreamExt as _, stream};

use crate::case::{Case, Stop};
use crate::clauses::{CLAUSES, Clause};
use crate::context::Context;
use crate::{ClauseReport, Factory, Outcome, Report, Worker};

/// A function that sees each clause's outcome as it comes.
type Progress = Arc<dyn Fn(&ClauseReport) + Send + Sync>;

/// How to run the suite.
///
/// ```
/// let options = certstore_conformance::Options::new().only(["STORE-1", "LOAD-1"]);
/// ```
#[derive(Clone, Default)]
pub struct Options {
    pub(crate) worker: Option<Worker>,
    only: Option<Vec<String>>,
    jobs: Option<usize>,
    progress: Option<Progress>,
}

impl Options {
    /// All clauses, four at a time, without other processes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With a program for the cases that need other processes. It must call [`run_worker`](crate::run_worker) with the
    /// same factory.
    #[must_use]
    pub fn worker(mut self, worker: Worker) -> Self {
        self.worker = Some(worker);
        self
    }

    /// Only these clauses, by number.
    #[must_use]
    pub fn only(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.only = Some(ids.into_iter().map(Into::into).collect());
        self
    }

    /// How many cases run at a time. Those that count round trips always run alone.
    #[must_use]
    pub fn jobs(mut self, jobs: usize) -> Self {
        self.jobs = Some(jobs.max(1));
        self
    }

    /// Calls `seen` with every outcome as it comes, in any order.
    #[must_use]
    pub fn progress(mut self, seen: impl Fn(&ClauseReport) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(seen));
        self
    }

    fn selects(&self, clause: &Clause) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|id| id == clause.id))
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("worker", &self.worker)
            .field("only", &self.only)
            .field("jobs", &self.jobs)
            .finish_non_exhaustive()
    }
}

/// Runs the suite and reports every selected clause, in the order of the table.
///
/// Needs a multi-threaded tokio runtime with time and I/O enabled. Everything that the cases store lies in namespaces
/// of their own, which are removed.
///
/// # Cancel safety
/// Dropped, it leaves the namespaces of the cases that were running.
///
/// ```
/// use std::sync::Arc;
/// use certstore_conformance::{MemoryFactory, Options, run};
/// # #[tokio::main] async fn main() {
/// let report = run(Arc::new(MemoryFactory::new()), Options::new().only(["STORE-1"])).await;
/// assert!(report.is_ok(), "{report}");
/// # }
/// ```
pub async fn run(factory: Arc<dyn Factory>, options: Options) -> Report {
    let capabilities = capabilities(&factory).await;
    let suite = Suite { factory, options, capabilities };
    let (alone, together): (Vec<_>, Vec<_>) = CLAUSES
        .iter()
        .filter(|clause| suite.options.selects(clause))
        .enumerate()
        .partition(|(_, clause)| clause.alone);
    let mut reports = Vec::with_capacity(CLAUSES.len());
    for (index, clause) in alone {
        reports.push(suite.clause(index, clause).await);
    }
    let jobs = suite.options.jobs.unwrap_or(4);
    let cases: Vec<_> =
        together.into_iter().map(|(index, clause)| suite.clause(index, clause)).collect();
    reports.extend(stream::iter(cases).buffer_unordered(jobs).collect::<Vec<_>>().await);
    reports.sort_unstable_by_key(|(index, _)| *index);
    Report {
        backend: suite.factory.name().to_owned(),
        capabilities: suite.capabilities.ok(),
        clauses: reports.into_iter().map(|(_, report)| report).collect(),
    }
}

/// What the backend declares, from a namespace that is removed again.
async fn capabilities(factory: &Arc<dyn Factory>) -> Result<Capabilities, String> {
    let probe = Context::new(factory.clone(), Options::new(), Capabilities::minimal());
    let capabilities = match probe.open().await {
        Ok(client) => Ok(client.capabilities()),
        Err(Stop::Failed(message) | Stop::NotSupported(message)) => Err(message),
    };
    clean(&probe).await;
    capabilities
}

struct Suite {
    factory: Arc<dyn Factory>,
    options: Options,
    capabilities: Result<Capabilities, String>,
}

impl Suite {
    async fn clause(&self, index: usize, clause: &'static Clause) -> (usize, ClauseReport) {
        let started = Instant::now();
        let (outcome, notes) = self.ended(clause).await;
        let (id, title) = (clause.id, clause.title);
        let report = ClauseReport { id, title, outcome, duration: started.elapsed(), notes };
        if let Some(seen) = &self.options.progress {
            seen(&report);
        }
        (index, report)
    }

    async fn ended(&self, clause: &'static Clause) -> (Outcome, Vec<String>) {
        let capabilities = match &self.capabilities {
            Ok(capabilities) => *capabilities,
            Err(message) => return (Outcome::Failed { message: message.clone() }, Vec::new()),
        };
        if let Err(why) = (clause.needs)(&capabilities) {
            return (Outcome::NotSupported { why }, Vec::new());
        }
        if let Some(why) = self.factory.unproven(clause.id) {
            let why = format!("unproven on this server: {why}");
            return (Outcome::NotSupported { why }, Vec::new());
        }
        let context = Context::new(self.factory.clone(), self.options.clone(), capabilities);
        let outcome = outcome(clause, &context).await;
        clean(&context).await;
        (outcome, context.take_notes())
    }
}

async fn outcome(clause: &Clause, context: &Context) -> Outcome {
    let lease = context.capabilities().lease.unwrap_or_default();
    let limit = Duration::from_secs(120) + lease * 20;
    let case = AssertUnwindSafe((clause.run)(context)).catch_unwind();
    let ended: Case = match tokio::time::timeout(limit, case).await {
        Ok(Ok(ended)) => ended,
        Ok(Err(panic)) => Err(Stop::failed(format!("panicked: {}", panic_text(&*panic)))),
        Err(_) => Err(Stop::failed(format!("the case hung for {} s", limit.as_secs()))),
    };
    match ended {
        Ok(()) => Outcome::Passed,
        Err(Stop::Failed(message)) => Outcome::Failed { message },
        Err(Stop::NotSupported(why)) => Outcome::NotSupported { why },
    }
}

async fn clean(context: &Context) {
    for namespace in context.namespaces() {
        if let Err(error) = context.factory().remove(&namespace).await {
            context.note(format!("cannot remove {namespace}: {error}"));
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}

/// The folder, from the environment, that every test of [`conformance!`](crate::conformance) writes its report to:
/// `BACKEND/CLAUSE.json`.
pub const REPORTS_ENV: &str = "CERTSTORE_CONFORMANCE_REPORTS";

fn write_report(folder: &Path, id: &str, report: &Report) {
    let folder = folder.join(&report.backend);
    let written = std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(folder.join(format!("{id}.json")), report.to_json()));
    if let Err(error) = written {
        panic!("the report of {id} cannot be written to {}: {error}", folder.display());
    }
}

/// What [`conformance!`](crate::conformance) expands to: one clause as one test.
///
/// # Panics
/// When the clause is broken: that fails the test.
#[doc(hidden)]
pub fn test_clause(id: &str, factory: impl Factory, module: &str) {
    let runtime = test_runtime();
    let options = Options::new().only([id]).worker(Worker::this_test(module));
    let report = runtime.block_on(run(Arc::new(factory), options));
    // Dropping the runtime would wait for threads that a broken backend blocks.
    runtime.shutdown_timeout(Duration::from_secs(1));
    if let Some(folder) = std::env::var_os(REPORTS_ENV) {
        write_report(&PathBuf::from(folder), id, &report);
    }
    for clause in report.clauses {
        match clause.outcome {
            Outcome::Passed => {}
            Outcome::Failed { message } => panic!("{id} is broken: {}\n{message}", clause.title),
            // Past the test harness's capture: what did not run must be seen.
            Outcome::NotSupported { why } => {
                drop(writeln!(std::io::stderr(), "{id} not supported: {why}"));
            }
        }
    }
}

pub(crate) fn test_runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a tokio runtime starts")
}
