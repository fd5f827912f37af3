//! A certificate with its private key, as it is stored.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use certstore::bundle::{BundleKeys, BundleMetadata, CertificateBundle};
use certstore_core::{ErrorKind, Storage};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{ASN1Time, FromDer as _, X509Certificate};

use crate::{Error, Names, RenewalInfo, Result};

/// A certificate chain with its private key and metadata, and what the certificate says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    bundle: CertificateBundle,
    names: Vec<String>,
    not_before: SystemTime,
    not_after: SystemTime,
    renewal_info: Option<RenewalInfo>,
}

/// With so small a part of its lifetime left a certificate is renewed, whatever the CA has said before.
const LAST_PART: u32 = 20;
/// Before this part has gone by it is not: a CA that always says "at once" gets no order after the other.
const FIRST_PART: u32 = 100;

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
        let renewal_info = RenewalInfo::of(&bundle);
        Ok(Self { names: names(&leaf), not_before, not_after, renewal_info, bundle })
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

    /// When the CA would have it renewed, as it was stored last; `None`: that is not known.
    #[must_use]
    pub fn renewal_info(&self) -> Option<&RenewalInfo> {
        self.renewal_info.as_ref()
    }

    /// Whether the time has come that was chosen by what the CA says (RFC 9773), or the first that it says while none is
    /// chosen, once a hundredth of its lifetime has gone
    /// by, or only a twentieth is left; where the CA says nothing, whether at most a third is.
    #[must_use]
    pub fn is_due(&self, now: SystemTime) -> bool {
        let lifetime = self.not_after.duration_since(self.not_before).unwrap_or_default();
        let left = self.not_after.duration_since(now).unwrap_or_default();
        let said = self.renewal_info.as_ref();
        match said.map(|info| info.selected_time().unwrap_or_else(|| info.window().0)) {
            Some(selected) => {
                let old = left <= lifetime - lifetime / FIRST_PART;
                (selected <= now && old) || left <= lifetime / LAST_PART
            }
            None => left <= lifetime / 3,
        }
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
