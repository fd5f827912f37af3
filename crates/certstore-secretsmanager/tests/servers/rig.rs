//! A server of its own for each test, and clients of it.

use std::time::Duration;

use aws_sdk_secretsmanager::primitives::Blob;
use certstore_conformance::loopback_secretsmanager::{ArmedFault, Fault, LoopbackSecretsManager};
use certstore_core::{Error, ErrorKind, Key, LockName};
use certstore_secretsmanager::{SecretsManagerConfig, SecretsManagerStorage};

use crate::loopback;
use crate::site::Site;

pub(crate) struct Rig {
    pub(crate) server: LoopbackSecretsManager,
    pub(crate) site: Site,
}

impl Rig {
    pub(crate) fn start() -> Self {
        let server = LoopbackSecretsManager::start().expect("a port is free");
        let site = loopback::site(&server);
        Self { server, site }
    }

    /// The configuration of a client under the prefix `p`.
    pub(crate) fn config(&self) -> SecretsManagerConfig {
        self.site.config("p")
    }

    pub(crate) async fn open(&self) -> SecretsManagerStorage {
        open(&self.config()).await
    }

    pub(crate) fn fault(&self, fault: Fault) -> ArmedFault {
        self.server.fault(fault)
    }

    /// Writes a secret as another program would.
    pub(crate) async fn put(&self, secret: &str, body: &[u8]) {
        let raw = self.site.raw();
        let body = Blob::new(body);
        let created = raw.create_secret().name(secret).secret_binary(body.clone()).send().await;
        if created.is_err() {
            let put = raw.put_secret_value().secret_id(secret).secret_binary(body).send().await;
            put.expect("the server stores");
        }
    }

    /// How many versions the secret has, those without labels included.
    pub(crate) async fn versions(&self, secret: &str) -> usize {
        let listed = self.site.raw().list_secret_version_ids().secret_id(secret);
        let listed = listed.include_deprecated(true).send().await.expect("the secret is there");
        listed.versions().len()
    }

    /// The labels on all versions of the secret, sorted.
    pub(crate) async fn labels(&self, secret: &str) -> Vec<String> {
        let described = self.site.raw().describe_secret().secret_id(secret).send().await;
        let described = described.expect("the secret is there");
        let stages = described.version_ids_to_stages().into_iter().flatten();
        let mut labels: Vec<String> = stages.flat_map(|(_, stages)| stages.clone()).collect();
        labels.sort_unstable();
        labels
    }
}

pub(crate) async fn open(config: &SecretsManagerConfig) -> SecretsManagerStorage {
    SecretsManagerStorage::open(config).await.expect("the storage opens")
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
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("this hangs")
}
