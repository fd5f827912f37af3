//! What a responder is asked.

use certstore_core::{Error, ErrorKind, Result};
use der::asn1::{ObjectIdentifier, OctetString};
use der::{Decode as _, Encode as _};
use ring::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use rustls::pki_types::CertificateDer;
use spki::AlgorithmIdentifierOwned;
use x509_cert::Certificate;
use x509_cert::serial_number::SerialNumber;
use x509_ocsp::{CertId, OcspRequest, Request, TbsRequest};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::X509Certificate;

const SHA1_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA256_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
/// id-ad-ocsp (RFC 5280, section 4.2.2.1).
const OCSP_ACCESS: &str = "1.3.6.1.5.5.7.48.1";
/// id-pe-tlsfeature (RFC 7633, section 4).
const TLS_FEATURE: &str = "1.3.6.1.5.5.7.1.24";
/// The extension `status_request` of TLS, which is the stapling of OCSP.
const STATUS_REQUEST: u16 = 5;

/// Where the CA answers for a certificate, as that says itself.
pub(crate) fn responder(leaf: &X509Certificate<'_>) -> Option<Box<str>> {
    let access =
        leaf.iter_extensions().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::AuthorityInfoAccess(access) => Some(access),
            _ => None,
        })?;
    access.iter().find_map(|place| match &place.access_location {
        GeneralName::URI(url)
            if place.access_method.to_id_string() == OCSP_ACCESS && url.starts_with("http://") =>
        {
            Some((*url).into())
        }
        _ => None,
    })
}

/// Whether clients are to refuse a certificate that comes without a staple (RFC 7633).
pub(crate) fn is_must_staple(leaf: &X509Certificate<'_>) -> bool {
    leaf.iter_extensions().any(|extension| {
        extension.oid.to_id_string() == TLS_FEATURE
            && <Vec<u16>>::from_der(extension.value)
                .is_ok_and(|features| features.contains(&STATUS_REQUEST))
    })
}

/// A certificate that is asked about.
#[derive(Debug)]
pub(crate) struct Question {
    pub(super) issuer: Certificate,
    pub(super) issuer_der: CertificateDer<'static>,
    serial: SerialNumber,
}

impl Question {
    /// About the first certificate of a chain, which the second has signed.
    pub(crate) fn of(chain: &[CertificateDer<'static>]) -> Result<Self> {
        let [leaf, issuer_der, ..] = chain else {
            let why = "the chain does not show who has signed the certificate";
            return Err(Error::new(ErrorKind::Unsupported, why));
        };
        let (leaf, issuer) = (certificate(leaf)?, certificate(issuer_der)?);
        let serial = leaf.tbs_certificate.serial_number;
        Ok(Self { issuer, issuer_der: issuer_der.clone(), serial })
    }

    /// The request. It has no nonce: an answer is for all who ask, and may be made ahead (RFC 5019).
    pub(crate) fn request(&self) -> Result<Vec<u8>> {
        let hash_algorithm =
            AlgorithmIdentifierOwned { oid: SHA1_OID, parameters: Some(der::Any::null()) };
        let octets = |bytes: Vec<u8>| OctetString::new(bytes).map_err(unreadable);
        let hash = &SHA1_FOR_LEGACY_USE_ONLY;
        let req_cert = CertId {
            hash_algorithm,
            issuer_name_hash: octets(self.name_hash(hash)?)?,
            issuer_key_hash: octets(self.key_hash(hash))?,
            serial_number: self.serial.clone(),
        };
        let request = Request { req_cert, single_request_extensions: None };
        let tbs_request = TbsRequest { request_list: vec![request], ..TbsRequest::default() };
        OcspRequest { tbs_request, optional_signature: None }.to_der().map_err(unreadable)
    }

    /// Whether an answer is about this certificate.
    pub(super) fn is_about(&self, id: &CertId) -> Result<bool> {
        let hash = match id.hash_algorithm.oid {
            SHA1_OID => &SHA1_FOR_LEGACY_USE_ONLY,
            SHA256_OID => &SHA256,
            _ => return Ok(false),
        };
        Ok(id.serial_number == self.serial
            && id.issuer_name_hash.as_bytes() == self.name_hash(hash)?
            && id.issuer_key_hash.as_bytes() == self.key_hash(hash))
    }

    fn name_hash(&self, hash: &'static Algorithm) -> Result<Vec<u8>> {
        let name = self.issuer.tbs_certificate.subject.to_der().map_err(unreadable)?;
        Ok(digest(hash, &name).as_ref().to_vec())
    }

    fn key_hash(&self, hash: &'static Algorithm) -> Vec<u8> {
        let key = &self.issuer.tbs_certificate.subject_public_key_info.subject_public_key;
        digest(hash, key.raw_bytes()).as_ref().to_vec()
    }
}

fn certificate(der: &CertificateDer<'_>) -> Result<Certificate> {
    Certificate::from_der(der).map_err(unreadable)
}

fn unreadable(error: der::Error) -> Error {
    Error::new(ErrorKind::Corrupt, "the certificate cannot be asked about").with_source(error)
}
