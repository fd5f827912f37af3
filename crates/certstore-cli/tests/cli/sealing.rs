//! keyset, seal, reseal, unseal, and what else meets a sealed store.

use crate::support::{Ran, Sandbox};

const CERTIFICATES: &str = "certificates/local/one.test/one.test.key";

/// A config file that seals the storage `store`, with `more` in its section.
fn config(sandbox: &Sandbox, name: &str, more: &str) -> String {
    let text = format!(
        "[storage]\nurl = \"{}\"\n[storage.seal]\nkeyset = \"keyset.json\"\n{more}\n",
        sandbox.url("store")
    );
    sandbox.write(name, text).display().to_string()
}

fn run(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    Ran::of(sandbox.command().args(arguments))
}

/// The command line lacks something: clap says it in several lines.
#[track_caller]
fn wants(ran: &Ran, what: &str) {
    assert!(ran.code == Some(2) && ran.err.contains(what), "{ran:?}");
}

fn keyset(sandbox: &Sandbox) -> String {
    let file = sandbox.path("keyset.json").display().to_string();
    run(sandbox, &["keyset", "create", "--out", &file]).ok();
    file
}

#[test]
fn a_keyset_is_made_for_its_owner_alone_and_never_replaced() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    let file = keyset(&sandbox);
    let mode = |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    run(&sandbox, &["keyset", "create", "--out", &file]).fails(1, &["there is a file already"]);
    let rows = run(&sandbox, &["--json", "keyset", "list", &file]).ok().json();
    assert_eq!(rows[0]["algorithm"], "AES256_GCM");
    assert_eq!(rows[0]["is_primary"], true);
    mode(0o640).unwrap();
    run(&sandbox, &["keyset", "list", &file]).fails(2, &["chmod 600"]);
    mode(0o600).unwrap();
    let shown = run(&sandbox, &["keyset", "rotate", &file, "--algorithm", "aes128-gcm"]).ok();
    assert!(shown.text().contains("AES128_GCM"), "{shown:?}");
    let rows = run(&sandbox, &["--json", "keyset", "list", &file]).ok().json();
    let (old, new) = (rows[0]["id"].to_string(), rows[1]["id"].to_string());
    assert_eq!((&rows[0]["is_primary"], &rows[1]["is_primary"]), (&false.into(), &true.into()));
    run(&sandbox, &["keyset", "disable", &file, "--key", &new]).fails(2, &["is the primary"]);
    wants(&run(&sandbox, &["keyset", "destroy", &file, "--key", &old]), "--force");
    run(&sandbox, &["keyset", "destroy", &file, "--key", &old, "--force"]).ok();
    run(&sandbox, &["keyset", "enable", &file, "--key", &old]).fails(2, &["destroyed"]);
    run(&sandbox, &["keyset", "primary", &file, "--key", "1"]).fails(2, &["has no key 1"]);
}

