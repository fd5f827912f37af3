//! `certstore verify`.

use certstore::Dir;
use certstore::verify::{VerifyOptions, VerifyReport, open_asked, verify};
use clap::Args;

use super::Context;
use crate::exit::{Failure, one_line};
use crate::output::Output;
use crate::progress::Progress;

/// Read everything once: does each value load, does each certificate match its key, does the backend hold its word
#[derive(Debug, Args)]
#[command(after_help = "\
The backend is probed with a value and a lock of its own, which are removed again; with --no-probe, or read_only \
in the config, nothing is written at all. \
An S3 store is asked, with some 150 small requests, whether it keeps what S3 promises of conditional requests: locks rest \
on them. \
It exits with 1 if anything is wrong. With --json it is an object with ok, values, bytes, certificates, problems, notes, \
foreign and probe.

Examples:
  certstore verify
  certstore --storage file:///srv/backup verify --no-probe certificates")]
pub(crate) struct Verify {
    /// The directory to read; everything without it
    #[arg(default_value = "", hide_default_value = true)]
    dir: String,
    /// Read only: do not probe the backend
    #[arg(long)]
    no_probe: bool,
}

impl Verify {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let mut options = VerifyOptions::default();
        options.dir = Dir::new(&self.dir)?;
        let config = context.config()?;
        options.probe = !self.no_probe && !config.is_read_only();
        let (storage, mut probe) = if options.probe {
            open_asked(&config).await?
        } else {
            (certstore::open(&config).await?, Vec::new())
        };
        let progress = Progress::new(context.global.quiet, "verifying", 0);
        let mut report = verify(&*storage, &options, |_| progress.step()).await?;
        drop(progress);
        probe.append(&mut report.probe);
        report.probe = probe;
        let mut out = context.output();
        if out.is_json() {
            let mut shown =
                serde_json::to_value(&report).map_err(|error| Failure::printing(error.into()))?;
            shown["ok"] = report.is_ok().into();
            out.json(&shown)?;
        } else {
            print(&report, &mut out)?;
        }
        out.finish()?;
        if report.is_ok() {
            return Ok(());
        }
        let steps = report.probe.iter().filter(|step| !step.ok).count();
        let wrong = format!(
            "{} problems in what is stored, {steps} in the backend's probe",
            report.problems.len()
        );
        Err(Failure::Unsound(format!(
            "the storage is not sound: {wrong}; restore what is damaged from a copy"
        )))
    }
}

fn print(report: &VerifyReport, out: &mut Output) -> Result<(), Failure> {
    out.line(format_args!("{} values read, {} bytes", report.values, report.bytes))?;
    out.line(format_args!("{} certificates match their keys", report.certificates))?;
    for problem in &report.problems {
        out.line(format_args!("PROBLEM  {} {}", problem.key, one_line(&problem.problem)))?;
    }
    for note in &report.notes {
        out.line(format_args!("note     {} {}", note.key, one_line(&note.problem)))?;
    }
    if !report.foreign.is_empty() {
        out.line(format_args!(
            "{} stored names are no valid keys, so nobody reads them:",
            report.foreign.len()
        ))?;
        report.foreign.iter().try_for_each(|name| out.line(format_args!("foreign  {name:?}")))?;
    }
    let done = report.probe.iter().filter(|step| step.ok).count();
    if !report.probe.is_empty() {
        out.line(format_args!(
            "probe of the backend: {done} of {} steps as they should be",
            report.probe.len()
        ))?;
    }
    for step in &report.probe {
        let label = if step.ok { "note    " } else { "PROBLEM " };
        if let Some(detail) = &step.detail {
            out.line(format_args!("{label} {}: {}", step.step, one_line(detail)))?;
        }
    }
    Ok(())
}
