//! Work on tokio, awaited from anywhere.

use std::future::{Future, pending};
use std::panic::resume_unwind;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// Runs `work` on the runtime and waits for it: rustls-acme may be polled by any executor, the backends need tokio.
///
/// When the runtime is shut down it never completes: an error would make rustls-acme order a certificate.
///
/// # Cancel safety
/// Dropped, `work` is dropped at its next await.
pub(crate) async fn on<T: Send + 'static>(
    runtime: &Handle,
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    let mut task = AbortOnDrop(runtime.spawn(work));
    match (&mut task.0).await {
        Ok(done) => done,
        Err(stopped) => match stopped.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => pending().await,
        },
    }
}

struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
