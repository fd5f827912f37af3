//! A client that shows the wire: one request on a connection of its own, and whatever came back.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use certstore_conformance::loopback_gcs::LoopbackGcs;

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// 0: the connection was closed without a reply, or refused.
    pub(crate) status: u16,
    /// The `Content-Length`, whatever did come.
    pub(crate) length: Option<usize>,
    pub(crate) generation: Option<i64>,
    pub(crate) body: String,
}

/// Sends a request with the server's main token, unless `headers` have another.
pub(crate) fn send(
    server: &LoopbackGcs,
    method: &str,
    target: &str,
    headers: &[&str],
    body: &str,
) -> Reply {
    let host = server.endpoint().replace("http://", "");
    let none = Reply { status: 0, length: None, generation: None, body: String::new() };
    let Ok(mut stream) = TcpStream::connect(&host) else {
        return none;
    };
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("the test can go on");
    let mut text = format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    text += &format!("content-length: {}\r\n", body.len());
    if !headers.iter().any(|header| header.starts_with("authorization:")) {
        text += &format!("authorization: Bearer {}\r\n", server.token());
    }
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

/// The status of an upload; `query` begins with `&` where there is any.
pub(crate) fn put(server: &LoopbackGcs, name: &str, query: &str, body: &str) -> u16 {
    let target = format!("/upload/storage/v1/b/certs/o?uploadType=media&name={name}{query}");
    send(server, "POST", &target, &[], body).status
}

/// The object's body; `None` where it is not there.
pub(crate) fn get(server: &LoopbackGcs, name: &str) -> Option<String> {
    let reply = read(server, name, "");
    (reply.status == 200).then_some(reply.body)
}

pub(crate) fn read(server: &LoopbackGcs, name: &str, query: &str) -> Reply {
    send(server, "GET", &format!("/storage/v1/b/certs/o/{name}?alt=media{query}"), &[], "")
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
        generation: header("x-goog-generation").and_then(|generation| generation.parse().ok()),
        body: body.to_owned(),
    })
}
