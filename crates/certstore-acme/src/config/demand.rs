//! The certificate for a handshake, obtained when there is none.

use std::collections::{BTreeMap, btree_map::Entry};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::Shared;
use tokio::sync::oneshot;

use super::Config;
use super::backoff::{pause, pause_after};
use super::obtain::Room;
use crate::{Certificate, Error, Hello, OnDemandConfig, Result, subject};

/// How long a handshake waits for a CA; the order goes on without it.
const PATIENCE: Duration = Duration::from_secs(90);
/// How many refusals and failures are remembered: names are chosen by whoever connects.
const REMEMBERED: usize = 10_000;
/// How many names are obtained for handshakes at a time.
const FLIGHTS: usize = 1_000;
/// How long the decision about a name may take.
const DECISION: Duration = Duration::from_secs(10);
/// How long a name that is not allowed is not asked about again.
const REFUSED_FOR: Duration = Duration::from_secs(60);

/// Who keeps the certificate of a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeper {
    /// The cache; a small one may have given it away again since.
    Cache,
    /// A source: the cache has never had it.
    Source,
}

/// What many handshakes wait for.
pub(super) type Flight = Shared<Pin<Box<dyn Future<Output = Option<Certificate>> + Send>>>;

/// One, and what tells it the end; dropped, it is `None`.
pub(super) fn flight() -> (oneshot::Sender<Option<Certificate>>, Flight) {
    let (told, telling) = oneshot::channel();
    let telling: Pin<Box<dyn Future<Output = _> + Send>> =
        Box::pin(telling.map(|told| told.ok().flatten()));
    (told, telling.shared())
}

/// What is on its way for handshakes, and what has failed.
#[derive(Default)]
pub(super) struct Demand {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    flights: BTreeMap<String, Flight>,
    /// Names that are not allowed, and until when nobody is asked again.
    refused: BTreeMap<String, Duration>,
    /// Names that are allowed and not tried before this time of the clock, and how often they failed.
    waiting: BTreeMap<String, (Duration, u32)>,
    /// How many names have their first certificate from here, or are about to.
    obtained: usize,
}

impl Demand {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn is_waiting(&self, name: &str, now: Duration) -> bool {
        let refused = self.refused.get(name).is_some_and(|until| now < *until);
        refused || self.waiting.get(name).is_some_and(|(until, _)| now < *until)
    }
}

/// Keeps an entry among so many; another one may go for it.
pub(super) fn remember<T>(entries: &mut BTreeMap<String, T>, name: &str, value: T) {
    if entries.len() >= REMEMBERED && !entries.contains_key(name) {
        entries.pop_first();
    }
    entries.insert(name.to_owned(), value);
}

impl Config {
    /// The certificate for a handshake: one in memory; else, of a managed name that has left a
    /// [full](crate::CacheOptions::capacity) cache, the one that is stored; else what a
    /// [source](super::ConfigBuilder::source) has; else, where certificates are obtained
    /// [on demand](super::ConfigBuilder::on_demand) and the name is allowed, the one that is stored or a new one. However many
    /// handshakes wait for a name, it is obtained once. A name that has failed, or is not allowed, is not tried again at once.
    ///
    /// Gives `None` when there is none, when it fails, or after 90 seconds, and ten more for each source that does not
    /// answer; the work goes on, for the next handshake. Who
    /// asks for what many ask for may find it gone from a small cache again: shake hands with what this gives.
    ///
    /// # Cancel safety
    /// Cancel safe: what is on its way goes on without it.
    pub async fn certificate_for(&self, hello: &Hello<'_>) -> Option<Certificate> {
        self.found_for(hello).await.map(|(found, _)| found)
    }

    /// As [`certificate_for`](Self::certificate_for), with who keeps it.
    pub(crate) async fn found_for(&self, hello: &Hello<'_>) -> Option<(Certificate, Keeper)> {
        let found = self.0.cache.find(hello);
        let found = match self.evicted(hello, found.as_ref()) {
            Some(subject) => self.reload(&subject).await.or(found),
            None => found,
        };
        let (name, now) = (hello.name.and_then(|name| subject(name).ok()), self.0.clock.wall());
        let suits = |found: &Certificate| {
            name.as_ref().is_none_or(|name| serves(found, name)) && !found.has_expired(now)
        };
        let own = found.as_ref().is_some_and(suits);
        if !own && let Some(theirs) = self.ask_sources(hello).await {
            return Some((theirs, Keeper::Source));
        }
        let here = |found| (found, Keeper::Cache);
        let (Some(on_demand), Some(name)) = (&self.0.on_demand, name) else {
            return found.map(here);
        };
        if let Some(found) = found.filter(|_| own) {
            self.renew_behind(&found, &name, on_demand);
            return Some(here(found));
        }
        let flight = self.flight(&name, on_demand)?;
        let patience = self.0.clock.sleep(PATIENCE);
        tokio::select! {
            // What was revoked while it was on its way is shown to nobody.
            obtained = flight => obtained.filter(|found| !self.0.revoked.has(found)).map(here),
            () = patience => None,
        }
    }

