//! `certstore manage`.

mod courier;
mod news;

use std::sync::Arc;

use certstore_acme::{ConfigBuilder, subject};
use clap::Args;
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::manager::{Session, SessionArgs};
use super::{Context, rfc3339};
use crate::exit::Failure;
use crate::output::{Output, Telling};
use news::{News, Told};

/// Keep certificates for these names in the storage, renewed, until it is interrupted
#[derive(Debug, Args)]
#[command(after_help = "\
For servers that do not obtain certificates themselves and read them from the storage, from --out, or are told by --hook. \
Start it on several machines over one storage: each certificate is ordered once, all hand it on. What could not be handed \
on is tried again, after 5 seconds at first and after 10 minutes at last, until it succeeds or a newer certificate is there.

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
        let news = Arc::new(News::of(&subjects));
        let heard = Arc::clone(&news);
        let build = |builder: ConfigBuilder| builder.on_event(move |event| heard.hear(event));
        let json = context.global.json;
        let work = async |session: &Session| work(session, json, &subjects, news).await;
        self.session.run(context, &subjects, build, work).await
    }
}

async fn work(
    session: &Session,
    json: bool,
    subjects: &[String],
    news: Arc<News>,
) -> Result<(), Failure> {
    session.config.manage_in_background(subjects).map_err(super::manager::failure)?;
    let mut couriers = JoinSet::new();
    for (subject, newest) in news.certificates() {
        let (delivery, interrupt) = (Arc::clone(&session.delivery), session.interrupt.clone());
        couriers.spawn(courier::hand_on(delivery, subject.clone(), newest, interrupt));
    }
    let renewing = session.config.maintain();
    let (interrupt, runtime) = (session.interrupt.clone(), Handle::current());
    // In a thread of its own: whoever reads slowly, or not at all, holds up nothing else.
    let _printing = tokio::task::spawn_blocking(move || {
        let mut telling = Telling::new(Output::new(json));
        runtime.block_on(async {
            loop {
                let told = tokio::select! {
                    told = news.next() => told,
                    _ = interrupt.come() => return,
                };
                for (subject, told) in &told {
                    telling.tell(|out| print(subject, told, out));
                }
            }
        });
    });
    session.interrupt.come().await;
    renewing.stop().await;
    while couriers.join_next().await.is_some() {}
    Ok(())
}

fn print(name: &str, told: &Told, out: &mut Output) -> Result<(), Failure> {
    if out.is_json() {
        out.line(
            serde_json::to_string(&line(name, told))
                .map_err(|error| Failure::printing(error.into()))?,
        )?;
    } else {
        match told {
            Told::Valid(certificate) => {
                let until = rfc3339(certificate.not_after());
                out.line(format_args!("valid   {name}  until {until}"))?;
            }
            Told::Failed { error, retry_after } => {
                let again = retry_after.map(|wait| format!("; again in {wait} s"));
                out.line(format_args!("failed  {name}  {error}{}", again.unwrap_or_default()))?;
            }
        }
    }
    out.flush()
}

fn line<'a>(name: &'a str, told: &'a Told) -> Line<'a> {
    let empty = Line {
        name,
        event: "failed",
        issuer: None,
        not_after: None,
        error: None,
        retry_after: None,
    };
    match told {
        Told::Valid(certificate) => Line {
            event: "valid",
            issuer: certificate.issuer(),
            not_after: Some(rfc3339(certificate.not_after())),
            ..empty
        },
        Told::Failed { error, retry_after } => {
            Line { error: Some(error), retry_after: *retry_after, ..empty }
        }
    }
}
