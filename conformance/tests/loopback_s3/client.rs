//! A client that shows the wire: one signed request on a connection of its own, and whatever came back.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime};

use certstore_conformance::loopback_s3::LoopbackS3;
use ring::{digest, hmac};

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// 0: the connection was closed without a reply, or refused.
    pub(crate) status: u16,
    /// The `Content-Length`, whatever did come.
    pub(crate) length: Option<usize>,
    pub(crate) etag: Option<String>,
    pub(crate) body: String,
}

/// Sends a request signed by the server's main key; `headers` are sent unsigned, but for the body's digest.
pub(crate) fn send(
    server: &LoopbackS3,
    method: &str,
    path: &str,
    headers: &[&str],
    body: &str,
) -> Reply {
    const PAYLOAD: &str = "x-amz-content-sha256: ";
    let payload = headers.iter().find_map(|header| header.strip_prefix(PAYLOAD));
    let payload = payload.unwrap_or("UNSIGNED-PAYLOAD");
    let host = server.endpoint().replace("http://", "");
    let none = Reply { status: 0, length: None, etag: None, body: String::new() };
    let Ok(mut stream) = TcpStream::connect(&host) else {
        return none;
    };
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("the test can go on");
    let path = format!("/{}/{path}", server.bucket());
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    text += &format!("content-length: {}\r\n", body.len());
    text += &signature(server, payload, method, &path, &host);
    for header in headers.iter().filter(|header| !header.starts_with(PAYLOAD)) {
        text += &format!("{header}\r\n");
    }
    text += &format!("\r\n{body}");
    if stream.write_all(text.as_bytes()).is_err() {
        return none;
    }
    let mut reply = Vec::new();
    let mut chunk = [0; 4096];
    // A reset is an end as well.
    while let Ok(read @ 1..) = stream.read(&mut chunk) {
        reply.extend_from_slice(&chunk[..read]);
    }
    parse(&String::from_utf8(reply).expect("the test can go on")).unwrap_or(none)
}

pub(crate) fn put(server: &LoopbackS3, key: &str, headers: &[&str], body: &str) -> u16 {
    send(server, "PUT", key, headers, body).status
}

/// The object's body; `None` where it is not there.
pub(crate) fn get(server: &LoopbackS3, key: &str) -> Option<String> {
    let reply = send(server, "GET", key, &[], "");
    (reply.status == 200).then_some(reply.body)
}

fn parse(reply: &str) -> Option<Reply> {
    let (head, body) = reply.split_once("\r\n\r\n")?;
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    Some(Reply {
        status: head.split(' ').nth(1)?.parse().ok()?,
        length: header("content-length").and_then(|length| length.parse().ok()),
        etag: header("etag"),
        body: body.to_owned(),
    })
}

/// The headers of signature version 4. `payload` is the body's digest, or the word that stands for it.
fn signature(server: &LoopbackS3, payload: &str, method: &str, path: &str, host: &str) -> String {
    let stamp = stamp();
    let scope = format!("{}/{}/s3/aws4_request", &stamp[..8], server.region());
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let headers = format!("host:{host}\nx-amz-content-sha256:{payload}\nx-amz-date:{stamp}\n");
    let names = "host;x-amz-content-sha256;x-amz-date";
    let canonical = format!("{method}\n{path}\n{query}\n{headers}\n{names}\n{payload}");
    let hash = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let to_sign = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hash}");
    let mut key = format!("AWS4{}", server.secret_key()).into_bytes();
    for part in scope.split('/').chain([to_sign.as_str()]) {
        let hmac = hmac::Key::new(hmac::HMAC_SHA256, &key);
        key = hmac::sign(&hmac, part.as_bytes()).as_ref().to_vec();
    }
    format!(
        "x-amz-date: {stamp}\r\nx-amz-content-sha256: {payload}\r\nauthorization: AWS4-HMAC-SHA256 \
         Credential={}/{scope}, SignedHeaders={names}, Signature={}\r\n",
        server.access_key(),
        hex(&key)
    )
}

/// Now as `20260131T235959Z`.
fn stamp() -> String {
    let now = time::OffsetDateTime::from(SystemTime::now());
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        now.year(),
        u8::from(now.month()),
        now.day(),
        now.hour(),
        now.minute(),
        now.second()
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
