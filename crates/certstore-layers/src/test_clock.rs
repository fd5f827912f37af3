//! A clock that tests set.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use certstore_core::{Clock, Sleep};
use tokio::sync::watch;

/// Stands still until it is moved. All clocks of it move together.
#[derive(Debug)]
pub(crate) struct TestClock(watch::Sender<(Duration, SystemTime)>);

impl TestClock {
    /// A machine that started a day ago, in 2030.
    pub(crate) fn new() -> Arc<Self> {
        let wall = UNIX_EPOCH + Duration::from_secs(1_900_000_000);
        Arc::new(Self(watch::Sender::new((Duration::from_secs(86_400), wall))))
    }

    /// Time goes by.
    pub(crate) fn advance(&self, by: Duration) {
        self.0.send_modify(|(since_start, wall)| {
            *since_start += by;
            *wall += by;
        });
    }

    /// The wall clock alone is set back.
    #[allow(dead_code, clippy::allow_attributes, reason = "some test programs use a part of it")]
    pub(crate) fn set_wall_back(&self, by: Duration) {
        self.0.send_modify(|(_, wall)| *wall -= by);
    }

    /// Waits until so many sleep.
    #[allow(dead_code, clippy::allow_attributes, reason = "some test programs use a part of it")]
    pub(crate) async fn sleepers(&self, count: usize) {
        while self.0.receiver_count() < count {
            tokio::task::yield_now().await;
        }
    }
}

impl Clock for TestClock {
    fn boottime(&self) -> Duration {
        self.0.borrow().0
    }

    fn monotonic(&self) -> Duration {
        self.0.borrow().0
    }

    fn wall(&self) -> SystemTime {
        self.0.borrow().1
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let until = self.boottime() + duration;
        let mut moved = self.0.subscribe();
        Box::pin(async move {
            // A clock that has gone never gets there.
            if moved.wait_for(|(now, _)| *now >= until).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}
