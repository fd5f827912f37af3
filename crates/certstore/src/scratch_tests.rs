use certstore_core::ErrorKind;

use super::remove_beneath;
use crate::Config;

#[cfg(all(unix, feature = "fs"))]
#[tokio::test]
async fn the_place_goes_and_what_is_around_it_stays() {
    let root = std::env::temp_dir().join(format!("certstore-beneath-{}", std::process::id()));
    let at = |name: &str| format!("[storage]\npath = \"{}/{name}\"\n", root.display());
    let text =
        format!("{}[storage.lock]\nbackend = \"fs\"\npath = \"{}/l\"\n", at("v"), root.display());
    let config = Config::from_toml(&text).unwrap();
    let key = "a/b".parse().unwrap();
    crate::open(&config).await.unwrap().store(&key, b"stays").await.unwrap();
    for name in ["try", "try/inner"] {
        let place = crate::open(&config.beneath(name).unwrap()).await.unwrap();
        place.store(&key, b"goes").await.unwrap();
        place.lock(&"job".parse().unwrap()).await.unwrap().unlock().await.unwrap();
        assert!(root.join("v").join(name).is_dir() && root.join("l").join(name).is_dir());
    }
    remove_beneath(&config, "try").await.unwrap();
    remove_beneath(&config, "try").await.unwrap();
    assert!(!root.join("v/try").exists() && !root.join("l/try").exists());
    assert_eq!(crate::open(&config).await.unwrap().load(&key).await.unwrap(), "stays");
    std::fs::remove_dir_all(&root).unwrap();
}

#[tokio::test]
async fn the_storage_itself_is_not_removed() {
    let config = Config::from_url("memory:").unwrap();
    for name in ["", "/", ".", "..", "a/..", "../a", "/a", "a/", "a//b", "a b", "a\\b", "...", "A"]
    {
        let error = remove_beneath(&config, name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{name:?}");
    }
    remove_beneath(&config, ".try~1/ns-2").await.unwrap();
}

/// The settings of a service beneath `toml`, as its crate reads them.
#[cfg(feature = "_services")]
fn moved(toml: &str, name: &str) -> Config {
    Config::from_toml(toml).unwrap().beneath(name).unwrap()
}

#[cfg(feature = "redis")]
#[test]
fn on_redis_the_prefix_is_longer() {
    let prefix = |toml: &str| {
        let place = moved(toml, ".try~1/ns");
        crate::services::redis(&place.storage).unwrap().prefix
    };
    assert_eq!(prefix("[storage]\nurl = \"redis://h/0?prefix=certs\""), "certs.try~1.ns");
    assert_eq!(prefix("[storage]\nbackend = \"redis\""), "certstore.try~1.ns");
    let caddy = "[storage]\nbackend = \"redis\"\nlayout = \"caddy\"\nprefix = \"{caddy}\"";
    assert_eq!(prefix(caddy), "{caddy}.try~1.ns");
}

#[cfg(feature = "postgres")]
#[test]
fn on_postgres_the_tables_have_names_of_their_own() {
    let config =
        |toml: &str, name: &str| crate::services::postgres(&moved(toml, name).storage).unwrap();
    let url = "[storage]\nurl = \"postgres://h/d?migrate=false&table_prefix=certs_\"";
    let (one, other) = (config(url, "try/a"), config(url, "try/b"));
    assert!(one.table_prefix.starts_with("certs_") && one.table_prefix.len() == 6 + 16 + 1);
    assert!(one.table_prefix != other.table_prefix && one.migrate);
    assert_eq!(one.table_prefix, config(url, "try/a").table_prefix, "in every process the same");
    let long = "p".repeat(40);
    let longest =
        config(&format!("[storage]\nbackend = \"postgres\"\ntable_prefix = \"{long}\""), "x");
    assert_eq!(longest.table_prefix.len(), 37);
    let caddy = Config::from_toml("[storage]\nbackend = \"postgres\"\nlayout = \"caddy\"").unwrap();
    let error = caddy.beneath("x").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("fixed names"), "{error}");
}

#[cfg(feature = "s3")]
#[test]
fn on_s3_the_prefix_is_longer() {
    let prefix =
        |toml: &str| crate::services::s3(&moved(toml, ".try~1/ns").storage).unwrap().prefix;
    assert_eq!(prefix("[storage]\nurl = \"s3://bucket\""), ".try~1/ns");
    assert_eq!(prefix("[storage]\nurl = \"s3://bucket/certs/\""), "certs/.try~1/ns");
}
