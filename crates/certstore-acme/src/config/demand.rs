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
use super::backoff::pause;
use crate::{Certificate, Error, Hello, OnDemandConfig, Result, subject};

/// How long a handshake waits for a CA; the order goes on without it.
const PATIENCE: Duration = Duration::from_secs(90);
/// How many refusals and failures are remembered: names are chosen by whoever connects.
const REMEMBERED: usize = 10_000;
/// How long a name that is not allowed is not asked about again.
const REFUSED_FOR: Duration = Duration::from_secs(60);

type Flight = Shared<Pin<Box<dyn Future<Output = Option<Certificate>> + Send>>>;

/// What is on its way for handshakes, and what has failed.
#[derive(Default)]
pub(super) struct Demand {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    flights: BTreeMap<String, Flight>,
    /// Names that are not tried before this time of the clock, and how often they failed.
    waiting: BTreeMap<String, (Duration, u32)>,
    obtained: usize,
}

impl Demand {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Not to be tried for a while.
    fn wait(&mut self, name: &str, until: Duration, failures: u32) {
        if self.waiting.len() >= REMEMBERED && !self.waiting.contains_key(name) {
            // Any of them: it is only asked about once more.
            self.waiting.pop_first();
        }
        self.waiting.insert(name.to_owned(), (until, failures));
    }
}

impl Config {
    /// The certificate for a handshake: one in memory; else, where certificates are obtained
    /// [on demand](super::ConfigBuilder::on_demand) and the name is allowed, the one that is stored or a new one. However many
    /// handshakes wait for a name, it is obtained once. A name that has failed, or is not allowed, is not tried again at once.
    ///
    /// Gives `None` when there is none, when it fails, or after 90 seconds; the work goes on, for the next handshake.
    ///
    /// # Cancel safety
    /// Cancel safe: what is on its way goes on without it.
    pub async fn certificate_for(&self, hello: &Hello<'_>) -> Option<Certificate> {
        let found = self.0.cache.find(hello);
        let on_demand = self.0.on_demand.as_ref();
        let (Some(on_demand), Some(name)) = (on_demand, hello.name) else { return found };
        let Ok(name) = subject(name) else { return found };
        let now = self.0.clock.wall();
        if let Some(found) = found.filter(|found| serves(found, &name) && !found.has_expired(now)) {
            self.renew_behind(&found, &name, on_demand);
            return Some(found);
        }
        let flight = self.flight(&name, on_demand)?;
        let patience = self.0.clock.sleep(PATIENCE);
        tokio::select! {
            obtained = flight => obtained,
            () = patience => None,
        }
    }

    /// A certificate that is due and that nobody manages is renewed while it is served.
    fn renew_behind(&self, found: &Certificate, name: &str, on_demand: &OnDemandConfig) {
        let due = found.needs_renewal(&self.0.renewal, self.0.clock.wall());
        if due && found.issuer().is_some() && !self.0.names.contains(name) {
            // It is awaited by nobody: the task does it.
            drop(self.flight(name, on_demand));
        }
    }

    /// The one task that obtains the certificate for a name; `None` while it is not to be tried.
    fn flight(&self, name: &str, on_demand: &OnDemandConfig) -> Option<Flight> {
        let now = self.0.clock.boottime();
        let mut inner = self.0.demand.inner();
        if inner.waiting.get(name).is_some_and(|(until, _)| now < *until) {
            return None;
        }
        if on_demand.limit().is_some_and(|limit| inner.obtained >= limit.get()) {
            tracing::warn!(
                name,
                "no certificate is obtained on demand any more: the maximum is reached"
            );
            return None;
        }
        match inner.flights.entry(name.to_owned()) {
            Entry::Occupied(flight) => Some(flight.get().clone()),
            Entry::Vacant(place) => {
                let (told, telling) = oneshot::channel();
                let telling: Pin<Box<dyn Future<Output = _> + Send>> =
                    Box::pin(telling.map(|told| told.ok().flatten()));
                let flight = telling.shared();
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
        on_demand.allowed(name).await?;
        let now = self.0.clock.wall();
        let good = |found: &Certificate| !found.needs_renewal(&self.0.renewal, now);
        self.stored_or_obtained(name, &good).await
    }
}

/// Whether a certificate is for a name, and no default for want of a better one.
fn serves(certificate: &Certificate, name: &str) -> bool {
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
        let now = self.config.0.clock.boottime();
        let mut inner = self.config.0.demand.inner();
        match done {
            Ok(_) => {
                inner.waiting.remove(self.name);
                inner.obtained += 1;
            }
            Err(error @ Error::Refused { .. }) => {
                tracing::debug!(name = self.name, %error, "a handshake asked for a name that is not allowed");
                inner.wait(self.name, now + REFUSED_FOR, 0);
            }
            Err(error) => {
                let failures = inner.waiting.get(self.name).map_or(1, |(_, failures)| failures + 1);
                let wait = pause(failures, None);
                inner.wait(self.name, now + wait, failures);
                drop(inner);
                let cause = std::error::Error::source(error).map(ToString::to_string);
                tracing::error!(name = self.name, %error, cause, retry = ?wait, "no certificate was obtained on demand");
                let (subject, retry_after) = (self.name, Some(wait));
                self.config.tell(&crate::Event::Failed { subject, error, retry_after });
            }
        }
    }
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        self.config.0.demand.inner().flights.remove(self.name);
    }
}
