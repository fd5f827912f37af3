//! Turns, on a clock of the test's.

use certstore_core::Sleep;

use super::*;

/// Time goes on only by waiting.
#[derive(Debug, Default)]
struct Waiting(Mutex<Duration>);

impl Clock for Waiting {
    fn boottime(&self) -> Duration {
        self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    fn wall(&self) -> std::time::SystemTime {
        std::time::UNIX_EPOCH
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        *self.0.lock().unwrap() += duration;
        Box::pin(std::future::ready(()))
    }
}

fn rate(writes: u32, lists: u32) -> (Rate, Arc<Waiting>) {
    let mut config = SecretsManagerConfig::new("p");
    (config.max_writes_per_second, config.max_lists_per_second) = (writes, lists);
    let clock = Arc::new(Waiting::default());
    (Rate::with_clock(&config, clock.clone()), clock)
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn no_window_has_more_than_the_quota() {
    let (rate, clock) = rate(10, 0);
    let mut sent = Vec::new();
    for number in 0..75_u64 {
        // Some time goes by between requests, now and then.
        *clock.0.lock().unwrap() += Duration::from_millis(number % 7 * 13);
        rate.turn(Quota::Value, false, LONG).await.unwrap();
        sent.push(clock.monotonic());
    }
    for (at, early) in sent.iter().enumerate() {
        let within = sent[at..].iter().take_while(|late| **late < *early + WINDOW).count();
        assert!(within <= 10, "{within} from {early:?} on");
    }
    // And no more waiting than that takes.
    assert!(*sent.last().unwrap() < 9 * WINDOW, "{:?}", sent.last());
}

#[test]
fn a_burst_within_the_quota_does_not_wait() {
    let (rate, _) = rate(50, 100);
    for _ in 0..50 {
        assert_eq!(rate.reserve(Quota::Value, false, LONG).unwrap(), Duration::ZERO);
    }
    // Each kind has its own quota.
    for quota in [Quota::Create, Quota::Delete, Quota::Restore, Quota::List, Quota::Read] {
        assert_eq!(rate.reserve(quota, false, LONG).unwrap(), Duration::ZERO, "{quota:?}");
    }
    assert_eq!(rate.reserve(Quota::Value, false, LONG).unwrap(), WINDOW);
}

#[test]
fn what_would_come_too_late_is_refused_and_takes_no_turn() {
    let (rate, clock) = rate(2, 2);
    for pause in [0, 0, 1, 1] {
        assert_eq!(rate.reserve(Quota::Create, false, LONG).unwrap(), pause * WINDOW);
    }
    for _ in 0..3 {
        let error = rate.reserve(Quota::Create, false, WINDOW).unwrap_err();
        assert!(error.is_retryable() && !error.may_have_applied());
        for word in ["new secrets", "2 a second", "max_writes_per_second"] {
            assert!(error.to_string().contains(word), "{error}");
        }
    }
    *clock.0.lock().unwrap() += WINDOW;
    assert_eq!(rate.reserve(Quota::Create, false, WINDOW).unwrap(), WINDOW);
    rate.reserve(Quota::List, false, LONG).unwrap();
    rate.reserve(Quota::List, false, LONG).unwrap();
    let error = rate.reserve(Quota::List, false, Duration::ZERO).unwrap_err();
    assert!(error.to_string().contains("max_lists_per_second"), "{error}");
}

#[test]
fn an_urgent_request_goes_at_once_and_is_counted() {
    let (rate, _) = rate(2, 2);
    for pause in [0, 0, 1, 1] {
        assert_eq!(rate.reserve(Quota::Value, false, LONG).unwrap(), pause * WINDOW);
    }
    assert_eq!(rate.reserve(Quota::Value, true, Duration::ZERO).unwrap(), Duration::ZERO);
    assert_eq!(rate.reserve(Quota::Value, false, LONG).unwrap(), 2 * WINDOW);
}

#[test]
fn without_a_limit_nothing_is_kept() {
    let (rate, _) = rate(0, 0);
    for _ in 0..1_000 {
        assert_eq!(rate.reserve(Quota::Value, false, Duration::ZERO).unwrap(), Duration::ZERO);
        assert_eq!(rate.reserve(Quota::List, false, Duration::ZERO).unwrap(), Duration::ZERO);
    }
    assert!(rate.turns().iter().all(VecDeque::is_empty));
}
