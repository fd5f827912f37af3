//! `serve` as a fleet, against a real ACME CA.

#![cfg(unix)]

mod obtaining;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use certstore_conformance::servers::{Pebble, RedisOptions, RedisServer};
use serde_json::Value;

/// One node of a fleet.
struct Node {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
}

impl Node {
    /// `http`: where this node answers the CA; none: it leaves that to the others.
    fn start(url: &str, pebble: &Pebble, names: &[&str], http: Option<u16>) -> Self {
        let mut command = command(url, pebble, names);
        match http {
            Some(port) => command.args(["--http", &format!("127.0.0.1:{port}")]),
            None => command.arg("--no-http"),
        };
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the test can go on");
        let out = BufReader::new(child.stdout.take().expect("the test can go on"));
        Self { child, out }
    }

    /// What it says once it serves.
    fn told(&mut self) -> Value {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("the test can go on");
        serde_json::from_str(&line).expect("it serves, and says so")
    }

    fn address(told: &Value) -> SocketAddr {
        told["https"].as_str().expect("the test can go on").parse().expect("the test can go on")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn command(url: &str, pebble: &Pebble, names: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_certstore"));
    command.args(["--json", "--storage", url, "serve"]).args(names);
    command.args(["--issuer", "acme", "--agree", "--email", "ops@example.com"]);
    command.arg("--ca").arg(pebble.directory()).arg("--ca-root").arg(pebble.api_root());
    command.args(["--https", "127.0.0.1:0"]).stdin(Stdio::null());
    command
}

fn files(folder: &Path) -> String {
    format!("file://{}", folder.display())
}

fn a_fleet_orders_once(url: &str) {
    let pebble = Pebble::start().expect("the test can go on");
    let names = ["site.example", "www.site.example"];
    let mut nodes =
        [Some(pebble.http_port()), None, None].map(|http| Node::start(url, &pebble, &names, http));
    let told = nodes.each_mut().map(Node::told);
    assert_eq!(pebble.orders(), names.len(), "{}", pebble.process().log());
    for name in names {
        let shown = told.each_ref().map(|told| {
            pebble.certificate_of(Node::address(told), name).expect("the test can go on")
        });
        assert!(shown.iter().all(|one| *one == shown[0]), "{name}");
    }
    // Who comes later finds what is stored, and asks no CA.
    drop(nodes);
    pebble.process().kill().expect("the test can go on");
    let late = Node::start(url, &pebble, &names, None).told();
    assert_eq!(late["sites"][1]["name"], "www.site.example");
    assert!(late["sites"][1]["not_after"].is_string());
}

#[test]
fn three_nodes_on_files_order_each_name_once_and_answer_for_each_other() {
    let folder = tempfile::tempdir().unwrap();
    a_fleet_orders_once(&files(folder.path()));
}

#[test]
fn three_nodes_on_redis_order_each_name_once_and_answer_for_each_other() {
    let redis = RedisServer::start(RedisOptions::default()).unwrap();
    a_fleet_orders_once(&redis.url());
}

#[test]
fn a_ca_that_is_down_or_refuses_is_said_in_one_line() {
    let pebble = Pebble::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = files(folder.path());
    let run = |names: &[&str]| {
        let ran = command(&url, &pebble, names).arg("--no-http").output().unwrap();
        let err = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(1), "{err}");
        let last = err.lines().last().unwrap().to_owned();
        assert!(last.starts_with("certstore: ") && !err.contains("PRIVATE"), "{err}");
        last
    };
    // Nobody answers at the CA's port for HTTP-01.
    let line = run(&["site.example"]);
    assert!(line.contains("site.example"), "{line}");
    pebble.process().kill().unwrap();
    let line = run(&["site.example"]);
    assert!(line.contains("certificate authority"), "{line}");
}
