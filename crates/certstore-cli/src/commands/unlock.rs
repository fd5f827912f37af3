//! `certstore unlock`.

use certstore::{FencingToken, LockName};
use clap::Args;

use super::Context;
use crate::exit::Failure;

/// Take a lock away from a holder that is known to be dead
#[derive(Debug, Args)]
#[command(after_help = "\
`certstore locks` shows the token. Only the lock of exactly this token is broken: one that has passed on to another holder \
stays. A holder that lives learns that it has lost the lock.

Example:
  certstore unlock issue_cert_example.com --force --token 1795309200000000")]
pub(crate) struct Unlock {
    /// The name of the lock
    name: String,
    /// Say that the holder is known to be dead
    #[arg(long, required = true)]
    force: bool,
    /// The token of the holder, as `certstore locks` shows it
    #[arg(long, value_name = "N")]
    token: u64,
}

impl Unlock {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let name = LockName::new(&self.name)?;
        Ok(context.open().await?.break_lock(&name, FencingToken(self.token)).await?)
    }
}
