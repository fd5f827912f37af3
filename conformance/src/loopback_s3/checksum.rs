//! Digests of a body: the ETag, and those that the client sent along.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::dto::{Checksum, PutObjectInput};
use s3s::{S3Request, S3Result, s3_error};

use super::encode::hex;

/// MD5 in hex, as S3 has it for objects that were put in one piece.
pub(super) fn etag(body: &[u8]) -> String {
    hex(&Md5::checksum(body))
}

/// Compares `Content-MD5` with the body.
pub(super) fn check_md5(sent: Option<&str>, body: &[u8]) -> S3Result<()> {
    let Some(sent) = sent else {
        return Ok(());
    };
    let digest = STANDARD.decode(sent).ok().filter(|digest| digest.len() == 16);
    let digest = digest
        .ok_or_else(|| s3_error!(InvalidDigest, "The Content-MD5 you specified was invalid."))?;
    if digest[..] == Md5::checksum(body)[..] {
        Ok(())
    } else {
        Err(s3_error!(BadDigest, "The Content-MD5 you specified did not match what we received."))
    }
}

/// Compares the checksums that came as headers or trailers with the body. Where none came, the answer has the one that
/// S3 adds by itself, CRC-64/NVME.
pub(super) fn check(req: &S3Request<PutObjectInput>, body: &[u8]) -> S3Result<Checksum> {
    let sent = sent(req);
    let none = sent == Checksum::default();
    let mut hasher = ChecksumHasher {
        crc32: sent.checksum_crc32.is_some().then(Crc32::new),
        crc32c: sent.checksum_crc32c.is_some().then(Crc32c::new),
        sha1: sent.checksum_sha1.is_some().then(Sha1::new),
        sha256: sent.checksum_sha256.is_some().then(Sha256::new),
        crc64nvme: (none || sent.checksum_crc64nvme.is_some()).then(Crc64Nvme::new),
    };
    hasher.update(body);
    let found = hasher.finalize();
    if none || found == sent {
        Ok(found)
    } else {
        Err(s3_error!(
            BadDigest,
            "The checksum you specified did not match the calculated checksum."
        ))
    }
}

/// The checksums of the request, trailers included: they are known once the body was read.
fn sent(req: &S3Request<PutObjectInput>) -> Checksum {
    let trailer = |name: &str| {
        let read = |headers: &hyper::HeaderMap| headers.get(name)?.to_str().ok().map(str::to_owned);
        req.trailing_headers.as_ref().and_then(|trailers| trailers.read(read).flatten())
    };
    let input = &req.input;
    Checksum {
        checksum_crc32: input.checksum_crc32.clone().or_else(|| trailer("x-amz-checksum-crc32")),
        checksum_crc32c: input.checksum_crc32c.clone().or_else(|| trailer("x-amz-checksum-crc32c")),
        checksum_crc64nvme: input
            .checksum_crc64nvme
            .clone()
            .or_else(|| trailer("x-amz-checksum-crc64nvme")),
        checksum_sha1: input.checksum_sha1.clone().or_else(|| trailer("x-amz-checksum-sha1")),
        checksum_sha256: input.checksum_sha256.clone().or_else(|| trailer("x-amz-checksum-sha256")),
        checksum_type: None,
    }
}
