//! Lock records, judged by the server's clock.

mod policy;
mod wake;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use certstore_core::lease::{Claim, LeaseConfig, Record, Register, State, Stored, Swap, Wake};
use certstore_core::{Error, ErrorKind, Result, Version};

use crate::config::{RedisConfig, WakeUp};
use crate::connection::Connection;
use crate::error::{BACKEND, unexpected_reply};
use crate::script::Script;
use crate::tree::Names;
pub(crate) use policy::Policy;
pub(crate) use wake::at_release;

/// How long a record outlives its last use.
const KEEP: Duration = Duration::from_secs(30 * 24 * 3600);

/// One hash a lock: the record as text, and what the scripts look at beside it. The end of a lease is a number in it, no
/// expiry of the key: so what a dead holder left stays visible, and can be broken.
#[derive(Clone)]
pub(crate) struct RedisRegister(Arc<Inner>);

struct Inner {
    connection: Connection,
    names: Names,
    claim: Script,
    swap: Script,
    held: Script,
    policy: Policy,
    grace: Duration,
    /// The identity of the locks: a server that was emptied may have got another one since.
    id: String,
    /// The channel of releases; empty where nobody is woken.
    releases: String,
}

impl RedisRegister {
    pub(crate) fn new(
        connection: &Connection,
        names: Names,
        id: String,
        config: &RedisConfig,
        lease: &LeaseConfig,
    ) -> Self {
        // The engine gives a request up after its own limit; a dead connection must be noticed before.
        let connection = connection.with_limit(lease.request() * 9 / 10);
        let releases = match config.wake {
            WakeUp::Push => names.releases(),
            WakeUp::None => String::new(),
        };
        Self(Arc::new(Inner {
            policy: Policy::new(names.lock_names()),
            connection,
            names,
            claim: Script::writing(concat!(
                include_str!("../scripts/tree.lua"),
                include_str!("../scripts/claim.lua")
            )),
            swap: Script::writing(concat!(
                include_str!("../scripts/tree.lua"),
                include_str!("../scripts/swap.lua")
            )),
            held: Script::reading(include_str!("../scripts/names.lua")),
            grace: config.restart_grace,
            id,
            releases,
        }))
    }
}

#[async_trait]
impl Register for RedisRegister {
    async fn read(&self, name: &str) -> Result<Option<Stored>> {
        let inner = &*self.0;
        let mut cmd = redis::cmd("HMGET");
        cmd.arg(inner.names.lock(name)).arg("text").arg("write");
        let (text, write): (Option<String>, Option<String>) = inner.connection.query(&cmd).await?;
        match (text, write) {
            (Some(text), Some(write)) => stored(&text, write).map(Some),
            _ => Ok(None),
        }
    }

    async fn swap(&self, name: &str, expected: Option<&Version>, record: &Record) -> Result<Swap> {
        let inner = &*self.0;
        let (place, names) = (inner.names.lock(name), inner.names.lock_names());
        let write = nonce(record);
        let state = match record.state {
            State::Free => "free",
            State::Held => "held",
        };
        let args = [
            name.to_owned(),
            record.encode(),
            write.clone(),
            expected.map(|version| version.as_str().to_owned()).unwrap_or_default(),
            state.to_owned(),
            record.token.to_string(),
            record.next_token().to_string(),
            record.lease.as_micros().to_string(),
            KEEP.as_millis().to_string(),
            inner.releases.clone(),
            inner.id.clone(),
        ];
        let id = inner.names.id();
        let keys = [place.as_bytes(), names.as_bytes(), id.as_bytes()];
        let verdict: String = inner.connection.script(&inner.swap, &keys, &bytes(&args)).await?;
        match verdict.as_str() {
            "done" => Ok(Swap::Done(Version::new(write))),
            "changed" => Ok(Swap::Conflict),
            "emptied" => Err(emptied()),
            _ => Err(unexpected_reply().with_may_have_applied(true)),
        }
    }

    fn server_clock(&self) -> bool {
        true
    }

    async fn claim(&self, name: &str, record: &Record) -> Result<Claim> {
        let inner = &*self.0;
        inner.policy.check(&inner.connection).await?;
        let (place, names) = (inner.names.lock(name), inner.names.lock_names());
        let (server, id) = (inner.names.server(), inner.names.id());
        let write = nonce(record);
        let args = [
            name.to_owned(),
            record.encode(),
            write.clone(),
            record.span.max(1).to_string(),
            record.lease.as_micros().to_string(),
            KEEP.as_millis().to_string(),
            inner.grace.as_micros().to_string(),
            inner.id.clone(),
        ];
        let keys = [place.as_bytes(), names.as_bytes(), server.as_bytes(), id.as_bytes()];
        let (verdict, text, holder, left): (String, String, String, u64) =
            inner.connection.script(&inner.claim, &keys, &bytes(&args)).await?;
        let left = Duration::from_micros(left);
        match verdict.as_str() {
            "granted" => {
                let mut record = record.clone();
                record.token = text.parse().map_err(|_| unexpected_reply())?;
                Ok(Claim::Granted(Stored { record, version: Version::new(write) }))
            }
            "held" => Ok(Claim::Held { by: stored(&text, holder)?, left }),
            "grace" => Ok(Claim::Held { by: nobody(record), left }),
            "emptied" => Err(emptied()),
            _ => Err(unexpected_reply().with_may_have_applied(true)),
        }
    }

    /// Those that are held: a free record is of no interest to anyone who lists them, and there may be many.
    async fn names(&self) -> Result<Vec<String>> {
        let inner = &*self.0;
        let (names, locks) = (inner.names.lock_names(), inner.names.locks());
        inner.connection.script(&inner.held, &[names.as_bytes()], &[locks.as_bytes()]).await
    }

    fn wake(&self, name: &str) -> Wake {
        let inner = &*self.0;
        if inner.releases.is_empty() {
            return Box::pin(std::future::pending());
        }
        at_release(&inner.connection, &inner.releases, name)
    }

    // `released` has nothing to do: the script that frees a record tells those who wait.
}

/// Tokens of the locks before and after would never be compared.
fn emptied() -> Error {
    Error::new(
        ErrorKind::Corrupt,
        "the lock store was emptied and is another one now; reopen the storage",
    )
    .with_backend(BACKEND)
}

/// The holder of a lock in the grace after a restart: whoever held it before, and is not on record any more.
fn nobody(record: &Record) -> Stored {
    let mut by = record.clone();
    (by.owner, by.write, by.token) = (0, 0, 0);
    "the grace after the server's restart".clone_into(&mut by.holder.name);
    Stored { version: Version::new(nonce(&by)), record: by }
}

fn stored(text: &str, write: String) -> Result<Stored> {
    Ok(Stored { record: Record::decode(text)?, version: Version::new(write) })
}

fn nonce(record: &Record) -> String {
    format!("{:032x}", record.write)
}

fn bytes<const N: usize>(args: &[String; N]) -> [&[u8]; N] {
    std::array::from_fn(|at| args[at].as_bytes())
}
