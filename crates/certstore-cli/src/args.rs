//! The command line.

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand};

use crate::commands::{
    bench, certs, completions, conformance, copy, exists, get, keyset, lock, locks, ls, put,
    reseal, rm, schema, stat, unlock, verify,
};
use crate::supervise;

/// Keep TLS certificates, keys and ACME state in the storage you already run.
#[derive(Debug, Parser)]
#[command(
    name = "certstore",
    version,
    styles = Styles::styled().header(AnsiColor::Green.on_default().bold()).literal(AnsiColor::Cyan.on_default().bold()),
    max_term_width = 110,
    after_help = EXAMPLES,
    after_long_help = long_help(),
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The storage as a URL, like file:///var/lib/certstore, redis://host:6379/0 or s3://bucket/prefix
    #[arg(long, short = 's', global = true, value_name = "URL", conflicts_with = "config")]
    pub(crate) storage: Option<String>,
    /// The config file [default: $CERTSTORE_CONFIG, else certstore.toml here, else the default storage]
    #[arg(long, short = 'c', global = true, value_name = "FILE")]
    pub(crate) config: Option<std::path::PathBuf>,
    /// Print data as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say more of what is done, on the standard error; up to three times
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Show no warnings and no progress
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Put(put::Put),
    Get(get::Get),
    Rm(rm::Rm),
    Ls(ls::Ls),
    Stat(stat::Stat),
    Exists(exists::Exists),
    Lock(lock::LockCommand),
    Locks(locks::Locks),
    Unlock(unlock::Unlock),
    Certs(certs::Certs),
    Clean(crate::commands::clean::Clean),
    Copy(copy::Copy),
    Export(crate::commands::export::Export),
    Import(crate::commands::import::Import),
    Verify(verify::Verify),
    Watch(crate::commands::watch::Watch),
    Doctor(crate::commands::doctor::Doctor),
    Conformance(conformance::Conformance),
    Keyset(keyset::KeysetCommand),
    Seal(reseal::Seal),
    Reseal(reseal::Reseal),
    Unseal(reseal::Unseal),
    Bench(bench::Bench),
    Obtain(crate::commands::obtain::Obtain),
    Renew(crate::commands::renew::Renew),
    Revoke(crate::commands::revoke::Revoke),
    Manage(crate::commands::manage::Manage),
    Serve(crate::commands::serve::Serve),
    Schema(schema::Schema),
    Completions(completions::Completions),
    /// Print this help as Markdown
    #[command(hide = true)]
    MarkdownHelp,
    /// Run a command in its own process group and end it with the process that holds the lock
    #[command(hide = true)]
    Supervise(supervise::Supervise),
    /// Wait for a lock, for `bench`
    #[command(hide = true)]
    BenchPeer(bench::BenchPeer),
    /// Serve the conformance suite from a process of its own
    #[command(hide = true)]
    ConformanceWorker(conformance::ConformanceWorker),
}

impl Command {
    /// Whether it breaks things on purpose, so that what the libraries warn of is nothing to act on.
    pub(crate) fn provokes_warnings(&self) -> bool {
        matches!(self, Self::Conformance(_) | Self::ConformanceWorker(_))
    }
}

const EXAMPLES: &str = "\
Examples:
  certstore put certificates/local/example.com/example.com.key key.pem
  certstore certs --expiring-in 30d
  certstore lock issue_cert_example.com -- ./renew.sh
  certstore --storage file:///var/lib/caddy copy --to file:///srv/backup

Exit codes: 0 done, 1 failed, 2 bad usage, key or config, 3 not found, 4 lock busy or lost.";

fn long_help() -> String {
    format!(
        "{EXAMPLES}\n\nConfig: one TOML file with the sections [storage] and, to lock elsewhere, [storage.lock]; \
         [storage.seal] encrypts what is stored. The keys, each also as CERTSTORE_STORAGE_KEY in the environment:\n{}",
        certstore::config_help()
    )
}
