use std::time::{Duration, SystemTime};

use certstore_conformance::Gate;
use certstore_core::{Clock, ErrorKind, Locker as _, Sleep, Storage as _};
use tokio::time::Instant;

use super::Writer;

/// tokio's time since it was made.
#[derive(Debug)]
struct Paused(Instant);

impl Clock for Paused {
    fn boottime(&self) -> Duration {
        self.0.elapsed()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.0.elapsed()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_is_repeated_until_the_storage_answers_or_two_minutes_are_over() {
    let gate = Gate::new();
    let key = "a".parse().unwrap();
    // Locks of another storage: this one's would be lost.
    let locks = Gate::new();
    let guard = locks.lock(&"job".parse().unwrap()).await.unwrap();
    let clock = &Paused(Instant::now());
    let writer = Writer { storage: &*gate, guard: &guard, clock };
    gate.go_away();
    let back = async {
        gate.refused(5).await;
        gate.come_back();
    };
    let (written, ()) = tokio::join!(writer.insist(|| writer.store(&key, b"1")), back);
    written.unwrap();
    assert_eq!(gate.memory.load(&key).await.unwrap().as_ref(), b"1");

    gate.go_away();
    let start = Instant::now();
    let error = writer.insist(|| writer.store(&key, b"2")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let lasted = start.elapsed();
    assert!((Duration::from_secs(110)..Duration::from_secs(140)).contains(&lasted), "{lasted:?}");
}
