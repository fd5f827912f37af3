//! `certstore watch`.

use std::time::Duration;

use certstore::watch::{WatchOptions, WatchSource, watch};
use certstore::{Change, Dir};
use clap::Args;
use futures_util::StreamExt;
use serde::Serialize;

use super::Context;
use crate::exit::Failure;
use crate::output::Output;

/// Show changes as they happen
#[derive(Debug, Args)]
#[command(after_help = "\
Redis and PostgreSQL tell of changes where they are set up for it. Where a backend cannot, as files cannot, the directory is \
listed again and again, and of several changes of a key between two looks only the last is seen.

A line a change: `stored KEY`, `deleted KEY`, or `overflow` when changes were missed, so list again. The first line says \
what is watched, and how. With --json each line is an object with change and key; the first has change \"watching\", the \
directory as key, and by. It ends when it is interrupted.

Examples:
  certstore watch certificates
  certstore watch --json | jq -r 'select(.change == \"stored\").key'
  certstore watch certificates --count 1 && systemctl reload nginx")]
pub(crate) struct Watch {
    /// The directory to watch; everything without it
    #[arg(default_value = "", hide_default_value = true)]
    dir: String,
    /// How often to look where the backend does not tell
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = certstore::parse_duration)]
    poll: Duration,
    /// Look also where the backend would tell
    #[arg(long)]
    always_poll: bool,
    /// End after this many changes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

#[derive(Serialize)]
struct Line<'a> {
    change: &'a str,
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
}

impl Watch {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let dir = Dir::new(&self.dir)?;
        let mut options = WatchOptions::default();
        // Without a pause between two looks it would do nothing else.
        options.poll = self.poll.max(Duration::from_millis(100));
        options.always_poll = self.always_poll;
        let mut watching = watch(context.open().await?, &dir, &options).await?;
        let by = match watching.source {
            WatchSource::Notification => "notification",
            _ => "polling",
        };
        let mut out = context.output();
        print(&mut out, &Line { change: "watching", key: Some(dir.as_str()), by: Some(by) })?;
        let mut left = self.count;
        while left != Some(0)
            && let Some(change) = watching.changes.next().await
        {
            match change? {
                Change::Stored(key) => line(&mut out, "stored", Some(key.as_str()))?,
                Change::Deleted(key) => line(&mut out, "deleted", Some(key.as_str()))?,
                _ => line(&mut out, "overflow", None)?,
            }
            left = left.map(|left| left - 1);
        }
        out.finish()
    }
}

fn line(out: &mut Output, change: &str, key: Option<&str>) -> Result<(), Failure> {
    print(out, &Line { change, key, by: None })
}

fn print(out: &mut Output, line: &Line<'_>) -> Result<(), Failure> {
    if out.is_json() {
        let text = serde_json::to_string(line).map_err(|error| Failure::printing(error.into()))?;
        out.line(text)?;
    } else {
        let key = match line.key {
            Some("") => " everything".to_owned(),
            Some(key) => format!(" {key}"),
            None => String::new(),
        };
        let by = line.by.map(|by| format!(" by {by}")).unwrap_or_default();
        out.line(format_args!("{}{key}{by}", line.change))?;
    }
    out.flush()
}
