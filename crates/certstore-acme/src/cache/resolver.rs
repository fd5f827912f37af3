//! What rustls asks for certificates.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::{ACME_TLS_ALPN, Cache, Hello};

/// Gives rustls the certificates of a [`Cache`]. Cloning it is cheap.
///
/// A client that offers `acme-tls/1` is a CA that checks TLS-ALPN-01: it gets the certificate of the challenge for
/// its name, never another one, and only if it offers nothing else, as RFC 8737 has it.
#[derive(Debug, Clone)]
pub struct Resolver {
    cache: Arc<Cache>,
    address: Option<IpAddr>,
}

impl Resolver {
    /// Of a cache.
    #[must_use]
    pub fn new(cache: Arc<Cache>) -> Self {
        Self { cache, address: None }
    }

    /// For connections to this local address: a client that names none gets the certificate of the address. rustls
    /// does not tell addresses, so a server with several of them makes a resolver for each, or for each connection.
    #[must_use]
    pub fn at(mut self, address: IpAddr) -> Self {
        self.address = Some(address);
        self
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if offers_acme_tls(&hello) {
            let asked = hello.server_name().filter(|_| is_alpn_challenge(&hello))?;
            return self.cache.alpn_challenge(asked);
        }
        let asked = Hello { address: self.address, ..Hello::of(&hello) };
        self.cache.find_key(&asked)
    }
}

/// Whether a client offers the protocol of TLS-ALPN-01, perhaps beside others.
pub(crate) fn offers_acme_tls(hello: &ClientHello<'_>) -> bool {
    hello.alpn().is_some_and(|mut offered| offered.any(|one| one == ACME_TLS_ALPN))
}

/// Whether it is a CA that checks TLS-ALPN-01: it offers nothing else (RFC 8737, section 3).
pub(crate) fn is_alpn_challenge(hello: &ClientHello<'_>) -> bool {
    offers_acme_tls(hello) && hello.alpn().is_some_and(|offered| offered.count() == 1)
}
