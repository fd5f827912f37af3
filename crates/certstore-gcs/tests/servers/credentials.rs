//! Credentials of each kind, against the token endpoint, the metadata server and the checks of the loopback server.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use certstore_conformance::loopback_gcs::Op;
use certstore_conformance::servers::tools_dir;
use certstore_core::{ErrorKind, Storage as _};
use certstore_gcs::{GcsConfig, GcsStorage};

use crate::child;
use crate::rig::{Rig, key, open, refused, soon};
use crate::site::all_of;

/// A file that goes when the test does.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("certstore-gcs-{}-{name}.json", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).expect("the file can be written");
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// No credentials but what the test adds.
fn bare(rig: &Rig) -> GcsConfig {
    let mut config = rig.config();
    config.access_token = None;
    config
}

/// Stores and loads: over HTTP and over gRPC.
async fn works(config: &GcsConfig) {
    let storage = open(config).await;
    storage.store(&key("a"), b"value").await.expect("it may write");
    assert_eq!(storage.load(&key("a")).await.expect("it may read"), "value");
    assert_eq!(storage.stat(&key("a")).await.expect("it may look").size, Some(5));
}

#[tokio::test]
async fn without_credentials_for_emulators() {
    let rig = Rig::start();
    let mut config = bare(&rig);
    config.anonymous = true;
    refused(GcsStorage::open(&config).await, ErrorKind::PermissionDenied);
    rig.server.allow_anonymous(true);
    works(&config).await;
}

#[tokio::test]
async fn a_users_file_by_the_token_endpoint() {
    let rig = Rig::start();
    let right = rig.server.authorized_user();
    let file = File::new("user", &right);
    let mut config = bare(&rig);
    config.credentials_file = Some(file.0.clone());
    works(&config).await;
    let given = rig.server.requests().of(Op::GiveToken);
    assert!((1..=2).contains(&given), "{given} tokens for five requests");

    let file = File::new("revoked", &right.replace("refresh-token-0005", "revoked-token"));
    config.credentials_file = Some(file.0.clone());
    let error = refused(soon(GcsStorage::open(&config)).await, ErrorKind::PermissionDenied);
    assert!(error.to_string().contains("wrong, revoked"), "{error}");
    assert!(!all_of(&error).contains("revoked-token"), "{error:?}");
}

/// An RSA key in PKCS#8 PEM, made anew.
fn rsa_key() -> String {
    let python = tools_dir().join("venv/bin/python");
    let program = "from cryptography.hazmat.primitives.asymmetric import rsa\n\
                   from cryptography.hazmat.primitives import serialization as s\n\
                   key = rsa.generate_private_key(public_exponent=65537, key_size=2048)\n\
                   print(key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()).decode(), end='')";
    let output = Command::new(&python)
        .args(["-c", program])
        .output()
        .unwrap_or_else(|error| panic!("{} ({error}); run: cargo xtask setup", python.display()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("PEM is text")
}

#[tokio::test]
async fn a_service_accounts_key_file_signs_for_itself() {
    const EMAIL: &str = "certs@loopback.iam.gserviceaccount.com";
    let rig = Rig::start();
    let (known, unknown) = (rsa_key(), rsa_key());
    rig.server.add_service_account(EMAIL, &known).unwrap();
    let account = |email: &str, key: &str| {
        serde_json::json!({
            "type": "service_account",
            "project_id": "loopback",
            "private_key_id": "1",
            "private_key": key,
            "client_email": email,
        })
        .to_string()
    };
    let mut config = bare(&rig);
    let file = File::new("account", &account(EMAIL, &known));
    config.credentials_file = Some(file.0.clone());
    works(&config).await;
    for (name, text) in [
        ("another-key", account(EMAIL, &unknown)),
        ("another-account", account("other@loopback.iam.gserviceaccount.com", &known)),
    ] {
        let file = File::new(name, &text);
        config.credentials_file = Some(file.0.clone());
        let error = refused(soon(GcsStorage::open(&config)).await, ErrorKind::PermissionDenied);
        assert!(error.to_string().contains("does not take these credentials"), "{error}");
        assert!(!all_of(&error).contains(&unknown[40..80]), "{error:?}");
    }
}

#[tokio::test]
async fn files_that_are_no_credentials_are_told_from_those_that_are_refused() {
    let rig = Rig::start();
    let mut config = bare(&rig);
    for (text, words) in [
        ("no JSON", "is no JSON"),
        ("{}", "none of the types"),
        (r#"{"type":"gdch_service_account"}"#, "none of the types"),
        (r#"{"type":"authorized_user"}"#, "lacks a field"),
        (r#"{"type":"service_account"}"#, "lacks a field"),
    ] {
        let file = File::new("wrong", text);
        config.credentials_file = Some(file.0.clone());
        let error = refused(soon(GcsStorage::open(&config)).await, ErrorKind::InvalidConfig);
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn application_default_credentials_by_the_environment() {
    let rig = Rig::start();
    let right = File::new("default", &rig.server.authorized_user());
    let run = |name: &str, value: String, expected: &str| {
        let mut env = rig.server.worker_env();
        env.push((name.to_owned(), value));
        env.push(("CERTSTORE_GCS_EXPECTED".to_owned(), expected.to_owned()));
        tokio::task::block_in_place(|| {
            child::run("credentials::default_credentials_of_a_child", env);
        });
    };
    let path = |file: &File| file.0.to_str().expect("text").to_owned();
    run("GOOGLE_APPLICATION_CREDENTIALS", path(&right), "works");
    let wrong = File::new("not-default", r#"{"type":"authorized_user"}"#);
    run("GOOGLE_APPLICATION_CREDENTIALS", path(&wrong), "wrong");
    run("GOOGLE_APPLICATION_CREDENTIALS", "/does/not/exist.json".to_owned(), "wrong");
    // A virtual machine has no file, but a metadata server.
    rig.server.clear_requests();
    run("GCE_METADATA_HOST", rig.server.metadata_host(), "works");
    assert!(rig.server.requests().of(Op::GiveToken) > 0);
    run("GCE_METADATA_HOST", "127.0.0.1:1".to_owned(), "silent");
}

/// One of the processes above; idle in an ordinary run.
#[tokio::test]
async fn default_credentials_of_a_child() {
    if !child::is_child() {
        return;
    }
    let mut config = GcsConfig::new(child::env("LOOPBACK_GCS_BUCKET"));
    config.endpoint = Some(child::env("LOOPBACK_GCS_ENDPOINT"));
    config.prefix = "p".to_owned();
    config.timeout = Duration::from_secs(4);
    let (kind, words) = match child::env("CERTSTORE_GCS_EXPECTED").as_str() {
        "works" => return works(&config).await,
        "wrong" => (ErrorKind::InvalidConfig, "gcloud name cannot be used"),
        _ => (ErrorKind::Unavailable, "gives out the credentials does not answer"),
    };
    let error = refused(soon(GcsStorage::open(&config)).await, kind);
    assert!(error.to_string().contains(words), "{error}");
    assert!(error.to_string().contains("GOOGLE_APPLICATION_CREDENTIALS"), "{error}");
}
