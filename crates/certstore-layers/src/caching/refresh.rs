//! Asking a certificate manager for a certificate, as a client would.

use async_trait::async_trait;

use super::host_policy::host_without_port;

/// The signature schemes that a refresh offers: ECDSA, and no RSA. Numbers of the registry of RFC 8446, section 4.2.3.
pub const PREFERRED_SIGNATURE_SCHEMES: [u16; 3] = [
    0x0403, // ecdsa_secp256r1_sha256
    0x0503, // ecdsa_secp384r1_sha384
    0x0603, // ecdsa_secp521r1_sha512
];

/// The cipher suites that a refresh offers: those of TLS 1.3 (RFC 8446, appendix B.4), and for TLS 1.2 those with an ECDSA
/// certificate (RFC 5289, RFC 7905).
pub const PREFERRED_CIPHER_SUITES: [u16; 6] = [
    0x1302, // TLS_AES_256_GCM_SHA384
    0x1301, // TLS_AES_128_GCM_SHA256
    0x1303, // TLS_CHACHA20_POLY1305_SHA256
    0xc02c, // TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
    0xc02b, // TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
    0xcca9, // TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
];

/// What a client says of itself before it sees a certificate: as much as choosing one needs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientHello {
    /// The host that it asks for, without a port (RFC 6066, section 3).
    pub server_name: String,
    /// The signature schemes that it understands, the best first.
    pub signature_schemes: Vec<u16>,
    /// The cipher suites that it understands, the best first.
    pub cipher_suites: Vec<u16>,
}

impl ClientHello {
    /// The hello of a client that wants an ECDSA certificate for `host`; a port of `host` is left out.
    #[must_use]
    pub fn ecdsa(host: &str) -> Self {
        Self {
            server_name: host_without_port(host).trim_end_matches('.').to_ascii_lowercase(),
            signature_schemes: PREFERRED_SIGNATURE_SCHEMES.to_vec(),
            cipher_suites: PREFERRED_CIPHER_SUITES.to_vec(),
        }
    }

    /// Whether it takes an ECDSA certificate.
    #[must_use]
    pub fn takes_ecdsa(&self) -> bool {
        self.signature_schemes.iter().any(|scheme| PREFERRED_SIGNATURE_SCHEMES.contains(scheme))
    }
}

/// Whatever obtains, renews and serves certificates.
///
/// `Certificate` is what it hands to its TLS server, such as an `Arc<rustls::sign::CertifiedKey>`.
#[async_trait]
pub trait CertificateManager: Send + Sync {
    /// What it serves.
    type Certificate;
    /// How it fails.
    type Error;

    /// The certificate for this client: from its store, or obtained or renewed now when that is due.
    ///
    /// # Errors
    /// Of the manager.
    ///
    /// # Cancel safety
    /// Of the manager.
    async fn certificate(&self, hello: &ClientHello) -> Result<Self::Certificate, Self::Error>;
}

/// Refreshes the certificate of `host`: asks the manager as a client would whose hello allows ECDSA certificates only, so
/// that it obtains or renews what is due, and not the RSA certificate beside it.
///
/// # Errors
/// Of the manager.
///
/// # Cancel safety
/// Of the manager's [`certificate`](CertificateManager::certificate).
///
/// ```
/// use certstore_layers::caching::{CertificateManager, ClientHello, refresh_certificate};
/// struct Manager;
/// #[async_trait::async_trait]
/// impl CertificateManager for Manager {
///     type Certificate = String;
///     type Error = std::io::Error;
///     async fn certificate(&self, hello: &ClientHello) -> std::io::Result<String> {
///         let suffix = if hello.takes_ecdsa() { "" } else { "+rsa" };
///         Ok(format!("{}{suffix}", hello.server_name))
///     }
/// }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
/// assert_eq!(refresh_certificate(&Manager, "example.com:443").await?, "example.com");
/// # Ok(()) }
/// ```
pub async fn refresh_certificate<M: CertificateManager + ?Sized>(
    manager: &M,
    host: &str,
) -> Result<M::Certificate, M::Error> {
    manager.certificate(&ClientHello::ecdsa(host)).await
}

#[cfg(test)]
#[path = "refresh_tests.rs"]
mod tests;
