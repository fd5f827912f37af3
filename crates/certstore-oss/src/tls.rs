//! The HTTP client, on rustls with ring whatever else is in the program.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use certstore_core::Result;
use reqwest::redirect::Policy;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;

use crate::error::invalid_config;

/// How long a connection may lie idle before it is used again. OSS closes one after a minute, and a write that is sent
/// once must not meet that.
const IDLE: Duration = Duration::from_secs(30);

/// An HTTP client that follows no redirect and asks no proxy.
///
/// # Errors
/// [`InvalidConfig`](certstore_core::ErrorKind::InvalidConfig): the certificate file cannot be read, or the system has no
/// certificates although `needs_tls`.
pub(crate) fn http_client(
    ca_cert: Option<&Path>,
    connect_timeout: Duration,
    needs_tls: bool,
) -> Result<reqwest::Client> {
    let tls = match ca_cert {
        Some(path) => config()?.with_root_certificates(roots(path)?).with_no_client_auth(),
        None => match config()?.with_platform_verifier() {
            Ok(config) => config.with_no_client_auth(),
            // Without certificates of the system there is still HTTP on this machine.
            Err(_) if !needs_tls => {
                config()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
            }
            Err(error) => {
                let message =
                    "the system's certificates cannot be read; install them, or set ca_cert";
                return Err(invalid_config(message).with_source(error));
            }
        },
    };
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .http1_only()
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(connect_timeout)
        .pool_idle_timeout(IDLE)
        .build();
    client.map_err(|error| invalid_config("the HTTP client cannot be made").with_source(error))
}

fn config() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>> {
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    builder.map_err(|error| invalid_config("TLS cannot be set up").with_source(error))
}

fn roots(path: &Path) -> Result<RootCertStore> {
    let unusable =
        || invalid_config(format!("ca_cert is no file with PEM certificates: {}", path.display()));
    let pem = std::fs::read(path).map_err(|error| unusable().with_source(error))?;
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| unusable().with_source(error))?;
        store.add(certificate).map_err(|error| unusable().with_source(error))?;
    }
    if store.is_empty() { Err(unusable()) } else { Ok(store) }
}
