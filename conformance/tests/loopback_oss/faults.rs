//! Each fault switch, seen from the wire.

use std::time::{Duration, Instant};

use certstore_conformance::loopback_oss::{Effect, Fault, LoopbackOss, Op};

use super::client::{append, get, put, send};

const FORBID: &str = "x-oss-forbid-overwrite: true";

/// Arms `effect` once for the next PutObject and stores; gives the status and whether the object is there.
fn struck(effect: Effect) -> (u16, bool) {
    let server = LoopbackOss::start().expect("the test can go on");
    let fault = server.fault(Fault::new(effect).on(Op::PutObject));
    let status = put(&server, "a", &[FORBID], "body");
    assert_eq!(fault.fired(), 1);
    let found = get(&server, "a");
    let there = found.is_some();
    assert!(found.is_none_or(|body| body == "body"));
    let again = put(&server, "a", &[FORBID], "body");
    assert_eq!(again, if there { 409 } else { 200 }, "once only");
    (status, there)
}

#[test]
fn what_is_done_and_what_is_said() {
    assert_eq!(struck(Effect::LoseRequest), (0, false));
    assert_eq!(struck(Effect::LoseReply), (0, true));
    assert_eq!(struck(Effect::InternalError), (500, false));
    assert_eq!(struck(Effect::InternalErrorAfter), (500, true));
    assert_eq!(struck(Effect::ServiceUnavailable), (503, false));
    assert_eq!(struck(Effect::QpsLimitExceeded), (503, false));
    assert_eq!(struck(Effect::Repeat), (409, true));
}

#[test]
fn a_cut_body_is_half_of_what_its_header_says() {
    let server = LoopbackOss::start().expect("the test can go on");
    assert_eq!(put(&server, "a", &[], "12345678"), 200);
    let fault = server.fault(Fault::new(Effect::TruncateBody).on(Op::GetObject));
    let cut = send(&server, "GET", "a", &[], "");
    assert_eq!((cut.status, cut.header("content-length"), &*cut.body), (200, Some("8"), "1234"));
    assert_eq!(fault.fired(), 1);
    assert_eq!(get(&server, "a").expect("the test can go on"), "12345678");
}

#[test]
fn a_delay_comes_before_the_deed_or_after_it() {
    let server = LoopbackOss::start().expect("the test can go on");
    let time = Duration::from_millis(400);
    for (effect, there) in [(Effect::Delay(time), false), (Effect::DelayReply(time), true)] {
        server.lift_faults();
        assert_eq!(send(&server, "DELETE", "a", &[], "").status, 204);
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
fn a_store_that_keeps_no_word_lets_everyone_win() {
    let server = LoopbackOss::start().expect("the test can go on");
    let ignored = server.fault(Fault::new(Effect::IgnorePosition).always());
    assert_eq!([append(&server, "a", 9, "1"), append(&server, "a", 0, "2")], [200, 200]);
    assert_eq!(get(&server, "a").as_deref(), Some("12"));
    ignored.lift();
    assert_eq!(append(&server, "a", 0, "3"), 409);

    let ignored = server.fault(Fault::new(Effect::IgnoreForbidOverwrite).always());
    assert_eq!(put(&server, "b", &[FORBID], "1"), 200);
    assert_eq!(put(&server, "b", &[FORBID], "2"), 200);
    ignored.lift();
    assert_eq!(put(&server, "b", &[FORBID], "3"), 409);
    assert_eq!(get(&server, "b").as_deref(), Some("2"));
}

#[test]
fn a_fault_strikes_only_what_it_is_for() {
    let server = LoopbackOss::start().expect("the test can go on");
    let busy = || Fault::new(Effect::ServiceUnavailable).on(Op::PutObject).key("locks/*");
    let fault = server.fault(busy().conditional().skip(1).times(2));
    assert_eq!(put(&server, "values/a", &[FORBID], ""), 200, "another key");
    assert_eq!(put(&server, "locks/a", &[], ""), 200, "no condition");
    assert_eq!(put(&server, "locks/b", &[FORBID], ""), 200, "the first passes");
    assert_eq!(append(&server, "locks/c", 0, "x"), 200, "another operation");
    for _ in 0..2 {
        assert_eq!(put(&server, "locks/d", &[FORBID], ""), 503);
    }
    assert_eq!(put(&server, "locks/d", &[FORBID], ""), 200, "two only");
    assert_eq!(fault.fired(), 2);
}

#[test]
fn a_checksum_can_be_left_out() {
    let server = LoopbackOss::start().expect("the test can go on");
    let sum = |reply: super::client::Reply| reply.header("x-oss-hash-crc64ecma").map(str::to_owned);
    assert!(sum(send(&server, "POST", "a?append&position=0", &[], "x")).is_some());
    server.fault(Fault::new(Effect::NoChecksum).always());
    assert_eq!(sum(send(&server, "POST", "a?append&position=1", &[], "x")), None);
    assert_eq!(sum(send(&server, "HEAD", "a", &[], "")), None);
}
