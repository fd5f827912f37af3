//! export and import, beside tar itself and what Caddy writes.

use std::path::Path;
use std::process::Command;

use crate::support::{CADDY_DATA, Sandbox};

const CADDY_EXPORT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/caddy-export.tar");

#[track_caller]
fn same_tree(one: &str, other: &Path) {
    let diff =
        Command::new("diff").args(["-r", "--exclude=locks", one]).arg(other).output().unwrap();
    let told = String::from_utf8_lossy(&diff.stdout);
    assert_eq!((diff.status.code(), &*told), (Some(0), ""));
}

#[test]
fn an_archive_of_caddys_layout_is_imported_as_it_was() {
    let sandbox = Sandbox::new();
    let dry = sandbox.run(&["import", CADDY_EXPORT, "--dry-run", "--json"]).ok().json();
    assert_eq!((&dry["imported"], &dry["dry_run"]), (&35.into(), &true.into()));
    assert_eq!(sandbox.run(&["ls", "-r"]).ok().text(), "", "a dry run writes nothing");
    let done = sandbox.run(&["import", CADDY_EXPORT, "--json"]).ok().json();
    assert_eq!((&done["imported"], &done["unchanged"]), (&35.into(), &0.into()));
    same_tree(CADDY_DATA, &sandbox.path("store"));
    let again = sandbox.run(&["import", CADDY_EXPORT]).ok();
    assert!(again.text().starts_with("0 values imported, 0 overwritten, 35 equal already"));
    // From a pipe, too.
    let bytes = std::fs::read(CADDY_EXPORT).unwrap();
    let piped = sandbox.run_with(&["import", "-"], &bytes).ok();
    assert!(piped.text().contains("35 equal already"), "{piped:?}");
}

#[test]
fn tar_unpacks_what_is_exported() {
    let sandbox = Sandbox::new();
    sandbox.caddy_data();
    let tar = sandbox.path("out.tar");
    let done = sandbox.run(&["export", tar.to_str().unwrap(), "--json"]).ok().json();
    assert_eq!((&done["values"], &done["foreign"]), (&35.into(), &serde_json::json!([])));
    let unpacked = sandbox.path("unpacked");
    std::fs::create_dir(&unpacked).unwrap();
    let status =
        Command::new("tar").arg("-xf").arg(&tar).arg("-C").arg(&unpacked).status().unwrap();
    assert!(status.success());
    same_tree(CADDY_DATA, &unpacked);
    let piped = sandbox.run(&["export", "-"]).ok();
    assert_eq!(piped.out, std::fs::read(&tar).unwrap());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&tar).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_failed_export_leaves_no_file_and_the_old_one_stays() {
    let sandbox = Sandbox::new();
    sandbox.caddy_data();
    let tar = sandbox.write("out.tar", "the old one");
    std::fs::write(sandbox.path("store/acme/no key!"), "foreign").unwrap();
    sandbox
        .run(&["-q", "export", tar.to_str().unwrap()])
        .fails(1, &["no valid keys", "no key!", "skip-foreign"]);
    assert_eq!(std::fs::read(&tar).unwrap(), b"the old one");
    let names: Vec<_> = std::fs::read_dir(sandbox.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("tmp"))
        .collect();
    assert_eq!(names, Vec::<String>::new());
    let done = sandbox.run(&["-q", "export", tar.to_str().unwrap(), "--skip-foreign"]).ok();
    assert!(done.text().starts_with("35 values exported"), "{}", done.text());
    sandbox.run(&["-q", "export", tar.to_str().unwrap(), "none"]).fails(3, &[]);
}

#[test]
fn what_must_not_be_imported_is_refused_whole() {
    let sandbox = Sandbox::new();
    let whole = std::fs::read(CADDY_EXPORT).unwrap();
    let cut = sandbox.write("cut.tar", &whole[..whole.len() - 1024]);
    sandbox.run(&["import", cut.to_str().unwrap()]).fails(1, &["cut short"]);
    sandbox.run_with(&["import", "-"], b"no archive").fails(1, &["cut short"]);
    sandbox.run(&["import", "/nonexistent.tar"]).fails(1, &["cannot read /nonexistent.tar"]);
    sandbox
        .run(&["import", CADDY_EXPORT, "--max-value", "100"])
        .fails(1, &["a value may have 100"]);
    assert_eq!(sandbox.run(&["ls", "-r"]).ok().text(), "");
    sandbox.run_with(&["put", "pki/authorities/local/root.crt"], b"another").ok();
    sandbox.run(&["import", CADDY_EXPORT]).fails(
        1,
        &["pki/authorities/local/root.crt has another value already", "nothing was written"],
    );
    let done = sandbox.run(&["import", CADDY_EXPORT, "--overwrite", "--json"]).ok().json();
    assert_eq!((&done["imported"], &done["overwritten"]), (&34.into(), &1.into()));
    // Made with tar of a tree, it has directories, and could have links.
    let mut made = Command::new("tar");
    made.arg("-cf").arg(sandbox.path("tree.tar")).args(["-C", CADDY_DATA, "acme"]);
    assert!(made.status().unwrap().success());
    sandbox
        .run(&["import", sandbox.path("tree.tar").to_str().unwrap()])
        .fails(2, &["acme", "a directory"]);
}
