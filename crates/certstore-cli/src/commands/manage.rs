//! `certstore manage`.

use std::sync::Arc;

use certstore_acme::{Certificate, ConfigBuilder, Event, subject};
use clap::Args;
use serde::Serialize;
use tokio::sync::mpsc;

use super::manager::{Session, SessionArgs};
use super::{Context, rfc3339};
use crate::exit::{Failure, one_line};
use crate::output::Output;

/// How many new certificates may wait to be told of; more are told with the next.
const WAITING: usize = 1024;

/// Keep certificates for these names in the storage, renewed, until it is interrupted
#[derive(Debug, Args)]
#[command(after_help = "\
For servers that do not obtain certificates themselves and read them from the storage, from --out, or are told by --hook. \
Start it on several machines over one storage: each certificate is ordered once, all hand it on.

A line is printed for each certificate that is there, and for each new one. With --json a line is an object with name, \
event (valid, failed), issuer, not_after, error and retry_after, in seconds.

Examples:
  certstore manage example.com www.example.com --agree --email ops@example.com --out /etc/nginx/tls --hook 'nginx -s reload'
  certstore --storage s3://bucket/tls manage example.com --agree --no-http --no-https")]
pub(crate) struct Manage {
    /// The names: domains, *.domains, IP addresses
    #[arg(required = true, value_name = "DOMAIN")]
    names: Vec<String>,
    #[command(flatten)]
    session: SessionArgs,
}

/// What is told of a name.
enum Told {
    Valid(Certificate),
    Failed { subject: String, error: String, retry_after: Option<u64> },
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    event: &'a str,
    issuer: Option<&'a str>,
    not_after: Option<String>,
    error: Option<&'a str>,
    retry_after: Option<u64>,
}

impl Manage {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let subjects: Vec<String> =
            self.names.iter().map(|name| subject(name)).collect::<Result<_, _>>()?;
        let (tell, told) = mpsc::channel(WAITING);
        let tell = Arc::new(tell);
        let handler = move |event: &Event<'_>| {
            if let Some(one) = Told::of(event) {
                // Whoever is that far behind hands on what is newest then.
                drop(tell.try_send(one));
            }
        };
        let build = |builder: ConfigBuilder| builder.on_event(handler);
        let work = async |session: &Session| work(session, context, &subjects, told).await;
        self.session.run(context, &subjects, build, work).await
    }
}

async fn work(
    session: &Session,
    context: &Context,
    subjects: &[String],
    mut told: mpsc::Receiver<Told>,
) -> Result<(), Failure> {
    session.config.manage_in_background(subjects).map_err(super::manager::failure)?;
    let renewing = session.config.maintain();
    let mut out = context.output();
    'told: loop {
        let next = tokio::select! {
            Some(next) = told.recv() => next,
            _ = session.interrupt.come() => break,
        };
        print(&next, &mut out)?;
        let Told::Valid(certificate) = next else { continue };
        for subject in certificate.names().iter().filter(|name| subjects.contains(name)) {
            tokio::select! {
                handed = session.delivery.hand_on(subject, &certificate, true) => if let Err(failure) = handed {
                    // The next certificate may well be handed on.
                    failure.report();
                },
                _ = session.interrupt.come() => break 'told,
            }
        }
    }
    renewing.stop().await;
    Ok(())
}

impl Told {
    fn of(event: &Event<'_>) -> Option<Self> {
        match event {
            Event::CachedManaged { certificate } => Some(Self::Valid((*certificate).clone())),
            Event::Failed { subject, error, retry_after } => Some(Self::Failed {
                subject: (*subject).to_owned(),
                error: one_line(&super::manager::described(error)),
                retry_after: retry_after.map(|wait| wait.as_secs()),
            }),
            _ => None,
        }
    }
}

fn print(told: &Told, out: &mut Output) -> Result<(), Failure> {
    let name = match told {
        Told::Valid(certificate) => certificate.names().join(","),
        Told::Failed { subject, .. } => subject.clone(),
    };
    if out.is_json() {
        let empty = Line {
            name: &name,
            event: "failed",
            issuer: None,
            not_after: None,
            error: None,
            retry_after: None,
        };
        let line = match told {
            Told::Valid(certificate) => Line {
                event: "valid",
                issuer: certificate.issuer(),
                not_after: Some(rfc3339(certificate.not_after())),
                ..empty
            },
            Told::Failed { error, retry_after, .. } => {
                Line { error: Some(error), retry_after: *retry_after, ..empty }
            }
        };
        let text = serde_json::to_string(&line).map_err(|error| Failure::printing(error.into()))?;
        out.line(text)?;
    } else {
        match told {
            Told::Valid(certificate) => {
                out.line(format_args!(
                    "valid   {name}  until {}",
                    rfc3339(certificate.not_after())
                ))?;
            }
            Told::Failed { error, retry_after, .. } => {
                let again = retry_after.map(|wait| format!("; again in {wait} s"));
                out.line(format_args!("failed  {name}  {error}{}", again.unwrap_or_default()))?;
            }
        }
    }
    out.flush()
}
