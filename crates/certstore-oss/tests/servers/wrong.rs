//! Wrong configurations: told when the storage is opened, in one line, without secrets.

use std::io::Write as _;
use std::process::Command;

use certstore_core::{ErrorKind, Secret, Storage as _};
use certstore_oss::{Addressing, OssConfig, OssStorage, Signature};

use crate::rig::{Rig, key, open, refused, soon};
use crate::site::all_of;

async fn fails(rig: &Rig, kind: ErrorKind, words: &str, change: impl Fn(&mut OssConfig)) {
    for signature in [Signature::V4, Signature::V1] {
        let mut config = rig.config();
        config.signature = signature;
        change(&mut config);
        let error = refused(soon(OssStorage::open(&config)).await, kind);
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!((error.operation(), error.backend()), (Some("open the bucket"), Some("oss")));
        for secret in [&config.access_key_id, &config.access_key_secret, &config.session_token] {
            let Some(secret) = secret.as_ref().map(Secret::expose) else { continue };
            assert!(!all_of(&error).contains(secret), "{error:?}");
        }
    }
}

#[tokio::test]
async fn opening_tells_what_is_wrong() {
    use ErrorKind::{InvalidConfig, PermissionDenied, Unavailable};
    let rig = Rig::start();
    rig.server.add_bucket_elsewhere("certs-elsewhere", "oss-cn-beijing.aliyuncs.com");
    let secret = |text: &str| Some(Secret::new(text));
    fails(&rig, PermissionDenied, "access key secret is wrong", |config| {
        config.access_key_secret = secret("wrong-secret");
    })
    .await;
    fails(&rig, PermissionDenied, "access key id", |config| {
        config.access_key_id = secret("LTAIUNKNOWN000");
    })
    .await;
    let temporary = rig.server.temporary();
    fails(&rig, PermissionDenied, "session token", |config| {
        config.access_key_id = secret(&temporary.access_key);
        config.access_key_secret = secret(&temporary.secret_key);
        config.session_token = secret("another-token");
    })
    .await;
    fails(&rig, PermissionDenied, "session token is missing", |config| {
        config.access_key_id = secret(&temporary.access_key);
        config.access_key_secret = secret(&temporary.secret_key);
    })
    .await;
    fails(&rig, InvalidConfig, "no such bucket", |config| config.bucket = "missing".into()).await;
    fails(&rig, InvalidConfig, "set endpoint to oss-cn-beijing.aliyuncs.com", |config| {
        config.bucket = "certs-elsewhere".into();
    })
    .await;
    fails(&rig, Unavailable, "nothing listens", |config| {
        config.endpoint = Some("http://127.0.0.1:1".into());
    })
    .await;
    fails(&rig, InvalidConfig, "100 ms", |config| {
        config.lease = Some(std::time::Duration::ZERO);
    })
    .await;
    fails(&rig, InvalidConfig, "ca_cert", |config| config.ca_cert = Some("/dev/null".into())).await;
    fails(&rig, Unavailable, "name is not found", |config| {
        config.endpoint = Some("http://nowhere.invalid".into());
        config.addressing = Addressing::Path;
    })
    .await;
}

#[tokio::test]
async fn another_region_is_told() {
    let rig = Rig::start();
    let mut config = rig.config();
    config.region = Some("cn-hangzhou".into());
    let error = refused(OssStorage::open(&config).await, ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("region"), "{error}");
}

#[tokio::test]
async fn temporary_credentials_work_with_their_token_by_both_signatures() {
    let rig = Rig::start();
    for signature in [Signature::V4, Signature::V1] {
        let (mut config, temporary) = (rig.config(), rig.server.temporary());
        config.signature = signature;
        config.access_key_id = Some(Secret::new(temporary.access_key));
        config.access_key_secret = Some(Secret::new(temporary.secret_key));
        config.session_token = temporary.session_token.map(Secret::new);
        let storage = open(&config).await;
        storage.store(&key("a+b@c=d"), b"x").await.unwrap();
        assert_eq!(storage.load(&key("a+b@c=d")).await.unwrap(), "x");
        for number in 0..1_010 {
            storage.store(&key(&format!("many/{number}")), b"").await.unwrap();
        }
        // A second page: its token is signed by version 1, and only there.
        let dir = certstore_core::Dir::new("many").unwrap();
        assert_eq!(storage.list(&dir, true).await.unwrap().len(), 1_010);
        storage.delete(&key("many")).await.unwrap();
    }
}

#[tokio::test]
async fn who_may_only_read_reads() {
    let rig = Rig::start();
    rig.open().await.store(&key("a"), b"value").await.unwrap();
    let (mut config, reader) = (rig.config(), rig.server.read_only());
    config.access_key_id = Some(Secret::new(reader.access_key));
    config.access_key_secret = Some(Secret::new(reader.secret_key));
    let storage = open(&config).await;
    assert_eq!(storage.load(&key("a")).await.unwrap(), "value");
    let error = refused(storage.store(&key("a"), b"other").await, ErrorKind::PermissionDenied);
    assert!(error.to_string().contains("oss:PutObject") && !error.may_have_applied(), "{error}");
    refused(storage.delete(&key("a")).await, ErrorKind::PermissionDenied);
    assert_eq!(storage.load(&key("a")).await.unwrap(), "value");
}

/// Credentials of the environment: in a process of its own, as they are the whole process's.
#[test]
fn credentials_come_from_the_environment() {
    let rig = Rig::start();
    let (temporary, main) = (rig.server.temporary(), rig.server.access_key().to_owned());
    let token = temporary.session_token.expect("it has one");
    let secret = rig.server.secret_key().to_owned();
    let oss = |id: &str, secret: &str| {
        vec![("OSS_ACCESS_KEY_ID", id.to_owned()), ("OSS_ACCESS_KEY_SECRET", secret.to_owned())]
    };
    let mut with_token = oss(&temporary.access_key, &temporary.secret_key);
    with_token.push(("OSS_SESSION_TOKEN", token));
    let mut both = oss(&main, &secret);
    both.push(("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAIOTHER".to_owned()));
    both.push(("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "other".to_owned()));
    let chain = vec![
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", main.clone()),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", secret.clone()),
    ];
    for (environment, expected) in [
        (oss(&main, &secret), "opened"),
        (with_token, "opened"),
        (both, "opened"),
        (chain, "opened"),
        (oss(&main, "wrong"), "permission denied"),
        (Vec::new(), "no credentials are found"),
    ] {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", "wrong::a_process_with_an_environment", "--nocapture"]);
        for name in ["OSS", "ALIBABA_CLOUD"] {
            for part in ["ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SESSION_TOKEN", "SECURITY_TOKEN"] {
                command.env_remove(format!("{name}_{part}"));
            }
        }
        command
            .env("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
            .env("HOME", "/nonexistent")
            .env("OSS_TEST_ENDPOINT", rig.server.endpoint())
            .envs(environment);
        let output = command.output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && said.contains(expected), "{expected}: {said}");
    }
}

/// Part of the test above; idle in an ordinary run.
#[tokio::test]
async fn a_process_with_an_environment() {
    let Ok(endpoint) = std::env::var("OSS_TEST_ENDPOINT") else { return };
    let mut config = OssConfig::new("certs");
    config.endpoint = Some(endpoint);
    config.region = Some("cn-loopback".into());
    let said = match OssStorage::open(&config).await {
        Ok(_) => "opened".to_owned(),
        Err(error) => format!("{}: {error}", error.kind()),
    };
    writeln!(std::io::stdout(), "{said}").expect("the parent reads");
}
