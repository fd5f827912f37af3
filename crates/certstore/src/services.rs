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
        "s3" => s3(settings)?.check(),
        #[cfg(feature = "gcs")]
        "gcs" => gcs(settings)?.check(),
        #[cfg(feature = "oss")]
        "oss" => oss(settings)?.check(),
        #[cfg(feature = "secretsmanager")]
        "secretsmanager" => secretsmanager(settings)?.check(),
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
        #[cfg(feature = "gcs")]
        "gcs" => Some(Arc::new(certstore_gcs::GcsStorage::open(&gcs(settings)?).await?)),
        #[cfg(feature = "oss")]
        "oss" => Some(Arc::new(certstore_oss::OssStorage::open(&oss(settings)?).await?)),
        #[cfg(feature = "secretsmanager")]
        "secretsmanager" => {
            let config = secretsmanager(settings)?;
            Some(Arc::new(certstore_secretsmanager::SecretsManagerStorage::open(&config).await?))
        }
        _ => None,
    })
}

/// Gives a service's settings a place of their own, see [`Config::beneath`].
#[cfg_attr(
    not(feature = "_services"),
    expect(clippy::unnecessary_wraps, unused_variables, reason = "there is no service")
)]
pub(crate) fn move_beneath(settings: &mut Settings, name: &str) -> Result<()> {
    match settings.backend().name {
        #[cfg(feature = "redis")]
        "redis" => {
            let prefix = redis(settings)?.prefix;
            // A slash would be a directory of Caddy's layout, above the prefix.
            let name = name.trim_matches(['.', '/']).replace('/', ".");
            settings.put_text("prefix", format!("{prefix}.{name}"));
        }
        #[cfg(feature = "postgres")]
        "postgres" => {
            let config = postgres(settings)?;
            if config.layout == certstore_postgres::Layout::Caddy {
                return Err(Error::unsupported(
                    "Caddy's tables have fixed names, so there is no second place for them in a database; use one of its own",
                )
                .with_backend("postgres"));
            }
            settings.put_text("table_prefix", table_prefix(&config.table_prefix, name));
            settings.put_text("migrate", "true".to_owned());
        }
        #[cfg(feature = "s3")]
        "s3" => {
            let prefix = below(&s3(settings)?.prefix, name);
            settings.put_text("prefix", prefix);
            // Tried out when it is opened, so that no lock waits for it.
            settings.put_text("probe", "open".to_owned());
        }
        #[cfg(feature = "gcs")]
        "gcs" => {
            let prefix = below(&gcs(settings)?.prefix, name);
            settings.put_text("prefix", prefix);
        }
        #[cfg(feature = "oss")]
        "oss" => {
            let prefix = below(&oss(settings)?.prefix, name);
            settings.put_text("prefix", prefix);
        }
        #[cfg(feature = "secretsmanager")]
        "secretsmanager" => {
            // Names of secrets have no tilde.
            let prefix = below(&secretsmanager(settings)?.prefix, &name.replace('~', "+"));
            settings.put_text("prefix", prefix);
        }
        _ => {}
    }
    Ok(())
}

/// A prefix of names below another one.
#[cfg(any(feature = "s3", feature = "gcs", feature = "oss", feature = "secretsmanager"))]
fn below(prefix: &str, name: &str) -> String {
    let prefix = prefix.trim_matches('/');
    let slash = if prefix.is_empty() { "" } else { "/" };
    format!("{prefix}{slash}{name}")
}

