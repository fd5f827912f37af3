//! A client of another program: requests signed by hand, by version 1, and whatever comes back.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use certstore_conformance::loopback_oss::LoopbackOss;
use ring::hmac;

pub(crate) struct Raw {
    authority: String,
    bucket: String,
    access_key: String,
    secret_key: String,
    /// How far this client's clock is off, in seconds.
    pub(crate) clock: i64,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.lines().filter_map(|line| line.split_once(": "));
        headers.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn time(&self, name: &str) -> SystemTime {
        httpdate::parse_http_date(self.header(name).expect("the server dates")).expect("a date")
    }
}

impl Raw {
    pub(crate) fn new(server: &LoopbackOss) -> Self {
        Self {
            authority: server.endpoint().replace("http://", ""),
            bucket: server.bucket().to_owned(),
            access_key: server.access_key().to_owned(),
            secret_key: server.secret_key().to_owned(),
            clock: 0,
        }
    }

    pub(crate) fn in_bucket(mut self, bucket: &str) -> Self {
        bucket.clone_into(&mut self.bucket);
        self
    }

    pub(crate) fn send(&self, method: &str, object: &str, header: &str, body: &[u8]) -> Reply {
        let now = SystemTime::now();
        let offset = std::time::Duration::from_secs(self.clock.unsigned_abs());
        let now = if self.clock < 0 { now - offset } else { now + offset };
        let date = httpdate::fmt_http_date(now);
        let signed = if header.starts_with("x-oss-") {
            format!("{}\n", header.replacen(": ", ":", 1))
        } else {
            String::new()
        };
        let resource = format!("/{}/{object}", self.bucket);
        let text = format!("{method}\n\n\n{date}\n{signed}{resource}");
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.secret_key.as_bytes());
        let signature = BASE64.encode(hmac::sign(&key, text.as_bytes()));
        let mut request = format!(
            "{method} {resource} HTTP/1.1\r\nhost: {}\r\ndate: {date}\r\nconnection: close\r\nauthorization: OSS \
             {}:{signature}\r\ncontent-length: {}\r\n",
            self.authority,
            self.access_key,
            body.len()
        );
        if !header.is_empty() {
            request += &format!("{header}\r\n");
        }
        let mut stream = TcpStream::connect(&self.authority).expect("the server listens");
        stream.write_all(&[request.as_bytes(), b"\r\n", body].concat()).expect("the server reads");
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).expect("the server answers");
        let end = reply.windows(4).position(|four| four == b"\r\n\r\n").expect("a reply");
        let headers = String::from_utf8_lossy(&reply[..end]).into_owned();
        let status = headers.split(' ').nth(1).and_then(|status| status.parse().ok());
        Reply { status: status.expect("a status"), headers, body: reply[end + 4..].to_vec() }
    }

    pub(crate) fn put(&self, object: &str, body: &[u8]) {
        assert_eq!(self.send("PUT", object, "", body).status, 200);
    }

    pub(crate) fn append(&self, object: &str, position: usize, body: &[u8]) -> u16 {
        self.send("POST", &format!("{object}?append&position={position}"), "", body).status
    }

    /// The object; `None` where it is not there.
    pub(crate) fn get(&self, object: &str) -> Option<Vec<u8>> {
        let reply = self.send("GET", object, "", b"");
        (reply.status == 200).then_some(reply.body)
    }

    pub(crate) fn delete(&self, object: &str) {
        assert_eq!(self.send("DELETE", object, "", b"").status, 204);
    }
}
