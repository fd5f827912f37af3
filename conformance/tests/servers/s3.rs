//! moto and Ceph's gateway: they start, keep an object, refuse a wrong secret, and leave nothing behind.

use std::path::Path;
use std::process::Command;

use certstore_conformance::servers::{Moto, Radosgw, S3Account, shared_moto, tools_dir};

/// Runs a script of `tests/python` against a server; gives what it printed.
fn run(script: &str, account: &S3Account) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(script);
    let output = Command::new(tools_dir().join("venv/bin/python"))
        .arg(script)
        .env("S3_ENDPOINT", account.endpoint())
        .env("S3_REGION", account.region())
        .env("S3_BUCKET", account.bucket())
        .env("S3_ACCESS_KEY", account.access_key())
        .env("S3_SECRET_KEY", account.secret_key())
        .output()
        .expect("python starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn moto_is_atomic_and_checks_signatures() {
    let server = Moto::start().unwrap();
    let account = server.account();
    assert_eq!(run("s3_server.py", &account), "create 1 1 1 update 1 1 1 delete 412 checks: 9");
    assert!(!format!("{server:?}").contains(account.secret_key()));

    server.restart().unwrap();
    let again = server.account();
    assert_eq!(again.endpoint(), account.endpoint());
    assert_ne!(again.access_key(), account.access_key());
    assert_eq!(run("s3_server.py", &again), "create 1 1 1 update 1 1 1 delete 412 checks: 9");
}

#[test]
fn the_shared_moto_is_one_server() {
    let [one, two] = [shared_moto().unwrap(), shared_moto().unwrap()];
    assert_eq!(one.account(), two.account());
    let (name, text) = &one.worker_env()[0];
    assert_eq!(name, "CERTSTORE_TEST_MOTO");
    assert!(text.starts_with(one.account().endpoint()));
}

#[test]
fn radosgw_creates_once_and_ignores_conditions_of_deletes() {
    let server = Radosgw::start().unwrap();
    let printed = run("s3_server.py", server.account());
    let (creates, rest) = printed.split_at("create 1 1 1".len());
    assert_eq!(creates, "create 1 1 1");
    assert!(rest.ends_with("delete 204 checks: 9"), "{printed}");

    let folder = server.process().unwrap().folder().to_owned();
    assert!(folder.join("ceph.conf").exists());
    drop(server);
    assert!(!folder.exists());
    assert_eq!(processes_of(&folder), Vec::<String>::new());
}

/// The command lines of processes that live in `folder`.
fn processes_of(folder: &Path) -> Vec<String> {
    let all = std::fs::read_dir("/proc").expect("there are processes").flatten();
    let inside = all.filter(|process| {
        std::fs::read_link(process.path().join("cwd"))
            .is_ok_and(|cwd| cwd.to_string_lossy().starts_with(&*folder.to_string_lossy()))
    });
    inside.flat_map(|process| std::fs::read_to_string(process.path().join("cmdline"))).collect()
}
