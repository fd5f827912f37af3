//! serve, with an authority of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::Duration;

use certstore_conformance::servers::{https_certificate, https_get};
use serde_json::Value;

use crate::support::{Sandbox, wait_until};

/// A server that runs, and what it has said of itself.
pub(crate) struct Serving {
    child: Child,
    told: Value,
}

impl Serving {
    pub(crate) fn start(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        let mut command = sandbox.command();
        command.args(["--json", "--storage", &sandbox.url("store"), "serve"]).args(arguments);
        command.args(["--https", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the test can go on");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("the test can go on"))
            .read_line(&mut line)
            .expect("the test can go on");
        Self { child, told: serde_json::from_str(&line).expect("a line of JSON") }
    }

    pub(crate) fn address(&self, which: &str) -> SocketAddr {
        self.told[which].as_str().expect("the test can go on").parse().expect("the test can go on")
    }

    /// Asks it to end, as a service manager does.
    fn stop(mut self) {
        let stopped = std::process::Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(stopped.expect("the test can go on").success());
        wait_until("it ends", || self.child.try_wait().expect("the test can go on").is_some());
        assert!(self.child.wait().expect("the test can go on").success());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(crate) fn root(sandbox: &Sandbox) -> Vec<u8> {
    sandbox.run(&["get", "pki/authorities/local/root.crt"]).ok().out.clone()
}

fn plain(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the test can go on");
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").expect("the test can go on");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the test can go on");
    answer
}

#[test]
fn a_page_is_served_over_https_and_http_leads_there() {
    let sandbox = Sandbox::new();
    let serving = Serving::start(&sandbox, &["localhost", "127.0.0.1"]);
    let root = root(&sandbox);
    let https = serving.address("https");
    for name in ["localhost", "127.0.0.1"] {
        let page = https_get(https, &root, name, "/").unwrap();
        assert!(page.contains("certstore serves localhost, 127.0.0.1"), "{page}");
    }
    assert!(https_get(https, &root, "other.example", "/").is_err());
    let answer = plain(serving.address("http"), "/a?b");
    assert!(
        answer.contains(&format!("location: https://localhost:{}/a?b", https.port())),
        "{answer}"
    );
    assert_eq!(serving.told["root"], "pki/authorities/local/root.crt");
    assert_eq!(serving.told["sites"][0]["name"], "localhost");
    let certs = sandbox.run(&["verify"]).ok().text().to_owned();
    assert!(certs.contains("match"), "{certs}");
    serving.stop();
    assert!(sandbox.run(&["locks", "--json"]).ok().text().trim() == "[]");
}

#[test]
fn two_nodes_over_one_storage_serve_the_same_certificate_also_after_a_restart() {
    let sandbox = Sandbox::new();
    let nodes = [(); 2].map(|()| Serving::start(&sandbox, &["localhost"]));
    let root = root(&sandbox);
    let shown = nodes
        .each_ref()
        .map(|node| https_certificate(node.address("https"), &root, "localhost").unwrap());
    assert_eq!(shown[0], shown[1]);
    let [first, second] = nodes;
    first.stop();
    let third = Serving::start(&sandbox, &["localhost"]);
    assert_eq!(https_certificate(third.address("https"), &root, "localhost").unwrap(), shown[0]);
    second.stop();
}

#[test]
fn files_are_served_and_nothing_outside_their_directory() {
    let sandbox = Sandbox::new();
    sandbox.write("secret", "not for you");
    std::fs::create_dir(sandbox.path("site")).unwrap();
    sandbox.write("site/index.html", "the index");
    let site = sandbox.path("site");
    let serving = Serving::start(&sandbox, &["localhost", "--dir", site.to_str().unwrap()]);
    let (root, https) = (root(&sandbox), serving.address("https"));
    assert_eq!(https_get(https, &root, "localhost", "/").unwrap(), "the index");
    for path in ["/../secret", "/%2e%2e/secret", "/missing"] {
        let answer = https_get(https, &root, "localhost", path).unwrap_err().to_string();
        assert!(answer.contains(" 404 ") || answer.contains(" 400 "), "{path}: {answer}");
        assert!(!answer.contains("not for you"));
    }
}

#[test]
fn requests_are_handed_on_to_the_server_behind() {
    let sandbox = Sandbox::new();
    let behind = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = format!("http://{}", behind.local_addr().unwrap());
    let serving = Serving::start(&sandbox, &["localhost", "--to", &to]);
    let (root, https) = (root(&sandbox), serving.address("https"));
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = behind.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut head = String::new();
        for line in BufReader::new(stream.try_clone().unwrap()).lines() {
            let line = line.unwrap();
            if line.is_empty() {
                break;
            }
            head.push_str(&line);
            head.push('\n');
        }
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nbehind")
            .unwrap();
        head
    });
    assert_eq!(https_get(https, &root, "localhost", "/path?q=1").unwrap(), "behind");
    let head = asked.join().unwrap().to_ascii_lowercase();
    assert!(head.starts_with("get /path?q=1 http/1.1\n"), "{head}");
    assert!(
        head.contains("host: localhost\n") && head.contains("x-forwarded-proto: https\n"),
        "{head}"
    );
    // Nobody is behind it any more.
    let answer = https_get(https, &root, "localhost", "/").unwrap_err().to_string();
    assert!(answer.contains(" 502 "), "{answer}");
}

#[test]
fn what_cannot_be_served_is_said_before_anything_is_done() {
    let sandbox = Sandbox::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (arguments, code, words) in [
        (&["serve", "a b"][..], 2, "no DNS name"),
        (&["serve", "example.com"], 2, "--agree"),
        (&["serve", "printer.local", "--issuer", "acme", "--agree"], 2, "--issuer internal"),
        (&["serve", "*.example.com", "--agree"], 2, "DNS-01"),
        (&["serve", "localhost", "--dir", "missing"], 1, "missing"),
        (&["serve", "localhost", "--to", "ftp://x"], 2, "http://127.0.0.1:3000"),
        (&["serve", "localhost", "--https", &address], 1, "another program"),
    ] {
        sandbox.run(arguments).fails(code, &[words]);
    }
    assert!(!sandbox.path("store/certificates").exists());
}
