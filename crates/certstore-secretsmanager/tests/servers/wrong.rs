//! Wrong configurations: told when the storage is opened, in one line, without secrets. And the right ones of each kind.

use std::io::Write as _;
use std::process::Command;

use certstore_core::{ErrorKind, Secret, Storage as _};
use certstore_secretsmanager::{SecretsManagerConfig, SecretsManagerStorage};

use crate::rig::{Rig, key, open, refused, soon};
use crate::site::all_of;

async fn fails(
    rig: &Rig,
    kind: ErrorKind,
    words: &str,
    change: impl FnOnce(&mut SecretsManagerConfig),
) {
    let mut config = rig.config();
    change(&mut config);
    let error = refused(soon(SecretsManagerStorage::open(&config)).await, kind);
    assert!(error.to_string().contains(words), "{error}");
    assert_eq!(
        (error.operation(), error.backend()),
        (Some("open the storage"), Some("secretsmanager"))
    );
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
    fails(&rig, InvalidConfig, "another region", |config| {
        config.region = Some("us-east-1".into());
    })
    .await;
    fails(&rig, Unavailable, "nothing listens", |config| {
        config.endpoint = Some("http://127.0.0.1:1".into());
    })
    .await;
    fails(&rig, InvalidConfig, "100 ms", |config| config.lease = std::time::Duration::ZERO).await;
    fails(&rig, InvalidConfig, "ca_cert", |config| config.ca_cert = Some("/dev/null".into())).await;
    fails(&rig, InvalidConfig, "prefix", |config| config.prefix = "a b".into()).await;
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
async fn a_client_of_the_callers_keeps_its_own() {
    let rig = Rig::start();
    let raw = rig.site.raw();
    let config = SecretsManagerConfig::new("p");
    let storage = SecretsManagerStorage::from_client(&raw, &config).await.unwrap();
    storage.store(&key("a"), b"x").await.unwrap();
    assert_eq!(rig.open().await.load(&key("a")).await.unwrap(), "x");
    let beside = storage.with_prefix("q").unwrap();
    refused(beside.load(&key("a")).await, ErrorKind::NotFound);
    beside.store(&key("a"), b"of q").await.unwrap();
    assert_eq!(rig.site.secrets("").await, ["p/a", "q/a"]);
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
    assert!(error.to_string().contains("secretsmanager") && !error.may_have_applied(), "{error}");
    refused(storage.delete(&key("a")).await, ErrorKind::PermissionDenied);
    assert_eq!(storage.load(&key("a")).await.unwrap(), "value");
}

/// Names the test below, run in a process of its own, what it is to open.
const CHILD: &str = "CERTSTORE_TEST_CHAIN_URL";

/// Idle in an ordinary run.
#[tokio::test]
async fn opens_by_the_chain() {
    let Ok(url) = std::env::var(CHILD) else { return };
    let config = SecretsManagerConfig::from_url(&url).unwrap();
    match SecretsManagerStorage::open(&config).await {
        Ok(storage) => storage.store(&key("by-the-chain"), b"x").await.unwrap(),
        Err(error) => panic!("{}: {error}", error.kind()),
    };
}

/// What the test above says, in a process with this environment and no other.
fn child(url: &str, environment: &[(&str, &str)]) -> Result<(), String> {
    let output = Command::new(std::env::current_exe().expect("this program has a path"))
        .args(["wrong::opens_by_the_chain", "--exact", "--nocapture"])
        .env_clear()
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env(CHILD, url)
        .envs(environment.iter().copied())
        .output()
        .expect("this program runs");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(());
    }
    Err(said(&output.stdout) + &said(&output.stderr))
}

#[test]
fn credentials_come_from_the_environment_and_from_profiles() {
    let rig = Rig::start();
    let endpoint = rig.server.endpoint();
    let (access, secret) = (rig.server.access_key(), rig.server.secret_key());
    let url = format!("secretsmanager://p?endpoint={endpoint}");
    let keys = [
        ("AWS_ACCESS_KEY_ID", access),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("AWS_REGION", "eu-west-1"),
    ];
    child(&url, &keys).expect("keys of the environment");
    let by_env =
        [keys[0], keys[1], keys[2], ("AWS_ENDPOINT_URL_SECRETS_MANAGER", endpoint.as_str())];
    child("secretsmanager://p", &by_env).expect("an endpoint of the environment");

    let folder = std::env::temp_dir().join(format!("certstore-sm-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    let file = folder.join("credentials");
    let mut text = std::fs::File::create(&file).expect("a file can be made");
    write!(
        text,
        "[tls]\naws_access_key_id = {access}\naws_secret_access_key = {secret}\nregion = eu-west-1\n\
         [process]\nregion = eu-west-1\ncredential_process = /bin/echo \
         {{\"Version\":1,\"AccessKeyId\":\"{access}\",\"SecretAccessKey\":\"{secret}\"}}\n"
    )
    .expect("a file can be written");
    let path = file.to_str().expect("a path in UTF-8");
    let files = [("AWS_SHARED_CREDENTIALS_FILE", path), ("AWS_CONFIG_FILE", path)];
    let by_profile = child(&format!("{url}&profile=tls"), &files);
    let by_variable = child(&url, &[files[0], files[1], ("AWS_PROFILE", "tls")]);
    let missing = child(&format!("{url}&profile=other&region=eu-west-1"), &files);
    let none = child(&format!("{url}&region=eu-west-1"), &[]);
    let nowhere = child(&url, &keys[..2]);
    std::fs::remove_dir_all(&folder).expect("the folder goes");
    by_profile.expect("a profile of the configuration");
    by_variable.expect("a profile of the environment");
    assert!(missing.is_err(), "there is no such profile");
    let none = none.expect_err("there are no credentials");
    assert!(
        none.contains("invalid config: ") && none.contains("no credentials are found"),
        "{none}"
    );
    let nowhere = nowhere.expect_err("there is no region");
    assert!(nowhere.contains("set region"), "{nowhere}");
    assert!(![&none, &nowhere].iter().any(|text| text.contains(secret)));
}
