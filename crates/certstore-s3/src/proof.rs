//! What is known of the store's conditional writes, and the calls that need them.

use std::sync::Arc;

use certstore_core::{Error, ErrorKind, Result, Version};
use tokio::sync::OnceCell;

use crate::bucket::{Bucket, When};
use crate::error::BACKEND;
use crate::names::Names;
use crate::probe::{self, ProbeReport};

/// What a call needs of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Create-only writes.
    Create,
    /// Writes on a version: locks need them too.
    Update,
    /// Writes and deletes on a version.
    Delete,
}

/// The result of the probe, once there is one. Shared by all clients of a bucket in this process.
pub(crate) struct Proof {
    bucket: Arc<Bucket>,
    report: OnceCell<ProbeReport>,
}

impl Proof {
    pub(crate) fn new(bucket: Arc<Bucket>, known: Option<ProbeReport>) -> Arc<Self> {
        Arc::new(Self { bucket, report: OnceCell::new_with(known) })
    }

    pub(crate) fn known(&self) -> Option<&ProbeReport> {
        self.report.get()
    }

    /// Probes unless that has been done. In a task of its own, so that a caller who goes away leaves nothing behind.
    pub(crate) async fn report(self: &Arc<Self>, names: &Names) -> Result<ProbeReport> {
        if let Some(report) = self.report.get() {
            return Ok(report.clone());
        }
        let (proof, names) = (self.clone(), names.clone());
        let probing = tokio::spawn(async move {
            proof.report.get_or_try_init(|| probe::run(&proof.bucket, &names)).await.cloned()
        });
        probing.await.unwrap_or_else(|stopped| {
            Err(Error::new(ErrorKind::Unavailable, "the probe was stopped with its runtime")
                .with_backend(BACKEND)
                .with_source(stopped))
        })
    }

    /// # Errors
    /// [`ErrorKind::Unsupported`] when the probe found that the store does not keep its word. Else of the probe.
    pub(crate) async fn require(self: &Arc<Self>, names: &Names, need: Need) -> Result<()> {
        match self.report(names).await?.fault(need) {
            None => Ok(()),
            Some(fault) => Err(Error::unsupported(format!(
                "this store does not keep what S3 promises of conditional requests: {fault}; lock through another backend \
                 ([storage.lock]), or use a store that does"
            ))
            .with_backend(BACKEND)),
        }
    }

    /// The condition for a write over `expected`, as this store reads it.
    pub(crate) fn when(&self, expected: Option<&Version>) -> When {
        match expected {
            None => When::Absent,
            Some(version) => self.matches(version.as_str()),
        }
    }

    pub(crate) fn matches(&self, etag: &str) -> When {
        let quoted = self.known().is_none_or(|report| report.quoted_etags);
        When::Match(if quoted { format!("\"{etag}\"") } else { etag.to_owned() })
    }
}
