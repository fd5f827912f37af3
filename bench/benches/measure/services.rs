//! Redis, PostgreSQL and S3 against their raw clients, and how soon a waiting process has a released lock.

use std::path::Path;
use std::time::{Duration, Instant};

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use certstore::{Key, Storage};
use certstore_conformance::loopback_s3::LoopbackS3;
use certstore_conformance::servers::{PostgresOptions, PostgresServer, RedisOptions, RedisServer};
use sqlx::Executor as _;
use tokio::runtime::Runtime;

use crate::files::{interleaved, timed};
use crate::locks::handover_at;
use crate::stats::{median, quantile, ratio};
use crate::{Result, runtime, verdict};

/// A certificate chain is about this long.
const VALUE: usize = 4096;
const PAIRS: usize = 1_000;
const KEY: &str = "certificates/local/example.test/example.test.crt";
/// Waiters look only every 30 s: what wakes them is the notice of the release.
const NOTICE_ONLY: &str = "lease=120s&poll_min=30s&poll_max=30s";

/// One operation of ours and of the raw client, in pairs; ours costs at most 1.3 times as much.
pub(crate) fn against(
    name: &str,
    ours: impl Fn() -> Result<()>,
    raw: impl Fn() -> Result<()>,
) -> Result<bool> {
    let pairs = interleaved(PAIRS, || timed(&ours), || timed(&raw))?;
    let ratio = ratio(&pairs);
    let (ours, raw): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    Ok(verdict(
        name,
        ratio.value <= 1.3,
        &format!(
            "{:.3} times the raw client (95 %: {:.3} to {:.3}; target 1.3); p50 {:?} and {:?}, p99 {:?} and {:?}; {PAIRS} pairs of 4 KiB",
            ratio.value,
            ratio.low,
            ratio.high,
            median(&ours),
            median(&raw),
            quantile(&ours, 0.99),
            quantile(&raw, 0.99),
        ),
    ))
}

/// A value as a URL's query takes it.
pub(crate) fn encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    text.bytes()
        .map(
            |byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") },
        )
        .collect()
}

/// Our side of a comparison.
pub(crate) struct Ours {
    storage: std::sync::Arc<dyn Storage>,
    key: Key,
    pub(crate) value: Vec<u8>,
}

impl Ours {
    pub(crate) fn open(runtime: &Runtime, url: &str) -> Result<Self> {
        let storage = runtime.block_on(certstore::open_url(url))?;
        let ours = Self { storage, key: KEY.parse()?, value: vec![b'x'; VALUE] };
        ours.store(runtime)?;
        Ok(ours)
    }

    pub(crate) fn store(&self, runtime: &Runtime) -> Result<()> {
        Ok(runtime.block_on(self.storage.store(&self.key, &self.value)).map(drop)?)
    }

    pub(crate) fn load(&self, runtime: &Runtime) -> Result<()> {
        Ok(runtime.block_on(self.storage.load(&self.key)).map(drop)?)
    }
}

/// Against SET and GET on a connection of the same client library.
pub(crate) fn redis(_folder: &Path) -> Result<bool> {
    let (server, runtime) = (RedisServer::start(RedisOptions::default())?, runtime()?);
    let ours = Ours::open(&runtime, &server.url())?;
    let raw = redis::Client::open(server.url())?;
    let raw = runtime.block_on(raw.get_multiplexed_async_connection())?;
    let command = |command: redis::Cmd| -> Result<()> {
        let mut raw = raw.clone();
        Ok(runtime
            .block_on(async { command.query_async::<redis::Value>(&mut raw).await })
            .map(drop)?)
    };
    let set = || command(redis::cmd("SET").arg("raw").arg(&ours.value).to_owned());
    let get = || command(redis::cmd("GET").arg("raw").to_owned());
    let store = against("redis store", || ours.store(&runtime), set)?;
    let load = against("redis load", || ours.load(&runtime), get)?;
    Ok(store && load)
}

