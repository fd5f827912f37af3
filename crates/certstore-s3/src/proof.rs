//! What is known of the store's conditional writes, and the calls that need them.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use certstore_core::{Error, ErrorKind, Result, Version};
use certstore_objects::ObjectNames;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use tokio::runtime::Handle;

use crate::bucket::{Bucket, When};
use crate::error::BACKEND;
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

/// A run of the probe. Its error is one for all who wait for it.
type Attempt = Shared<BoxFuture<'static, std::result::Result<ProbeReport, Arc<Error>>>>;

/// The result of the probe, once there is one. Shared by all clients of a bucket in this process.
pub(crate) struct Proof {
    bucket: Arc<Bucket>,
    report: OnceLock<ProbeReport>,
    running: Mutex<Option<Attempt>>,
}

impl Proof {
    pub(crate) fn new(bucket: Arc<Bucket>, known: Option<ProbeReport>) -> Arc<Self> {
        let report = known.map(OnceLock::from).unwrap_or_default();
        Arc::new(Self { bucket, report, running: Mutex::new(None) })
    }

    pub(crate) fn known(&self) -> Option<&ProbeReport> {
        self.report.get()
    }

    /// Probes unless that has been done. In a task of its own, so that a caller who goes away leaves nothing behind.
    pub(crate) async fn report(self: &Arc<Self>, names: &ObjectNames) -> Result<ProbeReport> {
        if let Some(report) = self.report.get() {
            return Ok(report.clone());
        }
        self.attempt(names).await.map_err(|error| {
            let message = "the store could not be tried out on its conditional writes";
            Error::new(error.kind(), message).with_backend(BACKEND).with_source(error)
        })
    }

    /// The run that is under way, or a new one.
    fn attempt(self: &Arc<Self>, names: &ObjectNames) -> Attempt {
        let runtime = Handle::current();
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        // One that ended without anybody looking is over, too.
        let under_way = running.as_ref().filter(|run| Attempt::clone(run).now_or_never().is_none());
        if let Some(attempt) = under_way {
            return attempt.clone();
        }
        let (proof, names) = (self.clone(), names.clone());
        let probing = runtime.spawn(async move {
            if let Some(report) = proof.report.get() {
                return Ok(report.clone());
            }
            let report = probe::run(&proof.bucket, &names).await?;
            Ok(proof.report.get_or_init(|| report).clone())
        });
        let ended = async {
            let report = probing.await.unwrap_or_else(|stopped| {
                let message = "the probe was stopped with its runtime";
                Err(Error::new(ErrorKind::Unavailable, message).with_source(stopped))
            });
            report.map_err(Arc::new)
        };
        running.insert(ended.boxed().shared()).clone()
    }

    /// # Errors
    /// [`ErrorKind::Unsupported`] when the probe found that the store does not keep its word. Else of the probe.
    pub(crate) async fn require(self: &Arc<Self>, names: &ObjectNames, need: Need) -> Result<()> {
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
