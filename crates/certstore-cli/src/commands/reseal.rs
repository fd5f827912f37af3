//! `certstore seal`, `reseal` and `unseal`.

use certstore::Dir;
use certstore::seal::{ResealOptions, ResealReport, reseal, seal_in_place, unseal};
use clap::Args;
use serde_json::json;

use super::Context;
use crate::exit::{Failure, one_line};
use crate::progress::Progress;

/// Seal what is stored in the clear, beside processes that go on
#[derive(Debug, Args)]
#[command(after_help = "\
First give every process a config with [storage.seal] and accept_plaintext = true: what they write is then sealed, and what \
is not sealed yet is read all the same. Run this. Then take accept_plaintext away again everywhere. A run that was \
interrupted is resumed by running it again.

Examples:
  certstore keyset create --out keyset.json
  certstore --config sealed.toml seal")]
pub(crate) struct Seal {
    #[command(flatten)]
    run: Run,
}

/// Bring every value under the keyset's primary key
#[derive(Debug, Args)]
#[command(after_help = "\
After `certstore keyset add` and `keyset primary`, when every process has the new keyset. Values that are under the primary \
key already are left alone, so a run that was interrupted is resumed by running it again. Then the old key can be disabled.

Example:
  certstore --config sealed.toml reseal")]
pub(crate) struct Reseal {
    #[command(flatten)]
    run: Run,
}

/// Turn what is sealed back into plaintext, beside processes that go on
#[derive(Debug, Args)]
#[command(after_help = "\
First give every process a config with accept_plaintext = true in [storage.seal]. Run this with all of them stopped from \
writing, or run it again until nothing is rewritten: what they write is still sealed. Then take [storage.seal] away.

Example:
  certstore --config sealed.toml unseal")]
pub(crate) struct Unseal {
    #[command(flatten)]
    run: Run,
}

#[derive(Debug, Args)]
struct Run {
    /// The directory; everything without it
    #[arg(default_value = "", hide_default_value = true)]
    dir: String,
    /// Say that nobody writes meanwhile: for a backend without conditional writes, where a write could be lost
    #[arg(long)]
    offline: bool,
    /// How many values are rewritten at once
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
}

#[derive(Debug, Clone, Copy)]
enum Work {
    Seal,
    Reseal,
    Unseal,
}

impl Seal {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        self.run.run(context, Work::Seal).await
    }
}

impl Reseal {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        self.run.run(context, Work::Reseal).await
    }
}

impl Unseal {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        self.run.run(context, Work::Unseal).await
    }
}

impl Run {
    async fn run(self, context: &Context, work: Work) -> Result<(), Failure> {
        let mut options = ResealOptions::default();
        options.dir = Dir::new(&self.dir)?;
        options.offline = self.offline;
        options.concurrency = self.jobs.into();
        let storage = certstore::open_sealed(&context.config()?).await?;
        let what = match work {
            Work::Seal => "sealing",
            Work::Reseal => "resealing",
            Work::Unseal => "unsealing",
        };
        let progress = Progress::new(context.global.quiet, what, 0);
        let step = |_| progress.step();
        let report = match work {
            Work::Seal => seal_in_place(&storage, &options, step).await?,
            Work::Reseal => reseal(&storage, &options, step).await?,
            Work::Unseal => unseal(&storage, &options, step).await?,
        };
        drop(progress);
        show(&report, context)?;
        if report.damaged == 0 {
            return Ok(());
        }
        Err(Failure::Unsound(format!(
            "{} values do not open and were left as they are; restore them from a copy, or add the key that sealed them",
            report.damaged
        )))
    }
}

fn show(report: &ResealReport, context: &Context) -> Result<(), Failure> {
    let mut out = context.output();
    if out.is_json() {
        let damaged: Vec<&str> = report.damaged_keys.iter().map(|key| key.as_str()).collect();
        out.json(&json!({
            "rewritten": report.rewritten,
            "unchanged": report.unchanged,
            "vanished": report.vanished,
            "bytes": report.bytes,
            "damaged": report.damaged,
            "damaged_keys": damaged,
            "marked": report.marked,
        }))?;
        return out.finish();
    }
    out.line(format_args!(
        "{} values rewritten, {} bytes; {} were as they should be",
        report.rewritten, report.bytes, report.unchanged
    ))?;
    if report.vanished > 0 {
        out.line(format_args!("{} values were deleted meanwhile", report.vanished))?;
    }
    for key in &report.damaged_keys {
        out.line(format_args!("PROBLEM  {} does not open", one_line(key.as_str())))?;
    }
    if report.marked {
        out.line(format_args!(
            "the store is marked as wholly sealed: sizes are known without loading"
        ))?;
    }
    out.finish()
}
