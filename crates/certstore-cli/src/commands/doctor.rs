//! `certstore doctor`.

use certstore::doctor::{CheckStatus, DoctorOptions, DoctorReport, doctor};
use clap::Args;

use super::Context;
use crate::exit::{Failure, one_line};
use crate::output::Output;

/// Say what is wrong with this config, server, bucket, clock or permission, and what to do
#[derive(Debug, Args)]
#[command(after_help = "\
Looks, in this order, at the config and what it names, the keyset's file, whether the server answers, takes the \
credentials and has the bucket or database, each permission, locking, the clock, what is stored, foreign names and locks; \
what fails has a line that says what to do. What it writes lies in a directory of its \
own, which is removed again. It exits with 1 if a check fails; warnings do not count.

With --json it is an object with ok and checks: an array of objects with check, status (ok, warn, fail or skipped), detail \
and advice.

Examples:
  certstore doctor
  certstore --config /etc/certstore.toml doctor --json")]
pub(crate) struct Doctor {}

impl Doctor {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let config = match context.config() {
            Ok(config) => Ok(config),
            Err(Failure::Storage(error)) => Err(error),
            Err(other) => return Err(other),
        };
        let report = doctor(config, &DoctorOptions::default()).await;
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
        Err(Failure::Unsound(format!(
            "{} of {} checks failed; what to do stands beside each",
            report.count(CheckStatus::Fail),
            report.checks.len()
        )))
    }
}

fn print(report: &DoctorReport, out: &mut Output) -> Result<(), Failure> {
    for check in &report.checks {
        let status = match check.status {
            CheckStatus::Ok => "ok",
            CheckStatus::Warn => "WARN",
            CheckStatus::Fail => "FAIL",
            _ => "skipped",
        };
        out.line(format_args!(
            "{status:<8}{}: {}",
            one_line(&check.check),
            one_line(&check.detail)
        ))?;
        if let Some(advice) = &check.advice {
            out.line(format_args!("{:8}-> {}", "", one_line(advice)))?;
        }
    }
    out.line(format_args!(
        "{} checks: {} ok, {} warnings, {} failed, {} skipped",
        report.checks.len(),
        report.count(CheckStatus::Ok),
        report.count(CheckStatus::Warn),
        report.count(CheckStatus::Fail),
        report.count(CheckStatus::Skipped)
    ))
}
