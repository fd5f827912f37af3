#![doc = include_str!("../README.md")]

mod cache;
mod certificate;
mod config;
mod defaults;
mod dns;
mod error;
mod event;
mod http_client;
mod https;
mod issuer;
mod obtained_locks;
mod ocsp;
mod renewal;
mod server;
mod subject;
#[cfg(test)]
mod test_clock;
mod tickets;

pub use cache::{
    ACME_TLS_ALPN, Cache, CacheOptions, Hello, Resolver, alpn_challenge_certificate, tls_config,
};
pub use certificate::Certificate;
pub use certstore_instant_acme::{
    KeyType, PreferredChain, PrivateKey, RenewalInfo, RevocationReason, parse_revocation_reason,
};
pub use config::{
    CertificateSource, Config, ConfigBuilder, HTTP_CHALLENGE_PATH, IssuerOrder, Maintenance,
    OnDemandConfig,
};
pub use defaults::{
    DEFAULT_OCSP_INTERVAL, DEFAULT_RENEW_BEFORE, DEFAULT_RENEW_BEFORE_AT_STARTUP,
    DEFAULT_RENEW_INTERVAL, GOOGLE_TRUST_PRODUCTION_CA, HTTP_CHALLENGE_PORT,
    LETS_ENCRYPT_PRODUCTION_CA, LETS_ENCRYPT_STAGING_CA, TLS_ALPN_CHALLENGE_PORT,
    ZEROSSL_PRODUCTION_CA,
};
#[cfg(feature = "rfc2136")]
pub use dns::Rfc2136;
pub use dns::{DnsChallenge, DnsError, DnsProvider, TxtRecord};
pub use error::{Error, Result};
pub use event::Event;
pub use https::{Defaults, Managed, https, listen, manage, tls};
pub use issuer::{AcmeIssuer, Good, InternalIssuer, Issuer};
pub use obtained_locks::ObtainedLocks;
pub use ocsp::{OcspAnswer, OcspStatus};
pub use renewal::RenewalPolicy;
pub use server::{
    ChallengeServer, ClientAddr, HttpsOptions, HttpsServer, TlsAccepted, TlsListener,
};
pub use subject::{host_qualifies, is_private_subject, subject};
pub use tickets::{TicketKeys, TicketOptions};
