//! certs, copy, verify, on what Caddy has left.

use std::path::Path;
use std::process::Command;

use crate::support::{CADDY_DATA, Ran, Sandbox};

/// As `openssl x509` prints them: name, serial, begin and end.
const SITES: [(&str, &str, &str, &str); 8] = [
    (
        "127.0.0.1",
        "7AD180712C718A39751A9C4B451D80F6",
        "2026-11-22T00:31:42Z",
        "2026-11-22T12:31:42Z",
    ),
    (
        "internal.example.test",
        "ED6EEF6564AA09066A127B7CB6ED292B",
        "2026-11-22T00:31:42Z",
        "2026-11-22T12:31:42Z",
    ),
    (
        "*.wild.example.test",
        "0F1CBA4B64B0AD6BF47FF589C1209DAD",
        "2026-11-22T00:31:42Z",
        "2026-11-22T12:31:42Z",
    ),
    ("caddy2.example.test", "47B0BF977096D8E5", "2026-11-22T00:31:44Z", "2031-11-22T00:31:43Z"),
    ("caddy1.example.test", "1815FD470F905245", "2026-11-22T00:31:45Z", "2031-11-22T00:31:44Z"),
    ("rsa.example.test", "54C8A917D936340F", "2026-11-22T00:31:48Z", "2031-11-22T00:31:47Z"),
    (
        "xn--bcher-kva.example.test",
        "2E2B4924A5A74DFD",
        "2026-11-22T00:31:48Z",
        "2031-11-22T00:31:47Z",
    ),
    ("a.ondemand.example.test", "44F1DB45E9D4D7A5", "2026-11-22T00:31:54Z", "2031-11-22T00:31:53Z"),
];

#[test]
fn every_site_certificate_with_names_dates_and_matching_key() {
    let sandbox = Sandbox::new();
    sandbox.caddy_data();
    let rows = sandbox.run(&["certs", "--json", "certificates"]).ok().json();
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 8);
    for (row, (name, serial, from, until)) in rows.iter().zip(SITES) {
        assert_eq!(row["names"], serde_json::json!([name]));
        assert_eq!(
            (&row["serial"], &row["not_before"], &row["not_after"]),
            (&serial.into(), &from.into(), &until.into())
        );
        assert_eq!(
            (&row["key_found"], &row["key_matches"]),
            (&true.into(), &true.into()),
            "{name}"
        );
        assert_eq!((&row["chain_length"], &row["authority"]), (&2.into(), &false.into()));
        let folder = row["certificate"].as_str().unwrap().strip_suffix(".crt").unwrap();
        assert_eq!(row["private_key"], format!("{folder}.key"));
        assert_eq!(
            row["key_type"],
            if name == "rsa.example.test" { "RSA 2048" } else { "ECDSA P-256" }
        );
        let internal = folder.starts_with("certificates/local/");
        let issuer = if internal {
            "Caddy Local Authority - ECC Intermediate"
        } else {
            "Pebble Intermediate CA 73dcc8"
        };
        assert_eq!(row["issuer"], issuer);
        assert!(row["days_left"].is_i64() && row["error"].is_null());
    }
    let all = sandbox.run(&["certs", "--json"]).ok().json();
    assert_eq!(all.as_array().unwrap().len(), 10, "with the internal CA");
}

#[test]
fn the_table_fits_and_starts_with_the_soonest_expiry() {
    let sandbox = Sandbox::new();
    sandbox.caddy_data();
    let table = sandbox.run(&["certs"]).ok();
    let lines: Vec<_> = table.text().lines().collect();
    assert!(lines.iter().all(|line| line.chars().count() <= 100), "{lines:#?}");
    assert!(
        lines[0]
            .split_whitespace()
            .eq(["DAYS", "FROM", "UNTIL", "KEY", "MATCH", "NAMES", "ISSUER"])
    );
    assert!(
        lines[1].contains("127.0.0.1")
            && lines[2].trim() == "certificates/local/127.0.0.1/127.0.0.1.key"
    );
    assert!(lines.last().unwrap().starts_with("10 certificates: "));
}

#[test]
fn only_what_expires_soon() {
    let sandbox = Sandbox::new();
    sandbox.caddy_data();
    let soon =
        sandbox.run(&["certs", "--expiring-in", "30d", "--json", "certificates"]).ok().json();
    let names: Vec<_> =
        soon.as_array().unwrap().iter().map(|row| row["names"][0].as_str().unwrap()).collect();
    assert_eq!(names, ["127.0.0.1", "internal.example.test", "*.wild.example.test"]);
    let far =
        sandbox.run(&["certs", "--expiring-in", "36500d", "--json", "certificates"]).ok().json();
    assert_eq!(far.as_array().unwrap().len(), 8);
    assert_eq!(sandbox.run(&["certs", "--expiring-in", "soon"]).code, Some(2));
}

