//! What the signer signs, against the server's own judgement, for what cannot be reached by a name on this machine.

use std::io::{Read, Write};
use std::net::TcpStream;

use certstore_conformance::loopback_oss::LoopbackOss;
use certstore_core::Secret;

use super::*;
use crate::config::{Addressing, Signature};

fn client(server: &LoopbackOss, signature: Signature, addressing: Addressing) -> Client {
    let mut config = OssConfig::new(server.bucket());
    config.endpoint = Some("http://oss.test:8080".into());
    config.region = Some(server.region().into());
    config.access_key_id = Some(Secret::new(server.access_key()));
    config.access_key_secret = Some(Secret::new(server.secret_key()));
    (config.signature, config.addressing) = (signature, addressing);
    Client::new(&config).unwrap()
}

/// Sends a signed request as it is, to the server instead of where it names; the status.
async fn status(server: &LoopbackOss, client: &Client, call: &Call<'_>) -> u16 {
    let request = client.signed(call).await.unwrap();
    let url = request.url();
    let target =
        url.query().map_or(url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let mut text = format!("{} {target} HTTP/1.1\r\nconnection: close\r\n", request.method());
    for (name, value) in request.headers() {
        text += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    text += &format!("content-length: {}\r\n\r\n", call.body.len());
    let mut stream = TcpStream::connect(server.endpoint().replace("http://", "")).unwrap();
    stream.write_all(&[text.as_bytes(), &call.body].concat()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn both_versions_sign_what_the_server_sees_in_both_styles() {
    let server = LoopbackOss::start().unwrap();
    for signature in [Signature::V4, Signature::V1] {
        // The server takes the bucket from any host that is a name, so only the virtual style arrives as such.
        let client = client(&server, signature, Addressing::Virtual);
        let body = Bytes::from_static(b"x");
        let name = format!("{signature:?}/a b+c&=?#%*\u{fc}~'()");
        let put = Call::write(Method::PUT, Some(&name), body.clone());
        assert_eq!(
            status(&server, &client, &put.header("x-oss-forbid-overwrite", "true")).await,
            200
        );
        let log = format!("{name}.log");
        let append =
            Call::write(Method::POST, Some(&log), body).query("append", "").query("position", "0");
        assert_eq!(status(&server, &client, &append).await, 200);
        let tail = Call::read(Method::GET, Some(&log), 10)
            .header("range", "bytes=-1")
            .header("x-oss-range-behavior", "standard");
        assert_eq!(status(&server, &client, &tail).await, 206);
        assert_eq!(status(&server, &client, &Call::read(Method::HEAD, Some(&name), 10)).await, 200);
        let list = Call::read(Method::GET, None, 10)
            .query("list-type", "2")
            .query("encoding-type", "url")
            .query("prefix", "a b+c/\u{fc}&")
            .query("continuation-token", "t61");
        assert_eq!(status(&server, &client, &list).await, 200);
        let versioning = Call::read(Method::GET, None, 10).query("versioning", "");
        assert_eq!(status(&server, &client, &versioning).await, 200);
    }
}

#[tokio::test]
async fn a_secret_is_in_no_header_and_no_debug() {
    let server = LoopbackOss::start().unwrap();
    let client = client(&server, Signature::V4, Addressing::Path);
    let request = client.signed(&Call::read(Method::GET, Some("a"), 10)).await.unwrap();
    assert!(request.url().as_str().starts_with("http://oss.test:8080/certs/a"));
    let shown = format!("{request:?} {client:?}");
    assert!(!shown.contains(server.secret_key()), "{shown}");
    assert!(request.headers().contains_key("authorization"));
}
