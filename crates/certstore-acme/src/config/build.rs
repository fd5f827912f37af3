//! Building a manager.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use certstore_core::{Clock, Storage, SystemClock};
use tokio::sync::Semaphore;

use super::challenges::Readers;
use super::demand::Demand;
use super::manage::AT_A_TIME;
use super::names::ManagedNames;
use super::reload::Reloads;
use super::revoke::Revoked;
use super::staples::Staples;
use super::{CertificateSource, Config, Handler, Inner, OnDemandConfig};
use crate::defaults::{DEFAULT_OCSP_INTERVAL, DEFAULT_RENEW_INTERVAL};
use crate::{Cache, Event, Issuer, RenewalPolicy, http_client};

/// In which order several issuers are asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IssuerOrder {
    /// As they were given: the next one is asked when one fails.
    #[default]
    AsGiven,
    /// At random by name, which spreads a fleet's names over them: all nodes ask the same one first for a name.
    Random,
}

/// Makes a [`Config`].
#[must_use]
pub struct ConfigBuilder {
    storage: Arc<dyn Storage>,
    cache: Option<Arc<Cache>>,
    issuers: Vec<Arc<dyn Issuer>>,
    order: IssuerOrder,
    renewal: RenewalPolicy,
    renew_interval: Duration,
    ocsp_interval: Option<Duration>,
    clock: Arc<dyn Clock>,
    handler: Option<Handler>,
    sources: Vec<Arc<dyn CertificateSource>>,
    on_demand: Option<OnDemandConfig>,
}

impl ConfigBuilder {
    pub(super) fn new(storage: Arc<dyn Storage>) -> Self {
        Self {
            storage,
            cache: None,
            issuers: Vec::new(),
            order: IssuerOrder::default(),
            renewal: RenewalPolicy::default(),
            renew_interval: DEFAULT_RENEW_INTERVAL,
            ocsp_interval: Some(DEFAULT_OCSP_INTERVAL),
            clock: Arc::new(SystemClock),
            handler: None,
            sources: Vec::new(),
            on_demand: None,
        }
    }

    /// One more issuer; the first is preferred, the others are asked when it fails.
    pub fn issuer(mut self, issuer: impl Issuer + 'static) -> Self {
        self.issuers.push(Arc::new(issuer));
        self
    }

    /// As [`issuer`](Self::issuer), of one that others have, too.
    pub fn shared_issuer(mut self, issuer: Arc<dyn Issuer>) -> Self {
        self.issuers.push(issuer);
        self
    }

    /// The order in which several issuers are asked.
    pub fn issuer_order(mut self, order: IssuerOrder) -> Self {
        self.order = order;
        self
    }

    /// Certificates in memory that several managers share; one of its own unless set.
    pub fn cache(mut self, cache: Arc<Cache>) -> Self {
        self.cache = Some(cache);
        self
    }

    /// When certificates are renewed.
    pub fn renewal(mut self, policy: RenewalPolicy) -> Self {
        self.renewal = policy;
        self
    }

    /// How often certificates are looked at for renewal, at least; 10 minutes unless set. Those that live shorter are
    /// looked at when they are due.
    pub fn renew_interval(mut self, interval: Duration) -> Self {
        self.renew_interval = interval;
        self
    }

    /// How often staples of OCSP are looked at, at least; an hour unless set. Each is looked at when half of its time is over.
    /// `None`: certificates are served without, and no responder is asked.
    pub fn ocsp_interval(mut self, interval: Option<Duration>) -> Self {
        self.ocsp_interval = interval;
        self
    }

    /// Another clock, for tests.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Obtains certificates when handshakes ask for them, for the names that are allowed.
    pub fn on_demand(mut self, on_demand: OnDemandConfig) -> Self {
        self.on_demand = Some(on_demand);
        self
    }

    /// Asks this source for certificates that are not in memory, when handshakes want them; the first source that has one is
    /// taken.
    pub fn source(self, source: impl CertificateSource + 'static) -> Self {
        self.shared_source(Arc::new(source))
    }

    /// As [`source`](Self::source), of one that others have, too.
    pub fn shared_source(mut self, source: Arc<dyn CertificateSource>) -> Self {
        self.sources.push(source);
        self
    }

    /// Is told what happens.
    pub fn on_event(mut self, handler: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.handler = Some(Arc::new(handler));
        self
    }

    /// The manager.
    #[must_use]
    pub fn build(self) -> Config {
        let cache = self.cache.unwrap_or_else(|| Arc::new(Cache::new()));
        for issuer in &self.issuers {
            issuer.answer_from(&cache);
        }
        Config(Arc::new(Inner {
            storage: self.storage,
            cache,
            issuers: self.issuers,
            order: self.order,
            renewal: self.renewal,
            renew_interval: self.renew_interval,
            clock: self.clock,
            handler: self.handler,
            names: ManagedNames::default(),
            sources: self.sources,
            on_demand: self.on_demand,
            demand: Demand::default(),
            readers: Readers::default(),
            reloads: Reloads::default(),
            ocsp_interval: self.ocsp_interval,
            staples: Staples::default(),
            revoked: Revoked::default(),
            http: http_client::plain(),
            permits: Semaphore::new(AT_A_TIME),
        }))
    }
}

impl fmt::Debug for ConfigBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigBuilder")
            .field("issuers", &self.issuers)
            .field("renewal", &self.renewal)
            .field("renew_interval", &self.renew_interval)
            .finish_non_exhaustive()
    }
}
