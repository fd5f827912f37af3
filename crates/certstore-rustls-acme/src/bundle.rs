//! What rustls-acme stores as a certificate: the private key and the chain, PEM after PEM.

use std::time::{Duration, SystemTime};

use rustls_acme::rustls::crypto::ring::sign::any_ecdsa_type;
use rustls_acme::rustls::pki_types::pem::{PemObject as _, SectionKind};
use rustls_acme::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls_acme::rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use zeroize::Zeroizing;

use crate::slot::State;

/// What a stored bundle is worth at this moment.
///
/// rustls-acme takes a bundle that it cannot read, or that is due, as a reason to order at once; so both need the lock.
pub(crate) fn state(bundle: &[u8], now: SystemTime) -> State {
    let Some([not_before, not_after]) = validity(bundle) else { return State::Damaged };
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    // rustls-acme renews when a third of the lifetime is left.
    if now >= not_after {
        State::Expired
    } else if now >= not_after.saturating_sub(not_after.saturating_sub(not_before) / 3) {
        State::Due
    } else {
        State::Good
    }
}

/// From when until when the leaf is valid, since 1970; `None` for what rustls-acme cannot serve.
fn validity(bundle: &[u8]) -> Option<[Duration; 2]> {
    let mut sections = <(SectionKind, Vec<u8>)>::pem_slice_iter(bundle);
    let Some(Ok((SectionKind::PrivateKey, key))) = sections.next() else { return None };
    let key = Zeroizing::new(key);
    let key =
        any_ecdsa_type(&PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.as_slice()))).ok()?;
    let mut chain = Vec::new();
    for section in sections {
        let Ok((SectionKind::Certificate, certificate)) = section else { return None };
        chain.push(CertificateDer::from(certificate));
    }
    let leaf = chain.first()?.clone();
    CertifiedKey::new(chain, key).keys_match().ok()?;
    let (_, leaf) = X509Certificate::from_der(&leaf).ok()?;
    let validity = leaf.validity();
    let [not_before, not_after] = [validity.not_before, validity.not_after]
        .map(|time| u64::try_from(time.timestamp()).map(Duration::from_secs).ok());
    Some([not_before?, not_after?])
}

#[cfg(test)]
#[path = "bundle_tests.rs"]
mod tests;
