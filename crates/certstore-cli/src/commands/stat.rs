//! `certstore stat`.

use certstore::Key;
use clap::Args;

use super::{Context, Entry, or_dash, rfc3339};
use crate::exit::Failure;

/// Show what is known of a key; its value is not loaded
#[derive(Debug, Args)]
#[command(after_help = "\
The size is that of the value, also in a sealed store; where the backend does not tell it, as while a store is being sealed, \
it is shown as - (null with --json), and --exact loads the value to count.

With --json it is an object with key, size (bytes), modified (RFC 3339) and is_terminal (false for a directory).

Examples:
  certstore stat certificates/local/example.com/example.com.crt
  certstore stat --exact --json certificates/local/example.com/example.com.key")]
pub(crate) struct Stat {
    /// The key
    key: String,
    /// Load the value where its size cannot be known otherwise
    #[arg(long)]
    exact: bool,
}

impl Stat {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let key = Key::new(&self.key)?;
        let storage = context.open().await?;
        let info = if self.exact {
            certstore::stat_exact(&*storage, &key).await?
        } else {
            storage.stat(&key).await?
        };
        let mut out = context.output();
        if out.is_json() {
            out.json(&Entry::from(info))?;
        } else {
            out.line(format_args!("key       {}", info.key))?;
            out.line(format_args!(
                "kind      {}",
                if info.is_terminal { "value" } else { "directory" }
            ))?;
            out.line(format_args!("size      {}", or_dash(info.size)))?;
            out.line(format_args!("modified  {}", or_dash(info.modified.map(rfc3339))))?;
        }
        out.finish()
    }
}
