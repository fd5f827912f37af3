//! `certstore stat`.

use certstore::Key;
use clap::Args;

use super::{Context, Entry, or_dash, rfc3339};
use crate::exit::Failure;

/// Show what is known of a key without loading its value
#[derive(Debug, Args)]
#[command(after_help = "\
With --json it is an object with key, size (bytes), modified (RFC 3339) and is_terminal (false for a directory).

Example:
  certstore stat certificates/local/example.com/example.com.crt")]
pub(crate) struct Stat {
    /// The key
    key: String,
}

impl Stat {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let key = Key::new(&self.key)?;
        let info = context.open().await?.stat(&key).await?;
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
