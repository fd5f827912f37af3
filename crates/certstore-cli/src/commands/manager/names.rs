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
    /// It was interrupted before.
    Not,
}

/// A name, and what became of it.
pub(in crate::commands) struct Obtained {
    subject: String,
    done: Result<Done, String>,
    /// Whether its certificate could be handed on.
    handed: Result<(), Failure>,
}

impl Obtained {
    pub(in crate::commands) fn new(
        subject: String,
        done: Result<Done, Error>,
        handed: Result<(), Failure>,
    ) -> Self {
        Self { subject, done: done.map_err(|error| one_line(&described(&error))), handed }
    }
}

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    outcome: &'a str,
    issuer: Option<&'a str>,
    not_after: Option<String>,
    certificate: Option<String>,
    private_key: Option<String>,
    error: Option<String>,
}

/// Does `work` for every name, several at a time.
pub(in crate::commands) async fn each<F>(
    quiet: bool,
    what: &'static str,
    subjects: &[String],
    work: impl Fn(String) -> F,
) -> Vec<Obtained>
where
    F: Future<Output = Obtained>,
{
    let progress = Progress::new(quiet, what, subjects.len().try_into().unwrap_or(0));
    let (work, progress) = (&work, &progress);
    let tasks = subjects.iter().map(|subject| async move {
        let done = work(subject.clone()).await;
        progress.step();
        done
    });
    let mut all: Vec<Obtained> = stream::iter(tasks).buffer_unordered(AT_A_TIME).collect().await;
    all.sort_by(|a, b| a.subject.cmp(&b.subject));
    all
}

/// Prints what became of each; fails if one failed, or a signal has ended the work.
pub(in crate::commands) fn report(
    all: &[Obtained],
    signal: Option<u8>,
    out: Output,
) -> Result<(), Failure> {
    let printed = print(all, out);
    for failure in all.iter().filter_map(|one| one.handed.as_ref().err()) {
        failure.report();
    }
    // What has failed has failed, whether or not anybody reads the rest.
    verdict(all, signal).and(printed)
}

fn print(all: &[Obtained], mut out: Output) -> Result<(), Failure> {
    let rows: Vec<Row<'_>> = all.iter().map(row).collect();
    if out.is_json() {
        out.json(&rows)?;
        return out.finish();
    }
    let width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    for row in &rows {
        let rest = match (&row.not_after, &row.error) {
            (Some(until), _) => {
                format!("until {until}  {}", row.certificate.as_deref().unwrap_or_default())
            }
            (None, error) => error.clone().unwrap_or_default(),
        };
        let line = format!("{:<12}{:<width$}  {rest}", row.outcome, row.name);
        out.line(line.trim_end())?;
    }
    out.finish()
}

fn verdict(all: &[Obtained], signal: Option<u8>) -> Result<(), Failure> {
    let count = |of: fn(&&Obtained) -> bool| all.iter().filter(of).count();
    let left = count(|one| matches!(one.done, Ok(Done::Not)));
    let failed = count(|one| one.done.is_err());
    let kept = count(|one| one.handed.is_err());
    let names = all.len();
    if let Some(signal) = signal
        && left + kept > 0
    {
        let done = names - left - failed;
        let message = format!(
            "interrupted when {done} of {names} names were done; what was ordered is resumed the next time"
        );
        return Err(Failure::Interrupted { message, signal });
    }
    let message = match (failed, kept) {
        (0, 0) => return Ok(()),
        (0, kept) => format!("{kept} of {names} names could not be handed on"),
        (failed, 0) => format!("{failed} of {names} names failed"),
        (failed, kept) => {
            format!("{failed} of {names} names failed, and {kept} could not be handed on")
        }
    };
    Err(Failure::Unsound(message))
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
        Err(error) => Row { error: Some(error.clone()), ..empty },
        Ok(Done::Gone(outcome)) => Row { outcome, ..empty },
        Ok(Done::Not) => Row { outcome: "interrupted", ..empty },
        Ok(Done::Well(outcome, certificate)) => {
            let keys = certificate.issuer().and_then(|issuer| BundleKeys::new(issuer, name).ok());
            Row {
                outcome,
                issuer: certificate.issuer(),
                not_after: Some(rfc3339(certificate.not_after())),
                certificate: keys.as_ref().map(|keys| keys.certificate().to_string()),
                private_key: keys.as_ref().map(|keys| keys.private_key().to_string()),
                error: obtained.handed.as_ref().err().and_then(Failure::text),
                ..empty
            }
        }
    }
}
