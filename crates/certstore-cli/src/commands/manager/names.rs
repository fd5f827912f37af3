//! Something done for each of several names, and what is told of it.

use std::future::Future;

use certstore::bundle::BundleKeys;
use certstore_acme::{Certificate, Error};
use futures_util::{StreamExt as _, stream};
use serde::Serialize;

use super::described;
use crate::commands::rfc3339;
use crate::exit::{Failure, one_line};
use crate::output::Output;
use crate::progress::Progress;

/// As many as a manager obtains at a time.
const AT_A_TIME: usize = 16;

/// What became of a name.
pub(in crate::commands) enum Done {
    /// The word for it, and the certificate.
    Well(&'static str, Certificate),
    /// There is no certificate to tell of, as after a revocation.
    Gone(&'static str),
}

/// A name, and what became of it.
pub(in crate::commands) struct Obtained {
    pub(in crate::commands) subject: String,
    pub(in crate::commands) done: Result<Done, String>,
}

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    outcome: &'a str,
    issuer: Option<&'a str>,
    not_after: Option<String>,
    certificate: Option<String>,
    private_key: Option<String>,
    error: Option<&'a str>,
}

/// Does `work` for every name, several at a time.
pub(in crate::commands) async fn each<F>(
    quiet: bool,
    what: &'static str,
    subjects: &[String],
    work: impl Fn(String) -> F,
) -> Vec<Obtained>
where
    F: Future<Output = Result<Done, Error>>,
{
    let progress = Progress::new(quiet, what, subjects.len().try_into().unwrap_or(0));
    let (work, progress) = (&work, &progress);
    let tasks = subjects.iter().map(|subject| async move {
        let done = work(subject.clone()).await.map_err(|error| one_line(&described(&error)));
        progress.step();
        Obtained { subject: subject.clone(), done }
    });
    let mut all: Vec<Obtained> = stream::iter(tasks).buffered(AT_A_TIME).collect().await;
    all.sort_by(|a, b| a.subject.cmp(&b.subject));
    all
}

/// Prints what became of each; fails if one failed.
pub(in crate::commands) fn report(all: &[Obtained], mut out: Output) -> Result<(), Failure> {
    let rows: Vec<Row<'_>> = all.iter().map(row).collect();
    if out.is_json() {
        out.json(&rows)?;
    } else {
        let width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
        for row in &rows {
            let rest = match (row.error, &row.not_after) {
                (Some(error), _) => error.to_owned(),
                (None, Some(until)) => {
                    format!("until {until}  {}", row.certificate.as_deref().unwrap_or_default())
                }
                (None, None) => String::new(),
            };
            let line = format!("{:<10}{:<width$}  {rest}", row.outcome, row.name);
            out.line(line.trim_end())?;
        }
    }
    out.finish()?;
    let failed = rows.iter().filter(|row| row.error.is_some()).count();
    match failed {
        0 => Ok(()),
        failed => Err(Failure::Unsound(format!("{failed} of {} names failed", rows.len()))),
    }
}

fn row(obtained: &Obtained) -> Row<'_> {
    let name = &*obtained.subject;
    let empty = Row {
        name,
        outcome: "FAILED",
        issuer: None,
        not_after: None,
        certificate: None,
        private_key: None,
        error: None,
    };
    match &obtained.done {
        Err(error) => Row { error: Some(error), ..empty },
        Ok(Done::Gone(outcome)) => Row { outcome, ..empty },
        Ok(Done::Well(outcome, certificate)) => {
            let keys = certificate.issuer().and_then(|issuer| BundleKeys::new(issuer, name).ok());
            Row {
                outcome,
                issuer: certificate.issuer(),
                not_after: Some(rfc3339(certificate.not_after())),
                certificate: keys.as_ref().map(|keys| keys.certificate().to_string()),
                private_key: keys.as_ref().map(|keys| keys.private_key().to_string()),
                ..empty
            }
        }
    }
}
