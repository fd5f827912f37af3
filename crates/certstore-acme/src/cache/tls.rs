//! A configuration of rustls that serves from a cache.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::server::ResolvesServerCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};

use super::{ACME_TLS_ALPN, Cache, Resolver};
use crate::TicketKeys;

/// A server that takes its certificates from a cache: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1, and answers to TLS-ALPN-01.
///
/// With `tickets` sessions are resumed by whichever node a client comes back to; without, by this one only. Early
/// data is off, and has to stay off where tickets are shared: any node would accept it once more.
///
/// A connection that has agreed on [`ACME_TLS_ALPN`] is over after its handshake: close it.
///
/// # Panics
/// Never: ring has suites for both versions.
#[must_use]
pub fn tls_config(cache: Arc<Cache>, tickets: Option<Arc<TicketKeys>>) -> ServerConfig {
    let mut config = config_with(Arc::new(Resolver::new(cache)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec(), ACME_TLS_ALPN.to_vec()];
    if let Some(tickets) = tickets {
        config.ticketer = tickets;
    }
    config
}

/// A server that answers TLS-ALPN-01 with this certificate, and does nothing else.
pub(crate) fn challenge_config(key: Arc<CertifiedKey>) -> ServerConfig {
    let mut config = config_with(Arc::new(SingleCertAndKey::from(key)));
    config.alpn_protocols = vec![ACME_TLS_ALPN.to_vec()];
    config
}

fn config_with(resolver: Arc<dyn ResolvesServerCert>) -> ServerConfig {
    ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .expect("ring has suites for both versions")
        .with_no_client_auth()
        .with_cert_resolver(resolver)
}
