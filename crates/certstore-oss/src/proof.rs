//! What is known of the store's appends, and the calls that need them.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use certstore_core::{Error, ErrorKind, Result};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use tokio::runtime::Handle;

use crate::bucket::Bucket;
use crate::error::BACKEND;
use crate::names::Names;
use crate::probe::{self, Verdict};

/// A run of the probe. Its error is one for all who wait for it.
type Attempt = Shared<BoxFuture<'static, std::result::Result<Verdict, Arc<Error>>>>;

/// The result of the probe, once there is one. Shared by all clients of a bucket in this process.
pub(crate) struct Proof {
    bucket: Arc<Bucket>,
    verdict: OnceLock<Verdict>,
    running: Mutex<Option<Attempt>>,
}

impl Proof {
    pub(crate) fn new(bucket: Arc<Bucket>) -> Arc<Self> {
        Arc::new(Self { bucket, verdict: OnceLock::new(), running: Mutex::new(None) })
    }

    /// # Errors
    /// [`ErrorKind::Unsupported`] when the probe found that the store does not keep its word. Else of the probe.
    pub(crate) async fn require(self: &Arc<Self>, names: &Names) -> Result<()> {
        let verdict = match self.verdict.get() {
            Some(verdict) => *verdict,
            None => self.attempt(names).await.map_err(|error| {
                let message = "the store could not be tried out on its appends";
                Error::new(error.kind(), message).with_backend(BACKEND).with_source(error)
            })?,
        };
        match verdict {
            Ok(()) => Ok(()),
            Err(fault) => Err(Error::unsupported(format!(
                "this store does not keep what OSS promises of AppendObject: {fault}; lock through another backend \
                 ([storage.lock]), or use a store that does"
            ))
            .with_backend(BACKEND)),
        }
    }

    /// The run that is under way, or a new one: in a task of its own, so that a caller who goes away leaves nothing
    /// behind.
    fn attempt(self: &Arc<Self>, names: &Names) -> Attempt {
        let runtime = Handle::current();
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        // One that ended without anybody looking is over, too.
        let under_way = running.as_ref().filter(|run| Attempt::clone(run).now_or_never().is_none());
        if let Some(attempt) = under_way {
            return attempt.clone();
        }
        let (proof, names) = (self.clone(), names.clone());
        let probing = runtime.spawn(async move {
            if let Some(verdict) = proof.verdict.get() {
                return Ok(*verdict);
            }
            let verdict = probe::run(&proof.bucket, &names).await?;
            Ok(*proof.verdict.get_or_init(|| verdict))
        });
        let ended = async {
            let verdict = probing.await.unwrap_or_else(|stopped| {
                let message = "the probe was stopped with its runtime";
                Err(Error::new(ErrorKind::Unavailable, message).with_source(stopped))
            });
            verdict.map_err(Arc::new)
        };
        running.insert(ended.boxed().shared()).clone()
    }
}
