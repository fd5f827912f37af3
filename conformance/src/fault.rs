//! Cancellation at a chosen await.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

/// The most awaits that a case cuts at; more are progress of another kind (waiting, polling).
pub const MAX_CUTS: usize = 64;

/// Polls `future` until it is done or has been pending `polls` times, then drops it on the spot. `None`: it was cut.
///
/// A case calls it with 1, 2, 3 and so on until the future gets through: then it was dropped at every await.
///
/// # Cancel safety
/// Dropping it drops `future`.
///
/// ```
/// use certstore_conformance::fault::cut_after;
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let twice = || async { tokio::task::yield_now().await; tokio::task::yield_now().await; 7 };
/// assert_eq!(cut_after(twice(), 2).await, None);
/// assert_eq!(cut_after(twice(), 3).await, Some(7));
/// # }
/// ```
pub async fn cut_after<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let future = pin!(future);
    Cut { future, left: polls }.await
}

struct Cut<'a, F> {
    future: Pin<&'a mut F>,
    left: usize,
}

impl<F: Future> Future for Cut<'_, F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.left = self.left.saturating_sub(1);
        match self.future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if self.left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}
