//! Whether a private key belongs to a certificate.

use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use x509_parser::pem::Pem;
use zeroize::Zeroizing;

use super::KeyMatch;

/// Whether the private key in `pem` is the one of `public_key`, a subject public key info in DER.
///
/// Takes every label that Go's CertMagic writes: `EC PRIVATE KEY` (SEC1), `RSA PRIVATE KEY` (PKCS#1), `PRIVATE KEY`
/// (PKCS#8), and `ED25519 PRIVATE KEY`, which wraps PKCS#8 although no standard knows that label.
pub(crate) fn matches(pem: &[u8], public_key: &[u8]) -> KeyMatch {
    let mut fault = "no private key in it".to_owned();
    for block in Pem::iter_from_buffer(pem) {
        let Pem { label, contents } = match block {
            Ok(block) => block,
            Err(error) => return KeyMatch::Unknown(format!("the PEM is damaged: {error}")),
        };
        if !label.ends_with("PRIVATE KEY") {
            continue;
        }
        match public_key_of(&label, &Zeroizing::new(contents)) {
            Ok(own) if own == public_key => return KeyMatch::Yes,
            Ok(_) => return KeyMatch::No,
            Err(error) => fault = error,
        }
    }
    KeyMatch::Unknown(fault)
}

/// The public key of a private one. The label is a hint only: what it says is tried first.
fn public_key_of(label: &str, der: &[u8]) -> Result<Vec<u8>, String> {
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
        .find_map(|next| any_supported_type(&forms[(first + next) % forms.len()](der)).ok())
        .ok_or("the key cannot be read, or is of a kind that this build does not know")?;
    let public = key.public_key().ok_or("the public part of the key is not known")?;
    Ok(public.as_ref().to_vec())
}
