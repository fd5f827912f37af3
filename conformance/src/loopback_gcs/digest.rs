//! The checksums of an object's bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::refusal::Refusal;

/// CRC32C and MD5 of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Digests {
    pub(super) crc32c: u32,
    pub(super) md5: [u8; 16],
}

impl Digests {
    pub(super) fn of(body: &[u8]) -> Self {
        Self { crc32c: crc32c::crc32c(body), md5: md5::compute(body).0 }
    }

    /// As JSON and `x-goog-hash` write it: the big-endian bytes in base64.
    pub(super) fn crc32c_text(&self) -> String {
        STANDARD.encode(self.crc32c.to_be_bytes())
    }

    pub(super) fn md5_text(&self) -> String {
        STANDARD.encode(self.md5)
    }

    /// Compares what a client says of the bytes it has sent.
    pub(super) fn check(&self, crc32c: Option<&str>, md5: Option<&str>) -> Result<(), Refusal> {
        for (name, told, found) in
            [("CRC32C", crc32c, self.crc32c_text()), ("MD5 hash", md5, self.md5_text())]
        {
            if told.is_some_and(|told| told != found) {
                let told = told.unwrap_or_default();
                let text = format!(
                    "Provided {name} \"{told}\" doesn't match calculated {name} \"{found}\"."
                );
                return Err(Refusal::invalid(text));
            }
        }
        Ok(())
    }
}
