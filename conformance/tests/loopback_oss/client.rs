//! A client that shows the wire: one signed request on a connection of its own, and whatever came back.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime};

use certstore_conformance::loopback_oss::LoopbackOss;
use ring::{digest, hmac};

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// 0: the connection was closed without a reply, or refused.
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Sends a request signed by the server's main key, by version 4; `headers` are signed where that signature signs them
/// by itself.
pub(crate) fn send(
    server: &LoopbackOss,
    method: &str,
    path: &str,
    headers: &[&str],
    body: &str,
) -> Reply {
    let none = Reply { status: 0, headers: Vec::new(), body: String::new() };
    let host = server.endpoint().replace("http://", "");
    let Ok(mut stream) = TcpStream::connect(&host) else {
        return none;
    };
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("the test can go on");
    let path = format!("/{}/{path}", server.bucket());
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    text += &format!("content-length: {}\r\n", body.len());
    text += &signature(server, method, &path, headers);
    for header in headers {
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

pub(crate) fn put(server: &LoopbackOss, key: &str, headers: &[&str], body: &str) -> u16 {
    send(server, "PUT", key, headers, body).status
}

pub(crate) fn append(server: &LoopbackOss, key: &str, position: u64, body: &str) -> u16 {
    send(server, "POST", &format!("{key}?append&position={position}"), &[], body).status
}

/// The object's body; `None` where it is not there.
pub(crate) fn get(server: &LoopbackOss, key: &str) -> Option<String> {
    let reply = send(server, "GET", key, &[], "");
    (reply.status == 200).then_some(reply.body)
}

fn parse(reply: &str) -> Option<Reply> {
    let (head, body) = reply.split_once("\r\n\r\n")?;
    let headers = head.lines().filter_map(|line| line.split_once(": "));
    Some(Reply {
        status: head.split(' ').nth(1)?.parse().ok()?,
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        body: body.to_owned(),
    })
}

/// The headers of signature version 4.
fn signature(server: &LoopbackOss, method: &str, path: &str, headers: &[&str]) -> String {
    let stamp = stamp();
    let scope = format!("{}/{}/oss/aliyun_v4_request", &stamp[..8], server.region());
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    // A name with an empty value is signed as a name alone.
    let query = query.replace("=&", "&");
    let mut signed: Vec<String> = headers
        .iter()
        .filter(|header| header.starts_with("x-oss-") || header.starts_with("content-"))
        .map(|header| header.replacen(": ", ":", 1))
        .collect();
    signed.push("x-oss-content-sha256:UNSIGNED-PAYLOAD".to_owned());
    signed.push(format!("x-oss-date:{stamp}"));
    signed.sort();
    let signed = signed.join("\n");
    let canonical = format!("{method}\n{path}\n{query}\n{signed}\n\n\nUNSIGNED-PAYLOAD");
    let hash = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let to_sign = format!("OSS4-HMAC-SHA256\n{stamp}\n{scope}\n{hash}");
    let mut key = format!("aliyun_v4{}", server.secret_key()).into_bytes();
    for part in scope.split('/').chain([to_sign.as_str()]) {
        let hmac = hmac::Key::new(hmac::HMAC_SHA256, &key);
        key = hmac::sign(&hmac, part.as_bytes()).as_ref().to_vec();
    }
    format!(
        "x-oss-date: {stamp}\r\nx-oss-content-sha256: UNSIGNED-PAYLOAD\r\nauthorization: OSS4-HMAC-SHA256 \
         Credential={}/{scope},Signature={}\r\n",
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