    /// A certificate that is due and that nobody manages is renewed while it is served.
    fn renew_behind(&self, found: &Certificate, name: &str, on_demand: &OnDemandConfig) {
        let due = found.needs_renewal(&self.0.renewal, self.0.clock.wall());
        let managed = found.names().iter().any(|own| self.0.names.contains(own));
        if due && found.issuer().is_some() && !managed {
            // It is awaited by nobody: the task does it.
            drop(self.flight(name, on_demand));
        }
    }

    /// The one task that obtains the certificate for a name; `None` while it is not to be tried.
    fn flight(&self, name: &str, on_demand: &OnDemandConfig) -> Option<Flight> {
        let now = self.0.clock.boottime();
        let mut inner = self.0.demand.inner();
        let full = inner.flights.len() >= FLIGHTS && !inner.flights.contains_key(name);
        if full || inner.is_waiting(name, now) {
            return None;
        }
        match inner.flights.entry(name.to_owned()) {
            Entry::Occupied(flight) => Some(flight.get().clone()),
            Entry::Vacant(place) => {
                let (told, flight) = flight();
                place.insert(flight.clone());
                drop(inner);
                let (config, name, on_demand) = (self.clone(), name.to_owned(), on_demand.clone());
                tokio::spawn(async move {
                    let landing = Landing { config: &config, name: &name };
                    let done = config.on_demand_now(&name, &on_demand).await;
                    landing.done(&done);
                    // Nobody may be waiting any more.
                    drop(told.send(done.ok()));
                });
                Some(flight)
            }
        }
    }

    async fn on_demand_now(&self, name: &str, on_demand: &OnDemandConfig) -> Result<Certificate> {
        tokio::select! {
            allowed = on_demand.allowed(name) => allowed?,
            () = self.0.clock.sleep(DECISION) => return Err(refused(name, "nobody has decided in time")),
        }
        let reserved = self.newest(name).await?.is_none();
        if reserved && !self.reserve(on_demand) {
            return Err(refused(name, "the maximum of certificates on demand is reached"));
        }
        // Whoever waits takes what is valid; what is served already is replaced before it is over.
        let now = self.0.clock.wall();
        let serving = self.served(name).is_some_and(|served| !served.has_expired(now));
        let good = |found: &Certificate| match serving {
            true => !found.needs_renewal(&self.0.renewal, now),
            false => !found.has_expired(now),
        };
        let done = self.stored_or_obtained(name, &good, Room::IsMade).await;
        if reserved && done.is_err() {
            self.0.demand.inner().obtained -= 1;
        }
        done
    }

    fn reserve(&self, on_demand: &OnDemandConfig) -> bool {
        let mut inner = self.0.demand.inner();
        let there_is_room = on_demand.limit().is_none_or(|limit| inner.obtained < limit.get());
        inner.obtained += usize::from(there_is_room);
        there_is_room
    }
}

fn refused(name: &str, why: &'static str) -> Error {
    Error::Refused { name: name.to_owned(), why }
}

/// Whether a certificate is for a name, and no default for want of a better one.
pub(super) fn serves(certificate: &Certificate, name: &str) -> bool {
    let wildcard = name.split_once('.').map(|(_, rest)| rest);
    certificate
        .names()
        .iter()
        .any(|own| own == name || own.strip_prefix("*.").is_some_and(|rest| Some(rest) == wildcard))
}

/// Takes a flight off the list, whatever has become of it.
struct Landing<'a> {
    config: &'a Config,
    name: &'a str,
}

impl Landing<'_> {
    fn done(&self, done: &Result<Certificate>) {
        let config = self.config;
        let (now, wall) = (config.0.clock.boottime(), config.0.clock.wall());
        let served = config.served(self.name);
        let left = served.and_then(|served| served.not_after().duration_since(wall).ok());
        let mut inner = config.0.demand.inner();
        match done {
            Ok(obtained) if obtained.needs_renewal(&config.0.renewal, wall) => {
                // Not again at once: the next handshake after a while renews it.
                let wait = pause(1, left);
                remember(&mut inner.waiting, self.name, (now + wait, 0));
            }
            Ok(_) => drop(inner.waiting.remove(self.name)),
            Err(error @ Error::Refused { .. }) => {
                tracing::debug!(name = self.name, %error, "a handshake asked for a name that is not allowed");
                remember(&mut inner.refused, self.name, now + REFUSED_FOR);
            }
            Err(error) => {
                let failures = inner.waiting.get(self.name).map_or(1, |(_, failures)| failures + 1);
                let wait = pause_after(error, failures, left);
                remember(&mut inner.waiting, self.name, (now + wait, failures));
                drop(inner);
                let cause = std::error::Error::source(error).map(ToString::to_string);
                tracing::error!(name = self.name, %error, cause, retry = ?wait, "no certificate was obtained on demand");
                let (subject, retry_after) = (self.name, Some(wait));
                config.tell(&crate::Event::Failed { subject, error, retry_after });
            }
        }
    }
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        self.config.0.demand.inner().flights.remove(self.name);
    }
}

#[cfg(test)]
#[path = "demand_tests.rs"]
mod tests;
