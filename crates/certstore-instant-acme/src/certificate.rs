//! A certificate with its private key, as it is stored.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use certstore::bundle::{BundleKeys, BundleMetadata, CertificateBundle};
use certstore_core::{ErrorKind, Storage};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{ASN1Time, FromDer as _, X509Certificate};

use crate::{Error, Names, Result};

/// A certificate chain with its private key and metadata, and what the certificate says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    bundle: CertificateBundle,
    names: Vec<String>,
    not_before: SystemTime,
    not_after: SystemTime,
}

impl Certificate {
    /// Of a PEM chain, the certificate itself first, and its private key in PEM.
    ///
    /// # Errors
    /// [`Error::Storage`] of the kind [`Corrupt`](ErrorKind::Corrupt): one cannot be read, or the key is another
    /// certificate's.
    pub fn new(chain: &str, private_key: &str, metadata: BundleMetadata) -> Result<Self> {
        Self::of(CertificateBundle::new(chain, private_key, metadata)?)
    }

    /// The one that is stored, if it is whole. What can be read and makes no certificate counts as missing, for whoever
    /// replaces it with an error in the log; what cannot be read, as when it was sealed with another key, is an error.
    pub(crate) async fn load(
        storage: &dyn Storage,
        keys: &BundleKeys,
        replaces: bool,
    ) -> Result<Option<Self>> {
        let error = match CertificateBundle::load(storage, keys).await {
            Ok(bundle) => return Self::of(bundle).map(Some),
            Err(error) => error,
        };
        if error.kind() == ErrorKind::Corrupt {
            storage.load_bundle(&[keys.private_key(), keys.certificate(), keys.metadata()]).await?;
            if replaces {
                tracing::error!(key = %keys.certificate(), %error, "what is stored here is no key with its certificate; it will be replaced");
            }
        } else if error.kind() != ErrorKind::NotFound {
            return Err(error.into());
        }
        Ok(None)
    }

    fn of(bundle: CertificateBundle) -> Result<Self> {
        let unusable = |source| Error::unusable("the certificate cannot be read", source);
        let der = CertificateDer::from_pem_slice(bundle.chain().as_bytes())
            .map_err(|error| unusable(error.to_string()))?;
        let (_, leaf) =
            X509Certificate::from_der(&der).map_err(|error| unusable(error.to_string()))?;
        let validity = leaf.validity();
        let (not_before, not_after) = (at(validity.not_before), at(validity.not_after));
        Ok(Self { names: names(&leaf), not_before, not_after, bundle })
    }

    /// What is stored: chain, private key, metadata.
    #[must_use]
    pub fn bundle(&self) -> &CertificateBundle {
        &self.bundle
    }

    /// Its subject alternative names: DNS names and IP addresses.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// From when on it is valid.
    #[must_use]
    pub fn not_before(&self) -> SystemTime {
        self.not_before
    }

    /// Until when it is valid.
    #[must_use]
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// Whether at most a third of its lifetime is left.
    #[must_use]
    pub fn is_due(&self, now: SystemTime) -> bool {
        let lifetime = self.not_after.duration_since(self.not_before).unwrap_or_default();
        let left = self.not_after.duration_since(now).unwrap_or_default();
        left <= lifetime / 3
    }

    /// Whether it is for all of these names.
    #[must_use]
    pub fn covers(&self, names: &Names) -> bool {
        names.as_slice().iter().all(|name| self.names.contains(name))
    }
}

fn at(time: ASN1Time) -> SystemTime {
    // A time before 1970 is as good as 1970: over.
    UNIX_EPOCH + Duration::from_secs(u64::try_from(time.timestamp()).unwrap_or(0))
}

fn names(leaf: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = leaf.subject_alternative_name() else { return Vec::new() };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(|v4| std::net::IpAddr::from(v4).to_string());
            let v6 =
                || <[u8; 16]>::try_from(*bytes).map(|v6| std::net::IpAddr::from(v6).to_string());
            v4.or_else(|_| v6()).ok()
        }
        _ => None,
    };
    extension.value.general_names.iter().filter_map(name).collect()
}

#[cfg(test)]
#[path = "certificate_tests.rs"]
mod tests;
