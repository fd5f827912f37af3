//! `certstore lock`.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use certstore::{Lock, LockName, Storage};
use clap::Args;

use super::{Context, rfc3339};
use crate::exit::{Failure, LOCK, Outcome, one_line};
use crate::supervise::{Ended, Supervised};

/// How long before the deadline a command is told to end, at most.
const WARNING: Duration = Duration::from_secs(2);

/// Run a command while holding a lock
#[derive(Debug, Args)]
#[command(after_help = "\
The command finds the lock's token in CERTSTORE_LOCK_TOKEN and its name in CERTSTORE_LOCK_NAME. It runs in a process group \
of its own. Signals that end certstore are passed on to the group. When the lock is about to be lost, the group gets \
SIGTERM, and SIGKILL before anybody else can hold the lock; if certstore itself dies, the group gets SIGKILL at once, and \
if certstore is stopped, at the deadline.

Exit codes: 4 if the lock is busy (--busy-code changes that); then the code of the command, 128+n if a signal n ended it, \
126 or 127 if it could not be run; 4 with a message if the lock was lost.

Examples:
  certstore lock issue_cert_example.com -- ./renew.sh
  certstore lock nightly --try --busy-code 0 -- ./clean-up.sh
  certstore lock deploy --wait 5m -- sh -c 'echo token $CERTSTORE_LOCK_TOKEN'")]
pub(crate) struct LockCommand {
    /// The name of the lock
    name: String,
    /// Do not wait: exit at once if somebody holds the lock. A dead holder needs --wait longer than the lease
    #[arg(long = "try", conflicts_with = "wait")]
    try_once: bool,
    /// Wait at most this long, like 30s; without it, as long as it takes
    #[arg(long, value_name = "TIME", value_parser = certstore::parse_duration)]
    wait: Option<Duration>,
    /// The exit code if the lock is busy
    #[arg(long, value_name = "N", default_value_t = LOCK)]
    busy_code: u8,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

impl LockCommand {
    pub(crate) async fn run(self, context: &Context) -> Outcome {
        let name = LockName::new(&self.name)?;
        let storage = context.open().await?;
        let Some(guard) = self.acquire(&*storage, &name).await? else {
            let message = self.busy(&*storage, &name).await;
            return Err(Failure::Busy { message, code: self.busy_code });
        };
        tracing::info!(lock = %name, token = %guard.token(), "held");
        let environment = [
            ("CERTSTORE_LOCK_TOKEN", guard.token().to_string()),
            ("CERTSTORE_LOCK_NAME", name.to_string()),
        ];
        let supervised = Supervised::start(&self.command, &environment)?;
        let margin = guard.remaining().map_or(WARNING, |whole| WARNING.min(whole / 4));
        match supervised.run_under(&guard, margin).await? {
            Ended::Itself(code) => give_back(guard, &name).await.map(|()| ExitCode::from(code)),
            Ended::Lost(reason) => {
                // It is ours no more, or not for long: whether it can still be given back changes nothing.
                let _ = guard.unlock().await;
                Err(lost(&name, &reason))
            }
        }
    }

    /// The lock, or nothing when it is busy.
    async fn acquire(
        &self,
        storage: &dyn Storage,
        name: &LockName,
    ) -> Result<Option<Lock>, Failure> {
        if self.try_once {
            return Ok(storage.try_lock(name).await?);
        }
        match self.wait {
            None => Ok(Some(storage.lock(name).await?)),
            Some(wait) => match tokio::time::timeout(wait, storage.lock(name)).await {
                Ok(lock) => Ok(Some(lock?)),
                Err(_) => Ok(None),
            },
        }
    }

    /// Who has it, and what to do.
    async fn busy(&self, storage: &dyn Storage, name: &LockName) -> String {
        let locks = storage.locks().await.unwrap_or_default();
        let held = locks.iter().find(|lock| lock.name == name.as_str()).or(match &*locks {
            [only] => Some(only),
            _ => None,
        });
        let holder =
            held.and_then(|lock| lock.holder.as_deref()).map(|holder| format!(" by {holder}"));
        let since =
            held.and_then(|lock| lock.since).map(|since| format!(" since {}", rfc3339(since)));
        let advice = match (self.try_once, storage.capabilities().lease) {
            (true, Some(lease)) => {
                format!(
                    "--wait TIME waits for it; a dead holder needs more than the lease of {} s",
                    lease.as_secs_f64()
                )
            }
            (true, None) => "--wait TIME waits for it".to_owned(),
            (false, _) => "wait longer, or see `certstore locks`".to_owned(),
        };
        let name = one_line(name.as_str());
        format!(
            "the lock \"{name}\" is held{}{}; {advice}",
            holder.unwrap_or_default(),
            since.unwrap_or_default()
        )
    }
}

/// Gives the lock back after the command has ended by itself.
async fn give_back(guard: Lock, name: &LockName) -> Result<(), Failure> {
    match guard.unlock().await {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == certstore::ErrorKind::LockLost => {
            Err(lost(name, &error.to_string()))
        }
        Err(error) => {
            tracing::warn!(%error, "the lock could not be given back; it frees itself within its lease");
            Ok(())
        }
    }
}

fn lost(name: &LockName, reason: &str) -> Failure {
    Failure::Lost(format!(
        "the lock \"{}\" was lost while the command ran: {reason}; check what it has left half done",
        one_line(name.as_str())
    ))
}
