//! A root, an intermediate, and what they sign.

use std::time::{Duration, SystemTime};

use certstore_core::{Error as StorageError, ErrorKind};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyUsagePurpose,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use time::OffsetDateTime;

use crate::certificate::validity;
use crate::{Error, KeyType, PrivateKey, Result};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Ten years, as Caddy's.
const ROOT_LIFETIME: Duration = DAY.saturating_mul(3_600);
const INTERMEDIATE_LIFETIME: Duration = DAY.saturating_mul(7);
/// A client's clock may be behind ours by this much.
const BACKDATED: Duration = Duration::from_secs(3600);

/// What gives certificates: an intermediate, and the root that clients trust.
pub(super) struct Authority {
    root: String,
    intermediate: Signer,
}

impl Authority {
    /// The kind of its own keys.
    pub(super) const KEY_TYPE: KeyType = KeyType::P256;

    pub(super) fn new(root: String, intermediate: Signer) -> Self {
        Self { root, intermediate }
    }

    pub(super) fn root(&self) -> &str {
        &self.root
    }

    /// Whether its intermediate is valid for so long, and not in the last third of its own life.
    pub(super) fn lasts(&self, now: SystemTime, lifetime: Duration) -> bool {
        let left = self.intermediate.not_after.duration_since(now).unwrap_or_default();
        // What would never outlive its intermediate is cut to it.
        left > (INTERMEDIATE_LIFETIME / 3).max(lifetime.min(INTERMEDIATE_LIFETIME / 2))
    }

    /// A chain for a subject in PEM, its own certificate first.
    pub(super) fn sign(
        &self,
        subject: &str,
        key: &PrivateKey,
        now: SystemTime,
        lifetime: Duration,
    ) -> Result<String> {
        let failed = |source| Error::Authority { step: "sign a certificate", source };
        let mut params = CertificateParams::new([subject.to_owned()]).map_err(failed)?;
        params.distinguished_name = DistinguishedName::new();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let last = self.intermediate.not_after;
        let end = now.checked_add(lifetime).map_or(last, |end| end.min(last));
        // A short lifetime stays one: it is renewed by its thirds.
        let start = now - BACKDATED.min(lifetime / 10);
        (params.not_before, params.not_after) = (date(start), date(end));
        let leaf = params.signed_by(key, &self.intermediate.issuer).map_err(failed)?;
        Ok(format!("{}{}", leaf.pem(), self.intermediate.pem))
    }
}

/// A certificate that signs others, with its key.
pub(super) struct Signer {
    pem: String,
    not_after: SystemTime,
    issuer: Issuer<'static, PrivateKey>,
}

impl Signer {
    /// Of a stored certificate and its key.
    pub(super) fn from_pem(pem: String, key: PrivateKey) -> Result<Self> {
        let corrupt = |message: &'static str| StorageError::new(ErrorKind::Corrupt, message);
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| {
            corrupt("the authority's certificate cannot be read").with_source(error)
        })?;
        let (_, not_after) = validity(&der)?;
        let certified = rustls::sign::CertifiedKey::new(vec![der.clone()], key.signer().clone());
        certified.keys_match().map_err(|error| {
            corrupt("the private key of the authority is another certificate's").with_source(error)
        })?;
        let issuer = Issuer::from_ca_cert_der(&der, key)
            .map_err(|source| Error::Authority { step: "use its certificate", source })?;
        Ok(Self { pem, not_after, issuer })
    }

    /// A new root.
    pub(super) fn self_signed(key: &PrivateKey, now: SystemTime) -> Result<Self> {
        let params = params("certstore Local Authority - ECC Root", 1, now, ROOT_LIFETIME);
        let made = params.self_signed(key);
        Self::made("make a root", params, made, key, now + ROOT_LIFETIME)
    }

    /// A new intermediate beneath this root.
    pub(super) fn intermediate(&self, key: &PrivateKey, now: SystemTime) -> Result<Self> {
        let name = "certstore Local Authority - ECC Intermediate";
        let params = params(name, 0, now, INTERMEDIATE_LIFETIME);
        let made = params.signed_by(key, &self.issuer);
        Self::made("make an intermediate", params, made, key, now + INTERMEDIATE_LIFETIME)
    }

    fn made(
        step: &'static str,
        params: CertificateParams,
        made: Result<Certificate, rcgen::Error>,
        key: &PrivateKey,
        not_after: SystemTime,
    ) -> Result<Self> {
        let pem = made.map_err(|source| Error::Authority { step, source })?.pem();
        Ok(Self { pem, not_after, issuer: Issuer::new(params, key.clone()) })
    }

    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    pub(super) fn lasts_for_an_intermediate(&self, now: SystemTime) -> bool {
        now + INTERMEDIATE_LIFETIME <= self.not_after
    }
}

fn params(name: &str, depth: u8, now: SystemTime, lifetime: Duration) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(depth));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = (date(now - BACKDATED), date(now + lifetime));
    params
}

fn date(time: SystemTime) -> OffsetDateTime {
    time.into()
}
