//! Places on servers, each of a test's own.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use certstore_conformance::loopback_gcs::LoopbackGcs;
use certstore_conformance::loopback_oss::LoopbackOss;
use certstore_conformance::loopback_s3::LoopbackS3;
use certstore_conformance::loopback_secretsmanager::LoopbackSecretsManager;
use certstore_conformance::servers::{PostgresOptions, PostgresServer, shared_redis};

use crate::support::{Ran, Sandbox};

/// The S3 server that tests share which switch no faults on.
static SHARED_S3: LazyLock<LoopbackS3> = LazyLock::new(|| LoopbackS3::start().unwrap());

static SHARED_GCS: LazyLock<LoopbackGcs> = LazyLock::new(|| LoopbackGcs::start().unwrap());
static SHARED_OSS: LazyLock<LoopbackOss> = LazyLock::new(|| LoopbackOss::start().unwrap());
static SHARED_SECRETS: LazyLock<LoopbackSecretsManager> =
    LazyLock::new(|| LoopbackSecretsManager::start().unwrap());

/// Waiters look often: these stores wake nobody.
const POLLS: &str = "poll_min = \"20ms\"\npoll_max = \"100ms\"\n";

/// The PostgreSQL server that tests share. It syncs: one that does not is warned of.
static SHARED_POSTGRES: LazyLock<PostgresServer> = LazyLock::new(|| {
    PostgresServer::start(PostgresOptions { fsync: true, ..PostgresOptions::default() }).unwrap()
});

pub(crate) fn shared_postgres() -> &'static PostgresServer {
    &SHARED_POSTGRES
}

/// A name that no other test has.
fn fresh() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("t{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A storage that is empty at first: its section of a config file, and the same as a URL.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) name: &'static str,
    pub(crate) toml: String,
    pub(crate) url: String,
}

impl Place {
    pub(crate) fn on_files(sandbox: &Sandbox) -> Self {
        let name = fresh();
        let toml = format!("backend = \"fs\"\npath = \"{}\"\n", sandbox.path(&name).display());
        Self { name: "fs", toml, url: sandbox.url(&name) }
    }

    pub(crate) fn on_redis() -> Self {
        Self::of_redis(&shared_redis().unwrap().url())
    }

    pub(crate) fn of_redis(url: &str) -> Self {
        let prefix = fresh();
        let toml = format!("backend = \"redis\"\nurl = \"{url}\"\nprefix = \"{prefix}\"\n");
        Self { name: "redis", toml, url: format!("{url}?prefix={prefix}") }
    }

    pub(crate) fn on_postgres() -> Self {
        let (server, database) = (shared_postgres(), fresh());
        server.create_database(&database).unwrap();
        let url = server.url(&database);
        Self { name: "postgres", toml: format!("backend = \"postgres\"\nurl = \"{url}\"\n"), url }
    }

    /// Its own bucket of the shared server, with stamps, so that there is a fence.
    pub(crate) fn on_s3() -> Self {
        Self::of_s3(&SHARED_S3)
    }

    pub(crate) fn of_s3(server: &LoopbackS3) -> Self {
        let bucket = fresh();
        server.add_bucket(&bucket);
        let (endpoint, region) = (server.endpoint(), server.region());
        let (id, secret) = (server.access_key(), server.secret_key());
        let toml = format!(
            "backend = \"s3\"\nbucket = \"{bucket}\"\nprefix = \"certs\"\nregion = \"{region}\"\n\
             endpoint = \"{endpoint}\"\naccess_key_id = \"{id}\"\nsecret_access_key = \"{secret}\"\nstamped = true\n"
        );
        let url = format!(
            "s3://{bucket}/certs?region={region}&endpoint={}&access_key_id={id}&secret_access_key={}&stamped=true",
            encoded(&endpoint),
            encoded(secret)
        );
        Self { name: "s3", toml, url }
    }

    pub(crate) fn on_gcs() -> Self {
        let (server, prefix) = (&*SHARED_GCS, fresh());
        let (endpoint, bucket, token) = (server.endpoint(), server.bucket(), server.token());
        let toml = format!(
            "backend = \"gcs\"\nbucket = \"{bucket}\"\nprefix = \"{prefix}\"\nendpoint = \"{endpoint}\"\n\
             access_token = \"{token}\"\n{POLLS}"
        );
        let (endpoint, token) = (encoded(&endpoint), encoded(token));
        let url = format!("gs://{bucket}/{prefix}?endpoint={endpoint}&access_token={token}");
        Self { name: "gcs", toml, url }
    }

    pub(crate) fn on_oss() -> Self {
        let (server, prefix) = (&*SHARED_OSS, fresh());
        let (endpoint, bucket, region) = (server.endpoint(), server.bucket(), server.region());
        let (id, secret) = (server.access_key(), server.secret_key());
        let toml = format!(
            "backend = \"oss\"\nbucket = \"{bucket}\"\nprefix = \"{prefix}\"\nendpoint = \"{endpoint}\"\n\
             region = \"{region}\"\naccess_key_id = \"{id}\"\naccess_key_secret = \"{secret}\"\n{POLLS}"
        );
        let url = format!(
            "oss://{bucket}/{prefix}?endpoint={}&region={region}&access_key_id={id}&access_key_secret={}",
            encoded(&endpoint),
            encoded(secret)
        );
        Self { name: "oss", toml, url }
    }

    pub(crate) fn on_secretsmanager() -> Self {
        let (server, prefix) = (&*SHARED_SECRETS, fresh());
        let (endpoint, region) = (server.endpoint(), server.region());
        let (id, secret) = (server.access_key(), server.secret_key());
        let toml = format!(
            "backend = \"secretsmanager\"\nprefix = \"{prefix}\"\nendpoint = \"{endpoint}\"\n\
             region = \"{region}\"\naccess_key_id = \"{id}\"\nsecret_access_key = \"{secret}\"\nmax_writes_per_second = 0\n\
             max_lists_per_second = 0\n{POLLS}"
        );
        // This server has no rates: the requests are not held back.
        let url = format!(
            "secretsmanager://{prefix}?endpoint={}&region={region}&access_key_id={id}&secret_access_key={}\
             &max_writes_per_second=0&max_lists_per_second=0",
            encoded(&endpoint),
            encoded(secret)
        );
        Self { name: "secretsmanager", toml, url }
    }

    /// One on each cloud store that runs in this process.
    pub(crate) fn on_clouds() -> [Self; 3] {
        [Self::on_gcs(), Self::on_oss(), Self::on_secretsmanager()]
    }

    /// One on each service.
    pub(crate) fn on_services() -> [Self; 3] {
        [Self::on_redis(), Self::on_postgres(), Self::on_s3()]
    }

    /// A config file that names it.
    pub(crate) fn file(&self, sandbox: &Sandbox) -> PathBuf {
        sandbox.write(&format!("{}.toml", fresh()), format!("[storage]\n{}", self.toml))
    }

    /// A config file with the values here and the locks in `lock`.
    pub(crate) fn file_with_lock(&self, sandbox: &Sandbox, lock: &Self) -> PathBuf {
        let text = format!("[storage]\n{}\n[storage.lock]\n{}", self.toml, lock.toml);
        sandbox.write(&format!("{}.toml", fresh()), text)
    }

    /// The program on it.
    pub(crate) fn command(&self, sandbox: &Sandbox, arguments: &[&str]) -> Command {
        let mut command = sandbox.command();
        command.args(["--storage", &self.url]).args(arguments);
        command
    }

    pub(crate) fn run(&self, sandbox: &Sandbox, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.command(sandbox, arguments))
    }
}

/// A text as it stands in a URL.
pub(crate) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
