//! Each fault switch, seen from the wire.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use certstore_conformance::loopback_gcs::{Effect, Fault, LoopbackGcs, Op};

use super::client::{get, put, read, send};

const ABSENT: &str = "&ifGenerationMatch=0";

/// Arms `effect` once for the next upload and stores; gives the status and whether the object is there.
fn struck(effect: Effect) -> (u16, bool) {
    let server = LoopbackGcs::start().expect("the test can go on");
    let fault = server.fault(Fault::new(effect).on(Op::InsertObject));
    let status = put(&server, "a", ABSENT, "body");
    assert_eq!(fault.fired(), 1);
    let found = get(&server, "a");
    let there = found.is_some();
    assert!(found.is_none_or(|body| body == "body"));
    let again = put(&server, "a", ABSENT, "body");
    assert_eq!(again, if there { 412 } else { 200 }, "once only");
    (status, there)
}

#[test]
fn what_is_done_and_what_is_said() {
    assert_eq!(struck(Effect::LoseRequest), (0, false));
    assert_eq!(struck(Effect::LoseReply), (0, true));
    assert_eq!(struck(Effect::FailAgainstItself), (412, true));
    assert_eq!(struck(Effect::InternalError), (500, false));
    assert_eq!(struck(Effect::InternalErrorAfter), (500, true));
    assert_eq!(struck(Effect::ServiceUnavailable), (503, false));
    assert_eq!(struck(Effect::TooManyRequests), (429, false));
}

#[test]
fn a_cut_body_is_half_of_what_its_header_says() {
    let server = LoopbackGcs::start().expect("the test can go on");
    assert_eq!(put(&server, "a", "", "12345678"), 200);
    let fault = server.fault(Fault::new(Effect::TruncateBody).on(Op::ReadObject));
    let cut = read(&server, "a", "");
    assert_eq!((cut.status, cut.length, cut.body.as_str()), (200, Some(8), "1234"));
    assert_eq!(fault.fired(), 1);
    assert_eq!(get(&server, "a").expect("the test can go on"), "12345678");
}

#[test]
fn a_delay_comes_before_the_deed_or_after_it() {
    let server = LoopbackGcs::start().expect("the test can go on");
    let time = Duration::from_millis(400);
    for (effect, there) in [(Effect::Delay(time), false), (Effect::DelayReply(time), true)] {
        server.lift_faults();
        let gone = send(&server, "DELETE", "/storage/v1/b/certs/o/a", &[], "").status;
        assert!([204, 404].contains(&gone));
        let fault = server.fault(Fault::new(effect).on(Op::InsertObject).key("a"));
        let began = Instant::now();
        std::thread::scope(|scope| {
            let delayed = scope.spawn(|| put(&server, "a", "", "body"));
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
fn a_server_that_ignores_conditions_lets_everyone_win() {
    let server = LoopbackGcs::start().expect("the test can go on");
    let ignored = server.fault(Fault::new(Effect::IgnoreConditions).on(Op::InsertObject).always());
    for body in ["1", "2"] {
        assert_eq!(put(&server, "a", ABSENT, body), 200);
    }
    assert_eq!(put(&server, "a", "&ifGenerationMatch=7", "3"), 200);
    let delete = "/storage/v1/b/certs/o/a?ifGenerationMatch=7";
    assert_eq!(send(&server, "DELETE", delete, &[], "").status, 412, "deletes keep theirs");
    ignored.lift();
    assert_eq!(put(&server, "a", ABSENT, "4"), 412);
    server.fault(Fault::new(Effect::IgnoreConditions).on(Op::DeleteObject).always());
    assert_eq!(send(&server, "DELETE", delete, &[], "").status, 204);
    assert_eq!(get(&server, "a"), None);
}

#[test]
fn of_many_that_create_or_replace_one_wins() {
    const RACERS: usize = 16;
    let server = LoopbackGcs::start().expect("the test can go on");
    let winners = |condition: &str| {
        let barrier = Barrier::new(RACERS);
        let attempt = |number: usize| {
            barrier.wait();
            put(&server, "a", condition, &number.to_string())
        };
        let attempt = &attempt;
        std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..RACERS).map(|number| scope.spawn(move || attempt(number))).collect();
            let statuses = threads.into_iter().map(|thread| thread.join().expect("no panic"));
            let statuses: Vec<u16> = statuses.collect();
            assert!(statuses.iter().all(|status| [200, 412].contains(status)), "{statuses:?}");
            statuses.iter().filter(|status| **status == 200).count()
        })
    };
    for _ in 0..5 {
        assert_eq!(winners(ABSENT), 1);
        let generation = read(&server, "a", "").generation.expect("an object has a generation");
        assert_eq!(winners(&format!("&ifGenerationMatch={generation}")), 1);
        assert_eq!(send(&server, "DELETE", "/storage/v1/b/certs/o/a", &[], "").status, 204);
    }
}

#[test]
fn a_fault_strikes_only_what_it_is_for() {
    let server = LoopbackGcs::start().expect("the test can go on");
    let slow = || Fault::new(Effect::TooManyRequests).on(Op::InsertObject).key("locks/*");
    let fault = server.fault(slow().conditional().skip(1).times(2));
    assert_eq!(put(&server, "values/a", ABSENT, ""), 200, "another key");
    assert_eq!(put(&server, "locks/a", "", ""), 200, "no condition");
    assert_eq!(put(&server, "locks/b", ABSENT, ""), 200, "the first passes");
    assert_eq!(read(&server, "locks%2Fa", "&ifGenerationMatch=7").status, 412, "another operation");
    for _ in 0..2 {
        assert_eq!(put(&server, "locks/c", ABSENT, ""), 429);
    }
    assert_eq!(put(&server, "locks/c", ABSENT, ""), 200, "two only");
    assert_eq!(fault.fired(), 2);
}

#[test]
fn a_request_that_fails_by_itself_keeps_its_own_reply() {
    let server = LoopbackGcs::start().expect("the test can go on");
    server.fault(Fault::new(Effect::FailAgainstItself).always());
    server.fault(Fault::new(Effect::InternalErrorAfter).always());
    assert_eq!(read(&server, "none", "").status, 404);
}
