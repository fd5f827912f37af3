//! The certificate manager.

mod ask;
mod backoff;
mod build;
mod challenges;
#[cfg(test)]
mod clocks_tests;
mod demand;
mod maintenance;
mod manage;
mod names;
mod obtain;
mod ocsp_answers;
mod on_demand;
mod pickup;
mod reload;
mod renewal_info;
mod revoke;
mod source;
mod staples;
#[cfg(test)]
mod test_support;
mod unmanaged;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use certstore_core::{Clock, Storage};
use hyper_util::client::legacy::connect::HttpConnector;
use tokio::sync::{Semaphore, SemaphorePermit};

pub use build::{ConfigBuilder, IssuerOrder};
pub use challenges::HTTP_CHALLENGE_PATH;
pub use maintenance::Maintenance;
pub use on_demand::OnDemandConfig;
pub use source::CertificateSource;

pub(crate) use demand::Keeper;

use self::challenges::Readers;
use self::demand::Demand;
use self::names::ManagedNames;
use self::reload::Reloads;
use self::revoke::Revoked;
use self::staples::Staples;
use crate::http_client::HttpClient;
use crate::{Cache, Event, Issuer, RenewalPolicy};

/// Obtains certificates, renews them, and has them ready for handshakes: a handle, cheap to clone.
///
/// Many processes may share a storage. One of them obtains a certificate, all serve it.
///
/// ```
/// use std::sync::Arc;
/// use certstore_acme::{Config, InternalIssuer};
/// use certstore_core::MemoryStorage;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_acme::Error> {
/// let storage = Arc::new(MemoryStorage::new());
/// let config = Config::builder(storage.clone()).issuer(InternalIssuer::new(storage)).build();
/// config.manage(["localhost"]).await?;
/// assert!(config.get_certificate("localhost").is_some());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Config(Arc<Inner>);

pub(crate) type Handler = Arc<dyn Fn(&Event<'_>) + Send + Sync>;

struct Inner {
    storage: Arc<dyn Storage>,
    cache: Arc<Cache>,
    issuers: Vec<Arc<dyn Issuer>>,
    order: IssuerOrder,
    renewal: RenewalPolicy,
    renew_interval: Duration,
    clock: Arc<dyn Clock>,
    handler: Option<Handler>,
    names: ManagedNames,
    sources: Vec<Arc<dyn CertificateSource>>,
    on_demand: Option<OnDemandConfig>,
    demand: Demand,
    readers: Readers,
    reloads: Reloads,
    /// How often staples are looked at; `None`: they are not.
    ocsp_interval: Option<Duration>,
    staples: Staples,
    revoked: Revoked,
    http: HttpClient<HttpConnector>,
    /// One for each certificate that is obtained at a time.
    permits: Semaphore,
}

impl Config {
    /// A manager over this storage, to be given its issuers.
    pub fn builder(storage: Arc<dyn Storage>) -> ConfigBuilder {
        ConfigBuilder::new(storage)
    }

    /// The certificates in memory, which the handshakes take.
    #[must_use]
    pub fn cache(&self) -> &Arc<Cache> {
        &self.0.cache
    }

    /// The storage that the fleet shares.
    #[must_use]
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.0.storage
    }

    /// When certificates are renewed.
    #[must_use]
    pub fn renewal(&self) -> &RenewalPolicy {
        &self.0.renewal
    }

    /// A turn to obtain a certificate.
    async fn permit(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.0.permits.acquire().await.ok()
    }

    fn tell(&self, event: &Event<'_>) {
        if let Some(handler) = &self.0.handler {
            handler(event);
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("issuers", &self.0.issuers)
            .field("renewal", &self.0.renewal)
            .field("renew_interval", &self.0.renew_interval)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
