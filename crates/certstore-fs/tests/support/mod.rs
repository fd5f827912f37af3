//! The suite's way to files.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use certstore_conformance::Factory;
use certstore_core::{Error, ErrorKind, Result, Storage};
use certstore_fs::{FsConfig, FsStorage};

/// A directory for each namespace.
pub(crate) struct FsFactory;

impl FsFactory {
    fn dir(namespace: &str) -> PathBuf {
        std::env::temp_dir().join(format!("certstore-fs-conformance-{namespace}"))
    }
}

#[async_trait]
impl Factory for FsFactory {
    fn name(&self) -> &str {
        "fs"
    }

    async fn open(&self, namespace: &str) -> Result<Arc<dyn Storage>> {
        Ok(Arc::new(FsStorage::open(&FsConfig::new(Self::dir(namespace)))?))
    }

    async fn remove(&self, namespace: &str) -> Result<()> {
        match std::fs::remove_dir_all(Self::dir(namespace)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
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
