//! `certstore copy`.

use std::path::PathBuf;

use certstore::copy::{CopyOptions, CopyReport, copy};
use certstore::{Config, Dir};
use clap::Args;

use super::Context;
use crate::exit::Failure;
use crate::output::Output;
use crate::progress::Progress;

/// Copy everything, or one directory, to another storage, and verify each value
#[derive(Debug, Args)]
#[command(after_help = "\
Before the first write it lists both storages and reports what the other cannot hold. Values that are there already, byte \
for byte, are left alone, so a copy that was interrupted is resumed by running it again. Locks are not copied.

Copy to a storage that nobody serves from meanwhile.

Examples:
  certstore --storage file:///var/lib/caddy copy --to file:///srv/backup --dry-run
  certstore copy --to file:///srv/backup certificates
  certstore --storage file:///var/lib/caddy copy --to-config sealed.toml")]
pub(crate) struct Copy {
    /// The directory or the value to copy; everything without it
    #[arg(default_value = "", hide_default_value = true)]
    dir: String,
    /// The storage to copy to
    #[arg(long, value_name = "URL", required_unless_present = "to_config")]
    to: Option<String>,
    /// The storage to copy to, as a config file says: its [storage.seal] seals what is copied
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    to_config: Option<PathBuf>,
    /// Compare and report only; write nothing
    #[arg(long)]
    dry_run: bool,
    /// Leave out stored names that are no valid keys, instead of stopping at them
    #[arg(long)]
    skip_foreign: bool,
    /// How many values are copied at once
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
}

impl Copy {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let mut options = CopyOptions::default();
        options.dir = Dir::new(&self.dir)?;
        options.dry_run = self.dry_run;
        options.skip_foreign = self.skip_foreign;
        options.concurrency = self.jobs.into();
        let source = context.open().await?;
        let target = match &self.to_config {
            // The variables of the environment name the storage to copy from.
            Some(file) => Config::from_file(file)?.without_cache(),
            None => Config::from_url(self.to.as_deref().unwrap_or_default())?,
        };
        let target = certstore::open(&target).await?;
        let progress = Progress::new(context.global.quiet, "copying", 0);
        let report =
            copy(&*source, &*target, &options, |at| progress.at(at.done, at.total)).await?;
        drop(progress);
        let mut out = context.output();
        if out.is_json() {
            out.json(&report)?;
        } else {
            print(&report, &mut out)?;
        }
        out.finish()
    }
}

fn print(report: &CopyReport, out: &mut Output) -> Result<(), Failure> {
    let would = if report.dry_run { "would be " } else { "" };
    out.line(format_args!(
        "{} values {would}copied, {} {would}overwritten, {} equal already; {} bytes{}",
        report.copied,
        report.overwritten,
        report.unchanged,
        report.bytes,
        if report.dry_run { "; nothing was written" } else { ", each read back" },
    ))?;
    if report.vanished > 0 {
        out.line(format_args!("{} values were deleted in the source meanwhile", report.vanished))?;
    }
    for name in &report.foreign {
        out.line(format_args!("left out, as it is no valid key: {name:?}"))?;
    }
    Ok(())
}
