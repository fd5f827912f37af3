use std::sync::Arc;

use certstore_core::{Sleep, SystemClock};
use tokio::time::Instant;

use super::*;

/// tokio's time, which the test lets run ahead.
#[derive(Debug)]
struct Ahead(Instant);

impl Clock for Ahead {
    fn boottime(&self) -> Duration {
        self.0.elapsed()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    fn wall(&self) -> std::time::SystemTime {
        SystemClock.wall()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }
}

#[tokio::test(start_paused = true)]
async fn ten_go_through_in_any_ten_seconds() {
    let (limit, clock) = (Arc::new(OrderLimit::default()), Arc::new(Ahead(Instant::now())));
    let passing = (0..35).map(|_| {
        let (limit, clock) = (limit.clone(), clock.clone());
        async move {
            limit.pass(&*clock).await;
            clock.monotonic().as_secs()
        }
    });
    let passed = futures_util::future::join_all(passing).await;
    let in_turn: Vec<u64> = (0..35).map(|turn| turn / 10 * 10).collect();
    assert_eq!(passed, in_turn);
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_takes_no_place_and_a_pause_gives_room() {
    let (limit, clock) = (OrderLimit::new(1, Duration::from_secs(10)), Ahead(Instant::now()));
    limit.pass(&clock).await;
    let given_up = tokio::time::timeout(Duration::from_secs(3), limit.pass(&clock)).await;
    assert!(given_up.is_err());
    limit.pass(&clock).await;
    assert_eq!(clock.monotonic(), Duration::from_secs(10));
    tokio::time::sleep(Duration::from_secs(60)).await;
    limit.pass(&clock).await;
    assert_eq!(clock.monotonic(), Duration::from_secs(70));
    let none = OrderLimit::new(0, Duration::from_secs(10));
    for _ in 0..100 {
        none.pass(&clock).await;
    }
    assert_eq!(clock.monotonic(), Duration::from_secs(70));
}
