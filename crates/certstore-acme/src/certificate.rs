//! A certificate that is served.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use certstore::bundle::{BundleMetadata, CertificateBundle};
use certstore_core::{Error, ErrorKind, Key, Result, StorageKeys};
use certstore_instant_acme::RenewalInfo;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::sign::CertifiedKey;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{ASN1Time, FromDer as _, X509Certificate};

use crate::ocsp::{is_must_staple, responder};
use crate::{OcspAnswer, OcspStatus, PrivateKey, RenewalPolicy};

/// A certificate with its private key, ready to be served, and what it says of itself. Cloning it is cheap.
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    key: Arc<CertifiedKey>,
    names: Vec<String>,
    not_before: SystemTime,
    not_after: SystemTime,
    hash: String,
    issuer: Option<String>,
    must_staple: bool,
    staple: Staple,
    renewal_info: Option<RenewalInfo>,
}

/// What belongs to OCSP.
#[derive(Debug, Clone, Default)]
struct Staple {
    responder: Option<Box<str>>,
    /// Where the answer lies in the storage.
    key: Option<Key>,
    answer: Option<OcspAnswer>,
}

impl Certificate {
    /// Of a PEM chain, the certificate itself first, and its private key in PEM. Nobody renews it: it is *unmanaged*.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: one cannot be read, or the key is another certificate's.
    pub fn from_pem(chain: &str, private_key: &str) -> Result<Self> {
        Self::of(&CertificateBundle::new(chain, private_key, BundleMetadata::default())?, None)
    }

    /// Of a key that rustls already has, with the staple that it has. Nobody renews it or its staple.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: there is no certificate in it, it cannot be read, or the key is another certificate's.
    pub fn from_rustls(key: Arc<CertifiedKey>) -> Result<Self> {
        key.keys_match().or_else(|error| match error {
            // A key that does not tell its public part is the caller's to know.
            rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown) => Ok(()),
            error => Err(unusable("the private key is another certificate's", error)),
        })?;
        Self::new(key, None, None)
    }

    /// Of a stored bundle. `issuer` is the [name](crate::Issuer::name) of who renews it; `None`: nobody does.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: the chain or the key cannot be read.
    pub fn of(bundle: &CertificateBundle, issuer: Option<&str>) -> Result<Self> {
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(bundle.chain().as_bytes()).collect();
        let chain =
            chain.map_err(|error| unusable("the certificate chain cannot be read", error))?;
        let signer = Arc::clone(PrivateKey::from_pem(bundle.private_key())?.signer());
        let key = Arc::new(CertifiedKey::new(chain, signer));
        Self::new(key, issuer.map(str::to_owned), Some(bundle))
    }

    fn new(
        key: Arc<CertifiedKey>,
        issuer: Option<String>,
        bundle: Option<&CertificateBundle>,
    ) -> Result<Self> {
        let leaf = key.cert.first().ok_or_else(|| {
            Error::new(ErrorKind::Corrupt, "there is no certificate in the chain")
        })?;
        let (not_before, not_after) = validity(leaf)?;
        let parsed = parsed(leaf)?;
        let (names, hash, must_staple) = (names(&parsed), hash(&key.cert), is_must_staple(&parsed));
        // Its issuer is what an answer is checked by.
        let answered = bundle.map(CertificateBundle::chain).filter(|_| key.cert.len() > 1);
        let staple = match answered.and_then(|pem| Some((pem, responder(&parsed)?))) {
            Some((pem, responder)) => {
                let first = names.first().map(String::as_str);
                let key = StorageKeys::ocsp_staple(first, pem.as_bytes())?;
                Staple { responder: Some(responder), key: Some(key), answer: None }
            }
            None => Staple::default(),
        };
        let renewal_info = bundle.and_then(RenewalInfo::of);
        let inner = Inner {
            key,
            names,
            not_before,
            not_after,
            hash,
            issuer,
            must_staple,
            staple,
            renewal_info,
        };
        Ok(Self(Arc::new(inner)))
    }

    /// The names it is for: its subject alternative names, and without any its common name. DNS names are in lower case.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0.names
    }

    /// From when on it is valid.
    #[must_use]
    pub fn not_before(&self) -> SystemTime {
        self.0.not_before
    }

    /// Until when it is valid.
    #[must_use]
    pub fn not_after(&self) -> SystemTime {
        self.0.not_after
    }

    /// The SHA-256 of its chain in DER, in lower-case hexadecimal digits.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.0.hash
    }

    /// Who renews it, as it is called in the storage; `None` when nobody does.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.0.issuer.as_deref()
    }

    /// What rustls serves.
    #[must_use]
    pub fn certified_key(&self) -> &Arc<CertifiedKey> {
        &self.0.key
    }

    /// What its CA has last said of it by OCSP, if that is known. A good answer is stapled to handshakes; one that it is
    /// revoked is not.
    #[must_use]
    pub fn ocsp(&self) -> Option<&OcspAnswer> {
        self.0.staple.answer.as_ref()
    }

    /// Whether clients are to refuse it without a staple (RFC 7633).
    #[must_use]
    pub fn must_staple(&self) -> bool {
        self.0.must_staple
    }

    /// With another answer.
    pub(crate) fn with_ocsp(&self, answer: Option<OcspAnswer>) -> Self {
        let mut inner = Inner::clone(&self.0);
        let shown = answer.as_ref().filter(|answer| answer.status() == OcspStatus::Good);
        let ocsp = shown.map(|answer| answer.der().to_vec());
        inner.key = Arc::new(CertifiedKey { ocsp, ..CertifiedKey::clone(&inner.key) });
        inner.staple.answer = answer;
        Self(Arc::new(inner))
    }

    /// Whether its CA answers for it, and the answer can be kept.
    pub(crate) fn has_responder(&self) -> bool {
        self.0.staple.key.is_some()
    }

    pub(crate) fn responder(&self) -> Option<&str> {
        self.0.staple.responder.as_deref()
    }

    pub(crate) fn staple_key(&self) -> Option<&Key> {
        self.0.staple.key.as_ref()
    }

    /// When its CA would have it renewed, as it was stored when it was loaded; `None`: that is not known.
    #[must_use]
    pub fn renewal_info(&self) -> Option<&RenewalInfo> {
        self.0.renewal_info.as_ref()
    }

    /// When it is renewed: at the time that the fleet has chosen by what its CA says (RFC 9773), or when the CA would first
    /// have it while none is chosen; by the policy where it says nothing.
    #[must_use]
    pub fn due(&self, policy: &RenewalPolicy) -> SystemTime {
        let selected =
            self.renewal_info().map(|info| info.selected_time().unwrap_or_else(|| info.window().0));
        policy.due(self.not_before(), self.not_after(), selected)
    }

    /// Whether it is due, or has expired.
    #[must_use]
    pub fn needs_renewal(&self, policy: &RenewalPolicy, now: SystemTime) -> bool {
        self.due(policy) <= now || self.has_expired(now)
    }

    /// Whether it has expired.
    #[must_use]
    pub fn has_expired(&self, now: SystemTime) -> bool {
        self.not_after() <= now
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("names", &self.0.names)
            .field("not_after", &self.0.not_after)
            .field("hash", &self.0.hash)
            .field("issuer", &self.0.issuer)
            .finish_non_exhaustive()
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.hash() == other.hash()
    }
}

