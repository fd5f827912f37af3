//! Reading private keys, and whether one belongs to a certificate.

use std::sync::Arc;

use certstore_core::{Error, ErrorKind, Result};
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use rustls::sign::SigningKey;
use x509_parser::pem::Pem;
use zeroize::Zeroizing;

use super::KeyMatch;

/// Whether the private key in `pem` is the one of `public_key`, a subject public key info in DER.
pub(crate) fn matches(pem: &[u8], public_key: &[u8]) -> KeyMatch {
    match first_key(pem).and_then(|key| public_part(&*key)) {
        Ok(own) if own == public_key => KeyMatch::Yes,
        Ok(_) => KeyMatch::No,
        Err(fault) => KeyMatch::Unknown(fault),
    }
}

/// Reads the first private key in a PEM text that rustls signs with.
///
/// Takes every label that Go's CertMagic writes: `EC PRIVATE KEY` (SEC1), `RSA PRIVATE KEY` (PKCS#1), `PRIVATE KEY`
/// (PKCS#8), and `ED25519 PRIVATE KEY`, which wraps PKCS#8 although no standard knows that label.
///
/// # Errors
/// [`ErrorKind::Corrupt`]: there is none, or it cannot be read or used; nothing of it is shown.
pub fn signing_key(pem: &[u8]) -> Result<Arc<dyn SigningKey>> {
    first_key(pem).map_err(|fault| {
        Error::new(ErrorKind::Corrupt, format!("the private key is not usable: {fault}"))
    })
}

fn first_key(pem: &[u8]) -> Result<Arc<dyn SigningKey>, String> {
    let mut fault = "no private key in it".to_owned();
    for block in Pem::iter_from_buffer(pem) {
        let Pem { label, contents } =
            block.map_err(|error| format!("the PEM is damaged: {error}"))?;
        if !label.ends_with("PRIVATE KEY") {
            continue;
        }
        match key_of(&label, &Zeroizing::new(contents)) {
            Ok(key) => return Ok(key),
            Err(error) => fault = error,
        }
    }
    Err(fault)
}

/// The label is a hint only: what it says is tried first.
fn key_of(label: &str, der: &[u8]) -> Result<Arc<dyn SigningKey>, String> {
    if label == "ENCRYPTED PRIVATE KEY" {
        return Err("the key is encrypted with a password".into());
    }
    let forms: [fn(&[u8]) -> PrivateKeyDer<'_>; 3] = [
        |der| PrivatePkcs8KeyDer::from(der).into(),
        |der| PrivateSec1KeyDer::from(der).into(),
        |der| PrivatePkcs1KeyDer::from(der).into(),
    ];
    let first = match label {
        "EC PRIVATE KEY" => 1,
        "RSA PRIVATE KEY" => 2,
        _ => 0,
    };
    let key = (0..forms.len())
        .find_map(|next| any_supported_type(&forms[(first + next) % forms.len()](der)).ok());
    key.ok_or_else(|| {
        "the key cannot be read, or is of a kind that this build does not know".into()
    })
}

/// The subject public key info, in DER.
fn public_part(key: &dyn SigningKey) -> Result<Vec<u8>, String> {
    let public = key.public_key().ok_or("the public part of the key is not known")?;
    Ok(public.as_ref().to_vec())
}
