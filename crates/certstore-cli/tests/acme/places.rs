//! Storages on servers, each of a test's own.

use certstore_conformance::loopback_s3::LoopbackS3;
use certstore_conformance::servers::{PostgresOptions, PostgresServer, RedisOptions, RedisServer};
use tempfile::TempDir;

use crate::node::files;

/// Longer than a busy machine keeps a process from renewing it.
const LEASE: &str = "lease=5s";

/// A storage that is empty at first, and what keeps it.
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) redis: Option<RedisServer>,
    pub(crate) s3: Option<LoopbackS3>,
    folder: Option<TempDir>,
    _postgres: Option<PostgresServer>,
}

impl Place {
    fn at(url: String) -> Self {
        Self { url, redis: None, s3: None, folder: None, _postgres: None }
    }

    pub(crate) fn on_files() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { folder: Some(folder), ..Self::at(String::new()) }.with_url()
    }

    fn with_url(mut self) -> Self {
        self.url = files(self.folder());
        self
    }

    /// The folder of files.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.as_ref().expect("it is on files").path()
    }

    pub(crate) fn on_redis() -> Self {
        let redis = RedisServer::start(RedisOptions::default()).expect("Redis starts");
        let url = format!("{}?{LEASE}", redis.url());
        Self { redis: Some(redis), ..Self::at(url) }
    }

    pub(crate) fn on_postgres() -> Self {
        let server = PostgresServer::start(PostgresOptions::default()).expect("PostgreSQL starts");
        server.create_database("fleet").expect("a database");
        let url = format!("{}?{LEASE}", server.url("fleet"));
        Self { _postgres: Some(server), ..Self::at(url) }
    }

    pub(crate) fn on_s3() -> Self {
        let server = LoopbackS3::start().expect("the server starts");
        let (region, id) = (server.region(), server.access_key());
        let url = format!(
            "s3://{}/certs?region={region}&endpoint={}&access_key_id={id}&secret_access_key={}\
             &stamped=true&{LEASE}",
            server.bucket(),
            encoded(&server.endpoint()),
            encoded(server.secret_key())
        );
        Self { s3: Some(server), ..Self::at(url) }
    }
}

/// A value in the query of a URL.
fn encoded(value: &str) -> String {
    let byte = |byte: u8| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    value.bytes().map(byte).collect()
}
