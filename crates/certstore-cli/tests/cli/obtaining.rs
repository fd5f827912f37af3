//! obtain, renew and manage, with an authority of one's own.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Sandbox, wait_until};

const INTERNAL: [&str; 2] = ["--issuer", "internal"];

fn run(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let all = [arguments, &INTERNAL, &["--json"]].concat();
    sandbox.run(&all).ok().json()
}

fn outcomes(told: &Value) -> Vec<(&str, &str)> {
    let rows = told.as_array().expect("an array");
    rows.iter()
        .map(|row| {
            (row["name"].as_str().expect("a name"), row["outcome"].as_str().expect("an outcome"))
        })
        .collect()
}

#[test]
fn names_are_obtained_once_and_handed_on() {
    let sandbox = Sandbox::new();
    let hook =
        r#"echo "$CERTSTORE_NAME $CERTSTORE_CERTIFICATE_KEY $CERTSTORE_PRIVATE_KEY_KEY" >> told"#;
    let names = ["obtain", "Printer.internal", "*.apps.internal", "--out", "tls", "--hook", hook];
    let told = run(&sandbox, &names);
    let expected = [("*.apps.internal", "obtained"), ("printer.internal", "obtained")];
    assert_eq!(outcomes(&told), expected);
    let stored = "certificates/local/printer.internal/printer.internal.crt";
    assert_eq!(told[1]["certificate"], stored);
    assert!(told[1]["not_after"].is_string());
    let chain = std::fs::read(sandbox.path("tls/wildcard_.apps.internal.crt")).unwrap();
    assert!(chain.starts_with(b"-----BEGIN CERTIFICATE-----"));
    let key = std::fs::read_to_string(sandbox.path("tls/printer.internal.key")).unwrap();
    assert!(key.contains("PRIVATE KEY"));
    assert_eq!(
        sandbox.run(&["get", stored]).ok().out,
        std::fs::read(sandbox.path("tls/printer.internal.crt")).unwrap()
    );
    let hooked = std::fs::read_to_string(sandbox.path("told")).unwrap();
    assert_eq!(hooked.lines().count(), 2, "{hooked}");
    assert!(hooked.contains(&format!("printer.internal {stored} ")), "{hooked}");
    // Nothing is new the second time, and nobody is told.
    let again = run(&sandbox, &names);
    assert!(outcomes(&again).iter().all(|(_, outcome)| *outcome == "stored"));
    assert_eq!(std::fs::read_to_string(sandbox.path("told")).unwrap(), hooked);
}

#[cfg(unix)]
#[test]
fn private_keys_are_written_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = Sandbox::new();
    run(&sandbox, &["obtain", "a.internal", "--out", "tls"]);
    let mode = std::fs::metadata(sandbox.path("tls/a.internal.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_is_not_due_is_renewed_by_force_only() {
    let sandbox = Sandbox::new();
    run(&sandbox, &["obtain", "a.internal", "b.internal"]);
    let serial = || {
        let certs = sandbox.run(&["certs", "--json"]).ok().json();
        let of_a = |row: &&Value| row["names"][0] == "a.internal";
        certs.as_array().unwrap().iter().find(of_a).unwrap()["serial"].clone()
    };
    let before = serial();
    // Without names: all that this issuer has given.
    let told = run(&sandbox, &["renew"]);
    assert_eq!(outcomes(&told), [("a.internal", "not due"), ("b.internal", "not due")]);
    assert_eq!(serial(), before);
    let told = run(&sandbox, &["renew", "a.internal", "--force"]);
    assert_eq!(outcomes(&told), [("a.internal", "renewed")]);
    assert_ne!(serial(), before);
}

#[test]
fn the_kind_of_the_keys_is_chosen() {
    let sandbox = Sandbox::new();
    for (kind, told) in [("p256", "P-256"), ("p384", "P-384"), ("ed25519", "Ed25519")] {
        let name = format!("{kind}.internal");
        run(&sandbox, &["obtain", &name, "--key-type", kind]);
        let dir = format!("certificates/local/{name}");
        let certs = sandbox.run(&["certs", &dir, "--json"]).ok().json();
        let shown = certs[0]["key_type"].as_str().unwrap().to_owned();
        assert!(shown.contains(told) && certs[0]["key_matches"] == true, "{certs}");
    }
}

#[test]
fn what_cannot_be_obtained_or_renewed_is_said() {
    let sandbox = Sandbox::new();
    sandbox.run(&["obtain", "example.com"]).fails(2, &["--agree"]);
    sandbox.run(&["obtain", "*.example.com", "--agree"]).fails(2, &["DNS-01"]);
    sandbox.run(&["renew"]).fails(2, &["--issuer acme"]);
    // What became of each name is printed, and last that it is not well.
    let failed = |arguments: &[&str], words: &str| {
        let ran = sandbox.run(arguments);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.starts_with("certstore: ") && ran.err.contains(words), "{ran:?}");
        assert!(ran.text().contains("a.internal"), "{ran:?}");
    };
    failed(&["renew", "a.internal", "--issuer", "internal"], "1 of 1 names failed");
    let hook = ["obtain", "a.internal", "--issuer", "internal", "--hook", "exit 3"];
    failed(&hook, "the hook failed for a.internal: exit status: 3");
    // The certificate is there all the same.
    let stored = sandbox.run(&["verify"]).ok();
    assert!(stored.text().contains("match"), "{}", stored.text());
}

