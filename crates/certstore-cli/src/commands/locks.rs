//! `certstore locks`.

use certstore::LockInfo;
use clap::Args;
use serde::Serialize;

use super::{Context, or_dash, rfc3339};
use crate::exit::{Failure, one_line};
use crate::table::{columns, cut};

/// Show who holds which lock, since when, with which token
#[derive(Debug, Args)]
#[command(after_help = "\
ALIVE is what the backend knows of the holder: yes, no, or - where only waiting can tell. Where names are mapped (files), \
it shows the mapped name. With --json it is an array of objects with name, token, holder, since, renewed and alive.

Example:
  certstore locks")]
pub(crate) struct Locks {}

#[derive(Debug, Serialize)]
struct Held {
    name: String,
    token: Option<u64>,
    holder: Option<String>,
    since: Option<String>,
    renewed: Option<String>,
    alive: Option<bool>,
}

impl From<LockInfo> for Held {
    fn from(info: LockInfo) -> Self {
        Self {
            name: info.name,
            token: info.token.map(|token| token.0),
            holder: info.holder,
            since: info.since.map(rfc3339),
            renewed: info.renewed.map(rfc3339),
            alive: info.alive,
        }
    }
}

impl Locks {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let held: Vec<Held> =
            context.open().await?.locks().await?.into_iter().map(Held::from).collect();
        let mut out = context.output();
        if out.is_json() {
            out.json(&held)?;
        } else {
            let rows: Vec<_> = held.into_iter().map(row).collect();
            columns(["LOCK", "TOKEN", "SINCE", "RENEWED", "ALIVE", "HOLDER"], &rows)
                .iter()
                .try_for_each(|line| out.line(line))?;
        }
        out.finish()
    }
}

fn row(held: Held) -> [String; 6] {
    let alive = held.alive.map(|alive| if alive { "yes" } else { "no" });
    [
        cut(&one_line(&held.name), 60),
        or_dash(held.token),
        or_dash(held.since),
        or_dash(held.renewed),
        or_dash(alive),
        or_dash(held.holder.map(|holder| cut(&one_line(&holder), 60))),
    ]
}
