//! obtain, renew, revoke and manage, from a real ACME CA.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use certstore_conformance::servers::{Bind9, Pebble, PebbleOptions};
use serde_json::Value;

use crate::node::wait_for;

struct World {
    pebble: Pebble,
    folder: tempfile::TempDir,
}

impl World {
    fn new(options: PebbleOptions) -> Self {
        let pebble = Pebble::start_with(options).expect("the test can go on");
        Self { pebble, folder: tempfile::tempdir().expect("the test can go on") }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_certstore"));
        let store = format!("file://{}", self.folder.path().join("store").display());
        command.args(["--json", "--storage", &store]).args(arguments);
        command.args(["--email", "ops@example.com"]);
        command.arg("--ca").arg(self.pebble.directory());
        command.arg("--ca-root").arg(self.pebble.api_root());
        command.stdin(Stdio::null()).current_dir(self.folder.path());
        command
    }

    /// As a command that obtains: it answers the CA itself, by HTTP-01 or by TLS-ALPN-01.
    fn obtaining(&self, kind: Kind, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.args(["--issuer", "acme", "--agree"]);
        match kind {
            Kind::Http => {
                let http = format!("127.0.0.1:{}", self.pebble.http_port());
                command.args(["--no-https", "--http", &http]);
            }
            Kind::TlsAlpn => {
                let https = format!("127.0.0.1:{}", self.pebble.tls_port());
                command.args(["--challenge", "tls-alpn-01", "--no-http", "--https", &https]);
            }
        }
        command
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Http,
    TlsAlpn,
}

fn rows(mut command: Command) -> Value {
    let Output { status, stdout, stderr } = command.output().expect("the test can go on");
    let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{out}{err}");
    serde_json::from_slice(&stdout).expect("the test can go on")
}

fn serial(path: &Path) -> Vec<u8> {
    std::fs::read(path).expect("the test can go on")
}

#[test]
fn obtained_by_either_challenge_renewed_by_force_and_revoked() {
    let world = World::new(PebbleOptions::default());
    let obtain = ["obtain", "site.example", "--out", "tls"];
    let told = rows(world.obtaining(Kind::TlsAlpn, &obtain));
    assert_eq!(
        (&told[0]["name"], &told[0]["outcome"]),
        (&"site.example".into(), &"obtained".into())
    );
    assert_eq!(world.pebble.orders(), 1);
    assert_eq!(rows(world.obtaining(Kind::Http, &obtain))[0]["outcome"], "stored");
    let first = serial(&world.path("tls/site.example.crt"));

    // All that this CA has given: what is not due is left.
    assert_eq!(rows(world.obtaining(Kind::Http, &["renew"]))[0]["outcome"], "not due");
    assert_eq!(world.pebble.orders(), 1);
    let renew = ["renew", "--force", "--out", "tls"];
    assert_eq!(rows(world.obtaining(Kind::Http, &renew))[0]["outcome"], "renewed");
    assert_eq!(world.pebble.orders(), 2);
    assert_ne!(serial(&world.path("tls/site.example.crt")), first);

    let revoke = ["revoke", "site.example", "--reason", "key-compromise"];
    assert_eq!(rows(world.command(&revoke))[0]["outcome"], "revoked");
    let site = world.path("store/certificates").read_dir().unwrap().next().unwrap().unwrap().path();
    let left: Vec<String> = site
        .join("site.example")
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(left, ["site.example.key.compromised"]);
    let again = world.command(&revoke).output().unwrap();
    assert_eq!(again.status.code(), Some(1));
    let rows: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert!(rows[0]["error"].as_str().unwrap().contains("no certificate is stored"), "{rows}");
}

#[test]
fn renew_asks_the_ca_when_to_renew_and_keeps_to_what_is_chosen() {
    // Of two hundred seconds the policy leaves the first hundred and thirty alone, and what the CA says the first two.
    let world = World::new(PebbleOptions::new().validity(200));
    assert_eq!(
        rows(world.obtaining(Kind::Http, &["obtain", "site.example"]))[0]["outcome"],
        "obtained"
    );
    assert_eq!(rows(world.obtaining(Kind::Http, &["renew"]))[0]["outcome"], "not due");
    let certificates = world.path("store/certificates");
    let site = certificates.read_dir().unwrap().next().unwrap().unwrap().path();
    let path = site.join("site.example/site.example.json");
    let mut metadata: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let info = &mut metadata["issuer_data"]["renewal_info"];
    assert!(info["suggestedWindow"]["start"].is_string(), "the CA was not asked: {metadata}");
    for field in ["_selectedTime", "_retryAfter"] {
        assert!(info[field].is_string(), "{info}");
    }
    let past = "2020-01-01T00:00:00Z";
    info["suggestedWindow"] = serde_json::json!({"start": past, "end": past});
    info["_selectedTime"] = past.into();
    std::fs::write(&path, metadata.to_string()).unwrap();
    wait_for("the renewal", || {
        let told = rows(world.obtaining(Kind::Http, &["renew"]));
        (told[0]["outcome"] == "renewed").then_some(())
    });
    assert_eq!(world.pebble.orders(), 2);
}

#[test]
fn an_account_is_bound_where_the_ca_wants_it() {
    // What CAs show is base64url of the bytes.
    let world = World::new(PebbleOptions::new().account_key("kid-1", EAB_KEY));
    let without = world.obtaining(Kind::Http, &["obtain", "site.example"]).output().unwrap();
    assert_eq!(without.status.code(), Some(1));
    let rows_without: Value = serde_json::from_slice(&without.stdout).unwrap();
    let error = rows_without[0]["error"].as_str().unwrap();
    assert!(error.contains("account"), "{error}");
    std::fs::write(world.path("eab"), format!("{EAB_KEY}\n")).unwrap();
    let bound = ["obtain", "site.example", "--eab-kid", "kid-1", "--eab-key", "eab"];
    assert_eq!(rows(world.obtaining(Kind::Http, &bound))[0]["outcome"], "obtained");
}

const EAB_KEY: &str = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";

#[test]
fn a_manager_hands_on_what_it_obtains() {
    let world = World::new(PebbleOptions::default());
    let manage = ["manage", "site.example", "--out", "tls", "--hook", "echo $CERTSTORE_NAME"];
    let mut command = world.obtaining(Kind::Http, &manage);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let told: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&told["name"], &told["event"]), (&"site.example".into(), &"valid".into()));
    let mut hook = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut hook).unwrap();
    assert_eq!(hook, "site.example\n");
    let stopped = Command::new("kill").arg(child.id().to_string()).status();
    assert!(stopped.unwrap().success());
    assert!(child.wait().unwrap().success());
    assert!(world.path("tls/site.example.key").exists());
}