/// A prefix of 40 bytes at most, as identifiers have 63: some of the old one, for people, and a digest of all.
#[cfg(feature = "postgres")]
fn table_prefix(old: &str, name: &str) -> String {
    let digest = [old, "/", name]
        .iter()
        .flat_map(|part| part.bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |digest, byte| {
            (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    let head: String = old.chars().take(20).collect();
    format!("{head}{digest:016x}_")
}

/// Removes what a service keeps by these settings; nothing for a backend that is no service.
#[cfg(feature = "tools")]
pub(crate) async fn erase(settings: &Settings) -> Result<()> {
    match settings.backend().name {
        #[cfg(feature = "redis")]
        "redis" => certstore_redis::RedisStorage::open(&redis(settings)?).await?.erase().await,
        #[cfg(feature = "postgres")]
        "postgres" => {
            certstore_postgres::PostgresStorage::open(&postgres(settings)?).await?.erase().await
        }
        #[cfg(feature = "s3")]
        "s3" => {
            let mut config = s3(settings)?;
            // To erase, nothing has to be known of the store.
            config.probe = certstore_s3::Probing::Lazy;
            certstore_s3::S3Storage::open(&config).await?.erase().await
        }
        #[cfg(feature = "gcs")]
        "gcs" => certstore_gcs::GcsStorage::open(&gcs(settings)?).await?.erase().await,
        #[cfg(feature = "oss")]
        "oss" => certstore_oss::OssStorage::open(&oss(settings)?).await?.erase().await,
        #[cfg(feature = "secretsmanager")]
        "secretsmanager" => {
            let config = secretsmanager(settings)?;
            certstore_secretsmanager::SecretsManagerStorage::open(&config).await?.erase().await
        }
        _ => Ok(()),
    }
}

/// Opens a service that can be asked whether it does what its backend relies on, and asks it; `None` for one that cannot.
#[cfg(feature = "tools")]
pub(crate) async fn open_asked(
    settings: &Settings,
) -> Result<Option<(Arc<dyn Storage>, Vec<crate::probe::ProbeStep>)>> {
    #[cfg(feature = "s3")]
    if settings.backend().name == "s3" {
        return open_probed(settings).await.map(Some);
    }
    let _ = settings;
    Ok(None)
}

/// An S3 storage that says what its store was found to offer.
#[cfg(all(feature = "tools", feature = "s3"))]
async fn open_probed(
    settings: &Settings,
) -> Result<(Arc<dyn Storage>, Vec<crate::probe::ProbeStep>)> {
    use certstore_s3::{Probing, S3Storage};
    let mut config = s3(settings)?;
    config.probe = Probing::Lazy;
    let storage = S3Storage::open(&config).await?;
    if config.secretbox_key.is_some() {
        // It is for reading only, so nothing rests on conditional requests.
        return Ok((Arc::new(storage), Vec::new()));
    }
    let started = std::time::Instant::now();
    let probed = storage.probe().await;
    let step =
        |detail| vec![crate::probe::ProbeStep::since(started, "conditional requests", detail)];
    match probed {
        Err(error) => Ok((Arc::new(storage), step(Some(certstore_core::one_line(&error))))),
        Ok(report) => {
            let steps = step(fault(&report));
            config.probe = Probing::Open;
            Ok((Arc::new(S3Storage::open_probed(&config, &report).await?), steps))
        }
    }
}

/// What is wrong with a store, and the way out. That it cannot delete on a version is told by its capabilities alone.
#[cfg(all(feature = "tools", feature = "s3"))]
fn fault(report: &certstore_s3::ProbeReport) -> Option<String> {
    let fault = report.create.as_deref().or(report.update.as_deref())?;
    Some(format!(
        "this store does not keep what S3 promises of conditional requests: {fault}; it can keep values, but to lock, name \
         another backend in [storage.lock] or use a store that does"
    ))
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
pub(crate) fn redis(settings: &Settings) -> Result<certstore_redis::RedisConfig> {
    use certstore_redis::RedisConfig;
    let mut config = match settings.text("url") {
        Some(url) => RedisConfig::from_url(url)?,
        None => RedisConfig::default(),
    };
    settings.each(|name, value| config.set(name, value))?;
    Ok(config)
}

#[cfg(feature = "postgres")]
pub(crate) fn postgres(settings: &Settings) -> Result<certstore_postgres::PostgresConfig> {
    use certstore_postgres::PostgresConfig;
    let mut config = PostgresConfig::from_url(settings.text("url").unwrap_or("postgres:"))?;
    settings.each(|name, value| config.set(name, value))?;
    Ok(config)
}

#[cfg(feature = "s3")]
pub(crate) fn s3(settings: &Settings) -> Result<certstore_s3::S3Config> {
    use certstore_s3::S3Config;
    let mut config = match settings.text("url") {
        Some(url) => S3Config::from_url(url)?,
        None => S3Config::new(""),
    };
    settings.each(|name, value| config.set(name, value))?;
    Ok(config)
}

#[cfg(feature = "gcs")]
pub(crate) fn gcs(settings: &Settings) -> Result<certstore_gcs::GcsConfig> {
    use certstore_gcs::GcsConfig;
    let mut config = match settings.text("url") {
        Some(url) => GcsConfig::from_url(url)?,
        None => GcsConfig::new(""),
    };
    settings.each(|name, value| config.set(name, value))?;
    Ok(config)
}

#[cfg(feature = "oss")]
pub(crate) fn oss(settings: &Settings) -> Result<certstore_oss::OssConfig> {
    use certstore_oss::OssConfig;
    let mut config = match settings.text("url") {
        Some(url) => OssConfig::from_url(url)?,
        None => OssConfig::new(""),
    };
    settings.each(|name, value| config.set(name, value))?;
    Ok(config)
}

#[cfg(feature = "secretsmanager")]
pub(crate) fn secretsmanager(
    settings: &Settings,
) -> Result<certstore_secretsmanager::SecretsManagerConfig> {
    use certstore_secretsmanager::SecretsManagerConfig;
    let mut config = match settings.text("url") {
        Some(url) => SecretsManagerConfig::from_url(url)?,
        None => SecretsManagerConfig::new(""),
    };
    settings.each(|name, value| config.set(name, value))?;
    Ok(config)
}