#[test]
fn garbage_is_a_row_and_stops_nothing() {
    let sandbox = Sandbox::new();
    sandbox.caddy_data();
    sandbox.run_with(&["put", "certificates/x/y/y.crt"], b"\x00\xff\x1b[31m garbage\n").ok();
    let rows = sandbox.run(&["certs", "--json", "certificates"]).ok().json();
    let broken = rows.as_array().unwrap().last().unwrap();
    assert_eq!(
        (rows.as_array().unwrap().len(), &broken["certificate"]),
        (9, &"certificates/x/y/y.crt".into())
    );
    assert_eq!(broken["error"], "no certificate in it");
    let table = sandbox.run(&["certs"]).ok();
    assert!(
        table.text().contains("?  certificates/x/y/y.crt\n       no certificate in it\n"),
        "{}",
        table.text()
    );
    let verified = sandbox.run(&["verify", "--no-probe"]);
    assert_eq!(verified.code, Some(1));
    assert!(
        verified.text().contains("PROBLEM  certificates/x/y/y.crt is no certificate"),
        "{verified:?}"
    );
    assert_eq!(verified.err.lines().count(), 1);
}

#[test]
fn a_copy_is_identical_byte_for_byte_and_resumable() {
    let sandbox = Sandbox::new();
    sandbox.caddy_data();
    let target = sandbox.url("copy");
    let dry = sandbox.run(&["copy", "--to", &target, "--dry-run", "--json"]).ok().json();
    assert_eq!((&dry["copied"], &dry["dry_run"]), (&35.into(), &true.into()));
    assert_eq!(listing(&sandbox.path("copy")), "", "a dry run writes nothing");
    let copied = sandbox.run(&["copy", "--to", &target, "--json"]).ok().json();
    assert_eq!((&copied["copied"], &copied["unchanged"]), (&35.into(), &0.into()));
    let diff = Command::new("diff")
        .args(["-r", "--exclude=locks", CADDY_DATA])
        .arg(sandbox.path("copy"))
        .output()
        .unwrap();
    assert_eq!((diff.status.code(), diff.stdout.as_slice()), (Some(0), &b""[..]));
    std::fs::remove_file(sandbox.path("copy/pki/authorities/local/root.key")).unwrap();
    std::fs::write(sandbox.path("copy/pki/authorities/local/root.crt"), "cut").unwrap();
    let again = sandbox.run(&["copy", "--to", &target, "--json"]).ok().json();
    assert_eq!(
        (&again["copied"], &again["overwritten"], &again["unchanged"]),
        (&1.into(), &1.into(), &33.into())
    );
    let verified =
        Ran::of(sandbox.command().args(["--storage", &target, "verify", "--json"])).ok().json();
    assert_eq!(
        (&verified["ok"], &verified["values"], &verified["certificates"]),
        (&true.into(), &35.into(), &10.into())
    );
    assert_eq!(verified["probe"].as_array().unwrap().len(), 8);
    let part = sandbox.run(&["copy", "--to", &sandbox.url("part"), "ocsp"]).ok();
    assert!(part.text().starts_with("5 values copied"), "{}", part.text());
}

/// The keys of a storage's directory, one a line.
fn listing(root: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_certstore"));
    command.args(["--storage", &format!("file://{}", root.display()), "ls", "-r"]);
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

#[test]
fn what_stands_in_the_way_of_a_copy_is_told_before_it_begins() {
    let sandbox = Sandbox::new();
    sandbox.caddy_data();
    std::fs::create_dir_all(sandbox.path("copy/acme")).unwrap();
    std::fs::write(sandbox.path("copy/pki"), "a file").unwrap();
    sandbox
        .run(&["copy", "--to", &sandbox.url("copy")])
        .fails(1, &["pki is a directory here and a value there", "nothing was written"]);
    assert_eq!(
        listing(&sandbox.path("copy"))
            .lines()
            .filter(|key| key.starts_with("certificates"))
            .count(),
        0
    );
    std::fs::remove_file(sandbox.path("copy/pki")).unwrap();
    std::fs::write(sandbox.path("store/acme/no key!"), "foreign").unwrap();
    let refused = sandbox.run(&["-q", "copy", "--to", &sandbox.url("copy")]);
    refused.fails(1, &["no valid key", "no key!", "skip-foreign"]);
    let copied = sandbox
        .run(&["-q", "copy", "--to", &sandbox.url("copy"), "--skip-foreign", "--json"])
        .ok()
        .json();
    assert_eq!(
        (&copied["copied"], &copied["foreign"]),
        (&35.into(), &serde_json::json!(["acme/no key!"]))
    );
    let verified = sandbox.run(&["-q", "verify", "--no-probe", "--json"]).ok().json();
    assert_eq!(verified["foreign"], serde_json::json!(["acme/no key!"]));
    sandbox.run(&["copy", "--to", "nowhere"]).fails(2, &["starts with a scheme"]);
}

#[test]
fn verify_names_a_key_of_another_certificate() {
    let sandbox = Sandbox::new();
    sandbox.caddy_data();
    let site = |name: &str| sandbox.path(&format!("store/certificates/local/{name}/{name}.key"));
    std::fs::copy(site("internal.example.test"), site("127.0.0.1")).unwrap();
    let verified = sandbox.run(&["verify", "--json"]);
    assert_eq!((verified.code, &verified.json()["ok"]), (Some(1), &false.into()));
    assert!(
        verified.err.starts_with("certstore: the storage is not sound: 1 problems"),
        "{verified:?}"
    );
    let rows = sandbox.run(&["certs", "--json", "certificates/local/127.0.0.1"]).ok().json();
    assert_eq!((&rows[0]["key_found"], &rows[0]["key_matches"]), (&true.into(), &false.into()));
    assert!(sandbox.run(&["certs"]).ok().text().contains(" NO "));
    sandbox.run(&["verify", "none"]).fails(3, &["none"]);
}
