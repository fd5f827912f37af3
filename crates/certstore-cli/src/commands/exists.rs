//! `certstore exists`.

use std::process::ExitCode;

use certstore::Key;
use clap::Args;
use serde_json::json;

use super::Context;
use crate::exit::{NOT_FOUND, Outcome};

/// Exit with 0 if there is a value or a directory at a key, else with 3
#[derive(Debug, Args)]
#[command(after_help = "\
It prints nothing, except with --json. A fault of the storage is 1, never 3.

Example:
  certstore exists certificates/local/example.com/example.com.crt || ./issue.sh")]
pub(crate) struct Exists {
    /// The key
    key: String,
}

impl Exists {
    pub(crate) async fn run(self, context: &Context) -> Outcome {
        let key = Key::new(&self.key)?;
        let exists = context.open().await?.exists(&key).await?;
        let mut out = context.output();
        if out.is_json() {
            out.json(&json!({ "key": key.as_str(), "exists": exists }))?;
        }
        out.finish()?;
        Ok(if exists { ExitCode::SUCCESS } else { ExitCode::from(NOT_FOUND) })
    }
}
