use std::time::Duration;

use super::*;

/// RFC 8555, section 8.3; RFC 8737, section 3; Let's Encrypt's own documentation.
#[test]
fn they_are_those_of_the_standards() {
    assert_eq!((HTTP_CHALLENGE_PORT, TLS_ALPN_CHALLENGE_PORT), (80, 443));
    assert_eq!(LETS_ENCRYPT_PRODUCTION_CA, "https://acme-v02.api.letsencrypt.org/directory");
    assert_eq!(LETS_ENCRYPT_STAGING_CA, "https://acme-staging-v02.api.letsencrypt.org/directory");
    let day = Duration::from_secs(24 * 3600);
    assert_eq!((DEFAULT_RENEW_BEFORE, DEFAULT_RENEW_BEFORE_AT_STARTUP), (30 * day, 7 * day));
    for url in [ZEROSSL_PRODUCTION_CA, GOOGLE_TRUST_PRODUCTION_CA] {
        assert!(url.starts_with("https://"));
    }
}