#[test]
fn a_wildcard_is_obtained_by_a_record_in_its_zone() {
    let bind = Bind9::start(&["site.example"]).unwrap();
    let world = World::new(PebbleOptions::default().resolver(bind.address()));
    let (server, port) = (bind.address().to_string(), bind.address().port().to_string());
    let obtain = |key: &str| {
        std::fs::write(world.path("tsig.key"), format!("{key}\n")).unwrap();
        let mut command = world.command(&["obtain", "*.site.example", "--issuer", "acme"]);
        command.args(["--agree", "--no-http", "--no-https", "--dns-server", &server]);
        command.args(["--dns-key-name", Bind9::KEY, "--dns-key", "tsig.key"]);
        command.args(["--dns-resolver", &server, "--dns-port", &port]);
        command
    };
    let wrong = obtain("d3Jvbmcgc2VjcmV0IHdyb25nIHNlY3JldCB3cm9uZyE=").output().unwrap();
    let said = [&wrong.stdout[..], &wrong.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let line = "the zone site.example was not changed: the DNS server";
    assert!(!wrong.status.success() && said.contains(line), "{said}");
    assert!(!said.contains("d3Jvbmcg"), "{said}");
    let told = rows(obtain(bind.secret()));
    assert_eq!(told[0]["name"], "*.site.example");
    assert_eq!(told[0]["outcome"], "obtained");
    assert_eq!(world.pebble.orders(), 1);

    let bare = world.command(&["obtain", "*.site.example", "--issuer", "acme", "--agree"]);
    let refused = { bare }.output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(2) && said.contains("--dns-server"), "{said}");
}
