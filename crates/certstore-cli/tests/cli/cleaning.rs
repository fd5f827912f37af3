//! clean, on what Caddy has left.

use crate::support::Sandbox;

#[test]
fn expired_certificates_and_dead_staples_go_and_the_next_turn_waits() {
    let sandbox = Sandbox::new();
    sandbox.caddy_data();
    // Those of the internal CA ended on 2026-11-22, and all staples on 2026-11-26.
    let expired = ["127.0.0.1", "internal.example.test", "wildcard_.wild.example.test"]
        .map(|site| format!("certificates/local/{site}/{site}.crt"));
    sandbox.run_with(&["put", "certificates/local/x.test/x.test.crt"], b"garbage").ok();
    let before = sandbox.run(&["ls", "-r"]).ok();
    let dry = sandbox.run(&["clean", "--grace", "0s", "--dry-run", "--json"]).ok().json();
    assert_eq!((&dry["certificates"], &dry["staples"]), (&3.into(), &5.into()), "{dry}");
    assert_eq!((&dry["dry_run"], &dry["garbage"]), (&true.into(), &1.into()), "{dry}");
    assert_eq!(sandbox.run(&["ls", "-r"]).ok().text(), before.text(), "a dry run writes nothing");

    let done = sandbox.run(&["clean", "--grace", "0s", "--json"]).ok().json();
    assert_eq!(done["skipped"], serde_json::Value::Null);
    let removed: Vec<_> = done["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["outcome"] == "removed" && one["kind"] == "certificate")
        .map(|one| one["key"].as_str().unwrap())
        .collect();
    assert_eq!(removed, expired);
    assert_eq!(
        (&done["staples"], &done["garbage"], &done["failed"]),
        (&5.into(), &1.into(), &0.into())
    );
    let left = sandbox.run(&["ls", "-r"]).ok();
    for gone in ["internal.example.test", "wildcard_", "ocsp/"] {
        assert!(!left.text().contains(gone), "{gone}: {}", left.text());
    }
    for kept in
        ["caddy1.example.test.key", "pki/authorities/local/root.key", "x.test.crt", "ops.key"]
    {
        assert!(left.text().contains(kept), "{kept}");
    }
    let stamp = sandbox.run(&["get", "last_clean.json"]).ok().json();
    assert!(stamp["tls"]["timestamp"].is_string() && stamp["tls"]["instance_id"].is_string());

    let again = sandbox.run(&["clean"]).ok();
    assert!(again.text().starts_with("nothing was done: cleaned at "), "{}", again.text());
    let forced = sandbox.run(&["clean", "--force"]).ok();
    assert!(
        forced.text().contains(
            "garbage      certificate certificates/local/x.test/x.test.crt: no certificate in it"
        ),
        "{}",
        forced.text()
    );
    assert_eq!(sandbox.run(&["clean", "--force", "--interval", "1h"]).code, Some(2));
}

#[test]
fn a_site_that_is_being_renewed_is_left() {
    let sandbox = Sandbox::new();
    sandbox.caddy_data();
    let mut holder = sandbox.command();
    let marker = sandbox.path("held");
    holder
        .args(["--storage", &sandbox.url("store"), "lock", "issue_cert_*.wild.example.test", "--"])
        .args(["sh", "-c", &format!("touch {}; cat", marker.display())])
        .stdin(std::process::Stdio::piped());
    let mut holder = holder.spawn().unwrap();
    crate::support::wait_until("the lock is held", || marker.exists());
    let done = sandbox.run(&["clean", "--grace", "0s", "--wait", "0s", "--json"]).ok().json();
    assert_eq!((&done["certificates"], &done["busy"]), (&2.into(), &1.into()), "{done}");
    drop(holder.stdin.take());
    assert!(holder.wait().unwrap().success());
    let site = "certificates/local/wildcard_.wild.example.test/wildcard_.wild.example.test.crt";
    sandbox.run(&["exists", site]).ok();
    let done = sandbox.run(&["clean", "--grace", "0s", "--force", "--json"]).ok().json();
    assert_eq!((&done["certificates"], &done["busy"]), (&1.into(), &0.into()), "{done}");
}

#[test]
fn of_two_that_clean_at_once_one_does_and_the_other_sees_its_stamp() {
    use std::process::Stdio;
    let sandbox = Sandbox::new();
    sandbox.caddy_data();
    let clean = || {
        let mut command = sandbox.command();
        command.args(["--storage", &sandbox.url("store"), "clean", "--grace", "0s", "--json"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let both = [clean(), clean()]
        .map(|child| crate::support::Ran::from(child.wait_with_output().unwrap()));
    let reports = both.map(|ran| ran.ok().json());
    let (did, waited): (Vec<_>, Vec<_>) =
        reports.iter().partition(|report| report["skipped"].is_null());
    assert_eq!((did.len(), waited.len()), (1, 1), "{reports:#?}");
    assert_eq!((&did[0]["certificates"], &did[0]["failed"]), (&3.into(), &0.into()), "{did:#?}");
    assert_eq!(waited[0]["certificates"], 0, "{waited:#?}");
    let stamp = sandbox.run(&["get", "last_clean.json"]).ok().json();
    assert_eq!(waited[0]["skipped"]["last"], stamp["tls"]["timestamp"], "{waited:#?}");
    assert!(sandbox.run(&["--json", "locks"]).ok().json().as_array().unwrap().is_empty());
}
