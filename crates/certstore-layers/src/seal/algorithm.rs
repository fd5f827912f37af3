//! What a key of a keyset is: algorithm, output prefix, status.

use ring::aead;

use super::wire;

/// An AEAD algorithm that keysets may have.
///
/// All three take a nonce of 96 random bits: at most 2^32 values under one key (NIST SP 800-38D, section 8.3). Each
/// write of each value counts; [rotate](super::Keyset::rotate) long before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// AES-GCM with a key of 128 bits.
    Aes128Gcm,
    /// AES-GCM with a key of 256 bits. The default of every tool.
    Aes256Gcm,
    /// ChaCha20-Poly1305 (RFC 8439). Not every Tink library has it: Go, Java and C++ do, Python does not.
    ChaCha20Poly1305,
}

impl Algorithm {
    /// The name, as in Tink's key templates.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aes128Gcm => "AES128_GCM",
            Self::Aes256Gcm => "AES256_GCM",
            Self::ChaCha20Poly1305 => "CHACHA20_POLY1305",
        }
    }

    /// The length of a key in bytes.
    #[must_use]
    pub fn key_len(self) -> usize {
        self.ring().key_len()
    }

    pub(super) fn ring(self) -> &'static aead::Algorithm {
        match self {
            Self::Aes128Gcm => &aead::AES_128_GCM,
            Self::Aes256Gcm => &aead::AES_256_GCM,
            Self::ChaCha20Poly1305 => &aead::CHACHA20_POLY1305,
        }
    }
}

/// What stands before a sealed value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OutputPrefix {
    /// `0x01` and the key's id in four bytes: a value names its key, so that rotation needs no trials. The default.
    Tink,
    /// Nothing: as the README of certmagic-gcs proposes. Every enabled key of this kind is tried.
    Raw,
}

impl OutputPrefix {
    /// The name, as in Tink's keysets.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tink => "TINK",
            Self::Raw => "RAW",
        }
    }

    /// How much longer a sealed value is than the value, in bytes.
    #[must_use]
    pub fn overhead(self) -> usize {
        wire::RAW_OVERHEAD + if self == Self::Tink { wire::PREFIX } else { 0 }
    }
}

/// Whether a key is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyStatus {
    /// It opens values; the primary key seals them, too.
    Enabled,
    /// It opens nothing until it is enabled again.
    Disabled,
    /// Its bytes are gone, its id stays taken.
    Destroyed,
}

impl KeyStatus {
    /// The name, as in Tink's keysets.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "ENABLED",
            Self::Disabled => "DISABLED",
            Self::Destroyed => "DESTROYED",
        }
    }
}
