//! Private keys: made by us, or kept by others in any form that Go or OpenSSL writes.

use std::fmt;
use std::sync::Arc;

use certstore::inventory::signing_key;
use certstore_core::{Error, ErrorKind, Result, Secret};
use rcgen::{KeyPair, PublicKeyData, SignatureAlgorithm};
use rustls::SignatureScheme;
use rustls::sign::SigningKey;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::SubjectPublicKeyInfo;

/// The kind of a certificate's private key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyType {
    /// ECDSA on P-256: small, quick, known to every client.
    #[default]
    P256,
    /// ECDSA on P-384.
    P384,
    /// Ed25519. No public CA gives certificates for it, and browsers do not know it.
    Ed25519,
    /// RSA, for clients that know nothing else. Keys that are imported are used, of any length that ring signs with (2048 to
    /// 8192 bits). ring makes none: keys of 2048 bits are made with the feature `rsa`.
    Rsa,
}

/// A private key, which is never shown.
#[derive(Clone)]
pub struct PrivateKey {
    pem: Secret,
    signer: Arc<dyn SigningKey>,
    public: Arc<[u8]>,
    kind: KeyType,
}

impl PrivateKey {
    /// Makes one. For RSA that takes long, a second and more: see [`generate_in_background`](Self::generate_in_background).
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`]: an RSA key is wanted without the feature `rsa`. [`ErrorKind::Other`]: the machine gives
    /// no randomness.
    pub fn generate(kind: KeyType) -> Result<Self> {
        let algorithm: &'static SignatureAlgorithm = match kind {
            KeyType::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            KeyType::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            KeyType::Ed25519 => &rcgen::PKCS_ED25519,
            KeyType::Rsa => return Self::from_pem(rsa()?.expose()),
        };
        let pair = KeyPair::generate_for(algorithm).map_err(not_made)?;
        Self::from_pem(&pair.serialize_pem())
    }

    /// As [`generate`](Self::generate), for RSA on a thread that may block.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    ///
    /// # Cancel safety
    /// Dropped, the key is made for nothing.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn generate_in_background(kind: KeyType) -> Result<Self> {
        if kind != KeyType::Rsa {
            return Self::generate(kind);
        }
        let made = tokio::task::spawn_blocking(move || Self::generate(kind)).await;
        made.unwrap_or_else(|error| Err(not_made(error)))
    }

    /// Reads the first private key of a PEM text: PKCS #8, `EC PRIVATE KEY`, `RSA PRIVATE KEY`, and Go's
    /// `ED25519 PRIVATE KEY`.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: there is none, or it is of a kind that rustls does not sign with.
    pub fn from_pem(pem: &str) -> Result<Self> {
        let unusable = |fault: String| {
            Error::new(ErrorKind::Corrupt, format!("the private key is not usable: {fault}"))
        };
        let signer = signing_key(pem.as_bytes())?;
        let info =
            signer.public_key().ok_or_else(|| unusable("its public part is not known".into()))?;
        let (_, info) = SubjectPublicKeyInfo::from_der(&info)
            .map_err(|error| unusable(format!("its public part cannot be read: {error}")))?;
        let kind = kind_of(&*signer).ok_or_else(|| unusable("its kind is not known".into()))?;
        let public = info.subject_public_key.data.into();
        Ok(Self { pem: Secret::new(pem), public, kind, signer })
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> KeyType {
        self.kind
    }

    /// As PEM: hand it only to whom it is meant for.
    #[must_use]
    pub fn pem(&self) -> &Secret {
        &self.pem
    }

    /// What rustls signs with.
    #[must_use]
    pub fn signer(&self) -> &Arc<dyn SigningKey> {
        &self.signer
    }
}

fn not_made(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Other, "no private key could be made").with_source(source)
}

/// An RSA key as PKCS #8. ring signs with it: nothing else is done with it by the crate that makes it.
#[cfg(feature = "rsa")]
fn rsa() -> Result<Secret> {
    use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
    /// CertMagic's; longer ones make handshakes slow, and browsers ask for no more.
    const BITS: usize = 2048;
    let key = rsa::PrivateKey::new(&mut getrandom::SysRng, BITS).map_err(not_made)?;
    let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(not_made)?;
    Ok(Secret::new(pem.as_str()))
}

#[cfg(not(feature = "rsa"))]
fn rsa() -> Result<Secret> {
    let way_out =
        "RSA keys are made with the feature `rsa` only: switch it on, import one, or use P-256";
    Err(Error::new(ErrorKind::Unsupported, way_out))
}

/// Which scheme a key signs with, as certificates are signed.
fn scheme(kind: KeyType) -> SignatureScheme {
    match kind {
        KeyType::P256 => SignatureScheme::ECDSA_NISTP256_SHA256,
        KeyType::P384 => SignatureScheme::ECDSA_NISTP384_SHA384,
        KeyType::Ed25519 => SignatureScheme::ED25519,
        KeyType::Rsa => SignatureScheme::RSA_PKCS1_SHA256,
    }
}

fn kind_of(signer: &dyn SigningKey) -> Option<KeyType> {
    let kinds = [KeyType::P256, KeyType::P384, KeyType::Ed25519, KeyType::Rsa];
    kinds.into_iter().find(|kind| signer.choose_scheme(&[scheme(*kind)]).is_some())
}

impl PublicKeyData for PrivateKey {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match self.kind {
            KeyType::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            KeyType::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            KeyType::Ed25519 => &rcgen::PKCS_ED25519,
            KeyType::Rsa => &rcgen::PKCS_RSA_SHA256,
        }
    }
}

/// rcgen with ring reads PKCS #8 only; rustls signs with what CertMagic and Caddy write as well.
impl rcgen::SigningKey for PrivateKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signer = self.signer.choose_scheme(&[scheme(self.kind)]);
        let signed = signer.and_then(|signer| signer.sign(message).ok());
        signed.ok_or(rcgen::Error::RemoteKeyError)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("kind", &self.kind).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "private_key_tests.rs"]
mod tests;
