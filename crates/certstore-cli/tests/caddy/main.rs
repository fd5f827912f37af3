//! Caddy and certstore on one directory: Caddy serves what certstore copied, and each waits for the other's locks.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod server;
mod tls;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use server::{Caddy, SilentCa, certstore, eventually};

/// The CA's address is part of the fixture's keys, so one test at a time can stand in for it.
static CA_PORT: Mutex<()> = Mutex::new(());

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/caddy-data");

/// The names in the fixture whose certificates are from the ACME CA, and are good for years.
const FROM_ACME: [&str; 5] = [
    "caddy1.example.test",
    "caddy2.example.test",
    "rsa.example.test",
    "xn--bcher-kva.example.test",
    "a.ondemand.example.test",
];

#[test]
fn caddy_serves_a_copied_directory_without_asking_its_ca() {
    let _one = CA_PORT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let home = tempfile::tempdir().unwrap();
    let copy = home.path().join("copy");
    let copied = certstore(&format!("file://{FIXTURE}"))
        .args(["copy", "--to", &format!("file://{}", copy.display())])
        .output()
        .unwrap();
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));

    caddy_serves(home.path(), &copy);
}

#[test]
fn caddy_serves_an_imported_archive_without_asking_its_ca() {
    let _one = CA_PORT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let archive = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/caddy-export.tar");
    let imported = certstore(&format!("file://{}", data.display()))
        .args(["import", archive])
        .output()
        .unwrap();
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    caddy_serves(home.path(), &data);
}

/// Caddy on `data` shows every certificate of the fixture, and asks nobody for another.
fn caddy_serves(home: &Path, data: &Path) {
    let ca = SilentCa::start();
    let caddy =
        Caddy::start(home, data, &FROM_ACME.map(|name| format!("{name} {{\nrespond ok\n}}")));
    for name in FROM_ACME {
        let served =
            eventually(&format!("a TLS handshake for {name}"), Duration::from_secs(30), || {
                tls::leaf(caddy.https_port, name)
            });
        let file = format!("{FIXTURE}/certificates/127.0.0.1-14000-dir/{name}/{name}.crt");
        assert_eq!(served, tls::first_certificate(&fs::read(file).unwrap()), "{name}");
    }
    assert_eq!(ca.contacts(), 0, "Caddy asked its CA: {}", caddy.log());
}

#[test]
fn certstore_waits_while_caddy_holds_a_lock() {
    let _one = CA_PORT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let url = format!("file://{}", data.display());
    // A CA that takes connections and never answers keeps Caddy in its order, with the lock held.
    let _ca = SilentCa::start();
    let mut caddy =
        Caddy::start(home.path(), &data, &["new.example.test {\nrespond ok\n}".to_owned()]);
    let lock = data.join("locks/issue_cert_new.example.test.lock");
    eventually("Caddy's lock", Duration::from_secs(30), || lock.exists().then_some(()));

    let busy = certstore(&url)
        .args(["lock", "issue_cert_new.example.test", "--try", "--", "true"])
        .output()
        .unwrap();
    assert_eq!(busy.status.code(), Some(4), "{}", String::from_utf8_lossy(&busy.stderr));

    let marker = home.path().join("ran");
    let mut waiter = certstore(&url)
        .args(["lock", "issue_cert_new.example.test", "--wait", "60s", "--", "touch"])
        .arg(&marker)
        .spawn()
        .unwrap();
    // Longer than Go's ten seconds: Caddy refreshes its lock file, and certstore must see that.
    std::thread::sleep(Duration::from_secs(13));
    assert!(
        waiter.try_wait().unwrap().is_none() && !marker.exists(),
        "certstore must wait while Caddy holds the lock"
    );
    caddy.stop();
    let status =
        eventually("certstore's turn", Duration::from_secs(40), || waiter.try_wait().unwrap());
    assert!(status.success() && marker.exists());
}

#[test]
fn caddy_waits_while_certstore_holds_a_lock() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let url = format!("file://{}", data.display());
    let mut holder = hold(&url, "issue_cert_internal.example.test", &data);
    let caddy = Caddy::start(
        home.path(),
        &data,
        &["internal.example.test {\ntls internal\nrespond ok\n}".to_owned()],
    );
    eventually("Caddy to want the lock", Duration::from_secs(30), || {
        caddy.log().contains("acquiring lock").then_some(())
    });
    let certificate =
        data.join("certificates/local/internal.example.test/internal.example.test.crt");
    // Longer than Go's ten seconds, after which it takes a lock that nobody refreshes.
    let end = Instant::now() + Duration::from_secs(13);
    while Instant::now() < end {
        assert!(!certificate.exists(), "Caddy must wait while certstore holds the lock");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(holder.try_wait().unwrap().is_none());
    drop(holder.stdin.take());
    assert!(holder.wait().unwrap().success());
    eventually("Caddy's certificate", Duration::from_secs(30), || {
        certificate.exists().then_some(())
    });
}

/// certstore with the lock held until its standard input is closed.
fn hold(url: &str, name: &str, data: &Path) -> Child {
    let held = certstore(url)
        .args(["lock", name, "--", "cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn();
    let lock = data.join(format!("locks/{name}.lock"));
    eventually("certstore's lock", Duration::from_secs(20), || lock.exists().then_some(()));
    held.unwrap()
}

#[test]
fn caddy_is_installed() {
    let found = Command::new("caddy").arg("version").output();
    assert!(
        found.is_ok_and(|output| output.status.success()),
        "Caddy is missing; run `cargo xtask setup`"
    );
}
