//! Certificates that somebody else renews.

use std::path::Path;
use std::sync::Arc;

use certstore_core::{Error as StorageError, ErrorKind};
use rustls::sign::CertifiedKey;

use super::Config;
use super::obtain::Room;
use crate::{Certificate, Result};

impl Config {
    /// Serves a certificate that nobody renews, from its PEM chain and private key.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::Error::Storage) of the kind `Corrupt`: one cannot be read, or the key is another
    /// certificate's.
    pub fn cache_unmanaged_pem(&self, chain: &str, private_key: &str) -> Result<Certificate> {
        let certificate = Certificate::from_pem(chain, private_key)?;
        self.serve(&certificate, Room::IsMade);
        Ok(certificate)
    }

    /// Serves a certificate that nobody renews, from two PEM files.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::Error::Storage): a file cannot be read (`NotFound`, `PermissionDenied`, `Other`), and as
    /// [`cache_unmanaged_pem`](Self::cache_unmanaged_pem).
    pub fn cache_unmanaged_pem_files(
        &self,
        chain: impl AsRef<Path>,
        private_key: impl AsRef<Path>,
    ) -> Result<Certificate> {
        let (chain, key) =
            (read(chain.as_ref())?, zeroize::Zeroizing::new(read(private_key.as_ref())?));
        self.cache_unmanaged_pem(&chain, &key)
    }

    /// Serves a certificate that nobody renews, as rustls has it.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::Error::Storage) of the kind `Corrupt`: it cannot be read, or the key is another
    /// certificate's.
    pub fn cache_unmanaged_rustls(&self, key: Arc<CertifiedKey>) -> Result<Certificate> {
        let certificate = Certificate::from_rustls(key)?;
        self.serve(&certificate, Room::IsMade);
        Ok(certificate)
    }
}

fn read(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            std::io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
            _ => ErrorKind::Other,
        };
        let message = format!("cannot read {}", path.display());
        StorageError::new(kind, message).with_source(error)
    })?;
    Ok(text)
}
