//! Locks need a server that forgets nothing.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use certstore_core::{Error, ErrorKind, Result};
use tokio::time::Instant;

use crate::connection::Connection;
use crate::error::BACKEND;
use crate::script::Script;

/// The one policy under which no record is evicted.
const SAFE: &str = "noeviction";

/// How long a finding stands: the policy can be changed while the server runs.
const TRUSTED: Duration = Duration::from_secs(60);

/// What the server does when its memory is used up, asked at the first lock, after each reconnect, and every minute.
pub(crate) struct Policy {
    /// Any name in the slot: the node that keeps it is asked.
    place: String,
    script: Script,
    /// The connection on which it was found safe, and when.
    found: Mutex<Option<(u64, Instant)>>,
}

impl Policy {
    pub(crate) fn new(place: String) -> Self {
        let script = Script::reading(include_str!("../scripts/policy.lua"));
        Self { place, script, found: Mutex::default() }
    }

    pub(crate) async fn check(&self, connection: &Connection) -> Result<()> {
        let generation = connection.generation();
        let found = *self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.is_some_and(|(on, at)| on == generation && at.elapsed() < TRUSTED) {
            return Ok(());
        }
        let policy = self.ask(connection).await?;
        if policy != SAFE {
            return Err(evicting(&policy));
        }
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        *found = Some((generation, Instant::now()));
        Ok(())
    }

    /// Warns of a policy under which values vanish. Where it cannot be found out, locks will tell.
    pub(crate) async fn warn(&self, connection: &Connection) {
        match self.ask(connection).await {
            Ok(policy) if policy != SAFE => {
                let policy = shown(&policy);
                tracing::warn!(%policy,
                    "the server evicts values when its memory is used up; set maxmemory-policy noeviction");
            }
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "the server's maxmemory-policy is not known"),
        }
    }

    /// By INFO, or by CONFIG where the user may not use that.
    async fn ask(&self, connection: &Connection) -> Result<String> {
        let told: Result<Option<String>> =
            connection.script(&self.script, &[self.place.as_bytes()], &[]).await;
        match told {
            Ok(Some(policy)) => return Ok(policy),
            Err(error) if error.kind() != ErrorKind::PermissionDenied => return Err(error),
            _ => {}
        }
        let mut cmd = redis::cmd("CONFIG");
        cmd.arg("GET").arg("maxmemory-policy");
        let told: Result<std::collections::HashMap<String, String>> = connection.query(&cmd).await;
        match told {
            Ok(mut told) => told.remove("maxmemory-policy").ok_or_else(forbidden),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                Err(forbidden().with_source(error))
            }
            Err(error) => Err(error),
        }
    }
}

fn evicting(policy: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!(
            "the server may evict lock records (maxmemory-policy {}); set maxmemory-policy noeviction, or lock through another backend with [storage.lock]",
            shown(policy)
        ),
    )
    .with_backend(BACKEND)
}

/// What the server says, fit for a line.
fn shown(policy: &str) -> String {
    policy.chars().take(40).flat_map(char::escape_debug).collect()
}

fn forbidden() -> Error {
    Error::new(
        ErrorKind::PermissionDenied,
        "this user may not ask for the server's maxmemory-policy, which locks depend on; allow INFO (+info)",
    )
    .with_backend(BACKEND)
}
