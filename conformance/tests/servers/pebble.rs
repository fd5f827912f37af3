//! Pebble, as a server: it answers over TLS by its own authority, counts orders, and takes TXT records.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};

use certstore_conformance::servers::Pebble;

fn pebble() -> Pebble {
    Pebble::start().expect("pebble starts")
}

#[test]
fn it_listens_and_has_taken_no_order() {
    let pebble = pebble();
    assert!(pebble.directory().starts_with("https://localhost:"));
    let pem = std::fs::read_to_string(pebble.api_root()).expect("the authority's file");
    assert!(pem.contains("BEGIN CERTIFICATE"));
    assert_eq!(pebble.orders(), 0);
    assert!(pebble.process().log().contains("Listening on"), "{}", pebble.process().log());
}

#[test]
fn the_ports_of_the_challenges_are_free() {
    let pebble = pebble();
    for port in [pebble.http_port(), pebble.tls_port()] {
        TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
    }
}

#[test]
fn a_txt_record_that_is_set_is_what_dns_says() {
    let pebble = pebble();
    let body = r#"{"host": "_acme-challenge.a.example.", "value": "the-answer"}"#;
    let mut api = TcpStream::connect(pebble.dns_api()).expect("the API listens");
    write!(
        api,
        "POST /set-txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("sent");
    let mut reply = String::new();
    api.read_to_string(&mut reply).expect("an answer");
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    assert!(ask(&pebble).windows(10).any(|window| window == b"the-answer"));
}

/// One question of DNS for the TXT record (RFC 1035, section 4.1).
fn ask(pebble: &Pebble) -> Vec<u8> {
    let mut question = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in ["_acme-challenge", "a", "example"] {
        question.push(u8::try_from(label.len()).expect("a short label"));
        question.extend(label.as_bytes());
    }
    question.extend([0, 0, 16, 0, 1]);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(std::time::Duration::from_secs(10))).expect("a time-out");
    socket.send_to(&question, pebble.dns_server()).expect("sent");
    let mut answer = vec![0; 512];
    let length = socket.recv(&mut answer).expect("an answer");
    answer.truncate(length);
    answer
}

#[test]
fn its_issuer_is_told_and_is_not_the_authority_of_its_api() {
    let pebble = pebble();
    let issuer = pebble.issuer().expect("the management interface answers");
    assert!(issuer.contains("BEGIN CERTIFICATE"), "{issuer}");
    assert_ne!(issuer.trim(), std::fs::read_to_string(pebble.api_root()).expect("a file").trim());
    // Its own API is a server that another authority vouches for.
    let own = pebble.directory();
    let port = own.split([':', '/']).nth(4).and_then(|port| port.parse().ok()).expect("a port");
    let refused = pebble.certificate_of(([127, 0, 0, 1], port).into(), "localhost");
    assert!(refused.is_err_and(|error| error.to_string().contains("certificate")), "refused");
}
