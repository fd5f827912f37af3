//! `certstore conformance`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use certstore::{Config, Error, ErrorKind, Storage, remove_beneath};
use certstore_conformance::{
    CLAUSES, Factory, MemoryFactory, Options, Report, Worker, run, run_worker,
};
use clap::Args;

use super::Context;
use crate::exit::Failure;
use crate::progress::Progress;

/// Run the whole conformance suite against the storage, in a scratch directory of it
#[derive(Debug, Args)]
#[command(after_help = "\
A row for each clause of the contract: whether it holds, or why it was not run. It exits with 1 if any fails.

Nothing that is stored is touched, and what the suite writes is removed in the end, after an interruption (Ctrl-C) too:
  files       in a directory .conformance~* inside the storage's directory; the name is no key, so it is in no list
  Redis       under the prefix OLD.conformance~*
  S3          under the prefix OLD/.conformance~*; the store is asked some 150 requests whenever it is opened
  GCS, OSS    under the prefix OLD/.conformance~*
  Secrets Manager  under the prefix OLD/.conformance+*; some hundred secrets are made and deleted, which costs money
  PostgreSQL  in tables of other names, OLD and 16 digits; the role must be allowed to create tables
  memory      in an empty storage
Only a run that is killed leaves its place behind. With [storage.lock] the locks have such a place, too.

Leases are 2 s long, whatever the config says. Locks are held for several leases, so it takes a minute or two.

Examples:
  certstore --storage file:///var/lib/certstore conformance
  certstore conformance --only LOCK-8 --only FENCE-2 --json")]
pub(crate) struct Conformance {
    /// Only this clause; may be given several times
    #[arg(long, value_name = "CLAUSE")]
    only: Vec<String>,
    /// How many cases run at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,
}

impl Conformance {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        if let Some(unknown) =
            self.only.iter().find(|id| CLAUSES.iter().all(|clause| clause.id != **id))
        {
            let first: Vec<_> = CLAUSES.iter().take(3).map(|clause| clause.id).collect();
            return Err(Failure::Usage(format!(
                "there is no clause \"{unknown}\"; clauses are {}, ...",
                first.join(", ")
            )));
        }
        let config = context.config()?;
        let total = if self.only.is_empty() { CLAUSES.len() } else { self.only.len() };
        let progress = Progress::new(context.global.quiet, "conformance", total as u64);
        let mut options = Options::new().jobs(self.jobs.into()).progress(move |clause| {
            progress.say(clause.id);
            progress.step();
        });
        if !self.only.is_empty() {
            options = options.only(self.only);
        }
        let report = if config.backend() == "memory" && config.lock_backend().is_none() {
            run(Arc::new(MemoryFactory::new()), options).await
        } else {
            run_in_scratch(context, &config, options).await?
        };
        let mut out = context.output();
        out.line(if out.is_json() { report.to_json() } else { report.to_string() })?;
        out.finish()?;
        match report.failed().as_slice() {
            [] => Ok(()),
            failed => Err(Failure::Unsound(format!(
                "the storage breaks {}; do not rely on it",
                failed.join(", ")
            ))),
        }
    }
}

async fn run_in_scratch(
    context: &Context,
    config: &Config,
    options: Options,
) -> Result<Report, Failure> {
    if config.backend() == "memory" || config.lock_backend() == Some("memory") {
        let message = "values or locks in memory cannot be opened twice, as the suite needs; test each backend alone";
        return Err(Error::new(ErrorKind::Unsupported, message).into());
    }
    let scratch = format!(".conformance~{:08x}-{}", std::process::id(), unix_micros());
    let factory = Arc::new(Scratch::new(config, scratch.clone()));
    let mut arguments = Vec::new();
    for argument in context.storage_arguments() {
        let text = argument.into_string();
        arguments.push(text.map_err(|_| {
            Failure::Usage("the storage's name is to be UTF-8 for this command".into())
        })?);
    }
    arguments.extend(["conformance-worker".to_owned(), scratch]);
    let options = options.worker(Worker::this_program(arguments)?);
    let report = tokio::select! {
        report = run(factory.clone(), options) => Some(report),
        _ = tokio::signal::ctrl_c() => None,
    };
    factory.clear().await?;
    report.ok_or_else(|| {
        Failure::Unsound("interrupted; what the suite had stored was removed".into())
    })
}

fn unix_micros() -> u128 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| since.as_micros())
}

/// The lease of the suite: several cases outlive one.
const LEASE: Duration = Duration::from_secs(2);

/// The configured storage, each namespace in a place of its own beneath it.
struct Scratch {
    config: Config,
    scratch: String,
    /// The namespaces that may hold something.
    used: Mutex<BTreeSet<String>>,
}

impl Scratch {
    fn new(config: &Config, scratch: String) -> Self {
        Self { config: config.with_lease(LEASE), scratch, used: Mutex::default() }
    }

    fn place(&self, namespace: &str) -> String {
        format!("{}/{namespace}", self.scratch)
    }

    fn used(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether all of it lies in directories.
    fn is_on_files(&self) -> bool {
        self.config.backend() == "fs" && self.config.lock_backend().is_none_or(|lock| lock == "fs")
    }

    /// Removes what an interrupted run has left, and the place of all namespaces.
    async fn clear(&self) -> Result<(), Error> {
        let used: Vec<_> = self.used().iter().cloned().collect();
        for namespace in used {
            self.remove(&namespace).await?;
        }
        // Where places lie within one another, this is around all of them.
        remove_beneath(&self.config, &self.scratch).await
    }
}

#[async_trait]
impl Factory for Scratch {
    fn name(&self) -> &str {
        self.config.backend()
    }

    async fn open(&self, namespace: &str) -> certstore::Result<Arc<dyn Storage>> {
        self.used().insert(namespace.to_owned());
        certstore::open(&self.config.beneath(&self.place(namespace))?).await
    }

    /// A client whose directory has been removed under it. A service cannot be taken away from its other users.
    async fn open_faulty(&self, namespace: &str) -> certstore::Result<Option<Arc<dyn Storage>>> {
        if !self.is_on_files() {
            return Ok(None);
        }
        let namespace = format!("{namespace}-faulty");
        let storage = self.open(&namespace).await?;
        self.remove(&namespace).await?;
        Ok(Some(storage))
    }

    async fn remove(&self, namespace: &str) -> certstore::Result<()> {
        remove_beneath(&self.config, &self.place(namespace)).await?;
        self.used().remove(namespace);
        Ok(())
    }
}

/// The other processes of the suite.
#[derive(Debug, Args)]
pub(crate) struct ConformanceWorker {
    /// The scratch directory of the process that runs the suite
    scratch: String,
}

impl ConformanceWorker {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        Ok(run_worker(&Scratch::new(&context.config()?, self.scratch)).await?)
    }
}
