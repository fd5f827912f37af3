//! The table and the options that the backends' crates take are the same.

use super::KEYS;
use crate::config::own::is_own;
use crate::config::table::Kind;

/// A text that every key of that name takes.
fn fitting(name: &str, kind: Kind) -> String {
    let text = match (name, kind) {
        ("listen_url", _) => "postgres://h/d",
        ("nodes", _) => "h:1",
        ("secretbox_key" | "encryption_key", _) => "0123456789abcdef0123456789abcdef",
        (_, Kind::Duration) => "1s",
        (_, Kind::Number) => "1",
        (_, Kind::Flag) => "true",
        (_, Kind::Choice(words)) => words[0],
        _ => "text",
    };
    text.to_owned()
}

/// Names that the table has for all backends, and reads by itself.
const GENERAL: &[&str] = &["backend", "url"];

#[cfg_attr(not(feature = "_services"), expect(dead_code, reason = "there is no service"))]
fn compare(
    backend: &str,
    options: impl Iterator<Item = &'static str>,
    mut set: impl FnMut(&str, &str) -> certstore_core::Result<()>,
) {
    let of_backend = |name: &str| !GENERAL.contains(&name) && !is_own(name, backend);
    let table: Vec<_> =
        KEYS.iter().filter(|key| key.is_for(backend) && of_backend(key.name)).collect();
    assert!(table.len() > 10, "{backend}");
    for key in &table {
        let texts = match key.kind {
            // A word may be another backend's: then it is refused as a value, not as a name.
            Kind::Choice(words) => words.iter().map(|word| (*word).to_owned()).collect(),
            kind => vec![fitting(key.name, kind)],
        };
        let taken = texts.iter().map(|text| set(key.name, text)).any(|done| done.is_ok());
        assert!(taken, "{backend} does not take {} = {texts:?}", key.name);
    }
    for option in options.filter(|option| *option != "url") {
        let alias = option == "sslrootcert";
        assert!(
            alias || table.iter().any(|key| key.name == option),
            "the table does not have {option} of {backend}"
        );
    }
}

#[cfg(feature = "redis")]
#[test]
fn redis_takes_what_the_table_says() {
    let mut config = certstore_redis::RedisConfig::default();
    compare("redis", certstore_redis::RedisConfig::option_names(), |name, text| {
        config.set(name, text)
    });
}

#[cfg(feature = "postgres")]
#[test]
fn postgres_takes_what_the_table_says() {
    let mut config = certstore_postgres::PostgresConfig::new();
    compare("postgres", certstore_postgres::PostgresConfig::option_names(), |name, text| {
        config.set(name, text)
    });
}

#[cfg(feature = "s3")]
#[test]
fn s3_takes_what_the_table_says() {
    let mut config = certstore_s3::S3Config::new("bucket");
    compare("s3", certstore_s3::S3Config::option_names(), |name, text| config.set(name, text));
}

#[cfg(feature = "gcs")]
#[test]
fn gcs_takes_what_the_table_says() {
    let mut config = certstore_gcs::GcsConfig::new("bucket");
    let names = certstore_gcs::GcsConfig::option_names();
    compare("gcs", names, |name, text| config.set(name, text));
}

#[cfg(feature = "oss")]
#[test]
fn oss_takes_what_the_table_says() {
    let mut config = certstore_oss::OssConfig::new("bucket");
    let names = certstore_oss::OssConfig::option_names();
    compare("oss", names, |name, text| config.set(name, text));
}

#[cfg(feature = "secretsmanager")]
#[test]
fn secretsmanager_takes_what_the_table_says() {
    let mut config = certstore_secretsmanager::SecretsManagerConfig::new("prefix");
    let names = certstore_secretsmanager::SecretsManagerConfig::option_names();
    compare("secretsmanager", names, |name, text| config.set(name, text));
}

#[test]
fn no_key_is_there_twice() {
    let mut names: Vec<_> = KEYS.iter().map(|key| key.name).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|two| two[0] != two[1]), "{names:?}");
}
