//! Pebble, as a server: it answers over TLS by its own authority, counts orders, and takes TXT records.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};

use certstore_conformance::servers::{CaProxy, Part, Pebble, PebbleOptions, https_get};

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
    let refused = pebble.certificate_of(api(&pebble), "localhost");
    assert!(refused.is_err_and(|error| error.to_string().contains("certificate")), "refused");
}

fn api(pebble: &Pebble) -> SocketAddr {
    port(&pebble.directory())
}

fn directory(pebble: &Pebble) -> String {
    let root = std::fs::read(pebble.api_root()).expect("the authority's file");
    https_get(api(pebble), &root, "localhost", "/dir").expect("its directory")
}

#[test]
fn debians_own_and_the_newer_one_start_and_only_that_one_tells_when_to_renew() {
    let (own, newer) = (pebble(), PebbleOptions::new().newer().validity(90));
    let newer = Pebble::start_with(newer).expect("the newer one starts");
    let (own, newer) = (directory(&own), directory(&newer));
    for directory in [&own, &newer] {
        assert!(directory.contains("\"newOrder\""), "{directory}");
    }
    assert!(newer.contains("\"renewalInfo\""), "{newer}");
    assert!(!own.contains("\"renewalInfo\""), "{own}");
}

#[test]
fn what_it_is_told_to_be_it_is() {
    let options = PebbleOptions::new()
        .nonce_rejection(30)
        .authorization_reuse(100)
        .account_key("kid-1", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W")
        .alternate_roots(2)
        .chain_length(2)
        .blocked("blocked.example")
        .ocsp_responder("http://127.0.0.1:9/");
    let pebble = Pebble::start_with(options).expect("pebble starts");
    let said = directory(&pebble);
    assert!(said.contains("\"externalAccountRequired\": true"), "{said}");
    let roots = [0, 1, 2].map(|index| pebble.root(index).expect("a root"));
    assert_ne!(roots[1], roots[2]);
    assert_eq!(roots[0], pebble.issuer().expect("its first root"));
    assert!(pebble.root(3).is_err(), "there are two alternates");
}

#[test]
fn its_intermediate_is_told_with_its_key_and_no_certificate_that_it_has_not_issued() {
    let pebble = pebble();
    let certificate = pebble.intermediate().expect("the management interface answers");
    assert!(certificate.contains("BEGIN CERTIFICATE"), "{certificate}");
    assert_ne!(certificate, pebble.issuer().expect("its root"));
    let key = pebble.intermediate_key().expect("the management interface answers");
    assert!(key.contains("PRIVATE KEY"), "no key");
    assert!(pebble.certificate_status("0a1b").is_err());
}

/// The port in a URL.
fn port(url: &str) -> SocketAddr {
    let port = url.split([':', '/']).nth(4).and_then(|port| port.parse().ok());
    ([127, 0, 0, 1], port.expect("a port")).into()
}

#[test]
fn a_request_through_the_proxy_is_held_passed_on_or_dropped() {
    let pebble = pebble();
    let proxy = CaProxy::before(&pebble).expect("the proxy starts");
    let (address, root) = (port(&proxy.directory()), std::fs::read(proxy.root()).expect("a file"));
    let get = || https_get(address, &root, "localhost", "/dir");
    assert_eq!(get().expect("its directory"), directory(&pebble));
    for part in [Part::Request, Part::Answer] {
        let held = proxy.hold(part, "/dir");
        std::thread::scope(|scope| {
            let asking = scope.spawn(get);
            held.reached().expect("the request comes");
            held.release();
            assert!(asking.join().expect("it ends").is_ok());
            let held = proxy.hold(part, "/dir");
            let asking = scope.spawn(get);
            held.reached().expect("the request comes");
            drop(held);
            assert!(asking.join().expect("it ends").is_err());
        });
    }
    assert_eq!(proxy.asked(), ["GET /dir HTTP/1.0"; 5]);
}
