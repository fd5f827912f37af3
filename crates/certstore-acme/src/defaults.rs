//! Well-known authorities, ports and intervals.

use std::time::Duration;

/// The directory of Let's Encrypt, whose certificates are trusted everywhere.
pub const LETS_ENCRYPT_PRODUCTION_CA: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// The directory of Let's Encrypt's staging environment, for tests: generous limits, certificates that nobody trusts.
pub const LETS_ENCRYPT_STAGING_CA: &str = "https://acme-staging-v02.api.letsencrypt.org/directory";

/// The directory of ZeroSSL, which wants an external account binding.
pub const ZEROSSL_PRODUCTION_CA: &str = "https://acme.zerossl.com/v2/DV90";

/// The directory of Google Trust Services, which wants an external account binding.
pub const GOOGLE_TRUST_PRODUCTION_CA: &str = "https://dv.acme-v02.api.pki.goog/directory";

/// The port that a CA asks on for HTTP-01 (RFC 8555, section 8.3).
pub const HTTP_CHALLENGE_PORT: u16 = 80;

/// The port that a CA asks on for TLS-ALPN-01 (RFC 8737, section 3).
pub const TLS_ALPN_CHALLENGE_PORT: u16 = 443;

/// How often certificates are looked at for renewal.
pub const DEFAULT_RENEW_INTERVAL: Duration = Duration::from_secs(10 * 60);

/// How long before a certificate expires it is renewed, at most: a third of its lifetime if that is shorter.
pub const DEFAULT_RENEW_BEFORE: Duration = Duration::from_secs(30 * 24 * 3600);

/// How long before a certificate expires a start waits for a new one, at most.
pub const DEFAULT_RENEW_BEFORE_AT_STARTUP: Duration = Duration::from_secs(7 * 24 * 3600);

/// How often staples of OCSP are looked at.
pub const DEFAULT_OCSP_INTERVAL: Duration = Duration::from_secs(3600);

#[cfg(test)]
#[path = "defaults_tests.rs"]
mod tests;
