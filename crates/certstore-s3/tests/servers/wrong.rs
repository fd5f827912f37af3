//! Wrong configurations: told when the storage is opened, in one line, without secrets.

use certstore_core::{ErrorKind, Secret, Storage as _};
use certstore_s3::{S3Config, S3Storage};

use crate::rig::{Rig, key, open, refused, soon};
use crate::site::all_of;

async fn fails(rig: &Rig, kind: ErrorKind, words: &str, change: impl FnOnce(&mut S3Config)) {
    let mut config = rig.config();
    change(&mut config);
    let error = refused(soon(S3Storage::open(&config)).await, kind);
    assert!(error.to_string().contains(words), "{error}");
    assert_eq!((error.operation(), error.backend()), (Some("open the bucket"), Some("s3")));
    for secret in [&config.access_key_id, &config.secret_access_key] {
        let secret = secret.as_ref().expect("given").expose();
        assert!(!all_of(&error).contains(secret), "{error:?}");
    }
}

#[tokio::test]
async fn opening_tells_what_is_wrong() {
    use ErrorKind::{InvalidConfig, PermissionDenied, Unavailable};
    let rig = Rig::start();
    let secret = |text: &str| Some(Secret::new(text));
    fails(&rig, PermissionDenied, "secret access key is wrong", |config| {
        config.secret_access_key = secret("wrong-secret");
    })
    .await;
    fails(&rig, PermissionDenied, "access key id", |config| {
        config.access_key_id = secret("AKIAUNKNOWN000000000");
    })
    .await;
    fails(&rig, PermissionDenied, "session token", |config| {
        let temporary = rig.server.temporary();
        config.access_key_id = secret(&temporary.access_key);
        config.secret_access_key = secret(&temporary.secret_key);
        config.session_token = secret("another-token");
    })
    .await;
    fails(&rig, InvalidConfig, "set region to eu-west-1", |config| {
        config.region = Some("us-east-1".into());
    })
    .await;
    fails(&rig, InvalidConfig, "no such bucket", |config| config.bucket = "missing".into()).await;
    fails(&rig, Unavailable, "nothing listens", |config| {
        config.endpoint = Some("http://127.0.0.1:1".into());
    })
    .await;
    fails(&rig, InvalidConfig, "100 ms", |config| config.lease = std::time::Duration::ZERO).await;
    fails(&rig, InvalidConfig, "ca_cert", |config| config.ca_cert = Some("/dev/null".into())).await;
}

#[tokio::test]
async fn temporary_credentials_work_with_their_token() {
    let rig = Rig::start();
    let (mut config, temporary) = (rig.config(), rig.server.temporary());
    config.access_key_id = Some(Secret::new(temporary.access_key));
    config.secret_access_key = Some(Secret::new(temporary.secret_key));
    config.session_token = temporary.session_token.map(Secret::new);
    open(&config).await.store(&key("a"), b"x").await.unwrap();
}

#[tokio::test]
async fn who_may_only_read_reads() {
    let rig = Rig::start();
    rig.open().await.store(&key("a"), b"value").await.unwrap();
    let (mut config, reader) = (rig.config(), rig.server.read_only());
    config.access_key_id = Some(Secret::new(reader.access_key));
    config.secret_access_key = Some(Secret::new(reader.secret_key));
    let storage = open(&config).await;
    assert_eq!(storage.load(&key("a")).await.unwrap(), "value");
    let error = refused(storage.store(&key("a"), b"other").await, ErrorKind::PermissionDenied);
    assert!(error.to_string().contains("s3:PutObject") && !error.may_have_applied(), "{error}");
    refused(storage.delete(&key("a")).await, ErrorKind::PermissionDenied);
    assert_eq!(storage.load(&key("a")).await.unwrap(), "value");
}

#[tokio::test]
async fn without_a_region_nothing_is_asked() {
    let known =
        ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().any(|name| std::env::var_os(name).is_some());
    let rig = Rig::start();
    let mut config = rig.config();
    config.region = None;
    config.profile = Some("certstore-test-of-no-region".into());
    match S3Storage::open(&config).await {
        Err(error) if !known => {
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            assert!(error.to_string().contains("set region"), "{error}");
        }
        opened => assert!(known, "opened without a region: {opened:?}"),
    }
}
