//! This crate's own layout: values with a head, all keys in one sorted set, each write one command or script.

mod known;
mod names;
mod read;
mod scripts;
mod storage;
mod value;
mod verdict;
mod walk;
mod watch;
mod write;

use std::fmt;
use std::sync::Arc;

use certstore_core::lease::LeaseLocker;
use certstore_core::{Error, Key, Lock, LockerId, OsRandom, Random as _, Result};

use crate::config::{Mode, RedisConfig, WakeUp};
use crate::connection::Connection;
use crate::error::BACKEND;
use crate::register::RedisRegister;
use known::Known;
pub(crate) use names::Names;
use scripts::Scripts;

/// Values and locks under one prefix.
pub(crate) struct TreeStorage {
    connection: Connection,
    names: Names,
    scripts: Arc<Scripts>,
    known: Arc<Known>,
    /// The channel that changes are published on; empty where they are not.
    changes: String,
    lease: std::time::Duration,
    locker: LeaseLocker<RedisRegister>,
}

impl TreeStorage {
    pub(crate) async fn open(connection: Connection, config: &RedisConfig) -> Result<Self> {
        let names = Names::new(&config.prefix, config.db);
        let scripts = Arc::new(Scripts::new());
        let lease = config.lease_config()?;
        let id = identity(&connection, &names, &scripts).await?;
        let register = RedisRegister::new(&connection, names.clone(), id.clone(), config, &lease);
        let id = LockerId::new(format!("redis {id}"));
        let locker = LeaseLocker::new(register, id, BACKEND, lease);
        // Between the nodes of a cluster a message can be lost unnoticed, which a watch must not.
        let watchable = config.wake == WakeUp::Push && config.mode != Mode::Cluster;
        let changes = if watchable { names.changes() } else { String::new() };
        if watchable {
            connection.learn_transactions().await?;
        }
        let known = Arc::default();
        Ok(Self { connection, names, scripts, known, changes, lease: config.lease, locker })
    }

    /// A version that no write has had.
    fn version() -> String {
        format!("{:032x}", OsRandom.next_u128())
    }

    /// The lock's record, where the lock is one of this storage: a script then asks for the very holder.
    fn record(&self, guard: &Lock) -> Option<String> {
        (guard.locker_id() == self.locker.id()).then(|| self.names.lock(guard.name().as_str()))
    }
}

/// The id that all processes with this prefix on this server share, kept in the server. A user who may not write reads
/// what another one has made. A server that has lost it gets it back from the first of them that locks.
async fn identity(connection: &Connection, names: &Names, scripts: &Scripts) -> Result<String> {
    let place = names.id();
    let known: Option<String> = connection.query(redis::cmd("GET").arg(&place)).await?;
    match known {
        Some(id) => Ok(id),
        None => {
            let fresh = TreeStorage::version();
            let made: Result<String> =
                connection.script(&scripts.id, &[place.as_bytes()], &[fresh.as_bytes()]).await;
            match made {
                Err(error) if error.kind() == certstore_core::ErrorKind::PermissionDenied => {
                    Ok(fresh)
                }
                made => made,
            }
        }
    }
}

/// Names the operation and the key in an error.
fn on<'a>(operation: &'static str, key: &'a Key) -> impl Fn(Error) -> Error + 'a {
    move |error| error.with_operation(operation).with_key(key).with_backend(BACKEND)
}

impl fmt::Debug for TreeStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TreeStorage")
            .field("connection", &self.connection)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}
