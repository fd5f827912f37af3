//! `certstore clean`.

use std::time::Duration;

use certstore::clean::{
    CleanEvent, CleanFinding, CleanKind, CleanOptions, CleanOutcome, CleanReport, clean,
};
use clap::Args;
use serde::Serialize;

use super::Context;
use crate::exit::{Failure, one_line};
use crate::output::Output;
use crate::progress::Progress;

/// Remove what nobody needs any more: expired certificates, dead OCSP staples, stale challenges and orders, unfinished files
#[derive(Debug, Args)]
#[command(after_help = "\
Only keys of CertMagic's layout are looked at, and only values whose content shows that they are what the key says are \
removed; what cannot be read is reported and stays. A certificate goes with its key and metadata, under the lock that \
its renewal takes, after it was read again.

Caddy, CertMagic and certstore take turns: last_clean.json says when somebody last cleaned, and until the interval is over \
nothing is done. --dry-run shows what would go, whoever's turn it is.

With --json it is an object with skipped, looked, certificates, staples, challenge_tokens, orders, temporary, renewed, busy, \
garbage, failed, dry_run and findings: an array of objects with key, kind, outcome and detail. It exits with 1 if something \
could not be removed.

Examples:
  certstore clean --dry-run
  certstore clean --grace 30d
  certstore --storage file:///var/lib/caddy clean --force")]
pub(crate) struct Clean {
    /// Show what would be removed; lock and write nothing
    #[arg(long)]
    dry_run: bool,
    /// How long after its end a certificate is kept
    #[arg(long, value_name = "TIME", default_value = "14d", value_parser = certstore::parse_duration)]
    grace: Duration,
    /// The age from which challenges and unfinished files are removed
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = certstore::parse_duration)]
    stale_after: Duration,
    /// How long after the last cleaning the next one is due
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = certstore::parse_duration)]
    interval: Duration,
    /// Clean now, whenever somebody last did
    #[arg(long, conflicts_with = "interval")]
    force: bool,
    /// How long to wait for a site's lock before the site is left for the next time
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = certstore::parse_duration)]
    wait: Duration,
    /// How many values are looked at together
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
}

impl Clean {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let options = self.options();
        let storage = context.open().await?;
        let progress = Progress::new(context.global.quiet, "cleaning", 0);
        let mut findings = Vec::new();
        let report = clean(&*storage, &options, |event| match event {
            CleanEvent::Found(finding) => findings.push(finding),
            _ => progress.step(),
        })
        .await?;
        drop(progress);
        findings.sort_by(|a, b| a.key.cmp(&b.key));
        let mut out = context.output();
        if out.is_json() {
            out.json(&Shown { report: &report, findings: &findings })?;
        } else {
            print(&report, &findings, &mut out)?;
        }
        out.finish()?;
        if report.failed == 0 {
            return Ok(());
        }
        Err(Failure::Unsound(format!(
            "{} of what should be gone could not be removed; see above why, and clean again with --force",
            report.failed
        )))
    }

    fn options(&self) -> CleanOptions {
        let mut options = CleanOptions::default();
        options.dry_run = self.dry_run;
        options.grace = self.grace;
        options.stale_after = self.stale_after;
        options.interval = if self.force { Duration::ZERO } else { self.interval };
        options.patience = self.wait;
        options.concurrency = self.jobs.into();
        options.instance_id = format!("certstore-{}", std::process::id());
        options
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    report: &'a CleanReport,
    findings: &'a [CleanFinding],
}

fn print(report: &CleanReport, findings: &[CleanFinding], out: &mut Output) -> Result<(), Failure> {
    if let Some(taken) = &report.skipped {
        let by = if taken.instance_id.is_empty() {
            String::new()
        } else {
            format!(" by {}", one_line(&taken.instance_id))
        };
        return out.line(format_args!(
            "nothing was done: cleaned at {}{by}, due again in {} s; --force cleans now",
            one_line(&taken.last),
            taken.due_in_seconds
        ));
    }
    for finding in findings {
        out.line(format_args!(
            "{:<13}{} {}: {}",
            outcome(finding.outcome),
            kind(finding.kind),
            finding.key,
            one_line(&finding.detail)
        ))?;
    }
    let would = if report.dry_run { "would be " } else { "" };
    out.line(format_args!(
        "{} values looked at; {would}removed: {} certificates, {} staples, {} challenges, {} orders, {} unfinished files",
        report.looked,
        report.certificates,
        report.staples,
        report.challenge_tokens,
        report.orders,
        report.temporary
    ))?;
    out.line(format_args!(
        "left: {} renewed meanwhile, {} locked, {} not what their key says, {} failed",
        report.renewed, report.busy, report.garbage, report.failed
    ))
}

fn outcome(outcome: CleanOutcome) -> &'static str {
    match outcome {
        CleanOutcome::Removed => "removed",
        CleanOutcome::WouldRemove => "would remove",
        CleanOutcome::Renewed => "renewed",
        CleanOutcome::Busy => "locked",
        CleanOutcome::Garbage => "garbage",
        _ => "FAILED",
    }
}

fn kind(kind: CleanKind) -> &'static str {
    match kind {
        CleanKind::Certificate => "certificate",
        CleanKind::Staple => "staple",
        CleanKind::ChallengeToken => "challenge",
        CleanKind::Order => "order",
        CleanKind::HealthCheck => "check of the storage",
        _ => "file",
    }
}
