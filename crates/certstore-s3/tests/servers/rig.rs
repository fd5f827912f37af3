//! A server of its own for each test, and clients of it.

use std::time::Duration;

use certstore_conformance::loopback_s3::{ArmedFault, Fault, LoopbackS3};
use certstore_core::{Error, ErrorKind, Key, LockName};
use certstore_s3::{S3Config, S3Storage};

use crate::loopback;
use crate::site::Site;

pub(crate) struct Rig {
    pub(crate) server: LoopbackS3,
    pub(crate) site: Site,
}

impl Rig {
    pub(crate) fn start() -> Self {
        let server = LoopbackS3::start().expect("a port is free");
        let site = loopback::site(&server);
        Self { server, site }
    }

    /// The configuration of a client under the prefix `p`.
    pub(crate) fn config(&self) -> S3Config {
        self.site.config("p")
    }

    pub(crate) async fn open(&self) -> S3Storage {
        open(&self.config()).await
    }

    /// A client that has probed the store, so that the next requests are the test's own.
    pub(crate) async fn probed(&self) -> S3Storage {
        let storage = self.open().await;
        assert!(storage.probe().await.expect("the server answers").can_lock());
        storage
    }

    pub(crate) async fn stamped(&self) -> S3Storage {
        let mut config = self.config();
        config.stamped = true;
        open(&config).await
    }

    pub(crate) fn fault(&self, fault: Fault) -> ArmedFault {
        self.server.fault(fault)
    }

    /// Writes an object as another program would.
    pub(crate) async fn put(&self, object: &str, body: &[u8]) {
        let raw = self.site.raw();
        let put = raw.put_object().bucket(&self.site.bucket).key(object).body(body.to_vec().into());
        put.send().await.expect("the server stores");
    }

    pub(crate) async fn body(&self, object: &str) -> Vec<u8> {
        let raw = self.site.raw();
        let got = raw.get_object().bucket(&self.site.bucket).key(object).send().await;
        got.expect("the object is there").body.collect().await.expect("whole").to_vec()
    }
}

pub(crate) async fn open(config: &S3Config) -> S3Storage {
    S3Storage::open(config).await.expect("the storage opens")
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
