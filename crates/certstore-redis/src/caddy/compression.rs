//! The plugin's compression of values: none, raw DEFLATE or zlib, told by a flag beside each value.

use std::io::{Read, Write};

use certstore_core::{Error, ErrorKind, Result};
use flate2::Compression as Level;
use flate2::read::{DeflateDecoder, ZlibDecoder};
use flate2::write::{DeflateEncoder, ZlibEncoder};

/// What the plugin gives up at when it decompresses; longer values are stored as they are.
pub(super) const MAX_DECOMPRESSED: usize = 4 << 20;

/// How a value is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    None,
    /// Raw DEFLATE, without a header.
    Flate,
    Zlib,
}

impl Method {
    /// The flag beside the value.
    pub(super) fn flag(self) -> i64 {
        match self {
            Self::None => 0,
            Self::Flate => 1,
            Self::Zlib => 2,
        }
    }

    pub(super) fn from_flag(flag: i64) -> Result<Self> {
        match flag {
            0 => Ok(Self::None),
            1 => Ok(Self::Flate),
            2 => Ok(Self::Zlib),
            other => Err(corrupt(format!("its compression flag is {other}, not 0, 1 or 2"))),
        }
    }

    /// The compressed bytes, if they are fewer than the value's and every reader can take them.
    pub(super) fn compress(self, value: &[u8]) -> Option<Vec<u8>> {
        if value.len() > MAX_DECOMPRESSED {
            return None;
        }
        // Writing to memory cannot fail.
        let compressed = match self {
            Self::None => return None,
            Self::Flate => {
                written(DeflateEncoder::new(Vec::new(), Level::default()), value, |e| e.finish())
            }
            Self::Zlib => {
                written(ZlibEncoder::new(Vec::new(), Level::default()), value, |e| e.finish())
            }
        };
        compressed.ok().filter(|compressed| compressed.len() < value.len())
    }

    /// # Errors
    /// [`ErrorKind::Corrupt`]: no such data, or more than [`MAX_DECOMPRESSED`] comes out of it.
    pub(super) fn decompress(self, stored: Vec<u8>) -> Result<Vec<u8>> {
        match self {
            Self::None => Ok(stored),
            Self::Flate => read(DeflateDecoder::new(stored.as_slice())),
            Self::Zlib => read(ZlibDecoder::new(stored.as_slice())),
        }
    }
}

fn written<W: Write>(
    mut encoder: W,
    value: &[u8],
    finish: impl FnOnce(W) -> std::io::Result<Vec<u8>>,
) -> std::io::Result<Vec<u8>> {
    encoder.write_all(value)?;
    finish(encoder)
}

fn read(decoder: impl Read) -> Result<Vec<u8>> {
    let mut value = Vec::new();
    let limit = MAX_DECOMPRESSED as u64 + 1;
    decoder
        .take(limit)
        .read_to_end(&mut value)
        .map_err(|_| corrupt("it does not decompress; it is damaged or was written otherwise"))?;
    if value.len() > MAX_DECOMPRESSED {
        return Err(corrupt("more than 4 MiB come out of it, which nobody stores compressed"));
    }
    Ok(value)
}

fn corrupt(what: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Corrupt, what)
}

#[cfg(test)]
#[path = "compression_tests.rs"]
mod tests;
