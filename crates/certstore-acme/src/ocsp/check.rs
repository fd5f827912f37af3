//! Whether an answer is the CA's, and counts.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use certstore_core::{Error, ErrorKind, Result};
use der::{Decode as _, Encode as _, Header, Reader as _, SliceReader};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_ocsp::{
    BasicOcspResponse, CertStatus, OcspGeneralizedTime, OcspResponse, OcspResponseStatus,
    SingleResponse,
};

use super::{OcspAnswer, OcspStatus, Question};
use crate::RevocationReason;

/// id-pkix-ocsp-basic (RFC 6960, section 4.2.1).
const BASIC: &str = "1.3.6.1.5.5.7.48.1.1";
/// id-kp-OCSPSigning (RFC 6960, section 4.2.2.2), as DER has it behind tag and length.
const OCSP_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 9];
/// A responder's clock may be ahead by so much.
const AHEAD: Duration = Duration::from_secs(5 * 60);
/// How many certificates of an answer may be its signer's: each costs a signature to check.
const MOST_SIGNERS: usize = 4;

/// Reads an answer: it is about the certificate, signed by its issuer or by whom the issuer has told to answer for it,
/// and not over.
///
/// # Errors
/// [`ErrorKind::Corrupt`]: it is no such answer, with what is wrong. [`ErrorKind::Unavailable`]: the responder says that
/// it has none.
pub(crate) fn check(der: &[u8], question: &Question, now: SystemTime) -> Result<OcspAnswer> {
    let response = OcspResponse::from_der(der).map_err(unreadable)?;
    if response.response_status != OcspResponseStatus::Successful {
        let said = format!("the responder has no answer: {:?}", response.response_status);
        return Err(Error::new(ErrorKind::Unavailable, said));
    }
    let bytes = response.response_bytes.ok_or_else(|| wrong("it is empty"))?;
    if bytes.response_type.to_string() != BASIC {
        return Err(wrong("it is of another kind than the basic one"));
    }
    let basic = BasicOcspResponse::from_der(bytes.response.as_bytes()).map_err(unreadable)?;
    let end = signed_until(&basic, bytes.response.as_bytes(), question, now)?;
    let mut about = None;
    for single in &basic.tbs_response_data.responses {
        if question.is_about(&single.cert_id)? {
            about = Some(single);
        }
    }
    let about = about.ok_or_else(|| wrong("it is about another certificate"))?;
    let mut answer = read(about, der)?;
    answer.next_update = answer.next_update.min(end.unwrap_or(answer.next_update));
    if answer.this_update > now + AHEAD {
        return Err(wrong("its time has not come"));
    }
    if !answer.counts(now) {
        return Err(wrong("its time is over"));
    }
    Ok(answer)
}

fn read(single: &SingleResponse, der: &[u8]) -> Result<OcspAnswer> {
    let next_update =
        single.next_update.as_ref().ok_or_else(|| wrong("it does not say until when it counts"))?;
    let status = match &single.cert_status {
        CertStatus::Good(_) => OcspStatus::Good,
        CertStatus::Revoked(info) => {
            let reason = info.revocation_reason;
            OcspStatus::Revoked {
                since: UNIX_EPOCH + info.revocation_time.0.to_unix_duration(),
                reason: reason.and_then(|reason| RevocationReason::from_code(reason as u8)),
            }
        }
        CertStatus::Unknown(_) => OcspStatus::Unknown,
    };
    let at = |time: &OcspGeneralizedTime| UNIX_EPOCH + time.0.to_unix_duration();
    Ok(OcspAnswer {
        der: Bytes::copy_from_slice(der),
        status,
        this_update: at(&single.this_update),
        next_update: at(next_update),
    })
}

/// Checks the signature; gives when the certificate of a responder that answers for the issuer ends.
fn signed_until(
    basic: &BasicOcspResponse,
    der: &[u8],
    question: &Question,
    now: SystemTime,
) -> Result<Option<SystemTime>> {
    let signed = signed_part(der).map_err(unreadable)?;
    if is_signed_by(&question.issuer_der, basic, signed)? {
        return Ok(None);
    }
    for signer in basic.certs.iter().flatten().take(MOST_SIGNERS) {
        let end = signer.tbs_certificate.validity.not_after.to_unix_duration();
        let signer = CertificateDer::from(signer.to_der().map_err(unreadable)?);
        if may_answer(&signer, question, now) && is_signed_by(&signer, basic, signed)? {
            return Ok(Some(UNIX_EPOCH + end));
        }
    }
    Err(wrong("neither the issuer has signed it nor a responder of the issuer's"))
}

/// Whether the issuer has told the holder of a certificate to answer for it, and that counts today.
fn may_answer(signer: &CertificateDer<'_>, question: &Question, now: SystemTime) -> bool {
    let Ok(anchor) = anchor_from_trusted_cert(&question.issuer_der) else { return false };
    let Ok(signer) = EndEntityCert::try_from(signer) else { return false };
    let now = UnixTime::since_unix_epoch(now.duration_since(UNIX_EPOCH).unwrap_or_default());
    let (known, usage) = (
        default_provider().signature_verification_algorithms.all,
        KeyUsage::required(OCSP_SIGNING),
    );
    signer.verify_for_usage(known, &[anchor], &[], now, usage, None, None).is_ok()
}

fn is_signed_by(
    signer: &CertificateDer<'_>,
    basic: &BasicOcspResponse,
    signed: &[u8],
) -> Result<bool> {
    let signer = EndEntityCert::try_from(signer).map_err(|error| {
        wrong("the certificate of its signer cannot be read").with_source(error)
    })?;
    let algorithm = basic.signature_algorithm.to_der().map_err(unreadable)?;
    let algorithm = content(&algorithm).map_err(unreadable)?;
    let suits = |known: &&&dyn SignatureVerificationAlgorithm| {
        known.signature_alg_id().as_ref() == algorithm
    };
    let known = default_provider().signature_verification_algorithms.all;
    let signature = basic.signature.raw_bytes();
    Ok(known
        .iter()
        .filter(suits)
        .any(|known| signer.verify_signature(*known, signed, signature).is_ok()))
}

/// What is inside a SEQUENCE.
fn content(der: &[u8]) -> Result<&[u8], der::Error> {
    let mut reader = SliceReader::new(der)?;
    let header = Header::decode(&mut reader)?;
    reader.read_slice(header.length)
}

/// The first part of an answer as it came, which is what is signed.
fn signed_part(der: &[u8]) -> Result<&[u8], der::Error> {
    SliceReader::new(content(der)?)?.tlv_bytes()
}

fn wrong(what: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("the OCSP answer is of no use: {what}"))
}

fn unreadable(error: der::Error) -> Error {
    wrong("it cannot be read").with_source(error)
}