#[test]
fn a_store_is_sealed_resealed_and_unsealed_in_place() {
    let sandbox = Sandbox::new();
    sandbox.caddy_data();
    let plain = |key: &str| std::fs::read(sandbox.path("store").join(key)).unwrap();
    let keys: Vec<String> = sandbox
        .run(&["--json", "ls", "-r", "-l"])
        .ok()
        .json()
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["is_terminal"] == true)
        .map(|row| row["key"].as_str().unwrap().to_owned())
        .collect();
    let before: Vec<Vec<u8>> = keys.iter().map(|key| plain(key)).collect();
    let file = keyset(&sandbox);
    let (moving, sealed) = (
        config(&sandbox, "moving.toml", "accept_plaintext = true"),
        config(&sandbox, "sealed.toml", ""),
    );
    // Not yet sealed: refused by one, read by the other.
    run(&sandbox, &["-c", &sealed, "get", &keys[0]]).fails(1, &[&keys[0]]);
    assert_eq!(run(&sandbox, &["-c", &moving, "get", &keys[0]]).ok().out, before[0]);
    // While it is being sealed, only the value tells how long it is.
    let stat = |more: &[&str]| {
        let arguments = [&["-c", &moving, "--json", "stat", &keys[0]], more].concat();
        run(&sandbox, &arguments).ok().json()["size"].clone()
    };
    assert!(stat(&[]).is_null());
    assert_eq!(stat(&["--exact"]), before[0].len());
    let report = run(&sandbox, &["-c", &moving, "--json", "seal"]).ok().json();
    assert_eq!(report["rewritten"], keys.len(), "{report}");
    assert_eq!(report["marked"], true, "{report}");
    for (key, value) in keys.iter().zip(&before) {
        assert_eq!(&run(&sandbox, &["-c", &sealed, "get", key]).ok().out, value);
        assert_ne!(&plain(key), value, "sealed on the disk");
    }
    // Again it finds nothing to do; sizes are those of the plaintext, and nobody sees the mark.
    assert_eq!(run(&sandbox, &["-c", &moving, "--json", "seal"]).ok().json()["rewritten"], 0);
    let stat = run(&sandbox, &["-c", &sealed, "--json", "stat", &keys[0]]).ok().json();
    assert_eq!(stat["size"], before[0].len());
    let listed = run(&sandbox, &["-c", &sealed, "--json", "ls", "-r", "-l"]).ok().json();
    let count = listed.as_array().unwrap().iter().filter(|row| row["is_terminal"] == true).count();
    assert_eq!(count, keys.len());
    run(&sandbox, &["-c", &sealed, "verify"]).ok();
    // A new key: everything is brought under it, then the old one is not needed.
    let old = run(&sandbox, &["--json", "keyset", "list", &file]).ok().json()[0]["id"].to_string();
    run(&sandbox, &["keyset", "rotate", &file]).ok();
    let report = run(&sandbox, &["-c", &sealed, "--json", "reseal"]).ok().json();
    assert_eq!(report["rewritten"], keys.len(), "{report}");
    run(&sandbox, &["keyset", "destroy", &file, "--key", &old, "--force"]).ok();
    for (key, value) in keys.iter().zip(&before) {
        assert_eq!(&run(&sandbox, &["-c", &sealed, "get", key]).ok().out, value);
    }
    // And back.
    run(&sandbox, &["-c", &moving, "unseal"]).ok();
    for (key, value) in keys.iter().zip(&before) {
        assert_eq!(&plain(key), value);
    }
    let all = sandbox.run(&["--json", "ls", "-r", "-l"]).ok().json();
    let left = all.as_array().unwrap().iter().filter(|row| row["is_terminal"] == true).count();
    assert_eq!(left, keys.len(), "the mark is gone: {all}");
}

#[test]
fn values_that_do_not_open_are_told_and_left() {
    let sandbox = Sandbox::new();
    keyset(&sandbox);
    let sealed = config(&sandbox, "sealed.toml", "");
    for key in [CERTIFICATES, "a/b"] {
        let put = |key: &str| {
            let value = sandbox.write("value", b"a private value");
            run(&sandbox, &["-c", &sealed, "put", key, value.to_str().unwrap()]).ok();
        };
        put(key);
    }
    // One value in the place of another.
    let swapped = std::fs::read(sandbox.path("store/a/b")).unwrap();
    std::fs::write(sandbox.path("store").join(CERTIFICATES), swapped).unwrap();
    run(&sandbox, &["-c", &sealed, "get", CERTIFICATES]).fails(1, &[CERTIFICATES]);
    let ran = run(&sandbox, &["-c", &sealed, "reseal"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.text().contains(&format!("PROBLEM  {CERTIFICATES}")), "{ran:?}");
    // Under another keyset nothing opens, and nothing of it is told.
    std::fs::remove_file(sandbox.path("keyset.json")).unwrap();
    run(&sandbox, &["-c", &sealed, "get", "a/b"]).fails(2, &["certstore keyset create"]);
    keyset(&sandbox);
    let ran = run(&sandbox, &["-c", &sealed, "get", "a/b"]).fails(1, &["a/b"]);
    assert!(!ran.err.contains("private value"), "{ran:?}");
}

#[test]
fn a_copy_into_a_sealed_store_seals() {
    let sandbox = Sandbox::new();
    keyset(&sandbox);
    let source = sandbox.url("source");
    let put = sandbox.write("value", b"a private value");
    run(&sandbox, &["-s", &source, "put", "a/b", put.to_str().unwrap()]).ok();
    let sealed = config(&sandbox, "sealed.toml", "");
    run(&sandbox, &["-s", &source, "copy", "--to-config", &sealed]).ok();
    assert_eq!(run(&sandbox, &["-c", &sealed, "get", "a/b"]).ok().out, b"a private value");
    assert_ne!(std::fs::read(sandbox.path("store/a/b")).unwrap(), b"a private value");
    wants(&run(&sandbox, &["-s", &source, "copy"]), "--to <URL>");
    // Both wanted, or a config without the section.
    run(&sandbox, &["-s", &source, "reseal"]).fails(2, &["[storage.seal]"]);
}
