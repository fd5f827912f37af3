//! How often a request is sent, with the time of a test.

use std::sync::atomic::{AtomicU32, Ordering};

use certstore_core::{Error, ErrorKind};

use super::*;
use crate::error::answered;

const LIMIT: Duration = Duration::from_secs(10);

/// How often it was sent, what became of it, and how long that took, when the first `failing` attempts get `status`.
async fn sent(sending: Sending, status: u16, failing: u32) -> (u32, Result<()>, Duration) {
    let count = AtomicU32::new(0);
    let started = Instant::now();
    let done = send(LIMIT, sending, || async {
        match count.fetch_add(1, Ordering::SeqCst) < failing {
            true => Err(answered(Answer { status, ..Answer::default() }, sending.access())),
            false => Ok(()),
        }
    });
    let done = done.await;
    (count.load(Ordering::SeqCst), done, started.elapsed())
}

#[tokio::test(start_paused = true)]
async fn reads_and_plain_writes_are_sent_three_times() {
    for sending in [Sending::Reads, Sending::Repeats] {
        let (count, done, _) = sent(sending, 503, 2).await;
        assert!(done.is_ok() && count == 3, "{sending:?}");
        let (count, done, _) = sent(sending, 503, 3).await;
        assert_eq!((count, done.unwrap_err().kind()), (3, ErrorKind::Unavailable), "{sending:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_on_a_condition_is_sent_once() {
    let (count, done, _) = sent(Sending::Once, 503, 1).await;
    let error = done.unwrap_err();
    assert!(count == 1 && error.may_have_applied(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_too_much_is_sent_again_for_as_long_as_there_is_time() {
    for sending in [Sending::Reads, Sending::Repeats, Sending::Once] {
        let (count, done, took) = sent(sending, 429, 5).await;
        assert!(done.is_ok() && count == 6, "{sending:?}");
        assert!(took > Duration::from_secs(3) && took < LIMIT, "{sending:?} {took:?}");
        let (count, done, took) = sent(sending, 429, u32::MAX).await;
        let error = done.unwrap_err();
        assert!(error.is_retryable() && !error.may_have_applied(), "{error:?}");
        assert!(count > 6 && count < 20 && took <= LIMIT, "{sending:?} {count} {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_attempt_may_have_done_is_not_forgotten() {
    let count = AtomicU32::new(0);
    let done: Result<()> = send(LIMIT, Sending::Repeats, || async {
        let status = if count.fetch_add(1, Ordering::SeqCst) == 0 { 500 } else { 403 };
        Err(answered(Answer { status, ..Answer::default() }, Access::Write))
    })
    .await;
    let error = done.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.may_have_applied(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_not_waited_for() {
    for (sending, times) in [(Sending::Reads, 2), (Sending::Repeats, 1), (Sending::Once, 1)] {
        let count = AtomicU32::new(0);
        let started = Instant::now();
        let done: Result<()> = send(LIMIT, sending, || {
            count.fetch_add(1, Ordering::SeqCst);
            std::future::pending::<Result<(), Error>>()
        })
        .await;
        let error = done.unwrap_err();
        assert_eq!(error.may_have_applied(), sending != Sending::Reads, "{error:?}");
        assert_eq!(count.load(Ordering::SeqCst), times, "{sending:?}");
        assert!(started.elapsed() <= LIMIT, "{:?}", started.elapsed());
    }
}