impl Eq for Certificate {}

fn unusable(
    message: &'static str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    Error::new(ErrorKind::Corrupt, message).with_source(source)
}

fn parsed<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>> {
    let (_, parsed) = X509Certificate::from_der(der)
        .map_err(|error| unusable("the certificate cannot be read", error))?;
    Ok(parsed)
}

/// From when on and until when a certificate is valid.
pub(crate) fn validity(der: &CertificateDer<'_>) -> Result<(SystemTime, SystemTime)> {
    let parsed = parsed(der)?;
    Ok((at(parsed.validity().not_before), at(parsed.validity().not_after)))
}

fn at(time: ASN1Time) -> SystemTime {
    // A time before 1970 is as good as 1970: over.
    UNIX_EPOCH + Duration::from_secs(u64::try_from(time.timestamp()).unwrap_or(0))
}

fn hash(chain: &[CertificateDer<'_>]) -> String {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    for certificate in chain {
        context.update(certificate);
    }
    context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn names(leaf: &X509Certificate<'_>) -> Vec<String> {
    let alternative = leaf.subject_alternative_name().ok().flatten();
    let general = alternative.iter().flat_map(|extension| &extension.value.general_names);
    let names: Vec<String> = general.filter_map(name).collect();
    if !names.is_empty() {
        return names;
    }
    let common = leaf.subject().iter_common_name().find_map(|name| name.as_str().ok());
    common.map(str::to_ascii_lowercase).into_iter().collect()
}

fn name(general: &GeneralName<'_>) -> Option<String> {
    match general {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let address = v4.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from));
            address.ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "certificate_tests.rs"]
mod tests;
