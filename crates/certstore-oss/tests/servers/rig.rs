//! A server of its own for each test, and clients of it.

use std::time::Duration;

use certstore_conformance::loopback_oss::{ArmedFault, Fault, LoopbackOss};
use certstore_core::{Error, ErrorKind, Key, LockName, Locker as _};
use certstore_oss::{OssConfig, OssStorage};

use crate::raw::Raw;
use crate::site::Site;

pub(crate) struct Rig {
    pub(crate) server: LoopbackOss,
    pub(crate) site: Site,
}

impl Rig {
    pub(crate) fn start() -> Self {
        let server = LoopbackOss::start().expect("a port is free");
        let site = Site::of(&server);
        Self { server, site }
    }

    /// The configuration of a client under the prefix `p`.
    pub(crate) fn config(&self) -> OssConfig {
        self.site.config("p")
    }

    pub(crate) async fn open(&self) -> OssStorage {
        open(&self.config()).await
    }

    /// A client that has probed the store, so that the next requests are the test's own.
    pub(crate) async fn probed(&self) -> OssStorage {
        let storage = self.open().await;
        let probing = storage.lock(&name("probing")).await.expect("the store can lock");
        probing.unlock().await.expect("the lock is given back");
        storage
    }

    pub(crate) fn fault(&self, fault: Fault) -> ArmedFault {
        self.server.fault(fault)
    }

    /// A client of another program.
    pub(crate) fn raw(&self) -> Raw {
        Raw::new(&self.server)
    }
}

pub(crate) async fn open(config: &OssConfig) -> OssStorage {
    OssStorage::open(config).await.expect("the storage opens")
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

impl Rig {
    /// The names of all objects that begin with `prefix`.
    pub(crate) fn objects(&self, prefix: &str) -> Vec<String> {
        let objects = self.server.objects(&self.site.bucket, prefix);
        objects.into_iter().map(|(name, _)| name).collect()
    }

    /// The length of an object; 0 where there is none.
    pub(crate) fn length(&self, object: &str) -> usize {
        let objects = self.server.objects(&self.site.bucket, object);
        objects.first().map_or(0, |(_, length)| *length)
    }
}

/// Takes a lock in a runtime that ends at once, like a process that is killed.
pub(crate) fn die_with(config: &OssConfig, lock: &str) {
    let (config, lock) = (config.clone(), name(lock));
    let died = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        runtime.block_on(async {
            let held = open(&config).await.lock(&lock).await.expect("nobody holds it");
            std::mem::forget(held);
        });
        runtime.shutdown_background();
    });
    died.join().expect("it takes the lock");
}
