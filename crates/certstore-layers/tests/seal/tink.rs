//! Tink's own library, and what the Go plugins leave in a bucket.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use certstore_conformance::servers::tools_dir;
use certstore_core::{ErrorKind, Key, MemoryStorage, Storage};
use certstore_layers::seal::{Algorithm, Keyset, OutputPrefix};

use super::support::sealed;

/// A set of values, as the script has it.
struct Set {
    keyset: Keyset,
    /// Key, sealed, plain.
    values: Vec<(String, Vec<u8>, Vec<u8>)>,
}

fn read_set(folder: &Path) -> Set {
    let json = fs::read(folder.join("keyset.json")).expect("the test can go on");
    let keyset = Keyset::from_json(&json).expect("the test can go on");
    let objects = folder.join("objects");
    let values = files(&objects).into_iter().map(|path| {
        let key = path
            .strip_prefix(&objects)
            .expect("the test can go on")
            .to_str()
            .expect("the test can go on")
            .to_owned();
        let plain = fs::read(folder.join("plain").join(&key)).expect("the test can go on");
        (key, fs::read(path).expect("the test can go on"), plain)
    });
    Set { keyset, values: values.collect() }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the test can go on") {
        let path = entry.expect("the test can go on").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn write_set(folder: &Path, keyset: &Keyset, values: &[(&str, Vec<u8>, Vec<u8>)]) {
    fs::create_dir_all(folder).expect("the test can go on");
    fs::write(folder.join("keyset.json"), keyset.to_json().expose()).expect("the test can go on");
    for (key, sealed, plain) in values {
        for (kind, bytes) in [("objects", sealed), ("plain", plain)] {
            let path = folder.join(kind).join(key);
            fs::create_dir_all(path.parent().expect("the test can go on"))
                .expect("the test can go on");
            fs::write(path, bytes).expect("the test can go on");
        }
    }
}

fn script(command: &str, folder: &Path) -> String {
    let python = tools_dir().join("venv/bin/python");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/seal_tink.py");
    let output = Command::new(&python)
        .arg(script)
        .args([Path::new(command), folder])
        .output()
        .unwrap_or_else(|error| panic!("{} ({error}); run: cargo xtask setup", python.display()));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Loads every value of a set through a sealed storage over its objects, and nothing for another key.
async fn check_set(set: &Set) {
    let inner = MemoryStorage::new();
    for (key, sealed, _) in &set.values {
        inner
            .store(&Key::new(key).expect("the test can go on"), sealed)
            .await
            .expect("the test can go on");
    }
    let storage = sealed(Arc::new(inner.clone()), &set.keyset);
    for (key, stored, plain) in &set.values {
        assert_eq!(
            storage
                .load(&Key::new(key).expect("the test can go on"))
                .await
                .expect("the test can go on"),
            plain,
            "{key}"
        );
        let elsewhere = Key::new(&format!("{key}x")).expect("the test can go on");
        inner.store(&elsewhere, stored).await.expect("the test can go on");
        assert_eq!(
            storage.load(&elsewhere).await.expect_err("it is refused").kind(),
            ErrorKind::Corrupt
        );
    }
}

#[tokio::test]
async fn what_tink_seals_opens_here() {
    let folder = tempfile::tempdir().unwrap();
    script("make", folder.path());
    for name in ["AES128_GCM", "AES128_GCM_RAW", "AES256_GCM", "AES256_GCM_RAW"] {
        let set = read_set(&folder.path().join(name));
        assert_eq!(set.values.len(), 5);
        let key = set.keyset.keys().next().unwrap();
        let told = format!(
            "{}{}",
            key.algorithm.unwrap().as_str(),
            match key.prefix {
                OutputPrefix::Raw => "_RAW",
                _ => "",
            }
        );
        assert_eq!(told, name);
        check_set(&set).await;
    }
}

#[test]
fn what_is_sealed_here_opens_in_tink() {
    let folder = tempfile::tempdir().unwrap();
    let mut expected = 0;
    for algorithm in [Algorithm::Aes128Gcm, Algorithm::Aes256Gcm] {
        for prefix in [OutputPrefix::Tink, OutputPrefix::Raw] {
            let mut keyset = Keyset::create(algorithm, prefix).unwrap();
            let name = format!("{}-{}", algorithm.as_str(), prefix.as_str());
            let values = ["a", "dir/b", "certificates/ca/example.com/example.com.key"];
            let seal = |keyset: &Keyset, length: usize, key: &'static str| {
                let plain: Vec<u8> = (0..length).map(|at| (at * 7 % 256) as u8).collect();
                (key, keyset.seal(&plain, key.as_bytes()).unwrap().to_vec(), plain)
            };
            let mut set: Vec<_> =
                values.iter().enumerate().map(|(at, key)| seal(&keyset, at * 900, key)).collect();
            // A keyset with a past: an old key that still opens, one that is disabled, one that is destroyed.
            let gone = keyset.add(algorithm, OutputPrefix::Tink).unwrap();
            let off = keyset.add(algorithm, OutputPrefix::Raw).unwrap();
            keyset.destroy(gone).unwrap();
            keyset.disable(off).unwrap();
            keyset.rotate(Algorithm::Aes256Gcm, OutputPrefix::Tink).unwrap();
            set.push(seal(&keyset, 40, "new"));
            write_set(&folder.path().join(name), &keyset, &set);
            expected += set.len();
        }
    }
    assert_eq!(script("open", folder.path()), expected.to_string());
}

#[tokio::test]
async fn what_the_plugins_leave_in_a_bucket_opens_here() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tink");
    for (name, keys) in [("aes128-gcm-raw", 1), ("rotated", 2)] {
        let set = read_set(&fixtures.join(name));
        assert_eq!((set.keyset.keys().count(), set.values.len()), (keys, 4), "{name}");
        assert!(set.values.iter().any(|(key, _, plain)| {
            key.ends_with(".key") && plain.starts_with(b"-----BEGIN EC PRIVATE KEY-----")
        }));
        check_set(&set).await;
    }
}
