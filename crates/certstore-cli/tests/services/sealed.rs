//! Sealed stores on servers: what certmagic-gcs and certmagic-oss leave with a Tink keyset, and our own.

use std::path::{Path, PathBuf};

use crate::copying::same;
use crate::places::Place;
use crate::support::{Ran, Sandbox};

/// Keysets, and values that Tink's own library sealed with them, each beside its plaintext.
const FIXTURES: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../certstore-layers/tests/fixtures/tink");

/// A private copy of a fixture's keyset: git does not keep file modes.
fn keyset(sandbox: &Sandbox, fixture: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let copy = sandbox.path("keyset.json");
    drop(std::fs::remove_file(&copy));
    std::fs::copy(fixture.join("keyset.json"), &copy).unwrap();
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o600)).unwrap();
    copy
}

/// A config file of that place, sealed.
fn sealed(sandbox: &Sandbox, place: &Place, keyset: &Path) -> String {
    let text =
        format!("[storage]\n{}\n[storage.seal]\nkeyset = \"{}\"\n", place.toml, keyset.display());
    sandbox.write(&format!("{}-sealed.toml", place.name), text).display().to_string()
}

fn run(sandbox: &Sandbox, config: &str, arguments: &[&str]) -> Ran {
    Ran::of(sandbox.command().args(["-c", config]).args(arguments))
}

#[test]
fn buckets_that_tink_sealed_list_load_and_verify() {
    for name in ["aes128-gcm-raw", "rotated"] {
        let (sandbox, fixture) = (Sandbox::new(), Path::new(FIXTURES).join(name));
        let (objects, plain) = (fixture.join("objects"), fixture.join("plain"));
        let keyset = keyset(&sandbox, &fixture);
        for place in [Place::on_gcs(), Place::on_oss()] {
            // As the plugin's objects lie there: byte for byte.
            let objects = format!("file://{}", objects.canonicalize().unwrap().display());
            Ran::of(sandbox.command().args(["-s", &objects, "copy", "--to", &place.url])).ok();
            let config = sealed(&sandbox, &place, &keyset);
            let back = sandbox.path(&format!("{}-back", place.name));
            let listed = run(&sandbox, &config, &["ls", "-r"]).ok();
            assert!(listed.text().contains("example.com/example.com.key"), "{listed:?}");
            let verified = run(&sandbox, &config, &["verify", "--json"]).ok().json();
            assert_eq!((&verified["ok"], &verified["certificates"]), (&true.into(), &1.into()));
            let to = format!("file://{}", back.display());
            run(&sandbox, &config, &["copy", "--to", &to]).ok();
            same(&plain, &back);
        }
    }
}

#[test]
fn every_store_can_be_sealed() {
    let sandbox = Sandbox::new();
    sandbox.caddy_data();
    let file = sandbox.path("keyset.json").display().to_string();
    Ran::of(sandbox.command().args(["keyset", "create", "--out", &file])).ok();
    for place in Place::on_services().into_iter().chain(Place::on_clouds()) {
        let config = sealed(&sandbox, &place, Path::new(&file));
        sandbox.run(&["copy", "--to-config", &config]).ok();
        let back = format!("{}-back", place.name);
        run(&sandbox, &config, &["copy", "--to", &sandbox.url(&back)]).ok();
        same(&sandbox.path("store"), &sandbox.path(&back));
        // What lies there is not what was stored.
        let key = "last_clean.json";
        sandbox.write("value", b"a private value");
        run(&sandbox, &config, &["put", key, "value"]).ok();
        assert_eq!(run(&sandbox, &config, &["get", key]).ok().out, b"a private value");
        assert_ne!(place.run(&sandbox, &["get", key]).ok().out, b"a private value");
        // Under a new key, with conditional writes; where there are none, only when nobody writes meanwhile.
        Ran::of(sandbox.command().args(["keyset", "rotate", &file])).ok();
        if place.name == "oss" {
            run(&sandbox, &config, &["reseal"]).fails(1, &["stop all writers", "offline"]);
        }
        let offline: &[&str] = if place.name == "oss" { &["--offline"] } else { &[] };
        let report = run(&sandbox, &config, &[&["--json", "reseal"], offline].concat()).json();
        assert_eq!((&report["damaged"], &report["unchanged"]), (&0.into(), &0.into()), "{report}");
        assert_eq!(run(&sandbox, &config, &["get", key]).ok().out, b"a private value");
    }
}
