//! How often a CA is asked for a certificate.

use std::collections::VecDeque;
use std::time::Duration;

use certstore_core::Clock;
use tokio::sync::Mutex;

/// As CertMagic: ten orders in ten seconds.
const ORDERS: usize = 10;
const SPAN: Duration = Duration::from_secs(10);

/// Lets so many through in so long a time, first come first served; the others wait.
#[derive(Debug)]
pub(crate) struct OrderLimit {
    orders: usize,
    span: Duration,
    /// When the last ones went through, the oldest first.
    last: Mutex<VecDeque<Duration>>,
}

impl Default for OrderLimit {
    fn default() -> Self {
        Self::new(ORDERS, SPAN)
    }
}

impl OrderLimit {
    /// `orders` in each `span`; none of either: no limit.
    pub(crate) fn new(orders: usize, span: Duration) -> Self {
        Self { orders, span, last: Mutex::default() }
    }

    /// Waits until one more may go through. Dropped, it lets the next one go.
    pub(crate) async fn pass(&self, clock: &dyn Clock) {
        if self.orders == 0 {
            return;
        }
        // Held while it waits: nobody overtakes.
        let mut last = self.last.lock().await;
        if last.len() >= self.orders
            && let Some(oldest) = last.front()
        {
            let wait = (*oldest + self.span).saturating_sub(clock.monotonic());
            if !wait.is_zero() {
                clock.sleep(wait).await;
            }
            last.pop_front();
        }
        last.push_back(clock.monotonic());
    }
}

#[cfg(test)]
#[path = "limit_tests.rs"]
mod tests;
