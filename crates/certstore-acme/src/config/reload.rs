//! Managed certificates that have left a full cache: loaded again when a handshake asks for one.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use certstore_core::{Error as StorageError, ErrorKind};
use tokio::sync::Semaphore;

use super::Config;
use super::demand::{Flight, flight, remember, serves};
use super::obtain::Room;
use crate::{Certificate, Hello, Result, subject};

/// How long a handshake waits for the storage, and a load may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many names are loaded for handshakes at a time; the others wait for their turn.
const AT_A_TIME: usize = 64;
/// How long a name without a stored certificate is not looked for again; whoever obtains one ends it.
const MISSING_FOR: Duration = Duration::from_secs(60);
/// How long the storage is not asked again for a name that it failed to give.
const FAILED_FOR: Duration = Duration::from_secs(5);

/// What is being loaded, and what was not to be had.
pub(super) struct Reloads {
    inner: Mutex<Inner>,
    turns: Semaphore,
}

#[derive(Default)]
struct Inner {
    flights: BTreeMap<String, Flight>,
    /// Until when a name is not looked for, by the clock's boottime.
    missing: BTreeMap<String, Duration>,
}

impl Default for Reloads {
    fn default() -> Self {
        Self { inner: Mutex::default(), turns: Semaphore::new(AT_A_TIME) }
    }
}

impl Reloads {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is a certificate for the name.
    pub(super) fn found(&self, subject: &str) {
        self.inner().missing.remove(subject);
    }
}

impl Config {
    /// The managed name whose certificate such a client is to get and that is not in memory: it may have left a full
    /// cache. `None`: `found` is what there is.
    pub(super) fn evicted(&self, hello: &Hello<'_>, found: Option<&Certificate>) -> Option<String> {
        let options = self.0.cache.options();
        options.capacity?;
        let asked = match hello.name {
            Some(name) => subject(name).ok(),
            None => hello.address.map(|address| address.to_canonical().to_string()),
        };
        let lacks = |name: &String| !found.is_some_and(|found| serves(found, name));
        let own = asked.filter(lacks).and_then(|name| self.managed_for(&name));
        let instead = match hello.name {
            Some(_) => &options.fallback_name,
            None => &options.default_name,
        };
        let instead = instead.as_ref().filter(|_| found.is_none());
        own.or_else(|| self.managed_for(instead?))
    }

    /// The name itself or the wildcard above it, if it is managed.
    fn managed_for(&self, name: &str) -> Option<String> {
        let names = &self.0.names;
        let wildcard = || name.split_once('.').map(|(_, above)| format!("*.{above}"));
        let own = names.contains(name).then(|| name.to_owned());
        own.or_else(|| wildcard().filter(|wildcard| names.contains(wildcard)))
    }

    /// The stored certificate of a managed name, served from now on; `None` where there is none that is valid, or the
    /// storage does not give it in time. However many wait for a name, it is loaded once, and nothing is ordered for it.
    pub(super) async fn reload(&self, subject: &str) -> Option<Certificate> {
        let flight = self.loading(subject)?;
        tokio::select! {
            loaded = flight => loaded,
            () = self.0.clock.sleep(PATIENCE) => None,
        }
    }

    /// The one task that loads a name; `None` while it is not to be looked for.
    fn loading(&self, subject: &str) -> Option<Flight> {
        let mut inner = self.0.reloads.inner();
        if let Some(flight) = inner.flights.get(subject) {
            return Some(flight.clone());
        }
        let now = self.0.clock.boottime();
        if inner.missing.get(subject).is_some_and(|until| now < *until) {
            return None;
        }
        let (told, flight) = flight();
        inner.flights.insert(subject.to_owned(), flight.clone());
        drop(inner);
        let (config, subject) = (self.clone(), subject.to_owned());
        tokio::spawn(async move {
            let landing = Landing { config: &config, subject: &subject };
            let loaded = tokio::select! {
                loaded = config.load_valid(&subject) => loaded,
                () = config.0.clock.sleep(PATIENCE) => {
                    Err(StorageError::new(ErrorKind::Unavailable, "the storage takes too long").into())
                }
            };
            landing.done(&loaded);
            // Nobody may be waiting any more.
            drop(told.send(loaded.ok().flatten()));
        });
        Some(flight)
    }

    async fn load_valid(&self, subject: &str) -> Result<Option<Certificate>> {
        // It is never closed.
        let _turn = self.0.reloads.turns.acquire().await.ok();
        let found = self.newest(subject).await?;
        // One that has expired is maintenance's to renew, and no better than none.
        let found = found.filter(|found| !found.has_expired(self.0.clock.wall()));
        if let Some(found) = &found {
            self.serve(found, Room::IsMade);
        }
        Ok(found)
    }
}

/// Takes a load off the list, whatever has become of it.
struct Landing<'a> {
    config: &'a Config,
    subject: &'a str,
}

impl Landing<'_> {
    fn done(&self, loaded: &Result<Option<Certificate>>) {
        let (subject, now) = (self.subject, self.config.0.clock.boottime());
        let pause = match loaded {
            Ok(Some(_)) => return,
            Ok(None) => MISSING_FOR,
            Err(error) => {
                let cause = std::error::Error::source(error).map(ToString::to_string);
                tracing::warn!(subject, %error, cause, retry = ?FAILED_FOR, "a certificate that left the full cache could not be loaded");
                FAILED_FOR
            }
        };
        remember(&mut self.config.0.reloads.inner().missing, subject, now + pause);
    }
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        self.config.0.reloads.inner().flights.remove(self.subject);
    }
}

#[cfg(test)]
#[path = "reload_tests.rs"]
mod tests;
