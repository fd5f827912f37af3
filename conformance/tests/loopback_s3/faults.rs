//! Each fault switch, seen from the wire.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use certstore_conformance::loopback_s3::{Effect, Fault, LoopbackS3, Op};

use super::client::{get, put, send};

const ABSENT: &str = "if-none-match: *";

/// Arms `effect` once for the next PutObject and stores; gives the status and whether the object is there.
fn struck(effect: Effect) -> (u16, bool) {
    let server = LoopbackS3::start().expect("the test can go on");
    let fault = server.fault(Fault::new(effect).on(Op::PutObject));
    let status = put(&server, "a", &[ABSENT], "body");
    assert_eq!(fault.fired(), 1);
    let found = get(&server, "a");
    let there = found.is_some();
    assert!(found.is_none_or(|body| body == "body"));
    let again = put(&server, "a", &[ABSENT], "body");
    assert_eq!(again, if there { 412 } else { 200 }, "once only");
    (status, there)
}

#[test]
fn what_is_done_and_what_is_said() {
    assert_eq!(struck(Effect::LoseRequest), (0, false));
    assert_eq!(struck(Effect::LoseReply), (0, true));
    assert_eq!(struck(Effect::Conflict), (409, false));
    assert_eq!(struck(Effect::FailAgainstItself), (412, true));
    assert_eq!(struck(Effect::InternalError), (500, false));
    assert_eq!(struck(Effect::InternalErrorAfter), (500, true));
    assert_eq!(struck(Effect::SlowDown), (503, false));
    assert_eq!(struck(Effect::QuotaExceeded), (403, false));
}

#[test]
fn a_cut_body_is_half_of_what_its_header_says() {
    let server = LoopbackS3::start().expect("the test can go on");
    assert_eq!(put(&server, "a", &[], "12345678"), 200);
    let fault = server.fault(Fault::new(Effect::TruncateBody).on(Op::GetObject));
    let cut = send(&server, "GET", "a", &[], "");
    assert_eq!((cut.status, cut.length, cut.body.as_str()), (200, Some(8), "1234"));
    assert_eq!(fault.fired(), 1);
    assert_eq!(get(&server, "a").expect("the test can go on"), "12345678");
}

#[test]
fn a_delay_comes_before_the_deed_or_after_it() {
    let server = LoopbackS3::start().expect("the test can go on");
    let time = Duration::from_millis(400);
    for (effect, there) in [(Effect::Delay(time), false), (Effect::DelayReply(time), true)] {
        server.lift_faults();
        assert!([204, 404].contains(&send(&server, "DELETE", "a", &[], "").status));
        let fault = server.fault(Fault::new(effect).on(Op::PutObject).key("a"));
        let began = Instant::now();
        std::thread::scope(|scope| {
            let delayed = scope.spawn(|| put(&server, "a", &[], "body"));
            while fault.fired() == 0 {
                std::thread::yield_now();
            }
            // Another connection sees the deed long before the reply, or not yet.
            let seen_by = began + time / 2;
            let mut seen = get(&server, "a").is_some();
            while there && !seen && Instant::now() < seen_by {
                seen = get(&server, "a").is_some();
            }
            assert_eq!(seen, there, "{effect:?}");
            assert_eq!(delayed.join().expect("the test can go on"), 200);
        });
        assert!(began.elapsed() >= time);
        assert!(get(&server, "a").is_some());
    }
}

#[test]
fn a_store_that_ignores_conditions_lets_everyone_win() {
    let server = LoopbackS3::start().expect("the test can go on");
    let ignored = server.fault(Fault::new(Effect::IgnoreConditions).on(Op::PutObject).always());
    assert_eq!(put(&server, "a", &[ABSENT], "1"), 200);
    assert_eq!(put(&server, "a", &[ABSENT], "2"), 200);
    assert_eq!(put(&server, "a", &["if-match: \"0\""], "3"), 200);
    assert_eq!(
        send(&server, "DELETE", "a", &["if-match: \"0\""], "").status,
        412,
        "deletes keep theirs"
    );
    ignored.lift();
    assert_eq!(put(&server, "a", &[ABSENT], "4"), 412);

    server.fault(Fault::new(Effect::IgnoreConditions).on(Op::DeleteObject).always());
    assert_eq!(send(&server, "DELETE", "a", &["if-match: \"0\""], "").status, 204);
    assert_eq!(get(&server, "a"), None);
}

/// Sends from every thread at once and counts the successes.
fn winners(server: &LoopbackS3, racers: usize) -> usize {
    let barrier = Barrier::new(racers);
    let attempt = |number: usize| {
        barrier.wait();
        put(server, "a", &[ABSENT], &number.to_string())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..racers).map(|number| scope.spawn(move || attempt(number))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("the test can go on"))
            .filter(|status| *status == 200)
            .count()
    })
}

#[test]
fn a_racy_store_is_right_one_at_a_time_and_wrong_among_racers() {
    let server = LoopbackS3::start().expect("the test can go on");
    let racy = Effect::RacyConditions(Duration::from_millis(300));
    server.fault(Fault::new(racy).on(Op::PutObject).always());
    assert_eq!(put(&server, "b", &[ABSENT], "1"), 200);
    assert_eq!(put(&server, "b", &[ABSENT], "2"), 412);
    assert!(winners(&server, 8) > 1);
    server.lift_faults();
    assert_eq!(send(&server, "DELETE", "a", &[], "").status, 204);
    assert_eq!(winners(&server, 8), 1, "the honest store");
}

#[test]
fn a_fault_strikes_only_what_it_is_for() {
    let server = LoopbackS3::start().expect("the test can go on");
    let slow = || Fault::new(Effect::SlowDown).on(Op::PutObject).key("locks/*");
    let fault = server.fault(slow().conditional().skip(1).times(2));
    assert_eq!(put(&server, "values/a", &[ABSENT], ""), 200, "another key");
    assert_eq!(put(&server, "locks/a", &[], ""), 200, "no condition");
    assert_eq!(put(&server, "locks/b", &[ABSENT], ""), 200, "the first passes");
    assert_eq!(
        send(&server, "GET", "locks/a", &["if-match: \"0\""], "").status,
        412,
        "another operation"
    );
    for _ in 0..2 {
        assert_eq!(put(&server, "locks/c", &[ABSENT], ""), 503);
    }
    assert_eq!(put(&server, "locks/c", &[ABSENT], ""), 200, "two only");
    assert_eq!(fault.fired(), 2);
}

#[test]
fn a_request_that_fails_by_itself_keeps_its_own_reply() {
    let server = LoopbackS3::start().expect("the test can go on");
    server.fault(Fault::new(Effect::FailAgainstItself).always());
    server.fault(Fault::new(Effect::InternalErrorAfter).always());
    assert_eq!(send(&server, "GET", "none", &[], "").status, 404);
}
