//! Faults of errors and secrets.

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{Error, ErrorKind, Key, Result, Storage as _};

use super::fault::{Fault, Handle};

#[derive(Default)]
pub(super) struct ShowsPassword;

impl Fault for ShowsPassword {
    fn canary_texts(&self, canary: &str) -> Vec<String> {
        vec![format!("cannot connect to toy://user:{canary}@127.0.0.1: connection refused")]
    }
}

#[derive(Default)]
pub(super) struct RepeatsSource;

#[async_trait]
impl Fault for RepeatsSource {
    async fn load(&self, at: &Handle, key: &Key) -> Result<Bytes> {
        at.inner.load(key).await.map_err(|error| {
            Error::new(error.kind(), "no value is stored here: no such row")
                .with_operation("load")
                .with_key(key)
                .with_backend(at.inner.backend())
                .with_source(std::io::Error::other("no such row"))
        })
    }
}

#[derive(Default)]
pub(super) struct NamesNoBackend;

#[async_trait]
impl Fault for NamesNoBackend {
    async fn load(&self, at: &Handle, key: &Key) -> Result<Bytes> {
        at.inner.load(key).await.map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::not_found().with_operation("load").with_key(key),
            _ => error,
        })
    }
}
