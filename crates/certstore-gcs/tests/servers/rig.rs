//! A server of its own for each test, and clients of it.

use std::time::Duration;

use certstore_conformance::loopback_gcs::{ArmedFault, Fault, LoopbackGcs};
use certstore_core::{Error, ErrorKind, Key, LockName};
use certstore_gcs::{GcsConfig, GcsStorage};

use crate::raw;
use crate::site::Site;

pub(crate) struct Rig {
    pub(crate) server: LoopbackGcs,
    pub(crate) site: Site,
}

impl Rig {
    pub(crate) fn start() -> Self {
        let server = LoopbackGcs::start().expect("a port is free");
        let site = Site::of(&server);
        Self { server, site }
    }

    /// The configuration of a client under the prefix `p`.
    pub(crate) fn config(&self) -> GcsConfig {
        self.site.config("p")
    }

    pub(crate) async fn open(&self) -> GcsStorage {
        open(&self.config()).await
    }

    /// A client that has tried out the server's preconditions, so that the next requests are the test's own.
    pub(crate) async fn probed(&self) -> GcsStorage {
        let storage = self.open().await;
        probe(&storage).await;
        storage
    }

    pub(crate) fn fault(&self, fault: Fault) -> ArmedFault {
        self.server.fault(fault)
    }

    /// Writes an object as another program would.
    pub(crate) async fn put(&self, object: &str, body: &[u8]) {
        raw::put(&self.site, object, body).await;
    }

    pub(crate) async fn body(&self, object: &str) -> Vec<u8> {
        raw::get(&self.site, object).await.1
    }

    /// The names of all objects that begin with `prefix`.
    pub(crate) async fn objects(&self, prefix: &str) -> Vec<String> {
        raw::list(&self.site, prefix).await
    }
}

pub(crate) async fn open(config: &GcsConfig) -> GcsStorage {
    GcsStorage::open(config).await.expect("the storage opens")
}

pub(crate) async fn probe(storage: &GcsStorage) {
    use certstore_core::{Condition, Storage as _, Version};
    let never = Condition::Version(Version::new("1"));
    let stored = storage.store_if(&key("probing"), b"", &never).await;
    refused(stored, ErrorKind::Conflict);
}

pub(crate) fn key(key: &str) -> Key {
    Key::new(key).expect("a key")
}

pub(crate) fn name(name: &str) -> LockName {
    LockName::new(name).expect("a lock name")
}

/// The error, which must be of this kind and one line.
pub(crate) fn refused<T: std::fmt::Debug>(
    result: certstore_core::Result<T>,
    kind: ErrorKind,
) -> Error {
    let error = result.expect_err("this must fail");
    assert_eq!(error.kind(), kind, "{error:?}");
    assert!(!error.to_string().contains('\n'), "{error}");
    error
}

/// Fails when it takes so long that nobody would wait.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("this hangs")
}
