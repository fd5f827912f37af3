//! The private key of an account, in the two forms it is kept in.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use instant_acme::Key;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use x509_parser::pem::Pem;
use zeroize::Zeroizing;

use crate::{Error, Result};

const SCALAR: usize = 32;
const POINT: usize = 65;

/// All of a PKCS #8 structure (RFC 5208) of a P-256 key before the scalar, and what lies between scalar and point.
const PKCS8_HEAD: [u8; 36] = [
    0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
    0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x6d, 0x30, 0x6b, 0x02,
    0x01, 0x01, 0x04, 0x20,
];
const PKCS8_MIDDLE: [u8; 5] = [0xa1, 0x44, 0x03, 0x42, 0x00];
/// The same of Go's `ECPrivateKey` (RFC 5915), which names the curve.
const SEC1_HEAD: [u8; 7] = [0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20];
const SEC1_MIDDLE: [u8; 17] = [
    0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0xa1, 0x44, 0x03, 0x42,
    0x00,
];
const LABEL: &str = "EC PRIVATE KEY";

/// An ECDSA key on P-256, the only kind that instant-acme and CertMagic make for accounts.
pub(crate) struct AccountKey {
    scalar: Zeroizing<[u8; SCALAR]>,
    point: [u8; POINT],
}

impl AccountKey {
    pub(crate) fn generate() -> Result<Self> {
        let (_, pkcs8) =
            Key::generate_pkcs8().map_err(|error| Error::of_ca("make a key", error))?;
        Self::from_pkcs8(pkcs8.secret_pkcs8_der())
    }

    /// Reads a key as CertMagic writes it, or in PKCS #8.
    pub(crate) fn from_pem(pem: &[u8]) -> Result<Self> {
        let block = Pem::iter_from_buffer(pem).next();
        let Some(Ok(Pem { label, contents })) = block else {
            return Err(unusable("the account's private key is no PEM"));
        };
        let der = Zeroizing::new(contents);
        match label.as_str() {
            LABEL => Self::from_form(&der, &SEC1_HEAD, &SEC1_MIDDLE),
            _ => Self::from_pkcs8(&der),
        }
    }

    pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Self> {
        Self::from_form(der, &PKCS8_HEAD, &PKCS8_MIDDLE)
    }

    /// A key of this size and curve is the same bytes around the two numbers each time.
    fn from_form(der: &[u8], head: &[u8], middle: &[u8]) -> Result<Self> {
        let numbers = || {
            let (scalar, rest) = der.strip_prefix(head)?.split_first_chunk::<SCALAR>()?;
            let point = <[u8; POINT]>::try_from(rest.strip_prefix(middle)?).ok()?;
            Some(Self { scalar: Zeroizing::new(*scalar), point })
        };
        let key = numbers().ok_or_else(|| {
            unusable("the account's private key is not ECDSA on P-256, the only kind that instant-acme knows")
        })?;
        key.for_requests().map(|_| key)
    }

    /// As CertMagic stores it.
    pub(crate) fn to_pem(&self) -> Zeroizing<String> {
        let text = self
            .encode(&SEC1_HEAD, &SEC1_MIDDLE, |der| Zeroizing::new(BASE64_STANDARD.encode(der)));
        let mut pem = Zeroizing::new(String::with_capacity(256));
        pem.push_str(&format!("-----BEGIN {LABEL}-----\n"));
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(64));
            pem.push_str(line);
            pem.push('\n');
            rest = after;
        }
        pem.push_str(&format!("-----END {LABEL}-----\n"));
        pem
    }

    /// As instant-acme takes it to open an account; instant-acme wipes neither.
    pub(crate) fn to_pkcs8(&self) -> PrivatePkcs8KeyDer<'static> {
        self.encode(&PKCS8_HEAD, &PKCS8_MIDDLE, |der| PrivatePkcs8KeyDer::from(der.to_vec()))
    }

    /// A signature by ECDSA with SHA-256, as JSON Web Signatures have it (RFC 7518, section 3.4).
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, instant_acme::Error> {
        let (pkcs8, random) = (self.to_pkcs8(), SystemRandom::new());
        let pair = EcdsaKeyPair::from_pkcs8(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            pkcs8.secret_pkcs8_der(),
            &random,
        );
        let signed = pair.map_err(|_| instant_acme::Error::KeyRejected)?.sign(&random, message);
        Ok(signed.map_err(|_| instant_acme::Error::Crypto)?.as_ref().to_vec())
    }

    /// As instant-acme takes it to register an account.
    pub(crate) fn for_requests(&self) -> Result<(Key, PrivateKeyDer<'static>)> {
        let pkcs8 = self.to_pkcs8();
        let key = Key::from_pkcs8_der(pkcs8.clone_key())
            .map_err(|error| Error::unusable("the account's private key is damaged", error))?;
        Ok((key, pkcs8.into()))
    }

    fn encode<T>(&self, head: &[u8], middle: &[u8], encode: impl FnOnce(&[u8]) -> T) -> T {
        let length = head.len() + SCALAR + middle.len() + POINT;
        let mut der = Zeroizing::new(Vec::with_capacity(length));
        for part in [head, &*self.scalar, middle, &self.point] {
            der.extend_from_slice(part);
        }
        encode(&der)
    }
}

fn unusable(message: &'static str) -> Error {
    Error::Unusable { message, source: None }
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
