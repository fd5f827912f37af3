//! Certificates for the connection.

use std::path::Path;

use certstore_core::{Error, ErrorKind, Result};
use redis::{ClientTlsConfig, TlsCertificates};

use crate::config::RedisConfig;
use crate::error::BACKEND;

/// Reads the files that the configuration names; `None` without TLS.
pub(super) fn certificates(config: &RedisConfig) -> Result<Option<TlsCertificates>> {
    if !config.tls {
        return Ok(None);
    }
    // The driver builds its TLS on the process' default; one that the program has chosen stays.
    drop(rustls::crypto::ring::default_provider().install_default());
    let root_cert = config.ca_cert.as_deref().map(|path| read("ca_cert", path)).transpose()?;
    let client_tls = match (&config.client_cert, &config.client_key) {
        (Some(cert), Some(key)) => Some(ClientTlsConfig {
            client_cert: read("client_cert", cert)?,
            client_key: read("client_key", key)?,
        }),
        _ => None,
    };
    Ok(Some(TlsCertificates { client_tls, root_cert }))
}

fn read(option: &'static str, path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        let message =
            format!("the file of {option} cannot be read; correct its path or permissions");
        let shown: String = path.to_string_lossy().chars().flat_map(char::escape_debug).collect();
        Error::new(ErrorKind::InvalidConfig, message)
            .with_operation("open")
            .with_subject(shown)
            .with_backend(BACKEND)
            .with_source(error)
    })
}
