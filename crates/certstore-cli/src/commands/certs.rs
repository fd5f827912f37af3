//! `certstore certs`.

use std::time::{Duration, SystemTime};

use certstore::Dir;
use certstore::inventory::{CertificateDetails, CertificateRow, InventoryOptions, KeyMatch, certs};
use clap::Args;

use super::Context;
use crate::exit::{Failure, one_line};
use crate::output::Output;
use crate::table::cut;

/// List the stored certificates, soonest expiry first
#[derive(Debug, Args)]
#[command(after_help = "\
For each certificate: its names, who issued it, how long it is valid, the kind of its key, and whether the private key \
beside it belongs to it. A file that holds no certificate is listed last, with what is wrong with it.

With --json it is an array of objects with names, common_name, issuer, serial, not_before, not_after, days_left, key_type, \
authority, chain_length, key_found, key_matches, certificate, private_key and error.

Examples:
  certstore certs
  certstore certs --expiring-in 30d
  certstore certs certificates/acme-v02.api.letsencrypt.org-directory")]
pub(crate) struct Certs {
    /// The directory to look in; everywhere without it
    #[arg(default_value = "", hide_default_value = true)]
    dir: String,
    /// Only those that expire within this time, have expired, or cannot be read; like 30d
    #[arg(long, value_name = "TIME", value_parser = certstore::parse_duration)]
    expiring_in: Option<Duration>,
}

impl Certs {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let mut options = InventoryOptions::default();
        options.dir = Dir::new(&self.dir)?;
        let storage = context.open().await?;
        let mut rows = certs(&*storage, &options).await?;
        if let Some(within) = self.expiring_in {
            rows.retain(|row| row.expires_within(within.as_secs(), options.now));
        }
        let mut out = context.output();
        if out.is_json() {
            out.json(&rows)?;
        } else {
            print(&rows, options.now, &mut out)?;
        }
        out.finish()
    }
}

/// Two lines a certificate: what an operator asks first, and below it where its key lies.
fn print(rows: &[CertificateRow], now: SystemTime, out: &mut Output) -> Result<(), Failure> {
    let layout = Layout::of(rows);
    out.line(layout.line(["DAYS", "FROM", "UNTIL", "KEY", "MATCH", "NAMES", "ISSUER"]))?;
    for row in rows {
        match &row.details {
            Some(details) => {
                out.line(layout.details(details, &row.key))?;
                out.line(format_args!(
                    "{:>7}{}",
                    "",
                    row.private_key.as_ref().unwrap_or(&row.certificate)
                ))?;
            }
            None => out.line(format_args!("{:>5}  {}", "?", row.certificate))?,
        }
        if let Some(error) = &row.error {
            out.line(format_args!("{:>7}{}", "", one_line(error)))?;
        }
    }
    out.line(summary(rows, now))
}

/// The widths of the columns that give way when the terminal is narrow.
struct Layout {
    names: usize,
    issuer: usize,
}

impl Layout {
    fn of(rows: &[CertificateRow]) -> Self {
        let details = || rows.iter().filter_map(|row| row.details.as_ref());
        let widest = |width: &dyn Fn(&CertificateDetails) -> usize| {
            details().map(width).max().unwrap_or(0).max(6)
        };
        let names = widest(&|details| shown_names(details).chars().count());
        let issuer = widest(&|details| details.issuer.chars().count());
        let rest = Output::width().saturating_sub(7 + 12 + 12 + 13 + 8 + 2);
        let names = names.min(rest.saturating_sub(issuer.min(rest * 2 / 5)));
        Self { names, issuer: issuer.min(rest - names) }
    }

    fn line(&self, [days, from, until, key, matched, names, issuer]: [&str; 7]) -> String {
        let (names, issuer) = (cut(names, self.names), cut(issuer, self.issuer));
        let line = format!(
            "{days:>5}  {from:<12}{until:<12}{:<13}{matched:<8}{names:<width$}  {issuer}",
            cut(key, 12),
            width = self.names
        );
        line.trim_end().to_owned()
    }

    fn details(&self, details: &CertificateDetails, key: &KeyMatch) -> String {
        let matched = match key {
            KeyMatch::Yes => "yes",
            KeyMatch::No => "NO",
            KeyMatch::Missing => "no key",
            KeyMatch::Unknown(_) => "?",
        };
        let (days, names) = (details.days_left.to_string(), shown_names(details));
        let (from, until) = (date(&details.not_before), date(&details.not_after));
        self.line([&days, from, until, &details.key_type, matched, &names, &details.issuer])
    }
}

fn date(rfc3339: &str) -> &str {
    rfc3339.get(..10).unwrap_or(rfc3339)
}

fn shown_names(details: &CertificateDetails) -> String {
    let mark = if details.authority { "CA " } else { "" };
    match &*details.names {
        [] => format!("{mark}(no name)"),
        [one] => format!("{mark}{one}"),
        [first, more @ ..] => format!("{mark}{first} +{}", more.len()),
    }
}

fn summary(rows: &[CertificateRow], now: SystemTime) -> String {
    const SOON: u64 = 30 * 86_400;
    let broken = rows.iter().filter(|row| row.details.is_none()).count();
    let within =
        |seconds| rows.iter().filter(|row| row.expires_within(seconds, now)).count() - broken;
    let (expired, soon) = (within(0), within(SOON) - within(0));
    let strange = rows.iter().filter(|row| row.key == KeyMatch::No).count();
    format!(
        "{} certificates: {expired} expired, {soon} within 30 days; {strange} with another's key, {broken} not readable",
        rows.len()
    )
}
