//! Backends that are servers elsewhere: their crates read URLs and options themselves.

use std::sync::Arc;

use certstore_core::{Error, Result, Storage};

use crate::Config;
use crate::config::Settings;

/// Reads the options of a service, to refuse wrong ones before anything is opened.
pub(crate) fn check(settings: &Settings) -> Result<()> {
    match settings.backend().name {
        #[cfg(feature = "redis")]
        "redis" => redis(settings).map(drop),
        #[cfg(feature = "postgres")]
        "postgres" => postgres(settings).map(drop),
        #[cfg(feature = "s3")]
        "s3" => s3(settings).map(drop),
        _ => Ok(()),
    }
}

/// Opens a service; `None` when it is none that this build has.
pub(crate) async fn open(settings: &Settings) -> Result<Option<Arc<dyn Storage>>> {
    Ok(match settings.backend().name {
        #[cfg(feature = "redis")]
        "redis" => Some(Arc::new(certstore_redis::RedisStorage::open(&redis(settings)?).await?)),
        #[cfg(feature = "postgres")]
        "postgres" => {
            Some(Arc::new(certstore_postgres::PostgresStorage::open(&postgres(settings)?).await?))
        }
        #[cfg(feature = "s3")]
        "s3" => Some(Arc::new(certstore_s3::S3Storage::open(&s3(settings)?).await?)),
        _ => None,
    })
}

/// The SQL that an administrator runs before the storage can be used: tables and their indexes. Nothing is connected to.
///
/// # Errors
/// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) for a backend without tables.
pub fn schema(config: &Config) -> Result<String> {
    for settings in std::iter::once(&config.storage).chain(&config.lock) {
        match settings.backend().name {
            #[cfg(feature = "postgres")]
            "postgres" => {
                return Ok(certstore_postgres::PostgresStorage::schema(&postgres(settings)?));
            }
            _ => {}
        }
    }
    Err(Error::unsupported(
        "only PostgreSQL has tables to create; other storages need no preparation",
    )
    .with_operation("print the schema")
    .with_backend(config.backend()))
}

#[cfg(feature = "redis")]
fn redis(settings: &Settings) -> Result<certstore_redis::RedisConfig> {
    use certstore_redis::RedisConfig;
    let mut config = match settings.text("url") {
        Some(url) => RedisConfig::from_url(url)?,
        None => RedisConfig::new("127.0.0.1:6379"),
    };
    settings.each(|name, value| config.set(name, value))?;
    Ok(config)
}

#[cfg(feature = "postgres")]
fn postgres(settings: &Settings) -> Result<certstore_postgres::PostgresConfig> {
    use certstore_postgres::PostgresConfig;
    let mut config = PostgresConfig::from_url(settings.text("url").unwrap_or("postgres:"))?;
    settings.each(|name, value| config.set(name, value))?;
    Ok(config)
}

#[cfg(feature = "s3")]
fn s3(settings: &Settings) -> Result<certstore_s3::S3Config> {
    use certstore_s3::S3Config;
    let mut config = match settings.text("url") {
        Some(url) => S3Config::from_url(url)?,
        None => S3Config::new(""),
    };
    settings.each(|name, value| config.set(name, value))?;
    Ok(config)
}
