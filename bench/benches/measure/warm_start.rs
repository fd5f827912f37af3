//! How long a node takes that starts with ten thousand certificates in its storage, beside the storage itself.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use certstore::Storage;
use certstore::bundle::{BundleKeys, BundleMetadata, CertificateBundle};
use certstore_acme::{Config, InternalIssuer};
use certstore_conformance::loopback_s3::LoopbackS3;
use certstore_conformance::servers::{RedisOptions, RedisServer};
use futures_util::{StreamExt as _, stream};
use rcgen::{CertificateParams, KeyPair};
use tokio::runtime::Runtime;

use crate::services::encoded;
use crate::stats::{median, ratio};
use crate::{Result, open, runtime, verdict};

const CERTIFICATES: usize = 10_000;
/// As many as the manager loads at a time.
const AT_A_TIME: usize = 16;
const STORED_AT_A_TIME: usize = 64;

/// The manager reads, checks and serves what the floor only reads.
pub(crate) fn warm_start(folder: &Path) -> Result<bool> {
    let runtime = runtime()?;
    measure("files", 5, &runtime, &open(folder)?)?;
    let redis = RedisServer::start(RedisOptions::default())?;
    let storage = runtime.block_on(certstore::open_url(&redis.url()))?;
    measure("Redis", 5, &runtime, &storage)?;
    let s3 = LoopbackS3::start()?;
    let url = format!(
        "s3://{}/bench?endpoint={}&region={}&access_key_id={}&secret_access_key={}",
        s3.bucket(),
        s3.endpoint(),
        s3.region(),
        s3.access_key(),
        encoded(s3.secret_key()),
    );
    let storage = runtime.block_on(certstore::open_url(&url))?;
    measure("S3, in this process", 3, &runtime, &storage)
}

fn measure(
    name: &str,
    pairs: usize,
    runtime: &Runtime,
    storage: &Arc<dyn Storage>,
) -> Result<bool> {
    let names: Vec<String> =
        (0..CERTIFICATES).map(|number| format!("www.customer-{number}.example")).collect();
    runtime.block_on(store(storage, &names))?;
    let pairs: Vec<(Duration, Duration)> = (0..pairs)
        .map(|_| {
            let ours = runtime.block_on(start(storage, &names))?;
            Ok((ours, runtime.block_on(load(storage, &names))?))
        })
        .collect::<Result<_>>()?;
    let of = |side: fn(&(Duration, Duration)) -> Duration| {
        median(&pairs.iter().map(side).collect::<Vec<_>>())
    };
    let ratio = ratio(&pairs);
    Ok(verdict(
        "warm start",
        true,
        &format!(
            "{name}: {CERTIFICATES} certificates in {:.2?}, of which the storage's own time is {:.2?}: {:.2} times (95 %: {:.2} to {:.2}; {} pairs, no target)",
            of(|pair| pair.0),
            of(|pair| pair.1),
            ratio.value,
            ratio.low,
            ratio.high,
            pairs.len(),
        ),
    ))
}

async fn store(storage: &Arc<dyn Storage>, names: &[String]) -> Result<()> {
    let key = KeyPair::generate()?;
    let stored = stream::iter(names).map(async |name| -> Result<()> {
        let made = CertificateParams::new([name.clone()])?.self_signed(&key)?;
        let metadata = BundleMetadata::for_names([name.as_str()]);
        let bundle = CertificateBundle::new(made.pem(), key.serialize_pem(), metadata)?;
        Ok(bundle.store(&**storage, &BundleKeys::new("local", name)?).await?)
    });
    let stored: Vec<Result<()>> = stored.buffer_unordered(STORED_AT_A_TIME).collect().await;
    stored.into_iter().collect()
}

async fn start(storage: &Arc<dyn Storage>, names: &[String]) -> Result<Duration> {
    let issuer = InternalIssuer::new(Arc::clone(storage));
    let config = Config::builder(Arc::clone(storage)).issuer(issuer).build();
    let start = Instant::now();
    config.manage(names).await?;
    let took = start.elapsed();
    if config.cache().len() != names.len() {
        return Err("not all are served".into());
    }
    Ok(took)
}

async fn load(storage: &Arc<dyn Storage>, names: &[String]) -> Result<Duration> {
    let start = Instant::now();
    let loaded = stream::iter(names).map(async |name| -> Result<usize> {
        let keys = BundleKeys::new("local", name)?;
        let keys = [keys.private_key(), keys.certificate(), keys.metadata()];
        Ok(storage.load_bundle(&keys).await?.len())
    });
    let loaded: Vec<Result<usize>> = loaded.buffer_unordered(AT_A_TIME).collect().await;
    let took = start.elapsed();
    for loaded in loaded {
        if loaded? != 3 {
            return Err("a part is missing".into());
        }
    }
    Ok(took)
}
