//! `certstore ls`.

use certstore::{Dir, Error, ErrorKind, Key, KeyInfo, Storage};
use clap::Args;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Context, Entry, or_dash, rfc3339};
use crate::exit::Failure;
use crate::table::columns;

/// How many keys are looked at together.
const TOGETHER: usize = 32;

/// List keys
#[derive(Debug, Args)]
#[command(after_help = "\
Keys are sorted bytewise. With --json it is an array: of keys, or with -l of objects with key, size, modified and is_terminal.

Examples:
  certstore ls
  certstore ls -r certificates
  certstore ls -l --json acme")]
pub(crate) struct Ls {
    /// The directory to list; everything without it
    #[arg(default_value = "", hide_default_value = true)]
    dir: String,
    /// List everything below the directory
    #[arg(long, short)]
    recursive: bool,
    /// Show size and time of each key
    #[arg(long, short)]
    long: bool,
}

impl Ls {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let dir = Dir::new(&self.dir)?;
        let storage = context.open().await?;
        let mut out = context.output();
        if !self.long {
            let keys = storage.list(&dir, self.recursive).await?;
            if out.is_json() {
                out.json(&keys.iter().map(Key::as_str).collect::<Vec<_>>())?;
            } else {
                keys.iter().try_for_each(|key| out.line(key))?;
            }
            return out.finish();
        }
        let entries = if self.recursive {
            storage.walk(&dir).try_collect().await?
        } else {
            children(&*storage, &dir).await?
        };
        if out.is_json() {
            out.json(&entries.into_iter().map(Entry::from).collect::<Vec<_>>())?;
        } else {
            let rows: Vec<_> = entries.iter().map(row).collect();
            columns(["SIZE", "MODIFIED", "KEY"], &rows)
                .iter()
                .try_for_each(|line| out.line(line))?;
        }
        out.finish()
    }
}

async fn children(storage: &dyn Storage, dir: &Dir) -> Result<Vec<KeyInfo>, Error> {
    let keys = storage.list(dir, false).await?;
    let infos = stream::iter(keys).map(async |key| match storage.stat(&key).await {
        Ok(info) => Ok(Some(info)),
        // Deleted since it was listed.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    });
    infos.buffered(TOGETHER).try_filter_map(async |info| Ok(info)).try_collect().await
}

fn row(info: &KeyInfo) -> [String; 3] {
    let size = if info.is_terminal { or_dash(info.size) } else { "dir".to_owned() };
    [size, or_dash(info.modified.map(rfc3339)), info.key.to_string()]
}
