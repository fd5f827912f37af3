//! TLS-ALPN-01 (RFC 8737): certificates that answer a CA inside the handshake.

use std::sync::Arc;

use certstore_core::{Error, ErrorKind, Result};
use certstore_instant_acme::alpn_server_name;
use papaya::HashMap;
use rcgen::{CertificateParams, CustomExtension};
use rustls::sign::CertifiedKey;

use super::Cache;
use super::name::Name;
use crate::{KeyType, PrivateKey, subject};

/// The protocol that a CA speaks to check TLS-ALPN-01, as it stands in ALPN.
pub const ACME_TLS_ALPN: &[u8] = b"acme-tls/1";

/// By the name that the CA asks with.
pub(super) type Challenges = HashMap<Name, Arc<CertifiedKey>>;

/// The certificate that answers TLS-ALPN-01 for a DNS name or an IP address: signed by itself, with the SHA-256 of
/// the key authorization in it.
///
/// # Errors
/// [`ErrorKind::InvalidKey`]: it is no name. [`ErrorKind::Other`]: the machine gives no randomness.
pub fn alpn_challenge_certificate(identifier: &str, digest: &[u8; 32]) -> Result<CertifiedKey> {
    let identifier = subject(identifier)?;
    let key = PrivateKey::generate(KeyType::P256)?;
    let made = CertificateParams::new([identifier.clone()]).and_then(|mut params| {
        params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
        params.self_signed(&key)
    });
    let certificate = made.map_err(|error| {
        Error::new(ErrorKind::Other, "the certificate of a challenge could not be made")
            .with_subject(identifier)
            .with_source(error)
    })?;
    Ok(CertifiedKey::new(vec![certificate.der().clone()], Arc::clone(key.signer())))
}

/// What the CA asks with.
fn asked(identifier: &str) -> Result<Name> {
    Ok(Name::new(&alpn_server_name(&subject(identifier)?)))
}

impl Cache {
    /// From now on a CA that asks for this name or address by TLS-ALPN-01 gets this certificate, and nobody else does.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: it is no name.
    pub fn set_alpn_challenge(&self, identifier: &str, key: Arc<CertifiedKey>) -> Result<()> {
        self.challenges.pin().insert(asked(identifier)?, key);
        Ok(())
    }

    /// The challenge is over. Says whether there was one.
    pub fn remove_alpn_challenge(&self, identifier: &str) -> bool {
        let Ok(name) = asked(identifier) else { return false };
        self.challenges.pin().remove(&name).is_some()
    }

    /// What answers a CA that asks with this name, as TLS brings it: in lower case, and of an address in the form of
    /// reverse lookups.
    #[must_use]
    pub fn alpn_challenge(&self, server_name: &str) -> Option<Arc<CertifiedKey>> {
        self.challenges.pin().get(server_name.as_bytes()).map(Arc::clone)
    }
}
