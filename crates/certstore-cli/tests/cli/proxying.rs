//! What serve hands on to a server behind it, and what it gives back, byte by byte.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use certstore_conformance::servers::https_connect;

use crate::serving::{Serving, root};
use crate::support::Sandbox;

/// The head of what comes next, in lower case.
fn head(stream: &mut impl Read) -> String {
    let (mut head, mut byte) = (String::new(), [0]);
    while !head.ends_with("\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap_or_else(|error| panic!("{error} after {head:?}"));
        head.push(char::from(byte[0]).to_ascii_lowercase());
    }
    head
}

/// Says `request` to `serve`, and `answer` to that; gives what either got, and goes on with both.
fn handed_on<T>(
    request: &str,
    answer: &'static str,
    then: impl FnOnce(&mut dyn Wire, &mut dyn Wire) -> T,
) -> (String, String, T) {
    let (sandbox, behind) = (Sandbox::new(), TcpListener::bind("127.0.0.1:0").expect("a port"));
    let to = format!("http://{}", behind.local_addr().expect("its address"));
    let serving = Serving::start(&sandbox, &["localhost", "--to", &to]);
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = behind.accept().expect("somebody asks");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("the test can go on");
        let asked = head(&mut stream);
        stream.write_all(answer.as_bytes()).expect("the answer is taken");
        (asked, stream)
    });
    let root = root(&sandbox);
    let client = https_connect(serving.address("https"), &root, "localhost");
    let mut client = client.expect("it is served");
    client.write_all(request.as_bytes()).expect("the request is taken");
    let answered = head(&mut client);
    let (asked, mut server): (String, TcpStream) = asked.join().expect("it is asked");
    let then = then(&mut client, &mut server);
    (asked, answered, then)
}

trait Wire: Read + Write {}

impl<T: Read + Write> Wire for T {}

const WEBSOCKET: &str = "GET /chat HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nKeep-Alive: 1\r\n\r\n";

#[test]
fn a_websocket_is_carried_both_ways() {
    let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nfirst";
    let (asked, answered, ()) = handed_on(WEBSOCKET, answer, |client, server| {
        let mut said = [0; 5];
        client.read_exact(&mut said).unwrap();
        assert_eq!(&said, b"first");
        client.write_all(b"\x81\0").unwrap();
        server.read_exact(&mut said[..2]).unwrap();
        assert_eq!(&said[..2], b"\x81\0");
        server.write_all(b"\xff").unwrap();
        client.read_exact(&mut said[..1]).unwrap();
        assert_eq!(said[0], 0xff);
    });
    assert!(asked.contains("x-forwarded-for: 127.0.0.1\r\n"), "{asked}");
    for part in ["get /chat http/1.1\r\n", "connection: upgrade\r\n", "upgrade: websocket\r\n"] {
        assert!(asked.contains(part), "{asked}");
    }
    assert!(asked.contains("sec-websocket-key: ") && !asked.contains("keep-alive"), "{asked}");
    assert!(answered.starts_with("http/1.1 101 "), "{answered}");
    for part in ["connection: upgrade\r\n", "upgrade: websocket\r\n", "sec-websocket-accept: s3"] {
        assert!(answered.contains(part), "{answered}");
    }
}

#[test]
fn a_server_that_does_not_switch_answers_and_what_is_between_neighbours_stays() {
    let answer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\nConnection: close, x-own\r\nX-Own: 1\r\n\
         Keep-Alive: timeout=5\r\nX-Other: 1\r\n\r\nno";
    let (_, answered, body) = handed_on(WEBSOCKET, answer, |client, _| {
        let mut body = [0; 2];
        client.read_exact(&mut body).unwrap();
        body
    });
    assert!(answered.starts_with("http/1.1 400 ") && body == *b"no", "{answered}");
    for name in ["upgrade", "x-own", "keep-alive", "connection"] {
        assert!(!answered.contains(name), "{answered}");
    }
    assert!(answered.contains("x-other: 1\r\n"), "{answered}");
}

#[test]
fn a_switch_that_nobody_asked_for_is_no_answer() {
    let answer =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n";
    let plain = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for request in [plain, WEBSOCKET] {
        let (_, answered, ()) = handed_on(request, answer, |_, _| ());
        assert!(answered.starts_with("http/1.1 502 "), "{answered}");
    }
}
