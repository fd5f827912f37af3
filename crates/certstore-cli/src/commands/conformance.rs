//! `certstore conformance`.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use certstore::{Config, Error, ErrorKind, Storage};
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

Nothing that is stored is touched: on files, everything happens in a directory .conformance~* inside the storage's \
directory, on the same disk and under the same permissions; the name is no key, so it is in no list, and it is removed in \
the end. A memory storage is tested empty. Locks are held for several leases, so it takes a minute or two.

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
    let factory = Arc::new(Scratch { config: config.clone(), scratch: scratch.clone() });
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
    remove(factory.directories("")?)
        .await
        .map_err(|error| Failure::local("remove the scratch directory", error))?;
    report.ok_or_else(|| Failure::Unsound("interrupted; the scratch directory was removed".into()))
}

fn unix_micros() -> u128 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| since.as_micros())
}

/// The configured storage, each namespace in a directory of its own below the scratch directory.
struct Scratch {
    config: Config,
    scratch: String,
}

impl Scratch {
    fn namespace(&self, namespace: &str) -> Result<Config, Error> {
        self.config.beneath(&format!("{}/{namespace}", self.scratch))
    }

    fn directories(&self, namespace: &str) -> Result<Vec<PathBuf>, Error> {
        Ok(self.namespace(namespace)?.paths().map(ToOwned::to_owned).collect())
    }
}

async fn remove(directories: Vec<PathBuf>) -> io::Result<()> {
    let removal = tokio::task::spawn_blocking(move || {
        directories.iter().try_for_each(|directory| match std::fs::remove_dir_all(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        })
    });
    removal.await.map_err(io::Error::other)?
}

#[async_trait]
impl Factory for Scratch {
    fn name(&self) -> &str {
        self.config.backend()
    }

    async fn open(&self, namespace: &str) -> certstore::Result<Arc<dyn Storage>> {
        certstore::open(&self.namespace(namespace)?).await
    }

    /// A client whose directory has been removed under it.
    async fn open_faulty(&self, namespace: &str) -> certstore::Result<Option<Arc<dyn Storage>>> {
        let namespace = format!("{namespace}-faulty");
        let storage = self.open(&namespace).await?;
        self.remove(&namespace).await?;
        Ok(Some(storage))
    }

    async fn remove(&self, namespace: &str) -> certstore::Result<()> {
        let removed = remove(self.directories(namespace)?).await;
        removed.map_err(|error| {
            Error::new(ErrorKind::Other, "the namespace cannot be removed").with_source(error)
        })
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
        Ok(run_worker(&Scratch { config: context.config()?, scratch: self.scratch }).await?)
    }
}
