//! How DNS-01 is done.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::DnsProvider;

/// The port of DNS (RFC 1035, section 4.2).
const DNS_PORT: u16 = 53;

/// Answers DNS-01 by the records that a [`DnsProvider`] makes, and tells the CA to look once all servers of the zone have
/// them. Give it to [`AcmeIssuer::with_dns_challenge`](crate::AcmeIssuer::with_dns_challenge).
#[derive(Debug, Clone)]
pub struct DnsChallenge {
    pub(super) provider: Arc<dyn DnsProvider>,
    pub(super) ttl: Duration,
    pub(super) propagation_timeout: Option<Duration>,
    pub(super) propagation_delay: Duration,
    pub(super) resolvers: Vec<SocketAddr>,
    pub(super) authoritative_port: u16,
    pub(super) override_domain: Option<String>,
}

impl DnsChallenge {
    /// By this provider: records that may be kept for a minute, waited for up to two minutes, looked up by the resolvers of
    /// the system.
    #[must_use]
    pub fn new(provider: impl DnsProvider + 'static) -> Self {
        Self {
            provider: Arc::new(provider),
            ttl: Duration::from_secs(60),
            propagation_timeout: Some(Duration::from_secs(120)),
            propagation_delay: Duration::ZERO,
            resolvers: Vec::new(),
            authoritative_port: DNS_PORT,
            override_domain: None,
        }
    }

    /// How long others may keep the records.
    #[must_use]
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// How long the servers of the zone may take to have the record; `None`: the CA is told at once.
    #[must_use]
    pub fn with_propagation_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.propagation_timeout = timeout;
        self
    }

    /// How long to wait before the servers are asked for the first time; nothing unless set.
    #[must_use]
    pub fn with_propagation_delay(mut self, delay: Duration) -> Self {
        self.propagation_delay = delay;
        self
    }

    /// Who finds the zone and its servers, in place of the resolvers of the system: as where a private DNS has another view.
    #[must_use]
    pub fn with_resolvers(mut self, resolvers: impl IntoIterator<Item = SocketAddr>) -> Self {
        self.resolvers = resolvers.into_iter().collect();
        self
    }

    /// The port that the servers of the zone listen on; 53 unless set.
    #[must_use]
    pub fn with_authoritative_port(mut self, port: u16) -> Self {
        self.authoritative_port = port;
        self
    }

    /// Makes every record at this name, whatever is validated: where the names' own zones have a CNAME record from
    /// `_acme-challenge` to it (RFC 8555, section 8.4, has the CA follow it).
    #[must_use]
    pub fn with_override_domain(mut self, name: &str) -> Self {
        self.override_domain = Some(name.trim_end_matches('.').to_ascii_lowercase());
        self
    }

    /// The name of the record for what is validated, which is no wildcard.
    pub(super) fn record_name(&self, identifier: &str) -> String {
        match &self.override_domain {
            Some(name) => name.clone(),
            None => format!("_acme-challenge.{identifier}"),
        }
    }
}