/// A waiting process has a released lock within 5 ms, p50, by the notice alone.
pub(crate) fn redis_handover(_folder: &Path) -> Result<bool> {
    let server = RedisServer::start(RedisOptions::default())?;
    let url = format!("{}?{NOTICE_ONLY}", server.url());
    handover_at("redis handover", &url, Duration::from_millis(5), "; polls 30 s apart")
}

/// A server that flushes its commits to the disk, as it does by default.
fn durable_postgres() -> Result<PostgresServer> {
    Ok(PostgresServer::start(PostgresOptions { fsync: true, ..PostgresOptions::default() })?)
}

/// Against an upsert and a select by key on a pool of the same client library.
pub(crate) fn postgres(_folder: &Path) -> Result<bool> {
    let (server, runtime) = (durable_postgres()?, runtime()?);
    let ours = Ours::open(&runtime, &server.url("postgres"))?;
    let pool = runtime.block_on(sqlx::PgPool::connect(&server.url("postgres")))?;
    runtime
        .block_on(pool.execute("CREATE TABLE raw (key text PRIMARY KEY, value bytea NOT NULL)"))?;
    let upsert = || {
        let statement =
            "INSERT INTO raw VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = $2";
        let query = sqlx::query(statement).bind(KEY).bind(&ours.value);
        Ok(runtime.block_on(query.execute(&pool)).map(drop)?)
    };
    let select = || {
        let query =
            sqlx::query_scalar::<_, Vec<u8>>("SELECT value FROM raw WHERE key = $1").bind(KEY);
        Ok(runtime.block_on(query.fetch_one(&pool)).map(drop)?)
    };
    let store = against("postgres store", || ours.store(&runtime), upsert)?;
    let load = against("postgres load", || ours.load(&runtime), select)?;
    Ok(store && load)
}

/// A waiting process has a released lock, p50, within the cost of two commits that are measured beside it.
pub(crate) fn postgres_handover(_folder: &Path) -> Result<bool> {
    let (server, runtime) = (durable_postgres()?, runtime()?);
    let pool = runtime.block_on(sqlx::PgPool::connect(&server.url("postgres")))?;
    runtime.block_on(pool.execute("CREATE TABLE raw AS SELECT 0 AS number"))?;
    let mut commits = Vec::new();
    for _ in 0..200 {
        let start = Instant::now();
        runtime.block_on(pool.execute("UPDATE raw SET number = number + 1"))?;
        commits.push(start.elapsed());
        // As far apart as the lock's own: a disk that flushes without a break answers faster.
        std::thread::sleep(Duration::from_millis(12));
    }
    let target = median(&commits) * 2;
    let url = format!("{}?{NOTICE_ONLY}", server.url("postgres"));
    handover_at("postgres handover", &url, target, ", two commits; polls 30 s apart")
}

/// Against PutObject and GetObject of the same client library.
pub(crate) fn s3(_folder: &Path) -> Result<bool> {
    let (server, runtime) = (LoopbackS3::start()?, runtime()?);
    let url = format!(
        "s3://{}/bench?endpoint={}&region={}&access_key_id={}&secret_access_key={}",
        server.bucket(),
        server.endpoint(),
        server.region(),
        server.access_key(),
        encoded(server.secret_key()),
    );
    let ours = Ours::open(&runtime, &url)?;
    let keys = Credentials::new(server.access_key(), server.secret_key(), None, None, "bench");
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(server.endpoint())
        .region(Region::new(server.region()))
        .credentials_provider(keys)
        .force_path_style(true)
        .build();
    let raw = aws_sdk_s3::Client::from_conf(config);
    let put = || {
        let request = raw.put_object().bucket(server.bucket()).key("raw");
        let sent = request.body(ours.value.clone().into()).send();
        Ok(runtime.block_on(sent).map(drop)?)
    };
    let get = || {
        let request = raw.get_object().bucket(server.bucket()).key("raw");
        runtime.block_on(async { Ok(request.send().await?.body.collect().await.map(drop)?) })
    };
    let store = against("s3 store", || ours.store(&runtime), put)?;
    let load = against("s3 load", || ours.load(&runtime), get)?;
    Ok(store && load)
}
