//! The commands, a file each.

pub(crate) mod bench;
pub(crate) mod certs;
pub(crate) mod clean;
pub(crate) mod completions;
pub(crate) mod conformance;
pub(crate) mod copy;
pub(crate) mod doctor;
pub(crate) mod exists;
pub(crate) mod export;
pub(crate) mod get;
pub(crate) mod import;
pub(crate) mod keyset;
pub(crate) mod lock;
pub(crate) mod locks;
pub(crate) mod ls;
pub(crate) mod manage;
mod manager;
pub(crate) mod markdown;
pub(crate) mod obtain;
pub(crate) mod put;
pub(crate) mod renew;
pub(crate) mod reseal;
pub(crate) mod revoke;
pub(crate) mod rm;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod stat;
pub(crate) mod unlock;
pub(crate) mod verify;
pub(crate) mod watch;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use certstore::{Config, Environment, KeyInfo, Storage};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::args::{Cli, Command, Global};
use crate::exit::{Failure, Outcome};
use crate::output::Output;
use crate::supervise;

/// Runs the command that the command line names.
pub(crate) async fn run(cli: Cli) -> Outcome {
    let context = Context { global: cli.global };
    let done = ExitCode::SUCCESS;
    match cli.command {
        Command::Put(put) => put.run(&context).await.map(|()| done),
        Command::Get(get) => get.run(&context).await.map(|()| done),
        Command::Rm(rm) => rm.run(&context).await.map(|()| done),
        Command::Ls(ls) => ls.run(&context).await.map(|()| done),
        Command::Stat(stat) => stat.run(&context).await.map(|()| done),
        Command::Exists(exists) => exists.run(&context).await,
        Command::Lock(lock) => lock.run(&context).await,
        Command::Locks(locks) => locks.run(&context).await.map(|()| done),
        Command::Unlock(unlock) => unlock.run(&context).await.map(|()| done),
        Command::Certs(certs) => certs.run(&context).await.map(|()| done),
        Command::Clean(clean) => clean.run(&context).await.map(|()| done),
        Command::Copy(copy) => copy.run(&context).await.map(|()| done),
        Command::Verify(verify) => verify.run(&context).await.map(|()| done),
        Command::Export(export) => export.run(&context).await.map(|()| done),
        Command::Import(import) => import.run(&context).await.map(|()| done),
        Command::Watch(watch) => watch.run(&context).await.map(|()| done),
        Command::Doctor(doctor) => doctor.run(&context).await.map(|()| done),
        Command::Conformance(conformance) => conformance.run(&context).await.map(|()| done),
        Command::Keyset(keyset) => keyset.run(&context).map(|()| done),
        Command::Seal(seal) => seal.run(&context).await.map(|()| done),
        Command::Reseal(reseal) => reseal.run(&context).await.map(|()| done),
        Command::Unseal(unseal) => unseal.run(&context).await.map(|()| done),
        Command::Bench(bench) => bench.run(&context).await.map(|()| done),
        Command::Obtain(obtain) => obtain.run(&context).await.map(|()| done),
        Command::Renew(renew) => renew.run(&context).await.map(|()| done),
        Command::Revoke(revoke) => revoke.run(&context).await.map(|()| done),
        Command::Manage(manage) => manage.run(&context).await.map(|()| done),
        Command::Serve(serve) => serve.run(&context).await.map(|()| done),
        Command::Schema(schema) => schema.run(&context).map(|()| done),
        Command::Completions(completions) => completions.run().map(|()| done),
        Command::MarkdownHelp => markdown::run().map(|()| done),
        Command::Supervise(supervise) => supervise::run(supervise).await,
        Command::BenchPeer(peer) => peer.run(&context).await.map(|()| done),
        Command::ConformanceWorker(worker) => worker.run(&context).await.map(|()| done),
    }
}

/// What all commands share.
pub(crate) struct Context {
    pub(crate) global: Global,
}

impl Context {
    /// The config that is in force, without its copy: an operator asks what the storage says, and the copy belongs to a
    /// process that runs.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        let Global { storage, config, .. } = &self.global;
        let config = match (storage, config) {
            (Some(url), _) => Config::from_url(url)?,
            (None, Some(file)) => Config::from_file_in(file, &Environment::of_process())?,
            (None, None) => Config::discover()?,
        };
        Ok(config.without_cache())
    }

    /// Opens the storage.
    pub(crate) async fn open(&self) -> Result<Arc<dyn Storage>, Failure> {
        Ok(certstore::open(&self.config()?).await?)
    }

    /// Where data is printed.
    pub(crate) fn output(&self) -> Output {
        Output::new(self.global.json)
    }

    /// The arguments that give another process of this program the same storage.
    pub(crate) fn storage_arguments(&self) -> Vec<std::ffi::OsString> {
        let Global { storage, config, .. } = &self.global;
        match (storage, config) {
            (Some(url), _) => vec!["--storage".into(), url.into()],
            (None, Some(file)) => vec!["--config".into(), file.into()],
            (None, None) => Vec::new(),
        }
    }
}

/// What `stat` and `ls -l` tell of a key: the names of the fields are stable.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    key: String,
    size: Option<u64>,
    modified: Option<String>,
    is_terminal: bool,
}

impl From<KeyInfo> for Entry {
    fn from(info: KeyInfo) -> Self {
        Self {
            key: info.key.as_str().to_owned(),
            size: info.size,
            modified: info.modified.map(rfc3339),
            is_terminal: info.is_terminal,
        }
    }
}

/// A time in RFC 3339, UTC, with whole seconds.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    let whole = OffsetDateTime::from(time).replace_nanosecond(0);
    whole.ok().and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_else(|| "-".to_owned())
}

/// A value that may be missing, for a table.
pub(crate) fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