#[test]
fn a_manager_hands_on_until_it_is_interrupted() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command();
    command.args(["--json", "--storage", &sandbox.url("store"), "manage", "a.internal"]);
    command.args(INTERNAL).args(["--out", "tls", "--hook", "echo $CERTSTORE_NAME > told"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let told: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&told["name"], &told["event"]), (&"a.internal".into(), &"valid".into()));
    wait_until("the hook has run", || {
        std::fs::read_to_string(sandbox.path("told")).is_ok_and(|told| told == "a.internal\n")
    });
    assert!(sandbox.path("tls/a.internal.crt").exists());
    let stopped = std::process::Command::new("kill").arg(child.id().to_string()).status();
    assert!(stopped.unwrap().success());
    assert!(child.wait().unwrap().success());
    assert_eq!(sandbox.run(&["locks", "--json"]).ok().text().trim(), "[]");
}

#[test]
fn what_cannot_be_renewed_by_its_name_is_left_and_stops_nothing() {
    let sandbox = Sandbox::new();
    run(&sandbox, &["obtain", "a.internal"]);
    // An authority has a name that no host has.
    let root = sandbox.run(&["get", "pki/authorities/local/root.crt"]).ok().out;
    let odd = ["odd", "broken"].map(|name| format!("certificates/local/{name}/{name}.crt"));
    sandbox.run_with(&["put", &odd[0]], &root).ok();
    sandbox.run_with(&["put", &odd[1]], b"no certificate").ok();
    let ran = sandbox.run(&["--json", "renew", "--issuer", "internal"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(outcomes(&ran.json()), [("a.internal", "not due")]);
    for key in odd {
        let line = ran.err.lines().find(|line| line.contains(&key)).unwrap_or_default();
        assert!(line.contains("WARN") && line.contains("it is left as it is"), "{ran:?}");
    }
}

#[test]
fn what_its_ca_would_have_renewed_by_now_is_due() {
    let sandbox = Sandbox::new();
    let key = "certificates/local/a.internal/a.internal.json";
    let past = "2020-01-01T00:00:00Z";
    for selected in [past, "0001-01-01T00:00:00Z"] {
        run(&sandbox, &["obtain", "a.internal"]);
        assert_eq!(outcomes(&run(&sandbox, &["renew"])), [("a.internal", "not due")]);
        let mut metadata: Value = sandbox.run(&["get", key]).ok().json();
        metadata["issuer_data"]["renewal_info"] = serde_json::json!({
            "suggestedWindow": {"start": past, "end": "2020-01-02T00:00:00Z"},
            "_selectedTime": selected,
        });
        sandbox.run_with(&["put", key], metadata.to_string().as_bytes()).ok();
        assert_eq!(outcomes(&run(&sandbox, &["renew"])), [("a.internal", "renewed")]);
    }
}
