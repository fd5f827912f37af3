//! Work that must not be left half done.

use std::future::Future;

use certstore_core::{Error, ErrorKind, Result};
use tokio::time::{Instant, timeout_at};

use crate::error::{Access, BACKEND};
use crate::transport;

/// Runs `work` in a task of its own, to its end also when the caller goes away or stops waiting at `limit`.
///
/// # Errors
/// Of the work; [`ErrorKind::Unavailable`] when it takes longer, or the runtime ends.
pub(crate) async fn to_its_end<T: Send + 'static>(
    limit: Instant,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let left = limit.saturating_duration_since(Instant::now());
    match timeout_at(limit, tokio::spawn(work)).await {
        Ok(Ok(done)) => done,
        Ok(Err(stopped)) => {
            Err(Error::new(ErrorKind::Unavailable, "the call was stopped with its runtime")
                .with_backend(BACKEND)
                .with_may_have_applied(true)
                .with_source(stopped))
        }
        Err(_) => Err(transport::too_late(left, Access::Write)),
    }
}
