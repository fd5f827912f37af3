//! What boto3 does not send over plain HTTP: a body in chunks with its checksum behind it, as other SDKs do.

use certstore_conformance::loopback_s3::LoopbackS3;

use super::client::{get, put, send};

/// Stores `123456789` in two chunks with a CRC-32 in the trailer; gives status and reply.
fn put_chunks(server: &LoopbackS3, crc32: &str) -> (u16, String) {
    let headers = [
        "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "content-encoding: aws-chunked",
        "x-amz-decoded-content-length: 9",
        "x-amz-trailer: x-amz-checksum-crc32",
    ];
    let body = format!("5\r\n12345\r\n4\r\n6789\r\n0\r\nx-amz-checksum-crc32:{crc32}\r\n\r\n");
    let reply = send(server, "PUT", "chunks", &headers, &body);
    (reply.status, reply.body)
}

#[test]
fn a_checksum_behind_the_body_is_checked() {
    let server = LoopbackS3::start().unwrap();
    let (status, body) = put_chunks(&server, "AAAAAA==");
    assert_eq!(status, 400);
    assert!(body.contains("<Code>BadDigest</Code>"), "{body}");
    assert_eq!(get(&server, "chunks"), None);
    assert_eq!(put_chunks(&server, "y/Q5Jg==").0, 200);
    assert_eq!(get(&server, "chunks").unwrap(), "123456789");
}

#[test]
fn an_unchanged_object_is_304_with_its_etag_and_without_a_body() {
    let server = LoopbackS3::start().unwrap();
    assert_eq!(put(&server, "a", &[], "1"), 200);
    let etag = send(&server, "GET", "a", &[], "").etag.unwrap();
    for method in ["GET", "HEAD"] {
        let reply = send(&server, method, "a", &[&format!("if-none-match: {etag}")], "");
        assert_eq!(
            (reply.status, reply.etag.as_ref(), reply.body.as_str()),
            (304, Some(&etag), "")
        );
    }
}
