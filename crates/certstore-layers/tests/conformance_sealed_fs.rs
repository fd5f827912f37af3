//! The contract, on sealed files.

mod seal_support;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use certstore_conformance::{Factory, conformance};
use certstore_core::{Error, ErrorKind, Result, Storage};
use certstore_fs::{FsConfig, FsStorage};
use seal_support::sealed;

/// A directory for each namespace.
struct Files;

fn folder(namespace: &str) -> PathBuf {
    std::env::temp_dir().join(format!("certstore-sealed-fs-{namespace}"))
}

#[async_trait]
impl Factory for Files {
    fn name(&self) -> &str {
        "fs"
    }

    async fn open(&self, namespace: &str) -> Result<Arc<dyn Storage>> {
        Ok(Arc::new(FsStorage::open(&FsConfig::new(folder(namespace)))?))
    }

    async fn remove(&self, namespace: &str) -> Result<()> {
        match std::fs::remove_dir_all(folder(namespace)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::new(ErrorKind::Other, "the namespace cannot be removed")
                    .with_source(error))
            }
            _ => Ok(()),
        }
    }

    /// A storage whose directory is gone.
    async fn open_faulty(&self, namespace: &str) -> Result<Option<Arc<dyn Storage>>> {
        let namespace = format!("{namespace}-faulty");
        let storage = self.open(&namespace).await?;
        self.remove(&namespace).await?;
        Ok(Some(storage))
    }
}

conformance!(sealed("sealed fs", Files, false));
