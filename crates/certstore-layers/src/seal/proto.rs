//! The two protocol-buffer messages inside a keyset: `AesGcmKey` and `ChaCha20Poly1305Key`, each a version and the
//! bytes of a key.
//!
//! Read by hand, for so little: a library's buffers would keep a copy of the key.

use zeroize::Zeroizing;

use super::algorithm::Algorithm;

const TYPE_PREFIX: &str = "type.googleapis.com/google.crypto.tink.";
const AES_GCM: &str = "AesGcmKey";
const CHACHA20_POLY1305: &str = "ChaCha20Poly1305Key";

/// `version` is field 1 in both, a varint.
const VERSION_TAG: u8 = 1 << 3;

/// The kind of key message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Message {
    AesGcm,
    ChaCha20Poly1305,
}

impl Message {
    pub(super) fn of(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Aes128Gcm | Algorithm::Aes256Gcm => Self::AesGcm,
            Algorithm::ChaCha20Poly1305 => Self::ChaCha20Poly1305,
        }
    }

    pub(super) fn from_type_url(url: &str) -> Option<Self> {
        match url.strip_prefix(TYPE_PREFIX)? {
            AES_GCM => Some(Self::AesGcm),
            CHACHA20_POLY1305 => Some(Self::ChaCha20Poly1305),
            _ => None,
        }
    }

    pub(super) fn type_url(self) -> String {
        let name = match self {
            Self::AesGcm => AES_GCM,
            Self::ChaCha20Poly1305 => CHACHA20_POLY1305,
        };
        format!("{TYPE_PREFIX}{name}")
    }

    /// The tag of `key_value`: field 3 of `AesGcmKey`, field 2 of `ChaCha20Poly1305Key`, bytes.
    fn key_tag(self) -> u8 {
        let field = match self {
            Self::AesGcm => 3,
            Self::ChaCha20Poly1305 => 2,
        };
        (field << 3) | 2
    }

    fn algorithm(self, length: usize) -> Option<Algorithm> {
        match (self, length) {
            (Self::AesGcm, 16) => Some(Algorithm::Aes128Gcm),
            (Self::AesGcm, 32) => Some(Algorithm::Aes256Gcm),
            (Self::ChaCha20Poly1305, 32) => Some(Algorithm::ChaCha20Poly1305),
            _ => None,
        }
    }

    /// Algorithm and key in a message; else what is wrong with it, without its bytes.
    pub(super) fn decode(
        self,
        message: &[u8],
    ) -> Result<(Algorithm, Zeroizing<Vec<u8>>), &'static str> {
        let (mut rest, mut key) = (message, None);
        while let Some((&tag, after)) = rest.split_first() {
            let number = varint(after).ok_or("a number in the key's message is cut or too long")?;
            rest = number.rest;
            if tag == VERSION_TAG {
                if number.value != 0 {
                    return Err("the key's message is of another version than 0");
                }
            } else if tag == self.key_tag() {
                let length = usize::try_from(number.value).unwrap_or(usize::MAX);
                let (bytes, after) =
                    rest.split_at_checked(length).ok_or("the key's message is cut")?;
                (key, rest) = (Some(bytes), after);
            } else {
                return Err("the key's message has a field that keys of this type do not have");
            }
        }
        let key = key.ok_or("the key's message has no key in it")?;
        let algorithm = self.algorithm(key.len()).ok_or(
            "the key has the wrong length: AES-GCM takes 16 or 32 bytes, ChaCha20-Poly1305 takes 32",
        )?;
        Ok((algorithm, Zeroizing::new(key.to_vec())))
    }

    /// The message of a key, as Tink writes it: version 0 is left out.
    pub(super) fn encode(self, key: &[u8]) -> Zeroizing<Vec<u8>> {
        let mut message = Zeroizing::new(Vec::with_capacity(2 + key.len()));
        // Keys have 16 or 32 bytes: the length is a varint of one byte.
        message.extend_from_slice(&[self.key_tag(), key.len().to_le_bytes()[0]]);
        message.extend_from_slice(key);
        message
    }
}

struct Varint<'a> {
    value: u64,
    rest: &'a [u8],
}

fn varint(bytes: &[u8]) -> Option<Varint<'_>> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(9).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some(Varint { value, rest: &bytes[index + 1..] });
        }
    }
    None
}
